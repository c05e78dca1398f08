// The values that a PDF is written in (ISO 32000-1, section 7.3), read from a string of bytes.

const depthLimit = 24
const lengthLimit = 20_000 // things in one array or dictionary

export class Name {
  constructor(name) {
    this.name = name
  }
}

export class Ref {
  constructor(number) {
    this.number = number
  }
}

const white = /[\0\t\n\f\r ]/
const delimiter = /[\0\t\n\f\r ()<>[\]{}/%]/
const escapes = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

/** Passes over blanks and comments. */
export function skip(text, at) {
  for (; at < text.length; at++) {
    if (text[at] === '%') while (at < text.length && text[at] !== '\n' && text[at] !== '\r') at++
    else if (!white.test(text[at])) break
  }
  return at
}

/**
 * Reads one value.
 * @returns {{value: any, at: number}} a number, string (of bytes), boolean, null, Name, Ref, array, object without a
 *   prototype, or {operator} for a bare word; and where it ends
 */
export function parse(text, at, depth = 0) {
  if (depth > depthLimit) throw new Error('nested too deeply')
  at = skip(text, at)
  const c = text[at]
  if (c === undefined) throw new Error('ended')
  if (c === '/') return parseName(text, at + 1)
  if (c === '(') return parseString(text, at + 1)
  if (c === '[') return parseArray(text, at + 1, depth)
  if (c === '<') return text[at + 1] === '<' ? parseDictionary(text, at + 2, depth) : parseHex(text, at + 1)
  if (/[+\-.\d]/.test(c)) return parseNumber(text, at)
  return parseWord(text, at)
}

function token(text, at) {
  let end = at
  while (end < text.length && end - at < 256 && !delimiter.test(text[end])) end++
  return text.slice(at, end)
}

function parseName(text, at) {
  const raw = token(text, at)
  return { value: new Name(raw.replace(/#([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)))), at: at + raw.length }
}

function parseWord(text, at) {
  const word = token(text, at)
  if (word === '') throw new Error(`stray ${text[at]}`)
  const known = { true: true, false: false, null: null }
  return { value: Object.hasOwn(known, word) ? known[word] : { operator: word }, at: at + word.length }
}

const reference = /\s+\d{1,5}\s+R(?![^\0\t\n\f\r ()<>[\]{}/%])/y

function parseNumber(text, at) {
  const raw = token(text, at)
  const end = at + raw.length
  if (/^\d{1,10}$/.test(raw)) {
    reference.lastIndex = end
    const ref = reference.exec(text)
    if (ref) return { value: new Ref(Number(raw)), at: end + ref[0].length }
  }
  const number = Number(raw)
  if (Number.isNaN(number)) return raw === '' ? parseWord(text, at) : { value: 0, at: end }
  return { value: number, at: end }
}

function parseString(text, at) {
  let out = ''
  for (let open = 1; at < text.length; at++) {
    const c = text[at]
    if (c === '(') open++
    if (c === ')' && --open === 0) return { value: out, at: at + 1 }
    if (c !== '\\') {
      out += c
      continue
    }
    const octal = text.slice(at + 1, at + 4).match(/^[0-7]{1,3}/)
    if (octal) {
      out += String.fromCharCode(parseInt(octal[0], 8) & 255)
      at += octal[0].length
    } else {
      const next = text[++at] ?? ''
      if (next === '\r' && text[at + 1] === '\n') at++
      if (next !== '\r' && next !== '\n') out += escapes[next] ?? next
    }
  }
  throw new Error('a string without an end')
}

function parseHex(text, at) {
  const end = text.indexOf('>', at)
  if (end < 0) throw new Error('a string without an end')
  const digits = text.slice(at, end).replace(/[^0-9a-f]/gi, '')
  const pairs = (digits.length % 2 ? `${digits}0` : digits).match(/../g) ?? []
  return { value: pairs.map((pair) => String.fromCharCode(parseInt(pair, 16))).join(''), at: end + 1 }
}

function parseArray(text, at, depth) {
  const list = []
  for (at = skip(text, at); text[at] !== ']'; at = skip(text, at)) {
    const item = parse(text, at, depth + 1)
    list.push(item.value)
    at = item.at
    if (list.length > lengthLimit) throw new Error('too long')
  }
  return { value: list, at: at + 1 }
}

function parseDictionary(text, at, depth) {
  const dict = Object.create(null)
  let count = 0
  for (at = skip(text, at); text.slice(at, at + 2) !== '>>'; at = skip(text, at)) {
    if (text[at] !== '/') throw new Error('a dictionary without a name')
    const key = parseName(text, at + 1)
    const item = parse(text, key.at, depth + 1)
    dict[key.value.name] = item.value
    at = item.at
    if (++count > lengthLimit) throw new Error('too long')
  }
  return { value: dict, at: at + 2 }
}
