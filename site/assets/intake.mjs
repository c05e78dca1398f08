// The one door of the page: whatever is given to it, and however (chosen, dropped, pasted, typed, by an address), becomes items here, and
// nowhere else. An item is one thing to have an answer about; rows are made of items (rows.mjs).
//
//	files, folders, a text → what they are for (kinds.mjs) → items; a container's members and a list's lines become items of their own

import { visible } from './dom.mjs'
import { fromTransfer } from './files.mjs'
import { decode, isReceiptName, recognise } from './kinds.mjs'
import { lazy } from './lazy.mjs'

const portion = 100 // items that are handed on at a time
const readAtOnce = 8 // items whose beginnings are read at a time
const sniffedMembers = 1_000 // in a container with more, receipts are known by their names alone

/**
 * @typedef {object} Item
 * @property {string} name
 * @property {string} path with its folders, as the reader knows them, and with the container that it lies in
 * @property {Blob|null} file null where there is none, or it could not even be opened
 * @property {string} [why] why not, where the page has words for it
 * @property {string} [kind] see kinds.mjs
 * @property {string} [label] what stands on the row in place of the path
 * @property {{sha256: string, sha3?: string}} [digests] in hex, where only these are looked up
 * @property {boolean} [told] they were typed, pasted or listed, rather than followed from another document
 * @property {string} [within] the path of the container or list that it was found in
 * @property {number} [members] how many files were found in it
 * @property {object} [list] what a list came to (lists.mjs)
 * @property {string[]} [notes] what else is to be said of it, in words
 */

export class Intake {
  /**
   * @param {Rows} rows
   * @param {Wording} wording
   */
  constructor(rows, wording) {
    Object.assign(this, { rows, wording })
  }

  /**
   * @param {object[]} given items with files, or {text} alone
   */
  async take(given) {
    const batch = this.rows.expect(given.length)
    for await (const items of this.items(given, batch)) await this.rows.add(items, batch)
    this.rows.received(batch)
  }

  /** Items in portions, so that thousands keep nobody waiting. What is stopped meanwhile is handed on unread. */
  async *items(given, batch) {
    let ready = []
    for (let at = 0; at < given.length; at += portion) {
      const some = given.slice(at, at + portion)
      if (!batch.stopped) await recogniseAll(some.filter((one) => one.text === undefined))
      for (const one of some) {
        ready.push(...(batch.stopped ? [one] : await this.opened(one)))
        while (ready.length >= portion) yield ready.splice(0, portion)
      }
      if (given.length > portion && ready.length > 0) yield ready.splice(0)
    }
    if (ready.length > 0) yield ready
  }

  /** What was given, and what is in it. */
  async opened(one) {
    if (one.text !== undefined) return this.fromText(one)
    if (one.kind === 'zip') return [one, ...(await this.members(one))]
    if (one.kind === 'list') return [one, ...(await this.lines(one))]
    return [one]
  }

  /** The members of a container, as items. The container itself is a document as any. */
  async members(item) {
    try {
      const { lookInto } = await lazy('zip.mjs')
      const { kind, members } = await lookInto(item.file)
      if (kind === 'document') return []
      this.noteContainer(item, kind, members)
      const items = members.map((member) => this.member(item, member))
      if (items.length <= sniffedMembers) await recogniseAll(items.filter((one) => one.file), recogniseMember)
      return items
    } catch (error) {
      // What cannot be read at all, its row says.
      if (!(error instanceof DOMException)) item.notes = [this.wording.of('files', `zip.${error.code ?? 'part'}`)]
      return []
    }
  }

  noteContainer(item, kind, members) {
    const documents = members.filter(({ path }) => !isReceiptName(path)).length // a receipt has no row beside its document
    const notes = [members.length === 0 ? this.wording.of('files', 'zip.empty') : this.wording.count('zipFiles', documents || members.length)]
    if (kind === 'asic') notes.push(this.wording.of('files', 'asic'))
    item.notes = notes
    item.members = members.length
  }

  member(container, { path, name, file = null, why, nested }) {
    const notes = nested && !why ? [this.wording.of('files', 'nested')] : []
    return { name, path: `${container.path}/${path}`, label: visible(path), within: container.path, file, why, notes }
  }

  /** The lines of a list, as items. */
  async lines(item) {
    try {
      const { read } = await lazy('lists.mjs')
      const found = read(decode(new Uint8Array(await item.file.arrayBuffer())))
      if (found.kind !== 'list') throw new Error(`read ${item.name}: it is no list after all`)
      return this.listed(item, found)
    } catch {
      item.kind = 'document'
      return []
    }
  }

  listed(item, found) {
    item.list = { count: found.entries.length, bad: found.bad, badCount: found.badCount, more: found.more }
    return found.entries.map(({ name, digests }) => {
      const path = name || shortened(digests)
      return { name: path.split('/').at(-1) || path, path, label: visible(name) || digestLabel(digests, this.wording), within: item.path, file: null, digests, told: true }
    })
  }

  /** What a text comes to. `link` is whether an address came along, and `files` what is taken where the text is nothing. */
  async fromText({ text, link = false, files = [] }) {
    try {
      const { read } = await lazy('lists.mjs')
      const found = read(text)
      const items = this.understood(found)
      if (items) return items
      if (files.length === 0) this.rows.say(this.complaint(found, link))
    } catch {
      if (files.length === 0) this.rows.say(this.wording.of('files', 'part'))
    }
    return files
  }

  understood(found) {
    const { wording } = this
    switch (found.kind) {
      case 'receipt': {
        const name = `${wording.of('files', 'pastedReceipt')}.tlog-proof`
        return [{ name, path: name, file: new File([found.text], name), kind: 'receipt' }]
      }
      case 'digest':
        return [toldItem(found.digests, wording)]
      case 'list': {
        const name = wording.of('files', 'pastedList')
        const list = { name, path: name, file: null, kind: 'list' }
        return [list, ...this.listed(list, found)]
      }
    }
    return null
  }

  /** What is wrong with a text that was nothing of use. */
  complaint(found, link) {
    if (found.kind === 'length') return this.wording.count('digits', found.count)
    return this.wording.of('files', link || found.kind === 'link' ? 'linkOnly' : 'nothing')
  }
}

/** Finds out what many are for, a few at a time: to begin to read a file keeps the page from answering. */
async function recogniseAll(items, find = recognise) {
  for (let at = 0; at < items.length; at += readAtOnce) await Promise.all(items.slice(at, at + readAtOnce).map((item) => find(item)))
}

/** Members of a container are not looked into: one of them is a receipt, evidence or a document. */
async function recogniseMember(item) {
  await recognise(item)
  if (item.kind === 'zip' || item.kind === 'list') item.kind = 'document'
}

/** A name for files that are saved about a fingerprint. */
const shortened = (digests) => `sha256-${digests.sha256.slice(0, 16)}`

function digestLabel({ sha256 }, wording) {
  return wording.of('files', 'digest', { digest: `${sha256.slice(0, 8)}…${sha256.slice(-8)}` })
}

/** A fingerprint that is to be looked up. */
export function toldItem(digests, wording) {
  const name = shortened(digests)
  return { name, path: name, label: digestLabel(digests, wording), file: null, digests, told: true }
}

/**
 * What a drop or a paste holds. It has to be called before the first wait: the browser empties the transfer when the event is over.
 * @param {DataTransfer} transfer
 * @returns {Promise<object[]>} for Intake.take
 */
export async function fromEvent(transfer) {
  const text = transfer.getData('text/plain')
  const link = transfer.getData('text/uri-list') !== ''
  const html = transfer.getData('text/html') !== ''
  const files = await fromTransfer(transfer)
  if (files.length > 0 && (text === '' || !files.every(isPicture))) return files
  // A spreadsheet hands over a picture of the cells besides what stands in them.
  if (files.length > 0) return [{ text, link, files }]
  if (text === '' && !link && !html) return []
  return [{ text, link: link || text === '' }]
}

const isPicture = ({ file }) => file?.type.startsWith('image/') ?? false
