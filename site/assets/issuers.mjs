// The page of the issuers: proves the list by itself, and shows behind each line the statements that the registry's
// root has signed.

import { element, icon, visible } from './dom.mjs'
import { begin, code, fact, find, folded, moment } from './viewer.mjs'

begin(async (viewer) => {
  const view = await viewer.ask('issuers')
  const none = view.issuers.length === 0
  if (!viewer.tell(view, none ? 'issuersNone' : 'issuersProved')) return
  const collator = new Intl.Collator()
  const order = (a, b) => Number(b.stands) - Number(a.stands) || collator.compare(a.title, b.title)
  find('issuers').replaceChildren(element('ul', { class: 'issuers' }, ...view.issuers.sort(order).map((issuer) => new Card(viewer, issuer).node)))
  document.documentElement.dataset.ready = ''
})

class Card {
  constructor(viewer, issuer) {
    Object.assign(this, { viewer, issuer })
    this.effective = issuer.statements.filter((s) => s.effect)
    this.node = element(
      'li',
      { class: 'panel issuer', 'data-issuer': issuer.name, 'data-stands': String(issuer.stands) },
      element('h2', {}, element('bdi', {}, visible(issuer.title || issuer.name)), ' ', this.state()),
      element('p', { class: 'code soft' }, element('bdi', {}, visible(issuer.name))),
      element('dl', { class: 'facts' }, ...this.facts()),
      folded(this.say('statementsFor'), element('ol', { class: 'events' }, ...issuer.statements.map((s) => this.statement(s)))),
    )
  }

  say(key, values) {
    return this.viewer.say(key, values)
  }

  state() {
    const { stands, understood } = this.issuer
    if (understood === false) return element('span', { class: 'tag warn' }, this.say('newerNeeded'))
    return element('span', { class: `tag ${stands ? 'good' : 'warn'}` }, this.say(stands ? 'active' : 'ended'))
  }

  facts() {
    const { issuer, viewer } = this
    const accredit = this.effective.findLast((s) => s.action === 'accredit')
    const end = issuer.stands ? null : this.effective.findLast((s) => s.action === 'withdraw')
    const kinds = issuer.stands && accredit ? viewer.wording.list(accredit.kinds.map((k) => viewer.wording.kind(k))) : this.say('mayIssueNone')
    const count = accredit?.keys.length ?? 0
    return [
      fact(this.say('mayIssue'), kinds),
      fact(this.say('since'), moment(viewer, issuer.since)),
      end && fact(this.say('endedAt'), element('span', {}, moment(viewer, end.published) ?? '', ' · ', this.reach(end))),
      issuer.stands && fact(this.say('keys'), viewer.wording.count('keyCount', count)),
      end?.reason && fact(this.say('reason'), element('bdi', {}, visible(end.reason)), 'wide'),
    ].filter(Boolean)
  }

  /** How far back a withdrawal reaches. */
  reach({ from }) {
    if (from === null) return this.say('endedForward')
    return from === '0' ? this.say('endedFromStart') : this.say('endedFrom', { from: this.viewer.number(from) })
  }

  statement(s) {
    const { viewer } = this
    return element(
      'li',
      { 'data-action': s.action, 'data-place': s.place },
      element('p', {}, icon('passed', 'icon small-icon'), ' ', element('strong', {}, this.deed(s)), ' ', moment(viewer, s.published) ?? '', ' ', s.effect ? '' : element('span', { class: 'tag' }, this.say('noEffect'))),
      ...this.changes(s).map((line) => element('p', { class: 'soft' }, line)),
      s.reason ? element('blockquote', {}, element('bdi', {}, visible(s.reason))) : null,
      element('p', {}, element('a', { href: `ledger.html#entry=${s.place}` }, this.say('toEntry', { place: viewer.number(s.place) }))),
    )
  }

  /** The statement that stood when this one was made. */
  before(s) {
    return this.effective[this.effective.indexOf(s) - 1] ?? null
  }

  deed(s) {
    if (!s.understood) return this.say('did.other')
    if (s.action === 'withdraw') return this.say('did.withdraw')
    const before = this.before(s)
    if (!before) return this.say('did.accredit')
    return this.say(before.action === 'withdraw' ? 'did.again' : 'did.change')
  }

  /** What a statement has changed, line by line. */
  changes(s) {
    if (s.action === 'withdraw') return [this.reach(s)]
    const { wording } = this.viewer
    const last = this.effective.slice(0, Math.max(0, this.effective.indexOf(s))).findLast((b) => b.action === 'accredit') ?? { kinds: [], keys: [], title: '' }
    const kinds = (list) => wording.list(list.map((k) => wording.kind(k)))
    const without = (list, others) => list.filter((x) => !others.includes(x))
    const [more, fewer] = [without(s.kinds, last.kinds), without(last.kinds, s.kinds)]
    const lines = []
    if (last.title && last.title !== s.title) lines.push(this.say('newTitle', { title: visible(s.title) }))
    if (more.length > 0) lines.push(this.say(last.title ? 'kindsAdded' : 'kindsFirst', { kinds: kinds(more) }))
    if (fewer.length > 0) lines.push(this.say('kindsRemoved', { kinds: kinds(fewer) }))
    for (const key of without(s.keys, last.keys)) lines.push(this.key('keyAdded', key))
    for (const key of without(last.keys, s.keys)) lines.push(this.key('keyRemoved', key))
    return lines
  }

  /** A key is named by its ID; whoever compares keys has the whole one in the statement. */
  key(sentence, vkey) {
    const [before, after] = this.say(sentence, { key: '\n' }).split('\n')
    return element('span', {}, before, code(vkey.split('+')[1] ?? vkey), after)
  }
}
