// One worker of the pool: it reads files, has the verifier decide, and asks the
// page for the published files that the verifier needs. It touches no network.

import './wasm_exec.js'
import { hashFile } from './hash.mjs'
import { opened } from './member.mjs'
import { sha3File } from './sha3.mjs'

const roundLimit = 64 // far more than a lookup ever takes

let exports = null
let trust = null
let unpinned = true // the page has its trust file from the portal that it checks
let started = null // the verifier's start; a check may come before its end
const jobs = new Map() // id → {abort, answer, anew}

const handlers = { start, prepare, check, examine, files, stop, ping }

self.addEventListener('message', ({ data }) => handlers[data.type](data))

function start(message) {
  trust = message.trust
  unpinned = message.unpinned ?? unpinned
  started = load(message.module)
  started.then(
    () => self.postMessage({ type: 'ready' }),
    (error) => self.postMessage({ type: 'broken', detail: String(error) }),
  )
}

async function load(module) {
  const go = new globalThis.Go()
  const instance = await WebAssembly.instantiate(module, go.importObject)
  await running(go, instance)
  exports = instance.exports
}

/**
 * Decides as far as the head alone leads, about no document. A browser compiles a program's functions when they are
 * first called, and so it does that before a file has come instead of after.
 */
async function prepare({ head }) {
  await started
  globalThis.stele.check({ trust, now: Math.floor(Date.now() / 1000), sha256: new Uint8Array(32), online: true, files: { 'ledger/head': head } })
}

/** Waits until the verifier has made itself known. */
function running(go, instance) {
  return new Promise((resolve, reject) => {
    globalThis.steleReady = resolve
    go.run(instance).then(() => reject(new Error('the verifier ended')), reject)
    if (globalThis.stele) resolve()
  })
}

function check({ id, file: given, digests, receipt, remembered, newer, anew, online }) {
  return work(id, anew, async (job) => {
    const file = opened(given)
    const sha256 = digests ? bytesOf(digests.sha256) : await hash(hashFile, id, job, file)
    self.postMessage({ type: 'hashed', id })
    const sha3 = digests?.sha3 ? bytesOf(digests.sha3) : null
    const result = await decide(id, job, file, { sha256, sha3, named: Boolean(digests), receipt, remembered, newer, online })
    const examined = result.conflict && (await examination(id, job, result.conflict, result.newTrust ?? newer))
    return { ...result, examined }
  })
}

/** Says what bytes prove that are meant as evidence. Nothing is read but earlier trust files, where it is older than the page's. */
function examine({ id, evidence, newer, anew }) {
  return work(id, anew, async (job) => {
    self.postMessage({ type: 'hashed', id })
    return { examined: await examination(id, job, evidence, newer) }
  })
}

/** Does what a job is about, and tells the page what has come of it. */
async function work(id, anew, about) {
  const job = { abort: new AbortController(), answer: null, anew }
  jobs.set(id, job)
  try {
    await started
    job.abort.signal.throwIfAborted()
    self.postMessage({ type: 'decided', id, ...(await about(job)) })
  } catch (error) {
    self.postMessage({ type: 'failed', id, why: why(error, job), detail: String(error) })
  } finally {
    jobs.delete(id)
  }
}

/** Runs hashFile or sha3File, and tells the page how far it is. */
function hash(digest, id, job, file) {
  let told = 0
  const onProgress = (done) => {
    const now = performance.now()
    if (now - told < 50) return // more often than the eye sees costs the page time
    told = now
    self.postMessage({ type: 'progress', id, done })
  }
  return digest(file, { wasm: exports, signal: job.abort.signal, onProgress })
}

/** What hex stands for. */
function bytesOf(hex) {
  return Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16))
}

async function decide(id, job, file, given) {
  const request = {
    trust: given.newer ?? trust, // what this device has followed the page's to
    now: 0,
    sha256: given.sha256,
    sha3: given.sha3,
    named: given.named,
    receipt: given.receipt,
    online: given.online,
    unpinned,
    remembered: given.remembered,
    files: Object.create(null),
    errors: Object.create(null),
  }
  let result = await verdict(id, job, file, request)
  if (!job.anew && damaged(result)) {
    // A bad file may sit in a cache, put there by a proxy's login page, say: it is read past them, once.
    job.anew = true
    Object.assign(request, { files: Object.create(null), errors: Object.create(null) })
    result = await verdict(id, job, file, request)
  }
  return pick(result)
}

function damaged({ report }) {
  const { verdict, reason } = JSON.parse(report)
  return verdict === 'unavailable' && reason === 'bad-data'
}

/** Asks the verifier until it has reached a verdict. */
function verdict(id, job, file, request) {
  return settle(id, job, request, async () => {
    const result = globalThis.stele.check(request)
    if (result.needSHA3) request.sha3 = await hash(sha3File, id, job, file)
    return result
  })
}

/** Asks the verifier what a file of evidence proves, and for both of its checkpoints. */
function examination(id, job, evidence, newer) {
  const request = { trust: newer ?? trust, evidence, files: Object.create(null), errors: Object.create(null) }
  return settle(id, job, request, () => globalThis.stele.evidence(request))
}

/** Asks, and reads what is asked for, until there is a result. */
async function settle(id, job, request, ask) {
  for (let round = 0; round < roundLimit; round++) {
    request.now = Math.floor(Date.now() / 1000)
    const result = await ask()
    if (!result.need && !result.needSHA3) return result
    if (result.need) await supply(id, job, request, result.need)
    job.abort.signal.throwIfAborted()
  }
  throw new Error('the verifier does not come to an end')
}

function pick({ report, receipt, remember, rememberSize, newTrust, conflict }) {
  return { report, receipt: receipt ?? null, remember: remember ?? null, rememberSize, newTrust: newTrust ?? null, conflict: conflict ?? null }
}

/** Adds the files that the verifier asked for to the request. */
async function supply(id, job, request, need) {
  const paths = need.filter((path) => !(path in request.files))
  if (paths.length === 0) throw new Error('the verifier asks for what it was given')
  const answers = await new Promise((resolve, reject) => {
    job.answer = resolve
    job.abort.signal.addEventListener('abort', () => reject(job.abort.signal.reason), { once: true })
    self.postMessage({ type: 'need', id, paths, anew: job.anew })
  })
  for (const { path, bytes, error } of answers) {
    request.files[path] = bytes
    if (bytes === null) request.errors[path] = error
  }
}

function files({ id, answers }) {
  jobs.get(id)?.answer(answers)
}

function stop({ id }) {
  jobs.get(id)?.abort.abort()
}

/** Says that this worker is there: pulse.mjs asks. */
function ping() {
  self.postMessage({ type: 'pong' })
}

/** Tells apart what the page has different words for. */
function why(error, job) {
  if (job.abort.signal.aborted) return 'stopped'
  if (error.cause?.code === 'member') return 'member' // member.mjs's
  // hashFile's codes; or what reading throws when a file has gone meanwhile.
  if (error.code === 'unreadable' || error.code === 'changed' || error instanceof DOMException)
    return 'unreadable'
  return 'crashed'
}
