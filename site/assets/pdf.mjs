// What a PDF shows of how it came to be (ISO 32000-1): in how many steps it was written and where each of them ended,
// by which programs, and whether its pages are text or pictures. Everything is read by way of the cross-reference
// sections, so that a file of any size costs a few small reads. What is broken is not guessed at.

import { bytesOf, Enough, fromXML, joined, latin1 } from './bytes.mjs'
import { mapOf, showText } from './pdftext.mjs'
import { Name, parse, Ref } from './pdfsyntax.mjs'

const sectionLimit = 64 // cross-reference sections followed
const nodeLimit = 64 // of the page tree
const pageLimit = 4 // pages looked into
const streamLimit = 2 << 20 // bytes of one stream, unpacked
const scanLimit = 32 << 20 // bytes searched where the cross-reference is broken
const addedLimit = 4 << 20 // bytes of an update that are looked into
const textLimit = 1 << 20 // characters

/** Whether a file begins as a PDF does; readers allow for something before it. */
export function isPDF(head) {
  return head.slice(0, 1024).includes('%PDF-')
}

/**
 * Reads what there is to be read.
 * @param {Reader} reader
 * @returns {Promise<object>} complete (it has an end), revisions ({end, ends, objects, added}, newest first; `ends` are the
 *   lengths that the file may have had before it was added to), info, encrypted, linearised, after (bytes after its end),
 *   signedUpTo (how far signatures reach), pages ({seen, pictures, words}), text
 */
export async function readPDF(reader) {
  const pdf = new PDF(reader)
  const facts = { complete: true, revisions: [], info: {}, encrypted: false, linearised: false, after: null, signedUpTo: [], pages: { seen: 0, pictures: 0, words: 0 }, text: '' }
  for (const step of ['begin', 'findRevisions', 'findInfo', 'findPages']) {
    try {
      await pdf[step](facts)
    } catch (error) {
      if (error?.name === 'AbortError') throw error
      // One part that cannot be read says nothing about the others, unless a limit is reached.
      if (error instanceof Enough) break
    }
  }
  return facts
}

class PDF {
  constructor(reader) {
    this.reader = reader
    this.shift = 0 // of all places, where something stands before the head
    this.sections = [] // newest first: {at, objects, find, trailer}
    this.objects = new Map()
  }

  async begin(facts) {
    const head = await this.reader.text(0, 2048)
    this.shift = Math.max(0, head.indexOf('%PDF-'))
    facts.linearised = /\/Linearized\s+1/.test(head)
    const end = await this.lastEnd()
    facts.complete = end !== null
    if (!end) return
    this.end = end.to
    if (!/^(?:\r\n|\r|\n|)$/.test(await this.reader.text(end.to, end.to + 3))) facts.after = { bytes: this.reader.size - end.to, ends: await this.endsAfter(end.to) }
    await this.follow(end.start)
    facts.encrypted = this.sections.some((s) => s.trailer.Encrypt !== undefined)
  }

  /** The last "startxref": what stands after the "%%EOF" is not the document's. */
  async lastEnd() {
    const { size } = this.reader
    for (const reach of [2048, 64 << 10, 1 << 20]) {
      const from = Math.max(0, size - reach)
      const found = [...(await this.reader.text(from, size)).matchAll(allEnds)].at(-1)
      if (found) return { start: Number(found[1]), to: from + found.index + found[0].length }
      if (from === 0) break
    }
    return null
  }

  /** Follows the cross-reference sections from the newest to the first. */
  async follow(start) {
    const seen = new Set()
    const next = [start]
    while (next.length > 0 && this.sections.length < sectionLimit) {
      const at = next.shift()
      if (seen.has(at)) continue // a loop
      seen.add(at)
      const section = await this.section(at).catch(fatal)
      if (!section) {
        this.broken = true
        continue
      }
      this.sections.push(section)
      const { XRefStm, Prev } = section.trailer
      if (Number.isInteger(Prev)) next.push(Prev)
      if (Number.isInteger(XRefStm)) section.hybrid = await this.section(XRefStm).catch(fatal)
    }
  }

  async section(at) {
    const place = at + this.shift
    if (!(place >= 0) || place >= this.reader.size) return null
    const text = await this.reader.text(place, place + 1024)
    if (/^\s*xref\b/.test(text)) return this.table(at, place + text.indexOf('xref') + 4)
    return /^\s*\d+\s+\d+\s+obj\b/.test(text) ? this.xrefStream(at, place) : null
  }

  /** A table: lines of 20 bytes, which are left where they are until one is needed. */
  async table(at, from) {
    const parts = []
    let objects = 0
    for (let place = from; parts.length < 4096; ) {
      const text = await this.reader.text(place, place + 128)
      const head = text.match(/^\s*(\d{1,10})\s+(\d{1,10})\s*/)
      if (!head) {
        if (!/^\s*trailer\b/.test(text)) return null
        const trailer = await this.parseAt(place + text.indexOf('trailer') + 7)
        return { at, to: place, objects, trailer: dictionary(trailer), find: (n) => this.inTable(parts, n) }
      }
      const [first, count] = [Number(head[1]), Number(head[2])]
      parts.push({ first, count, place: place + head[0].length })
      objects += count
      place += head[0].length + 20 * count
      if (place > this.reader.size) return null
    }
    return null
  }

  async inTable(parts, n) {
    const part = parts.find(({ first, count }) => n >= first && n < first + count)
    if (!part) return null
    const place = part.place + 20 * (n - part.first)
    const line = (await this.reader.text(place, place + 20)).match(/^(\d{10}) (\d{5}) ([nf])/)
    return line ? (line[3] === 'n' ? { at: Number(line[1]) } : { free: true }) : null
  }

  async xrefStream(at, place) {
    const { dict, bytes, end } = await this.streamAt(place)
    if (dict.Type?.name !== 'XRef') return null
    const widths = (dict.W ?? []).slice(0, 3).map(Number)
    const row = widths.reduce((sum, w) => sum + w, 0)
    if (widths.length !== 3 || widths.some((w) => !(w >= 0 && w <= 8)) || row === 0) return null
    const index = Array.isArray(dict.Index) ? dict.Index.map(Number) : [0, Number(dict.Size)]
    const objects = index.reduce((sum, n, i) => (i % 2 ? sum + n : sum), 0)
    return { at, to: end, objects, trailer: dict, find: async (n) => inRows(bytes, widths, row, index, n) }
  }

  /** The bytes of a stream, unpacked as far as that is simple, with its dictionary. */
  async streamAt(place) {
    const text = await this.reader.text(place, place + 8192)
    const head = text.match(/^\s*\d+\s+\d+\s+obj\b/)
    if (!head) throw new Error('no object')
    const parsed = parse(text, head[0].length)
    const dict = dictionary(parsed.value)
    const begin = text.slice(parsed.at).match(/^\s*stream(\r\n|\n|\r)/)
    if (!begin) throw new Error('no stream')
    const from = place + parsed.at + begin[0].length
    const length = Number(await this.get(dict.Length))
    if (!(length >= 0) || from + length > this.reader.size) throw new Error('no length')
    const packed = await this.reader.bytes(from, from + Math.min(length, streamLimit))
    return { dict, bytes: await this.unpack(packed, dict), end: from + length }
  }

  async unpack(packed, dict) {
    const filters = [await this.get(dict.Filter)].flat().filter(Boolean)
    const parms = [await this.get(dict.DecodeParms)].flat()
    let bytes = packed
    for (const [i, filter] of filters.entries()) {
      if (filter.name === 'FlateDecode') bytes = predicted(await this.reader.inflate(bytes, 'deflate', streamLimit), dictionary(await this.get(parms[i])))
      else if (filter.name === 'ASCIIHexDecode') bytes = fromHex(latin1(bytes))
      else if (filter.name === 'ASCII85Decode') bytes = fromAscii85(latin1(bytes))
      else throw new Error('a filter that is not read here')
    }
    return bytes
  }

  async parseAt(place) {
    return parse(await this.reader.text(place, place + 16384), 0).value
  }

  /** A value, or what a reference leads to. */
  async get(thing, depth = 0) {
    if (!(thing instanceof Ref)) return thing
    if (depth > 8) return null
    if (!this.objects.has(thing.number)) {
      this.objects.set(thing.number, null) // a reference to itself leads to nothing
      this.objects.set(thing.number, await this.object(thing.number).catch(fatal))
      if (this.objects.size > 4096) throw new Enough('objects')
    }
    return this.get(this.objects.get(thing.number), depth + 1)
  }

  async where(number) {
    for (const section of this.sections) {
      const entry = (await section.find(number)) ?? (await section.hybrid?.find(number))
      if (entry) return entry
    }
    return null
  }

  async object(number) {
    const entry = await this.where(number)
    if (!entry || entry.free) return null
    if (entry.within !== undefined) return this.packed(entry.within, number)
    const place = entry.at + this.shift
    let text = await this.reader.text(place, place + 16384)
    const head = text.match(/^\s*(\d+)\s+\d+\s+obj\b/)
    if (!head || Number(head[1]) !== number) return null
    let parsed
    try {
      parsed = parse(text, head[0].length)
    } catch {
      text = await this.reader.text(place, place + (256 << 10)) // a signature's bytes, a long list of pages
      parsed = parse(text, head[0].length)
    }
    if (isDictionary(parsed.value)) parsed.value[streamed] = /^\s*stream[\r\n]/.test(text.slice(parsed.at, parsed.at + 64)) ? place : null
    return parsed.value
  }

  async packed(within, number) {
    const entry = await this.where(within)
    if (entry?.at === undefined) return null
    this.packs ??= new Map()
    if (!this.packs.has(within)) this.packs.set(within, await this.streamAt(entry.at + this.shift))
    return packedObjects(this.packs.get(within)).get(number) ?? null
  }

  /** A stream's content; nothing where it is none that can be read. */
  async content(ref) {
    const dict = await this.get(ref)
    if (!isDictionary(dict) || dict[streamed] == null) return null
    return (await this.streamAt(dict[streamed]).catch(fatal))?.bytes ?? null
  }

  // Revisions

  async findRevisions(facts) {
    const ends = this.broken || this.sections.length === 0 ? await this.scanEnds() : await this.chainEnds()
    let to = this.end ?? 0
    for (const end of ends.filter((end) => end < to).sort((a, b) => b - a)) {
      const objects = this.updateBetween(end, to)?.objects ?? null
      facts.revisions.push({ end, to, ends: await this.endsAfter(end), objects, added: await this.added(end, to) })
      to = end
    }
  }

  /** Ends of what each section but the newest closed: those whose "startxref" leads back into the chain. */
  async chainEnds() {
    const known = new Set(this.sections.map((s) => s.at))
    const ends = new Set()
    for (const section of this.sections) {
      const found = await this.reader.find(endOfFile, section.to)
      if (found && known.has(Number(found.match[1])) && Number(found.match[1]) > 0) ends.add(found.at + found.match[0].length)
    }
    return [...ends]
  }

  async scanEnds() {
    const ends = []
    const limit = Math.min(this.reader.size, scanLimit)
    for (let at = 0; ends.length < sectionLimit; ) {
      const found = await this.reader.find(endOfFile, at, limit)
      if (!found) break
      at = found.at + found.match[0].length
      if (Number(found.match[1]) > 0) ends.push(at)
    }
    return ends
  }

  updateBetween(from, to) {
    return this.sections.find(({ at }) => at + this.shift >= from && at + this.shift < to) ?? null
  }

  /** The lengths that a file which ended at a place may have had: with the line's end that stands there, or part of it. */
  async endsAfter(end) {
    const gap = (await this.reader.text(end, end + 2)).match(/^(\r\n|\n\n|\r|\n|)/)[0]
    return Array.from({ length: gap.length + 1 }, (_, i) => end + gap.length - i)
  }

  /** What an update holds, as far as its words show. */
  async added(from, to) {
    const raw = await this.reader.text(from, Math.min(to, from + addedLimit))
    const text = raw + (await this.unpacked(raw, from))
    const what = Object.entries(additions).filter(([, pattern]) => pattern.test(text)).map(([code]) => code)
    if (newContents(raw, text)) what.push('page')
    return what.length > 0 || !details.test(text) ? what : ['details']
  }

  /** The objects that an update holds in object streams. */
  async unpacked(raw, from) {
    let all = ''
    for (const m of [...raw.matchAll(/\d{1,10}\s{1,4}\d{1,5}\s{1,4}obj\s{0,4}<<(?:(?!stream)[^]){0,512}?\/ObjStm/g)].slice(0, 16)) {
      const stream = await this.streamAt(from + m.index).catch(fatal)
      if (stream) all += latin1(stream.bytes)
    }
    return all
  }

  // What it says of itself

  async findInfo(facts) {
    const trailer = Object.assign({}, ...this.sections.map((s) => s.trailer).reverse())
    const info = dictionary(await this.get(trailer.Info))
    for (const [key, field] of Object.entries(infoFields)) {
      const found = await this.get(info[field])
      if (typeof found === 'string' && !facts.encrypted) facts.info[key] = textString(found)
    }
    const root = dictionary(await this.get(trailer.Root))
    const xmp = facts.encrypted ? null : await this.content(root.Metadata)
    if (xmp) addXMP(facts.info, new TextDecoder().decode(xmp))
    this.root = root
    await this.findSignatures(facts, dictionary(await this.get(root.AcroForm)))
  }

  /** How far the signatures in its form fields reach. */
  async findSignatures(facts, form) {
    const fields = await this.get(form.Fields)
    for (const ref of Array.isArray(fields) ? fields.slice(0, nodeLimit) : []) {
      const field = dictionary(await this.get(ref))
      if (field.FT?.name !== 'Sig') continue
      const range = await this.get(dictionary(await this.get(field.V)).ByteRange)
      const reach = Array.isArray(range) && range.length === 4 ? range[2] + range[3] : NaN
      if (reach > 0 && reach <= this.reader.size && !facts.signedUpTo.includes(reach)) facts.signedUpTo.push(reach)
    }
  }

  // Its pages

  async findPages(facts) {
    if (facts.encrypted || !this.root) return
    let visited = 0
    const walk = async (ref, inherited) => {
      if (visited++ > nodeLimit || facts.pages.seen >= pageLimit) return
      const node = dictionary(await this.get(ref))
      const resources = node.Resources ?? inherited
      const kids = await this.get(node.Kids)
      if (Array.isArray(kids)) for (const kid of kids.slice(0, nodeLimit)) await walk(kid, resources)
      else if (node.Type?.name === 'Page') await this.page(facts, node, resources)
    }
    await walk(this.root.Pages, null)
  }

  async page(facts, node, resources) {
    facts.pages.seen++
    const listed = await this.get(node.Contents)
    const streams = []
    for (const ref of (Array.isArray(listed) ? listed : [node.Contents]).slice(0, 16)) streams.push((await this.content(ref)) ?? new Uint8Array(0), bytesOf('\n'))
    const seen = await this.shown(latin1(joined(streams)), dictionary(await this.get(resources)), 0)
    facts.pages.pictures += seen.pictures
    facts.pages.words += seen.words
    if (facts.text.length < textLimit) facts.text += `${seen.text}\n`
  }

  /** What a content stream shows, forms within it too. */
  async shown(content, resources, depth) {
    const fonts = {}
    for (const [name, ref] of Object.entries(dictionary(await this.get(resources.Font))).slice(0, 64)) fonts[name] = await this.font(ref)
    const seen = showText(content, fonts)
    const objects = dictionary(await this.get(resources.XObject))
    let pictures = seen.inline
    for (const name of seen.drawn.slice(0, 32)) {
      const drawn = dictionary(await this.get(objects[name]))
      if (drawn.Subtype?.name === 'Image') pictures++
      if (drawn.Subtype?.name !== 'Form' || depth > 2) continue
      const inner = await this.content(objects[name])
      if (!inner) continue
      const within = await this.shown(latin1(inner), dictionary(await this.get(drawn.Resources ?? resources)), depth + 1)
      pictures += within.pictures
      seen.words += within.words
      seen.text += `\n${within.text}`
    }
    return { pictures, words: seen.words, text: seen.text }
  }

  /** How a font's codes are read: by its table, or as Windows text. */
  async font(ref) {
    const font = dictionary(await this.get(ref))
    const table = font.ToUnicode ? await this.content(font.ToUnicode) : null
    return { wide: font.Subtype?.name === 'Type0', map: table ? mapOf(latin1(table)) : null }
  }
}

const endOfFile = /startxref\s{1,8}(\d{1,12})\s{1,8}%%EOF/
const allEnds = new RegExp(endOfFile, 'g')
const streamed = Symbol('place of its stream')

const infoFields = { producer: 'Producer', creator: 'Creator', created: 'CreationDate', modified: 'ModDate' }

/** Words by which an update shows what it adds. */
const additions = {
  signature: /\/Type\s*\/(?:Sig|DocTimeStamp)\b|\/FT\s*\/Sig\b/,
  comment: /\/Subtype\s*\/(?:Text|FreeText|Highlight|Underline|Squiggly|StrikeOut|Ink|Stamp|Line|Square|Circle|Polygon|PolyLine|Caret|FileAttachment)\b/,
  field: /\/FT\s*\/(?:Tx|Btn|Ch)\b/,
}
const details = /\/Type\s*\/Metadata\b|\/ModDate\b/

/** Whether an update holds what a page shows. A page is written anew for every comment on it, but then with the contents that it had. */
function newContents(raw, text) {
  const own = new Set([...raw.matchAll(/\b(\d{1,10})\s{1,4}\d{1,5}\s{1,4}obj\b/g)].map(([, number]) => number))
  const shown = [...text.matchAll(/\/Contents\s{0,8}(?:\[([^\]]{0,4000})\]|(\d{1,10}\s{1,4}\d{1,5}\s{1,4}R))/g)].map(([, list, one]) => list ?? one)
  return shown.some((refs) => [...refs.matchAll(/(\d{1,10})\s{1,4}\d{1,5}\s{1,4}R/g)].some(([, number]) => own.has(number)))
}

/** Passes over what is broken, and nothing else. */
function fatal(error) {
  if (error instanceof Enough || error?.name === 'AbortError') throw error
  return null
}

const isDictionary = (thing) => typeof thing === 'object' && thing !== null && !Array.isArray(thing) && !(thing instanceof Ref) && !(thing instanceof Name)

function dictionary(thing) {
  return isDictionary(thing) ? thing : Object.create(null)
}

/** An entry in the rows of a cross-reference stream. */
function inRows(bytes, widths, row, index, n) {
  let at = 0
  for (let i = 0; i + 1 < index.length; i += 2) {
    const [first, count] = [index[i], index[i + 1]]
    if (n >= first && n < first + count) return entryAt(bytes, at + (n - first) * row, widths)
    at += count * row
  }
  return null
}

function entryAt(bytes, at, widths) {
  const fields = []
  for (const [i, width] of widths.entries()) {
    let sum = 0
    for (let k = 0; k < width; k++) sum = sum * 256 + (bytes[at + k] ?? NaN)
    at += width
    fields.push(width === 0 && i === 0 ? 1 : sum)
  }
  const [kind, second] = fields
  if (kind === 1 && second >= 0) return { at: second }
  if (kind === 2 && second >= 0) return { within: second }
  return kind === 0 ? { free: true } : null
}

function packedObjects(stream) {
  if (stream.found) return stream.found
  const found = (stream.found = new Map())
  const text = latin1(stream.bytes)
  const first = Number(stream.dict.First)
  if (!(first >= 0)) return found
  const heads = text.slice(0, first).trim().split(/\s+/).map(Number)
  for (let i = 0; i + 1 < heads.length && i < 20_000; i += 2) {
    try {
      found.set(heads[i], parse(text, first + heads[i + 1]).value)
    } catch {
      // The others may be sound.
    }
  }
  return found
}

/** Takes back the predictors of PNG, with which cross-reference streams are packed. */
function predicted(bytes, parms) {
  const predictor = Number(parms.Predictor ?? 1)
  if (predictor < 10) return bytes
  const columns = Number(parms.Columns ?? 1) * Number(parms.Colors ?? 1)
  if (!(columns > 0 && columns <= 4096)) return bytes
  const rows = Math.floor(bytes.length / (columns + 1))
  const out = new Uint8Array(rows * columns)
  for (let r = 0; r < rows; r++) {
    const kind = bytes[r * (columns + 1)]
    for (let c = 0; c < columns; c++) {
      const left = c > 0 ? out[r * columns + c - 1] : 0
      const up = r > 0 ? out[(r - 1) * columns + c] : 0
      const upLeft = r > 0 && c > 0 ? out[(r - 1) * columns + c - 1] : 0
      out[r * columns + c] = bytes[r * (columns + 1) + 1 + c] + guess(kind, left, up, upLeft)
    }
  }
  return out
}

function guess(kind, left, up, upLeft) {
  if (kind === 1) return left
  if (kind === 2) return up
  if (kind === 3) return (left + up) >> 1
  if (kind !== 4) return 0
  const p = left + up - upLeft
  const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - upLeft)]
  return a <= b && a <= c ? left : b <= c ? up : upLeft
}

function fromHex(text) {
  const digits = text.split('>')[0].replace(/[^0-9a-f]/gi, '')
  return Uint8Array.from((digits.length % 2 ? `${digits}0` : digits).match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

function fromAscii85(text) {
  const out = []
  let group = []
  for (const c of text.split('~')[0]) {
    const code = c.charCodeAt(0)
    if (c === 'z' && group.length === 0) out.push(0, 0, 0, 0)
    else if (code >= 33 && code <= 117) group.push(code - 33)
    if (group.length === 5) {
      out.push(...quad(group, 4))
      group = []
    }
  }
  if (group.length > 1) out.push(...quad([...group, 84, 84, 84, 84].slice(0, 5), group.length - 1))
  return Uint8Array.from(out)
}

function quad(digits, count) {
  const n = digits.reduce((sum, d) => sum * 85 + d, 0) >>> 0
  return [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].slice(0, count)
}

/** A text string: UTF-16 or UTF-8 with its mark, or Latin letters. */
export function textString(raw) {
  const bytes = bytesOf(raw)
  if (raw.startsWith('\xfe\xff')) return new TextDecoder('utf-16be').decode(bytes)
  if (raw.startsWith('\xff\xfe')) return new TextDecoder('utf-16le').decode(bytes)
  if (raw.startsWith('\xef\xbb\xbf')) return new TextDecoder().decode(bytes)
  return new TextDecoder('windows-1252').decode(bytes)
}

/** Fields of an XMP packet, where the document's own details do not have them. */
function addXMP(info, xml) {
  const fields = { producer: 'pdf:Producer', creator: 'xmp:CreatorTool', created: 'xmp:CreateDate', modified: 'xmp:ModifyDate' }
  for (const [key, name] of Object.entries(fields)) {
    const found = xml.match(new RegExp(`<${name}>([^<]{1,200})</${name}>`)) ?? xml.match(new RegExp(`\\s${name}="([^"]{1,200})"`))
    if (found && !info[key]) info[key] = fromXML(found[1])
  }
}
