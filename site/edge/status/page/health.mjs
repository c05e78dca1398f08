// How an edge stands, asked of its /health.json again and again while somebody looks, and said in the reader's language. What could not be read is
// told as that, and what stood there before goes: nobody is shown old figures as if they were of now.

import { locale, timeFormat } from '../../../assets/dates.mjs'
import { element, slots, visible } from '../../../assets/dom.mjs'

const every = 60_000 // milliseconds from one question to the next, while the page is looked at
const patience = 20_000 // milliseconds for an answer

const article = document.querySelector('[data-site]')
const banner = document.querySelector('[data-health]')
const told = document.querySelector('[data-told]')
const heading = document.title
const unasked = [...document.querySelector('.meaning').childNodes]
const begins = { state: '', title: textOf('#state-title'), meaning: unasked, symbol: 'working' }

const where = locale(document.documentElement.lang)
const times = timeFormat(where)
const numbers = new Intl.NumberFormat(where)

const wording = document.querySelector('[data-words]').content
const listed = (kind) => new Map([...wording.querySelectorAll(`[data-${kind}]`)].map((node) => [node.dataset[kind], node.textContent]))
const words = listed('key')
const symbols = listed('symbol')

function textOf(selector) {
  return document.querySelector(selector).textContent
}

/** A sentence with values in place of its {names}; nothing where there is no such sentence. */
const say = (key, values = {}) => words.get(key)?.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all)

/** A time in a sentence. */
const readable = (stamp) => (stamp ? times.format(new Date(stamp)) : '–')

/** A time that stands by itself. */
const when = (stamp) => (stamp ? element('time', { datetime: stamp }, readable(stamp)) : '–')

/** A foreign word amid a sentence that may run the other way. */
const apart = (text) => `\u2068${visible(text)}\u2069`

/** A copy of one of the page's templates, with its slots. */
function copy(part) {
  const node = document.querySelector(`template[data-part="${part}"]`).content.cloneNode(true)
  return { node, slot: slots(node), first: node.firstElementChild }
}

/** Writes only what has changed: the banner is read out when it does. */
function announce({ state, title, meaning, symbol }) {
  const words = banner.querySelector('#state-title')
  if (banner.dataset.health !== state) {
    banner.dataset.health = state
    banner.querySelector('use').setAttribute('href', `#icon-${symbol}`)
  }
  if (words.textContent !== title) words.textContent = title
  const now = banner.querySelector('.meaning')
  if (typeof meaning !== 'string') now.replaceChildren(...meaning)
  else if (now.textContent !== meaning) now.textContent = meaning
  document.title = state ? `${title} · ${heading}` : heading
}

/** What the edge has answered; it throws where that is nothing of the kind. Anything but "ok" is answered with 503. */
async function ask() {
  const answer = await fetch(new URL(`${article.dataset.site}health.json`, location), { cache: 'no-store', signal: AbortSignal.timeout(patience) })
  const health = await answer.json()
  if (health.format !== 'stele.health/1' || !symbols.has(health.status)) throw new Error(`health.json: it is no stele.health/1 that is known here (${answer.status})`)
  return health
}

const written = { facts: '', at: 0 } // what stands there, and since when it is known

/** Takes away what stands there. */
function clear(instead) {
  written.facts = ''
  told.replaceChildren()
  readAt('')
  announce(instead)
}

/** Says as of when that is. It is not read out: it is another time every minute. */
function readAt(text) {
  const line = banner.querySelector('[data-fact="now"]')
  line.textContent = text
  line.hidden = text === ''
}

/** Shows an answer. Where it is the same as before, nothing is touched but what passes with time. */
function show(health) {
  written.at = Date.now()
  const { now, ...facts } = health
  const text = JSON.stringify(facts)
  if (text !== written.facts) {
    const parts = [alarms(health), publication(health), views(health)].filter(Boolean)
    const focused = [...told.querySelectorAll('a')].indexOf(document.activeElement)
    told.replaceChildren(...parts)
    told.querySelectorAll('a')[focused]?.focus()
    written.facts = text
    follow(health.epoch)
  }
  readAt(say('readAt', { time: readable(now) }))
  fact(told, 'age', age(health))
  announce({ state: health.status, symbol: symbols.get(health.status), title: say(`state.${health.status}.title`), meaning: say(`state.${health.status}.text`, values(health)) })
}

/** What sentences are filled with. */
const values = (health) => ({ due: readable(health.next_due), asof: readable(health.as_of), verdict: say('verdict.stale') })

function fact(node, key, ...content) {
  node.querySelector(`[data-fact="${key}"]`)?.replaceChildren(...content)
}

/** Faults that are states too, and have their wording. */
const stated = { late: 'state.late', stale: 'state.stale', outage: 'state.unknown' }

/** The alarms besides that which the banner says; nothing where there are none. */
function alarms(health) {
  const others = health.alarms.filter(({ code }) => stated[code] !== `state.${health.status}`)
  if (others.length === 0) return null
  const { node, first } = copy('alarms')
  first.append(...others.map((alarm) => alarmPanel(alarm, health)))
  return node
}

function alarmPanel(alarm, health) {
  const { node, slot, first } = copy('alarm')
  const key = stated[alarm.code] ?? `alarm.${alarm.code}`
  first.dataset.code = alarm.code
  first.dataset.severity = alarm.severity
  slot.title.textContent = say(`${key}.title`) ?? alarm.code
  slot.text.textContent = say(`${key}.text`, { ...values(health), view: apart(alarm.view ?? '') }) ?? ''
  slot.message.textContent = visible(alarm.message)
  if (['outage', 'view-unreachable'].includes(alarm.code)) slot.message.remove() // the text says all of it
  if (alarm.since) slot.since.textContent = say('since', { time: readable(alarm.since) })
  else slot.since.remove()
  const [proof] = /health\/evidence\/[0-9a-f]{64}\.stele-evidence$/.exec(alarm.evidence ?? '') ?? []
  if (proof) slot.proof.setAttribute('href', `${article.dataset.site}${proof}`) // it lies here, whatever the portal's own address is
  else slot.evidence.remove()
  return node
}

/** What is in force; nothing where that could not be judged, or nothing is. */
function publication(health) {
  if (!health.set) return null
  const { node } = copy('publication')
  fact(node, 'asOf', when(health.as_of))
  fact(node, 'due', health.next_due ? when(health.next_due) : say('dueNone'))
  fact(node, 'freshUntil', when(health.fresh_until))
  fact(node, 'published', when(health.published))
  fact(node, 'publication', numbers.format(health.publication))
  fact(node, 'size', numbers.format(health.size))
  fact(node, 'root', ...health.root.match(/.{1,8}/g).map((group) => element('span', {}, group)))
  for (const of of ['officers', 'witnesses']) {
    fact(node, of, quorum(health[of]))
    const tree = node.querySelector(`[data-tree="${of}"]`)
    if (health.signed[of].length > 0) tree.append(members(health.signed[of]))
    else tree.remove()
  }
  return node
}

/** How old the newest evidence is, in its two greatest units, abbreviated: no language has forms of them. */
function age({ now, as_of, published }) {
  const heard = Math.min(...[as_of, published].filter(Boolean).map(Date.parse))
  const seconds = Math.max(0, (Date.parse(now) - heard) / 1000)
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3_600) % 24, (seconds / 60) % 60].map((n) => numbers.format(Math.floor(n)))
  if (seconds >= 86_400) return say('span.days', { days, hours })
  return seconds >= 3_600 ? say('span.hours', { hours, minutes }) : say('span.minutes', { minutes })
}

function quorum({ have, needed, of }) {
  if (of === 0) return say('ledger.none')
  return say('signed', { have: numbers.format(have), of: numbers.format(of), needed: numbers.format(needed) })
}

const members = (list) => element('ul', { class: 'quorum' }, ...list.map(member))

function member({ name, met, time, members: below }) {
  const { node, slot, first } = copy('member')
  first.dataset.met = met
  slot.symbol.setAttribute('href', `#icon-${met ? 'passed' : 'absent'}`)
  slot.name.textContent = visible(name)
  if (below) slot.signed.replaceWith(members(below))
  else slot.signed.textContent = met ? readable(time) : say('notSigned')
  return node
}

function views(health) {
  const { node, slot } = copy('views')
  if (health.views.length === 0) {
    slot.text.textContent = say('viewsNone')
    slot.checked.remove()
    slot.table.remove()
    return node
  }
  slot.text.textContent = say('viewsText')
  slot.checked.textContent = health.checked ? say('checked', { time: readable(health.checked) }) : say('never')
  slot.rows.append(...health.views.map(view))
  return node
}

function view({ url, result, size, seen }) {
  const { node, slot, first } = copy('view')
  first.dataset.result = result
  slot.url.textContent = visible(url)
  slot.result.textContent = say(`result.${result}`) ?? result
  slot.size.textContent = seen ? numbers.format(size) : '–'
  slot.seen.append(when(seen))
  return node
}

/** The foot names the trust file that was deployed. Where a newer one is in force, it leads to that, and the other's fingerprint goes. */
function follow(epoch) {
  if (String(epoch) === article.dataset.epoch) return
  const link = document.querySelector('.site-foot a[download]')
  link.setAttribute('href', `${article.dataset.site}trust/${epoch}`)
  link.setAttribute('download', `${epoch}.trust`)
  document.querySelector('.site-foot .print')?.closest('.wide').remove()
}

let asking = false
let timer

/** Asks, and begins anew a while later. Nobody is asked while nobody looks. */
async function look() {
  if (asking || document.hidden) return
  clearTimeout(timer)
  asking = true
  if (written.facts && Date.now() - written.at > 2 * every) clear(begins) // the page was away
  try {
    show(await ask())
  } catch (error) {
    console.warn(error)
    clear({ state: 'unread', symbol: 'unavailable', title: say('unread.title'), meaning: say('unread.text') })
  }
  asking = false
  timer = setTimeout(look, every)
}

document.addEventListener('visibilitychange', look)
addEventListener('pageshow', ({ persisted }) => persisted && look())
addEventListener('online', look)
look()
