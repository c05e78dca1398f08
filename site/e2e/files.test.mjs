// Which receipt belongs to which document, and what becomes of a dropped folder that cannot all be read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromTransfer, isReceipt, pair } from '../assets/files.mjs'

// A document marked with ! has its answer already.
const item = (marked) => {
  const path = marked.replace('!', '')
  return { path, name: path.split('/').at(-1), file: {}, answered: marked !== path }
}
const told = ({ pairs, alone }) => ({
  pairs: [...pairs].map(([document, receipt]) => `${document.path} + ${receipt.path}`),
  alone: alone.map((receipt) => receipt.path),
})

const cases = [
  ['by name', ['a.pdf.tlog-proof'], ['a.pdf', 'b.pdf'], [], ['a.pdf + a.pdf.tlog-proof'], []],
  ['by path before name', ['y/a.pdf.tlog-proof'], ['x/a.pdf', 'y/a.pdf'], [], ['y/a.pdf + y/a.pdf.tlog-proof'], []],
  ['by name across folders', ['receipts/a.pdf.tlog-proof'], ['x/a.pdf', 'b.pdf'], [], ['x/a.pdf + receipts/a.pdf.tlog-proof'], []],
  ['one of each', ['other.tlog-proof'], ['a.pdf'], [], ['a.pdf + other.tlog-proof'], []],
  ['one of each, the document before', ['other.tlog-proof'], [], ['a.pdf'], ['a.pdf + other.tlog-proof'], []],
  ['not by guessing among two', ['other.tlog-proof'], ['a.pdf', 'b.pdf'], [], [], ['other.tlog-proof']],
  ['not two receipts for one', ['x.tlog-proof', 'y.tlog-proof'], ['a.pdf'], [], [], ['x.tlog-proof', 'y.tlog-proof']],
  ['each receipt once', ['a.pdf.tlog-proof'], ['x/a.pdf', 'y/a.pdf'], [], ['x/a.pdf + a.pdf.tlog-proof'], []],
  ['of one that is answered: by name', ['a.pdf.tlog-proof'], [], ['a.pdf!'], ['a.pdf + a.pdf.tlog-proof'], []],
  ['of one that is answered: not by guessing', ['other.tlog-proof'], [], ['a.pdf!'], [], ['other.tlog-proof']],
  ['as a mail program names it', ['a.pdf.tlog-proof.txt', 'b.pdf.TLOG-PROOF.bin'], ['b.pdf', 'a.pdf'], [],
    ['a.pdf + a.pdf.tlog-proof.txt', 'b.pdf + b.pdf.TLOG-PROOF.bin'], []],
  ['as a browser names a second copy', ['a.pdf.tlog-proof (1)', 'b.pdf (2).tlog-proof', 'c.pdf.tlog-proof(1).txt'], ['a.pdf', 'b.pdf', 'c.pdf'], [],
    ['a.pdf + a.pdf.tlog-proof (1)', 'c.pdf + c.pdf.tlog-proof(1).txt', 'b.pdf + b.pdf (2).tlog-proof'], []],
  ['a number of the document itself first', ['a (1).tlog-proof', 'a.tlog-proof'], ['a', 'a (1)'], [], ['a (1) + a (1).tlog-proof', 'a + a.tlog-proof'], []],
  ['no document', ['a.pdf.tlog-proof'], [], [], [], ['a.pdf.tlog-proof']],
]

for (const [name, receipts, documents, open, pairs, alone] of cases) {
  test(`pair: ${name}`, () => {
    const got = pair(receipts.map(item), documents.map(item), open.map(item))
    assert.deepEqual(told(got), { pairs, alone })
  })
}

test('what is a receipt, by its name', () => {
  const names = { 'a.tlog-proof': true, 'a.tlog-proof.txt': true, 'a.tlog-proof (12)': true, 'a.tlog-proof.txt (1)': true,
    'a.tlog-proof.pdf': false, '.tlog-proof.pdf': false, 'tlog-proof': false, 'a.tlog-proof (x)': false, 'a (1).txt': false }
  for (const [name, want] of Object.entries(names)) assert.equal(isReceipt({ name }), want, name)
})

// What a browser hands over for a dropped folder; one file in it fails as it does for lack of permission.
const fileEntry = (path, fails) => ({
  isFile: true, isDirectory: false, name: path.split('/').at(-1), fullPath: path,
  file: (resolve, reject) => (fails ? reject(new DOMException('no', 'NotReadableError')) : resolve({ name: path.split('/').at(-1) })),
})

const folderEntry = (path, portions) => ({
  isFile: false, isDirectory: true, name: path.split('/').at(-1), fullPath: path,
  createReader: () => ({ readEntries: (resolve) => resolve(portions.shift() ?? []) }),
})

test('a dropped folder is read in all its portions, and what cannot be read is named', async () => {
  const folder = folderEntry('/d', [
    [fileEntry('/d/10.pdf'), fileEntry('/d/2.pdf', true)],
    [folderEntry('/d/sub', [[fileEntry('/d/sub/x.pdf')]])],
  ])
  const transfer = { items: [{ kind: 'string' }, { kind: 'file', webkitGetAsEntry: () => folder, getAsFile: () => null }] }
  const got = await fromTransfer(transfer)
  assert.deepEqual(got.map((i) => [i.path, i.file !== null]), [['d/2.pdf', false], ['d/10.pdf', true], ['d/sub/x.pdf', true]])
})
