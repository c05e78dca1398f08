// The pages that look into the ledger, as people use them, in a real Chromium, over registries made by the command:
// node --test site/e2e/viewer.test.mjs

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { accessible, choose, launch, serveFolder, verdicts, visitor } from './browser.mjs'
import { buildCommand, filesBelow, makeDemo, must } from './registry.mjs'

let folder, stele, browser, visit
let demo, published, server // the demonstration

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-viewer-'))
  demo = join(folder, 'demo')
  stele = await buildCommand(folder)
  await makeDemo(stele, demo)
  await must(stele, 'publish', '--registry', demo) // with nothing new
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

const sample = (path) => join(demo, 'samples', path)
const older = 'land/land-extract-2019.pdf' // replaced by land-extract-2026.pdf

/** Waits until a page has proved all that it shows at first. */
const ready = (page) => page.waitForFunction(() => 'ready' in document.documentElement.dataset)

/** What stands in the head of the page: whether anything is proved. */
const standing = async (page) => {
  const node = page.locator('[data-standing]')
  await page.waitForFunction(() => document.querySelector('[data-standing]').dataset.state)
  return [await node.getAttribute('data-state'), await node.textContent()]
}

const entryOf = (page, place) => page.locator(`.entry[data-entry="${place}"]`)

const flip = (at) => (bytes) => {
  const copy = Buffer.from(bytes)
  copy[at % copy.length] ^= 1
  return copy
}

const html = () => Buffer.from('<!doctype html><title>Welcome to this network</title>')

/** The paths of published files that a pattern matches. */
const paths = (pattern) => [...published].filter((path) => pattern.test(path))

// The ledger

test('the newest publication, the growth, the counts, the newest entries and the publications are proved and shown', async (t) => {
  await visit(async (page) => {
    await ready(page)
    const [state, told] = await standing(page)
    assert.equal(state, 'proved')
    assert.match(told, /^Proved on this device, as of \d+ \w+ \d{4} at/)
    const list = (await readFile(join(demo, 'public/ledger/history/list'), 'utf8')).trim().split('\n')
    const size = list.at(-1).split(' ')[0]
    assert.equal(await page.textContent('[data-fact=size]'), size)

    const statistics = (await readFile(join(demo, 'public/ledger/statistics'), 'utf8')).split('\n')
    const last = statistics.findLast((line) => line.startsWith('at ')).split(' ')
    assert.equal(await page.textContent('[data-fact=keys]'), last[3])
    assert.equal(await page.getAttribute('[data-fit]', 'data-fit'), 'same')
    assert.match(await page.textContent('[data-fit]'), /has counted this itself.*stele audit/s)
    const counts = await page.textContent('[data-counts]')
    assert.match(counts, /Ministry of Education.*Northern Academy/s)
    assert.match(counts, /Accredited: 7 · Withdrawn: 1/)
    const education = await page.locator('[data-counts] tr', { hasText: 'Ministry of Education' }).locator('td').allTextContents()
    assert.deepEqual(education, ['4', '1', '0', '0'])

    const entries = await page.locator('[data-entries] table tbody tr').count()
    assert.equal(entries, 15)
    const publications = await page.locator('[data-publications] tbody tr').allTextContents()
    assert.equal(publications.length, 2)
    assert.match(publications[0], /Publication 2.*signed again once with nothing new/s)
    assert.match(publications[1], /Publication 1.*\+23/s)
    t.diagnostic(`${server.log.length} requests`)
  }, { to: 'ledger.html' })
})

test('the chart says the same by eye, by ear, by keyboard and as a table', async () => {
  await visit(async (page) => {
    await ready(page)
    const chart = page.locator('.chart svg[role=img]')
    assert.match(await chart.getAttribute('aria-label'), /30 entries and 17 documents at the end/)
    const range = page.locator('#chart-pick')
    assert.match(await range.getAttribute('aria-valuetext'), /^Publication 2, .*30 entries, 17 documents$/)
    await range.focus()
    await page.keyboard.press('ArrowLeft')
    assert.match(await page.textContent('.chart-read'), /^Publication 1, .*23 entries, 16 documents$/)
    const box = await chart.boundingBox()
    await page.mouse.move(box.x + box.width - 3, box.y + 40)
    assert.match(await page.textContent('.chart-read'), /^Publication 2/)
    await page.click('.chart summary')
    await page.locator('.chart tbody tr').first().waitFor()
    assert.deepEqual(await page.locator('.chart tbody tr').first().locator('th, td').allTextContents().then((cells) => [cells[0], ...cells.slice(2)]), ['2', '30', '17'])
    // It is drawn anew for a narrow screen, with nothing outside of it.
    for (const width of [320, 1000]) {
      await page.setViewportSize({ width, height: 800 })
      await page.waitForFunction(() => {
        const svg = document.querySelector('.chart-svg')
        return svg.viewBox.baseVal.width === Math.round(svg.parentElement.clientWidth)
      })
      assert.deepEqual(await outside(page), [], `${width} px`)
    }
  }, { to: 'ledger.html' })
})

/** Labels of the chart that are cut off. */
const outside = (page) => page.$$eval('.chart-label', (labels) => {
  const frame = document.querySelector('.chart-frame').getBoundingClientRect()
  return labels.filter((l) => l.getBoundingClientRect().left < frame.left || l.getBoundingClientRect().right > frame.right).map((l) => l.textContent)
})

/** Statistics as of a registry that has published for years, ending with what this one's head proves. */
function years(bytes) {
  const lines = String(bytes).split('\n')
  const [, , size, keys, time] = lines.findLast((line) => line.startsWith('at ')).split(' ').map(Number)
  const at = []
  for (let i = 1; i < 120; i++) at.push(`at ${i} ${i} ${Math.min(i, 10)} ${time - (120 - i) * 20 * 86_400}`)
  return Buffer.from([...lines.slice(0, 2), ...at, `at 121 ${size + 12_345_678} ${keys + 9_000_000} ${time}`, ...lines.filter((line) => line.startsWith('count ')), ''].join('\n'))
}

test('a registry of many years has marks that people count in', async () => {
  server.faults.set('ledger/statistics', years)
  await visit(async (page) => {
    await ready(page)
    assert.equal(await page.getAttribute('[data-fit]', 'data-fit'), 'newer')
    assert.deepEqual(await outside(page), [])
    const labels = await page.locator('.chart-label').allTextContents()
    assert.ok(labels.includes('10m') && labels.includes('0') && labels.filter((l) => /^20\d\d$/.test(l)).length >= 3, labels.join(' '))
    await accessible(page, 'the chart of many years')
  }, { to: 'ledger.html' })
})

test('without statistics, or with bad ones, the rest stands', async () => {
  const faults = [[404, 'none', /no statistics here/], [500, 'outage', /could not be read just now/], [html, 'bad-data', /damaged.*ledger\/statistics/],
    [(b) => Buffer.from(String(b).replace(' 30 17 ', ' 30 18 ')), null, /does not agree with what its newest publication signs/]]
  for (const [fault, reason, words] of faults) {
    server.faults.set('ledger/statistics', fault)
    await visit(async (page) => {
      await ready(page)
      const growth = page.locator('[data-growth]')
      if (reason) assert.equal(await growth.locator('[data-reason]').getAttribute('data-reason'), reason)
      assert.match(await growth.textContent(), words)
      assert.equal(await page.locator('[data-entries] tbody tr').count(), 15)
      assert.equal((await standing(page))[0], 'proved')
      if (fault === 404) await accessible(page, 'no statistics')
    }, { to: 'ledger.html', faulty: true })
    server.faults.clear()
  }
})

// Entries

test('any entry is decoded and proved: by its place, by a link, and from one to the next', async () => {
  await visit(async (page) => {
    const first = entryOf(page, 1)
    await first.waitFor()
    assert.equal(await first.getAttribute('data-state'), 'authorised')
    assert.match(await first.textContent(), /^Entry 1.*The registry accredited Land Registry Office\..*Proved: the ledger holds exactly this at place 1.*Whoever signed it was entitled/s)
    await accessible(page, 'an entry')
    await first.getByRole('link', { name: 'Entry after' }).click()
    await entryOf(page, 2).waitFor()
    assert.ok(await page.evaluate(() => document.activeElement.matches('.entry h3')))

    await page.fill('#place', ' 2 3 ')
    await page.keyboard.press('Enter')
    const revoked = entryOf(page, 23)
    await revoked.waitFor()
    assert.match(await revoked.textContent(), /Ministry of Education revoked a document\..*publication 2.*The licence was obtained with a forged reference\./s)
    for (const summary of await revoked.locator('summary').all()) await summary.click()
    const raw = await revoked.locator('pre').textContent()
    // The drawn way, computed again, leads from the entry to the root that it names.
    const sum = (...parts) => createHash('sha256').update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest('hex')
    const pairs = await revoked.locator('.climb [data-side]').evaluateAll((all) => all.map((li) => ['left', 'right'].map((name) => li.querySelector(`[data-bytes=${name}]`).textContent)))
    assert.ok(pairs.length >= 4)
    const top = pairs.reduce((own, pair) => (assert.ok(pair.includes(own)), sum([1], ...pair.map((hash) => Buffer.from(hash, 'hex')))), sum([0], raw))
    assert.equal(await revoked.locator('.drawn > .hash').last().textContent(), top)
    assert.match(raw, /^stele\.statement\/1\nregistry demo\.stele\.example\/ledger\nrevoke\n/)
    const bundle = await readFile(join(demo, 'public', paths(/^ledger\/tile\/entries\/000\.p\/30$/)[0]), 'utf8')
    assert.ok(bundle.includes(raw))
    await accessible(page, 'an entry, all of it open')
    await page.getByRole('button', { name: 'Older entries' }).click()
    await page.locator('[data-entries] tbody a', { hasText: /^0$/ }).click()
    await entryOf(page, 0).waitFor()
  }, { to: 'ledger.html#entry=1' })
})

test('a place that is none, or beyond the ledger, is told so', async () => {
  await visit(async (page) => {
    await entryOf(page, 30).waitFor()
    assert.match(await entryOf(page, 30).textContent(), /The ledger has no entry 30 yet\. Its newest is 29\./)
    await page.fill('#place', 'twelve')
    await page.click('.place button')
    assert.equal(await page.textContent('.place-said'), 'Type a place: a whole number from 0 to 29.')
    await page.fill('#place', '9223372036854775807')
    await page.click('.place button')
    await entryOf(page, '9223372036854775807').waitFor()
    assert.equal(await entryOf(page, '9223372036854775807').getAttribute('data-state'), 'beyond')
    await accessible(page, 'beyond the ledger')
  }, { to: 'ledger.html#entry=30' })
})

test('what is missing is an outage, and what is damaged is named; neither is shown', async () => {
  const tile = paths(/^ledger\/tile\/0\/000\.p\/30$/)[0]
  const bundle = paths(/^ledger\/tile\/entries\/000\.p\/30$/)[0]
  for (const [path, fault, reason] of [[tile, 404, 'outage'], [tile, flip(40), 'bad-data'], [tile, html, 'bad-data'], [bundle, 500, 'outage'],
    [bundle, (b) => Buffer.from(String(b).replace('education', 'educatiom')), 'bad-data'], [bundle, html, 'bad-data']]) {
    server.faults.set(path, fault)
    await visit(async (page) => {
      await entryOf(page, 3).waitFor()
      const told = `${path} ${fault}`
      assert.equal(await entryOf(page, 3).getAttribute('data-state'), 'failed', told)
      const failure = entryOf(page, 3).locator('.failure')
      assert.equal(await failure.getAttribute('data-reason'), reason, told)
      const text = await entryOf(page, 3).textContent()
      assert.match(text, reason === 'outage' ? /That is an outage and says nothing against the registry/ : /is damaged/, told)
      assert.ok(text.includes(path) && !/forge|tamper/i.test(text), text)
      if (fault === 404 || path === bundle) await accessible(page, told)
      server.faults.clear()
      await failure.getByRole('button', { name: 'Try again' }).click()
      await page.waitForSelector('.entry[data-state=authorised]')
    }, { to: 'ledger.html#entry=3', faulty: true, at: Object.create(server) }) // the full tile is tried too, which is not there yet
    server.faults.clear()
  }
})

test('an entry without the list of issuers is proved, and its signer is not', async () => {
  const { issuers } = await issuerFile()
  server.faults.set(issuers, 404)
  await visit(async (page) => {
    await entryOf(page, 10).waitFor()
    assert.equal(await entryOf(page, 10).getAttribute('data-state'), 'unproved')
    assert.match(await entryOf(page, 10).textContent(), /Proved: the ledger holds exactly this.*could not be proved now/s)
  }, { to: 'ledger.html#entry=10', faulty: true })
})

/** The issuer list of the newest publication, found by looking. */
async function issuerFile() {
  const begin = server.log.length
  await visit((page) => ready(page), { to: 'issuers.html' })
  return { issuers: server.log.slice(begin).find((r) => r.path.startsWith('index/')).path }
}

test('nothing is proved without a head, a program or its words, and what the registry wrote stays', async () => {
  const asset = (name) => paths(new RegExp(`^assets/.*/${name}$`))[0]
  for (const [path, fault, state] of [['ledger/head', 404, 'failed'], ['ledger/head', flip(777), 'failed'], ['ledger/head', html, 'failed'],
    [asset('viewer.wasm'), 404, 'broken'], [asset('viewer.wasm'), flip(77_777), 'broken'], ['trust/1', flip(9), 'broken']]) {
    for (const to of ['ledger.html', 'issuers.html']) {
      server.faults.set(path, fault)
      await visit(async (page) => {
        const [got, told] = await standing(page)
        assert.equal(got, state, `${path} ${fault}`)
        assert.match(told, /What stands below is what the registry wrote, not proved here\./)
        if (fault === 404 && state === 'failed') assert.match(told, /That is an outage/)
        assert.ok(await page.locator(to === 'ledger.html' ? '[data-publications] tbody tr' : '[data-issuers] tbody tr').count() > 1)
        if (fault === 404) await accessible(page, `${to} without ${path}`)
      }, { to, faulty: true })
      server.faults.clear()
    }
  }
  for (const to of ['ledger.html', 'issuers.html']) {
    server.faults.set(asset('en-viewer.json'), 404)
    await visit(async (page) => {
      await page.waitForLoadState('networkidle')
      assert.match(await page.textContent('[data-standing]'), /It is not proved here\./)
    }, { to, faulty: true })
    server.faults.clear()
    await visit(async (page) => {
      assert.match(await page.textContent('[data-standing]'), /It is not proved here\..*stele audit/s)
      assert.equal(await page.locator('[data-entries]:visible').count(), 0)
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
    }, { to, context: { javaScriptEnabled: false, viewport: { width: 320, height: 700 } } })
  }
})

// Publications

test('a publication’s checkpoint is saved, its signings are listed, and the ledger is shown to have grown from it', async () => {
  await visit(async (page) => {
    await ready(page)
    const first = page.locator('[data-publications] tbody > tr', { hasText: 'Publication 1' })
    const [download] = await Promise.all([page.waitForEvent('download'), first.getByRole('link', { name: 'Save' }).click()])
    assert.match(String(await readFile(await download.path())), /^demo\.stele\.example\/ledger\n23\n/)
    await first.getByRole('button', { name: 'Prove that nothing was removed since: Publication 1' }).click()
    await first.locator('.note.proved').waitFor()
    assert.match(await first.textContent(), /Proved: today’s ledger begins with exactly these 23 entries\./)
    const second = page.locator('[data-publications] tbody > tr', { hasText: 'Publication 2' })
    await second.locator('details.again > summary').click()
    await page.waitForFunction(() => document.querySelectorAll('details.again a').length === 2)
    await accessible(page, 'publications, open')
  }, { to: 'ledger.html' })
})

test('a checkpoint that is damaged or missing is told in its row, and one of another past is evidence', async () => {
  const [line] = (await readFile(join(demo, 'public/ledger/history/list'), 'utf8')).split('\n')
  const path = `ledger/history/${line.replace(' ', '/')}`
  for (const [fault, words] of [[404, /could not be read just now/], [flip(60), /not verified by the trust file/]]) {
    server.faults.set(path, fault)
    await visit(async (page) => {
      await ready(page)
      assert.match(await page.locator('[data-publications] tbody > tr', { hasText: 'Publication 1' }).textContent(), words)
      assert.equal(await page.locator('[data-publications] .plain').count(), 1)
    }, { to: 'ledger.html', faulty: true })
    server.faults.clear()
  }
})

test('the list goes back to the first publication', async (t) => {
  const dir = join(folder, 'many')
  const document = join(folder, 'document.txt')
  await must(stele, 'init', '--registry', dir, '--demo', '--origin', 'many.example/ledger')
  for (let i = 0; i < 11; i++) {
    await writeFile(document, `document ${i}\n`)
    await must(stele, 'register', document, '--registry', dir)
    await must(stele, 'publish', '--registry', dir)
  }
  const at = await serveFolder(join(dir, 'public'))
  t.after(() => at.close())
  await visit(async (page) => {
    await ready(page)
    const names = () => page.locator('[data-publications] tbody > tr').evaluateAll((rows) => rows.map((row) => row.textContent.match(/Publication (\d+)/)[1]))
    assert.deepEqual(await names(), ['11', '10', '9', '8', '7', '6', '5', '4', '3', '2'])
    await page.getByRole('button', { name: 'Older publications' }).click()
    await page.waitForFunction(() => document.querySelectorAll('[data-publications] tbody > tr').length === 1)
    assert.deepEqual(await names(), ['1'])
    await page.getByRole('button', { name: 'Newer publications' }).click()
    await page.waitForFunction(() => document.querySelectorAll('[data-publications] tbody > tr').length === 10)
    assert.ok(await page.evaluate(() => document.activeElement.closest('.pager') !== null)) // the keyboard is not thrown out
  }, { to: 'ledger.html', at, faulty: true })
})

// Issuers

test('every line of the issuers is proved, with the statements behind it', async () => {
  await visit(async (page) => {
    await ready(page)
    const [state, told] = await standing(page)
    assert.equal(state, 'proved')
    assert.match(told, /^Every line is proved on this device, as of/)
    const issuers = await page.locator('[data-issuer]').evaluateAll((all) => all.map((i) => [i.dataset.issuer.split('.')[0], i.dataset.stands]))
    assert.deepEqual(issuers, [['demo', 'true'], ['court', 'true'], ['land', 'true'], ['education', 'true'], ['interior', 'true'], ['gazette', 'true'], ['academy', 'false']])
    const academy = page.locator('[data-issuer^=academy]')
    assert.match(await academy.textContent(), /Northern Academy.*Withdrawn.*from the beginning: nothing that it registered stands.*never entitled to award diplomas/s)
    await accessible(page, 'issuers')
    await page.$$eval('.issuer summary', (all) => all.forEach((s) => s.click()))
    assert.deepEqual(await academy.locator('[data-action]').evaluateAll((all) => all.map((s) => s.dataset.action)), ['accredit', 'withdraw'])
    await accessible(page, 'issuers, open')
    await academy.getByRole('link', { name: /^Entry 26/ }).click()
    await entryOf(page, 26).waitFor()
    assert.match(await entryOf(page, 26).textContent(), /withdrew the accreditation of Northern Academy/)
  }, { to: 'issuers.html' })
})

test('a damaged or missing list of issuers proves nothing', async () => {
  const { issuers } = await issuerFile()
  for (const [fault, words] of [[404, /That is an outage/], [flip(300), /is damaged/], [html, /is damaged/]]) {
    server.faults.set(issuers, fault)
    await visit(async (page) => {
      const [state, told] = await standing(page)
      assert.equal(state, 'failed')
      assert.match(told, words)
      assert.ok(told.includes(issuers))
      assert.equal(await page.locator('[data-issuer]').count(), 0)
      assert.equal(await page.locator('[data-issuers] tbody tr').count(), 7)
      await accessible(page, `issuers: ${fault}`)
    }, { to: 'issuers.html', faulty: true })
    server.faults.clear()
  }
})

// The newer document

test('a replaced document leads to the newer one, whose status is asked for on a click only', async () => {
  await visit(async (page) => {
    await choose(page, [sample(older)])
    await verdicts(page, 1)
    const row = page.locator('.row[data-verdict=superseded]')
    const part = row.locator('.replacement')
    assert.match(await part.textContent(), /The newer document.*Land Registry Office.*Land extract.*Registered, as the ledger proves/s)
    assert.match(await part.textContent(), /another piece of the ledger/)
    assert.match(await row.locator('.history').textContent(), /Replaced \d+ \w+ \d{4} at .*A new extract was issued after the boundary was surveyed\./s)
    await part.locator('summary').click()
    const successor = createHash('sha256').update(await readFile(sample('land/land-extract-2026.pdf'))).digest('hex')
    assert.ok((await part.textContent()).includes(successor))
    await accessible(page, 'superseded, with the newer document')

    await part.getByRole('button', { name: /^Check the newer document/ }).click()
    const rows = await verdicts(page, 2)
    assert.deepEqual(rows.map((r) => r.verdict), ['superseded', 'authentic'])
    await page.waitForFunction(() => document.querySelector('[data-status]').textContent === 'Result: Replaced by a newer document · The newer document: Valid')
    const newer = page.locator('.row').nth(1)
    assert.match(await newer.textContent(), /Valid.*The newer document, in place of land-extract-2019\.pdf.*No file was checked here/s)
    assert.equal(await newer.getByRole('button', { name: /Add a receipt/ }).count(), 0)
    const [download] = await Promise.all([page.waitForEvent('download'), newer.getByRole('button', { name: /^Save the full report/ }).click()])
    const report = JSON.parse(await readFile(await download.path()))
    assert.deepEqual(report.steps.map((s) => s.id).slice(0, 2), ['digest', 'trust'])
    await newer.locator('[data-checked] > summary').click()
    await newer.locator('.way').waitFor()
    assert.match(await newer.textContent(), /No file was read here.*no file was read/s)
    await accessible(page, 'the newer document')
    await part.getByRole('button', { name: /^Check the newer document/ }).click({ force: true })
    assert.equal(await page.locator('.row').count(), 2)

    // Its receipt is a receipt like any other: with the newer file it answers.
    const [receipt] = await Promise.all([page.waitForEvent('download'), newer.getByRole('button', { name: /^Save the receipt/ }).click()])
    const bytes = await readFile(await receipt.path())
    await page.click('[data-clear]')
    await choose(page, [{ name: 'newer.pdf', mimeType: '', buffer: await readFile(sample('land/land-extract-2026.pdf')) }, { name: 'any.tlog-proof', mimeType: '', buffer: bytes }])
    assert.deepEqual((await verdicts(page, 1)).map((r) => r.verdict), ['authentic'])
  })
})

test('what is told of a withdrawn issuer and of a suspension stands in plain words, with its time', async () => {
  await visit(async (page) => {
    await choose(page, [sample('academy/academy-diploma.pdf'), sample('court/enforcement-order.txt')])
    await verdicts(page, 2)
    const academy = await page.locator('.row[data-verdict=unaccredited] .history').textContent()
    assert.match(academy, /accreditation was withdrawn \d+ \w+ \d{4} at .*from entry 0 .*never entitled to award diplomas/s)
    assert.match(await page.locator('.row[data-verdict=suspended] .history').textContent(), /Suspended \d+ \w+ \d{4} at .*An appeal against the order is pending\./s)
    await page.locator('.row[data-verdict=suspended] [data-checked] > summary').click()
    const link = page.locator('.row[data-verdict=suspended] .events a').first()
    assert.equal(await link.getAttribute('target'), '_blank') // the answers stay
    assert.match(await link.getAttribute('href'), /^ledger\.html#entry=\d+$/)
    assert.match(await page.locator('.row[data-verdict=suspended]').textContent(), /the registry can then tell which document/)
  })
})

test('links, free ones too, a sealed newer document and a withdrawal without a reach are told in plain words', async () => {
  await visit(async (page) => {
    await choose(page, [sample(older)])
    await verdicts(page, 1)
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /^Save the full report/ }).click()])
    const report = JSON.parse(await readFile(await download.path()))
    const link = (relation, more = {}) => ({ action: 'link', issuer: 'other.example', place: 9, published: '2026-11-22T10:00:00Z', effect: true, reason: null, relation, target: null, ...more })
    report.life.events.push(link('translation', { target: `sha256:${'ab'.repeat(32)}`, reason: 'Into French.' }), link('seal-renewal', { issuer: report.life.issuer }), link('custody', { effect: false }))
    report.life.replaced_by.sealed = true
    report.life.withdrawal = { place: 30, published: '2026-11-22T11:00:00Z', from: null, reason: 'The office was closed.' }
    const told = await page.evaluate(async (report) => {
      const from = (name) => import(document.querySelector(`link[href$="/${name}"]`).href)
      const data = document.querySelector('[data-check]').dataset
      const wording = await (await from('text.js')).loadWording(data.text, data.textIntegrity)
      const body = (await from('report.js')).reportBody(report, wording, { follow: () => document.createElement('button') })
      const part = (name) => body.find((node) => node?.className === name)
      return { history: part('history').textContent, newer: part('replacement').textContent, buttons: part('replacement').querySelectorAll('button').length }
    }, report)
    assert.match(told.history, /A translation was registered 22 November 2026 at .* · by other\.example.*Into French\..*The other document’s fingerprint sha256:abab/s)
    assert.match(told.history, /Linked: seal renewal 22 November/)
    assert.doesNotMatch(told.history, /Passed into other hands/) // it is without effect, and stands with the evidence
    assert.match(told.history, /accreditation was withdrawn 22 November 2026.*What it registered before still stands\..*The office was closed\./s)
    assert.match(told.newer, /sealed: it can be found only with its own receipt/)
    assert.equal(told.buttons, 0)
  })
})

test('a registry that shows two pasts is caught here too, and an older state is told', async (t) => {
  const one = join(folder, 'fork-one')
  const two = join(folder, 'fork-two')
  const document = join(folder, 'fork.txt')
  const add = async (dir, text) => {
    await writeFile(document, text)
    await must(stele, 'register', document, '--registry', dir)
    await must(stele, 'publish', '--registry', dir)
  }
  await must(stele, 'init', '--registry', one, '--demo', '--origin', 'fork.example/ledger')
  await add(one, 'both')
  for (const dir of [two, `${one}-old`]) await cp(one, dir, { recursive: true })
  await add(one, 'one')
  await add(two, 'two')
  const at = await serveFolder(join(one, 'public'))
  t.after(() => at.close())
  const remembered = () => new Promise((resolve) => {
    const opening = indexedDB.open('stele', 1)
    opening.onsuccess = () => {
      const count = opening.result.transaction('heads').objectStore('heads').count()
      count.onsuccess = () => resolve(count.result === 1)
    }
  })
  await visit(async (page) => {
    await ready(page)
    await page.waitForFunction(remembered)
    await at.show(join(`${one}-old`, 'public'))
    await page.reload()
    await page.waitForFunction(() => document.querySelector('[data-standing]').dataset.state)
    assert.match((await standing(page))[1], /shows an older state of its ledger than this device has seen/)
    await at.show(join(two, 'public'))
    await page.reload()
    await page.waitForFunction(() => document.querySelector('[data-standing]').dataset.state)
    const [state, told] = await standing(page)
    assert.equal(state, 'failed')
    assert.match(told, /has signed two pasts that cannot both be true/)
    await accessible(page, 'two pasts')
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the evidence' }).click()])
    const evidence = join(folder, download.suggestedFilename())
    await writeFile(evidence, await readFile(await download.path()))
    assert.equal((await stele('verify-evidence', evidence, '--policy', join(two, 'trust'))).code, 0)
  }, { to: 'ledger.html', at, faulty: true })
})
