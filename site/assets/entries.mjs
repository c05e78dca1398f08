// Looking at entries: the newest as a list, and any one with its proof.

import { climb, hash, hashOf, hexOf, recompute } from './climb.mjs'
import { button, download, element, icon, slots, visible, visibleLines } from './dom.mjs'
import { fields, sentence } from './statement.mjs'
import { code, fact, folded, table } from './viewer.mjs'

const portion = 15n // entries shown at a time
const fragment = /^#entry=(\d{1,19})$/

export class Entries {
  constructor(viewer, section, head) {
    Object.assign(this, { viewer, section, size: BigInt(head.size) })
    this.part = slots(section)
    this.asked = null
    this.part.form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.typed()
    })
    addEventListener('hashchange', () => this.follow())
    section.hidden = false
  }

  /** Shows the newest entries, and the one that the address names. */
  async begin() {
    await Promise.all([this.list(this.size), this.follow()])
  }

  say(key, values) {
    return this.viewer.say(key, values)
  }

  typed() {
    const text = this.part.place.value.replace(/[\s.,'’_]/g, '')
    if (!/^\d{1,19}$/.test(text)) {
      this.part.said.textContent = this.say('notAPlace', { last: this.viewer.number(this.size - 1n) })
      return
    }
    if (location.hash === `#entry=${BigInt(text)}`) this.show(BigInt(text))
    else location.hash = `entry=${BigInt(text)}`
  }

  /** Shows the entry that the address names. */
  follow() {
    const named = location.hash.match(fragment)
    return named ? this.show(BigInt(named[1])) : null
  }

  async show(place) {
    const { viewer, part } = this
    this.asked = place
    part.place.value = String(place)
    part.said.textContent = this.say('proving')
    const view = await viewer.ask('entry', { place: String(place) })
    if (this.asked !== place) return // another was asked for meanwhile
    part.said.textContent = ''
    if (view.head) this.size = BigInt(view.head.size)
    part.entry.replaceChildren(this.card(place, view))
    const heading = part.entry.querySelector('h3')
    heading.focus()
    heading.scrollIntoView({ block: 'start', behavior: 'instant' })
  }

  card(place, view) {
    const [entry] = view.entries
    if (view.beyond) return this.frame('beyond', this.say('entryFailed', { place: this.viewer.number(place) }), element('p', {}, this.beyond(place)))
    if (!entry) return this.frame('failed', this.say('entryFailed', { place: this.viewer.number(place) }), this.viewer.failure(view, () => this.show(place)))
    return this.frame(entry.standing, this.say('entry', { place: this.viewer.number(place) }), ...this.describe(entry, view), this.around(place))
  }

  beyond(place) {
    return this.say('beyond', { place: this.viewer.number(place), last: this.viewer.number(this.size - 1n) })
  }

  frame(state, title, ...content) {
    return element('article', { class: 'panel entry', 'data-entry': String(this.asked), 'data-state': state }, element('h3', { tabindex: '-1' }, title), ...content)
  }

  describe(entry, view) {
    const { viewer } = this
    const { plain, technical } = entry.action ? fields(viewer, entry) : { plain: [], technical: [] }
    return [
      element('p', { class: 'meaning' }, sentence(viewer, entry)),
      ...this.judgement(entry, view),
      element('dl', { class: 'facts' }, this.publication(entry), ...plain, this.signedBy(entry)),
      entry.action && entry.standing === 'authorised' && !['index', 'accredit', 'withdraw', 'trust', 'landmark', 'rollover'].includes(entry.action)
        ? element('p', { class: 'soft' }, this.say('effect'))
        : null,
      technical.length > 0 ? folded(this.say('fingerprints'), element('dl', { class: 'proof' }, ...technical)) : null,
      this.proof(entry, view),
      this.raw(entry),
    ]
  }

  /** What is proved of the entry, and whether it counts. */
  judgement(entry, view) {
    const values = { place: this.viewer.number(entry.place), asof: this.viewer.wording.time(view.head.as_of) }
    const good = entry.standing === 'authorised'
    const lines = [
      this.line('passed', 'proved', this.say('entryProved', values)),
      this.line(good ? 'passed' : 'notice', good ? 'proved' : 'doubtful', this.viewer.wording.name('standings', entry.standing)),
    ]
    if (entry.disowned && good) lines.push(this.line('notice', 'doubtful', this.say('disowned')))
    if (entry.other_kind && good) lines.push(this.line('notice', 'doubtful', this.say('otherKind')))
    if (entry.action && !entry.understood) lines.push(this.line('notice', 'doubtful', this.say('notUnderstood')))
    if (entry.why) lines.push(folded(this.say('technical'), element('p', { class: 'code' }, visible(entry.why))))
    return lines
  }

  line(symbol, className, text) {
    return element('p', { class: `note ${className}` }, icon(symbol), element('span', {}, text))
  }

  publication({ published }) {
    if (!published) return fact(this.say('published'), this.say('publishedUnknown'))
    const { viewer } = this
    return fact(this.say('published'), this.say('publishedWith', { time: viewer.wording.time(published.time), number: viewer.number(published.number) }))
  }

  signedBy({ signatures = [] }) {
    const names = [...new Set(signatures.map(({ name }) => visible(name)))]
    return names.length > 0 ? fact(this.say('signedBy'), element('span', {}, this.viewer.wording.list(names))) : null
  }

  /** The entry's own hash, the way from it to the ledger's, and whose keys have signed the entry. */
  proof(entry, { head }) {
    const { wording } = this.viewer
    const keys = (entry.signatures ?? []).map(({ name, key }) => fact(this.say('signedBy'), code(`${visible(name)}+${key}`)))
    const hex = hexOf(entry.text)
    const leaf = { rule: 'SHA-256(0x00 ‖ entry)', section: '2', bytes: [['entry', hex]], command: hashOf('00', hex), result: entry.leaf }
    return folded(
      this.say('proof'),
      element(
        'section',
        { class: 'drawn', 'data-drawing': 'entry' },
        element('p', {}, this.say('leaf')),
        hash(entry.leaf),
        entry.text.includes('\ufffd') ? null : recompute(this.say('leaf'), leaf, wording), // or its bytes are no text, and not at hand here
        element('p', {}, entry.way ? this.say('path') : this.say('noPath')),
        climb('ledger-path', entry.way, entry.leaf, wording),
        element('p', {}, this.say('root')),
        hash(head.root.replace('sha256:', '')),
        element('dl', { class: 'proof' }, fact(this.say('size'), this.viewer.number(head.size)), ...keys),
        element('p', { class: 'unseen', role: 'status', 'data-told': '' }),
      ),
    )
  }

  raw(entry) {
    const save = button(this.say('save'), this.say('save'), 'quiet', () => download(`entry-${entry.place}.txt`, entry.text, 'text/plain'))
    const size = this.viewer.wording.count('rawBytes', entry.bytes)
    return folded(this.say('raw'), element('pre', { class: 'raw', dir: 'ltr', tabindex: '0' }, visibleLines(entry.text)), element('p', { class: 'soft' }, size, ' ', save))
  }

  around(place) {
    const to = (at, key) => (at >= 0n && at < this.size ? element('a', { href: `#entry=${at}` }, this.say(key)) : null)
    return element('p', { class: 'around' }, to(place - 1n, 'previous'), to(place + 1n, 'next'))
  }

  /** Lists the entries before a place, newest first. */
  async list(end) {
    const from = end > portion ? end - portion : 0n
    const view = await this.viewer.ask('entries', { place: String(from), count: Number(end - from) })
    const { body } = this.part
    if (view.reason) {
      body.replaceChildren(this.viewer.failure(view, () => this.list(end)))
      return
    }
    this.size = BigInt(view.head.size)
    const rows = view.entries.reverse().map((entry) => this.row(entry))
    const heads = ['place', 'what', 'signedBy'].map((key) => this.say(key))
    const last = end - 1n
    const caption = this.say('newestEntries', { from: this.viewer.number(from), to: this.viewer.number(last) })
    const focused = body.contains(document.activeElement)
    body.replaceChildren(element('p', { class: 'soft', role: 'status' }, caption), table(heads, rows, 'brief'), this.pager(from, end))
    if (focused) body.querySelector('.pager button')?.focus()
  }

  row(entry) {
    const link = element('a', { href: `#entry=${entry.place}`, 'aria-label': this.say('entry', { place: this.viewer.number(entry.place) }) }, this.viewer.number(entry.place))
    const what = element('span', {}, sentence(this.viewer, entry))
    if (entry.standing !== 'authorised' && entry.standing !== 'unproved') what.append(' ', element('span', { class: 'tag warn' }, this.say('void')))
    const issuer = entry.issuer ? element('bdi', { class: 'soft' }, visible(entry.issuer)) : ''
    return [link, what, issuer]
  }

  pager(from, end) {
    const newer = end < this.size ? button(this.say('newerEntries'), this.say('newerEntries'), '', () => this.list(end + portion < this.size ? end + portion : this.size)) : null
    const older = from > 0n ? button(this.say('olderEntries'), this.say('olderEntries'), '', () => this.list(from)) : null
    return element('div', { class: 'pager' }, newer, older)
  }
}

/** A link to an entry, for whoever lists statements. */
export function entryLink(viewer, place) {
  return element('a', { href: `ledger.html#entry=${place}` }, viewer.say('toEntry', { place: viewer.number(place) }))
}

