// What the registry has counted: how it has grown, and who has registered what.

import { button, element, icon, slots, visible } from './dom.mjs'
import { Chart } from './chart.mjs'
import { table } from './viewer.mjs'

// What is counted of authorities, by action, and in which words; what is rare has a column only where there is any.
const columns = { register: 'registered', revoke: 'revoked', suspend: 'suspended', restore: 'restored', supersede: 'superseded', link: 'linked' }
const always = ['register', 'revoke']
const own = { accredit: 'accredited', withdraw: 'withdrawn' }
const shownAtFirst = 12 // rows; a state has hundreds of authorities

const total = (counts) => counts.reduce((sum, { number }) => sum + BigInt(number), 0n)

/** Groups counts by one of their fields, the largest first. */
function grouped(counts, field) {
  const groups = Map.groupBy ? Map.groupBy(counts, (c) => c[field]) : group(counts, field)
  return [...groups].sort(([, a], [, b]) => Number(total(b) - total(a)))
}

function group(counts, field) {
  const groups = new Map()
  for (const count of counts) groups.set(count[field], [...(groups.get(count[field]) ?? []), count])
  return groups
}

export class Counts {
  /** @param {Promise<Map<string, string>>} titles of authorities, by name */
  constructor(viewer, growth, section, titles) {
    Object.assign(this, { viewer, growth, section, titles })
  }

  say(key, values) {
    return this.viewer.say(key, values)
  }

  async begin() {
    const view = await this.viewer.ask('statistics')
    this.growth.hidden = false
    const body = slots(this.growth).body
    if (view.reason || !view.series) {
      body.replaceChildren(this.missing(view))
      return
    }
    const { series } = view
    body.replaceChildren(series.length > 1 ? new Chart(this.viewer, series).figure() : element('p', {}, this.say('chartOne')), this.worth(view))
    this.section.hidden = false
    const titles = await this.titles
    slots(this.section).body.replaceChildren(...this.tables(view.counts, titles))
  }

  /** An older registry has no such file; one that cannot be read now is an outage; one that is damaged is said to be. */
  missing(view) {
    if (view.reason !== 'outage') return this.viewer.failure(view)
    const none = /HTTP (404|410)$/.test(view.detail)
    return element('p', { class: 'note', 'data-reason': none ? 'none' : 'outage' }, icon('notice'), element('span', {}, this.say(none ? 'noStatistics' : 'statisticsOutage')))
  }

  /** What these figures are worth. */
  worth(view) {
    const not = view.fit === 'not'
    const key = { same: 'ownCount', newer: 'ownCountOlder', older: 'ownCountOlder', not: 'ownCountNot' }[view.fit]
    const newest = view.series.at(-1)
    return element('p', { class: `note ${not ? 'doubtful' : ''}`, 'data-fit': view.fit }, icon('notice'), element('span', {}, this.say(key, { number: this.viewer.number(newest.publication) })))
  }

  tables(counts, titles) {
    const authorities = counts.filter((c) => Object.hasOwn(columns, c.action))
    const used = Object.keys(columns).filter((action) => always.includes(action) || authorities.some((c) => c.action === action))
    const registered = counts.filter((c) => c.action === 'register')
    const { wording } = this.viewer
    const kinds = grouped(registered, 'kind').map(([kind, list]) => [wording.kind(kind), this.viewer.number(total(list))])
    return [
      element('h3', {}, this.say('byIssuer')),
      this.long(['issuer', ...used.map((action) => columns[action])], grouped(authorities, 'issuer').map(([issuer, list]) => this.authority(issuer, list, used, titles))),
      element('h3', {}, this.say('byKind')),
      this.long(['kind', 'registered'], kinds),
      this.registryItself(counts),
    ].filter(Boolean)
  }

  authority(issuer, list, used, titles) {
    const title = titles.get(issuer)
    const name = element('bdi', { class: title ? 'code soft' : '' }, visible(issuer))
    const heading = title ? element('span', {}, element('bdi', {}, visible(title)), name) : name
    return [heading, ...used.map((action) => this.viewer.number(total(list.filter((c) => c.action === action))))]
  }

  /** A table of which the first rows are shown. */
  long(keys, rows) {
    const heads = keys.map((key) => this.say(key))
    const look = keys.length === 2 ? 'numbers pair' : 'numbers'
    const part = table(heads, rows.slice(0, shownAtFirst), look)
    if (rows.length <= shownAtFirst) return part
    const label = this.say('showAll', { count: this.viewer.wording.number(rows.length) })
    const all = button(label, this.viewer.wording.labelled(label, heads[0]), '', () => {
      const whole = table(heads, rows, look)
      whole.tabIndex = -1
      box.replaceChildren(whole)
      whole.focus()
    })
    const box = element('div', {}, part, all)
    return box
  }

  /** What the root has said about authorities. */
  registryItself(counts) {
    const parts = Object.entries(own)
      .map(([action, key]) => [key, total(counts.filter((c) => c.action === action))])
      .filter(([, n]) => n > 0n)
      .map(([key, n]) => this.viewer.wording.labelled(this.say(key), this.viewer.wording.number(n)))
    if (parts.length === 0) return null
    return element('p', { class: 'soft' }, this.say('registryItself'), ' · ', parts.join(' · '))
  }
}
