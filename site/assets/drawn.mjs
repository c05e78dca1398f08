// How an answer was reached, as a way that can be followed by eye: from the file by its record, up the index and up the ledger, to those who
// have signed. Made of the report's JSON alone; it is loaded when a reader first unfolds it.
//
// The way is an ordered list of stations, each with a sentence for everybody and, folded, the rule and the bytes for whoever wants to compute
// it again. Where the verifier reached no answer it tells no way (proofs/way.go), and the list ends at the reason: nothing looks proved beyond.

import { climb, copier, hash, hashAfterLine, hashOf, hexOf, recompute, short, sign } from './climb.mjs'
import { element, icon, visible } from './dom.mjs'
import { moments } from './moments.mjs'
import { keyName, signedTree } from './quorum.mjs'
import { technical } from './technical.mjs'

const mostCards = 256 // records of a slot that are drawn; a larger slot is only counted

// What stands on the rail beside a station, in lines.
const signs = {
  file: 'M6 2.5h8l4.500 4.500v14.500h-12.500zM14 2.500v4.500h4.500M9 12h6M9 16h6',
  print: 'M12 11v4.500c0 2-.6 4-1.800 5.500M7 19c1-1.600 1.500-3.400 1.500-5.500v-2.500a3.500 3.500 0 0 1 7 0v3c0 2-.3 4-1 6M4.500 15.500c.3-1 .5-2.200.5-3.500v-1.500a7 7 0 0 1 11.500-5.400M19 10v3.500c0 1.500-.1 3-.4 4.500',
  key: 'M8 15.500a4.500 4.500 0 1 1 0-9 4.500 4.500 0 0 1 0 9zM12.500 11h9M18 11v4M21.500 11v3',
  record: 'M4 4.500h16v15h-16zM7.500 9h9M7.500 12.500h9M7.500 16h5',
  absent: 'M4 4.500h16v15h-16zM9 12h6',
  slot: 'M3.500 8.500h17v11h-17zM5.500 5.500h13M7.500 2.500h9M9.500 13h5',
  index: 'M12 20v-5M12 15l-5-4.500M12 15l5-4.500M7 10.500v-6M17 10.500v-6',
  statement: 'M5.500 2.500h13v19l-3-2-3.500 2-3.500-2-3 2zM9 7.500h6M9 11.500h6',
  ledger: 'M5 3.500h12.500a1.500 1.500 0 0 1 1.500 1.500v15.500h-12.500a1.500 1.500 0 0 1-1.500-1.500zM5 18.500a1.500 1.500 0 0 1 1.500-1.500h12.500M9 7.500h6',
  checkpoint: 'M12 2.500l7.500 3v6c0 5-3 8-7.500 10-4.500-2-7.500-5-7.500-10v-6zM8.500 12l2.500 2.500 4.500-5',
  signed: 'M3 20.500h18M5 16.500c3-8 6-13 8-12s-2 8-3.500 10.500c1.500-2 3-3 4-2.500s0 2.500 1.500 2.500 2-1.500 4-1.500',
  late: 'M12 3.500a8.500 8.500 0 1 1 0 17 8.500 8.500 0 0 1 0-17zM12 7.500v5l3.500 2.500',
  ended: 'M12 3v9M12 17.500v.5M4 21h16',
}

/**
 * Everything that there is to see of how an answer was reached.
 * @returns {Node[]}
 */
export function drawn(report, wording) {
  const way = read(report.steps)
  const list = [...beginning(report, way, wording), ...(way ? proved(report, way, wording) : [ended(report, wording)])]
  const drawing = element(
    'section',
    { class: 'drawn', 'data-drawing': way ? 'whole' : 'ended' },
    element('h4', {}, wording.of('drawn', 'title')),
    element('p', { class: 'soft' }, wording.of('drawn', way ? 'lead' : 'leadEnded')),
    element('ol', { class: 'way' }, ...list),
    way ? commands(wording) : null,
    element('p', { class: 'unseen', role: 'status', 'data-told': '' }),
  )
  return [drawing, way ? moments(report, way.time, wording) : null, technical(report, wording)].filter(Boolean)
}

/** What the report tells of the way, by label; what is about a neighbour of an absent key, by neighbour. */
function read(steps) {
  const step = steps.find(({ id }) => id === 'way')
  if (!step) return null
  const way = { beside: [] }
  let about = way
  for (const { label, value } of step.evidence) {
    if (label === 'before' || label === 'after') {
      about = { side: label, key: value }
      way.beside.push(about)
      continue
    }
    if (label === 'slot-keys') about = way // what follows is about the slot
    about[label] = value
  }
  return way
}

/** A station: its sign on the rail, its name, what it means in a sentence, and what there is to see. */
function station(name, title, sentence, ...content) {
  return element(
    'li',
    { class: 'station', 'data-station': name },
    element('span', { class: 'mark', 'aria-hidden': 'true' }, sign(signs[name])),
    element('div', { class: 'station-body' }, element('h5', {}, title), sentence ? element('p', {}, sentence) : null, ...content),
  )
}

const told = (report, id) => report.steps.find((step) => step.id === id)
const value = (step, label) => step?.evidence.find((e) => e.label === label)?.value

/** The file, its fingerprint, and the key that follows from it: as far as a check comes without the registry. */
function beginning(report, way, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const hashed = told(report, 'hash')
  const sha256 = value(hashed ?? told(report, 'digest'), 'sha256')
  if (!sha256) return []
  const stations = [hashed ? station('file', of('file'), of('fileText')) : station('file', of('named'), of('namedText'))]
  stations.push(station('print', of('print'), of('printText'), hash(sha256), hashed ? recomputeFile(sha256, wording) : null))
  const key = way?.key ?? value(told(report, 'receipt'), 'key')
  if (key) stations.push(station('key', of('key'), of(way?.sealed ? 'keySealed' : 'keyText'), hash(key), recomputeKey(way?.sealed ? 'sealed' : 'sha256', way?.sealed ?? sha256, key, wording)))
  return stations
}

function recomputeFile(sha256, wording) {
  return recompute(wording.of('drawn', 'print'), { rule: 'SHA-256(file)', section: '2', bytes: [], command: 'sha256sum FILE', result: sha256 }, wording)
}

function recomputeKey(scheme, hex, key, wording) {
  const how = { rule: `SHA-256("stele.key/1\\n" ‖ "${scheme}:" ‖ digits)`, section: '8.1', bytes: [['digits', hex]], command: `printf 'stele.key/1\\n${scheme}:%s' ${hex} | sha256sum`, result: key }
  return recompute(wording.of('drawn', 'key'), how, wording)
}

/** From the record, or the gap where it would be, to those who have signed. */
function proved(report, way, wording) {
  return [
    way.beside.length > 0 || way['slot-keys'] === '0' ? absence(way, wording) : record(report, way, wording),
    slot(report, way, wording),
    index(report, way, wording),
    statement(way, wording),
    ledger(way, wording),
    checkpoint(way, wording),
    signed(report, wording),
    late(report, wording),
  ]
}

/** What a way does not show, whole as it is: how things stand today, where it is too old for that. */
function late(report, wording) {
  const why = report.reason === 'rollback' ? 'lateSeen' : 'lateTime'
  if (why === 'lateTime' && told(report, 'time')?.state !== 'failed') return null
  return station('late', wording.of('drawn', 'late'), wording.of('drawn', why, { asof: wording.time(report.as_of) }))
}

function record(report, way, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const { life } = report
  const values = life && { issuer: visible(life.issuer_title || life.issuer), place: wording.number(life.place) }
  const statement = value(told(report, 'life'), 'statement')
  const body = { rule: 'SHA-256(body)', section: '8.1', bytes: [['body', way.body]], command: hashOf(way.body), result: way['body-sha256'] }
  return station(
    'record',
    of('record'),
    life ? of('recordText', values) : of('recordOther'),
    statement ? quoted(of('statementOf'), statement) : null,
    hash(way.record),
    recompute(of('body'), body, wording, true),
    recomputeRecord(of('record'), way.key, way, wording),
  )
}

function recomputeRecord(title, key, about, wording) {
  const body = about['body-sha256']
  const how = { rule: 'SHA-256("stele.record/1\\n" ‖ key ‖ body)', section: '8.1', bytes: [['key', key], ['body', body]], command: hashAfterLine('stele.record/1', key, body), result: about.record }
  return recompute(title, how, wording, true)
}

/** A text that was signed, as it stands. */
function quoted(title, text) {
  const shown = element('pre', { class: 'quoted', dir: 'ltr', tabindex: '0', role: 'region', 'aria-label': title, 'data-bytes': 'text' }, text.split('\n').map(visible).join('\n'))
  return element('details', { class: 'recompute' }, element('summary', {}, title), shown)
}

/** The keys between which the key would have to lie, in their order, with the gap. */
function absence(way, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const neighbour = ({ side, key, position }) =>
    element('li', { 'data-neighbour': side }, element('span', {}, of('neighbour', { position: wording.number(Number(position) + 1) })), hash(key))
  const own = element('li', { 'data-neighbour': 'own' }, element('span', {}, of('ownPlace')), hash(way.key))
  const at = (side) => way.beside.filter((n) => n.side === side).map(neighbour)
  const sides = way.beside.map(({ side }) => side).join('-')
  const said = { 'before-after': 'absentBetween', before: 'absentLast', after: 'absentFirst', '': 'absentEmpty' }
  return station('absent', of('absent'), of(said[sides]), element('ol', { class: 'neighbours' }, ...at('before'), own, ...at('after')))
}

function slot(report, way, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const count = Number(way['slot-keys'])
  const own = way.beside.length === 0 && count > 0
  const about = own ? [way] : way.beside
  const bytes = [['depth', Number(way.depth).toString(16).padStart(2, '0')], ['prefix', way.prefix], ['count', count.toString(16).padStart(8, '0')], ['records', way.records]]
  const how = { rule: 'SHA-256("stele.slot/1\\n" ‖ depth ‖ prefix ‖ count ‖ records)', section: '8.2', bytes, command: hashAfterLine('stele.slot/1', ...bytes.map(([, hex]) => hex)), result: way.slot }
  return station(
    'slot',
    wording.count('drawnSlot', count),
    report.source === 'receipt' ? of('slotReceipt') : of('slotText'),
    cards(count, own ? Number(way.position) : null, Number(way.beside[0]?.side === 'before' ? way.beside[0].position : -1)),
    ...about.flatMap((one) => inSlot(own, one, way, count, wording)),
    hash(way.slot),
    recompute(of('slot'), how, wording),
  )
}

/** A short hash inside a sentence, where no line may end. */
const unbroken = (hex) => short(hex).replace('…', '\u2060…\u2060')

/** A record's way up to the root of its slot's records. */
function inSlot(own, about, way, count, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const values = { position: wording.number(Number(about.position) + 1), from: unbroken(about.record), to: unbroken(way.records) }
  const title = own ? of('inSlotOwn', values) : of('inSlotNeighbour', values)
  return [element('p', {}, title), own ? null : recomputeRecord(of('neighbour', values), about.key, about, wording), climb(own ? 'slot-path' : `slot-path-${about.side}`, about['slot-path'], about.record, wording)]
}

/** The slot's records as the cards of a drawer: the own one stands out, or the gap where it would be. */
function cards(count, own, gapAfter) {
  if (count > mostCards) return null
  const list = Array.from({ length: count }, (_, i) => element('i', { class: i === own ? 'own' : null }))
  if (own === null) list.splice(gapAfter + 1, 0, element('i', { class: 'gap' }))
  return element('div', { class: 'cards', 'aria-hidden': 'true', 'data-cards': String(count) }, ...list)
}

const levelsOf = (path) => path.split('\n').filter(Boolean).length

function index(report, way, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const steps = levelsOf(way.path)
  const said = steps === 0 ? of('indexAlone', { keys: wording.number(report.keys) }) : wording.count('drawnIndex', steps, { keys: wording.number(report.keys) })
  return station('index', of('index'), said, climb('path', way.path, way.slot, wording), hash(way.map))
}

function statement(way, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const values = { time: wording.time(way.time), place: wording.number(way.place) }
  return station('statement', of('statement'), of('statementText', values), quoted(of('statementWhole'), way.index), hash(way.leaf), recompute(of('statement'), recomputeLeaf(way), wording))
}

function recomputeLeaf({ index, leaf }) {
  const hex = hexOf(index)
  return { rule: 'SHA-256(0x00 ‖ entry)', section: '2', bytes: [['entry', hex]], command: hashOf('00', hex), result: leaf }
}

function ledger(way, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const steps = levelsOf(way['ledger-path'])
  const size = { size: wording.number(way.size) }
  return station('ledger', of('ledger'), steps === 0 ? of('ledgerAlone') : wording.count('drawnLedger', steps, size), climb('ledger-path', way['ledger-path'], way.leaf, wording), hash(way.root))
}

function checkpoint(way, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const base64 = { rule: 'base64(root)', section: '4', bytes: [['root', way.root]], command: `printf %s ${way.root} | xxd -r -p | base64`, result: way.checkpoint.split('\n')[2] }
  return station('checkpoint', of('checkpoint'), of('checkpointText'), element('pre', { class: 'checkpoint', dir: 'ltr', 'data-bytes': 'checkpoint' }, visibleEach(way.checkpoint)), recompute(of('checkpoint'), base64, wording))
}

const visibleEach = (text) => text.trimEnd().split('\n').map(visible).join('\n')

/** Who has signed: the registry's own keys, those who approve, and those who watch from outside. */
function signed(report, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const own = report.signers.filter(({ role }) => role === 'log' || role === 'other')
  const unpinned = wording.ownPage && report.notices.includes('trust-unpinned') // elsewhere it stands with the answer
  return station(
    'signed',
    of('signed'),
    of('signedText'),
    own.length > 0 ? role('log', of('logText'), element('ul', { class: 'quorum' }, ...own.map((signer) => ownKey(signer, wording))), wording) : null,
    ...quorums(report, wording),
    unpinned ? element('ul', { class: 'notices' }, element('li', { 'data-notice': 'trust-unpinned' }, icon('notice'), element('span', {}, wording.name('notices', 'trust-unpinned')))) : null,
  )
}

function quorums(report, wording) {
  const of = (key) => wording.of('drawn', key)
  return ['officers', 'witnesses'].map((name) => {
    const quorum = report[name]
    if (!quorum || quorum.of === 0) return null
    const [have, all, needed] = [quorum.have, quorum.of, quorum.needed].map((n) => wording.number(n))
    const missing = quorum.have < quorum.of ? element('p', { class: 'soft' }, of(quorum.met ? 'missingEnough' : 'missingFew')) : null
    return role(name, of(`${name}Text`), element('div', {}, element('p', {}, wording.ui('groupSigned', { have, of: all, needed })), signedTree(quorum, wording), missing), wording)
  })
}

function role(name, sentence, list, wording) {
  return element('div', { class: 'role', 'data-role': name }, element('p', { class: 'role-name' }, wording.of('drawn', name)), element('p', { class: 'soft' }, sentence), list)
}

function ownKey({ role: of, name, algorithm, time }, wording) {
  const when = time ? wording.ui('signedAt', { time: wording.time(time) }) : wording.ui('noSignatureTime')
  const about = of === 'other' ? [element('span', { class: 'tag' }, wording.name('roles', 'other')), ' '] : []
  return element(
    'li',
    { 'data-signer': of, 'data-met': String(of === 'log') },
    icon(of === 'log' ? 'passed' : 'absent', 'icon step-icon'),
    element('div', {}, keyName(visible(name)), ' ', ...about, element('span', { class: 'soft' }, `${wording.name('algorithms', algorithm)} · ${when}`)),
  )
}

/** Where a check came to no answer: why, and who has signed where signatures are what is missing. */
function ended(report, wording) {
  const failed = report.steps.findLast((step) => step.state === 'failed')
  const why = report.reason ? wording.name('reasons', report.reason) : wording.title(report.verdict)
  const at = failed ? element('p', { class: 'soft' }, wording.of('drawn', 'endedAt', { step: wording.name('steps', failed.id) })) : null
  const other = value(told(report, 'receipt'), 'receipt-key')
  return station('ended', wording.of('drawn', 'ended'), why, at, other ? element('p', {}, wording.of('drawn', 'otherKey')) : null, other ? hash(other) : null, ...(report.reason === 'quorum' ? quorums(report, wording) : []))
}

/** All the commands in one, for a terminal: made when they are unfolded, since hardly anybody will. */
function commands(wording) {
  const details = element('details', { class: 'recompute', 'data-commands': '' }, element('summary', {}, wording.of('drawn', 'commands')))
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(...script(details.closest('[data-drawing]'), wording))
  })
  return details
}

const judge = 'is() { read -r got rest; if [ "$got" = "$1" ]; then echo "= $1"; else echo "! $got, not $1"; fi; }'

function script(drawing, wording) {
  const of = (key) => wording.of('drawn', key)
  const lines = [...drawing.querySelectorAll('.way [data-rule]')].filter(({ dataset }) => dataset.rule !== 'SHA-256(file)').map((part) => {
    const text = (name) => part.querySelector(`[data-bytes=${name}]`).textContent
    return `${text('command')} | is ${text('result')}`
  })
  const shown = element('pre', { class: 'quoted', dir: 'ltr', tabindex: '0', role: 'region', 'aria-label': of('commands'), 'data-bytes': 'script' }, [judge, ...lines, ''].join('\n'))
  return [element('p', {}, of('commandsText')), shown, element('p', {}, copier(shown, of('copyCommands'), wording, of('copyCommands')))]
}
