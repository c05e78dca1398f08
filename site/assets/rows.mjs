// The list of answers: makes rows of items, gives receipts to their documents, and keeps the count. What filters and sorts it is table.mjs, which
// comes when there are many.

import { visible } from './dom.mjs'
import { isReceipt, pair } from './files.mjs'
import { Hinting } from './hinting.mjs'
import { toldItem } from './intake.mjs'
import { lazy } from './lazy.mjs'
import { Row } from './row.mjs'
import { overall, summary } from './summary.mjs'
import { inTurns } from './turns.mjs'

const fewRows = 3 // up to this many answers are shown whole; more are folded, and can be filtered
const manyRows = 50 // from here on the browser lays out only the rows in sight
const announceEvery = 1_000 // milliseconds; a screen reader cannot follow more

export class Rows {
  /**
   * @param {object} page input, results, list, head, tools, status, overall, stopAll, again, clear, saveTable, print, table (elements), template,
   *   wording, pool, portal, demo, guessable (kinds of documents that are not for everybody)
   */
  constructor(page) {
    Object.assign(this, page)
    this.rows = []
    this.batches = new Set() // what is still coming in
    this.unfinished = 0
    this.timer = null
    this.finished = true
    this.said = '' // the last summary
    this.filters = null // a Table, when there are many
    this.stopAll.addEventListener('click', () => this.stopEverything())
    this.again.addEventListener('click', () => this.retry())
    this.clear.addEventListener('click', () => this.removeAll())
    this.saveTable.addEventListener('click', () => this.withPart(() => lazy('export.mjs'), ({ saveTable }) => saveTable(this.shown(), this)))
    this.print.addEventListener('click', () => this.withPart(() => lazy('print.mjs'), ({ printReport }) => printReport(this.shown(), this)))
    this.hinting = new Hinting(this)
    this.few = () => this.rows.length <= fewRows
  }

  /** Something is coming in: `count` items, or more if there is something in them. */
  expect(count) {
    const batch = { left: count, whole: count, stopped: false, revealed: false }
    this.filters?.reset() // or what comes might not be seen
    this.batches.add(batch)
    return batch
  }

  /** All of it has come. */
  received(batch) {
    this.batches.delete(batch)
    this.changed()
  }

  /** How many items are still coming, as far as is known. */
  get coming() {
    return [...this.batches].reduce((sum, batch) => sum + batch.left, 0)
  }

  /** Takes in a portion of what was given together. */
  async add(items, batch) {
    const empty = this.rows.length === 0
    batch.left = Math.max(0, batch.left - items.length)
    const fresh = items.filter((item) => !isReceipt(item)).map((item) => new Row(item, this))
    const guess = items.length >= batch.whole
    const touched = this.pairUp(items.filter(isReceipt), fresh, guess)
    for (const row of fresh) row.begin()
    this.rows.push(...fresh)
    this.tell()
    const first = fresh[0] ?? touched[0]
    const showing = inTurns(fresh, (row) => this.show(row, batch))
    if (first && !batch.revealed) this.reveal(empty ? this.results : first.node)
    batch.revealed = true
    await showing
    if (!this.few()) this.filter()
  }

  /** Gives receipts to their documents, and a row to those that have none. Returns the rows on the page that changed. */
  pairUp(receipts, fresh, guess) {
    if (receipts.length === 0 && !this.rows.some((row) => row.state === 'alone')) return []
    const waiting = this.rows.filter((row) => row.state === 'alone')
    const old = this.rows.filter((row) => row.open && row.item.file)
    const { pairs, alone } = pair([...receipts, ...waiting.map((row) => row.item)], fresh.filter((row) => row.open), old, guess)
    for (const [row, receipt] of pairs) row.receipt = receipt
    const left = new Set(alone)
    waiting.filter((row) => !left.has(row.item)).forEach((row) => this.removed(row))
    const found = old.filter((row) => pairs.has(row))
    for (const row of found) row.restart()
    return [...found, ...this.addAlone(receipts.filter((item) => left.has(item)))]
  }

  show(row, batch) {
    if (row.gone) return // the list may have been cleared
    this.list.append(row.node)
    this.filters?.place(row)
    if (batch.stopped) row.stop()
    else if (row.state === null) row.check() // it may have been stopped, or been given a receipt
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

  /** Brings up the filters, unless they are there. */
  async filter() {
    try {
      const { Table } = await lazy('table.mjs')
      this.filters ??= new Table(this)
      this.filters.update()
    } catch {
      // The list is complete without them.
    }
  }

  /** The rows that the reader has before them, in their order. */
  shown() {
    return this.filters?.shown() ?? this.rows
  }

  /** Does something with a module that is loaded for it. */
  async withPart(load, act) {
    try {
      await act(await load())
    } catch {
      this.say(this.wording.of('files', 'part'))
    }
  }

  async stopEverything() {
    for (const batch of this.batches) batch.stopped = true
    const running = this.rows.filter((row) => !row.done)
    this.pool.withdraw(running.map((row) => row.job))
    await inTurns(running, (row) => row.stop())
  }

  /** Checks again what had no answer, or one that is too old. */
  async retry() {
    const pressed = Date.now()
    const tried = this.rows.filter((row) => row.retriable)
    this.finished = false // told when all have begun
    for (const row of tried) row.begin()
    this.tell()
    await inTurns(tried, (row) => row.state === null && row.check(pressed))
  }

  removeAll() {
    for (const row of this.rows) row.leave()
    this.rows = []
    this.list.replaceChildren()
    this.filters?.update()
    this.input.focus()
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
    const name = this.wording.fileName('replacementFile', { name: row.name })
    const label = this.wording.ui('replacementOf', { name: visible(row.name) })
    this.addBelow(row, { name, path: name, label, file: null, digests: { sha256, sha3: sha3_512 } })
  }

  /** Shows what a receipt says whose document is not there: its fingerprint is looked up, in a row below it; the same one only once. */
  addSaid(row, digests) {
    const known = this.rows.find((r) => r.receipt === row.item)
    if (known) return this.reveal(known.node)
    this.addBelow(row, toldItem(digests, this.wording), row.item)
  }

  /** Checks a part of a row's file, or a form of it, in a row below it. */
  addPart(row, file, label) {
    this.addBelow(row, { name: file.name, path: file.name, label, file, notes: [this.wording.of('files', 'partOf', { name: visible(row.name) })] })
  }

  /** Checks an item in a row below another. */
  addBelow(row, item, receipt = null) {
    const below = new Row(item, this)
    below.receipt = receipt
    row.node.after(below.node)
    this.rows.splice(this.rows.indexOf(row) + 1, 0, below)
    below.check()
    this.reveal(below.node)
  }

  removed(row) {
    row.leave()
    const focused = row.node.contains(document.activeElement)
    const next = row.node.nextElementSibling ?? row.node.previousElementSibling
    this.rows = this.rows.filter((r) => r !== row)
    row.node.remove()
    // The keyboard goes on with the next row, or begins again where files are chosen.
    if (focused) (next?.querySelector('button') ?? this.input).focus()
    this.tell()
  }

  /** Called by a row that begins, before it is at work. */
  began() {
    this.unfinished++
    this.changed()
  }

  /** Called by a row that has ended. */
  ended(row) {
    this.unfinished--
    this.filters?.place(row)
    this.changed()
  }

  changed() {
    const finished = this.unfinished === 0 && this.batches.size === 0
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
    this.head.hidden = this.rows.length === 0
    this.arrange()
    this.offer()
    this.list.toggleAttribute('data-many', this.rows.length > manyRows)
    this.overall.textContent = this.few() ? '' : overall(this.rows, this.coming, this.wording)
    this.filters?.update()
    const said = summary(this.rows, this.coming, this.wording)
    if (this.said !== said) this.say(said)
    // Where the filters count the same, or the one row says the same, it is only heard.
    const shown = this.rows.length === 1 || (this.filters !== null && !this.few())
    this.status.classList.toggle('unseen', shown && this.finished && this.status.textContent === said)
    this.said = said
  }

  /** Puts the buttons for the whole list above it, or after a few answers: on a phone they would stand between the reader and the verdict. */
  arrange() {
    const place = this.few() ? this.results : this.head
    if (this.tools.parentNode === place) return
    const used = this.tools.contains(document.activeElement) ? document.activeElement : null
    place.append(this.tools)
    used?.focus()
  }

  /** Says something once, in place of the count. */
  say(sentence) {
    this.status.textContent = sentence
    this.status.classList.remove('unseen')
  }

  /** Shows the buttons for the whole list that have something to do. */
  offer() {
    const used = document.activeElement
    const [total, open] = [this.rows.length, this.rows.filter((row) => !row.done).length + this.coming]
    const retriable = this.rows.filter((row) => row.retriable).length
    this.stopAll.hidden = open === 0 || (open === 1 && used !== this.stopAll) // the keyboard stays until there is somewhere to go
    this.again.hidden = open > 0 || retriable < 2
    this.again.textContent = this.wording.count('again', retriable)
    // After a few answers they come when those have all their words: what is found out about a file would move them from under a finger.
    const growing = this.few() && this.rows.some((row) => row.outcome?.looking)
    for (const tool of [this.clear, this.saveTable, this.print]) tool.hidden = total === 0 || open > 0 || growing
    const next = [this.stopAll, this.again, this.clear].find((tool) => !tool.hidden)
    if (used?.hidden && this.tools.contains(used)) (next ?? this.input).focus()
  }
}
