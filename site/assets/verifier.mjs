// Loads the verifier and the trust file, once for all workers.

import { loadAsset } from './asset.mjs'

async function compile(url, integrity) {
  const response = await loadAsset(url, integrity)
  // A file server that does not know WASM's type is no reason to fail.
  const typed = response.headers.get('content-type')?.startsWith('application/wasm')
  if (typed && WebAssembly.compileStreaming) return WebAssembly.compileStreaming(response)
  return WebAssembly.compile(await response.arrayBuffer())
}

/**
 * @param {DOMStringMap} data the page's data-wasm and data-trust
 * @returns {Promise<{module: WebAssembly.Module, trust: Uint8Array}>}
 */
export async function loadVerifier(data) {
  const [module, trust] = await Promise.all([
    compile(data.wasm, data.wasmIntegrity),
    loadAsset(data.trust, data.trustIntegrity).then(async (r) => new Uint8Array(await r.arrayBuffer())),
  ])
  return { module, trust }
}
