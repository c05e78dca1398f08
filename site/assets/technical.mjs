// How an answer was reached in technical words: every step of the verifier, every statement about the document, and the publication it rests on.

import { element, icon, visible, visibleLines } from './dom.mjs'

/** All of it, folded. */
export function technical(report, wording) {
  return element(
    'details',
    { class: 'technical', 'data-technical': '' },
    element('summary', {}, wording.of('drawn', 'technical')),
    element(
      'div',
      { class: 'folded' },
      section(wording.ui('evidenceSteps'), steps(report.steps, wording)),
      section(wording.ui('evidenceEvents'), report.life && events(report.life, wording)),
      section(wording.ui('evidenceOthers'), others(report.others, wording)),
      section(wording.ui('evidenceLedger'), ledger(report, wording)),
    ),
  )
}

/** One line of a list of facts; nothing where there is nothing to say. */
function fact(label, value, className = null) {
  if (value === null || value === undefined || value === '') return null
  return element('div', { class: className }, element('dt', {}, label), element('dd', {}, value))
}

function moment(text, wording) {
  return text ? element('time', { datetime: text }, wording.time(text)) : null
}

function section(title, content) {
  if (!content) return null
  return element('section', {}, element('h4', {}, title), content)
}

function steps(list, wording) {
  if (list.length === 0) return null
  return element('ol', { class: 'steps' }, ...list.map((step) => oneStep(step, wording)))
}

function oneStep(step, wording) {
  // The way is drawn above, with every hash.
  const proof = (step.id === 'way' ? [] : step.evidence).map(({ label, value }) =>
    fact(wording.name('labels', label), value && element('code', { dir: 'ltr' }, visibleLines(value))),
  )
  return element(
    'li',
    { 'data-step': step.id, 'data-state': step.state },
    icon(step.state, 'icon step-icon'),
    element(
      'div',
      {},
      element(
        'p',
        { class: 'step-name' },
        wording.name('steps', step.id),
        ' ',
        element('span', { class: 'step-state' }, wording.name('stepStates', step.state)),
      ),
      step.detail ? element('p', { class: 'soft', lang: 'en', dir: 'ltr' }, visible(step.detail)) : null,
      proof.length > 0 ? element('dl', { class: 'proof' }, ...proof) : null,
    ),
  )
}

/** Every entry of a life, void ones too, with its place in the ledger. */
function events(life, wording) {
  const began = { action: 'register', issuer: life.issuer, place: life.place, published: life.registered, effect: true }
  return element(
    'div',
    {},
    element('ol', { class: 'events' }, ...[began, ...life.events].map((event) => oneEvent(event, wording))),
    element('p', { class: 'soft' }, wording.ui('openEntryPrivacy')),
  )
}

/** A link to the entry itself. It opens beside this page, on which answers stand that would be lost. */
function entryLink(place, wording) {
  const name = wording.ui('openEntry', { place: wording.number(place) })
  return element('a', { href: `ledger.html#entry=${place}`, target: '_blank', rel: 'noopener', 'aria-label': name }, wording.ui('entry', { place: wording.number(place) }))
}

function oneEvent(event, wording) {
  return element(
    'li',
    { 'data-action': event.action },
    element(
      'p',
      {},
      element('strong', {}, event.action === 'register' ? wording.ui('began') : wording.name('actions', event.action)),
      ' ',
      moment(event.published, wording) ?? '',
      ' ',
      event.effect ? null : element('span', { class: 'tag' }, wording.ui('void')),
    ),
    element(
      'p',
      { class: 'soft' },
      element('bdi', {}, visible(event.issuer)),
      ' · ',
      entryLink(event.place, wording),
    ),
    event.reason ? element('blockquote', {}, element('bdi', {}, visible(event.reason))) : null,
    event.relation ? element('p', {}, wording.relation(event.relation)) : null,
    event.target ? element('p', {}, element('code', { dir: 'ltr' }, event.target)) : null,
  )
}

function others(list, wording) {
  if (list.length === 0) return null
  return element(
    'ul',
    { class: 'events' },
    ...list.map((life) =>
      element(
        'li',
        {},
        element('p', {}, element('bdi', {}, visible(life.issuer_title || life.issuer))),
        element(
          'p',
          { class: 'soft' },
          wording.name('lifeStates', life.state),
          ' · ',
          moment(life.registered, wording) ?? '',
        ),
      ),
    ),
  )
}

function ledger(report, wording) {
  const list = [
    fact(wording.ui('source'), sourceName(report.source, wording)),
    fact(wording.ui('size'), report.size ? wording.number(report.size) : null),
    fact(wording.ui('candidates'), report.candidates ? wording.number(report.candidates) : null),
    fact(wording.ui('root'), report.root ? element('code', { dir: 'ltr' }, report.root) : null, 'wide'),
    fact(
      wording.ui('successor'),
      report.life?.successor ? element('code', { dir: 'ltr' }, report.life.successor) : null,
      'wide',
    ),
    fact(wording.ui('detail'), report.detail ? element('span', { lang: 'en', dir: 'ltr' }, visible(report.detail)) : null, 'wide'),
  ]
  return list.some(Boolean) ? element('dl', { class: 'facts' }, ...list) : null
}

function sourceName(source, wording) {
  if (source === 'registry') return wording.ui('sourceRegistry')
  return source === 'receipt' ? wording.ui('sourceReceipt') : null
}
