// The element's list of answers: a row for each document, from its first byte to its verdict, in the portal's words.

import { VerifierError } from './errors.mjs'
import { button, download, element, icon, slots, visible } from './portal/dom.mjs'
import { bothSides, evidenceBody, evidenceTitle, keepsakes, standing } from './portal/evidence.mjs'
import { isReceipt, pair } from './portal/files.mjs'
import { recognise } from './portal/kinds.mjs'
import { localBody, reportBody } from './portal/report.mjs'
import { sinceNote } from './portal/since.mjs'

const fewRows = 3 // up to this many answers are shown whole; more are folded
const announceEvery = 500 // milliseconds; a screen reader cannot follow more

const whys = { 'not-started': 'verifier', receipt: 'receipt', unreadable: 'unreadable', crashed: 'crashed' }

export class Answers {
  /**
   * @param {object} parts list, status, clear, input (elements), wording
   * @param {object} home portal (URL or null), verifier (() => Promise), send (dispatches an event)
   * @param {Answers|null} before whose documents go on here, in other words
   */
  constructor(parts, home, before = null) {
    Object.assign(this, { parts, home, wording: parts.wording, timer: null })
    this.rows = (before?.rows ?? []).map((row) => row.anew(this))
    new MutationObserver(() => this.lead()).observe(parts.list, { childList: true, subtree: true })
    parts.list.replaceChildren(...this.rows.map((row) => row.node))
    for (const row of this.rows) row.resume()
    this.tell()
  }

  /** Takes in what was chosen or dropped together; resolves when each has an answer. */
  async add(items) {
    await Promise.all(items.map((item) => recognise(item)))
    const fresh = items.filter((item) => !isReceipt(item)).map((item) => new Row(item, this))
    const receipts = items.filter(isReceipt)
    const { pairs, alone } = pair(receipts, fresh, this.rows.filter((row) => row.open))
    const touched = [...pairs.keys()].filter((row) => !fresh.includes(row))
    for (const [row, receipt] of pairs) row.receipt = receipt.file
    fresh.push(...alone.map((item) => new Row(item, this, 'alone')))
    this.rows.push(...fresh)
    this.parts.list.append(...fresh.map((row) => row.node))
    this.tell()
    await Promise.all([...fresh, ...touched].map((row) => row.check()))
  }

  /** Checks, without a file, the document that has taken another's place. */
  follow(row, newer) {
    const digests = { sha256: newer.sha256, sha3_512: newer.sha3_512 }
    const label = this.wording.ui('replacementOf', { name: visible(row.item.name) })
    const next = new Row({ name: this.wording.fileName('replacementFile', { name: row.item.name }), path: '', file: null, digests, label }, this)
    this.rows.splice(this.rows.indexOf(row) + 1, 0, next)
    row.node.after(next.node)
    return next.check()
  }

  /** The portal's own links are relative to the portal, also those in what is drawn later. */
  lead() {
    for (const link of this.parts.list.querySelectorAll('a[href]:not([href*=":"])')) link.href = new URL(link.getAttribute('href'), this.home.portal ?? document.baseURI).href
  }

  get few() {
    return this.rows.length <= fewRows
  }

  remove(row) {
    row.stop()
    const at = this.rows.indexOf(row)
    this.rows.splice(at, 1)
    row.node.remove()
    const next = this.rows[Math.min(at, this.rows.length - 1)]
    ;(next?.node.querySelector('button') ?? this.parts.input).focus()
    this.tell()
  }

  clear() {
    for (const row of this.rows) row.stop()
    this.rows = []
    this.parts.list.replaceChildren()
    this.tell()
  }

  /** Tells how far it is, to those who do not see it too; no more often than they can follow. */
  tell() {
    this.parts.clear.hidden = this.rows.length === 0
    this.timer ??= setTimeout(() => {
      this.timer = null
      this.parts.status.textContent = this.said()
    }, announceEvery)
  }

  said() {
    const { rows, wording } = this
    const done = rows.filter((row) => row.done)
    if (rows.length === 1 && done.length === 1) return wording.ui('progressOne', { title: done[0].title })
    return rows.length < 2 ? '' : wording.ui('progress', { done: wording.number(done.length), total: wording.number(rows.length) })
  }
}

class Row {
  constructor(item, list, state = 'queued') {
    Object.assign(this, { item, list, wording: list.wording, receipt: null, abort: null, outcome: null, state, title: '', asDocument: false })
    const slot = (tag, name, attributes = {}, ...children) => element(tag, { 'data-slot': name, ...attributes }, ...children)
    const symbol = icon('working', 'verdict-icon')
    symbol.firstChild.setAttribute('data-slot', 'icon')
    const words = element(
      'h3',
      {},
      element('span', { class: 'row-verdict', part: 'verdict' }, slot('span', 'title'), ' ', slot('span', 'demo', { class: 'tag', hidden: '' }, this.wording.ui('demoTag'))),
      element('span', { class: 'row-file' }, slot('bdi', 'name'), ' ', slot('span', 'size', { class: 'soft' }), ' ', slot('span', 'paired', { class: 'soft' })),
    )
    const head = element('div', { class: 'row-head' }, symbol, element('div', { class: 'row-words' }, words), slot('div', 'tools', { class: 'row-head-tools' }))
    this.node = element('li', { class: 'row', part: 'row', 'data-file': item.name }, head, slot('progress', 'progress', { max: '1', hidden: '' }), slot('div', 'body', { class: 'row-body', hidden: '' }))
    this.part = slots(this.node)
    this.part.name.textContent = item.label ?? (visible(item.path) || this.wording.ui('unnamed'))
    if (item.file) this.part.size.textContent = this.wording.size(item.file.size)
    if (item.digests) this.node.dataset.named = ''
  }

  get done() {
    return this.outcome !== null || this.state === 'alone'
  }

  /** Whether a receipt may still be paired with it. */
  get open() {
    return this.receipt === null && this.item.file !== null && this.state !== 'alone' && !this.outcome?.examination
  }

  get answered() {
    return Boolean(this.outcome?.report) && this.outcome.verdict !== 'unavailable'
  }

  // What pairing goes by.
  get name() {
    return this.item.name
  }

  get path() {
    return this.item.path
  }

  /** The same for another list. */
  anew(list) {
    this.stop()
    const row = new Row(this.item, list, this.state)
    return Object.assign(row, { receipt: this.receipt, asDocument: this.asDocument, outcome: this.outcome })
  }

  resume() {
    if (this.outcome) this.finish(this.outcome, true)
    else this.check()
  }

  stop() {
    this.abort?.abort()
  }

  /** Checks the document, with the receipt if there is one. */
  async check(fresh = false) {
    if (this.state === 'alone') return this.waitForDocument()
    this.stop()
    const abort = new AbortController()
    this.abort = abort
    this.begin()
    const outcome = await this.ask(abort.signal, fresh).catch((error) => (abort.signal.aborted ? { why: 'stopped' } : { why: this.item.why ?? whys[error.code] ?? 'crashed', error }))
    if (this.abort !== abort || !this.list.rows.includes(this)) return
    this.abort = null
    this.finish(outcome)
  }

  async ask(signal, fresh) {
    const { file, digests } = this.item
    if (!file && !digests) throw new VerifierError('unreadable', `open ${this.item.path}: it cannot be read`)
    const verifier = await this.list.home.verifier()
    signal.throwIfAborted()
    if (digests) return verifier.lookUp(digests, { signal, fresh })
    if (!this.receipt && !this.asDocument && (await recognise(this.item)).kind === 'evidence') return { examination: await verifier.examine(file, { signal }) }
    return verifier.check(file, { receipt: this.receipt, signal, fresh, onProgress: (progress) => this.working(progress) })
  }

  begin() {
    const focused = this.node.contains(this.node.getRootNode().activeElement)
    this.outcome = null
    delete this.node.dataset.verdict
    delete this.node.dataset.evidence
    this.part.demo.hidden = true
    this.part.paired.textContent = this.receipt ? this.wording.ui('withReceipt') : ''
    this.fill([])
    this.part.tools.replaceChildren(this.button('stop', 'quiet', () => this.stop()))
    if (focused) this.part.tools.firstChild.focus()
    this.working({ state: 'starting', done: 0, total: 0 })
    this.list.tell()
  }

  working({ state, done, total }) {
    if (this.outcome) return
    this.show(state, this.wording.ui(state), 'working')
    const bar = this.part.progress
    bar.hidden = false
    bar.setAttribute('aria-label', this.wording.ui(state))
    // Without a value the bar shows that something is going on, not how far it is.
    if (done > 0 && total > 0) bar.value = done / total
    else bar.removeAttribute('value')
  }

  show(state, title, symbol) {
    Object.assign(this, { state, title })
    this.node.dataset.state = state
    this.part.title.textContent = title
    this.part.icon.setAttribute('href', `#icon-${symbol}`)
  }

  waitForDocument() {
    this.show('alone', this.wording.ui('alone'), 'receipt')
    this.fill([element('p', { class: 'meaning' }, this.wording.local('alone'))])
    this.part.tools.replaceChildren(this.chooser('addDocument', (file) => this.addDocument(file)), this.removal())
    this.list.tell()
  }

  addDocument(file) {
    const { list, item } = this
    list.remove(this)
    list.add([{ name: file.name, path: file.name, file }, item]) // a single receipt is a single document's
  }

  /** @param {boolean} told whether those who listen have heard of it */
  finish(outcome, told = false) {
    const focused = this.node.contains(this.node.getRootNode().activeElement)
    this.outcome = outcome
    this.part.progress.hidden = true
    this.judge(outcome)
    this.part.tools.replaceChildren(this.toggle(), this.removal())
    this.unfold(this.list.few)
    if (focused) this.part.tools.firstChild.focus() // the pressed button is gone
    this.list.tell()
    if (!told) this.report(outcome)
  }

  /** Gives the row its words and its colour. */
  judge({ verdict, report, examination, why }) {
    const { wording, node } = this
    const named = this.item.digests ? 'named' : ''
    if (examination) {
      this.show('done', evidenceTitle(examination, wording), examination.proved ? 'inconsistent' : 'unavailable')
      node.dataset.evidence = standing(examination)
    } else if (why === 'stopped') {
      this.show('stopped', wording.ui('stopped'), 'working')
    } else {
      const is = verdict ?? 'unavailable'
      // Without a file nothing is green: what is valid is a fingerprint.
      this.show('done', wording.title(is, named), named && is === 'authentic' ? 'recorded' : is)
      node.dataset.verdict = is
      this.part.demo.hidden = !report?.demo
    }
  }

  /** Tells the page. A fingerprint that was looked up is no document of its reader's. */
  report({ verdict, report, receipt, since, examination, why, error }) {
    const { name } = this.item
    const { send } = this.list.home
    if (this.item.digests || why === 'stopped') return
    if (examination) send('stele-evidence', { name, examination })
    else if (error) send('stele-failure', { name, error })
    else send('stele-verdict', { name, verdict, report, receipt, since })
  }

  /** Shows or hides the body. It is made when it is first seen. */
  unfold(open) {
    if (open) this.fill(this.body())
    this.part.body.hidden = !open
    const label = this.wording.ui(open ? 'less' : 'more')
    this.toggler.textContent = label
    this.toggler.setAttribute('aria-label', this.nameOf(label))
    this.toggler.setAttribute('aria-expanded', String(open))
  }

  fill(content) {
    this.part.body.replaceChildren(...content.filter(Boolean))
    this.part.body.hidden = content.length === 0
  }

  body() {
    const { report, since, examination, why, error } = this.outcome
    const { wording, item } = this
    const tools = element('div', { class: 'row-tools' }, ...this.actions())
    if (examination) {
      const evidence = { ...examination.report, ...examination }
      return [...evidenceBody({ evidence, checkpoints: examination.checkpoints }, item.name, wording), tools]
    }
    if (!report) return [...localBody(why, error?.message, wording), tools]
    return [...reportBody(report, wording, { named: item.digests ? 'named' : '', follow: (newer) => this.follower(newer), proof: this.proof(), since: since && sinceNote({ report, since: Date.parse(since) }, wording) }), tools]
  }

  /** Both records of a registry that contradicts itself, and what to keep of them. */
  proof() {
    const { evidence } = this.outcome
    if (!evidence?.report) return []
    return [bothSides(evidence.report, this.wording), keepsakes(evidence.report, evidence.checkpoints, evidence.file, this.item.name, this.wording)]
  }

  /** The control that checks the document in this one's place: on a click only, since it asks for another slot. */
  follower(newer) {
    const label = this.wording.ui('replacementCheck')
    const said = element('p', { class: 'soft' }, this.wording.ui('replacementPrivacy'))
    const ask = button(label, this.nameOf(label), '', () => {
      if (ask.hasAttribute('aria-disabled')) return
      ask.setAttribute('aria-disabled', 'true')
      said.textContent = this.wording.ui('replacementShown')
      this.list.follow(this, newer)
    })
    return element('div', { class: 'replacement-tools' }, ask, said)
  }

  actions() {
    const { receipt, examination, verdict = 'unavailable', why } = this.outcome
    const list = []
    if (receipt) list.push(this.button('saveReceipt', '', () => download(`${this.item.name}.tlog-proof`, receipt, 'application/octet-stream')))
    if (examination) return [this.button('asDocument', 'quiet', () => this.checkAsDocument())]
    if (this.receipt && (why === 'receipt' || ['mismatch', 'malformed', 'unavailable'].includes(verdict))) list.push(this.button('withoutReceipt', '', () => this.checkWith(null)))
    if (this.item.file) list.push(this.chooser('addReceipt', (file) => this.checkWith(file), 'quiet'))
    if (this.item.file || this.item.digests) list.push(this.button('again', 'quiet', () => this.check(true)))
    return list
  }

  checkAsDocument() {
    this.asDocument = true
    this.check()
  }

  checkWith(receipt) {
    this.receipt = receipt
    this.check(receipt === null)
  }

  toggle() {
    this.toggler = this.button('more', 'quiet', () => this.unfold(this.part.body.hidden))
    return this.toggler
  }

  removal() {
    return this.button('remove', 'quiet', () => this.list.remove(this))
  }

  /** A name for a button that tells rows apart for those who do not see them. */
  nameOf(action) {
    return this.wording.ui('forFile', { action, name: visible(this.item.name) })
  }

  button(key, className, action) {
    const label = this.wording.ui(key)
    return button(label, this.nameOf(label), className, action)
  }

  /** A button that opens the browser's own file dialogue. */
  chooser(key, take, className = '') {
    const label = this.wording.ui(key)
    const input = element('input', { type: 'file', class: 'unseen', 'aria-label': this.nameOf(label) })
    input.addEventListener('change', () => input.files[0] && take(input.files[0]))
    return element('label', { class: `button small ${className}` }, input, label)
  }
}
