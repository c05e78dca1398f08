// Turns a report into what a person reads: what it means, what to do, the
// facts, who has looked, what else to know, and, folded, the evidence.

import { element, icon, visible } from './dom.mjs'
import { lazy } from './lazy.mjs'
import { signedLines } from './quorum.mjs'

// Notices that have their own place: above everything, and, where the foot of the page has the trust file's fingerprint, with the evidence.
const placed = (code, wording) => code === 'demo' || (code === 'trust-unpinned' && wording.ownPage)

/** What fills the placeholders of a verdict's sentences. */
export function values(report, wording) {
  return {
    issuer: visible(report.issuer_title || report.issuer || wording.ui('unknown')),
    asof: wording.time(report.as_of),
    registered: wording.time(report.registered),
    expires: wording.date(report.expires ?? ''),
  }
}

/** What has made the document what it is: the last event that took effect. */
function lastChange(report) {
  return report.life?.events.findLast((event) => event.effect && event.action !== 'link') ?? null
}

/** A report in one line, for a row that is folded. `named`: no file was checked, only a fingerprint looked up; see Row.named. */
export function brief(report, wording, named = '') {
  const dated = { ...values(report, wording), registered: wording.day(report.registered), changed: wording.day(lastChange(report)?.published) }
  const said = wording.verdict(report.verdict, dated, named)
  return said.brief || (report.reason ? wording.name('reasons', report.reason) : said.meaning)
}

/** What a reader has to know of an answer besides the answer, in sentences. */
export function remarks(report, wording) {
  return report.notices.filter((code) => code !== 'demo').map((code) => wording.name('notices', code))
}

/** A row in one line for what never reached the verifier. */
export function localBrief(why, wording) {
  return wording.local(why)
}

/**
 * The body of a row for a report.
 * @param {object} row named (no file was checked: see Row.named), follow (makes the control that checks the newer document), proof (of a
 *   registry that contradicts itself), hints (what may have happened to the file), and since (that the answer is from what is kept here)
 */
export function reportBody(report, wording, { named = '', follow = null, proof = [], hints = null, since = null } = {}) {
  const said = wording.verdict(report.verdict, values(report, wording), named)
  return [
    report.demo
      ? element('p', { class: 'demo-note', 'data-notice': 'demo' }, wording.name('notices', 'demo'))
      : null,
    element('p', { class: 'meaning' }, said.meaning),
    since,
    // Where nothing could be asked, that says why, and what to do.
    ...(since && report.verdict === 'unavailable' ? [] : [reasonLine(report, wording), nextStep(wording.ui(report.demo ? 'nextTitleDemo' : 'nextTitle'), said.next)]),
    hints,
    facts(report, wording),
    history(report, wording),
    replacement(report, wording, follow),
    signedLines(report, wording),
    notices(
      report.notices.filter((code) => !placed(code, wording)),
      wording,
    ),
    ...proof,
    evidence(report, wording),
  ]
}

/** The body of a row for what never reached the verifier: a file that could not be read, say. */
export function localBody(why, detail, wording) {
  const said = wording.verdict('unavailable', {})
  return [
    element('p', { class: 'meaning' }, wording.local(why)),
    why === 'stopped' ? null : element('p', {}, wording.local('innocent')),
    nextStep(wording.ui('nextTitle'), wording.local(`${why}Next`) || said.next),
    detail ? folded(wording.ui('detail'), element('p', { class: 'code', lang: 'en', dir: 'ltr' }, detail)) : null,
  ]
}

function reasonLine(report, wording) {
  // "Absent" is what the verdict itself says; it refines only others.
  if (!report.reason || report.verdict === 'not-registered') return null
  return element('p', {}, wording.name('reasons', report.reason))
}

function nextStep(title, sentence) {
  return element('p', { class: 'next' }, element('strong', {}, title), ' ', element('span', {}, sentence))
}

/** One line of a list of facts; nothing where there is nothing to say. */
function fact(label, value, className = null) {
  if (value === null || value === undefined || value === '') return null
  return element('div', { class: className }, element('dt', {}, label), element('dd', {}, value))
}

function moment(text, wording) {
  return text ? element('time', { datetime: text }, wording.time(text)) : null
}

function day(text, wording) {
  return text ? element('time', { datetime: text }, wording.date(text)) : null
}

function facts(report, wording) {
  const issuer = report.issuer_title || report.issuer
  const list = [
    fact(wording.ui('issuer'), issuer ? element('bdi', {}, visible(issuer)) : null),
    fact(wording.ui('kind'), report.kind ? wording.kind(report.kind) : null),
    fact(wording.ui('issued'), day(report.issued, wording)),
    fact(wording.ui('expires'), day(report.expires, wording)),
    fact(wording.ui('registered'), moment(report.registered, wording)),
    fact(wording.ui('asof'), moment(report.as_of, wording)),
  ]
  return list.some(Boolean) ? element('dl', { class: 'facts' }, ...list) : null
}

/** What the statement of an event or a withdrawal says in its signer's own words. */
function words(reason) {
  return reason ? element('blockquote', {}, element('bdi', {}, visible(reason))) : null
}

/** What has happened to the document since, in plain words: all that took effect, in the order of the ledger. */
function history(report, wording) {
  const { life } = report
  const told = (life?.events ?? []).filter((event) => event.effect).map((event) => happened(event, life, wording))
  if (life?.withdrawal) told.push(withdrawn(life.withdrawal, wording))
  if (told.length === 0) return null
  return element('section', { class: 'history' }, element('h4', {}, wording.ui('history')), element('ol', { class: 'events' }, ...told))
}

function happened(event, life, wording) {
  const by = event.issuer === life.issuer ? null : wording.ui('eventBy', { issuer: visible(event.issuer) })
  const said = event.action === 'link' ? wording.relation(event.relation) : wording.name('actions', event.action)
  const target = event.action === 'link' ? event.target : null
  return element(
    'li',
    { 'data-happened': event.action },
    element('p', {}, element('strong', {}, said), ' ', moment(event.published, wording) ?? '', by ? ` · ${by}` : ''),
    words(event.reason),
    target ? element('p', { class: 'soft' }, wording.ui('target'), ' ', element('code', { dir: 'ltr' }, target)) : null,
  )
}

function withdrawn(withdrawal, wording) {
  const back = withdrawal.from !== null
  const reach = back ? wording.ui('withdrawalBack', { from: wording.number(withdrawal.from) }) : wording.ui('withdrawalForward')
  return element(
    'li',
    { 'data-happened': 'withdraw' },
    element('p', {}, element('strong', {}, wording.ui('withdrawal')), ' ', moment(withdrawal.published, wording) ?? ''),
    element('p', { class: 'soft' }, reach),
    words(withdrawal.reason),
  )
}

/** The document that has taken this one's place, as the record proves its registration. */
function replacement(report, wording, follow) {
  const newer = report.verdict === 'inconsistent' ? null : report.life?.replaced_by
  if (!newer) return null
  const issuer = newer.issuer === report.issuer ? report.issuer_title || newer.issuer : newer.issuer
  return element(
    'section',
    { class: 'replacement', 'data-replacement': newer.sha256 },
    element('h4', {}, wording.ui('replacement')),
    element('p', {}, wording.ui('replacementText')),
    element(
      'dl',
      { class: 'facts' },
      fact(wording.ui('issuer'), element('bdi', {}, visible(issuer))),
      fact(wording.ui('kind'), wording.kind(newer.kind)),
      fact(wording.ui('issued'), day(newer.issued, wording)),
      fact(wording.ui('expires'), day(newer.expires, wording)),
      fact(wording.ui('registered'), moment(newer.registered, wording)),
    ),
    newer.sealed ? element('p', {}, wording.ui('replacementSealed')) : follow?.(newer),
    folded(
      wording.ui('fingerprints'),
      element('dl', { class: 'proof' }, fact(wording.ui('sha256'), element('code', { dir: 'ltr' }, newer.sha256)), fact(wording.ui('sha3'), element('code', { dir: 'ltr' }, newer.sha3_512))),
    ),
  )
}

function notices(codes, wording) {
  if (codes.length === 0) return null
  return element('ul', { class: 'notices' }, ...codes.map((code) => notice(code, wording)))
}

function notice(code, wording) {
  return element(
    'li',
    { 'data-notice': code },
    icon('notice'),
    element('span', {}, wording.name('notices', code)),
  )
}

function folded(title, ...content) {
  return element(
    'details',
    {},
    element('summary', {}, title),
    element('div', { class: 'folded' }, ...content),
  )
}

/** How the answer was reached. Hardly anybody asks for it at once, so that what draws it is loaded when somebody does. */
function evidence(report, wording) {
  const details = folded(wording.ui('evidence'))
  const inside = details.lastElementChild
  details.dataset.checked = ''
  details.addEventListener('toggle', () => {
    if (details.open && !inside.querySelector('[data-drawing]')) draw(inside, report, wording)
  })
  return details
}

async function draw(inside, report, wording) {
  inside.replaceChildren(element('p', { class: 'soft', role: 'status' }, wording.ui('drawing')))
  try {
    const [{ drawn }] = await Promise.all([lazy('drawn.js'), wording.more()])
    inside.replaceChildren(...drawn(report, wording))
  } catch {
    inside.replaceChildren(element('p', { role: 'status', 'data-undrawn': '' }, wording.ui('notDrawn')))
  }
}
