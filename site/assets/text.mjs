// Wording, dates and numbers in the reader's language. Sentences come whole
// from the text file; values are set off from them, so that an Arabic name
// inside an English sentence keeps its own direction.

import { loadAsset } from './asset.mjs'
import { dateFormat, dayFormat, locale, timeFormat } from './dates.mjs'

// Hebrew, Arabic and their kin: what runs from right to left.
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/

/**
 * Sets a value off where it may run against the sentence around it. A foreign one has the direction of its first letter; one that was put together
 * here, out of values set off, has the sentence's: there need be no letter in it but theirs.
 */
function isolate(value, mirrored) {
  if (!mirrored && !rightToLeft.test(value)) return value
  const ours = mirrored ? '\u2067' : '\u2066'
  return `${/[\u2066-\u2068]/.test(value) ? ours : '\u2068'}${value}\u2069`
}

/** What a table says under a word that may be anyone's: "constructor" is in no table. */
function own(table, word) {
  return table !== undefined && Object.hasOwn(table, word) ? table[word] : undefined
}

/** Puts values, each made ready, in place of {placeholders}. */
function put(sentence, values, ready) {
  return sentence.replace(/\{(\w+)\}/g, (whole, key) => (Object.hasOwn(values, key) ? ready(values[key]) : whole))
}

export class Wording {
  /** @param {object} table the parsed text file */
  constructor(table, later = null) {
    this.table = table
    this.later = later
    this.ownPage = true // the portal's, whose foot has the trust file's fingerprint; false in others' pages
    this.mirrored = table.direction === 'rtl' // the page around may be in another language
    const where = locale(table.language)
    this.times = timeFormat(where)
    this.days = dayFormat(where)
    this.dates = dateFormat(where)
    this.numbers = new Intl.NumberFormat(where)
    this.plurals = new Intl.PluralRules(table.language)
    this.sizes = ['byte', 'kilobyte', 'megabyte', 'gigabyte'].map(
      (unit) =>
        new Intl.NumberFormat(where, {
          style: 'unit',
          unit,
          unitDisplay: unit === 'byte' ? 'long' : 'short',
          maximumSignificantDigits: 3,
        }),
    )
  }

  fill(sentence, values) {
    return put(sentence, values, (value) => isolate(value, this.mirrored))
  }

  /** Brings in what no first answer says: the tables "hints" and "drawn". */
  more() {
    this.coming ??= this.later ? this.bring(this.later) : Promise.resolve()
    return this.coming
  }

  async bring({ url, integrity }) {
    try {
      const response = await loadAsset(url, integrity)
      Object.assign(this.table, await response.json())
    } catch (error) {
      this.coming = null // the next who needs it tries again
      throw error
    }
  }

  /** A label of the page. */
  ui(key, values = {}) {
    return this.fill(own(this.table.ui, key) ?? key, values)
  }

  /** The name of a file that the page makes: in it, marks that set a value off would be seen. */
  fileName(key, values) {
    return put(own(this.table.ui, key) ?? key, values, (value) => value)
  }

  /** A sentence of a part of the page that has a table of its own: files, hints, device, drawn. */
  of(table, key, values = {}) {
    return this.fill(own(this.table[table], key) ?? key, values)
  }

  /** A sentence with a number in it, {count}, in the form that the language has for that number. */
  count(key, count, values = {}) {
    const forms = own(this.table.plurals, key) ?? {}
    return this.fill(own(forms, this.plurals.select(count)) ?? forms.other ?? key, { ...values, count: this.number(count) })
  }

  /** A sentence of the pages that look into the ledger. */
  say(key, values = {}) {
    return this.fill(own(this.table.viewer, key) ?? key, values)
  }

  /** What a statement of an action says; the action itself where there is no sentence for it. */
  statement(action, values) {
    return this.fill(own(this.table.statements, action) ?? action.replaceAll('-', ' '), values)
  }

  /** What the page itself has to say, or nothing. */
  local(key) {
    return own(this.table.local, key) ?? ''
  }

  /** `named`: only a fingerprint was looked up, and no file; the table that has words for that, named or told. */
  said(verdict, named) {
    return (named && own(this.table[named], verdict)) || own(this.table.verdicts, verdict)
  }

  title(verdict, named = '') {
    return this.said(verdict, named)?.title ?? verdict
  }

  /** What a verdict means and what to do next, and all of it in one line. */
  verdict(verdict, values, named = '') {
    const { meaning = '', next = '', brief = '' } = this.said(verdict, named) ?? {}
    return { meaning: this.fill(meaning, values), next: this.fill(next, values), brief: this.fill(brief, values) }
  }

  /** What a file of evidence comes to: proved or nothing; or how strong it is. */
  evidence(code, values = {}) {
    const { title = code, meaning = '', next = '', brief = '' } = own(this.table.evidence, code) ?? {}
    return { title, meaning: this.fill(meaning, values), next: this.fill(next, values), brief: this.fill(brief, values) }
  }

  /** The wording of a code, or the code itself where there is none. */
  name(group, code) {
    return own(this.table[group], code) ?? code.replaceAll('-', ' ')
  }

  /** What a link was for: common relations in a sentence, free ones by their own word. */
  relation(word) {
    return own(this.table.relations, word) ?? this.ui('linked', { relation: word.replaceAll('-', ' ') })
  }

  /** A kind of document. */
  kind(word) {
    const spaced = word.replaceAll('-', ' ')
    return own(this.table.kinds, word) ?? spaced.charAt(0).toUpperCase() + spaced.slice(1)
  }

  time(text) {
    return this.moment(this.times, text)
  }

  /** The day of a moment. */
  day(text) {
    return this.moment(this.days, text)
  }

  moment(format, text) {
    const at = new Date(text ?? NaN)
    return Number.isNaN(at.valueOf()) ? this.ui('unknown') : format.format(at)
  }

  date(text) {
    const day = new Date(`${text}T00:00:00Z`)
    return Number.isNaN(day.valueOf()) ? text : this.dates.format(day)
  }

  number(value) {
    return this.numbers.format(value)
  }

  /** Names, kinds or numbers one after another. Intl.ListFormat without an "and" sets them apart by spaces in some languages, and by nothing in others. */
  list(parts) {
    return parts.map((part) => isolate(part, this.mirrored)).join(this.ui('separator'))
  }

  /** What something is, and what there is of it: in print or for who hears it, where a sentence would say no more. */
  labelled(label, value) {
    return this.ui('labelled', { label, value })
  }

  size(bytes) {
    let unit = 0
    for (; bytes >= 1000 && unit < this.sizes.length - 1; unit++) bytes /= 1000
    return this.sizes[unit].format(bytes)
  }
}

/**
 * Loads the wording that the page names.
 * @param {{url: string, integrity: string}|null} later where the rest of it lies, if it is not all in one file
 */
export async function loadWording(url, integrity, later = null) {
  const response = await loadAsset(url, integrity)
  return new Wording(await response.json(), later)
}
