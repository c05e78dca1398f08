// Hashing a file in the browser: SHA-256 of any size of file, without sending it anywhere and without
// holding a large one in memory.
//
// Two ways lead to the same digest. WebCrypto is three times as fast as any WebAssembly but wants the
// whole file in memory, so it gets what is small. The rest goes in pieces through Go (wasm/hash.go).

/**
 * Files up to this many bytes are read whole and hashed by WebCrypto. It bounds the memory of one call:
 * a phone can spare 64 MiB, and a tab that hashes one file on each of four cores stays at 256 MiB. Nearly
 * every document is smaller, scans included.
 */
export const WHOLE_FILE_LIMIT = 64 * 1024 * 1024

// Bytes per call into WebAssembly, at most; the buffer of wasm/hash.go is as large. V8 does not replace
// slow code by fast code inside a call that is running, and the first calls run slow code.
const CALL_SIZE = 64 * 1024

// Bytes read at a time. Smaller, and waiting for the browser costs; larger gains nothing.
const READ_SIZE = 256 * 1024

/**
 * The SHA-256 digest of a File or Blob, as a Uint8Array of 32 bytes.
 *
 * options.wasm        `instance.exports` of the running Go program. May be left out where the file is not
 *                     above WHOLE_FILE_LIMIT and the page is a secure context.
 * options.signal      an AbortSignal. When it fires, the promise rejects with its reason at once, and
 *                     nothing more is read.
 * options.onProgress  called with the number of bytes hashed so far: never less than before, and
 *                     file.size at the end.
 *
 * Rejects with an Error whose `code` is
 *   'unreadable'  the browser could not read the file: it was moved, deleted, altered since it was
 *                 chosen, is a folder, or must not be read. `cause` is the browser's error.
 *   'changed'     the file had another length than the browser had announced.
 *   'busy'        too many files are being hashed in this Go program at the same time.
 *   'no-wasm'     options.wasm is needed and missing.
 * None of these says anything about the document's authenticity.
 */
export async function hashFile(file, { wasm, signal, onProgress = () => {} } = {}) {
  signal?.throwIfAborted()
  // Outside a secure context (http: on anything but localhost) there is no crypto.subtle.
  const whole = file.size <= WHOLE_FILE_LIMIT && globalThis.crypto?.subtle !== undefined
  if (!whole && !wasm) {
    throw failure('no-wasm', `hash ${name(file)}: this needs the WebAssembly program, which is not loaded`)
  }
  const digest = whole ? await hashWhole(file, signal) : await hashInPieces(file, sha256(wasm), signal, onProgress)
  onProgress(file.size)
  return digest
}

async function hashWhole(file, signal) {
  // No step can be cancelled: on abort they are left to finish unheard.
  const bytes = await readWhole(file, signal)
  checkLength(file, bytes.byteLength)
  const hashing = crypto.subtle.digest('SHA-256', bytes) // of a copy, which the browser makes at once
  lendAgain(bytes.buffer)
  // All has been read, so that looking once more need not wait for the digest, which another thread computes.
  const [digest] = await Promise.all([unlessAborted(signal, hashing), checkUnaltered(file, signal)])
  return new Uint8Array(digest)
}

// Files of such sizes are read into memory that is lent to one after another: the system takes about as long to give a browser new memory as
// the browser to read a file into it. Below, what is gained is lost on the way; above, it would be too much to keep.
const LENT = { from: 1024 * 1024, to: 16 * 1024 * 1024 }
const LENT_BYTES = 24 * 1024 * 1024 // at most, that wait to be lent
const LENT_FOR = 2_000 // milliseconds after the last use, until the memory is given back

// A larger file is read in parts side by side, which is about a twentieth faster in Chromium (156), reading and hashing together; a smaller one is not.
const PARTS = { above: 8 * 1024 * 1024, count: 3, piece: 1024 * 1024 }

const spare = []
let forgetting = null

async function readWhole(file, signal) {
  const parts = file instanceof Blob && file.size >= LENT.from && file.size <= LENT.to ? partsOf(file) : null
  if (!parts) return new Uint8Array(await unlessAborted(signal, readable(file, file.arrayBuffer())))
  return parts.length > 1 ? readParts(parts, file, signal) : readInto(parts[0], file, signal)
}

/** Reads a file into memory that it borrows. */
async function readInto({ reader }, file, signal) {
  let buffer = borrow(file.size)
  let length = 0
  await readPieces(reader, file, signal, () => new Uint8Array(buffer, length), (piece) => {
    buffer = piece.buffer // the memory that was lent; what we had is detached now
    length += piece.length
    return length < file.size
  })
  return new Uint8Array(buffer, 0, length)
}

/** Reads the parts of a file side by side, and puts them together in memory that it borrows. */
async function readParts(parts, file, signal) {
  const bytes = new Uint8Array(borrow(file.size), 0, file.size)
  const lengths = await Promise.all(parts.map(async ({ reader, begin, end }) => {
    let at = begin
    let buffer = borrow(PARTS.piece)
    await readPieces(reader, file, signal, () => new Uint8Array(buffer), (piece) => {
      bytes.set(piece, at)
      at += piece.length
      buffer = piece.buffer
      return at < end
    })
    lendAgain(buffer)
    return at - begin
  }))
  return bytes.subarray(0, lengths.reduce((sum, length) => sum + length))
}

/** Reads to the end, into memory that lend() gives, as long as take() wants more than the piece that it is given. */
async function readPieces(reader, file, signal, lend, take) {
  openReaders.add(reader)
  try {
    for (let more = true; more; ) {
      const { done, value } = await unlessAborted(signal, readable(file, reader.read(lend())))
      if (value) more = take(value)
      if (done) break
    }
  } finally {
    openReaders.delete(reader)
    reader.cancel().catch(() => {}) // what cannot be read need not be cancelled
  }
}

/** The parts in which a file is read, each { begin, end, reader }; null where the browser does not read into memory that it is given. */
function partsOf(file) {
  const count = file.size > PARTS.above ? PARTS.count : 1
  const step = Math.ceil(file.size / count)
  try {
    return Array.from({ length: count }, (_, i) => {
      const [begin, end] = [i * step, Math.min((i + 1) * step, file.size)]
      const part = count > 1 ? file.slice(begin, end) : file
      return { begin, end, reader: part.stream().getReader({ mode: 'byob' }) }
    })
  } catch {
    return null
  }
}

/** Memory for so many bytes or more: the next power of two, so that files of about the same size share it. */
function borrow(size) {
  const wanted = 2 ** Math.ceil(Math.log2(size))
  const at = spare.findIndex((buffer) => buffer.byteLength === wanted)
  return at < 0 ? new ArrayBuffer(wanted) : spare.splice(at, 1)[0]
}

/** Keeps memory for the next file, for a while. */
function lendAgain(buffer) {
  if (buffer.byteLength < LENT.from || buffer.byteLength > LENT.to) return
  spare.push(buffer)
  while (spare.reduce((sum, { byteLength }) => sum + byteLength, 0) > LENT_BYTES) spare.shift()
  clearTimeout(forgetting)
  forgetting = setTimeout(() => spare.splice(0), LENT_FOR)
}

/** The functions of wasm/hash.go as hashInPieces takes them. */
function sha256(wasm) {
  return { wasm, open: wasm.hash_open, write: wasm.hash_write, sum: wasm.hash_sum, close: wasm.hash_close, size: 32 }
}

/**
 * A digest that Go computes, as a Uint8Array. Rejects as hashFile does.
 * @param {Blob} file
 * @param {object} program the exports of one kind of digest: open, write, sum, close, the digest's size in bytes,
 *   and wasm, which is all exports
 * @param {AbortSignal} [signal]
 * @param {(bytes: number) => void} onProgress
 */
export async function hashInPieces(file, program, signal, onProgress) {
  signal?.throwIfAborted()
  const handle = program.open()
  if (handle < 0) {
    throw failure('busy', `hash ${name(file)}: too many files are being hashed at the same time`)
  }
  let pieces, cancel
  try {
    pieces = openPieces(file)
    // Ends the read that is waiting, so that an abort is noticed at once and not with the next bytes.
    cancel = () => pieces.close()
    signal?.addEventListener('abort', cancel)

    let length = 0
    for (;;) {
      const bytes = await readable(file, pieces.next())
      signal?.throwIfAborted()
      if (!bytes) break
      write(program, handle, bytes)
      length += bytes.length
      onProgress(length)
    }
    checkLength(file, length)
    await checkUnaltered(file, signal)
    return sum(program, handle)
  } finally {
    signal?.removeEventListener('abort', cancel)
    pieces?.close()
    program.close(handle) // does nothing after sum
  }
}

// Readers that are in use. While a reader of the first kind below waits for bytes, Chromium (156) holds on to
// nothing of it: if the page does not either, the garbage collector takes it, and the read never settles.
const openReaders = new Set()

// The file's bytes in order, as { next, close }; next resolves to undefined at the end.
//
// One buffer goes back and forth between the page and the browser ("bring your own buffer"): it is faster,
// and memory stays where it is. The other kind of reader leaves a new buffer for the garbage collector with
// every piece, which lets hundreds of MiB pile up before it collects; it serves where there is no choice.
function openPieces(file) {
  const stream = file.stream()
  let reader
  let read = () => reader.read()
  try {
    reader = stream.getReader({ mode: 'byob' })
    let buffer = new ArrayBuffer(READ_SIZE)
    read = async () => {
      const result = await reader.read(new Uint8Array(buffer))
      buffer = result.value?.buffer // the memory that was lent; what we had is detached now
      return result
    }
  } catch {
    reader = stream.getReader()
  }
  openReaders.add(reader)

  const next = async () => {
    const { done, value } = await read()
    return done ? undefined : value
  }
  const close = () => {
    openReaders.delete(reader)
    reader.cancel().catch(() => {}) // what cannot be read need not be cancelled
  }
  return { next, close }
}

// Hands bytes to Go in calls of CALL_SIZE. There is no await in it: the buffer belongs to all handles of all digests.
function write(program, handle, bytes) {
  for (let at = 0; at < bytes.length; at += CALL_SIZE) {
    const piece = bytes.subarray(at, at + CALL_SIZE)
    view(program, CALL_SIZE).set(piece)
    const written = program.write(handle, piece.length)
    if (written !== piece.length) throw new Error(`write ${piece.length} bytes to handle ${handle}: got ${written}`)
  }
}

function sum(program, handle) {
  const size = program.sum(handle)
  if (size !== program.size) throw new Error(`sum of handle ${handle}: got ${size}, want ${program.size} bytes`)
  return view(program, size).slice()
}

// The start of Go's buffer. A new view each time: when the memory grows, the old one is empty.
function view({ wasm }, length) {
  return new Uint8Array(wasm.mem.buffer, wasm.hash_buffer() >>> 0, length)
}

function checkLength(file, length) {
  if (length !== file.size) {
    throw failure('changed', `hash ${name(file)}: read ${length} bytes, want ${file.size}: the file changed while it was read`)
  }
}

// A browser compares the file's time with the one at which it was chosen whenever it begins to read, and
// not after: one more read of a byte tells whether the file was altered under our hands, so that half an
// old file and half a new one are not reported as a digest.
async function checkUnaltered(file, signal) {
  await unlessAborted(signal, readable(file, file.slice(0, 1).arrayBuffer()))
}

async function readable(file, reading) {
  try {
    return await reading
  } catch (cause) {
    // Not the browser's own words: for a file that has gone, Chromium's stream says "network error".
    throw failure('unreadable', `read ${name(file)}: the browser cannot read it; was it moved, altered or deleted?`, cause)
  }
}

// Settles as promise does, or rejects with the signal's reason if that comes first.
function unlessAborted(signal, promise) {
  if (!signal) return promise
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function failure(code, message, cause) {
  return Object.assign(new Error(message, { cause }), { code })
}

function name(file) {
  return file.name === undefined ? 'the data' : JSON.stringify(file.name)
}
