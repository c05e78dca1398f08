// Evidence of misbehaviour: which files are such, and what a person reads about one, or about what the page itself has found.

import { button, download, element, visible } from './dom.mjs'
import { signedLines } from './quorum.mjs'

const sizeLimit = (8 << 20) + 1024 // bytes (FORMAT.md, section 20): two heads or receipts

/** The bytes, cut where the verifier will say that they are too many. */
export async function readEvidence({ file }) {
  return new Uint8Array(await file.slice(0, sizeLimit + 1).arrayBuffer())
}

/** What a file of evidence comes to: `proved` or `nothing`. */
export const standing = (found) => (found.proved ? 'proved' : 'nothing')

export function evidenceTitle(found, wording) {
  return wording.evidence(standing(found)).title
}

export function evidenceBrief(found, wording) {
  return wording.evidence(standing(found), values(found, wording)).brief
}

function values(found, wording) {
  return { registry: visible(found.registry), size: wording.number(found.size ?? 0) }
}

/** The body of a row for a file of evidence. */
export function evidenceBody({ evidence: found, checkpoints }, name, wording) {
  const said = wording.evidence(standing(found), values(found, wording))
  const body = [element('p', { class: 'meaning' }, said.meaning)]
  if (found.proved) body.push(element('p', { 'data-strength': found.strength }, wording.evidence(found.strength).meaning))
  body.push(element('p', { class: 'next' }, element('strong', {}, wording.ui('nextTitle')), ' ', element('span', {}, said.next)))
  if (found.proved) body.push(bothSides(found, wording), keepsakes(found, checkpoints, null, name, wording))
  if (found.detail) body.push(element('details', {}, element('summary', {}, wording.ui('detail')), element('p', { class: 'code folded' }, visible(found.detail))))
  return body
}

/**
 * What there is to save of a proved contradiction, each file with what it is for.
 * @param {object} found the report on the evidence
 * @param {Uint8Array[]} checkpoints both signed checkpoints
 * @param {Uint8Array|null} file the evidence itself, unless the reader has it already
 */
export function keepsakes(found, checkpoints, file, name, wording) {
  const list = []
  if (file) list.push(keepsake('saveEvidence', 'evidenceFor', `${name}.stele-evidence`, file, {}, wording))
  const sides = [found.one, found.other]
  for (const [i, bytes] of checkpoints.entries()) {
    const said = { size: wording.number(sides[i].size), time: wording.time(sides[i].as_of) }
    const about = sides[i].as_of ? 'checkpointFor' : 'checkpointForUntimed'
    const root = sides[i].root.replace('sha256:', '').slice(0, 12)
    list.push(keepsake(i === 0 ? 'saveFirst' : 'saveSecond', about, `checkpoint-${sides[i].size}-${root}.txt`, bytes, said, wording))
  }
  return element('section', { class: 'keepsakes' }, element('h4', {}, wording.ui('keepsakes')), element('ul', {}, ...list))
}

function keepsake(label, about, file, bytes, said, wording) {
  const text = wording.ui(label)
  const save = button(text, wording.labelled(text, visible(file)), '', () => download(file, bytes, 'application/octet-stream'))
  save.dataset.save = file
  return element('li', {}, save, element('p', { class: 'soft' }, wording.ui(about, said)))
}

/** The two records, beside one another. */
export function bothSides({ one, other, size }, wording) {
  return element('div', { class: 'sides' }, side('firstSide', one, size, wording), side('secondSide', other, size, wording))
}

function side(title, checkpoint, size, wording) {
  const fact = (label, value, said = {}) => element('div', {}, element('dt', {}, wording.ui(label, said)), element('dd', {}, value))
  return element(
    'section',
    {},
    element('h4', {}, wording.ui(title)),
    element(
      'dl',
      { class: 'proof' },
      fact('size', wording.number(checkpoint.size)),
      fact('root', element('code', { dir: 'ltr' }, checkpoint.root)),
      checkpoint.size === size ? '' : fact('rootThen', element('code', { dir: 'ltr' }, checkpoint.root_at_size), { size: wording.number(size) }),
      checkpoint.as_of ? fact('asof', element('time', { datetime: checkpoint.as_of }, wording.time(checkpoint.as_of))) : '',
    ),
    element('p', { class: 'soft' }, wording.ui('signedBy', { names: wording.list(checkpoint.signers.map((s) => visible(s.name)).filter((n, i, all) => all.indexOf(n) === i)) })),
    signedLines(checkpoint, wording),
  )
}
