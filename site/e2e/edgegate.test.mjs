// Publishing to an edge in workerd, the Workers' own runtime, by stele publish --to; and what is tried against it: node --test site/e2e/edgegate.test.mjs
//
// Two registries. That of this edge is deployed without what it has published, as a large one is. The other, a neighbour, has this edge for its witness, and an edge of
// its own that looks at it from outside.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer, request as open } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ask, startEdge } from './edge.mjs'
import { start, until } from './processes.mjs'
import { buildCommand, filesBelow, must } from './registry.mjs'

const TOO_LARGE = (25 << 20) + 1 // bytes of one file that no static file of a Worker's may have

let folder, stele, edge, neighbourEdge
let witnessKeys // of the edge's witness, secret
const closing = [] // what ends with the tests
const published = new Map() // what a registry has published, by the SHA-256 of the checkpoint's file
const seen = new Map() // what each registry had published last

const at = (...names) => join(folder, ...names)
const ours = () => at('registry')
const neighbour = () => at('neighbour')
const twin = () => at('twin') // another ledger under the neighbour's name and keys, without witnesses
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-edgegate-'))
  stele = await buildCommand(folder)
  await mkdir(at('documents'))
  const keys = (await must(stele, 'witness', '--init', '--for-edge', at('witness-keys'), '--name', 'edge.example/witness')).trim().split('\n')
  witnessKeys = await readFile(at('witness-keys'), 'utf8')
  front = await relay()
  await must(stele, 'init', '--demo', '--registry', ours(), '--origin', 'registry.example/ledger')
  await must(stele, 'init', '--demo', '--registry', neighbour(), '--origin', 'neighbour.example/ledger', '--fresh', '40s',
    ...keys.flatMap((vkey) => ['--witness', `${vkey}=${front.url}witness`]))
  await cp(join(neighbour(), 'keys'), join(twin(), 'keys'), { recursive: true })
  await must(stele, 'init', '--demo', '--adopt-keys', '--registry', twin(), '--origin', 'neighbour.example/ledger', '--fresh', '40s')
  const trust = await readFile(join(neighbour(), 'trust'), 'utf8')
  await writeFile(at('logs'), `${trust.match(/^log \S+$/gm).join('\n')}\nquorum none\n`)
  await register(ours())
  await must(stele, 'publish', '--registry', ours())
  await note(ours())
  await deploy()
  front.target = edge.url
})

after(async () => {
  for (const one of [edge, neighbourEdge]) await one?.end()
  for (const close of closing) close()
  if (folder) await rm(folder, { recursive: true, force: true })
})

/** A relay before the edge, whose address stays: the witness's, and that of most publications. */
let front

/** Deploys our registry, of which one file is too large for the static files just then; so it is deployed without what it has published. */
async function deploy() {
  const large = join(ours(), 'public/large.bin')
  await writeFile(large, '')
  await truncate(large, TOO_LARGE)
  const env = { ...stele.env, STELE_WITNESS_KEYS: witnessKeys }
  edge = await startEdge({ path: stele.path, env }, ours(), at('edge'), '--witness', at('logs'))
  await rm(large)
  assert.match(edge.said(), /holds +no publication: large\.bin has 26214401 bytes/)
}

/** A server of a test's own: its address, with a slash at the end. */
async function serve(answer) {
  const server = createServer(answer)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${server.address().port}/`
}

/** What a request of a publication is about. */
function kindOf(method, path) {
  const [, , name, , what] = path.split('/')
  if (!path.startsWith('/publish/')) return path.startsWith('/witness/') ? 'witness' : 'read'
  if (name !== 'offers') return name
  return what === 'chunks' ? (method === 'GET' ? 'list' : 'promote') : (what ?? 'offers')
}

/**
 * What stands between a publisher and the edge. `before`, called with each request, may change its body, or return an answer of its own, {status, body}, or 'cut', upon which
 * the connection breaks off; `behind`, called with the request and the edge's answer, may change the answer, or return 'cut'. `log` has every request, with its answer.
 */
async function relay() {
  const one = { target: null, log: [], before: () => undefined, behind: () => undefined }
  one.url = await serve(async (incoming, outgoing) => {
    const parts = []
    for await (const part of incoming) parts.push(part)
    const { method, url, headers } = incoming
    const asked = { method, path: url, kind: kindOf(method, url), body: Buffer.concat(parts) }
    one.log.push(asked)
    let answer = await one.before(asked)
    if (answer === undefined) {
      const { host, connection, 'content-length': length, 'transfer-encoding': encoding, ...rest } = headers
      answer = await ask(one.target, { method, path: url, headers: rest, body: method === 'GET' ? undefined : asked.body }).catch(() => 'cut')
      asked.answer = answer
      if (answer !== 'cut') answer = (await one.behind(asked, answer)) ?? answer
    }
    if (answer === 'cut') return outgoing.destroy()
    outgoing.writeHead(answer.status, answer.headers && Object.fromEntries(Object.entries(answer.headers).filter(([name]) => name !== 'transfer-encoding')))
    outgoing.end(answer.body)
  })
  return one
}

/** A relay of a test's own to our edge. */
const relayToEdge = async () => Object.assign(await relay(), { target: edge.url })

let documents = 0

/** Registers a new document, and returns its path. */
async function register(registry) {
  const path = at('documents', `${++documents}.txt`)
  await writeFile(path, `document ${documents}\n`)
  await must(stele, 'register', '--registry', registry, path)
  return path
}

/** Remembers what a registry has published. */
async function note(registry) {
  const names = (await filesBelow(join(registry, 'public'))).filter((name) => !/^(ledger|trust)\/propos/.test(name) && !name.split('/').some((part) => part.startsWith('.')))
  const files = new Map(await Promise.all(names.map(async (name) => [name, sha256(await readFile(join(registry, 'public', name)))])))
  const one = { number: published.size, files, checkpoint: files.get('ledger/checkpoint') }
  published.set(one.checkpoint, one)
  seen.set(registry, one)
  return one
}

/** Publishes a registry, and brings it to an edge: {code, pushed, stderr}. */
async function publish(registry, url, ...flags) {
  const { code, stdout, stderr } = await stele('publish', '--registry', registry, '--to', url, '--json', ...flags)
  await note(registry)
  assert.ok(stdout, stderr)
  return { code, pushed: JSON.parse(stdout).pushed?.[0], stderr }
}

/** The same, and fails unless it succeeds. */
async function mustPublish(registry, url, ...flags) {
  const { code, pushed, stderr } = await publish(registry, url, ...flags)
  assert.equal(code, 0, stderr)
  return pushed
}

/** Where a reader finds a published file. */
const addressOf = (name) => (/(^|\/)index\.html$/.test(name) ? name.slice(0, -'index.html'.length) : name)

/** Holds that an edge serves a whole publication, and no file of another; `matters` says which files are looked at. */
async function serves(url, one, matters = () => true) {
  const names = [...one.files.keys()].filter(matters)
  for (let i = 0; i < names.length; i += 16) {
    await Promise.all(names.slice(i, i + 16).map(async (name) => {
      const { status, body } = await ask(url, { path: `/${addressOf(name)}` })
      assert.deepEqual([status, sha256(body)], [200, one.files.get(name)], name)
    }))
  }
}

/** Which of what was published an edge serves. */
async function inForce(url) {
  const { body } = await ask(`${url}ledger/checkpoint`)
  const one = published.get(sha256(body))
  assert.ok(one, `a checkpoint that was never published:\n${body}`)
  return one
}

const changing = (name) => !name.startsWith('assets/')
const state = async () => JSON.parse((await ask(`${edge.url}publish/state`)).body)

/** A request to the gate. Where it answers before it has read the whole body, the connection may break off under the rest: then it is made again. */
async function post(path, body, { token = edge.token, headers = {}, url = edge.url } = {}) {
  const sent = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  for (let left = 5; ; left--) {
    try {
      const { status, body: answer } = await ask(url, { method: 'POST', path: `/publish/${path}`, headers: { ...(token && { Authorization: `Bearer ${token}` }), ...headers }, body: sent })
      return { status, ...JSON.parse(answer) }
    } catch (error) {
      if (left === 0 || !['ECONNRESET', 'EPIPE'].includes(error.code)) throw error
    }
  }
}

/** The objects of a pack. */
function unpack(pack) {
  const objects = []
  for (let i = 0; i + 4 <= pack.length; i += 4 + pack.readUInt32BE(i)) objects.push(pack.subarray(i + 4, i + 4 + pack.readUInt32BE(i)))
  return objects
}

const packed = (...objects) => Buffer.concat(objects.flatMap((b) => [Buffer.from(Uint32Array.of(b.length).buffer).swap32(), b]))

/** An offer that was ready to be made, and has not come to the edge. */
async function heldOffer(registry, before = () => undefined) {
  const between = await relayToEdge()
  let offer
  between.before = (asked) => {
    if (asked.kind !== 'offers') return before(asked)
    offer = JSON.parse(asked.body)
    return { status: 403, body: '{"error":{"code":"held","message":"held back"}}' }
  }
  const { code, stderr } = await publish(registry, between.url)
  assert.equal(code, 1)
  assert.match(stderr, /held back/)
  return offer
}

test('a ledger that is not among the static files is published for the first time', async () => {
  assert.deepEqual([(await ask(edge.url)).status, (await ask(`${edge.url}ledger/head`)).status], [404, 404])
  assert.deepEqual([(await state()).set, (await state()).size], ['', 0])
  const document = await register(ours())
  const pushed = await mustPublish(ours(), edge.url)
  const one = seen.get(ours())
  assert.equal(pushed.objects, one.files.size)
  await serves(edge.url, one)
  await must(stele, 'audit', '--portal', edge.url, '--policy', join(ours(), 'trust'))
  assert.equal(JSON.parse(await must(stele, 'verify', document, '--portal', edge.url, '--policy', join(ours(), 'trust'), '--json')).verdict, 'authentic')
})

test('a neighbour publishes, with this edge for its witness', async () => {
  await register(neighbour())
  await must(stele, 'publish', '--registry', neighbour())
  await note(neighbour())
  assert.equal(front.log.filter(({ kind, answer }) => kind === 'witness' && answer.status === 200).length, 1)
})

// Ten publications under readers

const READERS = 4
const PUBLICATIONS = 10

/** A reader, who goes on until `reader.ended`. What was read is judged in the end, when all that was published is known. */
async function read(reader, verifier) {
  const get = async (name) => {
    const { status, body } = await ask(edge.url, { path: `/${addressOf(name)}` })
    assert.equal(status, 200, name)
    reader.reads.push([name, sha256(body)])
    return body
  }
  while (!reader.ended) {
    reader.begun++
    const document = reader.document
    await get('ledger/head')
    await get('ledger/checkpoint')
    const page = String(await get('index.html'))
    const tags = [...page.matchAll(/(?:src|href)="([^"]+)" integrity="(sha\d+)-([^"]+)"/g)]
    assert.ok(tags.length > 3, `${tags.length} files of the page are named with their hashes`)
    await Promise.all(tags.map(async ([, name, hash, want]) => {
      assert.equal(createHash(hash.replace('sha', 'sha')).update(await get(name)).digest('base64'), want, name)
    }))
    const { verdict, report } = await verifier.check(new Blob([await readFile(document)]))
    assert.deepEqual([verdict, report.reason, report.detail], ['authentic', '', report.detail])
    reader.lookups++
    reader.done = reader.begun
  }
}

/** Holds that what a reader was given, in order, are files of publications of which none was older than the one before. */
function ordered(reads, publications) {
  let from = 0
  for (const [name, hash] of reads) {
    const among = publications.flatMap(({ files }, i) => (files.get(name) === hash ? [i] : []))
    assert.ok(among.length > 0, `${name} of SHA-256 ${hash} was served, and never published`)
    assert.ok(among.at(-1) >= from, `${name} of publication ${among.at(-1)} was served after a file of publication ${from}`)
    from = Math.max(from, among[0])
  }
}

test('ten publications under readers, of whom none sees anything that is not whole', async () => {
  await must(stele, 'npm', '-o', at('npm'))
  const { createVerifier } = await import(pathToFileURL(at('npm/node.js')))
  const verifier = await createVerifier({ trust: await readFile(join(ours(), 'trust')), portal: edge.url })
  const readers = Array.from({ length: READERS }, () => ({ reads: [], begun: 0, done: 0, lookups: 0, document: at('documents/1.txt'), ended: false }))
  const all = Promise.all(readers.map((reader) => read(reader, verifier)))
  all.catch(() => undefined) // awaited below
  const publications = [seen.get(ours())]
  try {
    for (let i = 0; i < PUBLICATIONS; i++) {
      const document = await register(ours())
      await mustPublish(ours(), edge.url)
      publications.push(seen.get(ours()))
      const begun = readers.map((reader) => Object.assign(reader, { document }).begun)
      const whole = until(() => readers.every(({ done }, j) => done > begun[j]))
      await Promise.race([whole, all]) // each has read once from the first to the last
    }
  } finally {
    for (const reader of readers) reader.ended = true
    await all.finally(() => verifier.close())
  }
  for (const { reads } of readers) ordered(reads, publications)
  const heads = publications.map(({ files }) => readers.flatMap(({ reads }) => reads).filter(([name, hash]) => name === 'ledger/head' && hash === files.get(name)).length)
  console.log(`heads read of each publication: ${heads.join(' ')}; ${readers.reduce((n, { reads }) => n + reads.length, 0)} files; ${readers.map(({ lookups }) => lookups).join('+')} lookups`)
  assert.ok(heads.every((n) => n > 0), String(heads))
  assert.equal(new Set(publications.map(({ checkpoint }) => checkpoint)).size, PUBLICATIONS + 1)
})

// A publisher who is killed

/** Where a publisher is killed: at which request, and whether that has come to the edge. */
const KILLS = [
  ['state', 'before'], ['offers', 'before'], ['offers', 'behind'], ['plan', 'behind'], ['objects', 'half'], ['objects', 'behind'], ['list', 'behind'], ['promote', 'before'],
  ['promote', 'behind'], ['read', 'behind'], ['finish', 'before'], ['finish', 'behind'], ['last', 'before'],
]

/** Sends half of a body, and breaks off. */
function half({ path, body }) {
  return new Promise((resolve) => {
    const sent = open(edge.url, { method: 'POST', path, agent: false, headers: { Authorization: `Bearer ${edge.token}`, 'Content-Length': body.length } })
    sent.on('error', resolve)
    sent.write(body.subarray(0, body.length >> 1), () => sent.destroy(new Error('broken off')))
  })
}

/** Begins a publication, and kills it there. Resolves to the requests that it has made. */
async function killAt(kind, when) {
  const between = await relayToEdge()
  let finished = false
  let killed
  const dead = new Promise((resolve) => (killed = resolve))
  const kill = async () => {
    between.before = () => 'cut'
    await run.end('SIGKILL')
    killed()
    return 'cut'
  }
  const is = (asked) => asked.kind === kind || (kind === 'last' && asked.kind === 'read' && finished)
  between.before = async (asked) => {
    if (!is(asked) || when === 'behind') return undefined
    if (when === 'half') await half(asked)
    return kill()
  }
  between.behind = (asked) => {
    if (asked.kind === 'finish') finished = true
    return is(asked) && when === 'behind' ? kill() : undefined
  }
  const run = start(stele.path, ['publish', '--registry', ours(), '--to', between.url], stele.env)
  await Promise.race([dead, until(() => run.code !== undefined)])
  assert.equal(run.code, 'SIGKILL', `killed at ${kind}, ${when}: ${run.said()}`)
  await note(ours())
  return between.log
}

/** The SHA-256 of what was uploaded, and of what the edge has said that it has; `planned` is what was uploaded before the plan was at its end. */
function uploads(log) {
  const all = log.filter(({ kind }) => kind === 'objects')
  const of = (list) => list.flatMap(({ body }) => unpack(body).map(sha256))
  const list = log.findIndex(({ kind }) => kind === 'list')
  return { sent: of(all), acknowledged: of(all.filter(({ answer }) => answer?.status === 200)), planned: of(log.slice(0, list < 0 ? log.length : list).filter(({ kind }) => kind === 'objects')) }
}

test('a publisher killed at every step, and begun again', async () => {
  await register(ours())
  const there = new Set()
  let sent = 0
  for (const [kind, when] of KILLS) {
    const old = seen.get(ours())
    const was = await inForce(edge.url)
    const log = await killAt(kind, when)
    const isNew = kind === 'last' || (kind === 'finish' && when === 'behind')
    const now = await inForce(edge.url)
    assert.notEqual(seen.get(ours()), old)
    assert.equal(now, isNew ? seen.get(ours()) : was, `killed at ${kind}, ${when}`)
    await serves(edge.url, now, changing)
    const { sent: again, acknowledged, planned } = uploads(log)
    assert.deepEqual(again.filter((hash) => there.has(hash) && !planned.includes(hash)), [], `killed at ${kind}, ${when}: uploaded again`)
    sent += again.length
    for (const hash of acknowledged) there.add(hash)
    console.log(`killed at ${kind}, ${when}: ${again.length} uploaded`)
  }
  const between = await relayToEdge()
  const pushed = await mustPublish(ours(), between.url)
  const { sent: again, planned } = uploads(between.log)
  assert.deepEqual(again.filter((hash) => there.has(hash) && !planned.includes(hash)), [])
  assert.equal(pushed.already, false)
  assert.ok(sent > 20, `${sent} objects were uploaded before`)
  await serves(edge.url, seen.get(ours()))
  await must(stele, 'audit', '--portal', edge.url, '--policy', join(ours(), 'trust'))
})
