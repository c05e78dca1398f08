// Bounded reading of files that nobody vouches for: what they hold decides neither how much is read and unpacked nor
// how long it takes.

const readBudget = 48 << 20 // bytes read of one file, whatever its size
const inflateBudget = 16 << 20 // bytes unpacked of one file
const timeBudget = 10_000 // milliseconds

// A bomb grows a thousandfold at most: fed in pieces of this size, no step makes more than 4 MiB.
const feed = 4096

/** Thrown where a limit is reached: what has been found until then stands, and nothing is said of the rest. */
export class Enough extends Error {}

/** Bytes as a string of as many characters, each of the byte's value. */
export function latin1(bytes) {
  let text = ''
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return text
}

/** The reverse of latin1. */
export function bytesOf(text) {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

export class Reader {
  /**
   * @param {Blob} file
   * @param {AbortSignal} [signal]
   */
  constructor(file, signal) {
    Object.assign(this, { file, signal, size: file.size, left: readBudget, unpack: inflateBudget })
    this.until = performance.now() + timeBudget
  }

  /** Ends the reading when it is time. */
  check() {
    this.signal?.throwIfAborted()
    if (performance.now() > this.until) throw new Enough('time')
  }

  /** Bytes of the file; fewer where it ends. */
  async bytes(from, to) {
    this.check()
    const [begin, end] = [Math.max(0, Math.min(from, this.size)), Math.max(0, Math.min(to, this.size))]
    if (end <= begin) return new Uint8Array(0)
    this.left -= end - begin
    if (this.left < 0) throw new Enough('bytes read')
    return new Uint8Array(await this.file.slice(begin, end).arrayBuffer())
  }

  async text(from, to) {
    return latin1(await this.bytes(from, to))
  }

  /**
   * Finds what a pattern matches first from a place on.
   * @param {RegExp} pattern of matches no longer than 128 characters
   * @returns {Promise<{at: number, match: RegExpMatchArray}|null>}
   */
  async find(pattern, from, to = this.size) {
    const window = 256 << 10
    for (let at = from; at < to; at += window) {
      const match = (await this.text(at, Math.min(at + window + 128, to))).match(pattern)
      if (match) return { at: at + match.index, match }
    }
    return null
  }

  /**
   * Unpacks as much as the limits allow. What is damaged gives what came before the damage.
   * @param {Uint8Array} packed
   * @param {string} format as DecompressionStream has them
   * @param {number} limit bytes
   */
  async inflate(packed, format, limit) {
    const stream = decompression(format)
    if (!stream) return new Uint8Array(0)
    const most = Math.min(limit, this.unpack)
    const ended = push(stream.writable.getWriter(), packed)
    const whole = await drain(stream.readable.getReader(), most, () => this.check())
    await ended
    this.unpack -= whole.length
    if (this.unpack <= 0) throw new Enough('bytes unpacked')
    return whole
  }
}

/** Nothing in a browser that has no such thing. */
function decompression(format) {
  try {
    return new DecompressionStream(format)
  } catch {
    return null
  }
}

/** Feeds a stream as fast as it is read. It never fails: the reader learns what is wrong. */
async function push(writer, packed) {
  try {
    for (let at = 0; at < packed.length; at += feed) {
      await writer.ready
      await writer.write(packed.slice(at, at + feed))
    }
    await writer.close()
  } catch {
    // Damaged, or nobody reads on.
  }
}

async function drain(reader, most, check) {
  const parts = []
  let length = 0
  try {
    while (length < most) {
      const { done, value } = await reader.read()
      if (done) break
      parts.push(value.subarray(0, most - length))
      length += parts.at(-1).length
      check()
    }
  } catch (error) {
    if (error instanceof Enough || error?.name === 'AbortError') throw error
  } finally {
    reader.cancel().catch(() => {}) // what is damaged cannot even be left alone
  }
  return joined(parts, length)
}

/** Pieces in one. */
export function joined(parts, length = parts.reduce((sum, part) => sum + part.length, 0)) {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** What an XML text stands for. */
export function fromXML(xml) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return xml.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) => {
    const code = decimal ? Number(decimal) : hex ? parseInt(hex, 16) : null
    if (code !== null) return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
    return named[name] ?? whole
  })
}
