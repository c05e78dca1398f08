// The verifier for other programs: the portal's pool, workers and WASM behind a few functions that take files and resolve to verdicts.
//
//   check(file) → Pool → worker: hashes, asks the WASM → pool: reads published names from the portal → worker: decides → {verdict, report}
//
// What the host does in its own way (browser.mjs, threads.mjs): startWorker, compileOwn, readFile, toFile, memory, keeping, threads, base.

import { VerifierError } from './errors.mjs'
import { Kept } from './kept.mjs'
import { Pool } from './portal/pool.mjs'
import { Portal } from './portal/portal.mjs'

const receiptLimit = 4 << 20 // bytes (FORMAT.md, section 16)
const evidenceLimit = (8 << 20) + 1024 // bytes (FORMAT.md, section 20)
const hex = /^[0-9a-f]+$/

/** No registry is asked: what a receipt proves is all there is. */
const nowhere = { online: false, get: async () => ({ bytes: null, error: 'no portal was given' }), keep: async () => {} }

/** Opens a verifier; resolves once a worker runs. */
export async function open(options, host) {
  const settings = understood(options, host)
  const trust = await readTrust(settings, host)
  const start = { module: await module(settings.wasm, host), trust: trust.bytes, unpinned: trust.unpinned }
  const verifier = new Verifier(start, settings, host, await memoryFor(trust, settings.remember, host))
  await verifier.started()
  return verifier
}

/** Says at once what is wrong with the options, before anything is fetched. */
function understood({ trust, trustSHA256 = null, portal = null, wasm = null, worker = null, workers = 0, remember } = {}, host) {
  if (!isAddress(trust) && !isBytes(trust)) throw new TypeError('createVerifier: trust has to be the trust file’s bytes or its address')
  if (trustSHA256 !== null && !isHex(trustSHA256, 64)) throw new TypeError('createVerifier: trustSHA256 has to be 64 hex digits')
  if (!Number.isInteger(workers) || workers < 0) throw new TypeError(`createVerifier: workers has to be a number of workers, got ${workers}`)
  const address = (value) => (isAddress(value) ? new URL(value, host.base()) : value)
  return { trust: address(trust), trustSHA256: trustSHA256?.toLowerCase() ?? null, portal: portal === null ? null : folder(address(portal)), wasm: address(wasm), worker, workers, remember }
}

const isAddress = (value) => typeof value === 'string' || value instanceof URL
const isBytes = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value)
const isHex = (value, length) => typeof value === 'string' && value.length === length && hex.test(value.toLowerCase())

/** The portal's root, with the slash that makes it a folder. */
function folder(address) {
  if (!(address instanceof URL) || !/^https?:$/.test(address.protocol)) throw new TypeError(`createVerifier: portal has to be an http or https address, got ${address}`)
  const root = new URL(address)
  root.search = root.hash = ''
  if (!root.pathname.endsWith('/')) root.pathname += '/'
  return root
}

/** A copy that is its own, so that nobody changes it under the worker's hands. */
function bytesOf(value) {
  return value instanceof ArrayBuffer ? new Uint8Array(value.slice(0)) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice()
}

/** The trust file, and whether it came from the very portal that is to be checked with it, unpinned by its fingerprint. */
async function readTrust({ trust, trustSHA256, portal }, host) {
  let bytes
  try {
    bytes = trust instanceof URL ? await host.readFile(trust) : bytesOf(trust)
  } catch (cause) {
    throw new VerifierError('trust', `read the trust file ${trust}: ${cause.message}`, cause)
  }
  const print = await sha256(bytes)
  if (trustSHA256 !== null && print !== trustSHA256)
    throw new VerifierError('trust', `the trust file’s SHA-256: got ${print}, want ${trustSHA256}; get the registry’s trust file anew, and its fingerprint by another way`)
  return { bytes, print, unpinned: trustSHA256 === null && trust instanceof URL && trust.origin === portal?.origin }
}

async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) throw new VerifierError('not-started', 'no crypto.subtle: the page has to be served over https, or from localhost')
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function module(given, host) {
  try {
    if (isBytes(given)) return await WebAssembly.compile(given)
    return await host.compileOwn(given)
  } catch (cause) {
    throw new VerifierError('not-started', `load the verifier: ${cause.message}; a content security policy has to allow 'wasm-unsafe-eval'`, cause)
  }
}

async function memoryFor({ bytes, print }, remember, host) {
  const memory = remember === undefined ? host.memory(print, previous(bytes)) : new Kept(remember || null)
  await memory.loading
  return memory
}

/** The fingerprint of the trust file before this one, under which a device may remember (FORMAT.md, section 7). */
function previous(bytes) {
  return new TextDecoder().decode(bytes).match(/^previous sha256:([0-9a-f]{64})$/m)?.[1] ?? ''
}

/** The portal's pool, with workers as the host starts them. */
class Workers extends Pool {
  constructor(start, portal, memory, open) {
    super(async () => start, portal, memory)
    this.open = open
  }

  worker() {
    return this.open()
  }

  giveUp(error) {
    this.fault = error
    super.giveUp(error)
  }
}

class Verifier {
  #pool
  #host
  #closed = false

  constructor(start, { portal, worker, workers, remember }, host, memory) {
    this.#host = host
    this.portal = portal
    const source = portal ? new Portal(portal, remember === false ? null : host.keeping(portal)) : nowhere
    this.#pool = new Workers(start, source, memory, () => {
      if (this.#closed) throw closed()
      return (worker ?? host.startWorker)()
    })
    this.#pool.width = workers || host.threads()
  }

  /** Waits for the first worker. It is not for embedders: createVerifier has waited. */
  async started() {
    const running = new Promise((resolve) => (this.#pool.health = resolve))
    this.#pool.warm()
    if (await running) return
    const { fault } = this.#pool
    throw fault instanceof VerifierError ? fault : new VerifierError('not-started', `start the verifier: ${fault?.message ?? fault}`, fault)
  }

  async check(document, { receipt = null, signal, onProgress, fresh = false } = {}) {
    signal?.throwIfAborted()
    const file = this.#host.toFile(document) ?? this.#blob(document, 'check: the document')
    const proof = receipt === null ? null : await unlessAborted(signal, receiptBytes(receipt))
    return answer(await this.#run({ file, receipt: proof, anew: fresh ? Date.now() : 0 }, signal, onProgress))
  }

  async lookUp({ sha256, sha3_512 }, { signal, fresh = false } = {}) {
    if (!isHex(sha256, 64) || (sha3_512 !== undefined && !isHex(sha3_512, 128))) throw new TypeError('lookUp: want sha256, of 64 hex digits, and sha3_512, if it is known, of 128')
    const digests = { sha256: sha256.toLowerCase(), ...(sha3_512 && { sha3: sha3_512.toLowerCase() }) }
    return answer(await this.#run({ digests, anew: fresh ? Date.now() : 0 }, signal))
  }

  async examine(file, { signal } = {}) {
    signal?.throwIfAborted()
    const bytes = await unlessAborted(signal, cut(file, evidenceLimit, 'unreadable', 'examine: the evidence'))
    const { evidence, checkpoints } = await this.#run({ evidence: bytes }, signal)
    const { proved, registry, detail, ...report } = evidence
    return { proved, registry, detail, report: proved ? { registry, ...report } : null, checkpoints }
  }

  close() {
    if (this.#closed) return
    this.#closed = true
    this.#pool.giveUp(closed())
  }

  #blob(document, what) {
    if (!isBytes(document)) throw new TypeError(`${what} has to be a File, a Blob or bytes`)
    return new Blob([document])
  }

  /** Gives the pool a job, and resolves to its outcome. */
  #run(about, signal, onProgress = () => {}) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      if (this.#closed) throw closed()
      const stop = () => {
        settled = true
        reject(signal.reason)
        this.#pool.stop(job)
      }
      const total = about.file?.size ?? 0
      const job = {
        file: null, digests: null, receipt: null, evidence: null, anew: 0, ...about,
        update: (state, done = 0) => settled || onProgress({ state, done, total }),
        finish: (outcome) => {
          settled = true
          signal?.removeEventListener('abort', stop)
          if (outcome.why) reject(this.#failure(outcome))
          else resolve(outcome)
        },
      }
      let settled = false
      signal?.addEventListener('abort', stop, { once: true })
      this.#pool.add(job)
    })
  }

  /** What kept a job from an answer, as an error. */
  #failure({ why, detail }) {
    if (this.#closed) return closed()
    const messages = {
      unreadable: 'the document cannot be read; was it moved, altered or deleted?',
      crashed: 'the check broke off; check again, and tell whoever runs the registry if that does not help',
      verifier: 'the verifier does not run any more',
    }
    return new VerifierError(why === 'verifier' ? 'not-started' : why, `${messages[why] ?? why}: ${detail}`)
  }
}

function closed() {
  return new VerifierError('closed', 'this verifier has been closed; make another with createVerifier')
}

/** What a check has come to, for whoever asked. */
function answer({ report, receipt, conflict, evidence, checkpoints, since }) {
  const { proved, registry, detail, ...proof } = evidence ?? {}
  const kept = Number.isFinite(since) && report.verdict !== 'unavailable' ? new Date(since).toISOString() : null
  return { verdict: report.verdict, report, receipt, since: kept, evidence: conflict ? { file: conflict, report: proved ? { registry, ...proof } : null, checkpoints } : null }
}

function receiptBytes(receipt) {
  return cut(receipt, receiptLimit, 'receipt', 'check: the receipt')
}

/** The bytes of what is no document, cut where the verifier will say that they are too many. */
async function cut(from, limit, code, what) {
  if (isBytes(from)) return bytesOf(from).slice(0, limit + 1)
  if (!(from instanceof Blob)) throw new TypeError(`${what} has to be a File, a Blob or bytes`)
  try {
    // Only what is too large is sliced: a file that has gone has no size, and a slice of nothing is read without complaint.
    const part = from.size > limit ? from.slice(0, limit + 1) : from
    return new Uint8Array(await part.arrayBuffer())
  } catch (cause) {
    throw new VerifierError(code, `${what} cannot be read; was it moved, altered or deleted?`, cause)
  }
}

function unlessAborted(signal, promise) {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
