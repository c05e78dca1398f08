// SHA3-512 of a file, in memory that does not grow with it (wasm/sha3.go). Sealed documents need it
// besides SHA-256; no browser has it.

import { hashInPieces } from './hash.mjs'

/**
 * The digest as a Uint8Array of 64 bytes. Rejects as hashFile does, with the same codes.
 * @param {Blob} file
 * @param {{wasm: object, signal?: AbortSignal, onProgress?: (bytes: number) => void}} how as for hashFile
 */
export async function sha3File(file, { wasm, signal, onProgress = () => {} }) {
  const sha3 = { wasm, open: wasm.sha3_open, write: wasm.sha3_write, sum: wasm.sha3_sum, close: wasm.sha3_close, size: 64 }
  return hashInPieces(file, sha3, signal, onProgress)
}
