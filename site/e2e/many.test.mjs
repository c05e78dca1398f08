// Many things at once, and things that are no files, in a real Chromium: node --test site/e2e/many.test.mjs

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import decodeQR from 'qr/decode.js'
import { accessible, choose, launch, serveFolder, verdicts, visitor } from './browser.mjs'
import { buildCommand, filesBelow, makeDemo } from './registry.mjs'
import { zipOf } from './zips.mjs'

let folder, browser, visit, demo, expected, published, server

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-many-'))
  demo = join(folder, 'demo')
  expected = await makeDemo(await buildCommand(folder), demo)
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

const diploma = 'education/diploma.pdf' // authentic
const licence = 'education/teaching-licence.docx' // revoked
const altered = 'received/diploma.pdf' // not registered
const replaced = 'land/land-extract-2019.pdf'

const bytesOf = (path) => readFile(join(demo, 'samples', path))
const hex = (algorithm, bytes) => createHash(algorithm).update(bytes).digest('hex')
const digestOf = async (path) => hex('sha256', await bytesOf(path))
const named = (name, buffer) => ({ name, mimeType: '', buffer: Buffer.from(buffer) })
const unknown = hex('sha256', 'nothing')
const asset = (name) => [...published].find((path) => path.startsWith('assets/') && basename(path) === name)
const status = (page) => page.textContent('[data-status]')
const says = (page, pattern) => page.waitForFunction((source) => new RegExp(source, 's').test(document.querySelector('[data-status]').textContent), pattern.source)
const told = async (page, count) => (await verdicts(page, count)).map((r) => [r.path, r.verdict])

/** Hands the page a transfer as a drop or a paste: texts by type, and files as [name, text or bytes in base64]. */
function hand(page, kind, { texts = {}, files = [] }) {
  return page.evaluate(([kind, texts, files]) => {
    const transfer = new DataTransfer()
    for (const [type, text] of Object.entries(texts)) transfer.items.add(text, type)
    for (const [name, base64, type] of files) transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }))
    const how = { bubbles: true, cancelable: true }
    const event = kind === 'drop' ? new DragEvent(kind, { ...how, dataTransfer: transfer }) : new ClipboardEvent(kind, { ...how, clipboardData: transfer })
    document.querySelector('main').dispatchEvent(event)
    return event.defaultPrevented
  }, [kind, texts, files])
}

const paste = (page, text) => hand(page, 'paste', { texts: { 'text/plain': text } })
const clear = (page) => page.click('[data-clear]')

async function download(page, press) {
  const [saved] = await Promise.all([page.waitForEvent('download'), press()])
  return { name: saved.suggestedFilename(), text: await readFile(await saved.path(), 'utf8') }
}

// Fingerprints

test('a pasted fingerprint is looked up, and is nowhere taken for a file', async () => {
  await visit(async (page) => {
    for (const [path, verdict] of [[diploma, 'authentic'], [licence, 'revoked'], [replaced, 'superseded'], [altered, 'not-registered']]) {
      const digest = await digestOf(path)
      await paste(page, `SHA-256: ${digest.toUpperCase().match(/.{8}/g).join(' ')}\r\n`)
      assert.deepEqual((await verdicts(page, 1)).map((r) => r.verdict), [verdict])
      const row = page.locator('.row')
      assert.equal(await row.getAttribute('data-named'), '')
      assert.notEqual(await row.locator('use').first().getAttribute('href'), '#icon-authentic')
      const said = await page.textContent('.row')
      assert.match(said, /with this fingerprint/)
      assert.doesNotMatch(said, /exactly the file|newer document, registered|was read on|was computed on this device/)
      assert.match(await status(page), /^The fingerprint: /)
      assert.equal(await row.getByRole('button', { name: /receipt: /i }).count(), verdict === 'revoked' || verdict === 'authentic' || verdict === 'superseded' || verdict === 'not-registered' ? 1 : 0) // to save one, not to add one
      await accessible(page, `a fingerprint, ${verdict}`)
      await clear(page)
    }
    await hand(page, 'drop', { texts: { 'text/plain': await digestOf(diploma), 'text/html': '<b>x</b>' } })
    assert.deepEqual((await verdicts(page, 1)).map((r) => r.verdict), ['authentic'])
  })
})

test('what was pasted and is of no use is said in words, and changes nothing', async () => {
  await visit(async (page) => {
    await paste(page, unknown.slice(1))
    await says(page, /^That has 63 hexadecimal digits/)
    await paste(page, 'Good morning')
    await says(page, /^There was no file in it/)
    await accessible(page, 'nothing of use')
    await choose(page, [named('letter.txt', 'x')])
    await verdicts(page, 1)
    await says(page, /^Result: /)
    await paste(page, 'Good morning')
    await says(page, /^There was no file in it/)
    assert.equal(await page.locator('.row').count(), 1)
    // Text that is put into a field stays there.
    await page.click('[data-typed] summary')
    await page.focus('#typed')
    await page.evaluate(() => {
      const transfer = new DataTransfer()
      transfer.items.add('Good evening', 'text/plain')
      document.querySelector('#typed').dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: transfer }))
    })
    assert.equal(await page.locator('.row').count(), 1)
  })
})

test('a fingerprint typed on a phone, by keyboard alone', async () => {
  await visit(async (page) => {
    await page.focus('[data-typed] summary')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.id), 'typed')
    await accessible(page, 'the field for fingerprints')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter') // with nothing in it, it leads back
    assert.equal(await page.evaluate(() => document.activeElement.id), 'typed')
    await page.keyboard.insertText(await digestOf(licence))
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    assert.deepEqual((await verdicts(page, 1)).map((r) => r.verdict), ['revoked'])
  }, { context: { viewport: { width: 360, height: 700 }, hasTouch: true, isMobile: true } })
})

test('an address with a fingerprint opens its lookup, and tells the server nothing', async () => {
  const digest = await digestOf(diploma)
  const begin = server.log.length
  await visit(async (page) => {
    assert.deepEqual((await verdicts(page, 1)).map((r) => r.verdict), ['authentic'])
    assert.match(await page.textContent('.row'), new RegExp(`fingerprint ${digest.slice(0, 8)}…${digest.slice(-8)}`))
    await page.evaluate((other) => (location.hash = `sha256=${other}`), unknown)
    assert.deepEqual((await verdicts(page, 2)).map((r) => r.verdict), ['authentic', 'not-registered'])
    await page.evaluate(() => (location.hash = 'sha256=12'))
    await says(page, /no file in it/)
  }, { to: `#sha256=${digest}` })
  for (const { path, query } of server.log.slice(begin)) assert.ok(!`${path}${query}`.includes(digest.slice(0, 12)))
})

test('where both fingerprints are demanded, one alone decides nothing', async () => {
  const demanding = Buffer.from((await readFile(join(demo, 'public/trust/1'), 'utf8')).replace('digest sha256\n', 'digest sha256\ndigest sha3-512\n'))
  const sri = `sha384-${createHash('sha384').update(demanding).digest('base64')}`
  server.faults.set('trust/1', () => demanding)
  server.faults.set('index.html', (bytes) => Buffer.from(String(bytes).replace(/data-trust-integrity="[^"]*"/, `data-trust-integrity="${sri}"`)))
  await visit(async (page) => {
    const bytes = await bytesOf(diploma)
    await paste(page, hex('sha256', bytes))
    assert.deepEqual((await verdicts(page, 1)).map((r) => r.verdict), ['unavailable'])
    assert.match(await page.textContent('.row-body'), /This says nothing for or against.*demands the SHA3-512 fingerprint besides/s)
    await paste(page, `sha256:${hex('sha256', bytes)}\nsha3-512:${hex('sha3-512', bytes)}`)
    assert.deepEqual((await verdicts(page, 2)).map((r) => r.verdict), ['unavailable', 'authentic'])
  })
})

// Receipts

async function receiptOf(page, path) {
  await choose(page, [named(basename(path), await bytesOf(path))])
  await verdicts(page, 1)
  const { text } = await download(page, () => page.getByRole('button', { name: /^Save the receipt/ }).click())
  await clear(page)
  return text
}

test('a receipt is known by what is in it: pasted, or under any name', async () => {
  await visit(async (page) => {
    const receipt = await receiptOf(page, diploma)
    await paste(page, receipt.trim().replaceAll('\n', '\r\n'))
    assert.deepEqual((await verdicts(page, 1)).map((r) => [r.file, r.state]), [['pasted-receipt.tlog-proof', 'alone']])
    server.faults.set('ledger/head', 500)
    await choose(page, [named('diploma.pdf', await bytesOf(diploma))])
    await page.waitForSelector('[data-file="diploma.pdf"][data-verdict]')
    assert.deepEqual((await verdicts(page, 1)).map((r) => [r.file, r.verdict]), [['diploma.pdf', 'authentic']])
    assert.equal(await page.textContent('[data-slot=paired]'), 'with a receipt')
    await clear(page)
    await choose(page, [named('attachment.dat', receipt), named('diploma.pdf', await bytesOf(diploma))])
    assert.deepEqual((await verdicts(page, 1)).map((r) => [r.file, r.verdict]), [['diploma.pdf', 'authentic']])
    assert.equal(await page.textContent('[data-slot=paired]'), 'with a receipt')
  }, { faulty: true })
})

// Lists

test('a list of fingerprints has a row for each line, and tells what it could not read', async () => {
  const lines = [`${await digestOf(diploma)}  diploma.pdf`, '# a comment', `SHA256 (dir/licence.docx) = ${await digestOf(licence)}`, 'rubbish', `${unknown} *=1+1|calc.txt`, `\\${unknown}  two\\nlines`]
  const list = lines.join('\r\n')
  await visit(async (page) => {
    await choose(page, [named('SHA256SUMS', list)])
    const want = [['SHA256SUMS', null], ['diploma.pdf', 'authentic'], ['dir/licence.docx', 'revoked'], ['=1+1|calc.txt', 'not-registered'], ['two\nlines', 'not-registered']]
    assert.deepEqual(await told(page, 5), want)
    assert.match(await page.textContent('[data-file=SHA256SUMS] .row-brief'), /^4 fingerprints were taken/)
    await page.click('[aria-label="Show details: SHA256SUMS"]')
    assert.match(await page.textContent('[data-file=SHA256SUMS] .row-body'), /Line 4 could not be read\./)
    assert.equal(await page.textContent('[data-file="diploma.pdf"] [data-slot=within]'), 'from the list SHA256SUMS')
    await says(page, /^4 fingerprints\. Not in this registry: 2, /)
    await accessible(page, 'a list')
    await page.getByRole('button', { name: 'Check it as a document: SHA256SUMS' }).click()
    await page.waitForSelector('[data-file=SHA256SUMS][data-verdict=not-registered]')
    await clear(page)
    await paste(page, list)
    assert.deepEqual((await told(page, 5)).map(([, verdict]) => verdict), want.map(([, verdict]) => verdict))
  })
})

test('a fingerprint of a receipt, or of evidence, is a fingerprint, and takes no document’s answer away', async () => {
  await visit(async (page) => {
    await choose(page, [named('diploma.pdf', await bytesOf(diploma))])
    assert.deepEqual(await told(page, 1), [['diploma.pdf', 'authentic']])
    await paste(page, `${await digestOf(diploma)}  sums/diploma.pdf\n${unknown}  diploma.pdf.tlog-proof\n${unknown}  x.stele-evidence\n`)
    const want = [['diploma.pdf', 'authentic'], ['pasted list', null], ['sums/diploma.pdf', 'authentic'], ['diploma.pdf.tlog-proof', 'not-registered'], ['x.stele-evidence', 'not-registered']]
    assert.deepEqual(await told(page, 5), want)
  })
})

test('a long list stays in hand: it comes in portions, is filtered, and can be stopped', async () => {
  const lines = Array.from({ length: 3_000 }, (_, i) => `${hex('sha256', String(i))}  file ${i}.txt\n`)
  lines[2_000] = `${await digestOf(licence)}  file 2000.txt\n`
  await visit(async (page) => {
    await choose(page, [named('list.sha256', lines.join(''))])
    await page.waitForFunction(() => document.querySelectorAll('[data-rows] > .row').length === 3_001)
    await page.click('[data-stop-all]')
    const rows = await verdicts(page, 3_001)
    assert.ok(rows.filter((r) => r.state === 'stopped').length > 0)
    await says(page, /Stopped: /)
    await page.fill('[data-search]', 'file 2000')
    assert.equal(await page.locator('.row:visible').count(), 1)
    await clear(page)
    assert.equal(await page.locator('.row').count(), 0)
  })
})

// Containers

test('a container is checked itself, and so is every document in it, with its receipt', async () => {
  await visit(async (page) => {
    const receipt = await receiptOf(page, diploma)
    const zip = zipOf([
      { name: 'papers/diploma.pdf', bytes: await bytesOf(diploma) },
      { name: 'papers/diploma.pdf.tlog-proof', bytes: Buffer.from(receipt) },
      { name: 'licence.docx', bytes: await bytesOf(licence), store: true },
      { name: 'survey.bmp', bytes: await bytesOf('land/survey/aerial-survey-sheet-14.bmp'), descriptor: true },
      { name: '../\u202e<img src=x onerror=alert(1)>', bytes: Buffer.from('x') },
      { name: 'inner.zip', bytes: zipOf([{ name: 'a', bytes: Buffer.from('a') }]) },
      { name: 'secret', bytes: Buffer.from('x'), flags: 1 },
      { name: 'odd', bytes: Buffer.from('x'), method: 12 },
      { name: 'bomb', bytes: Buffer.alloc(1000), claim: { size: 2 ** 31 } },
      { name: 'lie', bytes: Buffer.alloc(1000), claim: { size: 999 } },
    ])
    await choose(page, [named('all.zip', zip)])
    assert.deepEqual(await told(page, 10), [
      ['all.zip', 'not-registered'], ['all.zip/papers/diploma.pdf', 'authentic'], ['all.zip/licence.docx', 'revoked'],
      ['all.zip/survey.bmp', expected['land/survey/aerial-survey-sheet-14.bmp']], ['all.zip/../\u202e<img src=x onerror=alert(1)>', 'not-registered'],
      ['all.zip/inner.zip', 'not-registered'], ['all.zip/secret', 'unavailable'], ['all.zip/odd', 'unavailable'], ['all.zip/bomb', 'unavailable'], ['all.zip/lie', 'unavailable'],
    ])
    assert.equal(await page.textContent('[data-path="all.zip"] .row-brief'), 'The 9 files in this container are checked below.') // the tenth is a receipt
    assert.equal(await page.textContent('[data-overall]'), '7 of 10 need attention.') // nobody has to look at the wrapping
    const row = (path) => page.locator(`[data-path="all.zip/${path}"]`)
    assert.equal(await row('papers/diploma.pdf').locator('[data-slot=paired]').textContent(), 'with a receipt')
    assert.equal(await row('papers/diploma.pdf').locator('[data-slot=within]').textContent(), 'in all.zip')
    await page.$$eval('[aria-expanded=false]', (buttons) => buttons.forEach((b) => b.click()))
    for (const [path, words] of [['inner.zip', /container within a container/], ['secret', /encrypted.*says nothing for or against/s], ['odd', /cannot unpack/], ['bomb', /hundred times/], ['lie', /the container is damaged, or says something else/]])
      assert.match(await row(path).locator('.row-body').textContent(), words)
    assert.match(await page.textContent('[data-path="all.zip"] .row-body'), /The 9 files in this container are checked below/)
    assert.equal(await page.locator('.rows img').count(), 0)
    await accessible(page, 'a container')
  })
})

test('what is no container, and what is a bad one, is checked as a file', async () => {
  const inner = { name: 'a.txt', bytes: Buffer.from('a') }
  const containers = {
    'contract.asice': [zipOf([{ name: 'mimetype', bytes: Buffer.from('application/vnd.etsi.asic-e+zip'), store: true }, inner, { name: 'META-INF/signatures.xml', bytes: Buffer.from('<x/>') }]), 2, /signatures in this container are not checked/],
    'letter.docx': [zipOf([{ name: '[Content_Types].xml', bytes: Buffer.from('<x/>') }, inner]), 1, null],
    'cut.zip': [zipOf([inner]).subarray(0, -4), 1, /damaged or cut off/],
    'many.zip': [zipOf([inner], { count: 100_000, zip64: true }), 1, /too much in it/],
    'over.zip': [zipOf([inner, { ...inner, name: 'b.txt', claim: { offset: 0 } }]), 1, /share the same bytes/],
    'part.zip': [zipOf([inner], { disk: 1 }), 1, /one of several parts/],
    'empty.zip': [Buffer.concat([Buffer.from('504b0506', 'hex'), Buffer.alloc(18)]), 1, null],
    'folder.zip': [zipOf([{ name: 'd/', bytes: Buffer.alloc(0), store: true }]), 1, /no files in this container/],
  }
  await visit(async (page) => {
    for (const [name, [bytes, count, words]] of Object.entries(containers)) {
      await choose(page, [named(name, bytes)])
      const rows = await verdicts(page, count)
      assert.deepEqual(rows.map((r) => r.verdict), Array(count).fill('not-registered'), name)
      const notes = await page.locator(`[data-path="${name}"] .note`).allTextContents()
      if (words) assert.match(notes.join(' '), words, name)
      else assert.deepEqual(notes, [], name)
      await clear(page)
    }
    server.faults.set(asset('zip.js'), 404)
    await page.reload()
    await choose(page, [named('a.zip', zipOf([inner]))])
    await verdicts(page, 1)
    assert.match(await page.textContent('.note'), /a part of this page could not be loaded/)
    server.faults.clear()
    await clear(page)
    await choose(page, [named('a.zip', zipOf([inner]))])
    await verdicts(page, 2)
    assert.ok(await page.$eval('[data-results-tools]', (tools) => tools.previousElementSibling.matches('[data-rows]')), 'of a few, the answers stand first')
  }, { faulty: true })
})

// What mail programs hand over

test('a link without a file is told, and a file beside a link is taken', async () => {
  await visit(async (page) => {
    const link = { 'text/uri-list': 'https://mail.example/1', 'text/plain': 'https://mail.example/1', 'text/html': '<a href="https://mail.example/1">order.pdf</a>' }
    assert.equal(await hand(page, 'drop', { texts: link }), true)
    await says(page, /^Only a link has come, and no file\./)
    await hand(page, 'drop', { texts: { 'text/html': '<div>order.pdf</div>' } })
    await says(page, /^Only a link has come/)
    const file = ['diploma.pdf', (await bytesOf(diploma)).toString('base64'), 'application/pdf']
    await hand(page, 'drop', { texts: link, files: [file] })
    assert.deepEqual(await told(page, 1), [['diploma.pdf', 'authentic']])
    await clear(page)
    // A picture of a cell beside the fingerprint that stands in it; and a picture alone.
    const picture = ['image.png', 'iVBORw0KGgo=', 'image/png']
    await hand(page, 'paste', { texts: { 'text/plain': `${await digestOf(licence)}\r\n` }, files: [picture] })
    assert.deepEqual((await verdicts(page, 1)).map((r) => r.verdict), ['revoked'])
    await clear(page)
    for (const texts of [{}, { 'text/plain': 'a caption' }]) {
      await hand(page, 'paste', { texts, files: [picture] })
      assert.deepEqual(await told(page, 1), [['image.png', 'not-registered']])
      await clear(page)
    }
    // What is dragged within the page is not for checking.
    await page.evaluate(() => dispatchEvent(new DragEvent('dragstart')))
    assert.equal(await hand(page, 'drop', { texts: link }), false)
  })
})

test('a promised file that does not come has a row that says so', async () => {
  await visit(async (page) => {
    await hand(page, 'drop', { files: [['order.pdf', '', 'application/pdf']] })
    await verdicts(page, 1)
    assert.match(await page.textContent('.row-body'), /has promised a file and not handed it over.*says nothing for or against.*Save it on this device first/s)
  }, { init: () => (DataTransferItem.prototype.getAsFile = () => null, DataTransferItem.prototype.webkitGetAsEntry = () => null) })
})

// Many

const several = [diploma, licence, altered, replaced, 'court/enforcement-order.txt', 'interior/conduct-certificate-2011.docx', 'received/letter.txt']

async function chooseSeveral(page) {
  await choose(page, several.map((path) => join(demo, 'samples', path)))
  await verdicts(page, several.length)
  await page.locator('[data-table]').waitFor()
}

const visibleFiles = (page) => page.$$eval('[data-rows] > .row:not([hidden])', (rows) => rows.map((r) => r.dataset.path))

test('the list is filtered, searched and ordered, and says what it shows', async () => {
  await visit(async (page) => {
    await chooseSeveral(page)
    const good = (await told(page, several.length)).filter(([, verdict]) => verdict === 'authentic').length
    await page.waitForFunction(() => document.querySelector('[data-overall]').textContent.endsWith('attention.') && !document.querySelector('[data-overall]').textContent.startsWith('So far'))
    assert.equal(await page.textContent('[data-overall]'), `${several.length - good} of ${several.length} need attention.`)
    assert.ok(await page.$eval('[data-results-tools]', (tools) => tools.closest('[data-results-head]')), 'of many, the buttons stand first')
    const chips = await page.locator('.chip').allTextContents()
    assert.deepEqual(chips.slice(0, 2), [`All: ${several.length}`, `Needs attention: ${several.length - good}`])
    assert.ok(chips.includes('Revoked: 1'), chips.join())

    await page.click('[data-group=revoked]')
    assert.deepEqual(await visibleFiles(page), ['teaching-licence.docx'])
    assert.equal(await page.getAttribute('[data-group=revoked]', 'aria-pressed'), 'true')
    await says(page, /^1 of 7 is shown$/)
    await page.click('[data-group=attention]')
    assert.equal((await visibleFiles(page)).length, several.length - good)
    assert.equal(await page.locator('.row[data-verdict=authentic]:visible').count(), 0)
    await page.fill('[data-search]', 'LETTER')
    assert.deepEqual(await visibleFiles(page), ['letter.txt'])
    await page.fill('[data-search]', 'no such name')
    assert.ok(await page.locator('[data-none]').isVisible())
    await accessible(page, 'filters')
    // What is given now is seen.
    await choose(page, [named('new.txt', 'new')])
    await verdicts(page, several.length + 1)
    assert.equal((await visibleFiles(page)).length, several.length + 1)
    assert.equal(await page.inputValue('[data-search]'), '')

    await page.selectOption('[data-sort]', 'attention')
    await page.waitForFunction(() => document.querySelector('[data-rows] > .row').dataset.verdict === 'revoked')
    assert.equal((await verdicts(page, 8)).at(-1).verdict, 'authentic')
    await page.selectOption('[data-sort]', 'name')
    const want = [...several.map((path) => basename(path)), 'new.txt'].toSorted(new Intl.Collator(undefined, { numeric: true }).compare)
    await page.waitForFunction((first) => document.querySelector('[data-rows] > .row').dataset.path === first, want[0])
    assert.deepEqual(await visibleFiles(page), want)
    await page.selectOption('[data-sort]', 'given')
    await page.waitForFunction(() => document.querySelector('[data-rows] > .row').dataset.path === 'diploma.pdf')

    // A filter whose last row goes stays, and says that there is nothing.
    await page.click('[data-group=revoked]')
    await page.click('[aria-label="Remove: teaching-licence.docx"]')
    await page.locator('[data-none]').waitFor()
    await page.click('[data-group=all]')
    assert.equal((await visibleFiles(page)).length, several.length)
  })
})

test('without what filters it, the list is still whole', async () => {
  server.faults.set(asset('table.js'), 404)
  server.faults.set(asset('export.js'), 404)
  await visit(async (page) => {
    await choose(page, several.map((path) => join(demo, 'samples', path)))
    await verdicts(page, several.length)
    await page.click('[data-save-table]')
    await says(page, /^This part of the page could not be loaded/)
    assert.equal((await visibleFiles(page)).length, several.length)
    server.faults.clear()
    assert.match((await download(page, () => page.click('[data-save-table]'))).name, /\.csv$/)
  }, { faulty: true })
})

test('the table that is saved has what is shown, and no formula in it', async () => {
  await visit(async (page) => {
    const documents = await Promise.all(several.map(async (path) => named(basename(path), await bytesOf(path))))
    await choose(page, [...documents, named('=HYPERLINK("http://x","y").pdf', 'x'), named('+1, "quoted"\u202e.txt', 'y')])
    await verdicts(page, several.length + 2)
    const { name, text } = await download(page, () => page.click('[data-save-table]'))
    assert.match(name, /^checked-documents-\d{4}-\d\d-\d\d\.csv$/)
    assert.ok(text.startsWith('\ufeffDocument,Found in,Size,Answer,Code,'))
    const lines = text.trim().split('\r\n')
    assert.equal(lines.length, several.length + 3)
    assert.ok(lines.every((line) => !/^[=+\-@]/.test(line) && !/,[=+\-@]/.test(line)), text)
    assert.match(lines[1], /^diploma\.pdf,,\d+,Authentic,authentic,,/)
    assert.ok(lines[1].includes(await digestOf(diploma)) && lines[1].includes(`${server.url}#sha256=`))
    assert.ok(lines.at(-1).startsWith('"\'+1, ""quoted""\u25af.txt"'), lines.at(-1))
    await page.click('[data-group=revoked]')
    const part = await download(page, () => page.click('[data-save-table]'))
    assert.deepEqual(part.text.trim().split('\r\n').slice(1).map((line) => line.split(',')[0]), ['teaching-licence.docx'])
  })
})

/** A code's modules as a reader's camera sees them. */
function photograph({ viewBox, path }) {
  const size = Number(viewBox.split(' ')[2])
  const scale = 4
  const data = new Uint8ClampedArray(size * size * scale * scale * 4).fill(255)
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let dy = 0; dy < scale; dy++) {
      for (let dx = 0; dx < scale * length; dx++) {
        const at = 4 * ((y * scale + dy) * size * scale + x * scale + dx)
        data.fill(0, at, at + 3)
      }
    }
  }
  return { width: size * scale, height: size * scale, data }
}

test('the report has a page for each document, with an address that looks it up again', async () => {
  await visit(async (page) => {
    await page.evaluate(() => {
      globalThis.print = () => (globalThis.printed = (globalThis.printed ?? 0) + 1)
    })
    await chooseSeveral(page)
    await paste(page, unknown)
    await verdicts(page, several.length + 1)
    await page.click('[data-print]')
    await page.waitForFunction(() => globalThis.printed === 1)
    await page.emulateMedia({ media: 'print' })
    const leaves = page.locator('.print-page')
    assert.equal(await leaves.count(), several.length + 2)
    assert.equal(await page.locator('main').isVisible(), false)
    const cover = await leaves.first().textContent()
    assert.match(cover, /Verification report.*This is a demonstration.*This paper proves nothing by itself.*Revoked1/s)
    const first = await leaves.nth(1).textContent()
    assert.match(first, /Document 1 of 8.*Authentic.*diploma\.pdf.*exactly the file.*Registered, as the ledger proves.*Known as of.*How this was checked.*Check it again.*This paper proves nothing/s)
    assert.match(await leaves.last().textContent(), /no file was checked/)
    const codes = await page.$$eval('.print-page-code', (all) => all.map((svg) => ({ viewBox: svg.getAttribute('viewBox'), path: svg.firstElementChild.getAttribute('d') })))
    assert.equal(codes.length, several.length + 1)
    const read = codes.map((code) => decodeQR(photograph(code)))
    assert.deepEqual(read, [...(await Promise.all(several.map(digestOf))), unknown].map((digest) => `${server.url}#sha256=${digest}`))
    const pdf = String(await page.pdf({ format: 'A4', preferCSSPageSize: true }), 'latin1')
    assert.equal(pdf.match(/\/Type\s*\/Page\b/g).length, several.length + 2)
    // Afterwards the page is as it was.
    await page.emulateMedia({ media: 'screen' })
    await page.evaluate(() => dispatchEvent(new Event('afterprint')))
    assert.equal(await leaves.count(), 0)
    assert.equal(await page.locator('main').isVisible(), true)
  })
})

test('many files by an announcement or two, and one of them stopped', async () => {
  const files = Array.from({ length: 400 }, (_, i) => named(`file ${i}.txt`, `file ${i}`))
  await visit(async (page) => {
    await page.evaluate(() => {
      globalThis.said = []
      const status = document.querySelector('[data-status]')
      new MutationObserver(() => said.push(status.textContent)).observe(status, { childList: true })
      new MutationObserver((_, observer) => {
        const stop = document.querySelector('[data-path="file 399.txt"] .row-head-tools button')
        if (!stop) return
        observer.disconnect()
        stop.click()
      }).observe(document.querySelector('[data-rows]'), { childList: true })
    })
    await choose(page, files)
    const rows = await verdicts(page, 400)
    assert.equal(rows.filter((r) => r.verdict === 'not-registered').length, 399)
    assert.deepEqual([rows.at(-1).file, rows.at(-1).state], ['file 399.txt', 'stopped'])
    await says(page, /^400 files\. Not in this registry: 399, Stopped: 1$/)
    const said = await page.evaluate(() => said)
    assert.ok(said.length < 400, `${said.length} announcements`)
    assert.equal(await page.textContent('[data-overall]'), '400 of 400 need attention.')
  })
})
