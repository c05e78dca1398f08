// The drawn evidence, in a real Chromium: that it is true, since whoever follows it with other tools comes to the root that was signed; that it
// ends where a check ended; and that it can be read by everybody: node --test site/e2e/drawn.test.mjs

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, createPublicKey, verify } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { accessible, choose, launch, serveFolder, verdicts, visitor } from './browser.mjs'
import { buildCommand, filesBelow, makeDemo } from './registry.mjs'

let folder, demo, browser, visit, server

const sample = (path) => join(demo, 'samples', path)
const diploma = 'education/diploma.pdf' // authentic
const altered = 'received/diploma.pdf' // not registered
const licence = 'education/teaching-licence.docx' // revoked
const extract = 'land/land-extract-2019.pdf' // superseded

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-drawn-'))
  demo = join(folder, 'demo')
  await makeDemo(await buildCommand(folder), demo)
  server = await serveFolder(join(demo, 'public'))
  browser = await launch()
  visit = visitor(browser, server, new Set(await filesBelow(join(demo, 'public'))))
})

after(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true })
})

afterEach(() => server?.faults.clear())

/** Checks one document, alone on the page, and unfolds how it was checked. */
async function unfold(page, verdict, ...files) {
  if (await page.locator('[data-rows] > *').count()) await page.click('[data-clear]')
  await choose(page, files)
  assert.deepEqual((await verdicts(page, 1)).map((row) => row.verdict), [verdict])
  await page.click('.row [data-checked] > summary')
  await page.waitForSelector('.row [data-drawing]')
}

/** Unfolds everything in the drawing. */
async function open(page) {
  for (const more of await page.locator('.row .more button').all()) await more.click()
  await page.$$eval('.row [data-drawing] details:not([open]) > summary', (all) => all.forEach((summary) => summary.click()))
  if (await page.locator('.row [data-commands]').count()) await page.waitForSelector('.row [data-bytes=script]')
}

/** What the drawing shows: its stations in order, each with its computations in order, and the hashes that stand by themselves. */
const shown = (page) =>
  page.$$eval('.row .station', (stations) =>
    stations.map((station) => ({
      name: station.dataset.station,
      hashes: [...station.querySelectorAll(':scope > .station-body > .hash')].map((node) => node.textContent),
      neighbours: [...station.querySelectorAll('[data-neighbour]')].map((node) => [node.dataset.neighbour, node.querySelector('.hash').textContent]),
      texts: [...station.querySelectorAll('[data-bytes=text], [data-bytes=checkpoint]')].map((node) => node.textContent),
      rules: [...station.querySelectorAll('[data-rule]')].map((node) => ({
        rule: node.dataset.rule,
        climb: node.closest('[data-climb]')?.dataset.climb ?? null,
        side: node.closest('[data-side]')?.dataset.side ?? null,
        bytes: Object.fromEntries([...node.querySelectorAll('[data-bytes]')].map((code) => [code.dataset.bytes, code.textContent])),
      })),
    })),
  )

const sum = (...parts) => createHash('sha256').update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest('hex')
const hex = (text) => Buffer.from(text, 'hex')

/** Every rule that the drawing names, as FORMAT.md has it. */
const rules = {
  'SHA-256("stele.key/1\\n" ‖ "sha256:" ‖ digits)': ({ digits }) => sum(`stele.key/1\nsha256:${digits}`),
  'SHA-256(body)': ({ body }) => sum(hex(body)),
  'SHA-256("stele.record/1\\n" ‖ key ‖ body)': ({ key, body }) => sum('stele.record/1\n', hex(key), hex(body)),
  'SHA-256("stele.slot/1\\n" ‖ depth ‖ prefix ‖ count ‖ records)': ({ depth, prefix, count, records }) => sum('stele.slot/1\n', hex(depth + prefix + count + records)),
  'SHA-256(0x00 ‖ entry)': ({ entry }) => sum([0], hex(entry)),
  'SHA-256(0x01 ‖ left ‖ right)': ({ left, right }) => sum([1], hex(left), hex(right)),
  'base64(root)': ({ root }) => hex(root).toString('base64'),
}

/**
 * Follows what is shown from the file to the three lines of the checkpoint, and returns them: every hash computed anew, each from those before it.
 * Throws where a step does not follow.
 */
function follow(stations, file) {
  const at = Object.fromEntries(stations.map((station) => [station.name, station]))
  const comes = (part) => {
    const got = rules[part.rule]?.(part.bytes)
    assert.equal(got, part.bytes.result, part.rule)
    return got
  }
  const one = (station, rule) => station.rules.find((part) => part.rule.includes(rule) && !part.climb)
  const climb = (station, name, from) =>
    station.rules.filter((part) => part.climb === name).reduce((h, part) => {
      assert.equal(part.side === 'before' ? part.bytes.right : part.bytes.left, h, `${name}: a level does not begin where the one before ends`)
      return comes(part)
    }, from)

  const print = createHash('sha256').update(file).digest('hex')
  assert.deepEqual(at.print.hashes, [print])
  assert.equal(at.print.rules[0].bytes.result, print)
  assert.equal(one(at.key, 'key').bytes.digits, print)
  const key = comes(one(at.key, 'key'))
  const slot = one(at.slot, 'slot')
  const roots = at.record ? [inSlot(at.record, 'slot-path', key)] : beside()
  for (const root of roots) assert.equal(slot.bytes.records, root)
  assert.ok(roots.length > 0)

  function inSlot(station, name, of) {
    const record = station.rules.find((part) => part.rule.includes('record') && part.bytes.key === of)
    if (station === at.record) assert.equal(record.bytes.body, comes(one(at.record, '(body)')))
    return climb(at.slot, name, comes(record))
  }
  function beside() {
    const order = at.absent.neighbours.map(([, hash]) => hash)
    assert.deepEqual(order, order.toSorted())
    assert.equal(at.absent.neighbours.find(([side]) => side === 'own')[1], key)
    return at.absent.neighbours.filter(([side]) => side !== 'own').map(([side, hash]) => inSlot(at.slot, `slot-path-${side}`, hash))
  }

  const map = climb(at.index, 'path', comes(slot))
  const statement = at.statement.texts[0]
  assert.ok(statement.includes(`\nmap sha256:${map}\n`), 'the index statement names another map')
  assert.equal(hex(one(at.statement, 'entry').bytes.entry).toString(), statement)
  const root = climb(at.ledger, 'ledger-path', comes(one(at.statement, 'entry')))
  assert.deepEqual(at.ledger.hashes, [root])
  assert.equal(one(at.checkpoint, 'base64').bytes.root, root)
  const lines = at.checkpoint.texts[0].split('\n')
  assert.equal(lines[2], comes(one(at.checkpoint, 'base64')))
  return lines
}

/** Checks a checkpoint's Ed25519 signature with the key that the trust file names, as c2sp.org/signed-note has it. */
async function signed(lines) {
  const note = await readFile(join(demo, 'public/ledger/checkpoint'), 'utf8')
  const trust = await readFile(join(demo, 'public/trust/1'), 'utf8')
  const text = note.slice(0, note.indexOf('\n\n') + 1)
  assert.equal(text, `${lines.join('\n')}\n`)
  const [, name, id, key] = trust.match(/^log (\S+?)\+([0-9a-f]{8})\+(\S+)$/m)
  const own = note.split('\n').filter((line) => line.startsWith(`— ${name} `)).map((line) => Buffer.from(line.split(' ')[2], 'base64'))
  const signature = own.find((bytes) => bytes.subarray(0, 4).toString('hex') === id).subarray(4)
  const spki = Buffer.concat([hex('302a300506032b6570032100'), Buffer.from(key, 'base64').subarray(1)])
  assert.ok(verify(null, Buffer.from(text), createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature))
}

/** Checks that whoever follows what is on the page comes to the root that was signed, and that the commands for a terminal say so too. */
async function isTrue(page, path) {
  await open(page)
  const stations = await shown(page)
  await signed(follow(stations, await readFile(sample(path))))
  const said = execFileSync('bash', ['-c', await page.textContent('.row [data-bytes=script]')], { encoding: 'utf8' }).trim().split('\n')
  const computed = stations.flatMap((station) => station.rules).filter(({ rule }) => rule !== 'SHA-256(file)')
  assert.deepEqual(said, computed.map(({ bytes }) => `= ${bytes.result}`))
  return stations
}

/** Presses a button of the row and resolves to the bytes that are saved. */
async function save(page, name) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()])
  return readFile(await download.path())
}

const names = (stations) => stations.map(({ name }) => name)
const whole = ['file', 'print', 'key', 'record', 'slot', 'index', 'statement', 'ledger', 'checkpoint', 'signed']

test('what is drawn is true: whoever computes it again comes to the root that was signed', async () => {
  await visit(async (page) => {
    for (const [path, verdict] of [[diploma, 'authentic'], [licence, 'revoked'], [extract, 'superseded'], [altered, 'not-registered'], ['received/letter.txt', 'not-registered']]) {
      await unfold(page, verdict, sample(path))
      const stations = await isTrue(page, path)
      assert.deepEqual(names(stations), verdict === 'not-registered' ? whole.with(3, 'absent') : whole, path)
    }
  })
})

/** The receipts that the page hands out for documents, as files, so that later visits can go without the registry. */
async function receiptsFor(...paths) {
  const receipts = {}
  await visit(async (page) => {
    for (const [i, path] of paths.entries()) {
      await choose(page, [sample(path)])
      await verdicts(page, 1)
      receipts[path] = join(folder, `${i}.tlog-proof`)
      await writeFile(receipts[path], await save(page, /^Save the receipt/))
      await page.click('[data-clear]')
    }
  })
  return receipts
}

test('what is drawn from a receipt, with no network, is as true', async () => {
  const receipts = await receiptsFor(diploma, altered)
  server.faults.set('ledger/head', 500)
  await visit(async (page) => {
    for (const [path, verdict] of [[diploma, 'authentic'], [altered, 'not-registered']]) {
      await unfold(page, verdict, sample(path), receipts[path])
      assert.equal(JSON.parse(await save(page, /^Save the full report/)).source, 'receipt')
      await isTrue(page, path)
      assert.match(await page.textContent('[data-station=slot]'), /nobody was asked/)
    }
  }, { faulty: true })
})

test('the verifier in one file draws the same from disk', async () => {
  const receipts = await receiptsFor(diploma)
  const page = await browser.newPage()
  await page.goto(pathToFileURL(join(demo, 'public/verify.html')).href)
  await unfold(page, 'authentic', sample(diploma), receipts[diploma])
  await isTrue(page, diploma)
  await page.close()
})

/** A text that is another for sure, by its first character. */
const other = (text) => (text[0] === '0' ? '1' : '0') + text.slice(1)

test('a drawing that is not true is found out', async () => {
  await visit(async (page) => {
    await unfold(page, 'authentic', sample(diploma))
    await open(page)
    const stations = await shown(page)
    const file = await readFile(sample(diploma))
    follow(stations, file)
    assert.throws(() => follow(stations, Buffer.concat([file, Buffer.from('.')])))
    for (const station of stations) {
      for (const part of station.rules) {
        if (part.rule === 'SHA-256(file)') continue
        for (const label of Object.keys(part.bytes).filter((name) => name !== 'command')) {
          const right = part.bytes[label]
          part.bytes[label] = other(right)
          assert.throws(() => follow(stations, file), `${part.rule}: ${label}`)
          part.bytes[label] = right
        }
      }
    }
    follow(stations, file)
  })
})

test('where a check ends, the drawing ends, with the reason', async (t) => {
  const strip = (bytes) => Buffer.from(bytes.toString().split('\n').filter((line) => !/^— (university|newspaper|neighbour)/.test(line)).join('\n'))
  const ends = async (page, ...files) => {
    await unfold(page, ...files)
    assert.equal(await page.getAttribute('.row [data-drawing]', 'data-drawing'), 'ended')
    assert.equal(await page.locator('.row :is(.climb, .cards, .checkpoint, [data-commands], .moments)').count(), 0)
    assert.match(await page.textContent('.row .drawn'), /Nothing beyond it has been proved/)
    return [names(await shown(page)), await page.textContent('[data-station=ended]')]
  }
  const receipts = await receiptsFor(diploma)
  const at = await serveFolder(join(demo, 'public')) // a page that lacks signatures looks for a newer trust file, which is not published
  t.after(() => at.close())
  const without = async (fault, use) => {
    at.faults.set('ledger/head', fault)
    await visit(use, { at, faulty: true })
  }
  await without(500, async (page) => {
    const [stations, why] = await ends(page, 'unavailable', sample(diploma))
    assert.deepEqual(stations, ['file', 'print', 'ended'])
    assert.match(why, /Part of the registry could not be reached\..*ended at this step: The registry was asked/s)
    assert.doesNotMatch(why, /Officers|witnesses/)
    const [mismatch, keys] = await ends(page, 'mismatch', sample(licence), receipts[diploma])
    assert.deepEqual(mismatch, ['file', 'print', 'key', 'ended'])
    assert.match(keys, /The receipt names a different file\..*The receipt is for this key: ?[0-9a-f]{64}/s)
    await accessible(page, 'an ended drawing')
  })
  await without(strip, async (page) => {
    const [stations, missing] = await ends(page, 'unavailable', sample(diploma))
    assert.deepEqual(stations, ['file', 'print', 'ended'])
    assert.match(missing, /lacks signatures that are required.*2 of 3 have signed.*0 of 3 have signed, 2 needed.*Too few have signed.*nothing against the document/s)
  })
  await without((bytes) => Buffer.from(bytes.toString().replace(/(?<=^[A-Za-z0-9+/]{40})./m, other)), async (page) => {
    const [stations, why] = await ends(page, 'unavailable', sample(diploma))
    assert.deepEqual(stations, ['file', 'print', 'ended'])
    assert.match(why, /damaged or incomplete/)
  })
})

test('who has signed and when: institutions by name, those who are missing without alarm, claims told apart', async () => {
  await visit(async (page) => {
    await unfold(page, 'revoked', sample(licence))
    const roles = await page.$$eval('[data-station=signed] .role', (all) => all.map((role) => [role.dataset.role, role.querySelectorAll('[data-met=true]').length, role.querySelectorAll('[data-met=false]').length]))
    assert.deepEqual(roles, [['log', 2, 0], ['officers', 2, 3], ['witnesses', 5, 0]])
    assert.match(await page.textContent('[data-role=officers]'), /justice\.demo\.stele\.example.*Who has not signed is not needed here/s)
    const moments = await page.$$eval('.moments li', (all) => all.map((li) => [li.dataset.moment, li.dataset.by, li.querySelector('time').dateTime, li.textContent]))
    const times = moments.map(([, , time]) => Date.parse(time))
    assert.deepEqual(times, times.toSorted((a, b) => a - b))
    const by = Object.fromEntries(moments.map(([name, by]) => [name, by]))
    assert.deepEqual(by, { issued: 'claim', registered: 'ledger', event: 'ledger', published: 'ledger', logSigned: 'signed', officerSigned: 'signed', witnessSigned: 'signed', asof: 'signed', now: 'device' })
    assert.equal(moments.filter(([name]) => name === 'witnessSigned').length, 3) // one for each, not for each key
    assert.match(moments.find(([name]) => name === 'issued')[3], /the issuer’s claim/)
    assert.match(moments.find(([name]) => name === 'event')[3], /Revoked/)
  })
})

test('the verdict comes in the order in which people ask', async () => {
  await visit(async (page) => {
    await unfold(page, 'revoked', sample(licence))
    const order = await page.$$eval('.row-body > *', (all) => all.map((node) => (node.hasAttribute('data-checked') ? 'evidence' : node.className)))
    assert.deepEqual(order.filter((name) => !['demo-note', 'notices'].includes(name)), ['meaning', 'next', 'facts', 'history', 'quorums', 'evidence', 'row-tools'])
    const inside = await page.$$eval('[data-checked] > .folded > *', (all) => all.map((node) => node.className))
    assert.deepEqual(inside, ['drawn', 'when', 'technical'])
    assert.equal(await page.locator('.technical[open]').count(), 0)
  })
})

test('what draws is loaded when it is wanted, and a damaged copy of it draws nothing', async () => {
  const begin = server.log.length
  await visit(async (page) => {
    await choose(page, [sample(diploma)])
    await verdicts(page, 1)
    const path = server.log.slice(begin).map(({ path }) => path).find((name) => name.endsWith('/page.js')).replace('page.js', 'moments.js')
    assert.equal(server.log.slice(begin).some(({ path }) => path.endsWith('/drawn.js') || path.endsWith('/technical.js')), false)
    server.faults.set(path, (bytes) => Buffer.concat([bytes, Buffer.from('//')]))
    await page.click('[data-checked] > summary')
    assert.match(await page.textContent('[data-undrawn]'), /The answer does not depend on it/)
    assert.equal(await page.locator('.drawn').count(), 0)
    server.faults.clear()
    await page.click('[data-checked] > summary')
    await page.click('[data-checked] > summary')
    await page.waitForSelector('.drawn')
  }, { faulty: true })
})

test('a step is opened by keyboard, has a name that says what it is, and its bytes are copied', async () => {
  await visit(async (page, _, context) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await unfold(page, 'authentic', sample(diploma))
    const rung = page.locator('[data-climb=ledger-path] > li').first()
    assert.match(await rung.locator('summary .unseen').textContent(), /^Level 1 of \d: [0-9a-f]{4}…[0-9a-f]{4} goes in front, and both come to [0-9a-f]{4}…[0-9a-f]{4}$/)
    await rung.locator('summary').focus()
    await page.keyboard.press('Enter')
    const left = rung.locator('[data-bytes=left]')
    assert.ok(await left.isVisible())
    await rung.getByRole('button', { name: /^Copy: left/ }).click()
    await page.waitForFunction(() => document.querySelector('[data-told]').textContent === 'Copied.')
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await left.textContent())
    // Where the browser refuses, the text is marked.
    await page.evaluate(() => (navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))))
    await rung.getByRole('button', { name: /^Copy: right/ }).click()
    await page.waitForFunction(() => document.querySelector('[data-told]').textContent.includes('copy it by hand'))
    assert.equal(await page.evaluate(() => String(getSelection())), await rung.locator('[data-bytes=right]').textContent())
  })
})

/** A report with paths as deep as in the largest registries, true in itself. */
function deepened(report) {
  const step = report.steps.find(({ id }) => id === 'way')
  const set = (label, value) => (step.evidence.find((e) => e.label === label).value = value)
  const get = (label) => step.evidence.find((e) => e.label === label).value
  const climb = (from, count) => {
    let h = from
    const lines = Array.from({ length: count }, (_, i) => {
      const [side, beside] = [i % 3 === 1 ? 'before' : 'after', sum(`${from} ${i}`)]
      h = side === 'before' ? sum([1], hex(beside), hex(h)) : sum([1], hex(h), hex(beside))
      return `${side} ${beside} ${h}\n`
    })
    return [lines.join(''), h]
  }
  const [path, map] = climb(get('slot'), 25)
  set('path', path)
  set('index', get('index').replace(/^map sha256:.*$/m, `map sha256:${map}`))
  set('map', map)
  set('leaf', sum([0], get('index')))
  const [ledger, root] = climb(get('leaf'), 27)
  set('ledger-path', ledger)
  set('root', root)
  set('checkpoint', get('checkpoint').replace(/\n[^\n]*\n$/, `\n${hex(root).toString('base64')}\n`))
}

/** Draws a report in place of the row's body. */
function redraw(page, report) {
  return page.evaluate(async (report) => {
    const from = (name) => import(new URL(name, document.querySelector('script[type=module]').src))
    const data = document.querySelector('[data-check]').dataset
    const wording = await (await from('text.js')).loadWording(data.text, data.textIntegrity, { url: data.textLater, integrity: data.textLaterIntegrity })
    await wording.more()
    const { drawn } = await from('drawn.js')
    document.querySelector('.row-body').replaceChildren(...drawn(report, wording))
  }, report)
}

test('a way that is whole and too old says what it does not show', async () => {
  await visit(async (page) => {
    await choose(page, [sample(diploma)])
    await verdicts(page, 1)
    const report = JSON.parse(await save(page, /^Save the full report/))
    await redraw(page, report)
    assert.equal(await page.locator('[data-station=late]').count(), 0)
    await redraw(page, { ...report, verdict: 'stale', reason: 'rollback' })
    assert.match(await page.textContent('[data-station=late]'), /has seen a later state of the ledger before/)
    report.steps.find(({ id }) => id === 'time').state = 'failed'
    await redraw(page, { ...report, verdict: 'stale' })
    assert.match(await page.textContent('[data-station=late]'), /too long ago to say how things stand today/)
    assert.deepEqual(names(await shown(page)), [...whole, 'late'])
  })
})

test('long ways are folded and can be unfolded, on a phone, from right to left, and on paper', async () => {
  await visit(async (page) => {
    await choose(page, [sample(diploma)])
    await verdicts(page, 1)
    const report = JSON.parse(await save(page, /^Save the full report/))
    deepened(report)
    await redraw(page, report)
    const visible = (name) => page.locator(`[data-climb=${name}] > li:not(.more):visible`).count()
    assert.deepEqual([await visible('path'), await visible('ledger-path')], [4, 4])
    assert.equal(await page.textContent('[data-climb=ledger-path] .more'), '… 23 more levels …')
    await page.evaluate(() => (document.documentElement.dir = 'rtl'))
    await accessible(page, 'a folded way, from right to left')
    await page.click('[data-climb=ledger-path] .more button')
    assert.equal(await visible('ledger-path'), 27)
    assert.match(await page.evaluate(() => document.activeElement.textContent), /^Level 3 of 27/)
    await open(page)
    follow(await shown(page), await readFile(sample(diploma)))
    // All of it open is a great deal: what accessible() does in every theme and width is done once here.
    await page.setViewportSize({ width: 320, height: 900 })
    for (const size of ['200%', '']) assert.ok(await page.evaluate((size) => ((document.documentElement.style.fontSize = size), document.documentElement.scrollWidth <= innerWidth), size), size)
    const { violations } = await page.evaluate(() => axe.run('.drawn', { resultTypes: ['violations'] }))
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 120)}`), [])
    await page.emulateMedia({ media: 'print' })
    assert.equal(await visible('path'), 25)
    assert.ok(await page.locator('.moments').isVisible())
  })
})

test('the side of a hash in the picture is its side in the rule, from right to left too', async () => {
  await visit(async (page) => {
    await unfold(page, 'not-registered', sample(altered))
    for (const dir of ['ltr', 'rtl']) {
      await page.evaluate((dir) => (document.documentElement.dir = dir), dir)
      const sides = await page.$$eval('.climb > li[data-side]', (all) => all.map((li) => {
        const at = (name) => li.querySelector(name).getBoundingClientRect()
        return [li.dataset.side, at('.beside').right <= at('.both').left ? 'left' : 'right']
      }))
      assert.ok(sides.length > 5)
      for (const [side, where] of sides) assert.equal(where, (side === 'before') === (dir === 'ltr') ? 'left' : 'right')
    }
  })
})

test('answers are accessible with their drawing, whatever they are', async () => {
  await visit(async (page) => {
    for (const [path, verdict] of [[diploma, 'authentic'], [altered, 'not-registered']]) {
      await unfold(page, verdict, sample(path))
      await accessible(page, `drawn: ${verdict}`)
    }
    await page.emulateMedia({ forcedColors: 'active' })
    assert.ok(await page.locator('.cards .gap').isVisible())
  })
})

test('every word of the drawing is in the wording, and no word for nothing', async () => {
  const text = JSON.parse(await readFile(new URL('../text/en.json', import.meta.url), 'utf8'))
  const sources = await Promise.all(['climb', 'drawn', 'moments', 'technical', 'report'].map((name) => readFile(new URL(`../assets/${name}.mjs`, import.meta.url), 'utf8')))
  const words = new Set(sources.join('\n').match(/(?<=')[A-Za-z-]+(?=')/g))
  const made = { Text: ['officers', 'witnesses'], 'by-': ['claim', 'ledger', 'signed', 'device'] } // from a word of the report
  const computed = [...made.Text.map((name) => `${name}Text`), ...made['by-'].map((by) => `by-${by}`)]
  assert.deepEqual(Object.keys(text.drawn).filter((key) => !words.has(key) && !computed.includes(key)), [])
  const asked = sources.join('\n').matchAll(/\bof\((?:'drawn', )?(?:[^()']*\? )?'([A-Za-z-]+)'(?: : '([A-Za-z-]+)')?/g)
  const missing = [...asked].flatMap(([, one, other]) => [one, other].filter(Boolean)).filter((key) => key !== 'drawn' && !text.drawn[key])
  assert.deepEqual(missing, [])
})
