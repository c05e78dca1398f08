// Documents that are wrapped in something else: e-mail messages and their parts (RFC 5322, RFC 2045), signed envelopes
// (RFC 5652), Outlook's winmail.dat, and files that are still in the letters in which they were sent.

import { bytesOf, latin1 } from './bytes.mjs'

const limit = 48 << 20 // bytes of a wrapper that is taken apart
const partLimit = 64 // parts of a message
const depthLimit = 6 // wrappers within wrappers

/**
 * @typedef {object} Inner
 * @property {Uint8Array} bytes
 * @property {string} name as the wrapper calls it, or ''
 * @property {string} how mail, signed, winmail, base64, quoted, uu
 */

/**
 * What a file wraps. Nothing where it wraps nothing.
 * @param {Blob} file
 * @param {string} head its first bytes, as characters
 * @returns {Promise<{kind: string, inner: Inner[]}|null>} kind: mail, signed, sealed, winmail, outlook, base64, quoted, uu
 */
export async function unwrap(file, head) {
  if (head.startsWith('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')) return (await isOutlook(file)) ? { kind: 'outlook', inner: [] } : null
  if (!mayWrap(head) || file.size > limit) return null
  const text = latin1(new Uint8Array(await file.arrayBuffer()))
  const kind = kindOf(text)
  if (!kind) return null
  const inner = []
  const found = open(kind, text, '', inner, 0)
  return found ? { kind: found, inner } : null
}

const winmail = '\x78\x9f\x3e\x22'
const header = /^(?:[!-9;-~]{1,64}:[ \t]?[^\r\n]{0,2000}(?:\r?\n[ \t][^\r\n]{0,2000}){0,200}\r?\n){2,400}/
const mailField = /^(?:from|received|mime-version|content-type|return-path|message-id|delivered-to):/im

function mayWrap(head) {
  return head.startsWith(winmail) || head.startsWith('\x30') || /^(?:From [^\r\n]+\r?\n)?[!-9;-~]{1,64}:/.test(head) || /^\s*begin \d{3,4} /.test(head) || armoured.test(head.slice(0, 200)) || head.includes('=\r\n') || head.includes('=\n')
}

const armoured = /^\s*(?:-----BEGIN [A-Z0-9 ]{2,40}-----|[A-Za-z0-9+/]{40})/

function kindOf(text) {
  if (text.startsWith(winmail)) return 'winmail'
  if (text[0] === '\x30' && pkcs7(text)) return 'signed'
  const begin = text.slice(0, 1 << 16)
  if (isMail(begin)) return 'mail'
  if (/^\s{0,64}begin \d{3,4} [^\r\n]{1,200}\r?\n/.test(begin)) return 'uu'
  if (base64(text)) return 'base64'
  return isQuoted(text) ? 'quoted' : null
}

function isMail(begin) {
  const head = begin.replace(/^From [^\r\n]{1,500}\r?\n/, '').match(header)
  return head !== null && mailField.test(head[0])
}

/** Takes a wrapper apart, and what is within it, and says what it was. */
function open(kind, text, name, inner, depth) {
  if (depth > depthLimit || inner.length >= partLimit) return kind
  if (kind === 'mail') message(text, inner, depth)
  else if (kind === 'winmail') attachments(text, inner)
  else if (kind === 'signed') {
    const { type, content } = pkcs7(text)
    if (type === 'sealed') return 'sealed'
    if (content !== null) add({ bytes: bytesOf(content), name, how: 'signed' }, inner, depth)
  } else if (kind === 'uu') add(uudecode(text), inner, depth)
  else if (kind === 'base64') {
    const bytes = base64(text)
    const decoded = latin1(bytes.subarray(0, 64))
    if (decoded.startsWith('\x30') && pkcs7(latin1(bytes))) return open('signed', latin1(bytes), name, inner, depth + 1)
    add({ bytes, name, how: 'base64' }, inner, depth)
  } else if (kind === 'quoted') add({ bytes: bytesOf(quoted(text)), name, how: 'quoted' }, inner, depth)
  return kind
}

/** Adds what was wrapped, and what that wraps in turn. */
function add(part, inner, depth) {
  if (inner.length >= partLimit || part.bytes.length === 0) return
  inner.push(part)
  const text = latin1(part.bytes.subarray(0, 1 << 16))
  const kind = text.startsWith(winmail) ? 'winmail' : text.startsWith('\x30') && pkcs7(latin1(part.bytes)) ? 'signed' : isMail(text) ? 'mail' : null
  if (kind && depth < depthLimit) open(kind, latin1(part.bytes), part.name.replace(/\.p7[ms]$/i, ''), inner, depth + 1)
}

// Messages

function message(text, inner, depth) {
  text = text.replace(/^From [^\r\n]{1,500}\r?\n/, '')
  const blank = /^\r?\n/.test(text) ? 0 : text.search(/\r?\n\r?\n/) // a part may have no fields
  if (blank < 0 || depth > depthLimit) return
  const fields = fieldsOf(text.slice(0, Math.min(blank, 1 << 16)))
  const body = text.slice(blank).replace(blank === 0 ? /^\r?\n/ : /^\r?\n\r?\n/, '')
  const type = fields['content-type'] ?? 'text/plain'
  const boundary = parameter(type, 'boundary')
  if (/^multipart\//i.test(type) && boundary) {
    for (const part of split(body, boundary)) if (inner.length < partLimit) message(part, inner, depth + 1)
    return
  }
  const name = words(parameter(fields['content-disposition'] ?? '', 'filename') || parameter(type, 'name'))
  const bytes = decoded(body, fields['content-transfer-encoding'] ?? '')
  if (!name && /^text\//i.test(type)) return // what the sender wrote
  add({ bytes, name, how: 'mail' }, inner, depth)
  // A text is sent with line ends of its own kind.
  if (/^text\//i.test(type) && !/base64/i.test(fields['content-transfer-encoding'] ?? '') && inner.length < partLimit)
    inner.push({ bytes: bytesOf(latin1(bytes).replace(/\r\n/g, '\n')), name, how: 'mail', twin: true })
}

function fieldsOf(head) {
  const fields = Object.create(null)
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/).slice(0, 500)) {
    const colon = line.indexOf(':')
    if (colon > 0) fields[line.slice(0, colon).trim().toLowerCase()] ??= line.slice(colon + 1).trim()
  }
  return fields
}

/** A parameter of a field; of one in several pieces or another encoding too (RFC 2231). */
function parameter(field, name) {
  const plain = field.match(new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.){0,500})"|([^\\s;]{1,500}))`, 'i'))
  if (plain) return (plain[1] ?? plain[2]).replace(/\\(.)/g, '$1')
  const pieces = [...field.matchAll(new RegExp(`;\\s*${name}\\*(?:\\d{1,2}\\*?)?\\s*=\\s*(?:"([^"]{0,500})"|([^\\s;]{1,500}))`, 'gi'))]
  const whole = pieces.map((m) => m[1] ?? m[2]).join('')
  const [, charset, rest] = whole.match(/^([\w-]{0,40})'[\w-]{0,40}'(.*)$/) ?? [null, 'utf-8', whole]
  return decodeAs(charset, rest.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))))
}

/** Words of a header in another encoding (RFC 2047). */
function words(text) {
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?([\w-]{1,40})\?([bq])\?([^?]{0,1000})\?=/gi, (_, charset, how, coded) =>
      decodeAs(charset, how.toLowerCase() === 'b' ? latin1(base64Loose(coded)) : quoted(coded.replace(/_/g, ' '))),
    )
}

function decodeAs(charset, raw) {
  try {
    return new TextDecoder(charset || 'utf-8').decode(bytesOf(raw))
  } catch {
    return raw
  }
}

function split(body, boundary) {
  const parts = `\n${body}`.split(`\n--${boundary}`).slice(1, partLimit + 1)
  const end = parts.findIndex((part) => part.startsWith('--'))
  // The line's end before a boundary is the boundary's.
  return (end < 0 ? parts : parts.slice(0, end)).map((part) => part.replace(/^[ \t]*\r?\n/, '').replace(/\r$/, ''))
}

function decoded(body, encoding) {
  if (/base64/i.test(encoding)) return base64Loose(body)
  return bytesOf(/quoted-printable/i.test(encoding) ? quoted(body) : body)
}

// Letters that stand for bytes

/** The whole of a text as base64, with or without a frame; null where it is none. */
function base64(text) {
  const framed = text.match(/^\s{0,64}-----BEGIN [A-Z0-9 ]{2,40}-----\r?\n([A-Za-z0-9+/=\r\n]{40,})-----END [A-Z0-9 ]{2,40}-----\s{0,64}$/)
  const letters = (framed?.[1] ?? text).replace(/[\r\n\t ]/g, '')
  if (letters.length < 80 || letters.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(letters)) return null
  return base64Loose(letters)
}

function base64Loose(text) {
  const letters = text.replace(/[^A-Za-z0-9+/]/g, '')
  try {
    return bytesOf(atob(letters.slice(0, letters.length - (letters.length % 4 === 1 ? 1 : 0))))
  } catch {
    return new Uint8Array(0)
  }
}

function isQuoted(text) {
  const soft = text.match(/=\r?\n/g)?.length ?? 0
  const coded = text.match(/=[0-9A-F]{2}/g)?.length ?? 0
  // A sign of equality is itself written as "=3D".
  return soft + coded >= 4 && !/=(?![0-9A-F]{2}|\r?\n)/.test(text)
}

function quoted(text) {
  return text.replace(/[ \t]+(\r?\n)?/g, (blanks, end) => end ?? blanks).replace(/=\r?\n/g, '').replace(/=([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
}

function uudecode(text) {
  const [, name] = text.match(/begin \d{3,4} ([^\r\n]{1,200})/)
  const out = []
  for (const line of text.split(/\r?\n/).slice(1)) {
    if (line === 'end' || line === '`' || line === '') break
    const length = (line.charCodeAt(0) - 32) & 63
    const row = []
    for (let i = 1; i < line.length; i += 4) {
      const [a, b, c, d] = [0, 1, 2, 3].map((k) => ((line.charCodeAt(i + k) || 32) - 32) & 63)
      row.push((a << 2) | (b >> 4), ((b & 15) << 4) | (c >> 2), ((c & 3) << 6) | d)
    }
    for (const byte of row.slice(0, length)) out.push(byte)
  }
  return { bytes: Uint8Array.from(out), name, how: 'uu' }
}

// Signed envelopes: the little of ASN.1 that leads to their content, in lengths that are stated or not

const signedData = '\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02'
const sealedTypes = ['\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03', '\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17']

/** What an envelope is and holds: {type: 'signed' or 'sealed', content: string or null}; null where it is none. */
function pkcs7(text) {
  try {
    const [oid, wrapped] = children(text, element(text, 0), 2)
    const type = text.slice(oid.from, oid.to)
    if (oid.tag !== 6 || wrapped.tag !== 0xa0) return null
    if (sealedTypes.includes(type)) return { type: 'sealed', content: null }
    if (type !== signedData) return null
    const [sequence] = children(text, wrapped, 1)
    const [, , info] = children(text, sequence, 3)
    const [, explicit] = children(text, info, 2)
    const [octets] = explicit ? children(text, explicit, 1) : []
    return { type: 'signed', content: octets ? octetsOf(text, octets, 0) : null }
  } catch {
    return null
  }
}

/** One element: its tag, and where its content stands. A length that is not stated is -1 until it is known. */
function element(text, at) {
  const tag = text.charCodeAt(at)
  const first = text.charCodeAt(at + 1)
  if (Number.isNaN(tag) || Number.isNaN(first)) throw new Error('ended')
  if (first === 0x80) return { tag, from: at + 2, to: -1 }
  if (first < 0x80) return bounded(text, tag, at + 2, first)
  const count = first & 127
  if (count > 6) throw new Error('too long')
  let length = 0
  for (let i = 0; i < count; i++) length = length * 256 + text.charCodeAt(at + 2 + i)
  return bounded(text, tag, at + 2 + count, length)
}

function bounded(text, tag, from, length) {
  if (!(from + length <= text.length)) throw new Error('longer than the file')
  return { tag, from, to: from + length }
}

/** The first elements within one; they are no more than are asked for. */
function children(text, parent, most) {
  const list = []
  for (let at = parent.from; list.length < most && (parent.to < 0 || at < parent.to); ) {
    if (parent.to < 0 && text.startsWith('\0\0', at)) break
    const child = element(text, at)
    list.push(child)
    at = list.length < most ? after(text, child, 0) : at
  }
  return list
}

/** Where an element ends, and what follows may begin. */
function after(text, child, depth) {
  if (child.to >= 0) return child.to
  if (depth > 16) throw new Error('nested too deeply')
  let at = child.from
  for (let count = 0; !text.startsWith('\0\0', at); count++) {
    if (count > 100_000) throw new Error('too many')
    at = after(text, element(text, at), depth + 1)
  }
  return at + 2
}

function octetsOf(text, octets, depth) {
  if (octets.tag === 4) return text.slice(octets.from, octets.to)
  if (octets.tag !== 0x24 || depth > 4) return null
  return children(text, octets, 100_000).map((part) => octetsOf(text, part, depth + 1) ?? '').join('')
}

// winmail.dat (MS-OXTNEF)

function attachments(text, inner) {
  let name = ''
  for (let at = 6; at + 9 <= text.length && inner.length < partLimit; ) {
    const [id, length] = [little(text, at + 1), little(text, at + 5)]
    const from = at + 9
    if (from + length > text.length) return
    if (id === 0x00018010) name = decodeAs('windows-1252', text.slice(from, from + length).replace(/\0.*$/s, ''))
    if (id === 0x0006800f) inner.push({ bytes: bytesOf(text.slice(from, from + length)), name, how: 'winmail' })
    at = from + length + 2
  }
}

function little(text, at) {
  return (text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8) | (text.charCodeAt(at + 2) << 16) | (text.charCodeAt(at + 3) << 24)) >>> 0
}

/** Whether a compound file is an Outlook message: its directory names the streams of one. */
async function isOutlook(file) {
  const name = [...'__substg1.0_'].map((c) => `${c}\0`).join('')
  const parts = [file.slice(0, 4 << 20), file.slice(Math.max(0, file.size - (1 << 20)))]
  for (const part of parts) if (latin1(new Uint8Array(await part.arrayBuffer())).includes(name)) return true
  return false
}
