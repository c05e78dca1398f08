// What a file is for, told by its name or, since names get lost on the way, by how it begins: a document, unless it is one of the few things that the
// page itself understands.

const receiptName = /\.tlog-proof( ?\(\d+\))?(\.txt|\.bin)?( ?\(\d+\))?$/i
const evidenceName = /\.stele-(evidence|conflict)( ?\(\d+\))?(\.txt|\.bin)?$/i
const evidenceMarks = ['stele.conflict/1\n', 'stele.fork/1\n']
const receiptMark = /^\s*c2sp\.org\/tlog-proof@v1\r?\n/

const headSize = 512 // bytes, enough for a comment or two before a list's first line
const receiptLimit = 4 << 20 // bytes (FORMAT.md, section 16)

/** Texts up to this many bytes are read as lists. */
export const listLimit = 16 << 20

export const isReceiptName = (name) => receiptName.test(name)
export const isEvidenceName = (name) => evidenceName.test(name)
export const beginsAsReceipt = (text) => receiptMark.test(text)

/** A receipt's name without what makes it one. */
export const withoutReceiptSuffix = (name) => name.replace(receiptName, '')

/** Whether a ZIP container begins so that has anything in it. */
function beginsAsZip(bytes) {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4
}

/** Lines of a list that say nothing: empty ones and comments. */
export const isSilent = (line) => /^\s*([#;].*)?$/.test(line)

/** Whether the first line that says anything names a fingerprint. */
export function beginsAsList(text) {
  const first = text.replace(/^\ufeff/, '').split(/\r?\n/).find((line) => !isSilent(line)) ?? ''
  return /^\\?[0-9a-f]{64}( [ *]|\s*$)/i.test(first) || /^\\?SHA-?(2-)?256 ?\(/i.test(first)
}

/** A text's letters, by the mark at its beginning: PowerShell writes lists in UTF-16. */
export function decode(bytes) {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8'
  return new TextDecoder(encoding).decode(bytes)
}

/**
 * Finds out what an item is for and notes it there, as `kind`: 'receipt', 'evidence', 'list', 'zip' or 'document'. It never fails: of what
 * cannot be read, whoever reads it next finds out why.
 */
export async function recognise(item) {
  item.kind ??= byName(item.name) ?? (await byContent(item.file))
  return item
}

function byName(name) {
  if (isReceiptName(name)) return 'receipt'
  return isEvidenceName(name) ? 'evidence' : null
}

async function byContent(file) {
  if (!file || file.size === 0) return 'document'
  try {
    return kindOf(new Uint8Array(await file.slice(0, headSize).arrayBuffer()), file.size)
  } catch {
    return 'document'
  }
}

function kindOf(head, size) {
  if (beginsAsZip(head)) return 'zip'
  const text = decode(head)
  if (evidenceMarks.some((mark) => text.startsWith(mark))) return 'evidence'
  if (size <= receiptLimit && beginsAsReceipt(text)) return 'receipt'
  return size <= listLimit && beginsAsList(text) ? 'list' : 'document'
}
