// How times, dates and counts are written, in each language and country, without a browser: node --test site/e2e/dates.test.mjs

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { locale, timeFormat } from '../assets/dates.mjs'
import { Wording } from '../assets/text.mjs'

process.env.TZ = 'UTC'
const texts = new URL('../text/', import.meta.url)

/** Runs with a browser's languages. */
function speaking(preferred, run) {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: { languages: preferred }, configurable: true })
  try {
    return run()
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before)
    else delete globalThis.navigator
  }
}

test('times and dates are written as the reader’s country writes them, by the documents’ calendar', () => {
  for (const [preferred, language, want] of [
    [['en-GB'], 'en', '5 November 2026 at 08:05 UTC'],
    [['en-US'], 'en', 'November 5, 2026 at 8:05 AM UTC'],
    [['ru'], 'ru', '5 ноября 2026 г. в 08:05 UTC'],
    [['fr'], 'fr', '5 novembre 2026 à 08:05 UTC'],
    [['es-ES'], 'es', '5 de noviembre de 2026 a las 8:05 UTC'],
    [['ar-EG'], 'ar', '٥ نوفمبر ٢٠٢٦ في ٨:٠٥ ص UTC'],
    [['ar-AE'], 'ar', '5 نوفمبر 2026 في 8:05 ص UTC'],
    [['ar-SA'], 'ar', '٥ نوفمبر ٢٠٢٦ في ٨:٠٥ ص UTC'],
    [['zh-CN'], 'zh', '2026年11月5日 UTC 08:05'],
    [['zh-TW', 'en'], 'zh', '2026年11月5日 UTC 08:05'],
  ]) {
    const written = speaking(preferred, () => timeFormat(locale(language)).format(new Date('2026-11-05T08:05:00Z')))
    assert.equal(written.replaceAll(/\s/gu, ' '), want, String(preferred))
  }
})

test('counts have the form that the language has for the number', async () => {
  const samples = { ar: [0, 1, 2, 3, 11, 100], en: [1, 2], es: [1, 2, 1e6], fr: [1, 2, 1e6], ru: [1, 2, 5, 21], zh: [1] }
  for (const name of (await readdir(texts)).filter((name) => name.endsWith('.json'))) {
    const language = name.slice(0, -5)
    const table = JSON.parse(await readFile(new URL(name, texts), 'utf8'))
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted()
    const wording = speaking([language], () => new Wording(table))
    for (const [key, forms] of Object.entries(table.plurals)) {
      assert.deepEqual(Object.keys(forms).toSorted(), categories, `${language}: ${key}`)
      const seen = samples[language].map((n) => new Intl.PluralRules(language).select(n))
      assert.deepEqual(categories.filter((c) => !seen.includes(c) && c !== 'other'), [], language) // "other" may be for fractions alone
      for (const n of samples[language]) assert.doesNotMatch(wording.count(key, n), /\{count\}/, `${language}: ${key}`)
    }
  }
})

test('a value is set off from the sentence around it, and one that was put together here has its direction', () => {
  const speaks = (direction) => speaking(['en'], () => new Wording({ language: 'en', direction }))
  const counted = (wording) => wording.fill('{counts}.', { counts: wording.fill('{title}: {count}', { title: 'أصلي', count: '1' }) })
  const [left, right] = [speaks('ltr'), speaks('rtl')]
  assert.equal(left.fill('by {x}', { x: 'Ministry' }), 'by Ministry')
  assert.equal(left.fill('by {x}', { x: 'وزارة' }), 'by \u2068وزارة\u2069')
  assert.equal(counted(left), '\u2066\u2068أصلي\u2069: 1\u2069.')
  assert.equal(right.fill('من {x}', { x: 'Ministry' }), 'من \u2068Ministry\u2069')
  assert.equal(counted(right), '\u2067\u2068أصلي\u2069: \u20681\u2069\u2069.')
})
