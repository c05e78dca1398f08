// What the page says of files that are not registered, in a real Chromium, over the demonstration:
// node --test site/e2e/hints.test.mjs

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { accessible, choose, launch, serveFolder, verdicts, visitor } from './browser.mjs'
import { buildCommand, filesBelow, makeDemo, must } from './registry.mjs'

let folder, browser, server, visit, samples

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-hints-'))
  const stele = await buildCommand(folder)
  const demo = join(folder, 'demo')
  samples = join(demo, 'samples')
  await makeDemo(stele, demo)
  await must(stele, 'revoke', join(samples, 'court/court-decision.pdf'), '--reason', 'Delivered in error', '--registry', demo)
  await must(stele, 'publish', '--registry', demo)
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

const sample = (path) => join(samples, path)
const read = (path) => readFile(sample(path))
const file = (name, ...parts) => ({ name, mimeType: '', buffer: Buffer.concat(parts.map((part) => Buffer.from(part))) })

/** What a PDF program adds when it saves a comment. */
async function annotated(name, path) {
  const before = await read(path)
  const prev = before.toString('latin1').match(/startxref\n(\d+)\n%%EOF\n$/)[1]
  const note = '99 0 obj\n<< /Type /Annot /Subtype /Text /Contents (seen) >>\nendobj\n'
  return file(name, before, note, `xref\n99 1\n${String(before.length).padStart(10, '0')} 00000 n \ntrailer\n<< /Size 100 /Root 1 0 R /Info 2 0 R /Prev ${prev} >>\nstartxref\n${before.length + note.length}\n%%EOF\n`)
}

/** Checks one file, with nothing else on the page, and resolves to what is said of it: its codes, and all of its words. */
async function hintsOf(page, given) {
  if (await page.locator('[data-rows] > *').count()) await page.click('[data-clear]')
  await choose(page, [given])
  assert.equal((await verdicts(page, 1))[0].verdict, 'not-registered')
  await page.waitForSelector('[data-hints] > section')
  const codes = await page.$$eval('[data-hint]', (all) => all.map((n) => n.dataset.hint))
  return { codes, words: await page.innerText('[data-hints]') }
}

test('each sample shows what became of it', async () => {
  const wanted = {
    'diploma-annotated.pdf': [['revision'], /The first 544,341 bytes of this file are exactly a document that Ministry of Education registered on .*\. After that, 761 bytes were added\./, /What was added, as far as the file shows: comments, marks or stamps\./, /comes to: Authentic/],
    'notice.eml': [['inside-mail'], /The attachment “official-notice\.txt” of this message is exactly a document that Official Gazette registered/],
    'Архивная справка.txt': [['text'], /The same text, saved a little differently, is exactly a document that Ministry of the Interior registered/, /Its line ends were turned from LF into CR LF\./],
    'land-extract-printed.pdf': [['pdf-printed', 'pdf-changed'], /written by Microsoft: Print To PDF/, /made on 2 March 2026 .* changed on 1 October 2026/, /Some issuers use them too/],
    'IMG_20261005_101512.jpg': [['picture-camera-day'], /a photograph, taken with a camera that calls itself Example Mobile Pocket 5; its clock said 5 October 2026/],
    'diploma.pdf': [['issuer', 'type-pdf', 'elsewhere'], /The name “Ministry of Education” stands in this file/, /this proves nothing/],
    'letter.txt': [['type-text', 'elsewhere'], /plain text/, /\d other forms that this file may have had were looked up; none of them is registered\./],
  }
  await visit(async (page) => {
    for (const [name, [codes, ...words]] of Object.entries(wanted)) {
      const seen = await hintsOf(page, sample(`received/${name}`))
      assert.deepEqual(seen.codes, codes, name)
      for (const pattern of words) assert.match(seen.words, pattern)
      assert.doesNotMatch(seen.words, /\{|undefined|tamper|forge|fraud/i)
    }
  })
})

test('the buttons for the list do not move when what was found out about a file comes late', () => visit(async (page) => {
  let release
  const released = new Promise((resolve) => (release = resolve))
  server.faults.set('issuers.json', (bytes) => released.then(() => bytes))
  await choose(page, [sample('received/diploma.pdf')])
  await verdicts(page, 1)
  await page.locator('[data-hints] > [role=status]').waitFor()
  await page.waitForFunction(() => document.querySelector('[data-status]').textContent !== '')
  assert.ok(await page.locator('[data-clear]').isHidden(), 'it would be below what is still to come')
  release()
  const places = await page.evaluate(() => new Promise((resolve) => {
    const button = document.querySelector('[data-clear]')
    const places = []
    const look = () => {
      if (button.checkVisibility()) places.push(button.offsetTop)
      if (places.length < 20) requestAnimationFrame(look)
      else resolve(places)
    }
    look()
  }))
  assert.equal(new Set(places).size, 1, places.join(' '))
  assert.equal(await page.locator('[data-hints] > section').count(), 1)
}))

test('a document that was only added to is told with its own verdict, and the row keeps its own', async () => {
  const cases = [
    ['court/court-decision.pdf', 'revoked', 'Revoked'],
    ['land/land-extract-2019.pdf', 'superseded', 'Replaced by a newer document'],
    ['academy/academy-diploma.pdf', 'unaccredited', 'Issuer not accredited'],
    ['education/diploma.pdf', 'authentic', 'Authentic'],
  ]
  await visit(async (page) => {
    await hintsOf(page, sample('received/letter.txt'))
    const look = () => page.$eval('.row', (row) => [row.dataset.verdict, getComputedStyle(row).borderInlineStartColor, getComputedStyle(row.querySelector('[data-slot=title]')).color])
    const plain = await look()
    for (const [path, verdict, title] of cases) {
      const { codes, words } = await hintsOf(page, await annotated('a.pdf', path))
      assert.deepEqual(codes, ['revision'], path)
      assert.match(words, new RegExp(`Checked by itself, the registered document comes to: ${title}`))
      assert.equal(await page.getAttribute('[data-found]', 'data-found'), verdict)
      assert.deepEqual(await look(), plain)
      const coloured = await page.evaluate(() => {
        const probe = document.body.appendChild(document.createElement('i'))
        probe.style.color = 'var(--good)'
        const good = getComputedStyle(probe).color
        probe.remove()
        const all = [...document.querySelectorAll('[data-hints], [data-hints] *')]
        return all.filter((n) => ['color', 'backgroundColor', 'borderInlineStartColor'].some((key) => getComputedStyle(n)[key] === good)).length
      })
      assert.equal(coloured, 0, 'something is green')
    }
  })
})

test('the registered document can be checked by itself, and saved', async () => {
  await visit(async (page) => {
    await hintsOf(page, sample('received/diploma-annotated.pdf'))
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /^Save the registered document/ }).click()])
    assert.equal(download.suggestedFilename(), 'diploma-annotated.pdf')
    assert.deepEqual(await readFile(await download.path()), await read('education/diploma.pdf'))
    await page.getByRole('button', { name: /^Check the registered document/ }).click()
    const rows = await verdicts(page, 2)
    assert.deepEqual(rows.map(({ verdict }) => verdict), ['not-registered', 'authentic'])
    assert.match(await page.locator('.row').nth(1).innerText(), /The registered document in diploma-annotated\.pdf, without what was added/)

    const mail = await read('received/notice.eml')
    await hintsOf(page, file('other.eml', mail.toString('latin1').replace('YW', 'YX')))
    await page.getByRole('button', { name: 'Check official-notice.txt: other.eml' }).click()
    assert.deepEqual((await verdicts(page, 2)).map(({ file, verdict }) => [file, verdict]), [['other.eml', 'not-registered'], ['official-notice.txt', 'not-registered']])
  })
})

test('a withdrawn issuer whose name stands in a file is told as withdrawn', async () => {
  await visit(async (page) => {
    const diploma = (await read('academy/academy-diploma.pdf')).toString('latin1')
    const { codes, words } = await hintsOf(page, file('a.txt', `${diploma.length}\nNorthern Academy\n`))
    assert.deepEqual(codes, ['issuer-withdrawn', 'type-text', 'elsewhere'])
    assert.match(words, /withdrawn that issuer’s accreditation/)
  })
})

test('where the registry cannot be asked again, it has not said no', async () => {
  await visit(async (page) => {
    // More than three rows stay folded, and a folded row asks nothing.
    const given = [file('diploma-annotated.pdf', await read('received/diploma-annotated.pdf')), ...[1, 2, 3].map((n) => file(`${n}.bin`, [0, n]))]
    await choose(page, given)
    await verdicts(page, 4)
    assert.equal(await page.locator('[data-hints]').count(), 0)
    server.faults.set('ledger/head', 503)
    await page.clock.fastForward(60_000)
    await page.getByRole('button', { name: /^Show details: diploma-annotated/ }).click()
    await page.waitForSelector('[data-hint=unknown]')
    assert.match(await page.innerText('[data-hints]'), /That could not be looked up just now/)
  }, { clock: true, faulty: true })
})

test('without the part that looks into files a row has its verdict all the same', async () => {
  const hints = (await filesBelow(join(folder, 'demo/public'))).filter((path) => /assets\/.*\/(?:hints|pdf)\.js$/.test(path))
  assert.equal(hints.length, 2)
  for (const path of hints) {
    for (const fault of [404, (bytes) => Buffer.concat([bytes, Buffer.from(' ')])]) {
      server.faults.set(path, fault)
      await visit(async (page) => {
        await choose(page, [sample('received/letter.txt')])
        assert.equal((await verdicts(page, 1))[0].verdict, 'not-registered')
        await page.waitForFunction(() => !document.querySelector('[data-hints]'))
        assert.ok(await page.locator('.meaning').isVisible())
      }, { faulty: true })
      server.faults.clear()
    }
  }
})

test('what is fetched for hints is fetched after a hit too', async () => {
  const seen = []
  for (const path of ['education/diploma.pdf', 'received/diploma.pdf']) {
    const begin = server.log.length
    await visit(async (page) => {
      const named = page.waitForResponse((r) => r.url().endsWith('/issuers.json'))
      await choose(page, [sample(path)])
      await verdicts(page, 1)
      await (await named).finished()
      if (path.startsWith('received')) await page.waitForSelector('[data-hint]')
    })
    seen.push(server.log.slice(begin).map((r) => basename(r.path)).toSorted())
  }
  assert.deepEqual(seen[0], seen[1])
  assert.ok(seen[0].includes('issuers.json') && seen[0].includes('hints.js'))
})

test('hints are accessible', async () => {
  await visit(async (page) => {
    for (const path of ['received/diploma-annotated.pdf', 'received/land-extract-printed.pdf', 'received/notice.eml']) {
      await hintsOf(page, sample(path))
      await accessible(page, `hints of ${path}`)
    }
  })
})
