// The verification report: a page for each document, to be printed or kept as PDF by the browser's own print. It is made when it is asked for, stands
// on the page only while it is printed, and says that the paper itself proves nothing: each page has an address, and a code of it, by
// which a reader looks the document up again.

import { element, visible } from './dom.mjs'
import { addressOf, answerOf, notesOf } from './export.mjs'
import { encode } from './qr.mjs'
import { signedLines } from './quorum.mjs'
import { brief, values } from './report.mjs'
import { breath } from './turns.mjs'

const documentLimit = 1_000 // pages: beyond, a browser takes minutes to lay them out
const svgNamespace = 'http://www.w3.org/2000/svg'

/**
 * @param {Row[]} rows what the reader has before them
 * @param {Rows} list
 */
export async function printReport(rows, list) {
  const { wording } = list
  const checked = rows.filter((row) => row.done && row.state !== 'alone' && !row.outcome.list)
  if (checked.length === 0) return list.say(wording.of('files', 'nothingToPrint'))
  if (checked.length > documentLimit) return list.say(wording.count('printLimit', documentLimit))
  const report = await made(checked, rows.length, list)
  await printed(report)
}

/** Shows the browser's own print, and nothing else on its pages than the report. */
async function printed(report) {
  const page = document.documentElement
  const done = () => {
    report.remove()
    delete page.dataset.printing
    removeEventListener('afterprint', done)
  }
  document.body.append(report)
  page.dataset.printing = ''
  addEventListener('afterprint', done)
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
  print()
}

async function made(rows, shown, list) {
  const report = element('div', { class: 'print-report', 'data-report': '' }, cover(rows, shown, list))
  for (const [i, row] of rows.entries()) {
    if (i % 10 === 9) await breath()
    report.append(leaf(row, i + 1, rows.length, list))
  }
  return report
}

const fact = (label, value) => (value ? element('div', {}, element('dt', {}, label), element('dd', {}, value)) : null)
const code = (text) => element('code', { dir: 'ltr' }, text)

/** The first page: what was checked, where and when, and what came of it. */
function cover(rows, shown, { wording, portal, demo, title, origin }) {
  const say = (key, values) => wording.of('files', key, values)
  return element('section', { class: 'print-page cover' },
    element('p', { class: 'print-page-registry' }, title),
    element('h1', {}, say('report.title')),
    demo ? element('p', { class: 'demo-note' }, wording.name('notices', 'demo')) : null,
    element('p', { class: 'print-page-paper' }, say('report.paper')),
    element('dl', { class: 'facts' },
      fact(say('report.made'), wording.time(new Date().toISOString())),
      fact(say('report.registry'), code(origin)),
      fact(say('report.portal'), /^https?:$/.test(portal.root.protocol) ? code(portal.root.href) : null),
      fact(say('report.documents'), wording.number(rows.length)),
    ),
    element('table', { class: 'print-page-counts' },
      element('thead', {}, element('tr', {}, element('th', {}, say('column.answer')), element('th', {}, say('report.documents')))),
      element('tbody', {}, ...tally(rows).map(([answer, count]) => element('tr', {}, element('td', {}, answer), element('td', {}, wording.number(count))))),
    ),
    shown > rows.length ? element('p', { class: 'soft' }, wording.count('notPrinted', shown - rows.length)) : null,
    element('p', {}, say('report.how')),
  )
}

function tally(rows) {
  const counts = new Map()
  for (const { title } of [...rows].sort((a, b) => a.gravity - b.gravity)) counts.set(title, (counts.get(title) ?? 0) + 1)
  return [...counts]
}

/** A document's page. */
function leaf(row, number, of, { wording, portal, demo, title }) {
  const answer = answerOf(row)
  const { report } = answer
  const said = report ? wording.verdict(report.verdict, values(report, wording), row.named) : { meaning: row.brief(), next: '' }
  const address = addressOf(answer.sha256, portal.root)
  return element('section', { class: 'print-page', 'data-verdict': answer.code, 'data-named': row.named || null },
    element('p', { class: 'print-page-registry' }, title, element('span', { class: 'print-page-number' }, wording.of('files', 'report.page', { number: wording.number(number), of: wording.number(of) }))),
    demo ? element('p', { class: 'demo-note' }, wording.name('notices', 'demo')) : null,
    element('h2', {}, row.title),
    element('p', { class: 'print-page-name' }, element('bdi', {}, answer.name || wording.ui('unnamed'))),
    row.item.within ? element('p', { class: 'soft' }, wording.of('files', row.item.told ? 'fromList' : 'within', { name: visible(row.item.within) })) : null,
    report ? element('p', { class: 'soft' }, brief(report, wording, row.named)) : null,
    element('p', { class: 'meaning' }, said.meaning),
    report?.reason && report.verdict !== 'not-registered' ? element('p', {}, wording.name('reasons', report.reason)) : null,
    ...notesOf(row, wording).map((note) => element('p', { 'data-note': '' }, note)),
    said.next ? element('p', {}, element('strong', {}, wording.ui(demo ? 'nextTitleDemo' : 'nextTitle')), ' ', said.next) : null,
    facts(answer, wording),
    report ? signedLines(report, wording) : null,
    report ? steps(report, wording) : null,
    checkAgain(answer, address, wording),
  )
}

function facts({ report, size, how, sha256, sha3 }, wording) {
  const r = report ?? {}
  return element('dl', { class: 'facts' },
    fact(wording.ui('issuer'), visible(r.issuer_title || r.issuer || '')),
    fact(wording.ui('kind'), r.kind && wording.kind(r.kind)),
    fact(wording.ui('issued'), r.issued && wording.date(r.issued)),
    fact(wording.ui('expires'), r.expires && wording.date(r.expires)),
    fact(wording.ui('registered'), r.registered && wording.time(r.registered)),
    fact(wording.ui('asof'), r.as_of && wording.time(r.as_of)),
    fact(wording.of('files', 'column.how'), wording.of('files', how === 'file' ? 'howFile' : 'howFingerprint')),
    fact(wording.of('files', 'column.size'), size === null ? null : wording.size(size)),
    fact(wording.of('files', 'column.entries'), r.size ? wording.number(r.size) : null),
    fact(wording.ui('root'), r.root && code(r.root)),
    fact(wording.ui('sha256'), sha256 && code(sha256)),
    fact(wording.ui('sha3'), sha3 && code(sha3)),
  )
}

/** How it was checked: the steps by their names alone. The whole of it is in the report that a row saves. */
function steps({ steps: all }, wording) {
  return element('section', { class: 'print-page-steps' },
    element('h3', {}, wording.ui('evidence')),
    element('ol', {}, ...all.map((step) => element('li', {}, wording.name('steps', step.id), ' · ', wording.name('stepStates', step.state)))),
  )
}

/** Where a reader of the paper looks it up. */
function checkAgain({ sha256 }, address, wording) {
  if (!sha256) return element('p', { class: 'print-page-paper' }, wording.of('files', 'report.paper'))
  return element('section', { class: 'print-page-again' },
    address ? drawn(encode(address), wording.of('files', 'report.code')) : null,
    element('div', {},
      element('h3', {}, wording.of('files', 'report.again')),
      element('p', {}, wording.of('files', address ? 'report.againText' : 'report.againHere')),
      address ? element('p', {}, code(address)) : null,
      element('p', { class: 'print-page-paper' }, wording.of('files', 'report.paper')),
    ),
  )
}

/** A code as a picture: dark modules as runs of one path, with the quiet zone of four around it. */
function drawn(rows, name) {
  const size = rows.length + 8
  const svg = document.createElementNS(svgNamespace, 'svg')
  for (const [key, value] of Object.entries({ viewBox: `0 0 ${size} ${size}`, class: 'print-page-code', role: 'img', 'aria-label': name, 'shape-rendering': 'crispEdges' })) svg.setAttribute(key, value)
  const path = document.createElementNS(svgNamespace, 'path')
  path.setAttribute('d', rows.map((row, y) => runs(row).map(([x, length]) => `M${x + 4} ${y + 4}h${length}v1h-${length}z`).join('')).join(''))
  svg.append(path)
  return svg
}

function runs(row) {
  const found = []
  row.forEach((dark, x) => {
    if (dark && row[x - 1]) found.at(-1)[1]++
    else if (dark) found.push([x, 1])
  })
  return found
}
