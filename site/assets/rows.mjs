// The list of results: takes files in, pairs receipts, and keeps the count.

import { isNamedEvidence } from './evidence.mjs'
import { isReceipt, pair } from './files.mjs'
import { Hinting } from './hinting.mjs'
import { Row } from './row.mjs'

const fewRows = 3 // up to this many answers are shown whole; more are folded
const manyRows = 50 // from here on the browser lays out only the rows in sight
const portion = 20 // rows put on the page at a time
const announceEvery = 1_000 // milliseconds; a screen reader cannot follow more

export class Rows {
  /**
   * @param {object} page input, results, list, head, status, stopAll, again, clear (elements), template,
   *   wording, pool, demo
   */
  constructor(page) {
    Object.assign(this, page)
    this.rows = []
    this.timer = null
    this.finished = true
    this.stopAll.addEventListener('click', () => this.rows.forEach((row) => row.stop()))
    this.again.addEventListener('click', () => this.retry())
    this.clear.addEventListener('click', () => {
      for (const row of [...this.rows]) this.removed(row)
      this.input.focus()
    })
    this.hinting = new Hinting(this)
    this.few = () => this.rows.length <= fewRows
  }

  /** Takes in what was chosen or dropped together. */
  async add(items) {
    const empty = this.rows.length === 0
    const fresh = items.filter((item) => !isReceipt(item)).map((item) => new Row(item, this))
    const touched = this.pairUp(items.filter(isReceipt), fresh)
    this.rows.push(...fresh)
    this.tell()
    for (let i = 0; i < fresh.length; i += portion) {
      this.show(fresh.slice(i, i + portion))
      if (i === 0) this.reveal(empty ? this.results : fresh[0].node)
      await new Promise((resolve) => setTimeout(resolve)) // let the page answer meanwhile
    }
    if (fresh.length === 0 && touched.length > 0) this.reveal(touched[0].node)
  }

  /** Gives receipts to their documents, and a row to those that have none. Returns the rows on the page that changed. */
  pairUp(receipts, fresh) {
    const waiting = this.rows.filter((row) => row.state === 'alone')
    const old = this.rows.filter((row) => row.open && row.item.file)
    const { pairs, alone } = pair([...receipts, ...waiting.map((row) => row.item)], fresh.filter((row) => !isNamedEvidence(row.item)), old)
    for (const [row, receipt] of pairs) row.receipt = receipt
    waiting.filter((row) => !alone.includes(row.item)).forEach((row) => this.removed(row))
    const found = old.filter((row) => pairs.has(row))
    for (const row of found) row.restart()
    return [...found, ...this.addAlone(alone.filter((item) => receipts.includes(item)))]
  }

  show(rows) {
    const still = rows.filter((row) => this.rows.includes(row)) // the list may have been cleared
    this.list.append(...still.map((row) => row.node))
    for (const row of still) if (row.state === null) row.check() // it may have been stopped, or been given a receipt
  }

  reveal(node) {
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches
    node.scrollIntoView({ block: 'nearest', behavior: calm ? 'instant' : 'smooth' })
  }

  addAlone(items) {
    const rows = items.map((item) => new Row(item, this))
    this.rows.push(...rows)
    this.list.append(...rows.map((row) => row.node))
    for (const row of rows) row.waitForDocument()
    return rows
  }

  /** Checks again what had no answer, or one that is too old. */
  retry() {
    const pressed = Date.now()
    this.finished = false // told when all have begun
    for (const row of this.rows) if (row.retriable) row.check(pressed)
    this.tell()
  }

  /** A receipt's row is given its document. */
  addDocument(receiptRow, file) {
    const row = new Row({ name: file.name, path: file.name, file }, this)
    row.receipt = receiptRow.item
    const focused = receiptRow.node.contains(document.activeElement)
    receiptRow.node.replaceWith(row.node)
    this.rows.splice(this.rows.indexOf(receiptRow), 1, row)
    row.check()
    if (focused) row.node.querySelector('button').focus() // the row hands it on when it has its answer
  }

  /** Checks the document that has taken another's place, in a row below it; the same one only once. */
  addNewer(row, { sha256, sha3_512 }) {
    const known = this.rows.find((r) => r.item.digests?.sha256 === sha256)
    if (known) return this.reveal(known.node)
    const name = this.wording.ui('replacementFile', { name: row.name })
    const label = this.wording.ui('replacementOf', { name: row.name })
    const newer = new Row({ name, path: name, label, file: null, digests: { sha256, sha3: sha3_512 } }, this)
    row.node.after(newer.node)
    this.rows.splice(this.rows.indexOf(row) + 1, 0, newer)
    newer.check()
    this.reveal(newer.node)
  }

  /** Checks a part of a row's file, or a form of it, in a row below it. */
  addPart(row, file, label) {
    const part = new Row({ name: file.name, path: file.name, label, file }, this)
    row.node.after(part.node)
    this.rows.splice(this.rows.indexOf(row) + 1, 0, part)
    part.check()
    this.reveal(part.node)
  }

  removed(row) {
    row.stop()
    row.outcome?.leaving?.abort()
    const focused = row.node.contains(document.activeElement)
    const next = row.node.nextElementSibling ?? row.node.previousElementSibling
    this.rows = this.rows.filter((r) => r !== row)
    row.node.remove()
    // The keyboard goes on with the next row, or begins again where files are chosen.
    if (focused) (next?.querySelector('button') ?? this.input).focus()
    this.tell()
  }

  /** Called by a row whenever it begins or ends. */
  changed() {
    const finished = this.rows.every((r) => r.done)
    const begins = this.finished && !finished
    this.finished = finished
    // The same verdict again would not be announced, were nothing said in between.
    if (begins) this.tell()
    if (finished) clearTimeout(this.timer)
    if (finished || this.timer === null)
      this.timer = setTimeout(() => this.tell(), finished ? 0 : announceEvery)
  }

  /** Writes the count, which screen readers announce. */
  tell() {
    clearTimeout(this.timer)
    this.timer = null
    const total = this.rows.length
    const done = this.rows.filter((r) => r.done).length
    this.head.hidden = total === 0
    this.offer(total, done)
    this.list.toggleAttribute('data-many', total > manyRows)
    const summary = [this.summary(this.rows.filter((r) => !r.named)), ...this.newer()].join(' ').trim()
    if (this.status.textContent !== summary) this.status.textContent = summary
  }

  /** Shows the buttons for the whole list that have something to do. */
  offer(total, done) {
    const used = document.activeElement
    const retriable = this.rows.filter((row) => row.retriable).length
    this.stopAll.hidden = total - done < 2
    this.again.hidden = done < total || retriable < 2
    this.again.textContent = this.wording.ui('againSeveral', { count: this.wording.number(retriable) })
    this.clear.hidden = total === 0 || done < total
    const next = [this.stopAll, this.again, this.clear].find((tool) => !tool.hidden)
    if (used?.hidden && this.head.contains(used)) (next ?? this.input).focus()
  }

  /** What has come of documents that were only looked up: they are no files. */
  newer() {
    const told = this.rows.filter((r) => r.named && r.done)
    return told.map((r) => this.wording.ui('newerResult', { title: r.part.title.textContent }))
  }

  summary(files) {
    const { wording } = this
    const total = files.length
    const done = files.filter((r) => r.done).length
    if (total === 0) return ''
    const numbers = { done: wording.number(done), total: wording.number(total) }
    if (done < total) return wording.ui('progress', numbers)
    if (total === 1) return wording.ui('progressOne', { title: files[0].part.title.textContent })
    return wording.ui('progressDone', { ...numbers, counts: wording.list(this.counts(files)) })
  }

  /** How many of each verdict, the most frequent first. */
  counts(files) {
    const tally = new Map()
    for (const row of files) {
      const title = row.part.title.textContent
      tally.set(title, (tally.get(title) ?? 0) + 1)
    }
    return [...tally]
      .sort((a, b) => b[1] - a[1])
      .map(([title, count]) => this.wording.ui('count', { title, count: this.wording.number(count) }))
  }
}
