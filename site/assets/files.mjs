// Collects what was chosen or dropped, folders too, and finds out which
// receipts belong to which documents.

import { isReceiptName, withoutReceiptSuffix } from './kinds.mjs'

// A browser that saves a name twice adds a number to it.
const copyNumber = / ?\(\d+\)$/

/** Whether an item is a receipt: by its name, or by what was found in it. A fingerprint is none, whatever the file is called that it was made of. */
export function isReceipt(item) {
  return !item.digests && (item.kind === 'receipt' || isReceiptName(item.name))
}

/** A folder's files come in no order that people know; chosen files stay as they were chosen. */
function inOrder(items) {
  const collator = new Intl.Collator(undefined, { numeric: true })
  const fromFolder = items.some((i) => i.path !== i.name)
  return fromFolder ? items.sort((a, b) => collator.compare(a.path, b.path)) : items
}

function item(file, path = '') {
  return { name: file.name, path: path || file.name, file }
}

/** What a file input holds. */
export function fromInput(input) {
  return inOrder([...input.files].map((file) => item(file, file.webkitRelativePath)))
}

/**
 * What was dropped or pasted. The entries have to be taken before the first
 * wait: the browser empties the transfer when the event is over.
 */
export function fromTransfer(transfer) {
  const entries = []
  for (const part of transfer.items ?? []) {
    if (part.kind !== 'file') continue
    const entry = part.webkitGetAsEntry?.()
    const file = part.getAsFile()
    if (entry?.isDirectory) entries.push(walk(entry))
    else if (file) entries.push([item(file)])
    else entries.push([{ name: entry?.name ?? '', path: entry?.name ?? '', file: null, why: 'promised' }]) // by a mail program, say
  }
  return Promise.all(entries).then((found) => inOrder(found.flat()))
}

async function walk(entry) {
  const path = entry.fullPath.replace(/^\//, '')
  try {
    if (entry.isFile) return [item(await opened(entry), path)]
    return (await Promise.all((await children(entry)).map(walk))).flat()
  } catch {
    // A file or folder that cannot be read is named; the rest go on.
    return [{ name: entry.name, path, file: null }]
  }
}

function opened(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

/** Browsers hand out a folder in portions, the last of them empty. */
async function children(folder) {
  const reader = folder.createReader()
  const all = []
  for (;;) {
    const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    if (portion.length === 0) return all
    all.push(...portion)
  }
}

/** "a.pdf (1)" is the document "a.pdf", unless there is one of that very name. */
const uncounted = (name) => withoutReceiptSuffix(name).replace(copyNumber, '')

/** How a receipt's name tells its document's, the surest way first. */
const namings = [
  ['path', withoutReceiptSuffix],
  ['name', withoutReceiptSuffix],
  ['path', uncounted],
  ['name', uncounted],
]

/** Documents by what they are called, in their order. */
function byName(documents, key) {
  const called = new Map()
  for (const document of documents) {
    const same = called.get(document[key])
    if (same) same.push(document)
    else called.set(document[key], [document])
  }
  return called
}

/**
 * Pairs receipts with documents: by path, then by name alone, then a single
 * receipt with a single document. `open` are documents on the page that have no
 * receipt yet; they and the new ones need a name and a path. A document that is
 * `answered` already is not guessed at: its answer would give way to one about
 * another document's receipt. `guess` is whether a single receipt may be taken for a single document's whatever the two are called: not
 * where they are a part of many.
 * @returns {{pairs: Map<object, Item>, alone: Item[]}} receipts by document, and those left over
 */
export function pair(receipts, documents, open, guess = true) {
  const pairs = new Map()
  const candidates = [...documents, ...open]
  let alone = receipts
  for (const [key, documentOf] of namings) {
    if (alone.length === 0) break
    const called = byName(candidates.filter((d) => !pairs.has(d)), key)
    alone = alone.filter((receipt) => {
      const match = called.get(documentOf(receipt[key]))?.shift()
      if (match) pairs.set(match, receipt)
      return !match
    })
  }
  if (guess && alone.length === 1 && receipts.length === 1) {
    const only = documents.length > 0 ? documents : open.filter((d) => !d.answered)
    if (only.length === 1) {
      pairs.set(only[0], alone[0])
      alone = []
    }
  }
  return { pairs, alone }
}
