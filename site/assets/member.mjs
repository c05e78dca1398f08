// A file within a ZIP container, read where it lies: it can do what hashing asks of a File, and neither the container nor the member is
// ever held in memory as a whole, or written anywhere. A worker gets the container and the member's place, and makes it anew.

const headerSize = 30 // bytes of a local header before the name (APPNOTE.TXT, 4.3.7)
const headerMark = 0x04034b50
// What may stand behind a member whose sizes follow it (4.3.9): with a mark or without, for large files or not. Anything else may be another
// member, which programs find that read a container from its beginning, as from a pipe.
const descriptorSizes = [12, 16, 20, 24]
const pieceSize = 32 << 10 // packed bytes unpacked at a time: deflate makes up to 1032 of one, and all of a piece at once

/**
 * @typedef {object} Place
 * @property {number} offset of the local header
 * @property {number} end where the next thing in the container begins
 * @property {number} packed bytes as they lie there
 * @property {number} size bytes when unpacked
 * @property {number} method 0 (stored) or 8 (deflated)
 * @property {number} crc CRC-32 of the unpacked bytes
 * @property {Uint8Array} name its bytes, as the directory has them
 */

/** The container does not hold what its directory says. `code` is 'member'. */
export class MemberError extends Error {
  code = 'member'
}

export class Member {
  /**
   * @param {Blob} container
   * @param {Place} place
   * @param {string} name
   */
  constructor(container, place, name) {
    Object.assign(this, { container, place, name, size: place.size })
  }

  /** The bytes. It errs with a MemberError where they are not what the directory says, at the latest at their end. */
  stream() {
    const { readable, writable } = new TransformStream()
    this.packed()
      .then((packed) => this.unpack(packed).pipeThrough(checking(this)).pipeTo(writable, { preventAbort: true }))
      .catch((error) => writable.abort(told(error, this.name)))
      .catch(() => {}) // whoever reads is told
    return readable
  }

  arrayBuffer() {
    return collect(this, this.size)
  }

  /** The beginning only: nothing here is read from its middle. */
  slice(start, end = this.size) {
    if (start !== 0) throw new Error(`slice ${this.name}: got start ${start}, want 0`)
    const size = Math.min(end, this.size)
    const arrayBuffer = () => collect(this, size)
    return { size, arrayBuffer, text: async () => new TextDecoder().decode(await arrayBuffer()) }
  }

  /** The packed bytes, after a look at the header before them. */
  async packed() {
    const { offset, end, packed, name } = this.place
    const header = new DataView(await this.container.slice(offset, offset + headerSize + name.length).arrayBuffer())
    this.checkHeader(header)
    const extra = offset + headerSize + name.length
    const start = extra + header.getUint16(28, true)
    const behind = end - start - packed
    if (behind < 0) throw new MemberError(`read ${this.name}: it runs into what stands behind it in the container`)
    if (!(header.getUint16(6, true) & 8 ? descriptorSizes : [0]).includes(behind))
      throw new MemberError(`read ${this.name}: ${behind} bytes behind it belong to nothing that the container’s directory lists`)
    this.checkSizes(header, new DataView(await this.container.slice(extra, start).arrayBuffer()))
    return this.container.slice(start, start + packed)
  }

  checkHeader(header) {
    const { method, name } = this.place
    const found = new Uint8Array(header.buffer, headerSize)
    const same = header.getUint32(0, true) === headerMark && header.getUint16(8, true) === method &&
      header.getUint16(26, true) === name.length && name.every((byte, i) => byte === found[i])
    if (!same) throw new MemberError(`read ${this.name}: the container’s directory leads to something else`)
  }

  /**
   * Compares what the header says of the bytes with what the directory does: unzip goes by the header, and would make another file of the
   * same container where the two disagree. Where the sizes follow behind (bit 3 of the flags), it goes by the directory.
   */
  checkSizes(header, extra) {
    const { crc, packed, size } = this.place
    const flags = header.getUint16(6, true)
    const [saidPacked, saidSize] = saidSizes(header, extra)
    const said = [header.getUint32(14, true), saidPacked, saidSize]
    const want = [crc, packed, size]
    const behind = (flags & 8) !== 0
    if ((flags & 0x2041) === 0 && said.every((value, i) => value === want[i] || (behind && value === 0))) return
    throw new MemberError(`read ${this.name}: the header before it says CRC-32, size packed and size ${said.join(', ')} (flags ${flags}), want ${want.join(', ')} as in the directory`)
  }

  unpack(packed) {
    if (this.place.method === 0) return packed.stream()
    return packed.stream().pipeThrough(inPieces()).pipeThrough(new DecompressionStream('deflate-raw'))
  }
}

/** The sizes, packed and not, as a local header says them: where both do not fit, they stand in the field for large files (4.5.3). */
function saidSizes(header, extra) {
  const small = [header.getUint32(18, true), header.getUint32(22, true)]
  if (!small.includes(0xffffffff)) return small
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1 || extra.getUint16(at + 2, true) < 16 || at + 20 > extra.byteLength) continue
    return [Number(extra.getBigUint64(at + 12, true)), Number(extra.getBigUint64(at + 4, true))]
  }
  return small
}

/** A file as a worker was given it. */
export function opened(file) {
  return file?.place ? new Member(file.container, file.place, file.name) : file
}

/** What errs in unpacking is the member's fault; what errs in reading, a DOMException, is not. */
function told(error, name) {
  if (error instanceof MemberError || error instanceof DOMException) return error
  return Object.assign(new MemberError(`read ${name}: it cannot be unpacked`), { cause: error })
}

function inPieces() {
  return new TransformStream({
    transform(bytes, to) {
      for (let at = 0; at < bytes.length; at += pieceSize) to.enqueue(bytes.subarray(at, at + pieceSize))
    },
  })
}

/** Lets bytes through as long as they are no more than the directory says, and in the end only if they are those that it means. */
function checking({ place, name }) {
  let length = 0
  let crc = 0
  return new TransformStream({
    transform(bytes, to) {
      length += bytes.length
      if (length > place.size) throw new MemberError(`read ${name}: got ${length} bytes or more, want ${place.size}`)
      crc = crc32(bytes, crc)
      to.enqueue(bytes)
    },
    flush() {
      if (length !== place.size) throw new MemberError(`read ${name}: got ${length} bytes, want ${place.size}`)
      if (crc !== place.crc) throw new MemberError(`read ${name}: CRC-32 got ${crc.toString(16)}, want ${place.crc.toString(16)}`)
    },
  })
}

/** The first bytes of a member in one piece. To the end they are read only if all are wanted: then they are checked, too. */
async function collect(member, size) {
  const whole = new Uint8Array(size)
  const reader = member.stream().getReader()
  let at = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    whole.set(value.subarray(0, size - at), at)
    at = Math.min(size, at + value.length)
    if (at === size && size < member.size) {
      await reader.cancel()
      break
    }
  }
  return whole.buffer
}

// Eight tables, for eight bytes a step.
const tables = Array.from({ length: 8 }, () => new Uint32Array(256))
for (let n = 0; n < 256; n++) {
  let c = n
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  tables[0][n] = c
}
for (let n = 0; n < 256; n++) {
  for (let t = 1; t < 8; t++) tables[t][n] = tables[0][tables[t - 1][n] & 255] ^ (tables[t - 1][n] >>> 8)
}

/** CRC-32 as ZIP has it (ISO 3309), of bytes that follow on those with the sum `before`. */
export function crc32(bytes, before = 0) {
  const [a, b, c, d, e, f, g, h] = tables
  let crc = ~before
  let i = 0
  for (; i + 8 <= bytes.length; i += 8) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
    crc = h[crc & 255] ^ g[(crc >>> 8) & 255] ^ f[(crc >>> 16) & 255] ^ e[crc >>> 24] ^ d[bytes[i + 4]] ^ c[bytes[i + 5]] ^ b[bytes[i + 6]] ^ a[bytes[i + 7]]
  }
  for (; i < bytes.length; i++) crc = a[(crc ^ bytes[i]) & 255] ^ (crc >>> 8)
  return ~crc >>> 0
}
