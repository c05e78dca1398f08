// The parts that a drawn proof is made of: hashes to read and to copy, what to compute them from, and a way up a tree of hashes, hash by hash.
//
// Nothing is computed here and nothing decided: every hash, also what a level comes to, stands in the report as the verifier has computed it.

import { element } from './dom.mjs'

const svgNamespace = 'http://www.w3.org/2000/svg'
const atEnds = 2 // levels that stay in sight at either end of a long way
const fewLevels = 6 // a way of so many is shown whole

/** A small decorative drawing. */
function picture(className, viewBox, ...paths) {
  const make = (tag, attributes) => {
    const node = document.createElementNS(svgNamespace, tag)
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
    return node
  }
  const svg = make('svg', { class: className, viewBox, 'aria-hidden': 'true', focusable: 'false' })
  svg.append(...paths.map(([tag, attributes]) => make(tag, attributes)))
  return svg
}

/** A sign drawn with one line, for a station of the way. */
export function sign(d) {
  return picture('icon', '0 0 24 24', ['path', { d }])
}

/** A hash whole, in groups that a person can compare; copied, it is in one piece. */
export function hash(hex) {
  const groups = hex.match(/.{1,4}/g) ?? []
  return element('code', { class: 'hash', dir: 'ltr' }, ...groups.flatMap((group) => [element('span', {}, group), element('wbr')]))
}

/** A hash as it is told apart at a glance. */
export function short(hex) {
  return `${hex.slice(0, 4)}…${hex.slice(-4)}`
}

/** Bytes given in hex, as a command for a terminal. */
const unhex = (...hex) => `printf %s ${hex.join('')} | xxd -r -p`
const summed = (command) => `${command} | sha256sum`

/** The bytes of a text, in hex, for commands: a text has line ends that a command line has not. */
export function hexOf(text) {
  return [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The command that hashes a line of ASCII and then bytes. */
export const hashAfterLine = (line, ...hex) => summed(`{ printf '${line}\\n'; ${unhex(...hex)}; }`)

/** The command that hashes bytes. */
export const hashOf = (...hex) => summed(unhex(...hex))

/**
 * How a hash is computed again with other tools: by which rule, from which bytes, with which command, and what has to come of it.
 * @param {string} title what is computed
 * @param {object} how rule, section (of FORMAT.md), bytes ([name, value] …), command, result (hex)
 */
function workings(title, { rule, section, bytes, command, result }, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  return [
    element('p', {}, element('code', { class: 'rule', dir: 'ltr' }, rule), ' ', element('span', { class: 'soft' }, of('section', { section }))),
    element(
      'dl',
      { class: 'pieces' },
      ...bytes.map(([name, value]) => piece(name, element('code', { dir: 'ltr' }, name), value, title, wording)),
      piece('result', of('result'), result, title, wording),
      piece('command', of('command'), command, title, wording),
    ),
  ]
}

/** The same, folded. `several`: the station has more than one of them, so that each says of what it is. */
export function recompute(title, how, wording, several = false) {
  const whole = wording.of('drawn', 'recomputeOf', { title })
  const summary = element('summary', { 'aria-label': whole }, several ? whole : wording.of('drawn', 'recompute'))
  return element('details', { class: 'recompute', 'data-rule': how.rule }, summary, ...workings(title, how, wording))
}

const longest = 600 // digits; what is longer is shown in a box of its own that scrolls

/** A value with its name and a button that copies it. */
function piece(what, name, value, title, wording) {
  const long = value.length > longest ? { class: 'long', tabindex: '0', role: 'group', 'aria-label': title } : {}
  const shown = element('code', { dir: 'ltr', 'data-bytes': what, ...long }, value)
  const label = wording.of('drawn', 'copyWhat', { what: name.textContent ?? name, title })
  return element('div', {}, element('dt', {}, name), element('dd', {}, shown, copier(shown, label, wording)))
}

/** A button that copies what a node shows. Where the browser does not let it, the text is marked, ready to be copied by hand. */
export function copier(node, name, wording, label = wording.of('drawn', 'copy')) {
  const button = element('button', { type: 'button', class: 'button small quiet copy', 'aria-label': name }, label)
  button.addEventListener('click', async () => {
    const told = button.closest('[data-drawing]')?.querySelector('[data-told]')
    const done = await copied(node)
    button.dataset.copied = String(done)
    if (told) told.textContent = wording.of('drawn', done ? 'copied' : 'marked')
  })
  return button
}

async function copied(node) {
  try {
    await navigator.clipboard.writeText(node.textContent)
    return true
  } catch {
    getSelection().selectAllChildren(node)
    return false
  }
}

/** What the lines of a path say: the side on which the hash beside the way goes, that hash, and what both come to. */
export function levels(path) {
  return path.split('\n').filter(Boolean).map((line) => {
    const [side, beside, both] = line.split(' ')
    return { side, beside, both }
  })
}

/** The rule by which two nodes of a tree make the one above them, with a level's bytes. */
function joined({ side, beside, both }, from) {
  const [left, right] = side === 'before' ? [beside, from] : [from, beside]
  return { rule: 'SHA-256(0x01 ‖ left ‖ right)', section: '2', bytes: [['left', left], ['right', right]], command: hashOf('01', left, right), result: both }
}

/**
 * A way up a tree as a drawing that can be followed by eye: each level a joint, with the hash beside the way on the side on which it goes.
 * @param {string} name of the path
 * @param {string} path as the report tells it
 * @param {string} from the hash at the lower end
 */
export function climb(name, path, from, wording) {
  const all = levels(path)
  if (all.length === 0) return null
  const rungs = all.map((level, i) => rung(level, i === 0 ? from : all[i - 1].both, i + 1, all.length, wording))
  const list = element('ol', { class: 'climb', 'data-climb': name }, ...rungs)
  if (all.length > fewLevels) fold(rungs, wording)
  return element('div', { class: 'climbing' }, list, tree(all))
}

const drawnAtTop = 5 // levels of the tree's picture, from the root down; those between are left out
const drawnAtFoot = 3

/** The same tree as it would be seen from afar: its root above, at the foot the leaf, and what hangs beside the way as triangles. */
function tree(all) {
  const down = all.map(({ side }) => side).reverse()
  const gap = down.length > drawnAtTop + drawnAtFoot + 1 ? drawnAtTop : -1
  const shown = gap < 0 ? down : [...down.slice(0, drawnAtTop), ...down.slice(-drawnAtFoot)]
  const way = [[0, 0]]
  let beside = ''
  let limbs = ''
  shown.forEach((side, i) => {
    const [x, y] = way.at(-1)
    const reach = 14 + 32 * 0.62 ** i
    const turn = side === 'before' ? reach : -reach
    const below = y + (i === gap ? 40 : 26)
    limbs += `M${x} ${y}L${x - turn} ${below}`
    beside += `M${x - turn} ${below}l-7 13h14z`
    way.push([x + turn, below])
  })
  const [least, most] = [Math.min(...way.map(([x]) => x)) - 60, Math.max(...way.map(([x]) => x)) + 60]
  const [x, y] = way.at(-1)
  const line = (points) => `M${points.map((point) => point.join(' ')).join('L')}`
  const paths = gap < 0 ? [['path', { class: 'own', d: line(way) }]] : [['path', { class: 'own', d: line(way.slice(0, gap + 1)) }], ['path', { class: 'own left-out', d: line(way.slice(gap, gap + 2)) }], ['path', { class: 'own', d: line(way.slice(gap + 1)) }]]
  return picture('tree', `${least} -10 ${most - least} ${y + 24}`, ['path', { class: 'limbs', d: limbs }], ['path', { class: 'beside-it', d: beside }], ...paths,
    ['circle', { class: 'root', cx: 0, cy: 0, r: 7 }], ['rect', { class: 'leaf', x: x - 6, y: y - 6, width: 12, height: 12 }])
}

function rung(level, from, number, count, wording) {
  const of = (key, values) => wording.of('drawn', key, values)
  const values = { level: wording.number(number), count: wording.number(count), beside: short(level.beside), both: short(level.both) }
  const before = level.side === 'before'
  const how = joined(level, from)
  return element(
    'li',
    { 'data-side': level.side },
    element(
      'details',
      {},
      element(
        'summary',
        {},
        element('span', { class: 'unseen' }, of(before ? 'levelBefore' : 'levelAfter', values)),
        element('code', { class: 'beside', dir: 'ltr', 'aria-hidden': 'true' }, short(level.beside)),
        joint(wording.number(number)),
        element('code', { class: 'both', dir: 'ltr', 'aria-hidden': 'true' }, short(level.both)),
      ),
      element('div', { class: 'opened', 'data-rule': how.rule }, element('p', {}, of(before ? 'joinedBefore' : 'joinedAfter')), ...workings(of('level', values), how, wording)),
    ),
  )
}

/** Where two lines become one: drawn for a hash that comes from the start of the line, and turned round by the style sheet. */
function joint(number) {
  const svg = picture('joint', '0 0 64 48', ['path', { class: 'trunk', d: 'M32 0V48' }], ['path', { class: 'branch', d: 'M0 12H10C24 12 32 16 32 27' }], ['circle', { cx: 32, cy: 30, r: 11 }])
  return element('span', { class: 'junction', 'aria-hidden': 'true' }, svg, element('span', {}, number))
}

/** Leaves the ends of a long way in sight, and a button for what lies between. */
function fold(rungs, wording) {
  const between = rungs.slice(atEnds, -atEnds)
  for (const rung of between) rung.hidden = true
  const button = element('button', { type: 'button', class: 'button small quiet' }, wording.count('drawnMore', between.length))
  const item = element('li', { class: 'more' }, button)
  button.addEventListener('click', () => {
    for (const rung of between) rung.hidden = false
    item.remove()
    between[0].querySelector('summary').focus()
  })
  between[0].before(item)
}
