// Filters and order of the list, for whoever has many: a button for each kind of answer with its count, a search by name, and what stands first.

import { element } from './dom.mjs'
import { breath } from './turns.mjs'

const orders = {
  given: null,
  attention: (a, b) => a.gravity - b.gravity,
  name: (a, b) => collator.compare(a.path, b.path),
}
const collator = new Intl.Collator(undefined, { numeric: true })

export class Table {
  /** @param {Rows} list whose `table` is the element with [data-chips], [data-search], [data-sort] and [data-none] */
  constructor(list) {
    this.list = list
    const find = (name) => list.table.querySelector(`[data-${name}]`)
    Object.assign(this, { chips: find('chips'), search: find('search'), sort: find('sort'), none: find('none') })
    this.group = 'all'
    this.words = ''
    this.buttons = new Map() // group → its button
    this.search.addEventListener('input', () => this.choose({ words: this.search.value }))
    this.sort.addEventListener('change', () => this.order())
  }

  /** Brings the buttons and their counts up to date. */
  update() {
    const { rows, few } = this.list
    this.list.table.hidden = few()
    if (few()) return this.reset()
    const wanted = this.groups(rows)
    if (!wanted.has(this.group)) wanted.set(this.group, { title: this.title, count: 0 })
    for (const [group, button] of this.buttons) if (!wanted.has(group)) this.drop(group, button)
    for (const [group, { title, count }] of wanted) this.show(group, title, count)
    this.arrange([...wanted.keys()].map((group) => this.buttons.get(group)))
    this.none.hidden = rows.length === 0 || rows.some((row) => this.matches(row))
  }

  /** Puts the buttons in their order, with the keyboard where it was. */
  arrange(buttons) {
    if (buttons.every((button, i) => this.chips.children[i] === button)) return
    const focused = document.activeElement
    this.chips.replaceChildren(...buttons)
    if (buttons.includes(focused)) focused.focus()
  }

  /** The groups that there are, with their titles and how many rows each has. */
  groups(rows) {
    const { wording } = this.list
    const attention = rows.filter((row) => row.done && row.attention).length
    const found = new Map()
    for (const row of rows) {
      const group = found.get(row.group) ?? { title: row.done ? row.title : wording.of('files', 'working'), count: 0, gravity: row.gravity }
      group.count++
      found.set(row.group, group)
    }
    const sorted = [...found].sort((a, b) => a[1].gravity - b[1].gravity)
    const first = [['all', { title: wording.of('files', 'all'), count: rows.length }]]
    if (attention > 0 && attention < rows.length) first.push(['attention', { title: wording.of('files', 'attention'), count: attention }])
    return new Map([...first, ...sorted])
  }

  show(group, title, count) {
    const label = this.list.wording.ui('count', { title, count: this.list.wording.number(count) })
    let button = this.buttons.get(group)
    if (!button) {
      button = element('button', { type: 'button', class: 'chip', 'data-group': group })
      button.addEventListener('click', () => this.choose({ group, title }))
      this.buttons.set(group, button)
      this.chips.append(button)
    }
    if (button.textContent !== label) button.textContent = label
    button.setAttribute('aria-pressed', String(group === this.group))
  }

  drop(group, button) {
    const focused = button === document.activeElement
    this.buttons.delete(group)
    button.remove()
    if (focused) this.buttons.get('all')?.focus()
  }

  /** Shows only what the reader has chosen, and says how many that are. */
  choose({ group = this.group, title = this.title, words = this.words }) {
    Object.assign(this, { group, title, words: words.toLowerCase() })
    for (const row of this.list.rows) this.place(row)
    this.update()
    const { rows, wording } = this.list
    this.list.say(wording.count('shown', rows.filter((row) => this.matches(row)).length, { total: wording.number(rows.length) }))
  }

  reset() {
    if (this.group === 'all' && this.words === '') return
    Object.assign(this, { group: 'all', words: '' })
    this.search.value = ''
    for (const row of this.list.rows) this.place(row)
  }

  /** Shows or hides a row, as it is now. */
  place(row) {
    const hidden = !this.matches(row)
    // What is being used does not vanish under the reader's hands.
    if (row.node.hidden !== hidden) row.node.hidden = hidden && !row.node.contains(document.activeElement)
  }

  matches(row) {
    const chosen = this.group === 'all' || this.group === row.group || (this.group === 'attention' && row.done && row.attention)
    return chosen && (this.words === '' || row.path.toLowerCase().includes(this.words))
  }

  /** The rows that are to be seen, in the order in which they stand. */
  shown() {
    return this.sorted().filter((row) => this.matches(row))
  }

  sorted() {
    const order = orders[this.sort.value]
    return order ? this.list.rows.toSorted?.(order) ?? [...this.list.rows].sort(order) : this.list.rows
  }

  /** Puts the rows into the chosen order. They stay in it until they are ordered again: rows that move by themselves cannot be read. */
  async order() {
    await breath()
    const all = document.createDocumentFragment()
    for (const row of this.sorted()) if (row.node.isConnected) all.append(row.node)
    this.list.list.append(all)
  }
}
