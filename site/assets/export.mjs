// The answers as a table for other programs.

import { download, visible } from './dom.mjs'
import { remarks } from './report.mjs'
import { sinceSaid } from './since.mjs'

/**
 * CSV (RFC 4180) that spreadsheets open as it is: UTF-8 with a mark that says so, and no cell that they would take for a formula.
 * @param {string[][]} lines the header first
 */
export function csv(lines) {
  return `\ufeff${lines.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('')}`
}

/** A file's name is anyone's: what a spreadsheet would run gets an apostrophe before it, which says "text". */
function cell(value) {
  const plain = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}

/** What a label is set off with says nothing in a table; foreign marks of that kind have become visible before. */
const unmarked = (label) => label.replace(/[\u2066-\u2069]/g, '')

/** What is known of a row's document, as plain values for a table or a report. */
export function answerOf(row) {
  const { report = null, list = null } = row.outcome ?? {}
  const digests = row.item.digests ?? {}
  return {
    name: row.item.label ?? visible(row.path),
    within: row.item.within ?? '',
    size: row.item.file?.size ?? null,
    answer: row.title,
    code: report?.verdict ?? (list || row.examined ? '' : row.group),
    report,
    sha256: digests.sha256 ?? proofOf(report, 'sha256') ?? '',
    sha3: digests.sha3 ?? '',
    how: row.named ? 'fingerprint' : 'file',
  }
}

/**
 * What restricts a row's answer, in the sentences that stand with it on the page: that it rests on what this device kept, say, or on a receipt
 * alone. What leaves the page claims no more than the page.
 */
export function notesOf(row, wording) {
  const { report } = row.outcome ?? {}
  const since = report ? sinceSaid(row.outcome, wording) : null
  return [...row.notes, ...(since ? [since] : []), ...(report ? remarks(report, wording) : [])]
}

/** A value that the verifier names among its steps. */
function proofOf(report, label) {
  return report?.steps.flatMap((step) => step.evidence).find((proof) => proof.label === label)?.value
}

/** The portal's address that looks a fingerprint up; '' where the page lies on no web server. */
export function addressOf(sha256, home) {
  return sha256 && /^https?:$/.test(home.protocol) ? `${home.href}#sha256=${sha256}` : ''
}

const columns = ['name', 'within', 'size', 'answer', 'code', 'reason', 'issuer', 'kind', 'registered', 'expires', 'asof', 'how', 'notes', 'registry', 'entries', 'root', 'sha256', 'address']

/** Saves the rows as CSV. */
export function saveTable(rows, { wording, portal }) {
  const head = columns.map((column) => wording.of('files', `column.${column}`))
  const lines = rows.map((row) => cellsOf({ ...answerOf(row), notes: notesOf(row, wording).join(' ') }, wording, portal.root))
  download(`${wording.of('files', 'tableName')}-${new Date().toISOString().slice(0, 10)}.csv`, csv([head, ...lines]), 'text/csv;charset=utf-8')
}

function cellsOf(answer, wording, home) {
  const report = answer.report ?? {}
  const values = {
    ...answer,
    name: unmarked(answer.name),
    size: answer.size ?? '',
    reason: report.reason,
    issuer: report.issuer,
    kind: report.kind,
    registered: report.registered,
    expires: report.expires,
    asof: report.as_of,
    how: wording.of('files', answer.how === 'file' ? 'howFile' : 'howFingerprint'),
    registry: report.registry,
    entries: report.size,
    root: report.root,
    address: addressOf(answer.sha256, home),
  }
  return columns.map((column) => visible(String(values[column] ?? '')))
}
