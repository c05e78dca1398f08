// Measures the page as visitors load and use it, in Chromium: node site/e2e/bench/portal.mjs
//
// Over a demonstration registry made for it, served from this machine: the figures are those of the page, not of
// a network. Times are from the drop of a file to the verdict in the page.

import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { choose, launch, serveFolder, verdicts } from '../browser.mjs'
import { buildCommand, makeDemo } from '../registry.mjs'

const MiB = 1024 * 1024
const WEIGHT_LIMIT = 750_000 // bytes of the verify page with its WASM, brotli 11
const WARM_LIMIT = 150 // ms for 1 MB
const MEMORY_LIMIT = 64 // MiB of growth while a file above the threshold is checked
const SAMPLE_INTERVAL = 50 // ms

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
const sum = (values) => values.reduce((a, b) => a + b, 0)

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'stele-bench-'))
  const demo = join(folder, 'demo')
  await makeDemo(await buildCommand(folder), demo)
  const server = await serveFolder(join(demo, 'public'))
  const browser = await launch()
  try {
    console.log(`Chromium ${browser.version()}, Node ${process.version}, load average ${loadavg()[0].toFixed(1)}\n`)
    await weight(join(demo, 'public'))
    await oneFile(browser, server)
    await manyFiles(browser, server, folder)
    await memory(browser, server, folder)
  } finally {
    await browser.close()
    await server.close()
    await rm(folder, { recursive: true })
  }
}

async function weight(folder) {
  // What the first page names: its own parts, and those that its worker loads.
  const page = await readFile(join(folder, 'index.html'), 'utf8')
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
  for (let i = 0; i < 200; i++) await writeFile(join(dir, `${i}.bin`), randomBytes(200_000))
  const { page, close } = await visit(browser, server)
  await drop(page, 1e6)
  const dropped = await drop(page, 200_000, 200)
  await page.click('[data-clear]')
  const begin = performance.now()
  await page.setInputFiles('#folder', dir)
  await verdicts(page, 200)
  const chosen = performance.now() - begin
  console.log('200 files of 200 KB')
  table(['', 'ms', 'ms a file'], [['dropped, from memory', dropped], ['a folder on disk, with the browser\'s own reading of it', chosen]].map(([name, ms]) =>
    [name, ms.toFixed(0), (ms / 200).toFixed(1)]))
  await close()
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
