// When: everything about an answer that has a time, in the order of time, each with who says so. What an issuer claims is told apart from
// what stands in the signed ledger, and both from what others have put under their own signature.

import { element, visible } from './dom.mjs'

const secondsOf = (text) => Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text) / 1000

// From how many seconds on a gap counts as one of days, of months, of years: the rail is drawn longer.
const gaps = [['years', 300 * 86_400], ['months', 27 * 86_400], ['days', 86_400], ['hours', 3_600]]

/**
 * The time line of an answer.
 * @param {string} published when the index statement was made
 */
export function moments(report, published, wording) {
  const list = [...claims(report), ...recorded(report, published, wording), ...signatures(report), { at: report.as_of, key: 'asof', by: 'signed' }, { at: report.now, key: 'now', by: 'device' }].filter(({ at }) => at)
  list.sort((a, b) => secondsOf(a.at) - secondsOf(b.at)) // those of one time stay as they are
  return element(
    'section',
    { class: 'when', 'data-when': '' },
    element('h4', {}, wording.of('drawn', 'when')),
    element('p', { class: 'soft' }, wording.of('drawn', 'whenText')),
    element('ol', { class: 'moments' }, ...list.map((moment, i) => line(moment, list[i - 1], wording))),
  )
}

/** What the issuer says about its document, and nobody can prove. */
function claims({ life }) {
  if (!life) return []
  return [{ at: life.issued, key: 'issued', by: 'claim' }, { at: life.expires, key: 'expires', by: 'claim' }]
}

/** What stands in the ledger, with the time of the publication in which it first stood there. */
function recorded({ life }, published, wording) {
  const list = life ? [{ at: life.registered, key: 'registered', by: 'ledger' }] : []
  for (const event of life?.events.filter(({ effect }) => effect) ?? []) {
    const said = event.action === 'link' ? wording.relation(event.relation) : wording.name('actions', event.action)
    list.push({ at: event.published, key: 'event', by: 'ledger', said })
  }
  if (life?.withdrawal) list.push({ at: life.withdrawal.published, key: 'event', by: 'ledger', said: wording.ui('withdrawal') })
  return [...list, { at: published, key: 'published', by: 'ledger' }]
}

const keysBelow = (member) => (member.key ? [member] : member.members.flatMap(keysBelow))

/** Every signature with a time of its own, one for each who signed: several keys of one are told once, at the first. */
function signatures({ signers, officers, witnesses }) {
  const list = signers.filter(({ role, time }) => role === 'log' && time).map(({ name, time }) => ({ at: time, key: 'logSigned', by: 'signed', name }))
  for (const [key, quorum] of [['officerSigned', officers], ['witnessSigned', witnesses]]) {
    for (const { key: name, time, met } of quorum.members.flatMap(keysBelow)) {
      if (time && met && !list.some((m) => m.key === key && m.name === name)) list.push({ at: time, key, by: 'signed', name })
    }
  }
  return list
}

function line({ at, key, by, said = '', name = '' }, before, wording) {
  const apart = before ? secondsOf(at) - secondsOf(before.at) : 0
  const gap = gaps.find(([, least]) => apart >= least)?.[0]
  const text = said || wording.of('drawn', key, { name: visible(name) })
  return element(
    'li',
    { 'data-moment': key, 'data-by': by, 'data-gap': gap ?? null },
    element('time', { datetime: at }, at.length === 10 ? wording.date(at) : wording.time(at)),
    // What others have signed up to is what the answer is known to hold by: nobody says so but their signatures above.
    element('span', {}, text, key === 'asof' ? null : element('span', { class: 'by' }, wording.of('drawn', `by-${by}`))),
  )
}
