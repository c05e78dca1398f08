// SHA3-512 of a file, in memory that does not grow with it (wasm/sha3.go). Sealed documents need it
// besides SHA-256; no browser has it.

const READ_SIZE = 256 * 1024 // bytes read at a time
const CALL_SIZE = 64 * 1024 // bytes per call; the buffer of wasm/hash.go is as large
const DIGEST_SIZE = 64 // bytes

/**
 * The digest as a Uint8Array. Rejects with the signal's reason, or with an error of code 'unreadable'
 * where the file cannot be read (any longer), as hashFile does.
 * @param {File} file
 * @param {{wasm: object, signal: AbortSignal, onProgress: (bytes: number) => void}} how as for hashFile
 */
export async function sha3File(file, { wasm, signal, onProgress }) {
  const handle = wasm.sha3_open()
  if (handle < 0) throw new Error('sha3_open failed')
  const reader = openReader(file)
  try {
    let length = 0
    for (let bytes; (bytes = await readable(reader.next())); onProgress(length)) {
      signal.throwIfAborted()
      write(wasm, handle, bytes)
      length += bytes.length
    }
    if (length !== file.size) throw Object.assign(new Error('the file changed while it was read'), { code: 'changed' })
    await readable(file.slice(0, 1).arrayBuffer()) // the browser looks only now whether it has been altered meanwhile
    return sum(wasm, handle)
  } finally {
    reader.cancel()
    wasm.sha3_close(handle) // does nothing after sha3_sum
  }
}

/**
 * Reads a file into one buffer, over and over ("bring your own buffer"); with new ones, hundreds of MiB pile
 * up before the garbage collector comes. Older browsers have no such reader.
 */
function openReader(file) {
  const stream = file.stream()
  try {
    const reader = stream.getReader({ mode: 'byob' })
    let buffer = new ArrayBuffer(READ_SIZE)
    const next = async () => {
      const { done, value } = await reader.read(new Uint8Array(buffer))
      buffer = value?.buffer // what was lent is detached
      return done ? undefined : value
    }
    return { next, cancel: () => void reader.cancel().catch(() => {}) }
  } catch {
    const reader = stream.getReader()
    return { next: async () => (await reader.read()).value, cancel: () => void reader.cancel().catch(() => {}) }
  }
}

async function readable(reading) {
  try {
    return await reading
  } catch (cause) {
    throw Object.assign(new Error('the browser cannot read the file', { cause }), { code: 'unreadable' })
  }
}

// There is no await in it: the buffer belongs to all handles.
function write(wasm, handle, bytes) {
  for (let at = 0; at < bytes.length; at += CALL_SIZE) {
    const piece = bytes.subarray(at, at + CALL_SIZE)
    view(wasm, CALL_SIZE).set(piece)
    if (wasm.sha3_write(handle, piece.length) !== piece.length) throw new Error('sha3_write failed')
  }
}

function sum(wasm, handle) {
  if (wasm.sha3_sum(handle) !== DIGEST_SIZE) throw new Error('sha3_sum failed')
  return view(wasm, DIGEST_SIZE).slice()
}

/** The start of Go's buffer; made anew each time, for when the memory grows the old view is empty. */
function view(wasm, length) {
  return new Uint8Array(wasm.mem.buffer, wasm.hash_buffer() >>> 0, length)
}
