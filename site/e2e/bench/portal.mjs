// Measures the page as visitors load and use it, in Chromium: node site/e2e/bench/portal.mjs
// With --large it also checks a file of 4 GiB, which takes minutes.
//
// Over a demonstration registry made for it, served from this machine: the figures are those of the page, not of
// a network. Times are from the drop of a file to the verdict in the page.

import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { choose, launchWhole, serveFolder, verdicts } from '../browser.mjs'
import { buildCommand, makeDemo } from '../registry.mjs'

const MiB = 1024 * 1024
const WEIGHT_LIMIT = 600_000 // bytes of the verify page with its WASM, brotli 11
const WARM_LIMIT = 100 // ms for 1 MB
const MANY = 500 // files of 200 KB
const MANY_LIMIT = 15 // seconds
const INPUT_LIMIT = 100 // ms until the page answers input, while it checks
const SLOW = { latency: 100, downloadThroughput: 1.6e6 / 8, uploadThroughput: 0.75e6 / 8, offline: false } // ms and bytes a second: a poor mobile connection

// What other verifiers' pages load (brotli 11), and how long they take for a sample of their own (in Node, warm), as published and measured in November 2026.
const PEERS = [
  ['c2pa-web', '2100', '20-60'],
  ['tt-verify', '930-1150', ''],
  ['blockcerts-verifier', '790', '9-26'],
  ['opentimestamps.org', '440', 'under 1'],
  ['oa-verify', '360-510', 'about 2'],
  ['sigstore-browser', '40', '20'],
]
const MEMORY_LIMIT = 64 // MiB of growth while a file above the threshold is checked
const SAMPLE_INTERVAL = 50 // ms

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
const sum = (values) => values.reduce((a, b) => a + b, 0)

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'stele-bench-'))
  const demo = join(folder, 'demo')
  await makeDemo(await buildCommand(folder), demo)
  const server = await serveFolder(join(demo, 'public'))
  const browser = await launchWhole()
  try {
    console.log(`Chromium ${browser.version()}, Node ${process.version}, load average ${loadavg()[0].toFixed(1)}\n`)
    await weight(join(demo, 'public'))
    await loading(browser, server)
    await oneFile(browser, server)
    await manyFiles(browser, server, folder)
    await memory(browser, server, folder)
    if (process.argv.includes('--large')) await large(browser, server, folder)
  } finally {
    await browser.close()
    await server.close()
    await rm(folder, { recursive: true })
  }
}

async function weight(folder) {
  // What the first page names: its own parts, and those that its worker loads.
  // What it loads when somebody asks for more than a verdict does not count.
  const page = (await readFile(join(folder, 'index.html'), 'utf8')).replace(/data-lazy-parts="[^"]*"/, '')
  const files = ['index.html', ...new Set(page.match(/assets\/[0-9a-f]{12}\/[\w./-]+/g))]
  const rows = await Promise.all(files.map(async (path) => {
    const bytes = await readFile(join(folder, path))
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
    return [basename(path), bytes.length, brotliCompressSync(bytes, { params }).length]
  }))
  rows.sort((a, b) => b[2] - a[2])
  const total = sum(rows.map((row) => row[2]))
  rows.push(['the page with all that it loads', sum(rows.map((row) => row[1])), total])
  console.log('Weight of the page, bytes')
  table(['file', 'raw', 'brotli 11'], rows)
  verdict('page with WASM, brotli', total / 1000, WEIGHT_LIMIT / 1000, 'KB')
  console.log('Beside other verifiers\' pages (November 2026)')
  table(['page', 'KB, brotli 11', 'ms for a sample'], [...PEERS, ['this page', (total / 1000).toFixed(0), 'see below']])
}

/** How soon the page can be used while its verifier is still on its way, over a poor connection and with nothing in the cache. */
async function loading(browser, server) {
  const rows = []
  server.brotli = true
  await (await visit(browser, server)).close() // all has been compressed once
  for (let i = 0; i < 5; i++) {
    const context = await browser.newContext()
    const page = await context.newPage()
    const network = await context.newCDPSession(page)
    await network.send('Network.enable')
    await network.send('Network.emulateNetworkConditions', SLOW)
    const begin = performance.now()
    await page.goto(server.url, { waitUntil: 'commit' })
    // The zone reacts once the page's script shows a dropped file as a row, which then waits for the verifier.
    await page.waitForSelector('[data-rows]', { state: 'attached' })
    const row = page.locator('.row')
    while ((await row.count()) === 0) await page.evaluate(dropOne).catch(() => {})
    const reacts = performance.now() - begin
    const early = (await page.locator('.row[data-verdict]').count()) === 0
    await page.waitForSelector('.row[data-verdict]', { timeout: 300_000 })
    rows.push([reacts, performance.now() - begin])
    if (!early) throw new Error('the verifier was there before the page was: nothing is measured')
    await context.close()
  }
  server.brotli = false
  const [reacts, ready] = [0, 1].map((column) => median(rows.map((row) => row[column])))
  console.log(`Over ${SLOW.downloadThroughput * 8 / 1e6} Mbit/s and ${SLOW.latency} ms, brotli 11, ms since the visit`)
  table(['', 'median'], [['a dropped file has its row', reacts.toFixed(0)], ['it has its verdict, with the verifier loaded', ready.toFixed(0)]])
}

/** Runs in the page: drops one file, unless it has been taken. */
function dropOne() {
  if (document.querySelector('.row')) return
  const transfer = new DataTransfer()
  transfer.items.add(new File(['early'], 'early.txt'))
  document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }))
  return new Promise((done) => setTimeout(done, 20))
}

/** Milliseconds from the drop of new bytes to their verdict, as the page's own clock has it. */
async function drop(page, size, count = 1) {
  return page.evaluate(async ([size, count]) => {
    document.querySelector('[data-clear]').click()
    const transfer = new DataTransfer()
    for (let i = 0; i < count; i++) {
      const bytes = new Uint8Array(size)
      for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536))
      transfer.items.add(new File([bytes], `document ${i}.pdf`))
    }
    const list = document.querySelector('[data-rows]')
    const done = new Promise((resolve) => {
      const look = () => list.querySelectorAll('[data-verdict]').length === count && resolve()
      new MutationObserver(look).observe(list, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-verdict'] })
    })
    const begin = performance.now()
    document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }))
    await done
    return performance.now() - begin
  }, [size, count])
}

async function visit(browser, server) {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(server.url)
  return { page, close: () => context.close() }
}

async function oneFile(browser, server) {
  const cold = []
  for (let i = 0; i < 5; i++) {
    const { page, close } = await visit(browser, server)
    cold.push(await drop(page, 1e6)) // right after the page's load event: the verifier is still on its way
    await close()
  }
  const { page, close } = await visit(browser, server)
  for (let i = 0; i < 5; i++) await drop(page, 1e6)
  const warm = []
  for (let i = 0; i < 20; i++) warm.push(await drop(page, 1e6))
  await close()
  console.log('From drop to verdict, a file of 1 MB, ms')
  table(['', 'rounds', 'median', 'best', 'worst'], [['cold', cold], ['warm', warm]].map(([name, values]) =>
    [name, values.length, median(values).toFixed(0), Math.min(...values).toFixed(0), Math.max(...values).toFixed(0)]))
  verdict('1 MB, warm, median', median(warm), WARM_LIMIT, 'ms')
}

async function manyFiles(browser, server, folder) {
  const dir = join(folder, 'many')
  await mkdir(dir)
  for (let i = 0; i < MANY; i++) await writeFile(join(dir, `${i}.bin`), randomBytes(200_000))
  const { page, close } = await visit(browser, server)
  await drop(page, 1e6)
  const dropped = await drop(page, 200_000, MANY)
  await page.click('[data-clear]')
  const answers = await answering(page)
  const begin = performance.now()
  await page.setInputFiles('#folder', dir)
  await verdicts(page, MANY)
  const chosen = performance.now() - begin
  const worst = await answers()
  console.log(`${MANY} files of 200 KB`)
  table(['', 'ms', 'ms a file'], [['dropped, from memory', dropped], ['a folder on disk, with the browser\'s own reading of it', chosen]].map(([name, ms]) =>
    [name, ms.toFixed(0), (ms / MANY).toFixed(1)]))
  table(['while a folder is checked, ms', 'worst'], Object.entries(worst).map(([name, ms]) => [name, ms.toFixed(0)]))
  verdict(`${MANY} files, a folder on disk`, chosen / 1000, MANY_LIMIT, 's')
  verdict('the page answers input', Math.max(worst['a key is answered after'], worst['a timer is late by']), INPUT_LIMIT, 'ms')
  await close()
}

/**
 * Presses a key again and again, as somebody would, and says what the longest delays were. A key goes the whole way from the
 * browser's process, so that it waits for whatever blocks the page; the time is the event's own, to the frame that could show an answer.
 */
async function answering(page) {
  await page.evaluate(() => {
    const worst = (globalThis.worst = { 'a key is answered after': 0, 'a timer is late by': 0, 'the page\'s longest task': 0, 'the browser, before the page hears of the files': 0 })
    const note = (name, ms) => (worst[name] = Math.max(worst[name], ms))
    let last = performance.now()
    let told = Infinity // when the page was told which files were chosen: what the browser does until then is not the page's
    addEventListener('change', () => {
      told = performance.now()
      note('the browser, before the page hears of the files', told - last)
      last = told
    }, true)
    addEventListener('keydown', ({ timeStamp }) => requestAnimationFrame(() => timeStamp > told && note('a key is answered after', performance.now() - timeStamp)), true)
    new PerformanceObserver((list) => list.getEntries().forEach(({ startTime, duration }) => startTime > told && note('the page\'s longest task', duration))).observe({ type: 'longtask' })
    setInterval(() => {
      if (told < Infinity) note('a timer is late by', performance.now() - last - 10)
      last = performance.now()
    }, 10)
  })
  let done = false
  const pressing = (async () => {
    while (!done) {
      await page.keyboard.press('Shift') // does nothing in the page
      await new Promise((next) => setTimeout(next, SAMPLE_INTERVAL))
    }
  })()
  return async () => {
    done = true
    await pressing
    return page.evaluate(() => globalThis.worst)
  }
}

/** A file of 4 GiB, of which nothing lies on the disk: memory stays where it is. */
async function large(browser, server, folder) {
  const path = join(folder, 'sparse.bin')
  await writeFile(path, '')
  await truncate(path, 4096 * MiB)
  const { page, close } = await visit(browser, server)
  await drop(page, 1e6)
  const begin = performance.now()
  const grown = await growth(browser, page, async () => {
    await page.click('[data-clear]')
    await choose(page, path)
    await page.waitForSelector('.row[data-verdict]', { timeout: 3_600_000 })
  })
  await close()
  console.log('Memory while a file of 4 GiB is checked, in MiB')
  table(['processes', 'page', 'seconds'], [[...grown.map((bytes) => (bytes / MiB).toFixed(1)), ((performance.now() - begin) / 1000).toFixed(1)]])
  verdict('growth, 4 GiB', grown[0] / MiB, MEMORY_LIMIT, 'MiB')
}

async function memory(browser, server, folder) {
  const large = join(folder, 'large.bin')
  const file = await open(large, 'w')
  for (let i = 0; i < 512; i++) await file.write(randomBytes(MiB))
  await file.close()
  const rows = []
  for (const [name, twice] of [['SHA-256', false], ['SHA-256 and SHA3-512', true]]) {
    server.faults.clear()
    if (twice) await demandSHA3(server)
    const { page, close } = await visit(browser, server)
    await drop(page, 1e6)
    const begin = performance.now()
    const grown = await growth(browser, page, async () => {
      await page.click('[data-clear]')
      await choose(page, large)
      await page.waitForSelector('.row[data-verdict]', { timeout: 600_000 })
    })
    rows.push([name, ...grown.map((bytes) => (bytes / MiB).toFixed(1)), ((performance.now() - begin) / 1000).toFixed(1)])
    await close()
  }
  server.faults.clear()
  console.log(`Memory while a file of 512 MiB is checked: the largest of samples every ${SAMPLE_INTERVAL} ms, less the value before, in MiB.
"processes" is private and shared memory of all of the browser's processes, "page" the page's JavaScript heap with its buffers`)
  table(['', 'processes', 'page', 'seconds'], rows)
  for (const [name, processes] of rows) verdict(`growth, ${name}`, Number(processes), MEMORY_LIMIT, 'MiB')
}

/** Serves the page as if the trust file demanded both digests. */
async function demandSHA3(server) {
  const { createHash } = await import('node:crypto')
  const trust = (bytes) => Buffer.from(String(bytes).replace('digest sha256\n', 'digest sha256\ndigest sha3-512\n'))
  const text = await fetch(`${server.url}trust/1`).then((r) => r.text())
  const sri = `sha384-${createHash('sha384').update(trust(text)).digest('base64')}`
  server.faults.set('trust/1', trust)
  server.faults.set('index.html', (bytes) => Buffer.from(String(bytes).replace(/data-trust-integrity="[^"]*"/, `data-trust-integrity="${sri}"`)))
}

/** By how many bytes the browser's processes and the page's heap grow while something is done. */
async function growth(browser, page, work) {
  const ofBrowser = await browser.newBrowserCDPSession()
  const ofPage = await page.context().newCDPSession(page)
  await ofPage.send('HeapProfiler.collectGarbage')
  const sample = async () => {
    const { processInfo } = await ofBrowser.send('SystemInfo.getProcessInfo')
    const { usedSize, backingStorageSize } = await ofPage.send('Runtime.getHeapUsage')
    return [sum(await Promise.all(processInfo.map(({ id }) => ownMemory(id)))), usedSize + backingStorageSize]
  }
  const before = await sample()
  const peak = [...before]
  let done = false
  const working = work().finally(() => (done = true))
  while (!done) {
    const now = await sample()
    now.forEach((bytes, i) => (peak[i] = Math.max(peak[i], bytes)))
    await new Promise((next) => setTimeout(next, SAMPLE_INTERVAL))
  }
  await working
  return peak.map((bytes, i) => bytes - before[i])
}

async function ownMemory(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '') // it may just have ended
  return sum(['RssAnon', 'RssShmem'].map((field) => 1024 * Number(status.match(`${field}:\\s*(\\d+) kB`)?.[1] ?? 0)))
}

function verdict(what, value, limit, unit) {
  const ok = value < limit
  console.log(`${what}: ${value.toFixed(0)} ${unit}, limit ${limit}: ${ok ? 'ok' : 'TOO MUCH'}\n`)
  if (!ok) process.exitCode = 1
}

function table(head, rows) {
  const all = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)))
  for (const row of all) console.log('  ' + row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  '))
  console.log()
}

await main()
