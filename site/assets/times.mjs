// Puts the times and numbers that were written at publication into the
// reader's own language and zone. Pages are readable without it.

const language = document.documentElement.lang
const locale = (navigator.languages ?? []).find((l) => l.split('-')[0] === language) ?? language

const styles = {
  '': {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  },
  date: { year: 'numeric', month: 'long', day: 'numeric' },
}

for (const node of document.querySelectorAll('time[data-local]')) {
  const at = new Date(node.dateTime)
  node.textContent = new Intl.DateTimeFormat(locale, styles[node.dataset.local]).format(at)
}

for (const node of document.querySelectorAll('[data-number]')) {
  // BigInt: a ledger may hold more entries than a double counts.
  node.textContent = new Intl.NumberFormat(locale).format(BigInt(node.textContent))
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
  node.textContent = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(
    -Math.round(seconds / length),
    unit,
  )
}
