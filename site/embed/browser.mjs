// What a browser does in its own way: it starts a worker from an address, under Trusted Types too, and fetches what belongs to the package.

import { VerifierError } from './errors.mjs'
import { build } from './portal/build.mjs'
import { Kept } from './portal/kept.mjs'
import { Memory } from './portal/memory.mjs'
import { compile } from './portal/verifier.mjs'

const workerAddress = new URL('./portal/worker.mjs', import.meta.url).href
const wasmAddress = new URL('./portal/verifier.wasm', import.meta.url).href

/** Where addresses are relative to. */
export const base = () => document.baseURI

let policy = null

/** The one address that this package ever starts as a script. A page that demands Trusted Types takes no mere string there. */
function trusted() {
  if (!globalThis.trustedTypes) return workerAddress
  policy ??= trustedTypes.createPolicy('stele-verify', {
    createScriptURL(address) {
      if (address === workerAddress) return address
      throw new TypeError(`not this package's worker: ${address}`)
    },
  })
  return policy.createScriptURL(workerAddress)
}

/** Starts a worker. */
export function startWorker() {
  try {
    return new Worker(trusted(), { type: 'module' })
  } catch (cause) {
    throw new VerifierError('not-started', `start the worker ${workerAddress}: ${cause.message}; it has to be served from the page's own origin, ` +
      `allowed by worker-src, and where trusted-types lists policies, “stele-verify” has to be among them`, cause)
  }
}

/** Compiles the package's verifier, which has to be whole, or the one at an address of the embedder's. */
export function compileOwn(address = null) {
  return address ? compile(address.href, '') : compile(wasmAddress, build.wasm)
}

/** Reads the trust file at an address. */
export async function readFile(address) {
  const response = await fetch(address, { cache: 'no-cache', credentials: 'omit' })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

/** What a check is about: a file stays where it is, bytes are taken over. */
export function toFile(document) {
  return document instanceof Blob ? document : null
}

/** What keeps on the device what was published, for when there is no network. */
export const keeping = (portal) => new Kept(portal)

/** What this device remembers against forks, in the storage of the page's origin. */
export function memory(print, earlier) {
  return new Memory(print, earlier)
}

export const threads = () => Math.max(1, Math.min(navigator.hardwareConcurrency || 2, 4))
