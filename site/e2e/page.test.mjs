// The portal's page as people use it, in a real Chromium, over registries made by the command:
// node --test site/e2e/page.test.mjs

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { accessible, choose, launch, serveFolder, verdicts, visitor } from './browser.mjs'
import { beginDemo, buildCommand, filesBelow, makeDemo, must } from './registry.mjs'

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

let folder, stele, browser, visit
let demo, samples, expected, published, server // the demonstration
let oldReceipt // of the teaching licence, from before it was revoked

const sample = (path) => join(samples, path)
const diploma = 'education/diploma.pdf' // authentic
const altered = 'received/diploma.pdf' // the same but for a byte; not registered
const licence = 'education/teaching-licence.docx' // revoked

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-page-'))
  demo = join(folder, 'demo')
  samples = join(demo, 'samples')
  stele = await buildCommand(folder)
  oldReceipt = join(folder, 'old.tlog-proof')
  await beginDemo(stele, demo)
  await must(stele, 'publish', '--registry', demo)
  await must(stele, 'receipt', sample(licence), '--registry', demo, '-o', oldReceipt)
  expected = await makeDemo(stele, demo)
  published = new Set(await filesBelow(join(demo, 'public')))
  server = await serveFolder(join(demo, 'public'))
  browser = await launch()
  visit = visitor(browser, server, published)
})

after(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true })
})

afterEach(() => server?.faults.clear())

/** A file that lies on no disk, for the page's inputs. */
const named = (name, buffer) => ({ name, mimeType: '', buffer })

const rowOf = (page, file) => page.locator(`[data-file=${JSON.stringify(file)}]`)

/** Chooses files and resolves to their verdicts, in order. */
async function check(page, files) {
  await choose(page, files)
  const rows = await verdicts(page, files.filter((f) => !(f.name ?? f).includes('.tlog-proof')).length)
  return rows.map((row) => row.verdict)
}

/** Checks one document, with nothing else on the page. */
async function checkOne(page, ...files) {
  if (await page.locator('[data-rows] > *').count()) await page.click('[data-clear]')
  await choose(page, files)
  return (await verdicts(page, 1))[0].verdict
}

/** Notes what screen readers announce, in the page's `said`. */
async function listen(page) {
  await page.evaluate(() => {
    globalThis.said = []
    const status = document.querySelector('[data-status]')
    new MutationObserver(() => said.push(status.textContent)).observe(status, { childList: true, characterData: true, subtree: true })
  })
}

/** Holds a published file back until the result is called. */
function holdBack(path) {
  let open
  const opened = new Promise((resolve) => (open = resolve))
  server.faults.set(path, (bytes) => opened.then(() => bytes))
  return open
}

/** Where the keyboard is: the row's file, and the button's name. */
const focus = (page) => page.evaluate(() => [document.activeElement.closest('.row')?.dataset.file, document.activeElement.getAttribute('aria-label')])

/** Serves a folder as long as a test runs. */
async function serving(t, of) {
  const at = await serveFolder(of)
  t.after(() => at.close())
  return at
}

/** Presses a button of a row and resolves to what is saved: its name and its bytes. */
async function save(page, label, file) {
  const [download] = await Promise.all([page.waitForEvent('download'), rowOf(page, file).getByRole('button', { name: label }).click()])
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) }
}

async function reportOf(page, file) {
  return JSON.parse((await save(page, 'Save the full report', file)).bytes)
}

/** Waits until the page could go on without a network, and takes the network away. */
async function takeNetwork(page, at) {
  const needed = ['worker.js', 'wasm_exec.js', 'hash.js', 'sha3.js', 'verifier.wasm', 'en.json', 'head']
  for (let missing = needed; missing.length > 0; ) {
    missing = needed.filter((name) => !at.log.some((r) => basename(r.path) === name))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await page.waitForLoadState('networkidle')
  await at.close()
}

// Verdicts

test('a folder with every sample: each gets its verdict', async (t) => {
  await visit(async (page) => {
    await listen(page)
    await page.setInputFiles('#folder', samples)
    const count = Object.keys(expected).length + 1 // and expected.json itself
    const rows = await verdicts(page, count)
    const got = Object.fromEntries(rows.map((row) => [row.path.replace(/^samples\//, ''), row.verdict]))
    assert.deepEqual(got, { ...expected, 'expected.json': 'not-registered' })
    assert.deepEqual(rows.map((r) => r.file), rows.map((r) => basename(r.path)))

    const briefs = await page.locator('.row-brief:visible').allTextContents()
    assert.equal(briefs.length, count)
    assert.ok(briefs.some((b) => /^Issued by Ministry of Education · registered \d+ \w+ \d{4} · valid as of \d+ \w+ \d{4} at \d+:\d\d (EET|EEST|GMT\+[23])$/.test(b)), briefs[0])
    assert.ok(briefs.every((b) => b.length > 20 && !/\{|unknown|undefined/.test(b)), briefs.join('\n'))

    await page.waitForFunction((n) => said.at(-1)?.startsWith(`${n} files. Authentic: `), count)
    assert.equal(await page.getAttribute('[data-status]', 'role'), 'status')
    t.diagnostic(`announced: ${(await page.evaluate(() => said)).join(' | ')}`)
  })
})

test('one document at a time', async () => {
  await visit(async (page) => {
    for (const [path, verdict] of Object.entries(expected)) {
      assert.equal(await checkOne(page, sample(path)), verdict, path)
      // A single answer stands open.
      assert.ok(await rowOf(page, basename(path)).locator('.meaning').isVisible(), path)
      assert.equal(await page.textContent('[data-status]'), `Result: ${await page.textContent('[data-slot=title]')}`)
    }
  })
})

test('dropped and pasted documents', async () => {
  await visit(async (page) => {
    for (const [kind, target] of [['drop', '.slab'], ['drop', 'footer'], ['paste', 'body']]) {
      const bytes = (await readFile(sample(diploma))).toString('base64')
      await page.evaluate(([kind, target, bytes]) => {
        const transfer = new DataTransfer()
        transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], 'diploma.pdf'))
        const how = { bubbles: true, cancelable: true }
        const at = document.querySelector(target)
        const event = kind === 'drop' ? new DragEvent(kind, { ...how, dataTransfer: transfer }) : new ClipboardEvent(kind, { ...how, clipboardData: transfer })
        if (kind === 'drop') at.dispatchEvent(new DragEvent('dragover', { ...how, dataTransfer: transfer }))
        at.dispatchEvent(event)
      }, [kind, target, bytes])
      assert.equal((await verdicts(page, 1))[0].verdict, 'authentic', kind)
      assert.equal(await page.locator('[data-over]').count(), 0)
      await page.click('[data-clear]')
    }
  })
})

test('the samples that the portal offers', async () => {
  await visit(async (page) => {
    await page.click('.samples summary') // all but the first few are folded
    const buttons = page.locator('[data-sample]')
    const count = await buttons.count()
    for (let i = 0; i < count; i++) await buttons.nth(i).click()
    const got = (await verdicts(page, count)).map((row) => row.verdict)
    const want = await buttons.evaluateAll((all) => all.map((b) => decodeURIComponent(b.dataset.sample)))
    assert.deepEqual(got.toSorted(), want.map((path) => expected[path.replace('samples/', '')]).toSorted())
  })
})

test('a sample that cannot be fetched is not blamed on the device', async () => {
  await visit(async (page) => {
    const button = page.locator('[data-sample]').first()
    const path = decodeURIComponent(await button.getAttribute('data-sample'))
    const open = holdBack(path)
    await button.click()
    assert.equal(await button.getAttribute('aria-disabled'), 'true')
    await button.click({ force: true }) // does nothing
    open()
    await verdicts(page, 1)
    await page.waitForFunction(() => !document.querySelector('[data-sample][aria-disabled]'))
    assert.equal(await page.locator('.row').count(), 1)
    await page.click('[data-clear]')
    server.faults.set(path, 404)
    await button.click()
    assert.deepEqual((await verdicts(page, 1)).map((r) => r.verdict), ['unavailable'])
    assert.match(await page.textContent('.row-body'), /This sample could not be fetched.*This says nothing for or against/s)
    server.faults.clear()
  }, { faulty: true })
})

// What leaves the page

test('neither the document nor its digest leaves the page, and a hit looks like a miss', async (t) => {
  const seen = {}
  for (const path of [diploma, altered, 'gazette/official-notice.txt', 'received/letter.txt']) {
    const bytes = await readFile(sample(path))
    const digest = sha256(bytes)
    const secrets = [digest, sha256(`stele.key/1\nsha256:${digest}`), createHash('sha3-512').update(bytes).digest('hex')]
    const begin = server.log.length
    await visit(async (page, requests) => {
      const last = page.waitForResponse((r) => r.url().endsWith('/issuers.json')) // what is read after any answer
      assert.equal(await checkOne(page, sample(path)), expected[path])
      await (await last).finished()
      const said = requests.flatMap((r) => [r.url, decodeURIComponent(r.url), JSON.stringify(r.headers)]).join('\n').toLowerCase()
      for (const secret of secrets) {
        for (let i = 0; i + 8 <= secret.length; i++) assert.ok(!said.includes(secret.slice(i, i + 8)), `${secret.slice(i, i + 8)} was sent`)
      }
      for (let i = 0; i + 16 <= Math.min(bytes.length, 4096); i += 16) assert.ok(!said.includes(bytes.toString('latin1', i, i + 16).toLowerCase()))
      assert.ok(!said.includes(basename(path).toLowerCase()))
      const { candidates } = await reportOf(page, basename(path))
      t.diagnostic(`${path}: the request could have been about ${candidates} registered documents`)
      assert.ok(candidates >= 16)
    })
    seen[path] = server.log.slice(begin).map((r) => `${r.method} ${r.path.replace(/[0-9a-f]{12,}/g, 'H')} ${r.status}`).toSorted()
  }
  for (const requests of Object.values(seen)) assert.deepEqual(requests, seen[diploma])
})

test('the content security policy stops what was smuggled in', async () => {
  await visit(async (page) => {
    const got = await page.evaluate(async () => {
      const script = document.createElement('script')
      script.textContent = 'globalThis.smuggled = true'
      document.body.append(script)
      const image = document.createElement('img')
      image.setAttribute('onerror', 'globalThis.smuggled = true')
      const failed = new Promise((resolve) => image.addEventListener('error', resolve))
      image.src = 'nowhere.png'
      document.body.append(image)
      const sent = await fetch('http://127.0.0.1:1/').then(() => 'sent', () => 'refused')
      await failed
      return [globalThis.smuggled ?? false, sent]
    })
    assert.deepEqual(got, [false, 'refused'])
    await page.waitForFunction(() => new Set(broken.map((b) => b.split(' ')[0])).size >= 3)
    await page.waitForLoadState('networkidle')
    // Each once: a host that sends the policy as a header too has it broken twice.
    const directives = await page.evaluate(() => [...new Set(broken.splice(0).map((b) => b.split(' ')[0]))])
    assert.deepEqual(directives.toSorted(), ['connect-src', 'script-src-attr', 'script-src-elem'])
  }, { faulty: true, at: Object.assign(Object.create(server), {}) })
})

// Receipts

test('a receipt from the page answers without a network', async (t) => {
  const own = await serving(t, join(demo, 'public'))
  const receipt = await visit(async (page) => {
    assert.equal(await checkOne(page, sample(diploma)), 'authentic')
    const saved = await save(page, 'Save the receipt', 'diploma.pdf')
    assert.equal(saved.name, 'diploma.pdf.tlog-proof')
    return saved.bytes
  }, { at: own })
  const damaged = Buffer.from(receipt)
  damaged[receipt.length >> 1] ^= 1
  const file = async (path) => named(basename(path), await readFile(sample(path)))
  const document = await file(diploma)

  await visit(async (page) => {
    assert.equal(await checkOne(page, document, named('diploma.pdf.tlog-proof', damaged)), 'authentic')
    assert.equal(await page.locator('[data-notice=broken-receipt]').count(), 1)
    assert.equal(await checkOne(page, await file(licence), named('old.tlog-proof', await readFile(oldReceipt))), 'revoked')
    assert.equal((await reportOf(page, 'teaching-licence.docx')).source, 'registry')
  })

  await visit(async (page) => {
    await takeNetwork(page, own)
    assert.equal(await checkOne(page, document), 'unavailable')
    assert.equal(await checkOne(page, document, named('diploma.pdf.tlog-proof', receipt)), 'authentic')
    assert.equal((await reportOf(page, 'diploma.pdf')).source, 'receipt')
    assert.equal(await page.locator('[data-notice=registry-failed]').count(), 1)
    assert.equal(await checkOne(page, await file(altered), named('any.tlog-proof', receipt)), 'mismatch')
    await accessible(page, 'mismatch')
    assert.equal(await checkOne(page, document, named('diploma.pdf.tlog-proof', damaged)), 'malformed')
    assert.equal(await checkOne(page, document, named('diploma.pdf.tlog-proof', Buffer.alloc(0))), 'malformed')
    assert.equal(await checkOne(page, document, named('diploma.pdf.tlog-proof', Buffer.alloc(5 << 20))), 'malformed')

    // A receipt first, then its document through the button in its row; and one added later.
    await page.click('[data-clear]')
    await choose(page, named('diploma.pdf.tlog-proof', receipt))
    assert.equal((await verdicts(page, 1))[0].state, 'alone')
    await accessible(page, 'a receipt alone')
    await page.locator('.row input[type=file]').setInputFiles(document)
    assert.equal((await verdicts(page, 1))[0].verdict, 'authentic')
    await page.locator('.row-tools input[type=file]').setInputFiles(named('other name', damaged))
    await page.waitForSelector('.row[data-verdict=malformed]')
    await accessible(page, 'a broken receipt')
  }, { at: own, faulty: true })
})

test('several documents with their receipts, in any order', async () => {
  await visit(async (page) => {
    const receipts = []
    for (const path of [diploma, licence, 'received/letter.txt']) {
      await checkOne(page, sample(path))
      receipts.push(await save(page, 'Save the receipt', basename(path)))
    }
    await page.click('[data-clear]')
    // As browsers and mail programs call a second copy.
    const given = receipts.map(({ name, bytes }, i) => named(name + ['', ' (1)', '.txt'][i], bytes)).reverse()
    for (const path of [diploma, licence, 'received/letter.txt']) given.push(named(basename(path), await readFile(sample(path))))
    assert.deepEqual(await check(page, given), ['authentic', 'revoked', 'not-registered'])
  })
})

test('a receipt for another file can be left out, and is not forced on a document that has its answer', async () => {
  await visit(async (page) => {
    await checkOne(page, sample(diploma))
    const { bytes } = await save(page, 'Save the receipt', 'diploma.pdf')
    const other = named('other.tlog-proof', bytes)
    const letter = named('letter.txt', await readFile(sample('received/letter.txt')))
    assert.equal(await checkOne(page, letter, other), 'mismatch')
    assert.equal(await page.textContent('[data-slot=paired]'), 'with a receipt')
    const without = page.getByRole('button', { name: 'Check without the receipt: letter.txt' })
    assert.doesNotMatch(await without.getAttribute('class'), /quiet/)
    await without.click()
    await page.waitForSelector('.row[data-verdict=not-registered]')
    assert.equal(await page.textContent('[data-slot=paired]'), '')
    assert.equal(await without.count(), 0)

    await choose(page, [other])
    assert.deepEqual((await verdicts(page, 2)).map((r) => [r.file, r.state, r.verdict]), [['letter.txt', 'done', 'not-registered'], ['other.tlog-proof', 'alone', null]])
    // Its own document, chosen by keyboard, which stays there.
    const input = rowOf(page, 'other.tlog-proof').locator('input[type=file]')
    await input.focus()
    await input.setInputFiles(sample(diploma))
    assert.equal((await focus(page))[0], 'diploma.pdf')
    assert.deepEqual((await verdicts(page, 2)).map((r) => r.verdict), ['not-registered', 'authentic'])
    assert.deepEqual(await focus(page), ['diploma.pdf', 'Hide details: diploma.pdf'])
  })
})

test('saved files are named after the document, and the report says where the trust came from', async () => {
  await visit(async (page) => {
    await checkOne(page, sample(licence))
    const { name, bytes } = await save(page, 'Save the full report', 'teaching-licence.docx')
    assert.equal(name, 'teaching-licence.docx.report.json')
    const report = JSON.parse(bytes)
    assert.equal(report.verdict, 'revoked')
    assert.deepEqual(report.notices.filter((n) => n === 'trust-unpinned' || n === 'demo'), ['demo', 'trust-unpinned'])
    assert.match(await page.textContent('.history'), /Revoked \d+ \w+ \d{4} at .*The licence was obtained with a forged reference\./)
    await page.click('.row summary')
    await page.locator('.drawn [data-notice=trust-unpinned]').waitFor()
    await page.click('.technical > summary')
    // Every proof has a label in words.
    const labels = await page.locator('.proof dt').allTextContents()
    assert.ok(labels.length > 10 && labels.every((l) => /^[A-Z]/.test(l)), labels.join(', '))
  })
})

// Registries that are late, or that lie

test('evidence past its limit is stale, and a receipt past it is a record', async (t) => {
  const dir = join(folder, 'brief')
  const document = join(folder, 'brief.txt')
  await writeFile(document, 'valid for a second\n')
  await must(stele, 'init', '--registry', dir, '--demo', '--fresh', '1s', '--origin', 'brief.example/ledger')
  await must(stele, 'register', document, '--registry', dir)
  const { time } = JSON.parse(await must(stele, 'publish', '--registry', dir, '--json'))
  const at = await serving(t, join(dir, 'public'))
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(time) + 3000 - Date.now())))
  const receipt = await visit(async (page) => {
    assert.deepEqual(await check(page, [document, sample(diploma)]), ['stale', 'stale'])
    await accessible(page, 'stale')
    return save(page, 'Save the receipt', 'brief.txt')
  }, { at })
  at.faults.set('ledger/head', 500)
  await visit(async (page) => {
    const given = [named('brief.txt', await readFile(document)), named(receipt.name, receipt.bytes)]
    assert.equal(await checkOne(page, ...given), 'recorded')
    await accessible(page, 'recorded')
  }, { at, faulty: true })
})

/** Two registries with the same keys that have parted after their first publication, and the state before that. */
async function parted(name) {
  const [one, two, old] = ['one', 'two', 'old'].map((part) => join(folder, `${name}-${part}`))
  const file = async (document) => {
    const path = join(folder, `${name}-${document}.txt`)
    await writeFile(path, `${name}: ${document}\n`)
    return path
  }
  await must(stele, 'init', '--registry', one, '--demo', '--origin', `${name}.example/ledger`)
  const documents = { both: await file('both'), one: await file('one'), two: await file('two') }
  await must(stele, 'register', documents.both, '--registry', one)
  await must(stele, 'publish', '--registry', one)
  for (const other of [two, old]) await cp(one, other, { recursive: true })
  for (const [dir, document] of [[one, documents.one], [two, documents.two]]) {
    await must(stele, 'register', document, '--registry', dir)
    await must(stele, 'publish', '--registry', dir)
  }
  return { one, two, old, documents }
}

/** Waits until the page has put what it has seen where it outlives the page. */
const remembered = (page) => page.waitForFunction(() => new Promise((resolve) => {
  const opening = indexedDB.open('stele', 1)
  opening.onsuccess = () => {
    const count = opening.result.transaction('heads').objectStore('heads').count()
    count.onsuccess = () => resolve(count.result === 1)
  }
}))

const checkpointOf = (dir) => readFile(join(dir, 'public/ledger/checkpoint'))

test('a registry that shows two pasts is caught, with evidence for third parties', async (t) => {
  const { one, two, old, documents } = await parted('fork')
  const at = await serving(t, join(one, 'public'))
  await visit(async (page) => {
    assert.equal(await checkOne(page, documents.one), 'authentic')
    await remembered(page)

    // An older state is told, and is no accusation.
    await at.show(join(old, 'public'))
    await page.reload()
    assert.equal(await checkOne(page, documents.both), 'stale')
    assert.match(await page.textContent('.row-body'), /older records than this device has already seen/)
    await accessible(page, 'rolled back')

    await at.show(join(two, 'public'))
    await page.reload()
    assert.equal(await checkOne(page, documents.both), 'inconsistent')
    await accessible(page, 'inconsistent')
    assert.equal(await page.locator('.sides section').count(), 2)
    const { name, bytes } = await save(page, 'Save the evidence', 'fork-both.txt')
    assert.equal(name, 'fork-both.txt.stele-evidence')
    const evidence = join(folder, name)
    await writeFile(evidence, bytes)
    for (const dir of [one, two]) assert.equal((await stele('verify-evidence', evidence, '--policy', join(dir, 'trust'))).code, 0)

    // Both checkpoints, to the byte as they were published.
    const notes = await Promise.all([two, one].map(checkpointOf))
    const saves = await page.locator('[data-save^=checkpoint]').all()
    assert.equal(saves.length, 2)
    for (const [i, button] of saves.entries()) {
      const [download] = await Promise.all([page.waitForEvent('download'), button.click()])
      const size = String(notes[i]).split('\n')[1]
      assert.match(download.suggestedFilename(), new RegExp(`^checkpoint-${size}-[0-9a-f]{12}\\.txt$`))
      assert.deepEqual(await readFile(await download.path()), notes[i])
    }
    // The fork is not what this device believes from now on.
    assert.equal(await checkOne(page, documents.two), 'inconsistent')
  }, { at })
})

/** A stele.fork/1 of two checkpoints of one size (FORMAT.md, section 20). */
function forkOf(one, other) {
  const sized = (bytes) => [Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255]), bytes]
  const root = Buffer.from(String(other).split('\n')[2], 'base64')
  return Buffer.concat([Buffer.from('stele.fork/1\n'), ...sized(one), ...sized(other), root, Buffer.from([0])])
}

/** A checkpoint with the log's Ed25519 signature alone: its lines are the short ones. */
const classical = (note) => {
  const lines = String(note).split('\n')
  return Buffer.from(lines.filter((line) => !line.startsWith('— ') || line.length < 300).join('\n'))
}

test('evidence is checked on the page without a network, and what is none proves nothing', async (t) => {
  const { one, two, documents } = await parted('proof')
  const notes = await Promise.all([one, two].map(checkpointOf))
  const heads = await Promise.all([one, two].map((dir) => readFile(join(dir, 'public/ledger/head'))))
  const sized = (bytes) => [Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255]), bytes]
  const conflict = Buffer.concat([Buffer.from('stele.conflict/1\n'), ...heads.flatMap(sized)])
  const fork = forkOf(...notes)
  const damaged = Buffer.from(fork)
  damaged[200] ^= 1
  const at = await serving(t, join(one, 'public'))
  const told = (page) => page.$$eval('[data-rows] > [data-file]', (rows) => rows.map((r) => [r.dataset.evidence ?? null, r.dataset.verdict ?? null, r.querySelector('[data-strength]')?.dataset.strength ?? null]))
  await visit(async (page, requests) => {
    const last = page.waitForResponse((r) => r.url().endsWith('/issuers.json')) // what is read after any answer
    assert.equal(await checkOne(page, documents.one), 'authentic')
    await (await last).finished()
    const before = requests.length
    for (const [name, bytes, want] of [
      ['a.stele-conflict', conflict, ['proved', null, 'policy']],
      ['renamed by mail.bin', fork, ['proved', null, 'policy']],
      ['b.stele-evidence', forkOf(...notes.map(classical)), ['proved', null, 'log']],
      ['c.stele-evidence', damaged, ['nothing', null, null]],
      ['d.stele-evidence', forkOf(notes[0], notes[0]), ['nothing', null, null]],
      ['e.stele-evidence', Buffer.from('no evidence'), ['nothing', null, null]],
    ]) {
      await checkOne(page, named(name, bytes))
      assert.deepEqual(await told(page), [want], name)
      await accessible(page, name)
    }
    assert.deepEqual(requests.slice(before).filter((r) => !r.url.startsWith('blob:')).map((r) => r.url), [])
    // What is evidence may be a document too.
    await page.getByRole('button', { name: /^Check it as a document/ }).click()
    assert.deepEqual((await verdicts(page, 1)).map((r) => r.verdict), ['not-registered'])
    // With documents beside it, the summary counts it as what it is.
    await page.locator('[data-clear]').click()
    await check(page, [named('f.stele-evidence', fork), named('one.txt', await readFile(documents.one))])
    assert.deepEqual(await told(page), [['proved', null, 'policy'], [null, 'authentic', null]])
    assert.match(await page.textContent('[data-status]'), /Proof against the registry: 1/)
  }, { at })
  // Against another registry it proves nothing.
  await visit(async (page) => {
    await checkOne(page, named('a.stele-evidence', fork))
    assert.deepEqual(await told(page), [['nothing', null, null]])
  })
})

// What can break

test('one bad answer is not believed for long, wherever it was kept', async () => {
  const { slot } = await lookupPaths()
  const welcome = (bytes) => Buffer.from(`<!doctype html><title>Welcome to this network</title>${'x'.repeat(bytes.length)}`)
  for (const path of ['ledger/head', slot]) {
    let wrong = 1
    server.faults.set(path, (bytes) => (wrong-- > 0 ? welcome(bytes) : bytes))
    await visit(async (page) => assert.equal(await checkOne(page, sample(diploma)), 'authentic', path))
    // Where it lasts, whoever presses the button afterwards need not wait.
    server.faults.set(path, welcome)
    await visit(async (page) => {
      assert.equal(await checkOne(page, sample(diploma)), 'unavailable', path)
      const begin = server.log.length
      await page.getByRole('button', { name: 'Check again' }).click()
      assert.equal((await verdicts(page, 1))[0].verdict, 'unavailable', path)
      assert.ok(server.log.slice(begin).some((r) => r.path === path), path)
      server.faults.clear()
      await page.getByRole('button', { name: 'Check again' }).click()
      assert.equal((await verdicts(page, 1))[0].verdict, 'authentic', path)
    }, { faulty: true })
  }
})

test('a verifier that is long in coming is no reason to wait without a word', async () => {
  const { asset } = await lookupPaths()
  for (const name of ['verifier.wasm', 'en.json', 'worker.js']) {
    const open = holdBack(asset(name))
    await visit(async (page) => {
      await choose(page, [sample(diploma)])
      const help = page.locator('[data-help]')
      assert.equal(await help.isVisible(), false, name)
      await page.clock.fastForward(21_000)
      await help.waitFor()
      open()
      assert.equal((await verdicts(page, 1))[0].verdict, 'authentic', name)
      await help.waitFor({ state: 'hidden' })
    }, { clock: true })
    server.faults.clear()
  }
})

test('files that were chosen before the page was ready are not lost', async () => {
  const { asset } = await lookupPaths()
  const open = holdBack(asset('page.js'))
  await visit(async (page) => {
    await choose(page, [sample(diploma)])
    open()
    assert.deepEqual((await verdicts(page, 1)).map((r) => [r.file, r.verdict]), [['diploma.pdf', 'authentic']])
  }, { until: 'commit' })

  server.faults.set(asset('en.json'), 404)
  await visit(async (page) => {
    await choose(page, [sample(diploma)])
    await page.locator('[data-help]').waitFor()
    assert.equal(await page.textContent('[data-status]'), 'Your choice is kept until this page is ready to check.')
    assert.equal(await page.locator('[data-has-results]').count(), 0)
    await accessible(page, 'without wording')
    server.faults.clear()
    await choose(page, [sample(altered)])
    assert.deepEqual((await verdicts(page, 2)).map((r) => r.verdict), ['authentic', 'not-registered'])
    await page.locator('[data-help]').waitFor({ state: 'hidden' })
  }, { faulty: true })
})

test('a receipt that cannot be read is no forgery', async () => {
  const { asset } = await lookupPaths()
  const gone = join(folder, 'diploma.pdf.tlog-proof')
  await writeFile(gone, 'here today\n')
  const open = holdBack(asset('en.json'))
  server.faults.set('ledger/head', 500)
  await visit(async (page) => {
    await choose(page, [sample(diploma), gone])
    await rm(gone)
    open()
    assert.deepEqual((await verdicts(page, 1)).map((r) => [r.state, r.verdict]), [['done', 'unavailable']])
    assert.match(await page.textContent('.row-body'), /The receipt could not be read on your device.*This says nothing for or against/s)
    await accessible(page, 'an unreadable receipt')
    server.faults.clear()
    await page.getByRole('button', { name: 'Check without the receipt' }).click()
    assert.equal((await verdicts(page, 1))[0].verdict, 'authentic')
  }, { faulty: true })
})

/** Paths of what a lookup reads, found by looking. */
async function lookupPaths() {
  const begin = server.log.length
  await visit((page) => checkOne(page, sample(diploma)))
  const paths = server.log.slice(begin).map((r) => r.path)
  const indexes = paths.filter((p) => p.startsWith('index/'))
  const kinds = await Promise.all(indexes.map(async (p) => [(await readFile(join(demo, 'public', p))).toString('latin1', 6, 12), p]))
  const asset = (name) => paths.find((p) => p.startsWith('assets/') && basename(p) === name)
  const byKind = (start) => kinds.find(([kind]) => kind.startsWith(start))[1]
  return { slot: byKind('slot/'), issuers: byKind('issuer'), asset, indexes }
}

const flip = (at) => (bytes) => {
  const copy = Buffer.from(bytes)
  const i = at % copy.length
  copy[i] ^= 1 << at % 8
  return copy
}

test('what is missing, damaged, cut off or late gives no answer, and never a wrong one', async () => {
  const { slot, issuers, asset } = await lookupPaths()
  const html = (bytes) => Buffer.from(`<!doctype html><title>Welcome to this network</title>${'x'.repeat(bytes.length)}`)
  // The page's patience is shortened; that it has some is what is tested.
  const impatient = () => {
    const timeout = AbortSignal.timeout
    AbortSignal.timeout = () => timeout.call(AbortSignal, 300)
  }
  const faults = [
    ...[404, 500, 'cut', 'hang', flip(777), html, (b) => Buffer.alloc(0)].map((fault) => ['ledger/head', fault]),
    ...[404, 'cut', 'hang', flip(777), html].map((fault) => [slot, fault]),
    ...[404, flip(777), html].map((fault) => [issuers, fault]),
    ...[404, flip(777), html].map((fault) => ['trust/1', fault]),
    ...[404, 'cut', flip(77_777), html].map((fault) => [asset('verifier.wasm'), fault]),
    ...[404, 500].map((fault) => [asset('worker.js'), fault]),
  ]
  for (const [path, fault] of faults) {
    server.faults.set(path, fault)
    await visit(async (page) => {
      const told = `${path} ${fault}`
      assert.equal(await checkOne(page, sample(diploma)), 'unavailable', told)
      assert.match(await page.textContent('.row-body'), /This says nothing for or against the document/, told)
      const help = path.startsWith('assets/') || path === 'trust/1'
      assert.equal(await page.locator('[data-help]').isVisible(), help, told)
      if (path === slot && fault === 404) {
        server.faults.clear()
        await page.getByRole('button', { name: 'Check again' }).click()
        await page.waitForSelector('.row[data-verdict=authentic]')
      } else if (path === 'ledger/head' && fault === 404 || path.endsWith('.wasm') && fault === 404) {
        await accessible(page, told)
      }
    }, { faulty: true, init: fault === 'hang' ? impatient : undefined })
    server.faults.clear()
  }
})

test('without its wording or its scripts the page tells how to check otherwise', async () => {
  const { asset } = await lookupPaths()
  server.faults.set(asset('en.json'), 404)
  await visit((page) => page.locator('[data-help]').waitFor(), { faulty: true })
  server.faults.clear()
  for (const [name, fault] of [['row.js', 404], ['page.js', flip(777)]]) {
    server.faults.set(asset(name), fault)
    await visit(async (page) => {
      const help = page.locator('[data-help]')
      assert.equal(await help.isVisible(), false, name)
      await page.evaluate(() => document.getAnimations().forEach((waiting) => waiting.finish()))
      assert.ok(await help.isVisible(), name)
      assert.match(await help.textContent(), /may still be on its way.*stele verify FILE/s)
      await accessible(page, `without ${name}`)
    }, { faulty: true })
    server.faults.clear()
  }
  await visit(async (page) => {
    const help = page.locator('noscript .help')
    assert.ok(await help.isVisible())
    assert.match(await help.textContent(), /JavaScript.*stele verify FILE.*sha256sum/s)
    assert.ok(await page.locator('#files').count() && await page.locator('noscript a[href="offline.html"]').isVisible())
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
  }, { context: { javaScriptEnabled: false, viewport: { width: 320, height: 700 } } })
})

test('no flipped bit in what is published turns an answer', async (t) => {
  const { indexes, asset } = await lookupPaths()
  let seed = 20261122
  const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0)
  const paths = ['ledger/head', ...indexes, 'trust/1'].flatMap((p) => [p, p, p])
  paths.push('index.html', asset('verifier.wasm'), asset('page.js'), asset('report.js'), asset('en.json'), asset('worker.js'), asset('hash.js'), asset('wasm_exec.js'))
  const tally = {}
  for (const path of paths) {
    const position = random() >>> 3
    server.faults.set(path, flip(position))
    await visit(async (page) => {
      // The page may be broken itself: then its scripts have not run, or its help is shown.
      const works = await page.evaluate(() => 'ready' in document.documentElement.dataset)
      if (works) await choose(page, [sample(diploma), sample(altered)])
      const broken = () => page.locator('[data-help]').waitFor().then(() => [], () => [])
      let rows = works ? await Promise.race([verdicts(page, 2), broken()]) : []
      if (works && rows.length === 0 && (await page.locator('.row').count()) > 0) rows = await verdicts(page, 2)
      const got = rows.map((r) => r.verdict)
      const told = `${path}, bit ${position % 8} of a byte: ${JSON.stringify(rows)}`
      assert.ok([undefined, 'authentic', 'unavailable'].includes(got[0]), told)
      assert.ok([undefined, 'not-registered', 'unavailable'].includes(got[1]), told)
      const key = `${path.replace(/[0-9a-f]{12,}/g, '…')}: ${rows.map((r) => r.verdict).join('+') || 'no answer'}`
      tally[key] = (tally[key] ?? 0) + 1
    }, { faulty: true })
    server.faults.clear()
  }
  for (const [key, count] of Object.entries(tally)) t.diagnostic(`${count} × ${key}`)
})

// Files as they come

test('a large file can be stopped in the middle', async () => {
  const large = join(folder, 'large.bin')
  await writeFile(large, '')
  await truncate(large, 3 * 2 ** 30)
  await visit(async (page) => {
    await choose(page, [large, sample(diploma)])
    await page.waitForFunction(() => document.querySelector('progress').value > 0.001)
    await accessible(page, 'while a file is read')
    const begin = Date.now()
    await rowOf(page, 'large.bin').getByRole('button', { name: 'Stop' }).click()
    await page.waitForSelector('[data-file="large.bin"][data-state=stopped]')
    assert.ok(Date.now() - begin < 2000)
    const rows = await verdicts(page, 2)
    assert.deepEqual(rows.map((r) => [r.state, r.verdict]), [['stopped', null], ['done', 'authentic']])
    assert.equal(await checkOne(page, sample(altered)), 'not-registered')
  })
  await rm(large)
})

test('many files, all stopped and all checked', async () => {
  const many = join(folder, 'many')
  await mkdir(many)
  for (let i = 0; i < 300; i++) await writeFile(join(many, `document ${i}.txt`), `document ${i}\n`)
  await cp(sample(diploma), join(many, 'document 150a.pdf'))
  await visit(async (page) => {
    await page.setInputFiles('#folder', many)
    const rows = await verdicts(page, 301)
    assert.deepEqual(rows.filter((r) => r.verdict !== 'not-registered').map((r) => [r.file, r.verdict]), [['document 150a.pdf', 'authentic']])
    assert.deepEqual(rows.slice(0, 3).map((r) => r.file), ['document 0.txt', 'document 1.txt', 'document 2.txt'])
    await page.waitForFunction(() => document.querySelector('[data-status]').textContent.startsWith('301 files. '))
    assert.equal(await page.locator('[data-again]').isVisible(), false)
    // One more is not out of sight.
    await choose(page, [sample(altered)])
    await page.waitForFunction(() => {
      const { top, bottom } = document.querySelector('[data-rows]').lastElementChild.getBoundingClientRect()
      return top >= 0 && bottom <= innerHeight + 1
    })
    await verdicts(page, 302)
    await page.click('[data-clear]')

    // Stopped as soon as there is something to stop: what has not been put on the page by then is stopped too.
    await page.evaluate(() => {
      const press = (_, observer) => {
        observer.disconnect()
        document.querySelector('[data-stop-all]').focus()
        document.querySelector('[data-stop-all]').click()
      }
      new MutationObserver(press).observe(document.querySelector('[data-rows]'), { childList: true })
    })
    await page.setInputFiles('#folder', many)
    const stopped = await verdicts(page, 301)
    assert.deepEqual(stopped.slice(20).filter((r) => r.state === 'done'), [])
    await page.waitForFunction(() => /Stopped: \d+/.test(document.querySelector('[data-status]').textContent))

    const again = page.locator('[data-again]')
    assert.match(await again.textContent(), /^Check \d+ files again$/)
    assert.ok(await again.evaluate((button) => button === document.activeElement))
    await again.click()
    assert.equal((await verdicts(page, 301)).filter((r) => r.verdict === 'authentic').length, 1)
    await again.waitFor({ state: 'hidden' })
    await page.waitForFunction(() => document.activeElement.matches('[data-clear]'))
  })
})

test('a file that has gone is named, and the rest go on', async () => {
  const gone = join(folder, 'gone.txt')
  await writeFile(gone, 'here today\n')
  const open = holdBack([...published].find((p) => p.endsWith('en.json'))) // the page waits for its wording
  await visit(async (page) => {
    await choose(page, [gone, sample(diploma)])
    await rm(gone)
    open()
    assert.deepEqual((await verdicts(page, 2)).map((r) => [r.file, r.verdict]), [['gone.txt', 'unavailable'], ['diploma.pdf', 'authentic']])
    assert.match(await rowOf(page, 'gone.txt').locator('.row-body').textContent(), /could not be read on your device/)
  }, { faulty: true })
  server.faults.clear()
})

test('hostile and odd names are shown as what they are', async () => {
  const names = ['invoice\u202Efdp.exe', '<img src=x onerror=alert(1)>.pdf', `${'long '.repeat(60)}.pdf`, `${'x'.repeat(240)}.pdf`, 'a\nb.txt', '"quoted" & \'more\'.txt',
    '\u200b', 'شهادة.pdf', '../../etc/passwd', '.tlog-proof.pdf', '__proto__']
  await visit(async (page) => {
    page.on('dialog', () => assert.fail('a script ran'))
    await choose(page, [...names.map((name) => named(name, Buffer.from(name))), named('empty.txt', Buffer.alloc(0))])
    const rows = await verdicts(page, names.length + 1)
    assert.deepEqual(rows.map((r) => r.file), [...names, 'empty.txt'])
    assert.equal(rows.find((r) => r.file === 'empty.txt').verdict, 'authentic') // the demonstration holds an empty document
    const shown = await page.locator('[data-slot=name]').allTextContents()
    assert.ok(shown.every((s) => s.length > 0 && !/[\u0000-\u001f\u200b-\u200f\u202a-\u202e]/.test(s)), JSON.stringify(shown))
    assert.equal(await page.locator('.rows img').count(), 0)
    await accessible(page, 'hostile names')
  })
})

test('a document that must be hashed twice', async () => {
  // As if the trust file demanded SHA3-512: the page is told so and computes it, of the largest sample too.
  const demanding = Buffer.from((await readFile(join(demo, 'public/trust/1'), 'utf8')).replace('digest sha256\n', 'digest sha256\ndigest sha3-512\n'))
  const sri = `sha384-${createHash('sha384').update(demanding).digest('base64')}`
  server.faults.set('trust/1', () => demanding)
  server.faults.set('index.html', (bytes) =>
    Buffer.from(String(bytes).replace(/data-trust-integrity="[^"]*"/, `data-trust-integrity="${sri}"`)))
  await visit(async (page) => {
    const files = ['gazette/empty-annex.txt', diploma, altered, 'land/survey/aerial-survey-sheet-14.bmp']
    assert.deepEqual(await check(page, files.map(sample)), files.map((f) => expected[f]))
  })
  server.faults.clear()
})

test('a word that no table has is shown as itself', async () => {
  await visit(async (page) => {
    const got = await page.evaluate(async () => {
      const { Wording } = await import(document.querySelector('link[href$="/text.js"]').href)
      const wording = new Wording({ language: 'en', kinds: {}, actions: {}, verdicts: {}, local: {}, ui: {} })
      return [wording.kind('constructor'), wording.name('actions', 'to-string'), wording.name('nothing', 'valueOf'), wording.title('constructor')]
    })
    assert.deepEqual(got, ['Constructor', 'to string', 'valueOf', 'constructor'])
  })
})

// People

test('the same answer again is announced again', async () => {
  await visit(async (page) => {
    await checkOne(page, sample(diploma))
    await page.waitForFunction(() => document.querySelector('[data-status]').textContent === 'Result: Authentic')
    await listen(page)
    await page.getByRole('button', { name: 'Check again' }).click()
    await page.waitForFunction(() => said.length > 1)
    assert.deepEqual(await page.evaluate(() => said), ['Checked 0 of 1', 'Result: Authentic'])
  })
})

test('by keyboard alone', async () => {
  await visit(async (page) => {
    const tabTo = async (selector) => {
      for (let i = 0; i < 60; i++) {
        if (await page.evaluate((s) => document.activeElement.matches(s), selector)) return
        await page.keyboard.press('Tab')
      }
      assert.fail(`${selector} cannot be reached by keyboard`)
    }
    const chosen = page.waitForEvent('filechooser')
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip')
    await tabTo('#files')
    const outline = () => page.evaluate(() => getComputedStyle(document.activeElement.nextElementSibling).outlineStyle)
    assert.notEqual(await outline(), 'none')
    await page.keyboard.press('Enter')
    await (await chosen).setFiles([sample(diploma), sample(licence)])
    await verdicts(page, 2)
    assert.equal(await page.evaluate(() => document.activeElement.id), 'files') // the answer does not steal the focus
    await tabTo('.row [aria-expanded]')
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Hide details: diploma.pdf')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Show details: diploma.pdf')
    await page.keyboard.press('Enter')
    await tabTo('.row summary')
    await page.keyboard.press('Enter')
    await page.locator('.row .way').first().waitFor()
    await tabTo('.row-tools [aria-label^="Save the receipt"]')
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
    assert.equal(download.suggestedFilename(), 'diploma.pdf.tlog-proof')
    await tabTo('.row-tools [aria-label^="Check again"]')
    await page.keyboard.press('Enter')
    await verdicts(page, 2)
    assert.equal(await page.evaluate(() => document.activeElement.closest('.row')?.dataset.file), 'diploma.pdf')
    await page.focus('[aria-label="Remove: diploma.pdf"]')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement.closest('.row')?.dataset.file), 'teaching-licence.docx')
    await page.focus('[aria-label="Remove: teaching-licence.docx"]')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement.id), 'files')
  })
})

// Every page in every language: access.test.mjs.
test('every answer is accessible, folded and open, in light and dark, on a phone and a desk', async () => {
  await visit(async (page) => {
    const files = [diploma, licence, 'court/enforcement-order.txt', 'land/land-extract-2019.pdf', 'academy/academy-diploma.pdf', 'interior/conduct-certificate-2011.docx', 'received/letter.txt', 'education/شهادة تخرج.txt']
    await check(page, files.map(sample))
    await accessible(page, 'folded answers')
    await page.$$eval('[aria-expanded=false]', (buttons) => buttons.forEach((b) => b.click()))
    await page.$$eval('.row summary', (summaries) => summaries.forEach((s) => s.click()))
    await page.waitForFunction(() => [...document.querySelectorAll('[data-checked]')].every((part) => part.querySelector('.way')))
    await accessible(page, 'open answers')
    await page.emulateMedia({ media: 'print' })
    assert.ok(await page.locator('.meaning').first().isVisible() && !(await page.locator('.row-tools').first().isVisible()))
  })
})
