// Plain text, and the other forms in which programs save the same text: line ends, marks at its start and end.

const limit = 4 << 20 // bytes; a longer text is not made again in other forms

/** How a text begins that says in which encoding it is. */
const marks = { utf8: [0xef, 0xbb, 0xbf], utf16le: [0xff, 0xfe], utf16be: [0xfe, 0xff] }
const [cr, lf, space, tab] = [13, 10, 32, 9]

function markOf(bytes) {
  return Object.keys(marks).find((name) => marks[name].every((byte, i) => bytes[i] === byte)) ?? ''
}

/** Whether bytes are text: nothing in them that no text has, and, without a mark, few bytes that no letters are. */
export function isText(head) {
  if (markOf(head).startsWith('utf16')) return true
  return !head.some((byte) => byte < 32 && ![tab, lf, 12, cr, 27].includes(byte))
}

/**
 * The text of a file.
 * @param {Uint8Array} bytes
 */
export function textOf(bytes) {
  const mark = markOf(bytes)
  if (mark.startsWith('utf16')) return new TextDecoder(mark === 'utf16le' ? 'utf-16le' : 'utf-16be').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/**
 * The forms that the text may have had, the likeliest first; there are no more than eight.
 * @param {Blob} file
 * @returns {Promise<{blob: Blob, changes: string[]}[]>} what was done to each form to make this file of it: crlf, lf, mark,
 *   unmarked, ended, unended, blanks, utf16
 */
export async function otherForms(file) {
  if (file.size === 0 || file.size > limit) return []
  const bytes = new Uint8Array(await file.arrayBuffer())
  if (!isText(bytes)) return []
  const forms = []
  const seen = []
  for (const steps of markOf(bytes).startsWith('utf16') ? wideRecipes : recipes) {
    const made = steps.reduce((form, step) => form && again(step, form), { bytes, changes: [] })
    if (!made || made.changes.length === 0 || same(made.bytes, bytes) || seen.some((other) => same(other, made.bytes))) continue
    seen.push(made.bytes)
    forms.push({ blob: new Blob([made.bytes]), changes: made.changes })
  }
  return forms
}

const recipes = [['lines'], ['mark'], ['end'], ['lines', 'mark'], ['lines', 'end'], ['blanks'], ['lines', 'blanks']]
const wideRecipes = [['utf8'], ['utf8', 'lines'], ['utf8', 'mark'], ['utf8', 'lines', 'mark']]

function again(step, { bytes, changes }) {
  const done = steps[step](bytes)
  return done && { bytes: done.bytes, changes: [...changes, done.change] }
}

const steps = { lines, mark, end, blanks, utf8 }

function count(bytes, byte) {
  let n = 0
  for (const b of bytes) if (b === byte) n++
  return n
}

function lines(bytes) {
  const carriages = count(bytes, cr)
  if (carriages > 0) return { bytes: withoutCarriages(bytes), change: 'crlf' }
  const feeds = count(bytes, lf)
  return feeds > 0 ? { bytes: withCarriages(bytes, feeds), change: 'lf' } : null
}

/** Line ends of CR LF, and of CR alone, become LF. */
function withoutCarriages(bytes) {
  const out = new Uint8Array(bytes.length)
  let n = 0
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === cr && bytes[i + 1] === lf) continue
    out[n++] = bytes[i] === cr ? lf : bytes[i]
  }
  return out.subarray(0, n)
}

function withCarriages(bytes, feeds) {
  const out = new Uint8Array(bytes.length + feeds)
  let n = 0
  for (const byte of bytes) {
    if (byte === lf) out[n++] = cr
    out[n++] = byte
  }
  return out
}

function mark(bytes) {
  if (markOf(bytes) === 'utf8') return { bytes: bytes.subarray(3), change: 'mark' }
  const out = new Uint8Array(bytes.length + 3)
  out.set(marks.utf8)
  out.set(bytes, 3)
  return { bytes: out, change: 'unmarked' }
}

/** Takes one line's end away from the end, or puts one there. */
function end(bytes) {
  if (bytes.at(-1) === lf) return { bytes: bytes.subarray(0, bytes.length - (bytes.at(-2) === cr ? 2 : 1)), change: 'ended' }
  const added = bytes.includes(cr) ? [cr, lf] : [lf]
  const out = new Uint8Array(bytes.length + added.length)
  out.set(bytes)
  out.set(added, bytes.length)
  return { bytes: out, change: 'unended' }
}

/** Takes blanks away from the ends of lines. */
function blanks(bytes) {
  const out = new Uint8Array(bytes.length)
  let n = 0
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === lf || bytes[i] === cr) while (n > 0 && (out[n - 1] === space || out[n - 1] === tab)) n--
    out[n++] = bytes[i]
  }
  while (n > 0 && (out[n - 1] === space || out[n - 1] === tab)) n--
  return n < bytes.length ? { bytes: out.subarray(0, n), change: 'blanks' } : null
}

function utf8(bytes) {
  return { bytes: new TextEncoder().encode(textOf(bytes).replace(/^\ufeff/, '')), change: 'utf16' }
}

function same(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
