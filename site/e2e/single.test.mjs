// The verifier in one file, opened from disk: in each engine with receipts, without them, and with a copy of what the registry publishes.

import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { accessible, choose, launch, verdicts } from './browser.mjs'
import { names, open } from './engines.mjs'
import { copyInFolder, copyInList, entryFolder } from '../assets/folder.mjs'
import { buildCommand, makeDemo, must } from './registry.mjs'

let folder, stele, address, samples

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-single-'))
  stele = await buildCommand(folder)
  await makeDemo(stele, join(folder, 'demo'))
  samples = join(folder, 'demo/samples')
  for (const path of ['education/diploma.pdf', 'education/teaching-licence.docx']) await must(stele, 'receipt', join(samples, path), '--registry', join(folder, 'demo'))
  // Alone, so that it cannot lean on anything beside it.
  await mkdir(join(folder, 'alone'))
  await cp(join(folder, 'demo/public/verify.html'), join(folder, 'alone/verify.html'))
  address = pathToFileURL(join(folder, 'alone/verify.html')).href
})
after(() => rm(folder, { recursive: true, force: true }))

const ready = () => 'ready' in document.documentElement.dataset
const told = (n) => {
  const rows = [...document.querySelectorAll('[data-rows] > [data-file]')]
  return rows.length >= n && rows.every((r) => ['done', 'stopped', 'alone'].includes(r.dataset.state)) && rows.map((r) => [r.dataset.file, r.dataset.verdict ?? null])
}

for (const name of names) {
  test(`from disk, in ${name}`, async () => {
    const engine = await open(name)
    try {
      const visitor = await engine.visitor()
      await visitor.go(address)
      await visitor.until(ready)
      assert.equal(await visitor.evaluate(() => document.documentElement.lang), 'en')
      const given = ['education/diploma.pdf', 'education/teaching-licence.docx'].flatMap((path) => [join(samples, path), join(samples, `${path}.tlog-proof`)])
      await visitor.choose('#files', given)
      assert.deepEqual(await visitor.until(told, 2), [['diploma.pdf', 'authentic'], ['teaching-licence.docx', 'revoked']])
      await visitor.choose('#files', [join(samples, 'received/letter.txt')])
      assert.deepEqual((await visitor.until(told, 3))[2], ['letter.txt', 'unavailable'])
      assert.ok(await visitor.evaluate(() => document.querySelector('[data-since=never]') !== null || document.querySelector('[data-rows] > [data-file]:last-child .row-brief').textContent !== ''))
      await visitor.until(() => !document.querySelector('[data-sealed=true]').hidden)
      assert.ok(await visitor.evaluate(() => document.querySelector('[data-sealed=false]').hidden))
      // What is refused there is the file's own try to connect; it is told of, and nothing else.
      assert.deepEqual(visitor.errors().filter((text) => !/data:/.test(text)), [])
      await visitor.close()
    } finally {
      await engine.close()
    }
  })
}

/** Opens the file in Chromium. */
async function opened(use, options = {}) {
  const browser = await launch()
  try {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    const [requests, broken] = [[], []]
    page.on('request', (r) => requests.push(r.url()))
    page.on('pageerror', (error) => broken.push(String(error)))
    await page.goto(address)
    await page.waitForFunction(ready)
    await use(page)
    assert.deepEqual(requests.filter((url) => url !== address && !url.startsWith('blob:')), [], 'nothing is asked for')
    assert.deepEqual(broken, [])
  } finally {
    await browser.close()
  }
}

const all = async (page, files) => (await choose(page, files.map((path) => join(samples, path))), (await verdicts(page, files.length)).map((v) => v.verdict))

test('a copied folder of the registry answers for every document', () => opened(async (page) => {
  await page.setInputFiles('#copy', join(folder, 'demo/samples'))
  await page.locator('[data-copy-told=none]').waitFor()
  await page.setInputFiles('#copy', join(folder, 'demo/public'))
  await page.locator('[data-copy-told=there]').waitFor()
  assert.match(await page.locator('[data-copy-told]').textContent(), /public/)
  assert.deepEqual(await all(page, ['education/diploma.pdf', 'land/land-extract-2019.pdf', 'court/enforcement-order.txt', 'received/letter.txt']), ['authentic', 'superseded', 'suspended', 'not-registered'])
  // The file itself is registered, and drops onto itself.
  await page.getByRole('button', { name: 'Clear the list' }).click()
  await choose(page, [join(folder, 'alone/verify.html')])
  assert.deepEqual(await verdicts(page, 1), [{ file: 'verify.html', path: 'verify.html', verdict: 'authentic', state: 'done' }])
}))

test('a copy that lacks files says so, and an altered one proves nothing', async () => {
  const cut = join(folder, 'cut')
  await cp(join(folder, 'demo/public'), cut, { recursive: true })
  await rm(join(cut, 'index'), { recursive: true })
  await opened(async (page) => {
    await page.setInputFiles('#copy', cut)
    await page.locator('[data-copy-told=there]').waitFor()
    assert.deepEqual(await all(page, ['education/diploma.pdf']), ['unavailable'])
    assert.match(await page.locator('[data-since=never]').textContent(), /Copy the whole folder again/)
    const head = await readFile(join(folder, 'demo/public/ledger/head'))
    head[head.length >> 1] ^= 1
    await writeFile(join(cut, 'ledger/head'), head)
    await page.setInputFiles('#copy', cut)
    await page.getByRole('button', { name: /^Check again/ }).click()
    assert.deepEqual((await verdicts(page, 1)).map((v) => v.verdict), ['unavailable'])
  })
})

test('in every state it can be used by everybody', () => opened(async (page) => {
  await accessible(page, 'the verifier in one file')
  await all(page, ['education/diploma.pdf'])
  await accessible(page, 'the verifier in one file, without an answer')
}))

// What drivers cannot do: a dropped folder, as browsers hand it over.
const entry = (files) => ({
  name: 'public', isDirectory: true,
  getFile: (path, _, resolve, reject) => (path in files ? resolve({ file: (give) => give(files[path]) }) : reject(new DOMException('none', 'NotFoundError'))),
})

test('a copy is found in a folder, or one below', async () => {
  const at = (path) => ({ webkitRelativePath: path })
  const list = copyInList([at('x/a'), at('x/public/ledger/head'), at('x/public/index/ab/c')])
  assert.equal(list.name, 'x')
  assert.deepEqual([await list.open('index/ab/c'), await list.open('index/ab/d')], [at('x/public/index/ab/c'), null])
  assert.equal(copyInList([at('x/other/ledger/head'), at('ledger/head')]), null)
  const dropped = await copyInFolder(entryFolder(entry({ 'public/ledger/head': 'h', 'public/trust/1': 't' })))
  assert.deepEqual([await dropped.open('trust/1'), await dropped.open('trust/2')], ['t', null])
  assert.equal(await copyInFolder(entryFolder(entry({ 'ledger/other': 'h' }))), null)
})
