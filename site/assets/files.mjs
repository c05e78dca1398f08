// Collects what was chosen or dropped, folders too, and finds out which
// receipts belong to which documents.

// A browser that saves a name twice, or a mail program that does not know the suffix, adds to it.
const suffix = /\.tlog-proof( ?\(\d+\))?(\.txt|\.bin)?( ?\(\d+\))?$/i
const copyNumber = / ?\(\d+\)$/

/**
 * @typedef {object} Item
 * @property {string} name
 * @property {string} path with its folders, as the reader knows them
 * @property {File|null} file null where it could not even be opened
 * @property {string} [why] why not, where the page has words for it
 */

export function isReceipt(item) {
  return suffix.test(item.name)
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
  }
  return Promise.all(entries).then((found) => inOrder(found.flat()))
}

async function walk(entry) {
  const path = entry.fullPath.replace(/^\//, '')
  try {
    if (entry.isFile) return [item(await opened(entry), path)]
    const found = []
    for (const child of await children(entry)) found.push(...(await walk(child)))
    return found
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

const bare = (name) => name.replace(suffix, '')
/** "a.pdf (1)" is the document "a.pdf", unless there is one of that very name. */
const uncounted = (name) => bare(name).replace(copyNumber, '')

/** How a receipt's name tells its document's, the surest way first. */
const namings = [
  ['path', bare],
  ['name', bare],
  ['path', uncounted],
  ['name', uncounted],
]

/**
 * Pairs receipts with documents: by path, then by name alone, then a single
 * receipt with a single document. `open` are documents on the page that have no
 * receipt yet; they and the new ones need a name and a path. A document that is
 * `answered` already is not guessed at: its answer would give way to one about
 * another document's receipt.
 * @returns {{pairs: Map<object, Item>, alone: Item[]}} receipts by document, and those left over
 */
export function pair(receipts, documents, open) {
  const pairs = new Map()
  const candidates = [...documents, ...open]
  let alone = receipts
  for (const [key, documentOf] of namings) {
    alone = alone.filter((receipt) => {
      const wanted = documentOf(receipt[key])
      const match = candidates.find((d) => !pairs.has(d) && d[key] === wanted)
      if (match) pairs.set(match, receipt)
      return !match
    })
  }
  if (alone.length === 1 && receipts.length === 1) {
    const only = documents.length > 0 ? documents : open.filter((d) => !d.answered)
    if (only.length === 1) {
      pairs.set(only[0], alone[0])
      alone = []
    }
  }
  return { pairs, alone }
}
