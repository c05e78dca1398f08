// What an office document (ECMA-376, or OpenDocument) says of itself. It is a ZIP archive: its list of contents is at
// its end, and only the few small parts that matter are unpacked.

import { fromXML } from './bytes.mjs'

const partLimit = 4 << 20 // bytes of one part, unpacked
const listLimit = 4 << 20 // bytes of the list of contents

/**
 * @param {Reader} reader
 * @returns {Promise<object|null>} complete (it has an end), kind (ooxml, odf or zip), and as far as it says: author, changedBy, created,
 *   modified, program, signed, text
 */
export async function readOffice(reader) {
  const parts = await contents(reader)
  if (!parts) return { kind: 'zip', complete: false, text: '' }
  const facts = { kind: 'zip', complete: true, text: '' }
  if (parts.has('[Content_Types].xml')) await readOOXML(reader, parts, facts)
  else if (parts.has('content.xml')) await readODF(reader, parts, facts)
  return facts
}

async function readOOXML(reader, parts, facts) {
  facts.kind = 'ooxml'
  const core = await part(reader, parts.get('docProps/core.xml'))
  Object.assign(facts, { author: tag(core, 'dc:creator'), changedBy: tag(core, 'cp:lastModifiedBy'), created: tag(core, 'dcterms:created'), modified: tag(core, 'dcterms:modified') })
  facts.program = tag(await part(reader, parts.get('docProps/app.xml')), 'Application')
  const main = await part(reader, parts.get('word/document.xml') ?? parts.get('xl/sharedStrings.xml') ?? parts.get('ppt/slides/slide1.xml'))
  facts.text = wordsOf(main)
}

async function readODF(reader, parts, facts) {
  facts.kind = 'odf'
  const meta = await part(reader, parts.get('meta.xml'))
  Object.assign(facts, { author: tag(meta, 'meta:initial-creator'), changedBy: tag(meta, 'dc:creator'), created: tag(meta, 'meta:creation-date'), modified: tag(meta, 'dc:date'), program: tag(meta, 'meta:generator') })
  facts.text = wordsOf(await part(reader, parts.get('content.xml')))
}

function tag(xml, name) {
  const found = xml.match(new RegExp(`<${name}(?:\\s[^>]{0,200})?>([^<]{1,300})</${name}>`))
  return found ? fromXML(found[1]).trim() : ''
}

/** The words of a part: paragraphs apart, and what is split over runs in one. */
function wordsOf(xml) {
  return fromXML(xml.replace(/<\/(?:w:p|text:p|text:h|si|a:p)>|<(?:w:br|w:tab|w:cr|text:tab|text:s|text:line-break)\b[^>]{0,200}>/g, ' ').replace(/<[^>]{0,20000}>/g, ''))
}

/** The archive's parts by name: {at, packed, size, method}. */
async function contents(reader) {
  const from = Math.max(0, reader.size - 66_000)
  const tail = await reader.text(from, reader.size)
  const end = tail.lastIndexOf('PK\x05\x06')
  if (end < 0 || tail.length < end + 22) return null
  const [length, at] = [number(tail, end + 12, 4), number(tail, end + 16, 4)]
  const list = await reader.text(at, at + Math.min(length, listLimit))
  const parts = new Map()
  for (let p = 0; list.startsWith('PK\x01\x02', p) && parts.size < 4096; ) {
    const [name, extra, comment] = [number(list, p + 28, 2), number(list, p + 30, 2), number(list, p + 32, 2)]
    const entry = { at: number(list, p + 42, 4), packed: number(list, p + 20, 4), method: number(list, p + 10, 2) }
    parts.set(list.slice(p + 46, p + 46 + name), entry)
    p += 46 + name + extra + comment
  }
  return parts
}

async function part(reader, entry) {
  if (!entry) return ''
  const head = await reader.text(entry.at, entry.at + 30)
  if (!head.startsWith('PK\x03\x04')) return ''
  const from = entry.at + 30 + number(head, 26, 2) + number(head, 28, 2)
  const raw = await reader.bytes(from, from + Math.min(entry.packed, partLimit))
  if (entry.method === 8) return new TextDecoder().decode(await reader.inflate(raw, 'deflate-raw', partLimit))
  return entry.method === 0 ? new TextDecoder().decode(raw) : ''
}

function number(text, at, length) {
  let sum = 0
  for (let i = length - 1; i >= 0; i--) sum = sum * 256 + text.charCodeAt(at + i)
  return sum
}
