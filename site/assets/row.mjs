// One file's row: what is being done with it, then what it is.

import { button, download, element, slots, visible } from './dom.mjs'
import { bothSides, evidenceBody, evidenceBrief, evidenceTitle, keepsakes, readEvidence, standing } from './evidence.mjs'
import { recognise } from './kinds.mjs'
import { lazy } from './lazy.mjs'
import { brief, localBody, localBrief, reportBody } from './report.mjs'
import { sinceNote } from './since.mjs'

const receiptLimit = 4 << 20 // bytes (FORMAT.md, section 16)

const unpackedLimit = 32 << 20 // bytes of a file in a container, up to which it is taken out to see what may have happened to it

// What a reader will most likely do after a verdict; the other buttons hold back.
const likeliest = {
  unavailable: 'again',
  stale: 'again',
  recorded: 'again',
  'not-registered': 'addReceipt',
  mismatch: 'withoutReceipt',
  malformed: 'withoutReceipt',
}

// Where nothing is known of the document itself, its receipt may be what is in the way.
const undecided = ['mismatch', 'malformed', 'unavailable']

// What may have passed when it is tried again.
const passing = ['unavailable', 'stale']

// What each row is among many: the gravest first, and what is simply good last.
const gravity = ['inconsistent', 'proof', 'revoked', 'unaccredited', 'mismatch', 'malformed', 'superseded', 'suspended', 'expired', 'not-registered',
  'unavailable', 'stale', 'recorded', 'alone', 'stopped', 'working', 'evidence', 'list', 'authentic']
const innocent = ['evidence', 'list', 'authentic']

/** A receipt's bytes, cut where the verifier will say that it is too large; null where it cannot be read. */
async function readReceipt(item) {
  try {
    // Only what is too large is sliced: a file that has gone has no size, and a slice of nothing is read without complaint.
    const part = item.file.size > receiptLimit ? item.file.slice(0, receiptLimit + 1) : item.file
    return new Uint8Array(await part.arrayBuffer())
  } catch {
    return null // not the document's fault, nor the registry's
  }
}

export class Row {
  /**
   * @param {Item} item the document, or a receipt that has none yet
   * @param {object} page template, wording, pool, demo, and what a row tells the list:
   *   began(), ended(row), removed(row), few()
   */
  constructor(item, page) {
    Object.assign(this, {
      item,
      page,
      name: item.name,
      path: item.path,
      receipt: null,
      asDocument: false, // what looks like evidence is to be checked as any document
      job: null,
      outcome: null,
      pending: false, // it has begun, and not ended
      gone: false, // no longer in the list
      title: '',
      state: null, // until it is checked, stopped, or waits for its document
    })
    this.node = page.template.content.firstElementChild.cloneNode(true)
    this.part = slots(this.node)
    this.node.dataset.file = item.name
    this.node.dataset.path = item.path
    this.part.name.textContent = item.label || visible(item.path) || page.wording.ui('unnamed')
    if (this.named) this.node.dataset.named = ''
    if (item.file) this.part.size.textContent = page.wording.size(item.file.size)
    if (item.within) this.part.within.textContent = page.wording.of('files', item.told ? 'fromList' : 'within', { name: visible(item.within) })
    if (page.demo) this.part.demo.textContent = page.wording.ui('demoTag')
  }

  /** Where only a fingerprint is looked up and no file checked, what is said of it: 'named' by the document that it replaces, or 'told'. */
  get named() {
    if (!this.item.digests) return ''
    return this.item.told ? 'told' : 'named'
  }

  /** Whether it is a list, and not to be checked as a document. */
  get listed() {
    return this.item.kind === 'list' && !this.asDocument
  }

  /** What it has come to, in a word for filters. */
  get group() {
    if (this.state === 'alone' || this.state === 'stopped') return this.state
    if (!this.done) return 'working'
    if (this.outcome.list) return 'list'
    if (this.examined) return this.outcome.evidence.proved ? 'proof' : 'evidence'
    return this.outcome.report?.verdict ?? 'unavailable'
  }

  get gravity() {
    return gravity.indexOf(this.group)
  }

  /** Whether somebody has to look at it. */
  get attention() {
    return (!innocent.includes(this.group) && !this.wrapping) || this.outcome?.list?.badCount > 0
  }

  /** Whether it only holds what is to be checked: most containers are registered nowhere, and the files in them have rows of their own. */
  get wrapping() {
    return this.item.members > 0 && this.group === 'not-registered'
  }

  get done() {
    return this.outcome !== null || this.state === 'alone'
  }

  /** Whether something is known of the document. */
  get answered() {
    return Boolean(this.outcome?.report) && this.outcome.report.verdict !== 'unavailable'
  }

  /** Whether it was no document but evidence against a registry. */
  get examined() {
    return Boolean(this.outcome?.evidence) && !this.outcome.report
  }

  /** Whether there is a file to read, or a fingerprint to look up. */
  get checkable() {
    return Boolean(this.item.file ?? this.item.digests)
  }

  /** Whether trying again may help. */
  get retriable() {
    if (this.outcome === null || !this.checkable || this.examined || this.outcome.list) return false
    return !this.outcome.report || passing.includes(this.outcome.report.verdict)
  }

  /** Whether a receipt may still be paired with it. */
  get open() {
    return this.receipt === null && this.state !== 'alone' && Boolean(this.item.file) && !this.examined && !this.listed && this.item.kind !== 'evidence'
  }

  /** The row of a receipt that waits for its document. */
  waitForDocument() {
    const { wording } = this.page
    this.setState('alone', wording.ui('alone'), 'receipt')
    const linked = this.item.link
    this.fillBody([element('p', { class: 'meaning' }, wording.local(linked ? 'aloneLinked' : 'alone'))])
    this.setTools([
      this.chooser(wording.ui('addDocument'), (file) => this.page.addDocument(this, file)),
      ...(linked ? [this.button('linkSays', 'quiet', () => this.page.withPart(() => lazy('links.mjs'), ({ says }) => says(this)))] : []),
      this.removeButton(),
    ])
  }

  /**
   * Checks the document, with the receipt if there is one.
   * @param {number} anew since when published files must have been read
   */
  check(anew = 0) {
    const focused = this.node.contains(document.activeElement)
    this.begin()
    delete this.node.dataset.verdict
    delete this.node.dataset.evidence
    this.part.demo.hidden = true
    this.part.brief.hidden = true
    this.fillBody([])
    this.setTools([this.stopButton()])
    if (focused) this.part.tools.querySelector('button').focus()
    this.part.paired.textContent = this.receipt ? this.page.wording.ui('withReceipt') : ''
    if (this.listed) return this.finish({ list: this.item.list })
    if (!this.checkable) return this.finish({ why: this.item.why ?? 'unreadable' })
    const job = {
      file: this.item.file,
      digests: this.item.digests ?? null,
      receipt: null,
      evidence: null,
      anew,
      prepare: () => this.prepare(job),
      update: (state, done) => this.job === job && this.working(state, done),
      finish: (outcome) => this.job === job && this.finish(outcome),
    }
    this.job = job
    this.working('queued')
    this.page.pool.add(job)
  }

  /** It is to be checked, perhaps again. */
  begin() {
    this.outcome?.leaving?.abort()
    this.outcome = null
    this.state = null
    if (this.pending) return
    this.pending = true
    this.page.began()
  }

  /**
   * Reads what the check needs besides the document, when its turn has come: of thousands, none is read before.
   * @returns {Promise<boolean>} whether it can begin; if not, it has been finished
   */
  async prepare(job) {
    if (this.receipt) job.receipt = await readReceipt(this.receipt)
    else if (this.item.file && !this.asDocument && (await recognise(this.item)).kind === 'evidence') job.evidence = await readEvidence(this.item).catch(() => null)
    if (!this.receipt || job.receipt) return true
    job.finish({ why: 'receipt' })
    return false
  }

  /** Stops the check, also before it has begun. */
  stop() {
    if (this.done) return
    if (this.job) this.page.pool.stop(this.job)
    if (!this.done) this.finish({ why: 'stopped' })
  }

  /** It is taken from the list. */
  leave() {
    this.gone = true
    this.outcome?.leaving?.abort()
    this.stop()
  }

  /** Shows what is being done. */
  working(state, done = 0) {
    const { wording } = this.page
    this.setState(state, wording.ui(state), 'working')
    const bar = this.part.progress
    bar.hidden = state === 'queued' // thousands of bars that move would keep the page busy
    bar.setAttribute('aria-label', wording.ui(state))
    // Without a value the bar shows that something is going on, not how far it is.
    if (state === 'hashing' && done > 0) bar.value = done / this.item.file.size
    else bar.removeAttribute('value')
  }

  finish(outcome) {
    const { wording } = this.page
    const focused = this.node.contains(document.activeElement)
    this.job = null
    this.outcome = outcome
    if (outcome.report?.source === 'registry') this.page.hinting.warm()
    this.part.progress.hidden = true
    if (outcome.list) {
      this.setState('done', wording.of('files', 'list'), 'working')
    } else if (outcome.why === 'stopped') {
      this.setState('stopped', wording.ui('stopped'), 'working')
    } else if (this.examined) {
      // No verdict: those are about documents.
      this.setState('done', evidenceTitle(outcome.evidence, wording), outcome.evidence.proved ? 'inconsistent' : 'unavailable')
      this.node.dataset.evidence = standing(outcome.evidence)
      this.part.demo.hidden = !this.page.demo
    } else {
      const verdict = outcome.report?.verdict ?? 'unavailable'
      // Without a file nothing is green: what is valid is a fingerprint.
      this.setState('done', wording.title(verdict, this.named), this.named && verdict === 'authentic' ? 'recorded' : verdict)
      this.node.dataset.verdict = verdict
      this.part.demo.hidden = !this.page.demo
    }
    this.part.brief.textContent = this.brief()
    this.setTools([this.toggle(), this.removeButton()])
    this.unfold(this.page.few())
    // The pressed button is gone; the keyboard should not be thrown to the top.
    if (focused) this.part.tools.querySelector('button')?.focus()
    if (!this.pending) return
    this.pending = false
    this.page.ended(this)
  }

  setState(state, title, symbol) {
    this.state = state
    this.title = title
    this.node.dataset.state = state
    this.part.title.textContent = title
    this.part.icon.setAttribute('href', `#icon-${symbol}`)
  }

  setTools(buttons) {
    this.part.tools.replaceChildren(...buttons)
  }

  fillBody(content) {
    this.part.body.replaceChildren(...content.filter(Boolean))
    this.part.body.hidden = content.length === 0
  }

  /** A name for a button that tells rows apart for those who do not see them. */
  nameOf(action) {
    return this.page.wording.ui('forFile', { action, name: visible(this.name) })
  }

  button(key, className, action) {
    const label = this.page.wording.ui(key)
    return button(label, this.nameOf(label), className, action)
  }

  stopButton() {
    return this.button('stop', 'quiet', () => this.stop())
  }

  removeButton() {
    return this.button('remove', 'quiet', () => this.page.removed(this))
  }

  toggle() {
    this.toggler = this.button('more', 'quiet', () => this.unfold(this.part.body.hidden))
    return this.toggler
  }

  /** Shows or hides the body. It is made when it is first seen: hundreds of rows stay light. */
  unfold(open) {
    if (open) this.fillBody(this.body())
    this.part.body.hidden = !open
    this.part.brief.hidden = open
    const label = this.page.wording.ui(open ? 'less' : 'more')
    this.toggler.textContent = label
    this.toggler.setAttribute('aria-label', this.nameOf(label))
    this.toggler.setAttribute('aria-expanded', String(open))
  }

  brief() {
    const { report, why, evidence, list } = this.outcome
    if (list) return this.listSays()[0]
    if (this.examined) return evidenceBrief(evidence, this.page.wording)
    if (this.wrapping) return this.item.notes[0]
    return report ? brief(report, this.page.wording, this.named) : localBrief(why, this.page.wording)
  }

  /** What else is to be said of the file, in words. */
  get notes() {
    const empty = this.item.file?.size === 0 ? [this.page.wording.of('files', 'empty')] : []
    return [...(this.item.notes ?? []), ...empty]
  }

  body() {
    return [...this.notes.map((note) => element('p', { class: 'note' }, note)), ...this.answerBody()]
  }

  reportBody(report) {
    const { wording } = this.page
    const parts = { named: this.named, follow: (newer) => this.follower(newer), proof: this.proof(), hints: this.hints(), since: sinceNote(this.outcome, wording) }
    return reportBody(report, wording, parts)
  }

  answerBody() {
    const { report, why, detail, list } = this.outcome
    const { wording } = this.page
    if (list) return this.listBody()
    if (this.examined)
      return [...evidenceBody(this.outcome, this.name, wording), element('div', { class: 'row-tools' }, this.button('asDocument', 'quiet', () => this.checkAsDocument()))]
    const content = report ? this.reportBody(report) : localBody(why, detail, wording)
    return [...content, element('div', { class: 'row-tools' }, ...this.actions()), this.shortAddress()].filter(Boolean)
  }

  /**
   * The place for a short address of the receipt, where the portal gives such; null where it does not, or the document is not for everybody. What has
   * been given stays as long as the row does: nothing else can withdraw it.
   */
  shortAddress() {
    const { report, receipt } = this.outcome
    if (this.short?.node.dataset.given === '') return this.short.node
    if (!this.page.portal.links || this.named || !receipt || !report?.life) return null
    if (report.notices.includes('sealed') || this.page.guessable.includes(report.kind)) return null
    this.short ??= this.shortAddressPlace()
    return this.short.node
  }

  shortAddressPlace() {
    const ask = this.button('shortAddress', 'quiet', async () => {
      if (ask.hasAttribute('aria-disabled')) return
      ask.setAttribute('aria-disabled', 'true')
      await this.page.withPart(() => lazy('links.mjs'), ({ give }) => give(this, place))
      ask.removeAttribute('aria-disabled')
    })
    const said = element('p', { class: 'soft', role: 'status' }, this.page.wording.ui('shortAddressPrivacy'))
    const place = { node: element('div', { class: 'replacement-tools', 'data-short': '' }, ask, said), ask, said }
    return place
  }

  /** What was found in a list, and what could not be read. */
  listSays() {
    const { wording } = this.page
    const { count, bad, badCount, more } = this.outcome.list
    const lines = wording.list(bad.map((line) => wording.number(line)))
    return [
      wording.count('listRead', count),
      badCount > bad.length ? wording.count('listBadMany', badCount, { lines }) : badCount > 0 ? wording.count('listBad', badCount, { lines }) : null,
      more > 0 ? wording.count('listMore', more) : null,
    ].filter(Boolean)
  }

  listBody() {
    const said = this.listSays().map((sentence, i) => element('p', { class: i === 0 ? 'meaning' : null }, sentence))
    const tools = this.item.file ? element('div', { class: 'row-tools' }, this.button('asDocument', 'quiet', () => this.checkAsDocument())) : null
    return [...said, element('p', {}, this.page.wording.of('files', 'listMeans')), tools].filter(Boolean)
  }

  /** The place for what may have happened to a file that is not registered: it is read once its row stands open. */
  hints() {
    const { outcome } = this
    const { file } = this.item
    if (!file || outcome.report?.verdict !== 'not-registered') return null
    if (file.place && file.size > unpackedLimit) return null
    outcome.leaving ??= new AbortController()
    outcome.looking ??= true // until what is found stands on the page, where it takes room
    outcome.hints ??= this.page.hinting.of(this, outcome.leaving.signal)
    const status = element('p', { class: 'soft', role: 'status' }, this.page.wording.ui('looking'))
    const slot = element('div', { 'data-hints': '' }, status)
    outcome.hints.then(
      (node) => {
        if (!node) return slot.remove()
        // Read out, and left where it is: a live region that goes away is not heard.
        status.textContent = node.querySelector('h4').textContent
        status.className = 'unseen'
        slot.append(node)
      },
      () => slot.remove(), // what cannot be told is no answer, and takes none away
    ).finally(() => {
      outcome.looking = false
      this.page.offer()
    })
    return slot
  }

  /** Both records of a registry that contradicts itself, and what to keep of them. */
  proof() {
    const { conflict, evidence, checkpoints } = this.outcome
    const { wording } = this.page
    if (!conflict) return []
    return [bothSides(evidence, wording), keepsakes(evidence, checkpoints, conflict, this.name, wording)]
  }

  checkAsDocument() {
    this.asDocument = true
    this.check()
  }

  /** The control that checks the document in this one's place: on a click only, since it asks for another slot. */
  follower(newer) {
    const { wording } = this.page
    const label = wording.ui('replacementCheck')
    const ask = button(label, this.nameOf(label), '', () => {
      if (ask.hasAttribute('aria-disabled')) return
      ask.setAttribute('aria-disabled', 'true')
      said.textContent = wording.ui('replacementShown')
      this.page.addNewer(this, newer)
    })
    const said = element('p', { class: 'soft' }, wording.ui('replacementPrivacy'))
    return element('div', { class: 'replacement-tools' }, ask, said)
  }

  actions() {
    const { report, json, receipt, why } = this.outcome
    const verdict = report?.verdict ?? 'unavailable'
    const likely = why === 'receipt' ? 'withoutReceipt' : likeliest[verdict]
    const look = (key) => (key === likely ? '' : 'quiet')
    const list = []
    if (receipt) list.push(this.saving('saveReceipt', '', '.tlog-proof', receipt))
    if (json) list.push(this.saving('saveReport', 'quiet', '.report.json', json, 'application/json'))
    if (!this.checkable) return list
    if (this.receipt && undecided.includes(verdict))
      list.push(this.button('withoutReceipt', look('withoutReceipt'), () => this.checkWithoutReceipt()))
    if (!this.named && (report || why === 'receipt')) list.push(this.receiptChooser(look('addReceipt')))
    list.push(this.button('again', look('again'), () => this.check(Date.now())))
    return list
  }

  checkWithoutReceipt() {
    this.receipt = null
    this.check(Date.now())
  }

  receiptChooser(className) {
    return this.chooser(this.page.wording.ui('addReceipt'), (file) => this.addReceipt(file), className)
  }

  saving(key, className, suffix, content, type = 'application/octet-stream') {
    return this.button(key, className, () => download(this.name + suffix, content, type))
  }

  /** A button that opens the browser's own file dialogue. */
  chooser(label, take, className = '') {
    const input = element('input', { type: 'file', class: 'unseen', 'aria-label': this.nameOf(label) })
    input.addEventListener('change', () => input.files[0] && take(input.files[0]))
    return element('label', { class: `button small ${className}` }, input, label)
  }

  addReceipt(file) {
    this.receipt = { name: file.name, path: file.name, file, kind: 'receipt' }
    this.restart()
  }

  /** Begins again, with what has been added meanwhile. */
  restart() {
    if (this.job) this.page.pool.stop(this.job)
    this.job = null
    this.check()
  }
}
