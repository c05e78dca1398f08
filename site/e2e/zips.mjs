// Writes ZIP containers for tests, sound ones and ones that lie (APPNOTE.TXT 6.3.10).

import { crc32, deflateRawSync } from 'node:zlib'

/** Bytes of little-endian numbers, each {bytes: value} by its size. */
function numbers(...pairs) {
  const out = Buffer.alloc(pairs.reduce((sum, [size]) => sum + size, 0))
  let at = 0
  for (const [size, value] of pairs) {
    if (size === 8) out.writeBigUInt64LE(BigInt(value), at)
    else out.writeUIntLE(value, at, size)
    at += size
  }
  return out
}

const crcOf = crc32 ?? ((bytes) => {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
})

const large = 0xffffffff

/**
 * @param {object[]} members {name, bytes, store, zip64, descriptor, flags, method}; `claim` {size, packed, crc, offset} is what the directory says instead of
 *   the truth, `local` {name, method, extraSize, flags, crc, packed, size} what the header on the spot does
 * @param {object} how zip64, comment, and count, disk and `large` {count} to lie with
 */
export function zipOf(members, { zip64 = false, comment = '', count = members.length, disk = 0, large: lies = {} } = {}) {
  const bodies = []
  const entries = []
  let offset = 0
  for (const member of members) {
    const { body, entry } = written(member, offset)
    bodies.push(body)
    entries.push(entry)
    offset += body.length
  }
  const directory = Buffer.concat(entries)
  return Buffer.concat([...bodies, directory, ...ending({ zip64, count, disk, size: directory.length, offset, lies }), numbers([2, comment.length]), Buffer.from(comment, 'latin1')])
}

function written({ name, bytes, store = false, zip64 = false, descriptor = false, flags = 0, method = store ? 0 : 8, claim = {}, local = {} }, offset) {
  const packed = store ? bytes : deflateRawSync(bytes)
  const truth = { size: bytes.length, packed: packed.length, crc: crcOf(bytes), offset, ...claim }
  const bits = flags | 0x800 | (descriptor ? 8 : 0)
  const shown = (value) => (descriptor ? 0 : value)
  const spot = Buffer.from(local.name ?? name)
  const head = Buffer.concat([
    numbers([4, 0x04034b50], [2, 20], [2, bits | (local.flags ?? 0)], [2, local.method ?? method], [4, 0], [4, local.crc ?? shown(crcOf(bytes))], [4, local.packed ?? shown(packed.length)], [4, local.size ?? shown(bytes.length)], [2, spot.length], [2, local.extraSize ?? 0]),
    spot,
  ])
  const tail = descriptor ? numbers([4, 0x08074b50], [4, truth.crc], [4, packed.length], [4, bytes.length]) : Buffer.alloc(0)
  const extra = zip64 ? numbers([2, 1], [2, 24], [8, truth.size], [8, truth.packed], [8, truth.offset]) : Buffer.alloc(0)
  const small = (value) => (zip64 ? large : value)
  const entry = Buffer.concat([
    numbers([4, 0x02014b50], [2, 45], [2, 45], [2, bits], [2, method], [4, 0], [4, truth.crc], [4, small(truth.packed)], [4, small(truth.size)],
      [2, Buffer.byteLength(name)], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, 0], [4, small(truth.offset)]),
    Buffer.from(name),
    extra,
  ])
  return { body: Buffer.concat([head, packed, tail]), entry }
}

function ending({ zip64, count, disk, size, offset, lies }) {
  if (!zip64) return [numbers([4, 0x06054b50], [2, disk], [2, disk], [2, count], [2, count], [4, size], [4, offset])]
  const real = { count, ...lies }
  const small = lies.count ? count : 0xffff
  return [
    numbers([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, disk], [4, disk], [8, real.count], [8, real.count], [8, size], [8, offset]),
    numbers([4, 0x07064b50], [4, disk], [8, offset + size], [4, 1]),
    numbers([4, 0x06054b50], [2, 0], [2, 0], [2, small], [2, small], [4, large], [4, large]),
  ]
}
