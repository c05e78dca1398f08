// Looks into a ZIP container (PKWARE's APPNOTE.TXT 6.3.10; ETSI EN 319 162-1 for ASiC) without unpacking it: reads its directory, and says
// where each member lies. It is strict: what another program could read otherwise than this one is refused and said so.

import { Member } from './member.mjs'

const endSize = 22
const commentLimit = 0xffff
const locatorSize = 20
const end64Size = 56
const entrySize = 46
const marks = { end: 0x06054b50, locator: 0x07064b50, end64: 0x06064b50, entry: 0x02014b50 }

const memberLimit = 20_000 // more than these nobody wants to see, and each is a row
const directoryLimit = 32 << 20 // bytes
const bombSize = 1 << 30 // bytes; a member that is larger, and a hundred times as large as it lies there, is not unpacked
const bombRatio = 100
const totalLimit = 2 ** 34 // bytes of all members together, likewise
const portion = 2_000 // entries read before the page is let answer

const asicTypes = ['application/vnd.etsi.asic-e+zip', 'application/vnd.etsi.asic-s+zip']
const asicNames = /\.(asice|asics|sce|scs|bdoc)( ?\(\d+\))?$/i
const containerNames = /\.(zip|asice|asics|sce|scs|bdoc)$/i

// Documents that are ZIP files by construction: theirs are not documents of their own.
const partOf = ['[Content_Types].xml', 'META-INF/MANIFEST.MF', 'META-INF/container.xml', 'META-INF/manifest.xml', 'AndroidManifest.xml']

/** It cannot be looked into. `code` says why: 'damaged', 'overlap', 'many', 'bomb', 'parts' (it lies in several files). */
export class ZipError extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

const damaged = (message) => new ZipError('damaged', `zip: ${message}`)

/**
 * @param {File} file
 * @returns {Promise<{kind: string, members: object[]}>} kind: 'document' (an office file or program, not to be looked into), 'asic' or 'zip'. Members
 *   are {path, file} with file a Member, or {path, why} with why 'encrypted', 'method' or 'bomb'; `nested` on those that are containers themselves.
 * Rejects with a ZipError, or as reading the file does.
 */
export async function lookInto(file) {
  const directory = await findDirectory(file)
  const entries = await readDirectory(file, directory)
  checkNames(entries)
  checkPlaces(entries, directory.offset, file.size)
  const kind = await kindOf(file, entries)
  if (kind === 'document') return { kind, members: [] }
  const wanted = entries.filter((entry) => isMember(entry, kind))
  return { kind, members: wanted.map((entry) => toMember(file, entry)) }
}

function isMember({ path }, kind) {
  if (path.endsWith('/') || path.startsWith('__MACOSX/')) return false // folders, and what macOS notes beside each file
  return kind !== 'asic' || (path !== 'mimetype' && !path.startsWith('META-INF/'))
}

function toMember(file, entry) {
  const { path, place } = entry
  const name = path.split('/').at(-1) || path
  const nested = containerNames.test(name)
  const why = whyNot(entry)
  return why ? { path, name, nested, why } : { path, name, nested, file: new Member(file, place, name) }
}

function whyNot({ encrypted, place }) {
  if (encrypted) return 'encrypted'
  if (place.method !== 0 && place.method !== 8) return 'method'
  return place.size > bombSize && place.size > bombRatio * place.packed ? 'bomb' : null
}

async function view(file, start, end) {
  return new DataView(await file.slice(start, end).arrayBuffer())
}

/** A number of eight bytes. */
function long(data, at) {
  const value = Number(data.getBigUint64(at, true))
  if (!Number.isSafeInteger(value)) throw damaged(`got ${value}, want a size that exists`)
  return value
}

/** Where the directory lies, and how many entries it has. */
async function findDirectory(file) {
  const start = Math.max(0, file.size - endSize - commentLimit)
  const tail = await view(file, start, file.size)
  const at = findEnd(tail)
  const end = {
    parts: tail.getUint16(at + 4, true) | tail.getUint16(at + 6, true),
    here: tail.getUint16(at + 8, true),
    count: tail.getUint16(at + 10, true),
    size: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
    behind: start + at,
  }
  const found = (await zip64(file, end)) ?? end
  if (found.parts !== 0 || found.here !== found.count) throw new ZipError('parts', 'zip: a part of several')
  if (found.count > memberLimit || found.size > directoryLimit) throw new ZipError('many', `zip: ${found.count} entries, want up to ${memberLimit}`)
  if (found.offset + found.size !== found.behind) throw damaged(`directory: got its end at ${found.offset + found.size}, want ${found.behind}`)
  return found
}

/** The end record, which alone reaches to the end of the file with its comment. Two that do are a trap for somebody. */
function findEnd(tail) {
  let found = -1
  for (let at = tail.byteLength - endSize; at >= 0; at--) {
    if (tail.getUint32(at, true) !== marks.end || at + endSize + tail.getUint16(at + 20, true) !== tail.byteLength) continue
    if (found >= 0) throw damaged('it has two ends')
    found = at
  }
  if (found < 0) throw damaged('it has no end: it may have been cut off')
  return found
}

/** The same from the records for large files, where there are such; they may not contradict the small ones. */
async function zip64(file, end) {
  const { behind } = end
  const before = await view(file, Math.max(0, behind - locatorSize), behind)
  if (before.byteLength < locatorSize || before.getUint32(0, true) !== marks.locator) return null
  const offset = long(before, 8)
  const record = await view(file, offset, offset + end64Size)
  if (record.byteLength < end64Size || record.getUint32(0, true) !== marks.end64 || offset + 12 + long(record, 4) !== behind - locatorSize)
    throw damaged('its end record for large files is not where it is said to be')
  const large = {
    parts: before.getUint32(4, true) | record.getUint32(16, true) | record.getUint32(20, true),
    here: long(record, 24),
    count: long(record, 32),
    size: long(record, 40),
    offset: long(record, 48),
    behind: offset,
  }
  const agree = (key, most) => end[key] === most || end[key] === large[key]
  if (!agree('count', 0xffff) || !agree('size', 0xffffffff) || !agree('offset', 0xffffffff)) throw damaged('its two end records disagree')
  return large
}

async function readDirectory(file, { offset, size, count }) {
  const data = await view(file, offset, offset + size)
  const entries = []
  let at = 0
  while (entries.length < count) {
    const entry = readEntry(data, at)
    entries.push(entry)
    at += entry.length
    if (entries.length % portion === 0) await new Promise((resolve) => setTimeout(resolve))
  }
  if (at !== size) throw damaged(`directory: got ${at} bytes in ${count} entries, want ${size}`)
  return entries
}

function readEntry(data, at) {
  if (at + entrySize > data.byteLength || data.getUint32(at, true) !== marks.entry) throw damaged(`no entry at byte ${at} of the directory`)
  const [nameSize, extraSize, commentSize] = [28, 30, 32].map((field) => data.getUint16(at + field, true))
  const length = entrySize + nameSize + extraSize + commentSize
  if (nameSize === 0 || at + length > data.byteLength) throw damaged(`the entry at byte ${at} of the directory is cut off`)
  const flags = data.getUint16(at + 8, true)
  const name = new Uint8Array(data.buffer.slice(at + entrySize, at + entrySize + nameSize))
  const place = {
    name,
    method: data.getUint16(at + 10, true),
    crc: data.getUint32(at + 16, true),
    packed: data.getUint32(at + 20, true),
    size: data.getUint32(at + 24, true),
    offset: data.getUint32(at + 42, true),
  }
  enlarge(place, new DataView(data.buffer, at + entrySize + nameSize, extraSize))
  return { path: decoded(name), encrypted: (flags & 0x2041) !== 0, length, place }
}

/** Takes the numbers that do not fit into four bytes from the field for large files, in their order (4.5.3). */
function enlarge(place, extra) {
  const large = ['size', 'packed', 'offset'].filter((key) => place[key] === 0xffffffff)
  for (let at = 0; at < extra.byteLength; ) {
    if (at + 4 > extra.byteLength) throw damaged('an extra field is cut off')
    const [id, size] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)]
    if (at + 4 + size > extra.byteLength) throw damaged('an extra field is cut off')
    if (id === 1) {
      if (size < 8 * large.length) throw damaged('the field for large files is too short')
      large.splice(0).forEach((key, i) => (place[key] = long(extra, at + 4 + 8 * i)))
    }
    at += 4 + size
  }
  if (large.length > 0) throw damaged('the field for large files is missing')
}

/** Names are UTF-8, said so or not, or else from an old program: the letters may then be others, and the document is the same. */
function decoded(name) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(name)
  } catch {
    return new TextDecoder('windows-1252').decode(name)
  }
}

/** No two members may have one name: which of them a reader gets in the end depends on the program that unpacks. */
function checkNames(entries) {
  const seen = new Set()
  for (const { path } of entries) {
    if (path.endsWith('/')) continue // a folder may be named twice
    const plain = path.replaceAll('\\', '/').split('/').filter((part) => part !== '' && part !== '.').join('/')
    if (seen.has(plain)) throw damaged(`two entries are called ${JSON.stringify(path)}`)
    seen.add(plain)
  }
}

/** No two members may share bytes, nor any with the directory: that is how a small file unpacks to a huge one. */
function checkPlaces(entries, directoryOffset, fileSize) {
  const places = entries.map((entry) => entry.place).sort((a, b) => a.offset - b.offset)
  if (places.length > 0 && places[0].offset !== 0) throw damaged(`its first member is at byte ${places[0].offset}, want 0: what stands before it may be another`)
  places.forEach((place, i) => {
    place.end = places[i + 1]?.offset ?? directoryOffset
    if (place.offset + 30 + place.name.length + place.packed > place.end) throw new ZipError('overlap', `zip: members overlap at byte ${place.end}`)
  })
  const total = places.reduce((sum, place) => sum + place.size, 0)
  if (total > totalLimit && total > bombRatio * fileSize) throw new ZipError('bomb', `zip: ${fileSize} bytes unpack to ${total}`)
}

/** What the container is: its first member may say so, if it is called mimetype. */
async function kindOf(file, entries) {
  if (asicNames.test(file.name)) return 'asic'
  const first = entries[0]
  if (first?.path === 'mimetype' && first.place.size < 256 && whyNot(first) === null) {
    const type = await new Member(file, first.place, first.path).slice(0).text().catch(() => '')
    return asicTypes.includes(type.trim()) ? 'asic' : 'document'
  }
  return entries.some(({ path }) => partOf.includes(path)) ? 'document' : 'zip'
}
