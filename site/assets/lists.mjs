// What a text comes to that was pasted, typed, or stands in a file: a receipt, a fingerprint, or a list of fingerprints as sha256sum, shasum,
// openssl and their kin write it. It only reads; nothing is looked up here.

import { beginsAsReceipt, isSilent } from './kinds.mjs'

const lineLimit = 50_000
const digestLimit = 1_000 // characters; both fingerprints in groups, with their names, take 400
const lineSize = 10_000 // characters; the longest path that systems have, escaped, with its fingerprint. What is longer is not looked at: it may be meant to keep the page busy
const toldLines = 5 // of those that could not be read, named one by one

const labels = { sha256: 'sha256', 'sha-256': 'sha256', 'sha2-256': 'sha256', 'sha3-512': 'sha3' }
const digits = { sha256: 64, sha3: 128 }

/**
 * @typedef {object} Digests in lower-case hex; sha3 only where it was given beside
 * @property {string} sha256
 * @property {string} [sha3]
 */

/**
 * @param {string} text
 * @returns {object} one of
 *   {kind: 'receipt', text}             its text, with the line ends that it must have
 *   {kind: 'digest', digests}
 *   {kind: 'list', entries, bad, more}  entries {name, digests}; bad: numbers of lines that could not be read, the first few; badCount; more: lines beyond the limit
 *   {kind: 'length', count}             hexadecimal, but not as long as a fingerprint
 *   {kind: 'link'}                      an address and nothing else
 *   {kind: 'nothing'}                   none of these
 */
export function read(text) {
  const plain = text.replace(/^\ufeff/, '')
  if (beginsAsReceipt(plain)) return { kind: 'receipt', text: plain.trim().replaceAll('\r\n', '\n') + '\n' }
  return readAddress(plain) ?? readDigest(plain) ?? readList(plain) ?? { kind: /^\s*(?!sha)[a-z][a-z0-9+.-]*:\S+\s*$/i.test(plain) ? 'link' : 'nothing' }
}

/** What an address asks for that a printed report has: PORTAL#sha256=…, or null. */
function readAddress(text) {
  const found = /^\s*(?:[a-z]+:[^\s#]*)?#sha256=([0-9a-f]{64})(?:&sha3-512=([0-9a-f]{128}))?\s*$/i.exec(text)
  if (!found) return null
  return { kind: 'digest', digests: together(found[1], found[2]) }
}

function together(sha256, sha3) {
  return { sha256: sha256.toLowerCase(), ...(sha3 && { sha3: sha3.toLowerCase() }) }
}

/** One document's fingerprint, in groups or whole, with its name or without; perhaps both of its kinds. */
function readDigest(text) {
  if (text.length > digestLimit) return null
  const whole = labelled(text)
  if (whole?.kind === 'sha256') return { kind: 'digest', digests: { sha256: whole.hex } }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '').map(labelled)
  if (lines.length === 2 && lines.every(Boolean)) {
    const found = Object.fromEntries(lines.map(({ kind, hex }) => [kind, hex]))
    if (found.sha256 && found.sha3) return { kind: 'digest', digests: together(found.sha256, found.sha3) }
  }
  return whole && !whole.kind ? { kind: 'length', count: whole.hex.length } : null
}

/** "sha256: AB CD …": kind is null where it is no length that any fingerprint has. */
function labelled(text) {
  if (text.length > digestLimit) return null
  const found = /^\s*(?:document\s+)?(?:(sha-?256|sha2-256|sha3-512)\s*[:=]?\s*)?([0-9a-f](?:[\s:.-]*[0-9a-f])*)\s*$/i.exec(text)
  if (!found) return null
  const hex = found[2].replace(/[^0-9a-f]/gi, '').toLowerCase()
  if (!found[1] && hex.length < 32) return null // a number, a date
  const kind = labels[(found[1] ?? 'sha256').toLowerCase()]
  return { kind: hex.length === digits[kind] ? kind : null, hex }
}

function readList(text) {
  const lines = text.split(/\r?\n/)
  const entries = new Map() // by name and digest, so that a SHA3-512 finds the SHA-256 of its file
  const bad = []
  const others = []
  let read = 0
  for (const [i, line] of lines.entries()) {
    if (isSilent(line)) continue
    if (++read > lineLimit) continue
    const found = oneLine(line)
    if (!found) bad.push(i + 1)
    else if (found.kind === 'sha3') others.push(found)
    else entries.set(`${found.name}\n${found.hex}`, { name: found.name, digests: { sha256: found.hex } })
  }
  if (entries.size === 0) return null
  lend([...entries.values()], others)
  return { kind: 'list', entries: [...entries.values()], bad: bad.slice(0, toldLines), badCount: bad.length, more: Math.max(0, read - lineLimit) }
}

/** A SHA3-512 belongs to the SHA-256 of the same name, where there is one only. */
function lend(entries, others) {
  if (others.length === 0) return
  const byName = Map.groupBy ? Map.groupBy(entries, (entry) => entry.name) : grouped(entries)
  for (const { name, hex } of others) {
    const named = byName.get(name) ?? []
    if (name !== '' && named.length === 1) named[0].digests.sha3 = hex
  }
}

function grouped(entries) {
  const groups = new Map()
  for (const entry of entries) groups.set(entry.name, [...(groups.get(entry.name) ?? []), entry])
  return groups
}

/** GNU: "hex  name", "hex *name"; BSD and openssl: "SHA256 (name) = hex"; bare: "hex". A backslash before the line says that its name is escaped. */
function oneLine(line) {
  if (line.length > lineSize) return null
  const escaped = line.startsWith('\\')
  const rest = escaped ? line.slice(1) : line
  const gnu = /^([0-9a-f]{64}) [ *](.+)$/i.exec(rest)
  if (gnu) return entry('sha256', gnu[1], gnu[2], escaped)
  const tagged = /^(SHA-?256|SHA2-256|SHA3-512) ?\((.+)\) ?= ([0-9a-f]+)\s*$/i.exec(rest)
  const kind = tagged && labels[tagged[1].toLowerCase()]
  if (tagged && tagged[3].length === digits[kind]) return entry(kind, tagged[3], tagged[2], escaped)
  const bare = labelled(line)
  return bare?.kind === 'sha256' ? entry('sha256', bare.hex, '', false) : null
}

function entry(kind, hex, name, escaped) {
  const plain = escaped ? unescaped(name) : name
  return plain === null ? null : { kind, hex: hex.toLowerCase(), name: plain }
}

const escapes = { n: '\n', r: '\r', '\\': '\\' }

/** A name as coreutils escapes it; null where it does not. */
function unescaped(name) {
  if (/\\(?![nr\\])/.test(name.replaceAll('\\\\', ''))) return null
  return name.replace(/\\(.)/g, (_, letter) => escapes[letter])
}
