// What the reader must know of an answer that was reached without the registry: that it rests on what this device kept, and since when; or
// what was missing.

import { element, icon } from './dom.mjs'

const lackings = { network: 'lackingNetwork', copy: 'lackingCopy', file: 'lackingFile' }

/** @returns {Node|null} */
export function sinceNote({ report, since, lacking }, wording) {
  const sentence = sinceSaid({ report, since, lacking }, wording)
  if (!sentence) return null
  return element('p', { class: 'note', 'data-since': since ? new Date(since).toISOString() : 'never' }, icon('notice'), element('span', {}, sentence))
}

/** The same as a sentence, for paper and tables; null where there is nothing to be said. */
export function sinceSaid({ report, since, lacking }, wording) {
  if (report.verdict === 'unavailable') return lacking ? wording.of('device', lackings[lacking]) : null
  return Number.isFinite(since) ? wording.of('device', 'kept', { time: wording.time(since) }) : null
}
