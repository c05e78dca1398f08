// The list of publications, back to the first, each with its signed checkpoint.

import { button, element, icon, slots } from './dom.mjs'
import { root } from './root.mjs'
import { code, fact, folded, moment, signers, table } from './viewer.mjs'

const portion = 10 // publications shown at a time

export class Publications {
  constructor(viewer, section) {
    this.viewer = viewer
    this.body = slots(section).body
  }

  say(key, values) {
    return this.viewer.say(key, values)
  }

  async list(skip = 0) {
    const view = await this.viewer.ask('publications', { skip, count: portion })
    if (view.reason) {
      this.body.before(this.viewer.failure(view)) // what was published with the page still stands below
      return
    }
    const heads = ['publicationUnknown', 'entries', 'added', 'signers', 'checkpoint'].map((key) => this.say(key))
    const focused = this.body.contains(document.activeElement)
    this.body.replaceChildren(this.range(view, skip), table(heads, view.publications.map((p) => this.row(p)), 'numbers left'), this.pager(view, skip))
    if (focused) this.body.querySelector('.pager button')?.focus()
  }

  range(view, skip) {
    const number = (n) => this.viewer.wording.number(n)
    const values = { from: number(skip + 1), to: number(skip + view.publications.length), total: this.viewer.number(view.total) }
    const lines = [element('p', { class: 'soft', role: 'status' }, this.say('publicationsShown', values))]
    if (!view.complete) {
      const incomplete = this.say('incomplete', { total: values.total, number: this.viewer.number(view.head.publication) })
      lines.push(element('p', { class: 'note doubtful' }, icon('notice'), element('span', {}, incomplete)))
    }
    return element('div', {}, ...lines)
  }

  row(p) {
    const name = p.number === '0' ? this.say('publicationUnknown') : this.say('publication', { number: this.viewer.number(p.number) })
    const title = element('span', {}, name, ' ', element('span', { class: 'soft block' }, moment(this.viewer, p.as_of) ?? ''), this.again(p))
    return [title, this.viewer.number(p.size), `+${this.viewer.number(p.added)}`, this.signed(p), this.tools(p, name)]
  }

  /** What is said of a publication that was signed again, with nothing new in it. */
  again(p) {
    if (p.again === 0) return null
    const said = this.viewer.wording.count('signedAgain', p.again)
    const details = element('details', { class: 'again' }, element('summary', {}, said))
    details.addEventListener('toggle', () => details.open && details.children.length === 1 && this.signings(p, details, 0))
    return details
  }

  /** Shows every signing of one publication, some at a time. */
  async signings(p, details, skip) {
    const view = await this.viewer.ask('publications', { size: p.size, skip, count: portion })
    const lines = view.reason
      ? [this.viewer.failure(view)]
      : view.publications.map((s) => element('p', {}, moment(this.viewer, s.as_of) ?? '', ' ', this.link(s)))
    details.append(...lines)
    if (!view.reason && skip + portion < Number(view.total)) {
      const more = button(this.say('older'), this.say('older'), 'quiet', () => {
        more.remove()
        this.signings(p, details, skip + portion)
      })
      details.append(more)
    }
  }

  signed(p) {
    if (!p.reason) return signers(this.viewer, p)
    const outage = p.reason === 'outage'
    return element('span', {}, element('span', { class: 'tag warn' }, this.say(outage ? 'checkpointOutage' : 'checkpointBad')), folded(this.say('technical'), element('p', { class: 'code', lang: 'en', dir: 'ltr' }, p.detail)))
  }

  link(p) {
    return element('a', { href: new URL(p.checkpoint, root).href, download: `checkpoint-${p.size}-${p.file.slice(0, 12)}` }, this.say('saveCheckpoint'))
  }

  tools(p, name) {
    const answer = element('div', { role: 'status' })
    const prove = button(this.say('proveCheckpoint'), this.viewer.wording.labelled(this.say('proveCheckpoint'), name), 'quiet', async () => {
      answer.replaceChildren(element('p', { class: 'soft' }, this.say('proving')))
      answer.replaceChildren(this.grown(await this.viewer.ask('checkpoint', { line: `${p.size} ${p.file}` })))
    })
    return element('div', { class: 'checkpoint' }, this.link(p), p.reason ? null : prove, answer)
  }

  /** Whether today's ledger begins with what a checkpoint signed. */
  grown(view) {
    const line = (symbol, className, text) => element('p', { class: `note ${className}` }, icon(symbol), element('span', {}, text))
    if (view.beyond) return line('notice', '', this.say('grownNewer'))
    if (view.reason === 'fork' && view.head) return element('div', {}, line('failed', 'doubtful', this.say('checkpointFork')), element('a', { href: new URL('ledger/head', root).href, download: 'head' }, 'ledger/head'))
    const [p] = view.publications
    if (!p) return this.viewer.failure(view)
    return element(
      'div',
      {},
      line('passed', 'proved', this.say('grown', { size: this.viewer.number(p.size) })),
      folded(
        this.say('proof'),
        element('dl', { class: 'proof' }, fact(this.say('root'), code(p.root)), fact(this.say('consistency'), code(p.proof.length > 0 ? p.proof.join('\n') : this.say('noConsistency')))),
      ),
    )
  }

  pager(view, skip) {
    const turn = (key, to) => button(this.say(key), this.say(`${key}Publications`), '', () => this.list(to))
    const newer = skip > 0 ? turn('newer', Math.max(0, skip - portion)) : null
    const older = skip + portion < Number(view.total) ? turn('older', skip + portion) : null
    return element('div', { class: 'pager' }, newer, older)
  }
}
