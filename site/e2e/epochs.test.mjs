// The page over a change of the registry's keys, and over two pasts of which one has such a change, in a real Chromium:
// node --test site/e2e/epochs.test.mjs

import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, choose, launch, serveFolder, verdicts, visitor } from './browser.mjs'
import { buildCommand, makeDemo, must } from './registry.mjs'

let folder, stele, browser, visit
let demo, changed // a demonstration, and the same with another log key
let forked, shed // others, with other keys and another past: to the end of the first keys' time, and as if it had ended sooner
const document = () => join(demo, 'samples/education/diploma.pdf')

/** Registers a new document of an authority that the demonstration has, and publishes. */
async function add(registry, name) {
  const path = join(folder, name)
  await writeFile(path, `${name}\n`)
  await must(stele, 'register', path, '--registry', registry, '--issuer', 'gazette.demo.stele.example', '--kind', 'notice')
  await must(stele, 'publish', '--registry', registry)
  return path
}

/** Replaces the log's key: its officers and witnesses agree, so that everybody can follow. */
async function change(registry) {
  await must(stele, 'trust', 'change', '--new-key', 'log', '--registry', registry)
  await must(stele, 'publish', '--registry', registry)
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-epochs-'))
  ;[demo, changed, forked, shed] = ['demo', 'changed', 'forked', 'shed'].map((name) => join(folder, name))
  stele = await buildCommand(folder)
  await makeDemo(stele, demo)
  for (const other of [forked, shed]) await cp(demo, other, { recursive: true })
  await add(demo, 'one.txt')
  await cp(demo, changed, { recursive: true })
  await change(changed)
  await add(changed, 'later.txt')
  await add(forked, 'two.txt')
  await change(forked)
  await change(shed)
  await add(shed, 'three.txt')
  browser = await launch()
  visit = visitor(browser, null, new Set())
})

after(async () => {
  await browser?.close()
  await rm(folder, { recursive: true })
})

async function serving(t, registry) {
  const at = await serveFolder(join(registry, 'public'))
  t.after(() => at.close())
  return at
}

async function checkOne(page, ...files) {
  if (await page.locator('[data-rows] > *').count()) await page.click('[data-clear]')
  await choose(page, files)
  return (await verdicts(page, 1))[0].verdict
}

/** Waits until so many trust files have a head that is remembered with them. */
const remembered = (page, count) => page.waitForFunction((want) => new Promise((resolve) => {
  const opening = indexedDB.open('stele', 1)
  opening.onsuccess = () => {
    const all = opening.result.transaction('heads').objectStore('heads').count()
    all.onsuccess = () => resolve(all.result === want)
  }
}), count)

const ready = (page) => page.waitForFunction(() => 'ready' in globalThis.document.documentElement.dataset)

test('who has approved and who has looked is told with every answer, and down to every key', async (t) => {
  const at = await serving(t, demo)
  await visit(async (page) => {
    assert.equal(await checkOne(page, document()), 'authentic')
    assert.deepEqual(await page.locator('[data-quorum]').allTextContents(), [
      'Approved by 2 of 3 officers (2 needed): chancellery.demo.stele.example, archives.demo.stele.example; not by justice.demo.stele.example.',
      'Seen by 3 of 3 outside witnesses (2 needed): university.demo.stele.example, newspaper.demo.stele.example, neighbour.demo.stele.example.',
    ])
    assert.equal(await page.locator('[data-notice=no-officers], [data-notice=no-witnesses]').count(), 0)
    await page.click('.row summary')
    await page.waitForSelector('.way')
    const members = (met) => page.$$eval(`.folded [data-member][data-met="${met}"]`, (all) => all.map((m) => m.dataset.member.split('.')[0]))
    assert.deepEqual(await members(true), ['chancellery', 'archives', 'university', 'newspaper', 'neighbour', 'neighbour', 'neighbour'])
    assert.deepEqual(await members(false), ['justice', 'justice', 'justice'])
    assert.match(await page.textContent('.folded'), /ML-DSA-44, post-quantum · signed \d+ .*Ed25519, classical · has not signed.*Ed25519, classical · signed \d+ /s)
    await accessible(page, 'who has signed')
  }, { at })
  await visit(async (page) => {
    await ready(page)
    assert.match(await page.textContent('[data-fact=officers]'), /^Approved by 2 of 3 officers/)
    assert.equal(await page.locator('[data-tree=witnesses] [data-met=true]').count(), 5)
    assert.equal(await page.locator('[data-epoch]').count(), 1)
    assert.equal(await page.locator('[data-publications] [data-quorum=officers][data-met=true]').count(), 3)
    await accessible(page, 'whose signatures count')
  }, { at, to: 'ledger.html' })
})

/** A file with a checkpoint in it, some of whose signature lines are left out. */
const without = (names) => (bytes) => {
  const lines = String(bytes).split('\n')
  return Buffer.from(lines.filter((line) => !line.startsWith('— ') || !names.test(line)).join('\n'))
}

test('without officers there is no answer, and no accusation', async (t) => {
  const at = await serving(t, demo)
  at.faults.set('ledger/head', without(/^— chancellery/))
  await visit(async (page) => {
    assert.equal(await checkOne(page, document()), 'unavailable')
    const told = await page.textContent('.row-body')
    assert.match(told, /lacks signatures that are required.*Approved by 1 of 3 officers \(2 needed\): archives.*; not by chancellery/s)
    assert.equal(await page.getAttribute('[data-quorum=officers]', 'data-met'), 'false')
    await accessible(page, 'quorum not met')
  }, { at, faulty: true }) // it asks for a trust file to come, and there is none
})

test('a page follows the registry to its new keys, and what it has seen is remembered across', async (t) => {
  const at = await serving(t, demo)
  await visit(async (page) => {
    assert.equal(await checkOne(page, document()), 'authentic')
    await remembered(page, 1)

    // A page that was open all the time is led to the next trust file by its handover.
    await at.show(join(changed, 'public'))
    await page.clock.fastForward(60_000) // the head that it read is no longer taken as new
    assert.equal(await checkOne(page, join(folder, 'later.txt')), 'authentic')
    await page.click('.row summary')
    await page.waitForSelector('.way')
    assert.equal(await page.locator('[data-step=handover][data-state=passed]').count(), 1)
    assert.equal(await page.locator('[data-step=consistency][data-state=passed]').count(), 1)

    // One that is opened anew has the new trust file, and what was remembered under the old one.
    await page.reload()
    assert.equal(await checkOne(page, document()), 'authentic')
    await page.click('.row summary')
    await page.waitForSelector('.way')
    assert.equal(await page.locator('[data-step=handover]').count(), 0)
    assert.equal(await page.locator('[data-step=consistency][data-state=passed]').count(), 1)
    await remembered(page, 2)
  }, { at, clock: true })
})

test('a registry cannot shed its past with its keys', async (t) => {
  const at = await serving(t, demo)
  await visit(async (page) => {
    assert.equal(await checkOne(page, join(folder, 'one.txt')), 'authentic')
    await remembered(page, 1)
    await at.show(join(forked, 'public'))
    await page.reload()
    assert.equal(await checkOne(page, document()), 'inconsistent')
    assert.equal(await page.locator('[data-save^=checkpoint]').count(), 2)
    await accessible(page, 'inconsistent, across a change of keys')
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('[data-save$=stele-evidence]').click()])
    const evidence = join(folder, download.suggestedFilename())
    await writeFile(evidence, await readFile(await download.path()))
    const policy = join(forked, 'public/trust')
    assert.equal((await stele('verify-evidence', evidence, '--policy', policy)).code, 0)
    // Whoever is given it can check it here, also with the keys of today only.
    assert.deepEqual(await examine(page, evidence), 'proved')

    // A time that ended sooner than what was seen is told, also where it proves nothing to others.
    await at.show(join(shed, 'public'))
    await page.reload()
    assert.equal(await checkOne(page, document()), 'stale')
    assert.match(await page.textContent('.row-body'), /older records than this device has already seen/)
  }, { at, faulty: true }) // another trust file stands under the name of one that the browser has kept
})

async function examine(page, path) {
  await page.locator('[data-clear]').click()
  await choose(page, [path])
  await verdicts(page, 1)
  return page.getAttribute('[data-rows] > [data-file]', 'data-evidence')
}

test('the ledger’s page lists the trust files with their handovers, and every publication by the keys of its time', async (t) => {
  const at = await serving(t, changed)
  await visit(async (page) => {
    await ready(page)
    const epochs = await page.$$eval('[data-epoch]', (rows) => rows.map((r) => [r.dataset.epoch, ...[...r.querySelectorAll('a')].map((a) => a.getAttribute('href'))]))
    assert.deepEqual(epochs, [['1', 'trust/1'], ['2', 'trust/2', 'trust/2.tlog-proof']])
    for (const [, ...paths] of epochs) for (const path of paths) assert.equal((await fetch(at.url + path)).status, 200)
    const told = await page.locator('[data-publications] tbody > tr').allTextContents()
    assert.ok(told.length >= 5 && told.every((row) => /Approved by \d of 3 officers/.test(row)), told.join('\n'))
    await accessible(page, 'trust files')
  }, { at, to: 'ledger.html' })
})
