// Measures the edge in workerd, the Workers' own runtime, beside a plain Worker in JavaScript that runs in the same way: node site/e2e/bench/edge.mjs
// With --large it also publishes 100,000 documents at once to an edge.
//
// Each route is asked by several connections over loopback for some seconds, in rounds that go through all of them; printed are medians over
// the rounds. CPU is that of the runtime's processes during a round, by request: an upper bound of what a host would count, since it holds the
// simulated bucket too; what the plain Worker needs for nothing shows how much that is.
// Speeds of different runs do not compare; ratios within one do.

import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { Agent, createServer, request } from 'node:http'
import { createRequire } from 'node:module'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { gzipSync } from 'node:zlib'
import { root } from '../chromium.mjs'
import { ask, startEdge } from '../edge.mjs'
import { buildCommand, filesBelow, makeDemo, must } from '../registry.mjs'
import { GrowingLog, requests } from './logs.mjs'

const CONNECTIONS = 8
const SECONDS = 3 // of one route in one round
const ROUNDS = 3
const STARTS = 3 // of the runtime, for first requests
const TICKS = 100 // a second, of /proc: what Linux calls USER_HZ

const { Log, LogLevel, Miniflare } = createRequire(join(root, 'site/e2e/node_modules/wrangler/package.json'))('miniflare')
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
const at = (values, share) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'stele-bench-'))
  const ends = []
  try {
    const stele = await buildCommand(folder)
    const demo = join(folder, 'demo')
    await makeDemo(stele, demo)
    console.log(`Node ${process.version}, load average ${loadavg()[0].toFixed(1)}`)
    await size(stele, demo, folder)
    const one = await prepared(stele, demo, folder, ends)
    await load(one)
    while (ends.length) await ends.pop()()
    await firsts(stele, demo, folder)
    if (process.argv.includes('--large')) await large(stele, folder)
  } finally {
    while (ends.length) await ends.pop()()
    await rm(folder, { recursive: true, force: true })
  }
}

/** A deployment with everything switched on, a publication by the gate, the offer that was made of it, and a plain Worker. */
async function prepared(stele, demo, folder, ends) {
  const secret = join(folder, 'witness-keys')
  await must(stele, 'witness', '--init', '--for-edge', secret, '--name', 'bench.example/witness')
  const logs = Array.from({ length: 8 * CONNECTIONS }, (_, i) => new GrowingLog(`log${i}.bench.example`))
  await writeFile(join(folder, 'logs'), logs.map(({ vkey }) => `log ${vkey}\n`).join('') + 'quorum none\n')
  stele.env.STELE_WITNESS_KEYS = await readFile(secret, 'utf8')
  const edge = await startEdge(stele, demo, join(folder, 'edge'), '--witness', join(folder, 'logs'))
  ends.push(edge.end)
  const [offer] = await listened(edge, (to) => must(stele, 'publish', '--registry', demo, '--to', to), (path) => path.endsWith('/publish/offers'))
  const plain = await plainWorker()
  ends.push(plain.end)
  await ask(`${plain.url}store`, { method: 'PUT', body: await readFile(join(demo, 'public/ledger/head')) })
  return { edge, plain, offer, demo, logs }
}

/** Does something through a relay that keeps the bodies of the requests that are of interest. */
async function listened(edge, act, interest) {
  const kept = []
  const relay = createServer((req, res) => {
    const parts = []
    req.on('data', (part) => parts.push(part))
    req.on('end', () => {
      const body = Buffer.concat(parts)
      if (interest(req.url)) kept.push(body)
      const on = request(new URL(req.url, edge.url), { method: req.method, headers: { ...req.headers, 'content-length': body.length } }, (answer) => {
        res.writeHead(answer.statusCode, answer.headers)
        answer.pipe(res)
      })
      on.on('error', () => res.destroy())
      on.end(body)
    })
  })
  await new Promise((resolve) => relay.listen(0, '127.0.0.1', resolve))
  await act(`http://127.0.0.1:${relay.address().port}/`)
  relay.closeAllConnections()
  await new Promise((resolve) => relay.close(resolve))
  return kept
}

/** The plain Worker, run as `stele deploy --local` runs ours: by miniflare, without anything in front of it. */
async function plainWorker() {
  const runtime = new Miniflare({ host: '127.0.0.1', port: 0, cf: false, log: new Log(LogLevel.WARN), modules: true, r2Buckets: ['STORE'], compatibilityDate: '2026-04-01',
    scriptPath: join(root, 'site/e2e/bench/plainworker.mjs') })
  const url = String(await runtime.ready)
  return { url, end: () => runtime.dispose() }
}

/** What the Worker weighs, as a host counts it: everything it runs, gzip. */
async function size(stele, demo, folder) {
  const out = join(folder, 'weighed')
  await must(stele, 'deploy', '--registry', demo, '-o', out)
  let whole = 0
  for (const name of await filesBelow(join(out, 'worker'))) whole += gzipSync(await readFile(join(out, 'worker', name))).length
  console.log(`\nthe Worker, gzip: ${(whole / 1024).toFixed(0)} KiB`)
}

/** Asks one route from several connections for some seconds: {rate, times in ms, cpu in ms a request, busy}. A body may be made for each request, by the number of its connection. */
async function hammer(url, { method = 'GET', headers = {}, body, want = 200 }, seconds, pids) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const once = (connection) => new Promise((resolve, reject) => {
    const sent = typeof body === 'function' ? body(connection) : body
    const length = sent === undefined ? {} : { 'Content-Length': sent.length }
    const req = request(url, { method, agent, headers: { ...length, ...headers } }, (res) => {
      res.resume()
      res.on('end', () => resolve(res.statusCode))
      res.on('error', reject)
    })
    req.on('error', reject)
    req.end(sent)
  })
  const times = []
  let busy = 0
  await once(0)
  const before = await cpu(pids)
  const begin = performance.now()
  const end = begin + seconds * 1000
  await Promise.all(Array.from({ length: CONNECTIONS }, async (_, connection) => {
    while (performance.now() < end) {
      const from = performance.now()
      const status = await once(connection)
      if (status === 503) busy++
      else if (status !== want) throw new Error(`${url}: ${status}, want ${want}`)
      times.push(performance.now() - from)
    }
  }))
  const took = (performance.now() - begin) / 1000
  const used = (await cpu(pids)) - before
  agent.destroy()
  return { rate: times.length / took, times, cpu: used / times.length, busy }
}

/** Milliseconds of CPU that processes have used. */
async function cpu(pids) {
  let ticks = 0
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  }
  return (ticks / TICKS) * 1000
}

/** The processes of the Workers' runtime that are this one's own, for the plain Worker, or others', for the edge. */
async function runtimes(own) {
  const found = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (line.split('\0')[0].endsWith('/workerd') && (parent === process.pid) === own) found.push(Number(pid))
  }
  return found
}

async function load({ edge, plain, offer, demo, logs }) {
  const tile = (await filesBelow(join(demo, 'public/ledger/tile'))).find((name) => name.startsWith('entries'))
  const authorised = { Authorization: `Bearer ${edge.token}`, 'Content-Type': 'application/json' }
  const bodies = Array.from({ length: CONNECTIONS }, (_, c) => requests(logs.filter((_, i) => i % CONNECTIONS === c)))
  const routes = [
    ['plain Worker: the word ok', plain.url, {}, 'plain'],
    ['plain Worker: an object of its bucket', `${plain.url}stored`, {}, 'plain'],
    ['static asset: a tile of the deployment', `${edge.url}ledger/tile/${tile}`, {}, 'edge'],
    ['by JavaScript: ledger/head of the newest publication', `${edge.url}ledger/head`, {}, 'edge'],
    ['by JavaScript: the first page', edge.url, {}, 'edge'],
    ['Go, gate: what is in force', `${edge.url}publish/state`, {}, 'edge'],
    ['Go, gate: an offer, checked whole', `${edge.url}publish/offers`, { method: 'POST', headers: authorised, body: offer }, 'edge'],
    ['Go, witness: a checkpoint cosigned', `${edge.url}witness/add-checkpoint`, { method: 'POST', body: (connection) => bodies[connection].next().value }, 'edge'],
    ['Go: how fresh it is', `${edge.url}health.json`, {}, 'edge'],
  ]
  const pids = { edge: await runtimes(false), plain: await runtimes(true) }
  const rounds = routes.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, [, url, what, whose]] of routes.entries()) rounds[i].push(await hammer(url, what, SECONDS, pids[whose]))
  }
  console.log(`\n${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s; x is of the plain Worker's rate for the word ok`)
  console.log('requests/s       x   p50 ms   p99 ms   CPU ms     503')
  const base = median(rounds[0].map((r) => r.rate))
  for (const [i, [name]] of routes.entries()) {
    const of = (f) => median(rounds[i].map(f))
    const busy = rounds[i].reduce((n, r) => n + r.busy, 0)
    const rate = of((r) => r.rate)
    console.log(`${rate.toFixed(0).padStart(10)} ${(rate / base).toFixed(3).padStart(7)} ${of((r) => at(r.times, 0.5)).toFixed(1).padStart(8)} ${of((r) => at(r.times, 0.99)).toFixed(1).padStart(8)} ` +
      `${of((r) => r.cpu).toFixed(1).padStart(8)} ${String(busy).padStart(7)}   ${name}`)
  }
}

/** What the first requests of a runtime that has just begun take. */
async function firsts(stele, demo, folder) {
  const names = ['a static file', 'a page, by JavaScript', 'Go, the first time', 'Go, the second time']
  const took = names.map(() => [])
  for (let i = 0; i < STARTS; i++) {
    const edge = await startEdge(stele, demo, join(folder, 'edge'))
    const tile = (await filesBelow(join(demo, 'public/ledger/tile')))[0]
    for (const [n, path] of [`ledger/tile/${tile}`, 'offline.html', 'publish/state', 'publish/state'].entries()) {
      const from = performance.now()
      const { status } = await ask(edge.url + path)
      if (status !== 200) throw new Error(`${path}: ${status}`)
      took[n].push(performance.now() - from)
    }
    await edge.end()
  }
  console.log(`\nfirst requests of a runtime that has just begun, ms, median of ${STARTS}`)
  for (const [n, name] of names.entries()) console.log(`${median(took[n]).toFixed(0).padStart(10)}   ${name}`)
}

const MANY = 100_000 // documents in one publication

/** One publication of many documents, from the registry into the bucket of an edge that has one document: what is uploaded, how long it takes, and how much memory. */
async function large(stele, folder) {
  const at = (name) => join(folder, name)
  const registry = at('large')
  await writeFile(at('first.txt'), 'the first\n')
  await must(stele, 'init', '--demo', '--registry', registry, '--origin', 'large.example/ledger')
  await must(stele, 'register', at('first.txt'), '--registry', registry)
  await must(stele, 'publish', '--registry', registry)
  const edge = await startEdge(stele, registry, at('edge-large'))
  const lines = Array.from({ length: MANY }, (_, i) => {
    const document = `document ${i}\n`
    return `${createHash('sha256').update(document).digest('hex')},${createHash('sha3-512').update(document).digest('hex')},d${i}.txt,extract\n`
  })
  await writeFile(at('list.csv'), `sha256,sha3-512,file,kind\n${lines.join('')}`)
  await must(stele, 'register', '--from', at('list.csv'), '--registry', registry)
  await must(stele, 'publish', '--registry', registry)
  const said = await must(stele, 'publish', '--registry', registry, '--to', edge.url)
  const most = Math.max(...(await Promise.all((await runtimes(false)).map(peak))))
  await edge.end()
  console.log(`\n${MANY} documents in one publication: ${said.trim().split('\n').at(-1)}\nthe runtime's memory at its highest: ${(most / 1024).toFixed(0)} MiB`)
}

/** The most memory that a process has had resident, in KiB. */
async function peak(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0)
}

await main()
