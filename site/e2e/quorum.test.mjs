// What is said of who has signed, and which files are evidence, without a browser: node --test site/e2e/quorum.test.mjs

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { recognise } from '../assets/kinds.mjs'
import { signedSentence } from '../assets/quorum.mjs'
import { Wording } from '../assets/text.mjs'

// What the wording asks a page for.
globalThis.document = { documentElement: { dir: 'ltr' } }
globalThis.navigator ??= { languages: ['en-GB'] }
const wordingIn = async (language) => new Wording(JSON.parse(await readFile(new URL(`../text/${language}.json`, import.meta.url), 'utf8')))
const wording = await wordingIn('en')

const key = (name, met, algorithm = 'Ed25519') => ({ name: `policy-${name}`, key: name, algorithm, met, time: met ? '2026-11-22T14:00:00Z' : null })
const group = (name, needed, ...members) => {
  const have = members.filter((m) => m.met).length
  return { name, needed, of: members.length, have, met: have >= needed, members }
}

const cases = [
  ['some of several', 'officers', group('o', 2, key('a', true), key('b', true), key('c', false)), 'Approved by 2 of 3 officers (2 needed): a, b; not by c.'],
  ['all of them', 'witnesses', group('w', 1, key('a', true), key('b', true)), 'Seen by 2 of 2 outside witnesses (1 needed): a, b.'],
  ['none of them', 'officers', group('o', 2, key('a', false), key('b', false)), 'Approved by none of the 2 officers (2 needed).'],
  ['the one there is', 'witnesses', group('w', 1, key('a', true)), 'Seen by the one outside witness there is: a.'],
  ['one officer with two keys goes by the keys’ name', 'officers', group('o', 2, group('g', 2, key('a', true), key('a', true, 'ML-DSA-44')), key('b', true)), 'Approved by 2 of 2 officers (2 needed): a, b.'],
  ['half of an officer is none', 'officers', group('o', 1, group('g', 2, key('a', true), key('a', false, 'ML-DSA-44')), key('b', true)), 'Approved by 1 of 2 officers (1 needed): b; not by a.'],
  ['a group of several goes by its own name', 'witnesses', group('w', 1, group('society', 1, key('a', true), key('b', false)), key('c', false)), 'Seen by 1 of 2 outside witnesses (1 needed): society; not by c.'],
  ['many are counted', 'witnesses', group('w', 6, ...'abcdefg'.split('').map((n) => key(n, true))), 'Seen by 7 of 7 outside witnesses (6 needed): a, b, c, d and 3 more.'],
  ['hidden characters are seen', 'officers', group('o', 1, key('a\u202eb', true)), 'Approved by the one officer there is: a\u25afb.'],
  ['nobody has to', 'officers', { name: 'none', needed: 0, of: 0, have: 0, met: true, members: [] }, null],
]
for (const [name, role, quorum, want] of cases) test(`signed: ${name}`, () => assert.equal(signedSentence(role, quorum, wording), want))

// Each language has its own marks between names and at the end. Where one runs from right to left, every value is set off.
const [a, b, c] = 'abc'.split('').map((name) => key(name, name !== 'c'))
const off = (value) => `\u2068${value}\u2069`
const ours = (value) => `\u2067${value}\u2069`
const elsewhere = {
  ru: ['Утвердили уполномоченные лица: 2 из 3 (нужно 2): a, b; нет подписи: c.', 'Подтвердили внешние свидетели: 2 из 2 (нужно 1): a, b.', 'Подтвердил единственный внешний свидетель: a.'],
  zh: ['3名核准官员中有2名已核准（须有2名）：a、b；未签名者：c。', '2个外部见证方中有2个已见证（须有1个）：a、b。', '已由唯一的外部见证方见证：a。'],
  ar: [
    `اعتمد النشرة ${off(2)} من أصل ${off(3)} من المسؤولين (المطلوب ${off(2)}): ${ours(`${off('a')}، ${off('b')}`)}؛ من دون توقيع: ${ours(off('c'))}.`,
    `أكّد النشرة ${off(2)} من أصل ${off(2)} من الشهود الخارجيين (المطلوب ${off(1)}): ${ours(`${off('a')}، ${off('b')}`)}.`,
    `أكّد النشرة الشاهد الخارجي الوحيد: ${ours(off('a'))}.`,
  ],
}
for (const [language, wants] of Object.entries(elsewhere))
  test(`signed, in ${language}`, async () => {
    const told = await wordingIn(language)
    const plain = (n) => told.number(n)
    const said = [signedSentence('officers', group('o', 2, a, b, c), told), signedSentence('witnesses', group('w', 1, a, b), told), signedSentence('witnesses', group('w', 1, a), told)]
    assert.deepEqual(said, wants.map((want) => want.replace(/\d/g, (n) => plain(Number(n)))))
  })

test('what is listed is set apart in every language', async () => {
  const [left, right] = ['a, b, وزارة', 'a、b、وزارة'].map((list) => list.replace('وزارة', off('وزارة')))
  const lists = { en: left, es: left, fr: left, ru: left, zh: right, ar: [off('a'), off('b'), off('وزارة')].join('، ') }
  for (const [language, want] of Object.entries(lists)) assert.equal((await wordingIn(language)).list(['a', 'b', 'وزارة']), want, language)
})

test('a value and its label are set apart as the language does it', async () => {
  const wants = { en: 'x: 1', ru: 'x: 1', zh: 'x：1', fr: 'x\u202f: 1', ar: `${off('x')}: ${off(1)}` }
  for (const [language, want] of Object.entries(wants)) assert.equal((await wordingIn(language)).labelled('x', '1'), want, language)
})

test('the name of a file that the page makes holds no marks of direction', async () => {
  for (const language of ['en', 'es', 'fr', 'ru', 'zh', 'ar'])
    for (const name of ['diploma.pdf', 'شهادة.pdf']) {
      const made = (await wordingIn(language)).fileName('replacementFile', { name })
      assert.ok(made.endsWith(name) && !/[\u2066-\u2069]/.test(made), `${language}: ${made}`)
    }
})

test('evidence is known by its name or by how it begins', async () => {
  const item = (name, text) => ({ name, file: new Blob([text]) })
  for (const [name, text, want] of [
    ['fork.stele-evidence', 'x', true],
    ['a.pdf.stele-conflict (1).txt', 'x', true],
    ['renamed.bin', 'stele.fork/1\n\0\0', true],
    ['renamed.bin', 'stele.conflict/1\n', true],
    ['renamed.bin', 'stele.conflict/2\n', false],
    ['short', 'stele.fork/1', false],
    ['empty', '', false],
    ['about.stele-evidence.pdf', '%PDF', false],
  ]) assert.equal((await recognise(item(name, text))).kind === 'evidence', want, `${name}: ${text}`)
  assert.equal((await recognise({ name: 'gone', file: null })).kind, 'document')
  assert.equal((await recognise({ name: 'x.tlog-proof', file: null })).kind, 'receipt')
})
