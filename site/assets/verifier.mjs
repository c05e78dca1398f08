// Loads the verifier and the trust file, once for all workers.

import { loadAsset } from './asset.mjs'

/** Compiles a program that has to be what the page knows it to be. */
export async function compile(url, integrity) {
  const response = await loadAsset(url, integrity)
  // A file server that does not know WASM's type is no reason to fail.
  const typed = response.headers.get('content-type')?.startsWith('application/wasm')
  if (typed && WebAssembly.compileStreaming) return WebAssembly.compileStreaming(response)
  return WebAssembly.compile(await response.arrayBuffer())
}

/**
 * Reads the worker's modules once, so that a damaged one gives no answer instead of a wrong one. It does not
 * help against a server that shows the worker others than the page.
 */
function checkParts(list = '') {
  const words = list.split(' ').filter(Boolean)
  const parts = words.filter((_, i) => i % 2 === 0).map((url, i) => loadAsset(url, words[2 * i + 1]))
  return Promise.all(parts)
}

/**
 * @param {DOMStringMap} data the page's data-wasm, data-trust and, where there is a worker, data-worker-parts
 * @returns {Promise<{module: WebAssembly.Module, trust: Uint8Array}>}
 */
export async function loadVerifier(data) {
  const [module, trust] = await Promise.all([
    compile(data.wasm, data.wasmIntegrity),
    loadAsset(data.trust, data.trustIntegrity).then(async (r) => new Uint8Array(await r.arrayBuffer())),
    checkParts(data.workerParts),
  ])
  return { module, trust }
}
