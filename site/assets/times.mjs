// Puts the times and numbers that were written at publication into the
// reader's own language and zone. Pages are readable without it.

import { dayFormat, locale, timeFormat } from './dates.mjs'

const where = locale(document.documentElement.lang)
const formats = { '': timeFormat(where), date: dayFormat(where) }

for (const node of document.querySelectorAll('time[data-local]')) {
  node.textContent = formats[node.dataset.local].format(new Date(node.dateTime))
}

for (const node of document.querySelectorAll('[data-number]')) {
  // BigInt: a ledger may hold more entries than a double counts.
  node.textContent = new Intl.NumberFormat(where).format(BigInt(node.textContent))
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

for (const node of document.querySelectorAll('[data-ago]')) {
  const seconds = (Date.now() - new Date(node.dataset.ago)) / 1000
  const [unit, length] = units.find(([, l]) => Math.abs(seconds) >= l) ?? units.at(-1)
  node.textContent = new Intl.RelativeTimeFormat(where, { numeric: 'auto' }).format(
    -Math.round(seconds / length),
    unit,
  )
}
