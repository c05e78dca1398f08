// A statement in plain words, field by field.

import { element, visible } from './dom.mjs'
import { code, fact } from './viewer.mjs'

const digest = /^(sha256|sha3-256|sha3-512):([0-9a-f]+)$/
const algorithms = { sha256: 'SHA-256', 'sha3-256': 'SHA3-256', 'sha3-512': 'SHA3-512' }
const counts = ['covers', 'keys', 'publication', 'epoch', 'from']
const dates = ['issued', 'expires']

/** What an entry says, in one sentence. */
export function sentence(viewer, entry) {
  const { wording } = viewer
  if (!entry.action) return viewer.say('malformed')
  const value = (name) => entry.fields.find((field) => field.name === name)?.value ?? ''
  const number = (name) => (/^\d+$/.test(value(name)) ? viewer.number(value(name)) : '')
  return wording.statement(entry.action, {
    issuer: visible(entry.issuer_title || entry.issuer),
    kind: wording.kind(value('kind')),
    authority: visible(value('title') || entry.authority_title || value('authority')),
    relation: wording.name('relations', value('relation')),
    publication: number('publication'),
    covers: number('covers'),
  })
}

/**
 * The fields of a statement: what people read, and what programs compare.
 * @returns {{plain: Node[], technical: Node[]}}
 */
export function fields(viewer, entry) {
  const plain = []
  const technical = []
  const kinds = entry.fields.filter(({ name }) => name === 'kind').map(({ value }) => viewer.wording.kind(value))
  for (const { name, value } of entry.fields) {
    if (name === 'kind') {
      if (kinds.length > 0) plain.push(fact(viewer.wording.name('fields', name), viewer.wording.list(kinds.splice(0))))
      continue
    }
    const label = viewer.wording.name('fields', name)
    const hash = value.match(digest)
    if (hash) technical.push(fact(`${label} (${algorithms[hash[1]]})`, code(hash[2])))
    else if (name === 'key') technical.push(fact(label, code(visible(value))))
    else if (/^\d+ sha256:/.test(value)) {
      const [count, rest] = value.split(' ')
      if (count !== '0' || name !== 'landmarks') plain.push(fact(label, viewer.number(count)))
      technical.push(fact(label, code(rest)))
    } else plain.push(fact(label, shown(viewer, name, value), name === 'reason' ? 'wide' : null))
  }
  return { plain, technical }
}

function shown(viewer, name, value) {
  const { wording } = viewer
  if (counts.includes(name) && /^\d+$/.test(value)) return viewer.number(value)
  if (dates.includes(name)) return element('time', { datetime: value }, wording.date(value))
  if (name === 'time' && /^\d{1,12}$/.test(value)) {
    const at = new Date(Number(value) * 1000).toISOString()
    return element('time', { datetime: at }, wording.time(at))
  }
  if (name === 'relation') return wording.name('relations', value)
  return element('bdi', {}, visible(value))
}
