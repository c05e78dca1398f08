// What may have happened to a file that is not registered: what it shows of itself, in order of how much that proves.
//
// inspect() reads the file, and knows nothing of a registry. It returns findings, and other forms of the file: what it was
// before something was added, the same text with other line ends, a document that it wraps. examine() looks the forms up.
// Only a form that the verifier finds is called registered; everything else is told as what stands in the file, for files
// that nobody has touched show the same things. Nothing here changes a verdict.

import { bytesOf, latin1, Reader } from './bytes.mjs'
import { button, download, element, icon, visible } from './dom.mjs'
import { unwrap } from './mail.mjs'
import { namedIn, readIssuers } from './names.mjs'
import { readOffice } from './office.mjs'
import { isPDF, readPDF } from './pdf.mjs'
import { dayTaken, pictureKind, readPicture } from './picture.mjs'
import { isText, otherForms, textOf } from './plain.mjs'
import { brief } from './report.mjs'

const revisionLimit = 8 // earlier states of a PDF
const formLimit = 24 // forms looked up: each shows the server another piece of the index
const formBytes = 1 << 30 // bytes hashed for all of them
const wholeLimit = 16 << 20 // bytes of a file that can only be read as a whole
const likelyShown = 3 // findings that prove nothing; more would be noise
const asksShown = 3

/** Verdicts of documents that are on record. */
const onRecord = ['authentic', 'recorded', 'revoked', 'unaccredited', 'superseded', 'suspended', 'expired']

// Reading a file

/**
 * What a file shows.
 * @param {Blob} file
 * @param {{name?: string, signal?: AbortSignal}} [about]
 * @returns {Promise<{findings: object[], forms: object[], inner: object[], text: string}>} findings are {code, ...values};
 *   forms {code, blob, part, ...values}, those of one part being forms of one document; inner, documents that it wraps, {name, blob}
 */
export async function inspect(file, { name = '', signal } = {}) {
  const seen = { findings: [], forms: [], inner: [], text: '' }
  const reader = new Reader(file, signal)
  try {
    const head = await reader.text(0, 64 << 10)
    await look(file, name, head, reader, seen)
  } catch (error) {
    if (error?.name === 'AbortError') throw error
    // What was found before a limit was reached, or before the file could not be read any more, stands.
  }
  return seen
}

async function look(file, name, head, reader, seen) {
  const kind = kindOf(head)
  const promised = promises.find(([suffix]) => suffix.test(name))?.[1]
  if (promised && kind !== 'empty' && !promised.includes(kind) && named[kind]) seen.findings.push({ code: `named-${kind}` })
  const wrapped = kind === 'text' || kind === 'other' ? await unwrap(file, head) : null
  if (wrapped) return ofWrapper(wrapped, seen)
  if (kind === 'pdf') return ofPDF(await readPDF(reader), file, seen)
  if (pictures.includes(kind)) return ofPicture(await readPicture(reader, kind), seen)
  if (kind === 'zip') return ofOffice(await readOffice(reader), seen)
  if (kind === 'text' || kind === 'page') return ofText(await otherForms(file), textOf(await reader.bytes(0, 2 << 20)), seen)
}

const pictures = ['jpeg', 'png', 'heic', 'webp', 'tiff', 'gif', 'bmp']

function kindOf(head) {
  if (head === '') return 'empty'
  if (isPDF(head)) return 'pdf'
  const picture = pictureKind(head)
  if (picture) return picture
  if (head.startsWith('PK\x03\x04') || head.startsWith('PK\x05\x06')) return 'zip'
  if (/^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)\b/i.test(head)) return 'page'
  return isText(bytesOf(head)) ? 'text' : 'other'
}

/** What names promise, and what can be told of files that are something else. */
const promises = [
  [/\.pdf$/i, ['pdf']],
  [/\.(?:docx|xlsx|pptx|odt|ods|odp|asice|zip)$/i, ['zip']],
  [/\.jpe?g$/i, ['jpeg']],
  [/\.png$/i, ['png']],
  [/\.tiff?$/i, ['tiff']],
]
const named = { page: true, jpeg: true, png: true, heic: true, webp: true, text: true, pdf: true, zip: true }

function ofPDF(facts, file, seen) {
  const say = (code, values) => seen.findings.push({ code, ...values })
  seen.text = facts.text
  if (!facts.complete) say('incomplete')
  const updates = facts.revisions.filter((revision) => revision.objects !== 0) // Word ends every file it makes twice
  const { revisions } = facts
  // Of very many, the newest and the first of all.
  const asked = revisions.length > revisionLimit ? [...revisions.slice(0, revisionLimit - 1), revisions.at(-1)] : revisions
  const parts = [...(facts.after ? [{ code: 'tail', ends: facts.after.ends, added: [] }] : []), ...asked.map((r) => ({ ...r, code: 'revision' }))]
  const known = new Set()
  const what = []
  for (const { code, ends, added } of parts) {
    what.push(...added.filter((one) => !what.includes(one)))
    for (const end of ends) if (!known.has(end)) seen.forms.push(shortened(file, end, code, [...what], known))
  }
  for (const end of facts.signedUpTo) if (end < file.size && !known.has(end)) seen.forms.push(shortened(file, end, 'revision', [], known))
  if (facts.after) say('pdf-tail', { bytes: facts.after.bytes })
  if (facts.signedUpTo.some((end) => file.size - end > 2)) say('pdf-signed-then')
  if (updates.length > 0) say('pdf-updated', { count: updates.length, what: [...new Set(updates.flatMap((u) => u.added))] })
  ofProducer(facts.info, say)
  if (facts.pages.seen > 0 && facts.pages.words === 0 && facts.pages.pictures > 0) say('pdf-scan')
  const [created, modified] = [pdfTime(facts.info.created), pdfTime(facts.info.modified)]
  if (later(created, modified)) say('pdf-changed', { created, modified })
  if (facts.encrypted) say('pdf-protected')
  if (facts.linearised && seen.findings.length === 0) say('pdf-rearranged')
  say('type-pdf')
}

function shortened(file, end, code, what, known) {
  known.add(end)
  return { code, blob: file.slice(0, end), bytes: end, added: file.size - end, what }
}

// Families of programs by words in their names. Each makes originals too: what is said of them says so.
const families = [
  ['pdf-modified-using', /modified using/i],
  ['pdf-scanner', /\bscan|scanner|scansnap|camscanner|naps2|vuescan|paper capture|paperport|(?:office|microsoft) lens|workcentre|imagerunner|bizhub|taskalfa|ecosys|aficio|officejet|laserjet.*mfp|epson|twain|visioneer/i],
  ['pdf-printed', /print to pdf|pdfcreator|dopdf|cutepdf|bullzip|novapdf|pdf24|primopdf|clawpdf|cups-pdf|quartz pdfcontext|skia\/pdf|microsoft xps|pdf printer/i],
  ['pdf-tool', /qpdf|pdftk|pdf-lib|ilovepdf|smallpdf|sejda|pdfsam|pypdf|pikepdf|mupdf|mutool|ghostscript|pdfium|pdf-xchange|foxit|nitro p|soda ?pdf|pdfescape|preview|small ?pdf|pdf candy|cpdf|pdfbox/i],
]

function ofProducer({ producer = '', creator = '' }, say) {
  for (const [code, words] of families) {
    const program = [producer, creator].find((by) => words.test(by))
    if (program) return say(code, { program: program.trim().slice(0, 100) })
  }
}

/** A time of a PDF, as ISO 8601; of one without its zone only the day is taken. */
function pdfTime(text = '') {
  if (/^\d{4}-\d{2}-\d{2}T/.test(text)) return text // from its XMP packet
  const found = text.match(/^(?:D:)?(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?(Z|[+-]\d{2}'?(?:\d{2})?)?/)
  if (!found) return ''
  const [, year, month, day, hour, minute, second = '00', zone] = found
  if (!hour || !zone) return `${year}-${month}-${day}`
  const [, sign, hours, minutes = '00'] = zone.match(/([+-])(\d{2})'?(\d{2})?/) ?? [null, '+', '00', '00']
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${sign}${hours}:${minutes}`
}

/** Whether something was changed well after it was made: programs write the two a moment apart. */
function later(created, modified) {
  const [from, to] = [Date.parse(created), Date.parse(modified)]
  return to - from > 120_000
}

function ofPicture(facts, seen) {
  const say = (code, values) => seen.findings.push({ code, ...values })
  if (!facts.complete) say('incomplete')
  const camera = [facts.make, facts.model].filter(Boolean).join(' ').slice(0, 80)
  const day = dayTaken(facts.taken)
  const words = `${facts.software ?? ''} ${facts.comment ?? ''}`
  if (/screen ?shot|gnome-screenshot|spectacle|snipping|flameshot|shutter/i.test(words)) say('picture-screen')
  else if (/scan|twain|epson|lens\b/i.test(`${words} ${camera}`)) say('picture-scanner', { program: (camera || facts.software).trim() })
  else if (camera && day) say('picture-camera-day', { camera, day })
  else if (camera) say('picture-camera', { camera })
  else if (facts.kind === 'heic') say('picture-phone')
  else if (/photoshop|gimp|lightroom|affinity|paint|snapseed|pixelmator|canva|picsart/i.test(words)) say('picture-program', { program: (facts.software ?? facts.comment).trim() })
  say('type-picture')
}

function ofOffice(facts, seen) {
  const say = (code, values) => seen.findings.push({ code, ...values })
  seen.text = facts.text
  if (!facts.complete) say('incomplete')
  if (facts.changedBy && facts.changedBy !== facts.author) say('office-by', { person: facts.changedBy.slice(0, 80) })
  if (later(facts.created, facts.modified)) say('office-changed', { created: facts.created, modified: facts.modified })
  if (facts.kind !== 'zip') say('type-office')
}

function ofText(forms, text, seen) {
  seen.text = text
  for (const { blob, changes } of forms) seen.forms.push({ code: 'text', blob, changes })
  seen.findings.push({ code: 'type-text' })
}

function ofWrapper({ kind, inner }, seen) {
  seen.findings.push({ code: wrappers[kind] ?? 'coded' })
  const documents = inner.filter(({ name }) => !/^smime\.p7[ms]$/i.test(name))
  let part = 0 // a document and its twins are one
  for (const { bytes, name, how, twin } of documents) {
    const code = insides[how] ?? 'inside-coded'
    const blob = new Blob([bytes])
    if (!twin) {
      part++
      seen.inner.push({ name, blob })
    }
    seen.forms.push({ code, blob, name, part })
    // Signing as e-mail does turns line ends into its own kind.
    if (how === 'signed' && isText(bytes)) seen.forms.push({ code, blob: new Blob([bytesOf(latin1(bytes).replace(/\r\n/g, '\n'))]), name, part })
    if (seen.text.length < 1 << 20 && isText(bytes.subarray(0, 4096))) seen.text += `${textOf(bytes.subarray(0, 1 << 20))}\n`
  }
}

const wrappers = { mail: 'mail', outlook: 'mail-outlook', winmail: 'winmail', signed: 'signed', sealed: 'sealed' }
const insides = { mail: 'inside-mail', signed: 'inside-signed', winmail: 'inside-mail' }


/** Every code that inspect() or examine() may find, so that a test can compare them with the wording. */
export const codes = [
  ...['revision', 'tail', 'text', 'inside-mail', 'inside-signed', 'inside-coded'],
  ...['unknown', 'incomplete', 'mail', 'mail-outlook', 'winmail', 'signed', 'sealed', 'coded'],
  ...Object.keys(named).map((kind) => `named-${kind}`),
  ...['pdf-tail', 'pdf-signed-then', 'pdf-updated', 'pdf-scan', 'pdf-changed', 'pdf-protected', 'pdf-rearranged'],
  ...families.map(([code]) => code),
  ...['picture-screen', 'picture-scanner', 'picture-camera-day', 'picture-camera', 'picture-phone', 'picture-program'],
  ...['office-by', 'office-changed', 'issuer', 'issuer-withdrawn', 'type-pdf', 'type-picture', 'type-office', 'type-text', 'elsewhere'],
]

const general = (code) => code.startsWith('type-') || code === 'elsewhere'

// Looking up and telling

/**
 * What may have happened to a file, for its row.
 * @param {Blob} file
 * @param {object} row report (of the file itself), wording, name, lookUp(blob) (resolves to a report, or null), check(blob, name,
 *   label) (adds a row), issuers() (resolves to the bytes of issuers.json, or null), signal
 * @returns {Promise<Node|null>}
 */
export async function examine(file, row) {
  const whole = file instanceof Blob ? file : file.size <= wholeLimit ? new Blob([await file.arrayBuffer()]) : null
  if (!whole) return null
  const seen = await inspect(whole, row)
  const answers = await lookUpAll(seen.forms, row)
  const told = tell(conclude(seen, answers, await whoIsNamed(seen.text, row)), seen.inner, row)
  if (answers.length > 0 && answers.every(({ report }) => report?.verdict === 'not-registered')) told.append(element('p', { class: 'soft', 'data-forms': String(answers.length) }, row.wording.count('hintForms', answers.length)))
  return told
}

/**
 * Asks for one form after the other until the registered one is found: no more than needs be is shown to the server, and one
 * worker will do. Only where the registry has answered for the file itself.
 */
export async function lookUpAll(forms, { report, lookUp, signal }) {
  const answers = []
  if (report.source !== 'registry') return answers
  let bytes = 0
  for (const form of forms) {
    if (answers.some((other) => other.part === form.part && onRecord.includes(other.report?.verdict))) continue
    if (answers.length === formLimit) break
    if (bytes + form.blob.size > formBytes) continue // an earlier state is smaller
    bytes += form.blob.size
    answers.push({ ...form, report: await lookUp(form.blob) })
    signal?.throwIfAborted()
  }
  return answers
}

async function whoIsNamed(text, { issuers }) {
  if (!/\p{L}/u.test(text)) return []
  const list = readIssuers((await issuers?.()) ?? null)
  return namedIn(text, list).map((issuer) => ({ code: issuer.withdrawn ? 'issuer-withdrawn' : 'issuer', issuer: issuer.title }))
}

/**
 * What is told: what is proved, or else what is likely, and only without that what is true of every such file.
 * @param {object} seen as inspect() has it
 * @param {object[]} answers forms with their reports; of one that could not be looked up it is null
 * @param {object[]} who findings about names
 */
export function conclude(seen, answers, who) {
  const proved = answers.filter(({ report }) => onRecord.includes(report?.verdict))
  if (proved.length > 0) return proved
  const likely = seen.findings.filter(({ code }) => !general(code))
  // A registry that could not be asked has not said no.
  if (answers.some(({ report }) => report?.verdict !== 'not-registered')) likely.unshift({ code: 'unknown' })
  return [...likely.slice(0, likelyShown), ...who, ...(likely.length === 0 ? [...seen.findings.filter(({ code }) => general(code)), { code: 'elsewhere' }] : [])]
}

function tell(findings, inner, row) {
  const { wording } = row
  const proved = findings.filter(({ report }) => report)
  // The strongest finding says what to ask for; whom to ask may be told besides.
  const asking = findings.filter(({ code, report }, i) => i === 0 || report || code.startsWith('issuer') || general(code))
  const asks = [...new Set(asking.map(({ code }) => wording.of('hints', `${code}.ask`)))].slice(0, asksShown)
  const others = inner.filter(({ blob }) => !proved.some((one) => one.blob === blob))
  return element(
    'section',
    { class: 'hints' },
    element('h4', {}, wording.of('hints', proved.length > 0 ? 'titleFound' : 'title')),
    element('ul', { class: 'hint-list' }, ...findings.map((finding) => oneFinding(finding, row))),
    element('div', { class: 'hint-asks' }, element('strong', {}, wording.of('hints', proved.length > 0 ? 'asksFound' : 'asks')), ...asks.map((ask) => element('p', {}, ask))),
    innerTools(others, row),
  )
}

function oneFinding(finding, row) {
  const { code, report } = finding
  const { wording } = row
  const values = valuesOf(finding, wording)
  return element(
    'li',
    { 'data-hint': code, 'data-certainty': report ? 'proved' : general(code) ? 'general' : 'likely' },
    icon('notice'),
    element(
      'div',
      {},
      element('p', { class: 'hint-finding' }, said(finding, values, wording)),
      element('p', { class: 'soft' }, wording.of('hints', `${code}.means`, values)),
      ...details(finding, wording),
      report ? found(finding, row) : null,
    ),
  )
}

/** The finding in a sentence; where it is about a number, in the form that the language has for it. */
function said(finding, values, wording) {
  switch (finding.code) {
    case 'pdf-updated':
      return wording.count('hintUpdates', finding.count)
    case 'tail':
      return wording.count('hintTail', finding.added, values)
    case 'pdf-tail':
      return wording.count('hintPdfTail', finding.bytes)
    default:
      return wording.of('hints', finding.code, values)
  }
}

/** What was added or changed, as far as the file shows. */
function details({ what = [], changes = [] }, wording) {
  const lines = changes.map((change) => wording.of('hints', `change.${change}`))
  if (what.length > 0) lines.unshift(wording.of('hints', 'added', { what: wording.list(what.map((one) => wording.of('hints', `added.${one}`))) }))
  return lines.map((line) => element('p', { class: 'soft' }, line))
}

function valuesOf(finding, wording) {
  const values = {}
  for (const key of ['camera', 'program', 'person', 'issuer']) if (finding[key]) values[key] = visible(finding[key])
  for (const key of ['bytes', 'added']) if (finding[key] !== undefined) values[key] = wording.number(finding[key])
  for (const key of ['created', 'modified', 'day']) if (finding[key]) values[key] = finding[key].length > 10 ? wording.time(finding[key]) : wording.date(finding[key])
  if (finding.name !== undefined) values.name = visible(finding.name || wording.of('hints', 'nameless'))
  if (finding.report) {
    values.issuer = visible(finding.report.issuer_title || finding.report.issuer || wording.ui('unknown'))
    values.registered = wording.day(finding.report.registered)
  }
  return values
}

/** The registered document by itself: what the registry says of it, and what can be done with it. */
function found({ blob, code, name: within, report }, row) {
  const { wording } = row
  const label = wording.of('hints', `${code}.label`, { name: visible(row.name), inner: visible(within || wording.of('hints', 'nameless')) })
  const name = within || row.name
  const check = wording.of('hints', 'check')
  const save = wording.of('hints', 'save')
  const named = (action) => wording.ui('forFile', { action, name: label })
  return element(
    'div',
    { class: 'hint-found', 'data-found': report.verdict },
    element('p', {}, wording.of('hints', 'verdict'), ' ', element('strong', {}, wording.title(report.verdict))),
    element('p', { class: 'soft' }, brief(report, wording)),
    element(
      'div',
      { class: 'row-tools' },
      button(check, named(check), '', () => row.check(blob, name, label)),
      button(save, named(save), 'quiet', () => download(name, blob, 'application/octet-stream')),
    ),
  )
}

/** Documents that were wrapped, to be checked by themselves. */
function innerTools(inner, row) {
  if (inner.length === 0) return null
  const { wording } = row
  const tools = inner.slice(0, 12).map(({ blob, name }) => {
    const said = visible(name || wording.of('hints', 'nameless'))
    const label = wording.of('hints', 'inside-mail.label', { name: visible(row.name), inner: said })
    const action = wording.of('hints', 'checkInner', { name: said })
    return button(action, wording.ui('forFile', { action, name: visible(row.name) }), 'quiet', () => row.check(blob, name || said, label))
  })
  return element('div', { class: 'row-tools' }, ...tools)
}
