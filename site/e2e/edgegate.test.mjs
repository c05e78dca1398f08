// Publishing to an edge in workerd, the Workers' own runtime, by stele publish --to; and what is tried against it: node --test site/e2e/edgegate.test.mjs
//
// Two registries. That of this edge is deployed without what it has published, as a large one is. The other, a neighbour, has this edge for its witness, and an edge of
// its own that looks at it from outside.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer, request as open } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
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
const superseded = new Set() // what our registry still has of its first publications, and has never brought to the edge
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-edgegate-'))
  stele = await buildCommand(folder)
  await mkdir(at('documents'))
  const keys = (await must(stele, 'witness', '--init', '--for-edge', at('witness-keys'), '--name', 'edge.example/witness')).trim().split('\n')
  witnessKeys = await readFile(at('witness-keys'), 'utf8')
  front = await relay()
  await must(stele, 'init', '--demo', '--registry', ours(), '--origin', 'registry.example/ledger')
  await must(stele, 'init', '--demo', '--registry', neighbour(), '--origin', 'neighbour.example/ledger', '--fresh', '20s',
    ...keys.flatMap((vkey) => ['--witness', `${vkey}=${front.url}witness`]))
  await cp(join(neighbour(), 'keys'), join(twin(), 'keys'), { recursive: true })
  await must(stele, 'init', '--demo', '--adopt-keys', '--registry', twin(), '--origin', 'neighbour.example/ledger', '--fresh', '20s')
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

const publicFile = (registry, name) => readFile(join(registry, 'public', name))

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
    try {
      for await (const part of incoming) parts.push(part)
    } catch {
      return // the publisher was killed meanwhile
    }
    const { method, url, headers } = incoming
    const asked = { method, path: url, kind: kindOf(method, url), body: Buffer.concat(parts) }
    one.log.push(asked)
    let answer = await one.before(asked)
    if (answer === undefined) {
      const { host, connection, 'accept-encoding': coding, 'content-length': length, 'transfer-encoding': encoding, ...rest } = headers
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
  const one = { files, checkpoint: files.get('ledger/checkpoint') }
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
  const names = [...one.files.keys()].filter((name) => matters(name) && !superseded.has(name))
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

/** Holds the same of our edge, whatever our registry still has of publications that never came there. */
async function stands(one) {
  await serves(edge.url, one, (name) => !/^(index|ledger\/tile|assets)\//.test(name))
  await must(stele, 'audit', '--portal', edge.url, '--policy', join(ours(), 'trust'))
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
  const { code, stderr } = await publish(registry, between.url, '--token', join(ours(), 'gate-token'))
  assert.equal(code, 1)
  assert.match(stderr, /held back/)
  return offer
}

/** For heldOffer: what an edge of a registry to which nothing was published would say. */
const saysEmpty = (origin) => ({ kind }) => {
  const limits = { pack: 26 << 20, object: 25 << 20, chunk: 200, objects: 800 }
  const body = JSON.stringify({ origin, publication: 0, time: 0, size: 0, root: '', set: '', checkpoint: '', epoch: 1, limits })
  return kind === 'state' ? { status: 200, body } : undefined
}

test('a ledger that is not among the static files is published for the first time', async () => {
  assert.deepEqual([(await ask(edge.url)).status, (await ask(`${edge.url}ledger/head`)).status], [404, 404])
  assert.deepEqual([(await state()).set, (await state()).size], ['', 0])
  const pushed = await mustPublish(ours(), edge.url)
  const one = seen.get(ours())
  for (const name of one.files.keys()) {
    if (/^(index|ledger\/tile)\//.test(name) && (await ask(edge.url, { path: `/${name}` })).status === 404) superseded.add(name)
  }
  await cp(join(ours(), 'public'), at('copy'), { recursive: true })
  for (const name of superseded) await rm(at('copy', name)) // then nothing needs them
  await must(stele, 'audit', '--portal', at('copy'), '--policy', join(ours(), 'trust'))
  assert.equal(pushed.objects, one.files.size - superseded.size)
  await serves(edge.url, one)
  await must(stele, 'audit', '--portal', edge.url, '--policy', join(ours(), 'trust'))
  assert.equal(JSON.parse(await must(stele, 'verify', at('documents/1.txt'), '--portal', edge.url, '--policy', join(ours(), 'trust'), '--json')).verdict, 'authentic')
})

test('a neighbour publishes, with this edge for its witness', async () => {
  await register(neighbour())
  await must(stele, 'publish', '--registry', neighbour())
  await note(neighbour())
  assert.equal(front.log.filter(({ kind, answer }) => kind === 'witness' && answer.status === 200).length, 1)
})

// Ten publications under readers

const READERS = 4
const THINKS = 100 // milliseconds between two rounds of a reader's
const PUBLICATIONS = 10

/**
 * A reader, who goes on until `reader.ended`. What was read is judged in the end, when all that was published is known. A verifier takes a head for new for half a minute:
 * it is one that looks on over the next publication, until the reader wants to know of a document that it cannot know of.
 */
async function read(reader, openVerifier) {
  let verifier
  let known
  const kept = new Set() // files that never change, and that a browser asks for once
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
    await Promise.all(tags.filter(([tag]) => !kept.has(tag)).map(async ([tag, name, hash, want]) => {
      assert.equal(createHash(hash).update(await get(name)).digest('base64'), want, name)
      kept.add(tag)
    }))
    if (document !== known) {
      verifier?.close()
      verifier = await openVerifier()
      known = document
    }
    const { verdict, report } = await verifier.check(new Blob([await readFile(document)]))
    assert.deepEqual([verdict, report.reason, report.detail], ['authentic', '', report.detail])
    reader.lookups++
    reader.done = reader.begun
    await setTimeout(THINKS)
  }
  verifier?.close()
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
  const trust = await readFile(join(ours(), 'trust'))
  const openVerifier = () => createVerifier({ trust, portal: edge.url, remember: false })
  const readers = Array.from({ length: READERS }, () => ({ reads: [], begun: 0, done: 0, lookups: 0, document: at('documents/1.txt'), ended: false }))
  const all = Promise.all(readers.map((reader) => read(reader, openVerifier)))
  all.catch(() => undefined) // awaited below
  const publications = [seen.get(ours())]
  try {
    for (let i = 0; i < PUBLICATIONS; i++) {
      const document = await register(ours())
      await mustPublish(ours(), edge.url)
      publications.push(seen.get(ours()))
      for (const reader of readers.filter((_, j) => j % 2 === i % 2)) reader.document = document
      const begun = readers.map((reader) => reader.begun)
      const whole = until(() => readers.every(({ done }, j) => done > begun[j]))
      await Promise.race([whole, all]) // each has read once from the first to the last
    }
  } finally {
    for (const reader of readers) reader.ended = true
    await all
  }
  for (const { reads } of readers) ordered(reads, publications)
  const heads = publications.map(({ files }) => readers.flatMap(({ reads }) => reads).filter(([name, hash]) => name === 'ledger/head' && hash === files.get(name)).length)
  console.log(`heads read of each publication: ${heads.join(' ')}; ${readers.reduce((n, { reads }) => n + reads.length, 0)} files; ${readers.map(({ lookups }) => lookups).join('+')} lookups`)
  assert.ok(heads.every((n) => n > 0), String(heads))
  assert.equal(new Set(publications.map(({ checkpoint }) => checkpoint)).size, PUBLICATIONS + 1)
})

// A publisher who is killed

/** Where a publisher is killed: at which request, and whether that has come to the edge. `pack` is an upload after the plan, `last` a file read back at the end. */
const KILLS = [
  ['state', 'before'], ['offers', 'behind'], ['plan', 'behind'], ['objects', 'half'], ['list', 'behind'], ['promote', 'behind'], ['pack', 'half'], ['pack', 'behind'],
  ['read', 'behind'], ['finish', 'before'], ['finish', 'behind'], ['last', 'before'],
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
  const is = (asked) => {
    if (kind === 'pack') return asked.kind === 'objects' && between.log.some((earlier) => earlier.kind === 'promote')
    return kind === 'last' ? asked.kind === 'read' && finished : asked.kind === kind
  }
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
  assert.ok([...seen.get(ours()).files.values()].some((hash) => there.has(hash) && !again.includes(hash)), 'nothing of what was uploaded before was of use')
  assert.equal(pushed.already, false)
  assert.ok(sent > 20, `${sent} objects were uploaded before`)
  await serves(edge.url, seen.get(ours()))
  await must(stele, 'audit', '--portal', edge.url, '--policy', join(ours(), 'trust'))
})

// Two publishers

test('two publishers at once: one is overtaken, is told, and begins anew', async () => {
  await register(ours())
  const slow = await relayToEdge()
  let go
  const gone = new Promise((resolve) => (go = resolve))
  let waits
  const waiting = new Promise((resolve) => (waits = resolve))
  slow.before = async (asked) => {
    if (asked.kind === 'finish' && waits) {
      waits = waits()
      await gone
    }
  }
  const first = publish(ours(), slow.url)
  await Promise.race([waiting, first])
  await mustPublish(ours(), edge.url)
  go()
  const { code, pushed, stderr } = await first
  assert.equal(code, 0, stderr)
  assert.equal(pushed.already, true)
  const refused = slow.log.filter(({ kind }) => kind === 'finish').map(({ answer }) => JSON.parse(answer.body).error?.code)
  assert.deepEqual(refused, ['overtaken'])
  await stands(seen.get(ours()))
})

test('two registries of the same keys that have forked: one wins, the other is told why', async () => {
  const fork = at('fork')
  await cp(ours(), fork, { recursive: true })
  await register(ours())
  await register(fork)
  const between = await relayToEdge()
  let won
  between.before = async ({ kind }) => {
    if (kind === 'finish' && !won) won = await mustPublish(ours(), edge.url)
  }
  const { code, stderr } = await publish(fork, between.url)
  assert.equal(code, 1)
  assert.match(stderr, /the edge refuses \(fork\): root [0-9a-f]{64} at size \d+, and [0-9a-f]{64} is in force/)
  assert.match(stderr, /hint: keep both checkpoints/)
  assert.deepEqual(between.log.filter(({ kind }) => kind === 'offers' || kind === 'finish').map(({ answer }) => JSON.parse(answer.body).error?.code), [undefined, 'overtaken', 'fork'])
  assert.equal(await inForce(edge.url), seen.get(ours()))
  await stands(seen.get(ours()))
})

// What is refused

/** Changes one digit or letter of a text, from a place on. */
function flipped(text, from) {
  const i = text.slice(from).search(/[0-8a-y]/) + from
  return text.slice(0, i) + String.fromCharCode(text.charCodeAt(i) + 1) + text.slice(i + 1)
}

test('forged, old, foreign and unsigned offers are refused with the reason, and change nothing', async () => {
  const old = await relayToEdge()
  await register(ours())
  await mustPublish(ours(), old.url)
  const accepted = old.log.find(({ kind }) => kind === 'offers').body
  await register(ours())
  await mustPublish(ours(), edge.url)
  const foreign = await heldOffer(neighbour(), saysEmpty('neighbour.example/ledger'))
  const fork = await heldOffer(at('fork'), saysEmpty('registry.example/ledger'))
  await register(ours())
  const offer = await heldOffer(ours())
  const was = await state()
  const whole = await inForce(edge.url)

  const signatures = offer.set.lastIndexOf('\n\n') + 2
  const nameEnd = offer.set.lastIndexOf(' ') + 8
  const tries = {
    'sent again': [accepted, 'replay', 409],
    'of a registry that has forked': [fork, 'rollback', 409],
    'of another registry': [foreign, 'other-registry', 403],
    'without a signature': [{ ...offer, set: offer.set.slice(0, signatures) }, 'malformed', 400],
    'with a signature that is not the log’s': [{ ...offer, set: flipped(offer.set, nameEnd) }, 'unsigned', 403],
    'with another file in the set': [{ ...offer, set: offer.set.replace(/(?<=\nfile .{4})./, (digit) => (digit === '0' ? '1' : '0')) }, 'unsigned', 403],
    'with another checkpoint': [{ ...offer, checkpoint: flipped(offer.checkpoint, offer.checkpoint.indexOf('\n', 24) + 1) }, 'malformed', 400],
    'with another head': [{ ...offer, head: flipped(offer.head, 60) }, 'malformed', 400],
    'over another size': [{ ...offer, old: offer.old - 1 }, 'overtaken', 409],
    'that proves no growth': [{ ...offer, consistency: offer.consistency.map((hash) => flipped(hash, 3)) }, 'fork', 409],
    'that is nothing': ['nothing', 'malformed', 400],
  }
  for (const [what, [body, code, status]] of Object.entries(tries)) {
    const { error, ...answer } = await post('offers', body)
    assert.deepEqual([answer.status, error?.code], [status, code], `${what}: ${error?.message}`)
  }
  for (const token of ['', '0'.repeat(64), edge.token.toUpperCase(), edge.token.slice(1)]) {
    const { error, ...answer } = await post('offers', offer, { token })
    assert.deepEqual([answer.status, error?.code], [401, 'unauthorised'])
  }
  // The token alone: nothing can be uploaded, nor be called by its name.
  for (const id of ['0'.repeat(64), was.set, 'current', sha256(offer.set)]) {
    for (const step of ['objects', 'plan', 'chunks/0', 'finish']) {
      const { error, ...answer } = await post(`offers/${id}/${step}`, step === 'objects' ? packed(Buffer.from('garbage')) : { have: {}, sha256: [] })
      assert.deepEqual([answer.status, error?.code], [404, 'unknown-offer'], `${id} ${step}`)
    }
  }
  assert.deepEqual(await state(), was)
  assert.equal(await inForce(edge.url), whole)
  const { status, offer: id } = await post('offers', offer) // as it is, it is taken
  assert.deepEqual([status, id], [201, sha256(offer.set)])
  assert.deepEqual(await state(), was)
  await mustPublish(ours(), edge.url)
  const late = await post('offers', offer)
  assert.deepEqual([late.status, late.error.code], [409, 'replay'])
})

// What is uploaded

test('corrupted uploads are noticed, uploaded again or refused, and never in force', async () => {
  await register(ours())
  const once = await relayToEdge()
  const spoilt = []
  once.before = ({ kind, body }) => {
    if (kind !== 'objects' || spoilt.length > 1) return
    spoilt.push(sha256(unpack(body).at(-1)))
    body[body.length - 1] ^= 1
  }
  let misread = 0
  once.behind = ({ kind, path }, answer) => {
    if (kind === 'read' && path.startsWith('/ledger/tile/') && misread++ === 0) return { ...answer, body: Buffer.from(answer.body).fill(0, 0, 1) }
    return undefined
  }
  await mustPublish(ours(), once.url)
  const { acknowledged } = uploads(once.log)
  assert.equal(spoilt.length, 2)
  for (const hash of spoilt) assert.ok(acknowledged.includes(hash), 'what was spoilt was not uploaded again')
  assert.ok(misread > 1)
  await stands(seen.get(ours()))

  const was = await inForce(edge.url)
  await register(ours())
  const always = await relayToEdge()
  always.before = ({ kind, body }) => {
    if (kind === 'objects') body[body.length - 1] ^= 1
  }
  const { code, stderr } = await publish(ours(), always.url)
  assert.equal(code, 1)
  assert.match(stderr, /the gate does not keep \S+, which was uploaded \d times/)
  assert.equal(await inForce(edge.url), was)
  await stands(was)
})

test('garbage does not come under the name of a future file', async () => {
  const was = await inForce(edge.url)
  await register(ours())
  await killAt('list', 'before')
  const between = await relayToEdge()
  between.before = ({ kind }) => (kind === 'plan' ? { status: 422, body: '{"error":{"code":"wrong","message":"held back"}}' } : undefined)
  assert.equal((await publish(ours(), between.url)).code, 1)
  const id = JSON.parse(between.log.find(({ kind }) => kind === 'offers').answer.body).offer
  const { missing } = await post(`offers/${id}/plan`, { have: {} })
  assert.ok(missing.length > 0)
  const garbage = Buffer.from('garbage')
  const large = Buffer.alloc(1 << 20, 'large') // more than a tile can have: not read
  for (const b of [garbage, large]) assert.equal((await post(`offers/${id}/objects`, packed(b))).stored, 1)
  const have = {}
  for (const path of missing) {
    const b = await publicFile(ours(), path)
    await post(`offers/${id}/objects`, packed(b))
    have[path] = sha256(b)
  }
  const tiles = missing.filter((path) => path.startsWith('ledger/tile/'))
  assert.ok(tiles.length > 0, String(missing))
  for (const path of tiles) {
    for (const b of [garbage, large]) {
      const { status, error } = await post(`offers/${id}/plan`, { have: { ...have, [path]: sha256(b) } })
      assert.deepEqual([status, error?.code], [422, 'wrong'], path)
      if (b === large) assert.match(error.message, /1048576 bytes, want at most 8192/)
    }
  }
  // What the plan needs, and then garbage in place of all that is verified by itself.
  const plan = await post(`offers/${id}/plan`, { have })
  assert.ok(plan.chunks > 0, JSON.stringify(plan))
  const { paths } = JSON.parse((await ask(edge.url, { path: `/publish/offers/${id}/chunks/0`, headers: { Authorization: `Bearer ${edge.token}` } })).body)
  const { status, error } = await post(`offers/${id}/chunks/0`, { sha256: paths.map(() => sha256(garbage)) })
  assert.deepEqual([status, error.code], [422, 'wrong'])
  const finish = await post(`offers/${id}/finish`, {})
  assert.deepEqual([finish.status, finish.error.code], [409, 'missing'])
  for (const path of paths) assert.notEqual(sha256((await ask(edge.url, { path: `/${addressOf(path)}` })).body), sha256(garbage), path)
  assert.equal(await inForce(edge.url), was)
  await stands(was)
  await mustPublish(ours(), edge.url)
  await stands(seen.get(ours()))
})

/** A request whose body is sent bit by bit: write(bytes), end(), and the answer, null where the connection broke off. */
function drip(path, headers, url = edge.url) {
  let answered
  const answer = new Promise((resolve) => (answered = resolve))
  const sent = open(url, { method: 'POST', path, agent: false, headers: { Authorization: `Bearer ${edge.token}`, ...headers } }, (incoming) => {
    const parts = []
    incoming.on('data', (part) => parts.push(part)).on('error', () => answered(null)).on('end', () => answered({ status: incoming.statusCode, ...JSON.parse(Buffer.concat(parts)) }))
  })
  sent.on('error', () => answered(null))
  const write = (bytes) => new Promise((resolve) => sent.write(bytes, resolve))
  return { answer, write, end: () => sent.end(), destroy: () => sent.destroy() }
}

test('oversized and slow requests are refused or waited for, and keep nobody waiting', async () => {
  await register(ours())
  const offer = await heldOffer(ours())
  const { offer: id } = await post('offers', offer)
  const was = await state()
  const { limits } = was
  const over = await post(`offers/${id}/objects`, Buffer.alloc(limits.pack + 1))
  assert.deepEqual([over.status, over.error.code], [413, 'too-large'])
  const long = Buffer.alloc(4)
  long.writeUInt32BE(limits.object + 1)
  const object = await post(`offers/${id}/objects`, Buffer.concat([long, Buffer.alloc(100)]))
  assert.deepEqual([object.status, object.error.code], [413, 'too-large'])
  const many = await post(`offers/${id}/objects`, Buffer.alloc(4 * (limits.objects + 1)))
  assert.deepEqual([many.status, many.error.code], [413, 'too-large'])
  const cut = await post(`offers/${id}/objects`, Buffer.from([0, 0, 0, 9, 1]))
  assert.deepEqual([cut.status, cut.error.code], [400, 'malformed'])

  // Without its length said beforehand, and beyond all limits.
  for (const path of [`/publish/offers/${id}/objects`, '/publish/offers']) {
    const chunked = drip(path, { 'Transfer-Encoding': 'chunked' })
    const head = Buffer.alloc(4)
    head.writeUInt32BE(limits.object)
    await chunked.write(head)
    await chunked.write(Buffer.alloc(limits.pack))
    chunked.end()
    const answer = await chunked.answer
    if (answer) assert.deepEqual([answer.status, answer.error.code], [413, 'too-large'], path)
  }

  const slow = [`/publish/offers/${id}/objects`, '/publish/offers', `/publish/offers/${id}/plan`].flatMap((path) => [
    drip(path, { 'Content-Length': 1000 }), drip(path, { 'Transfer-Encoding': 'chunked' }),
  ])
  const fetched = was.checkpoint
  for (let i = 0; i < 8; i++) {
    await Promise.all(slow.map(({ write }) => write(Buffer.from([0]))))
    const [checkpoint, said] = await Promise.all([ask(`${edge.url}ledger/checkpoint`), state()])
    assert.deepEqual([sha256(checkpoint.body), said], [fetched, was])
  }
  for (const one of slow.slice(0, 3)) one.destroy()
  await mustPublish(ours(), edge.url) // beside those that are still under way
  for (const one of slow) one.destroy()
  assert.equal(await inForce(edge.url), seen.get(ours()))
  await stands(seen.get(ours()))
})

test('every attempt is told to whoever has the token, and to nobody else', async () => {
  const day = new Date().toISOString().slice(0, 10)
  const list = (headers = {}, after = '') => ask(`${edge.url}publish/attempts?day=${day}&after=${after}`, { headers })
  assert.equal((await list()).status, 401)
  assert.equal((await list({ Authorization: `Bearer ${'0'.repeat(64)}` })).status, 401)
  const all = []
  for (let after = ''; ; ) {
    const { attempts, next } = JSON.parse((await list({ Authorization: `Bearer ${edge.token}` }, after)).body)
    all.push(...attempts)
    if (!(after = next)) break
  }
  const codes = new Set(all.map(({ code }) => code))
  for (const code of ['taken', 'published', 'fork', 'replay', 'rollback', 'overtaken', 'other-registry', 'unsigned', 'malformed', 'wrong']) assert.ok(codes.has(code), `${code} is not in ${[...codes]}`)
  assert.ok(!codes.has('unauthorised'))
  assert.deepEqual(all.map(({ time }) => time), all.map(({ time }) => time).sort())
  for (const { remote, step } of all) assert.ok(remote && step)
})

// The neighbour: this edge is its witness, and an edge of its own looks at it from outside

const originHash = sha256('neighbour.example/ledger')
const cosigned = async () => String((await ask(`${edge.url}witness/${originHash}/checkpoint`)).body)
const rootIn = (checkpoint) => checkpoint.split('\n')[2]

/** What a witness is asked for with a checkpoint; for one of the same size no proof is needed. */
const addCheckpoint = (old, checkpoint) => ask(`${edge.url}witness/add-checkpoint`, { method: 'POST', body: Buffer.concat([Buffer.from(`old ${old}\n\n`), checkpoint]) })

const sizeOf = (registry) => publicFile(registry, 'ledger/checkpoint').then((b) => Number(String(b).split('\n')[1]), () => 0)

/** Publishes the twin until its ledger is as large as the neighbour's. */
async function raiseTwin() {
  while ((await sizeOf(twin())) < (await sizeOf(neighbour()))) {
    await register(twin())
    await must(stele, 'publish', '--registry', twin())
    await note(twin())
  }
  assert.equal(await sizeOf(twin()), await sizeOf(neighbour()))
  return sizeOf(twin())
}

test('the edge cosigns for its neighbour, also twice at once, and remembers after it was killed', async () => {
  const before = await cosigned()
  const pairs = []
  front.before = ({ kind, body }) => {
    if (kind === 'witness') pairs.push({ body, second: ask(`${edge.url}witness/add-checkpoint`, { method: 'POST', body }) })
  }
  front.behind = async ({ kind }, { status }) => {
    if (kind === 'witness') pairs.at(-1).statuses = [status, (await pairs.at(-1).second).status]
  }
  await register(neighbour())
  await must(stele, 'publish', '--registry', neighbour())
  await note(neighbour())
  front.before = front.behind = () => undefined
  const last = await cosigned()
  assert.notEqual(rootIn(last), rootIn(before))
  const signed = pairs.filter(({ statuses }) => statuses.includes(200))
  assert.ok(signed.length > 0 && signed.every(({ body }) => body.includes(rootIn(last))))
  for (const { statuses } of pairs) assert.ok(statuses.every((status) => status === 200 || status === 409), String(statuses))

  await edge.kill()
  await deploy()
  front.target = edge.url
  assert.equal(await cosigned(), last)
  await register(neighbour())
  await must(stele, 'publish', '--registry', neighbour())
  await note(neighbour())
  assert.equal(JSON.parse((await ask(`${edge.url}witness/health`)).body).ok, true)
  // What was published to this edge is there as it was.
  await stands(await inForce(edge.url))
  assert.equal(await inForce(edge.url), seen.get(ours()))
})

test('a fork of the neighbour’s log is refused, and the proof of it is kept', async () => {
  const size = await raiseTwin()
  const last = await cosigned()
  const forked = await publicFile(twin(), 'ledger/checkpoint')
  const refused = await addCheckpoint(size, forked)
  assert.equal(refused.status, 422, String(refused.body))
  assert.equal(await cosigned(), last)
  const blobs = at('edge/.wrangler/state')
  const kept = []
  for (const name of await filesBelow(blobs)) {
    const b = await readFile(join(blobs, name))
    if (b.includes(rootIn(String(forked))) && b.includes(rootIn(last)) && !b.includes('SQLite format')) kept.push(b)
  }
  assert.equal(kept.length, 1)
  await writeFile(at('kept.stele-evidence'), kept[0])
  const proved = JSON.parse(await must(stele, 'verify-evidence', at('kept.stele-evidence'), '--policy', join(neighbour(), 'trust'), '--json'))
  assert.deepEqual([proved.proved, proved.kind, proved.size], [true, 'fork', size])
})

/** What the outside view shows: a registry's published files, or what is nobody's. */
let shown
const told = [] // what the webhook was told

async function deployNeighbour() {
  const view = await serve(async (request, response) => {
    const b = shown && (await publicFile(shown, request.url.slice(1)).catch(() => null))
    response.writeHead(shown ? (b ? 200 : 404) : 200).end(b ?? 'nothing that anybody has signed\n')
  })
  const webhook = await serve(async (request, response) => {
    const parts = []
    for await (const part of request) parts.push(part)
    told.push(JSON.parse(Buffer.concat(parts)))
    response.end()
  })
  neighbourEdge = await startEdge(stele, neighbour(), at('neighbour-edge'), '--every', '1m', '--views', view, '--webhook', webhook)
  return view
}

const health = async () => {
  const { status, body } = await ask(`${neighbourEdge.url}health.json`)
  return { code: status, ...JSON.parse(body) }
}

/** Lets the edge look, and returns what its webhook was told then of one thing. That evidence goes stale meanwhile is a test of its own. */
async function look(about) {
  const from = told.length
  assert.equal(await neighbourEdge.tick(), 'ok')
  return told.slice(from).filter(({ code }) => code === about).map(({ state }) => state)
}

const alarms = async () => (await health()).alarms.filter(({ code }) => code !== 'stale').map(({ code }) => code)

test('the scheduled check tells once that an outside view shows nothing of the registry’s, and once that it does again', async () => {
  shown = neighbour()
  const view = await deployNeighbour()
  await mustPublish(neighbour(), neighbourEdge.url)
  await look()
  const well = await health()
  assert.deepEqual([well.late, well.every, well.checked !== null], [false, 60, true])
  assert.deepEqual(well.views.map(({ url, result }) => [url, result]), [[view, 'same']])
  assert.equal(Date.parse(well.next_due), Date.parse(well.as_of) + 60_000)
  assert.ok(Date.parse(well.late_after) > Date.parse(well.next_due))
  assert.deepEqual([told.filter(({ code }) => code !== 'stale'), await alarms()], [[], []])
  shown = null // told at the third time
  assert.deepEqual([await look('view-broken'), await look('view-broken'), await look('view-broken'), await look('view-broken')], [[], [], ['begins'], []])
  assert.deepEqual(await alarms(), ['view-broken'])
  shown = neighbour()
  assert.deepEqual([await look('view-broken'), await look('view-broken'), await alarms()], [['ends'], [], []])
})

test('an outside view that shows a fork is told once, with the proof, which stands', async () => {
  await raiseTwin()
  shown = twin()
  assert.deepEqual([await look('fork'), await look('fork')], [['begins'], []])
  assert.deepEqual([await alarms(), (await health()).code], [['fork'], 503])
  const { views, alarms: all } = await health()
  assert.deepEqual(views.map(({ result }) => result), ['differs'])
  const { evidence } = all.find(({ code }) => code === 'fork')
  const { status, body } = await ask(new URL(evidence, neighbourEdge.url))
  assert.equal(status, 200, evidence)
  await writeFile(at('shown.stele-evidence'), body)
  assert.equal(JSON.parse(await must(stele, 'verify-evidence', at('shown.stele-evidence'), '--policy', join(neighbour(), 'trust'), '--json')).proved, true)
  shown = neighbour()
  assert.deepEqual([await look('fork'), await alarms()], [[], ['fork']], 'that two histories were signed does not end')
})

test('what too few have signed is refused', async () => {
  const between = Object.assign(await relay(), { target: neighbourEdge.url })
  const was = (await ask(`${neighbourEdge.url}publish/state`)).body
  // The twin's trust file demands no witnesses. Here it publishes the neighbour's, which does, beside its own checkpoint: signed by the log, and by no witness.
  between.before = async ({ kind }) => {
    if (kind === 'state') for (const name of ['policy', 'trust/1']) await cp(join(neighbour(), 'public', name), join(twin(), 'public', name))
  }
  const { code, stderr } = await publish(twin(), between.url, '--token', join(neighbour(), 'gate-token'))
  assert.equal(code, 1)
  assert.match(stderr, /the edge refuses \(quorum\): .*witness/)
  assert.deepEqual((await ask(`${neighbourEdge.url}publish/state`)).body, was)
})

test('that nothing newer is published is told once, and once that there is', async () => {
  await until(async () => (await health()).stale, async () => JSON.stringify(await health()))
  await look()
  await look()
  const states = () => told.filter(({ code }) => code === 'stale').map(({ state }) => state)
  assert.deepEqual(states(), ['begins'])
  const { code, alarms: all } = await health()
  assert.equal(code, 503)
  assert.ok(all.some((alarm) => alarm.code === 'stale'))
  await mustPublish(neighbour(), neighbourEdge.url)
  await look()
  assert.deepEqual(states(), ['begins', 'ends'])
  assert.ok(!(await health()).stale)
})
