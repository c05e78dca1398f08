// Measures the hashing of files in Chromium: node site/e2e/bench/hash.mjs
//
// Everything is measured in one run of one browser, because speeds of different runs do not compare: the
// ways take turns within each round, and the ratio to hash-wasm (compiled C) is the median of the rounds'
// own ratios. On a busy machine the best rounds tell more.

import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { buildWasm, launchWhole, root, serve, wasmExec } from '../chromium.mjs'

const MiB = 1024 * 1024
const FILE_ROUNDS = [[1, 15], [4, 15], [16, 9], [64, 7], [65, 7], [512, 3]] // MiB, rounds
const MANY = { files: 32, size: 8, rounds: 7 } // size in MiB
// How many times as fast as hash-wasm, from file to digest.
const WANTED = { 512: 1, 16: 2, many: 3 }
const MEMORY_LIMIT = 64 // MiB of growth while a file above the threshold is hashed
const SAMPLE_INTERVAL = 50 // ms

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'stele-bench-'))
  const server = await serve(await pageFiles(folder))
  const browser = await launchWhole()
  try {
    console.log(`Chromium ${browser.version()}, Node ${process.version}, load average ${loadavg()[0].toFixed(1)}\n`)
    await inMemory(browser, server.url)
    await fromFiles(browser, server.url, folder)
    await manyFiles(browser, server.url, folder)
    await memory(browser, server.url, folder)
  } finally {
    await browser.close()
    await server.close()
    await rm(folder, { recursive: true })
  }
}

async function pageFiles(folder) {
  const peer = createRequire(import.meta.url).resolve('hash-wasm/dist/index.umd.min.js')
  return new Map([
    ['/', '<!doctype html><script src="/wasm_exec.js"></script><script src="/hash-wasm.js"></script>' +
      '<script type="module" src="/page.mjs"></script><input type="file" multiple>'],
    ['/hash.mjs', await readFile(join(root, 'site/assets/hash.mjs'))],
    ['/page.mjs', await readFile(new URL('page.mjs', import.meta.url))],
    ['/hashworker.mjs', await readFile(new URL('hashworker.mjs', import.meta.url))],
    ['/peerworker.js', await readFile(new URL('peerworker.js', import.meta.url))],
    ['/hash-wasm.js', await readFile(peer)],
    ['/wasm_exec.js', await wasmExec()],
    ['/stele.wasm', await buildWasm(folder, './wasm')],
    ['/hashbench.wasm', await buildWasm(folder, './site/e2e/bench/hashbench')],
  ])
}

async function openPage(browser, url) {
  const page = await browser.newPage()
  page.on('pageerror', (error) => console.error(error))
  await page.goto(url)
  await page.waitForFunction(() => globalThis.bench)
  return page
}

async function inMemory(browser, url) {
  const page = await openPage(browser, url)
  const rounds = 25
  const speeds = await page.evaluate((n) => bench.inMemory(n, 5), rounds)
  console.log(`In memory, 16 MiB, pieces of 64 KiB, ${rounds} rounds`)
  const peer = speeds['hash-wasm']
  printTable(['', 'median MB/s', 'x hash-wasm', 'best MB/s', 'x hash-wasm'], Object.entries(speeds).map(([way, values]) =>
    [way, median(values).toFixed(0), ratio(values, peer),
      Math.max(...values).toFixed(0), (Math.max(...values) / Math.max(...peer)).toFixed(2)]))
  await page.close()
}

async function fromFiles(browser, url, folder) {
  console.log('From file to digest, reading included: median MB/s (x hash-wasm over stream());\n' +
    'hashFile is WebCrypto on the whole up to 64 MiB, Go over stream() above')
  const rows = []
  const found = []
  for (const [size, rounds] of FILE_ROUNDS) {
    // A fresh page for each size: the first rounds then count what a visitor's first file costs.
    const page = await openPage(browser, url)
    await choose(page, await makeFile(folder, size))
    const speeds = await page.evaluate((n) => bench.fromFile(n), rounds)
    if (rows.length === 0) rows.push(['', 'rounds', ...Object.keys(speeds)])
    rows.push([`${size} MiB`, String(rounds), ...rows[0].slice(2).map((way) =>
      speeds[way] ? `${median(speeds[way]).toFixed(0)} (${ratio(speeds[way], speeds['hash-wasm'])})` : '–')])
    if (WANTED[size]) found.push([`one file of ${size} MiB`, ratio(speeds.hashFile, speeds['hash-wasm']), WANTED[size]])
    await page.close()
  }
  printTable(rows[0], rows.slice(1))
  console.log('What WebCrypto on the whole can come to at most is a file read and then hashed: 1 / (1 / "reading alone" + 1 / "WebCrypto, read")\n')
  for (const one of found) verdict(...one)
}

/** Many files one after another: the page's pool of two workers, and hash-wasm in workers. */
async function manyFiles(browser, url, folder) {
  const paths = []
  for (let i = 0; i < MANY.files; i++) paths.push(await makeFile(folder, MANY.size, `many ${i}`))
  const page = await openPage(browser, url)
  await choose(page, paths)
  const speeds = await page.evaluate((n) => bench.manyFiles(n), MANY.rounds)
  await page.close()
  console.log(`${MANY.files} files of ${MANY.size} MiB, ${MANY.rounds} rounds, from files to digests`)
  const peer = speeds['hash-wasm, one worker']
  printTable(['', 'median MB/s', 'x hash-wasm', 'best MB/s', 'x hash-wasm'], Object.entries(speeds).map(([way, values]) =>
    [way, median(values).toFixed(0), ratio(values, peer), Math.max(...values).toFixed(0), (Math.max(...values) / Math.max(...peer)).toFixed(2)]))
  verdict(`${MANY.files} files of ${MANY.size} MiB`, ratio(speeds['hashFile, pool of two'], peer), WANTED.many)
}

function verdict(what, times, wanted) {
  const ok = Number(times) >= wanted
  console.log(`${what}: ${times} x hash-wasm, want ${wanted}: ${ok ? 'ok' : 'TOO SLOW'}\n`)
  if (!ok) process.exitCode = 1
}

const ratio = (values, others) => median(values.map((value, i) => value / others[i])).toFixed(2)

async function memory(browser, url, folder) {
  console.log(`Memory while 512 MiB are hashed: the largest of samples every ${SAMPLE_INTERVAL} ms, less the value before, in MiB.
"processes" is private and shared memory of all of the browser's processes (RssAnon + RssShmem of
/proc/<pid>/status; mapped files do not count). "heap" is the page's JavaScript heap with the buffers it
holds (CDP Runtime.getHeapUsage). "wasm" is by how much the Go program's memory grew. WebCrypto on the whole
is there to show that the method sees what is held.`)
  const rows = []
  for (const way of ['hashFile', 'WebCrypto']) {
    const page = await openPage(browser, url)
    await choose(page, join(folder, '512'))
    rows.push([way, ...(await growth(browser, page, way)).map((bytes) => (bytes / MiB).toFixed(1))])
    await page.close()
  }
  printTable(['', 'processes', 'heap', 'wasm'], rows)
  const largest = Math.max(...rows[0].slice(1).map(Number))
  console.log(`hashFile grew by ${largest} MiB, limit ${MEMORY_LIMIT}: ${largest < MEMORY_LIMIT ? 'ok' : 'TOO MUCH'}`)
  if (largest >= MEMORY_LIMIT) process.exitCode = 1
}

/** Growth of the processes, the page's heap and the Go program's memory, in bytes, while way runs. */
async function growth(browser, page, way) {
  const ofBrowser = await browser.newBrowserCDPSession()
  const ofPage = await page.context().newCDPSession(page)
  await ofPage.send('HeapProfiler.collectGarbage')

  const sample = async () => {
    const { processInfo } = await ofBrowser.send('SystemInfo.getProcessInfo')
    const { usedSize, backingStorageSize } = await ofPage.send('Runtime.getHeapUsage')
    return [sum(await Promise.all(processInfo.map(({ id }) => ownMemory(id)))), usedSize + backingStorageSize]
  }
  const before = await sample()
  const wasmBefore = await page.evaluate(() => bench.wasmMemory())
  let done = false
  const hashing = page.evaluate((name) => bench.once(name), way).finally(() => (done = true))
  const peak = [...before]
  while (!done) {
    const now = await sample()
    now.forEach((bytes, i) => (peak[i] = Math.max(peak[i], bytes)))
    await new Promise((next) => setTimeout(next, SAMPLE_INTERVAL))
  }
  await hashing
  const wasmAfter = await page.evaluate(() => bench.wasmMemory())
  return [peak[0] - before[0], peak[1] - before[1], wasmAfter - wasmBefore]
}

async function ownMemory(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '') // it may just have ended
  return sum(['RssAnon', 'RssShmem'].map((field) => 1024 * Number(status.match(`${field}:\\s*(\\d+) kB`)?.[1] ?? 0)))
}

const sum = (values) => values.reduce((a, b) => a + b, 0)

async function makeFile(folder, size, name = String(size)) {
  const path = join(folder, name)
  const file = await open(path, 'w')
  for (let i = 0; i < size; i++) await file.write(randomBytes(MiB))
  await file.close()
  return path
}

const choose = (page, path) => page.setInputFiles('input', path)

function printTable(head, rows) {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)))
  for (const row of all) {
    console.log('  ' + row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  '))
  }
  console.log()
}

await main()
