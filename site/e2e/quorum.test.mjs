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
const wording = new Wording(JSON.parse(await readFile(new URL('../text/en.json', import.meta.url), 'utf8')))

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
