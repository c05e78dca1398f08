// Measures what the signatures on a checkpoint cost the page, in Chromium: node site/e2e/bench/quorum.mjs
//
// The verifier is the page's own, in a worker as the page runs it, and decides about one document with every file at
// hand: nothing is read or hashed. `crowd` has both of the log's signatures, three officers (ML-DSA-44) and five witnesses (three
// Ed25519, two ML-DSA-44); `alone` is the same ledger with the log's two only. Both are vectors of package proofs, made by
// go run ./build/vectors from fixed seeds. `first` is the first decision in a browser that has just started, once the worker has
// prepared itself as site/assets/worker.mjs does when the page has loaded; `unprepared` is the same without, for a file
// that was quicker; `warm` is the median of many more in one worker. Speeds of different runs do not compare; the ratio and the difference within one do.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildWasm, launchWhole, root, serve, wasmExec } from '../chromium.mjs'

const VECTORS = { crowd: 'quorum-crowd', alone: 'authentic' }
const LIMITS = { first: 50, warm: 25 } // ms
const STARTS = 9 // browsers, one after the other, for each vector
const ROUNDS = 60 // decisions in one worker

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

/** The parts of a vector that a decision needs: proofs/testdata/README.md. */
async function vector(name) {
  const text = await readFile(join(root, 'proofs/testdata', `${name}.txtar`), 'utf8')
  const files = {}
  for (const part of text.split(/^-- /m).slice(1)) {
    const [, title, content] = part.match(/^(\S+) --\n([^]*)$/)
    files[title.replace(/\.b64$/, '')] = title.endsWith('.b64') ? Buffer.from(content, 'base64') : Buffer.from(content)
  }
  const said = Object.fromEntries(String(files.case).trim().split('\n').map((line) => line.split(/ (.*)/)))
  const portal = Object.entries(files).filter(([path]) => path.startsWith('portal/'))
  return {
    now: Number(said.now),
    verdict: said.verdict,
    sha256: said.sha256,
    trust: files.trust.toString('base64'),
    files: Object.fromEntries(portal.map(([path, bytes]) => [path.slice('portal/'.length), bytes.toString('base64')])),
  }
}

const WORKER = `
import '/wasm_exec.js'
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
self.onmessage = async ({ data: { module, given, rounds, prepared } }) => {
  const go = new Go()
  const ready = new Promise((resolve) => (globalThis.steleReady = resolve))
  go.run(await WebAssembly.instantiate(module, go.importObject))
  await ready
  const request = {
    trust: bytes(given.trust), now: given.now, sha256: Uint8Array.from(given.sha256.match(/../g), (b) => parseInt(b, 16)),
    sha3: null, named: false, receipt: null, online: true, remembered: null, errors: {},
    files: Object.fromEntries(Object.entries(given.files).map(([path, text]) => [path, bytes(text)])),
  }
  const head = { 'ledger/head': request.files['ledger/head'] }
  if (prepared) globalThis.stele.check({ trust: request.trust, now: given.now, sha256: new Uint8Array(32), online: true, files: head })
  const times = []
  for (let i = 0; i < rounds; i++) {
    const begin = performance.now()
    const { report } = globalThis.stele.check(request)
    times.push(performance.now() - begin)
    const { verdict } = JSON.parse(report)
    if (verdict !== given.verdict) throw new Error('got ' + verdict + ', want ' + given.verdict)
    await new Promise((done) => setTimeout(done, 5)) // lets V8 put in the code it has compiled
  }
  self.postMessage(times)
}
`

/** The times of so many decisions in a browser of its own. */
async function measure(url, given, rounds, prepared = true) {
  const browser = await launchWhole()
  try {
    const page = await browser.newPage()
    await page.goto(url)
    return await page.evaluate(
      async (message) => {
        const module = await WebAssembly.compileStreaming(fetch('/verifier.wasm'))
        const worker = new Worker('/worker.js', { type: 'module' })
        return new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data)
          worker.onerror = (event) => reject(new Error(event.message))
          worker.postMessage({ module, ...message })
        })
      },
      { given, rounds, prepared },
    )
  } finally {
    await browser.close()
  }
}

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'stele-bench-'))
  const server = await serve(new Map([
    ['/', '<!doctype html><title>quorum</title>'],
    ['/worker.js', WORKER],
    ['/wasm_exec.js', await wasmExec()],
    ['/verifier.wasm', await buildWasm(folder, './wasm')],
  ]))
  console.log(`Node ${process.version}, load average ${loadavg()[0].toFixed(1)}, ms`)
  const found = {}
  for (const [name, file] of Object.entries(VECTORS)) {
    const given = await vector(file)
    const times = { first: [], unprepared: [], warm: (await measure(server.url, given, ROUNDS)).slice(ROUNDS >> 1) }
    for (let i = 0; i < STARTS; i++) {
      times.first.push(...(await measure(server.url, given, 1)))
      times.unprepared.push(...(await measure(server.url, given, 1, false)))
    }
    found[name] = Object.fromEntries(Object.entries(times).map(([when, all]) => [when, median(all)]))
    console.log(`  ${name}: ${Object.entries(times).map(([when, all]) => `${when} ${median(all).toFixed(1)} (best ${Math.min(...all).toFixed(1)})`).join(', ')}`)
  }
  for (const [when, limit] of Object.entries(LIMITS)) {
    const { crowd, alone } = { crowd: found.crowd[when], alone: found.alone[when] }
    console.log(`${when}: ${crowd.toFixed(1)} ms, limit ${limit}: ${crowd < limit ? 'ok' : 'TOO SLOW'}; ${(crowd / alone).toFixed(2)} x alone, the cosignatures ${(crowd - alone).toFixed(1)} ms`)
  }
  await server.close()
  await rm(folder, { recursive: true })
}

await main()
