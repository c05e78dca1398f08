// How times and dates are written: in the reader's own language and zone.

/** The script in which a language is usually written. */
const script = (tag) => new Intl.Locale(tag).maximize().script

/**
 * The reader's own variant of the page's language: "en-GB" for a page in "en". One that is written otherwise is none: "zh-TW" would put
 * traditional characters into a page of simplified ones.
 */
export function locale(language) {
  return (navigator.languages ?? []).find((l) => l.split('-')[0] === language && script(l) === script(language)) ?? language
}

// Documents and ledger are dated by this calendar; where another one is usual, a date in it could not be compared with theirs.
const calendar = 'gregory'

// Of dateStyle and timeStyle only the one with seconds names the zone, and they
// take no zone beside them; a time without its zone would be read as any.
const timeParts = {
  calendar,
  year: 'numeric',
  month: 'long',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  timeZoneName: 'short',
}

/** Writes a moment, with the zone. */
export function timeFormat(where) {
  return new Intl.DateTimeFormat(where, timeParts)
}

/** Writes the day of a moment, in the reader's zone. */
export function dayFormat(where) {
  return new Intl.DateTimeFormat(where, { calendar, dateStyle: 'long' })
}

/** Writes a date that stands in a document: a day, not a moment, so that it must not shift with the zone. */
export function dateFormat(where) {
  return new Intl.DateTimeFormat(where, { calendar, dateStyle: 'long', timeZone: 'UTC' })
}
