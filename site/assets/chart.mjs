// The ledger's size over time, drawn as SVG. What it shows can be walked through by keyboard and finger, and
// stands as a table behind it.

import { element } from './dom.mjs'
import { locale } from './dates.mjs'
import { table } from './viewer.mjs'

const svgNamespace = 'http://www.w3.org/2000/svg'
const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const month = 30.4 * day // about

// Steps between marks of time that people count in; months and years are the calendar's.
const steps = [1, 5, 15, 30].map((n) => n * second)
  .concat([1, 5, 15, 30].map((n) => n * minute), [1, 3, 6, 12].map((n) => n * hour), [1, 2, 7].map((n) => n * day))
const months = [1, 3, 6, 12, 24, 60, 120, 240, 600, 1200]

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(svgNamespace, tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  node.append(...children)
  return node
}

/** Round values from 0 to at least `most`, some four of them. */
export function scale(most) {
  const rough = Math.max(1, most / 4)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough && Number.isInteger(n))
  return Array.from({ length: Math.ceil(Math.max(1, most) / step) + 1 }, (_, i) => i * step)
}

// How marks are written, by the time that they span: no more than tells them apart, and never so close that two read alike.
const styles = [
  { span: 10 * minute, least: second, parts: { hour: 'numeric', minute: '2-digit', second: '2-digit' } },
  { span: 2 * day, least: minute, parts: { hour: 'numeric', minute: '2-digit' } },
  { span: 100 * day, least: day, parts: { day: 'numeric', month: 'short' } },
  { span: 4 * 365 * day, least: month, parts: { month: 'short', year: 'numeric' } },
  { span: Infinity, least: 12 * month, parts: { year: 'numeric' } },
]

const styleOf = (from, to) => styles.find(({ span }) => to - from < span)

/** Marks between two moments, at most so many. */
export function marks(from, to, most) {
  const { least } = styleOf(from, to)
  const step = steps.find((s) => s >= least && (to - from) / s <= most)
  const list = []
  if (step) {
    // Days begin where the reader lives.
    const offset = new Date(from).getTimezoneOffset() * minute
    for (let at = Math.ceil((from - offset) / step) * step + offset; at <= to; at += step) list.push(at)
    return list
  }
  const count = months.find((n) => n * month >= least && (to - from) / (n * month) <= most) ?? 2400
  const at = new Date(from)
  at.setDate(1)
  at.setHours(0, 0, 0, 0)
  at.setMonth(Math.ceil(at.getMonth() / count) * count)
  if (count >= 12) at.setFullYear(Math.ceil(at.getFullYear() / (count / 12)) * (count / 12), 0)
  for (; at <= to; at.setMonth(at.getMonth() + count)) if (at >= from) list.push(at.getTime())
  return list
}

export class Chart {
  /** @param {Array<{publication: string, size: string, keys: string, time: string}>} series ascending, two at least */
  constructor(viewer, series) {
    this.viewer = viewer
    this.series = series
    this.points = series.map(({ size, keys, time }) => ({ at: Date.parse(time), size: Number(size), keys: Number(keys) }))
    this.where = locale(document.documentElement.lang)
    this.compact = new Intl.NumberFormat(this.where, { notation: 'compact', maximumSignificantDigits: 3 })
    this.frame = element('div', { class: 'chart-frame' })
    this.picked = series.length - 1
    this.width = 0
    new ResizeObserver(() => this.resized()).observe(this.frame)
  }

  /** The chart with its legend, the control that walks through it, and its table. */
  figure() {
    return element('figure', { class: 'chart' }, this.legend(), this.frame, this.control(), this.behind())
  }

  say(key, values) {
    return this.viewer.say(key, values)
  }

  legend() {
    const sample = (name) => {
      const line = svg('line', { x1: 1, y1: 5, x2: 31, y2: 5, class: `chart-line ${name}` })
      return svg('svg', { width: 32, height: 10, 'aria-hidden': 'true', focusable: 'false', class: 'chart-sample' }, line)
    }
    const item = (name, key) => element('li', {}, sample(name), this.say(key))
    return element('ul', { class: 'chart-legend' }, item('sizes', 'entries'), item('keys', 'documents'))
  }

  resized() {
    const width = Math.round(this.frame.clientWidth)
    if (width === this.width || width === 0) return
    this.width = width
    this.draw()
  }

  draw() {
    const { width, points } = this
    const em = parseFloat(getComputedStyle(this.frame).fontSize)
    const height = Math.round(Math.min(Math.max(0.45 * width, 180), 340))
    const rows = scale(points.at(-1).size)
    const labels = rows.map((n) => (n < 10_000 ? this.viewer.wording.number(n) : this.compact.format(n)))
    const box = { left: Math.min(Math.max(...labels.map((l) => this.widthOf(l))) + 14, width / 3), right: width - 0.9 * em, top: 0.8 * em, bottom: height - 2 * em }
    const [first, last] = [points[0].at, points.at(-1).at]
    this.x = (at) => box.left + ((at - first) / Math.max(1, last - first)) * (box.right - box.left)
    this.y = (n) => box.bottom - (n / rows.at(-1)) * (box.bottom - box.top)
    this.box = box
    this.drawn = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': this.summary(), class: 'chart-svg' })
    this.drawn.append(...this.horizontal(rows, labels), ...this.vertical(first, last, em), this.line('keys'), this.line('size'))
    this.drawn.append((this.cursor = svg('g', { class: 'chart-cursor' })))
    this.drawn.addEventListener('pointermove', (event) => this.point(event))
    this.drawn.addEventListener('pointerdown', (event) => this.point(event))
    this.frame.replaceChildren(this.drawn)
    this.pick(this.picked)
  }

  /** How wide a label will be. */
  widthOf(label) {
    this.pen ??= document.createElement('canvas').getContext('2d')
    const { fontSize, fontFamily } = getComputedStyle(this.frame)
    this.pen.font = `${fontSize} ${fontFamily}`
    return this.pen.measureText(label).width
  }

  summary() {
    const { series, viewer } = this
    const [first, last] = [series[0], series.at(-1)]
    return this.say('chart', {
      from: viewer.wording.day(first.time),
      to: viewer.wording.day(last.time),
      entries: viewer.number(last.size),
      documents: viewer.number(last.keys),
    })
  }

  horizontal(rows, labels) {
    const { left, right } = this.box
    return rows.flatMap((n, i) => [
      svg('line', { x1: left, x2: right, y1: this.y(n), y2: this.y(n), class: n === 0 ? 'chart-axis' : 'chart-grid' }),
      svg('text', { x: left - 8, y: this.y(n), class: 'chart-label', 'text-anchor': 'end', 'dominant-baseline': 'middle' }, labels[i]),
    ])
  }

  vertical(first, last, em) {
    const { left, right, bottom } = this.box
    const format = new Intl.DateTimeFormat(this.where, styleOf(first, last).parts)
    const room = Math.max(2, Math.floor((right - left) / (this.widthOf(format.format(last)) + 1.5 * em)))
    return marks(first, last, room).flatMap((at) => {
      const label = format.format(at)
      const half = this.widthOf(label) / 2
      const x = Math.min(Math.max(this.x(at), left + half - 4), right - half + 4) // within the picture
      return [
        svg('line', { x1: this.x(at), x2: this.x(at), y1: bottom, y2: bottom + 5, class: 'chart-axis' }),
        svg('text', { x, y: bottom + 1.5 * em, class: 'chart-label', 'text-anchor': 'middle' }, label),
      ]
    })
  }

  /** A ledger keeps its size until the next publication: the line goes in steps. */
  line(name) {
    let d = ''
    for (const point of this.points) {
      const [x, y] = [this.x(point.at).toFixed(1), this.y(point[name]).toFixed(1)]
      d += d === '' ? `M${x} ${y}` : `H${x}V${y}`
    }
    return svg('path', { d, class: `chart-line ${name === 'size' ? 'sizes' : 'keys'}` })
  }

  control() {
    this.range = element('input', { type: 'range', min: '0', max: String(this.series.length - 1), step: '1', id: 'chart-pick' })
    this.range.value = String(this.picked)
    this.range.addEventListener('input', () => this.pick(Number(this.range.value)))
    this.read = element('output', { for: 'chart-pick', class: 'chart-read' })
    this.pick(this.picked)
    return element('div', { class: 'chart-control' }, element('label', { for: 'chart-pick', class: 'soft' }, this.say('chartPick')), this.range, this.read)
  }

  /** The publication that stood at the pointer. */
  point(event) {
    const { left, width } = this.drawn.getBoundingClientRect()
    const x = ((event.clientX - left) / width) * this.width
    const later = this.points.findIndex(({ at }) => this.x(at) > x)
    this.pick(later < 0 ? this.points.length - 1 : Math.max(0, later - 1))
  }

  pick(i) {
    this.picked = i
    const { publication, size, keys, time } = this.series[i]
    const { viewer } = this
    const values = { number: viewer.number(publication), time: viewer.wording.time(time), entries: viewer.number(size), documents: viewer.number(keys) }
    if (this.range) {
      this.range.value = String(i)
      this.range.setAttribute('aria-valuetext', this.say('chartRead', values))
      this.read.textContent = this.say('chartRead', values)
    }
    if (!this.cursor) return
    const point = this.points[i]
    const x = this.x(point.at)
    this.cursor.replaceChildren(
      svg('line', { x1: x, x2: x, y1: this.box.top, y2: this.box.bottom }),
      svg('circle', { cx: x, cy: this.y(point.keys), r: 4, class: 'keys' }),
      svg('circle', { cx: x, cy: this.y(point.size), r: 4, class: 'sizes' }),
    )
  }

  /** The same as a table, newest first; made when it is first opened. */
  behind() {
    const details = element('details', {}, element('summary', {}, this.say('chartTable')))
    const { viewer } = this
    details.addEventListener('toggle', () => {
      if (!details.open || details.children.length > 1) return
      const rows = this.series.toReversed().map((p) =>
        [viewer.number(p.publication), viewer.wording.time(p.time), viewer.number(p.size), viewer.number(p.keys)])
      details.append(table(['publicationUnknown', 'time', 'entries', 'documents'].map((key) => this.say(key)), rows, 'numbers'))
    })
    return details
  }
}
