// The chart's marks, without a browser: node --test site/e2e/chart.test.mjs

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

// The module draws on a page; its arithmetic needs none.
const source = await readFile(new URL('../assets/chart.mjs', import.meta.url), 'utf8')
const { marks, scale } = await import(`data:text/javascript,${encodeURIComponent(source.replace(/^import .*$/gm, ''))}`)

const day = 86_400_000

test('values from 0 to the greatest, whole and evenly apart', () => {
  for (const most of [0, 1, 2, 3, 7, 9, 10, 28, 99, 101, 1234, 99_999, 9_769_337, 10 ** 7, 2 ** 53]) {
    const rows = scale(most)
    const step = rows[1] - rows[0]
    assert.ok(rows[0] === 0 && rows.at(-1) >= most && rows.at(-1) - step < Math.max(1, most), `${most}: ${rows}`)
    assert.ok(rows.length >= 2 && rows.length <= 6 && rows.every((n, i) => Number.isInteger(n) && n === i * step), `${most}: ${rows}`)
  }
})

test('moments between two others, ascending, not more than there is room for, and never two in what reads alike', () => {
  const to = Date.parse('2026-11-22T14:03:07Z')
  for (const span of [1000, 61_000, 599_000, 3_600_000, day, 1.9 * day, 3 * day, 40 * day, 99 * day, 101 * day, 400 * day, 1459 * day, 1461 * day, 6.5 * 365 * day, 30 * 365 * day, 200 * 365 * day]) {
    for (const most of [2, 3, 5, 8, 14]) {
      const list = marks(to - span, to, most)
      const told = `${span / day} days, room for ${most}: ${list.map((at) => new Date(at).toISOString())}`
      assert.ok(list.length <= most + 1, told)
      assert.ok(list.every((at, i) => at >= to - span && at <= to && (i === 0 || at > list[i - 1])), told)
      if (most >= 3) assert.ok(list.length >= 1, told)
      const written = list.map((at) => {
        const date = new Date(at)
        if (span >= 4 * 365 * day) return date.getFullYear()
        return span >= 100 * day ? `${date.getFullYear()}-${date.getMonth()}` : at
      })
      assert.equal(new Set(written).size, list.length, told)
    }
  }
})
