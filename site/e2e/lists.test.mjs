// What the page makes of lists, containers and codes, without a browser: node --test site/e2e/lists.test.mjs

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { openAsBlob } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import decodeQR from 'qr/decode.js'
import { csv } from '../assets/export.mjs'
import { hashFile } from '../assets/hash.mjs'
import { beginsAsList, decode } from '../assets/kinds.mjs'
import { read } from '../assets/lists.mjs'
import { crc32, opened } from '../assets/member.mjs'
import { encode } from '../assets/qr.mjs'
import { lookInto } from '../assets/zip.mjs'
import { zipOf } from './zips.mjs'

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')
const digest = sha256('a')
const sha3 = createHash('sha3-512').update('a').digest('hex')
const groups = (hex, size, by) => hex.match(new RegExp(`.{${size}}`, 'g')).join(by)

// Texts

const fingerprints = {
  plain: digest,
  'upper case': digest.toUpperCase(),
  labelled: `sha256:${digest}`,
  'labelled as a person does': ` SHA-256: ${digest}\r\n`,
  'in groups of eight': groups(digest, 8, ' '),
  'with colons': groups(digest, 2, ':').toUpperCase(),
  'over two lines': `${groups(digest.slice(0, 32), 4, ' ')}\n${groups(digest.slice(32), 4, ' ')}\n`,
  'as a statement has it': `document sha256:${digest}`,
  'as a printed report has it': `https://registry.example/portal/#sha256=${digest}`,
  'with a mark before it': `\ufeff${digest}`,
}

for (const [name, text] of Object.entries(fingerprints)) {
  test(`a fingerprint: ${name}`, () => assert.deepEqual(read(text), { kind: 'digest', digests: { sha256: digest } }))
}

test('both fingerprints of a document, in any order', () => {
  const want = { kind: 'digest', digests: { sha256: digest, sha3 } }
  for (const text of [`sha256:${digest}\nsha3-512:${sha3}`, `document sha3-512:${sha3.toUpperCase()}\r\ndocument sha256:${digest}\r\n`, `#sha256=${digest}&sha3-512=${sha3}`])
    assert.deepEqual(read(text), want, text)
})

const odd = {
  'a digit short': [digest.slice(1), { kind: 'length', count: 63 }],
  'another algorithm': [createHash('sha512').update('a').digest('hex'), { kind: 'length', count: 128 }],
  'SHA3-512 alone': [`sha3-512:${sha3}`, { kind: 'nothing' }],
  'a letter that is no digit': [`g${digest.slice(1)}`, { kind: 'nothing' }],
  'a date': ['2026-11-22', { kind: 'nothing' }],
  nothing: ['', { kind: 'nothing' }],
  'a sentence': ['Is this document real?', { kind: 'nothing' }],
  'an address': ['https://mail.example/attachment?id=1\r\n', { kind: 'link' }],
}

for (const [name, [text, want]] of Object.entries(odd)) test(`no fingerprint: ${name}`, () => assert.deepEqual(read(text), want))

test('a receipt is told by its first line and gets its line ends back', () => {
  assert.deepEqual(read('\n c2sp.org/tlog-proof@v1\r\nextra AA==\r\nindex 1\r\n\r\n— x y'), { kind: 'receipt', text: 'c2sp.org/tlog-proof@v1\nextra AA==\nindex 1\n\n— x y\n' })
  assert.equal(read('c2sp.org/tlog-proof@v2\n').kind, 'nothing')
})

test('a list as sha256sum writes it, escaped names and Windows line ends included', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stele-lists-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const names = ['a.pdf', 'with  spaces .txt', 'back\\slash', 'new\nline', 'return\r', '\\n', '(x) = y', 'شهادة.pdf', '<img src=x>', '*star', '=1+1']
  for (const name of names) writeFileSync(join(folder, name), name)
  for (const how of [[], ['--tag'], ['--binary']]) {
    const made = execFileSync('sha256sum', [...how, '--', ...names], { cwd: folder, encoding: 'utf8' })
    for (const text of [made, made.replaceAll('\n', '\r\n'), `\ufeff# a comment\n\n${made}`]) {
      const { kind, entries, badCount } = read(text)
      assert.deepEqual([kind, badCount], ['list', 0])
      assert.deepEqual(entries.map(({ name, digests }) => [name, digests.sha256]), names.map((name) => [name, sha256(name)]), how.join())
      assert.ok(beginsAsList(text.slice(0, 300)))
    }
  }
  const tagged = ['SHA256(a.pdf)= ', 'SHA2-256(a.pdf)= ', 'SHA256 (a.pdf) = ']
  for (const line of tagged) assert.deepEqual(read(`${line}${digest}\n`).entries, [{ name: 'a.pdf', digests: { sha256: digest } }])
})

test('lines that cannot be read are told by their numbers, and both kinds of fingerprint find together', () => {
  const text = [`${digest}  a`, 'what is this', `${digest} a`, '', `\\${digest}  bad\\x`, `SHA512 (a) = ${sha3}`, `SHA3-512 (a) = ${sha3}`, `${sha256('b')} *b`, digest.slice(2), digest.toUpperCase()].join('\n')
  const list = read(text)
  assert.deepEqual(list.entries, [{ name: 'a', digests: { sha256: digest, sha3 } }, { name: 'b', digests: { sha256: sha256('b') } }, { name: '', digests: { sha256: digest } }])
  assert.deepEqual([list.bad, list.badCount, list.more], [[2, 3, 5, 6, 9], 5, 0])
})

test('a list that is too long is cut, and says by how much', () => {
  const line = (i) => `${i.toString(16).padStart(64, '0')}  f${i}\n`
  const list = read(Array.from({ length: 50_003 }, (_, i) => line(i)).join(''))
  assert.deepEqual([list.entries.length, list.more, list.badCount], [50_000, 3, 0])
})

test('a line that no program writes keeps nobody waiting, and is not taken', () => {
  for (const bad of [`sha256${' '.repeat(1 << 20)}x`, `${digest}  ${'a'.repeat(1 << 20)}`, `${digest}${' '.repeat(1 << 20)}`]) {
    const { entries, bad: lines } = read(`${digest}  a.txt\n${bad}\n`)
    assert.deepEqual([entries.length, lines], [1, [2]])
  }
})

test('a list from PowerShell', () => {
  const text = `\ufeff${digest}  a.pdf\r\n`
  assert.deepEqual(read(decode(Buffer.from(text, 'utf16le'))).entries, [{ name: 'a.pdf', digests: { sha256: digest } }])
})

// Containers

const file = (bytes, name = 'c.zip') => new File([bytes], name)
const hash = async (member) => Buffer.from(await hashFile(opened(structuredClone({ container: member.container, place: member.place, name: member.name })))).toString('hex')

async function told(container) {
  const { kind, members } = await lookInto(container)
  return [kind, await Promise.all(members.map(async (m) => [m.path, m.why ?? (await hash(m.file).catch((e) => e.cause?.code ?? String(e)))]))]
}

const compressible = Buffer.from('the same again '.repeat(20_000))
const noise = randomBytes(300_000)

test('CRC-32', () => {
  assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926)
  for (const at of [1, 7, 8, 4097]) assert.equal(crc32(noise.subarray(at), crc32(noise.subarray(0, at))), crc32(noise))
})

test('members of a container are those that went in, wherever it comes from', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stele-zip-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const contents = { 'a.txt': compressible, 'sub/b.bin': Buffer.from(noise), 'sub/empty': Buffer.alloc(0), 'شهادة.txt': Buffer.from('x') }
  execFileSync('mkdir', [join(folder, 'sub')])
  for (const [name, bytes] of Object.entries(contents)) writeFileSync(join(folder, name), bytes)
  const want = ['zip', Object.entries(contents).map(([name, bytes]) => [name, sha256(bytes)]).toSorted()]
  const made = { deflated: ['-r'], stored: ['-r', '-0'], zip64: ['-r', '-fz'], streamed: ['-r', '-fd'] }
  for (const [how, flags] of Object.entries(made)) {
    const path = join(folder, `${how}.zip`)
    execFileSync('zip', ['-q', ...flags, path, ...Object.keys(contents).filter((n) => !n.includes('/')), 'sub'], { cwd: folder })
    const [kind, members] = await told(new File([await openAsBlob(path)], 'c.zip'))
    assert.deepEqual([kind, members.toSorted()], want, how)
  }
  const ours = zipOf(Object.entries(contents).map(([name, bytes], i) => ({ name, bytes, store: i % 2 === 0, zip64: i > 1, descriptor: i === 1 })), { zip64: true, comment: 'PK\x05\x06' })
  const [kind, members] = await told(file(ours))
  assert.deepEqual([kind, members.toSorted()], want)
})

test('the beginning of a member can be read without the rest', async () => {
  const { members } = await lookInto(file(zipOf([{ name: 'a', bytes: compressible }])))
  assert.equal(await members[0].file.slice(0, 8).text(), 'the same')
  assert.deepEqual(Buffer.from(await members[0].file.arrayBuffer()), compressible)
  assert.throws(() => members[0].file.slice(1, 8), /want 0/)
})

const entry = { name: 'a.txt', bytes: compressible }

test('members that cannot be read are told one by one', async () => {
  const cases = {
    encrypted: { ...entry, flags: 1 },
    'strongly encrypted': { ...entry, flags: 0x41 },
    'with its directory masked': { ...entry, flags: 0x2000 },
    'another method': { ...entry, method: 12 },
    'a bomb': { ...entry, claim: { size: 2 ** 31 } },
    'longer than it says': { ...entry, claim: { size: compressible.length - 1 } },
    'shorter than it says': { ...entry, claim: { size: compressible.length + 1 } },
    'another sum': { ...entry, claim: { crc: 1 } },
    'cut in the middle': { ...entry, claim: { packed: 40 } },
    'another name on the spot': { ...entry, local: { name: 'b.txt' } },
    'another method on the spot': { ...entry, local: { method: 0 } },
    'running into its neighbour': { ...entry, local: { extraSize: 60_000 } },
    'another sum on the spot': { ...entry, local: { crc: 1 } },
    'other sizes on the spot': { ...entry, store: true, local: { packed: 8, size: 8 } },
    'another size behind it and on the spot': { ...entry, descriptor: true, local: { size: 8 } },
    'encrypted on the spot': { ...entry, local: { flags: 1 } },
    'large on the spot, and no field for it': { ...entry, local: { packed: 0xffffffff, size: 0xffffffff } },
  }
  const want = ['encrypted', 'encrypted', 'encrypted', 'method', 'bomb', ...Array(12).fill('member')]
  for (const [i, [name, one]] of Object.entries(cases).entries()) {
    const got = await told(file(zipOf([one, { name: 'good', bytes: Buffer.from('good') }])))
    assert.deepEqual(got, ['zip', [['a.txt', want[i]], ['good', sha256('good')]]], name)
  }
})

test('a container of which Info-ZIP’s unzip makes another file than the one that is checked gives no file', async () => {
  const bytes = Buffer.from('the registered document')
  // It takes the sizes before the member, and makes “the” of it, without a word.
  const lie = zipOf([{ name: 'a.txt', bytes, store: true, local: { packed: 3, size: 3, crc: crc32(bytes.subarray(0, 3)) } }])
  assert.deepEqual(await told(file(lie)), ['zip', [['a.txt', 'member']]])
})

/** A container whose directory leaves out one of its members. */
function hiding(members, hidden) {
  const whole = zipOf(members)
  const [at, size] = [whole.readUInt32LE(whole.length - 6), whole.readUInt32LE(whole.length - 10)]
  let from = at
  const length = (entry) => 46 + whole.readUInt16LE(entry + 28) + whole.readUInt16LE(entry + 30) + whole.readUInt16LE(entry + 32)
  for (let i = 0; i < hidden; i++) from += length(from)
  const out = Buffer.concat([whole.subarray(0, from), whole.subarray(from + length(from))])
  for (const [field, value, bytes] of [[14, members.length - 1, 2], [12, members.length - 1, 2], [10, size - length(from), 4]]) out.writeUIntLE(value, out.length - field, bytes)
  return out
}

test('a member that only programs find which read from the beginning is not passed over in silence', async () => {
  const bytes = (text) => Buffer.from(text)
  const first = { name: 'a.txt', bytes: bytes('registered'), store: true }
  const forged = { name: 'a.txt', bytes: bytes('forged') }
  assert.deepEqual(await told(file(hiding([first, forged], 1))), ['zip', [['a.txt', 'member']]])
  const [, members] = await told(file(hiding([{ ...first, descriptor: true }, forged, { name: 'b', bytes: bytes('b') }], 1)))
  assert.deepEqual(members, [['a.txt', 'member'], ['b', sha256('b')]])
  await assert.rejects(lookInto(file(hiding([forged, first], 0))), { code: 'damaged' })
})

test('a container that lies is not looked into', async () => {
  const good = zipOf([entry, { name: 'b', bytes: Buffer.from('b') }])
  const cases = {
    'cut off': [good.subarray(0, -5), 'damaged'],
    'something behind it': [Buffer.concat([good, Buffer.from('x')]), 'damaged'],
    'something before it': [Buffer.concat([Buffer.from('x'), good]), 'damaged'],
    'two ends': [zipOf([entry], { comment: Buffer.concat([Buffer.from('504b0506', 'hex'), Buffer.alloc(18)]) }), 'damaged'],
    'fewer than it says': [zipOf([entry], { count: 2 }), 'damaged'],
    'more than it says': [zipOf([entry, entry], { count: 1 }), 'damaged'],
    'one over another': [zipOf([entry, { name: 'b', bytes: compressible, claim: { offset: 0 } }]), 'overlap'],
    'over its directory': [zipOf([{ ...entry, claim: { packed: 1 << 20 } }]), 'overlap'],
    'two of one name': [zipOf([entry, { name: 'a.txt', bytes: Buffer.from('b') }]), 'damaged'],
    'two of one name, written otherwise': [zipOf([{ ...entry, name: 'sub/a.txt' }, { name: './sub\\a.txt', bytes: Buffer.from('b') }]), 'damaged'],
    'a part of several': [zipOf([entry], { disk: 1 }), 'parts'],
    'too many': [zipOf([entry], { count: 100_000, zip64: true }), 'many'],
    'all of them a bomb': [zipOf(Array.from({ length: 40 }, (_, i) => ({ name: `f${i}`, bytes: Buffer.from('x'), zip64: true, claim: { size: 2 ** 30 - 1 } }))), 'bomb'],
    'two numbers for one thing': [zipOf([entry], { zip64: true, large: { count: 2 } }), 'damaged'],
    'no field for what is large': [zipOf([{ ...entry, claim: { size: 0xffffffff } }]), 'damaged'],
    'a size beyond all': [zipOf([{ ...entry, zip64: true, claim: { size: 2 ** 60 } }]), 'damaged'],
  }
  for (const [name, [bytes, code]] of Object.entries(cases)) {
    await assert.rejects(lookInto(file(bytes)), (error) => error.code === code || assert.fail(`${name}: ${error.code} ${error.stack}`))
  }
})

test('no container that was cut or altered anywhere is read as another', async () => {
  const good = zipOf([{ name: 'a', bytes: Buffer.from('alpha') }, { name: 'b', bytes: compressible.subarray(0, 600) }])
  const want = [['a', sha256('alpha')], ['b', sha256(compressible.subarray(0, 600))]]
  for (let at = 0; at < good.length; at++) {
    await assert.rejects(lookInto(file(good.subarray(0, at))))
    const altered = Buffer.from(good)
    altered[at] ^= 1 << at % 8
    const got = await told(file(altered)).catch(() => null)
    for (const [path, digest] of got?.[1] ?? []) assert.ok(digest.length < 64 || want.some(([, d]) => d === digest), `byte ${at}: ${path}`)
  }
})

test('a hundred thousand members are refused, however it counts them, and twenty thousand are read', async () => {
  const members = (n) => Array.from({ length: n }, (_, i) => ({ name: `f${i}`, bytes: Buffer.alloc(0), store: true }))
  await assert.rejects(lookInto(file(zipOf(members(100_000), { zip64: true }))), { code: 'many' })
  await assert.rejects(lookInto(file(zipOf(members(100_000), { count: 100_000 % 65_536 }))))
  assert.equal((await lookInto(file(zipOf(members(20_000))))).members.length, 20_000)
})

test('what is a container, and what only looks like one', async () => {
  const mimetype = (type) => ({ name: 'mimetype', bytes: Buffer.from(type), store: true })
  const meta = { name: 'META-INF/signatures0.xml', bytes: Buffer.from('<x/>') }
  const kinds = [
    [[entry, { name: 'd/', bytes: Buffer.alloc(0) }, { name: '__MACOSX/._a.txt', bytes: Buffer.from('x') }], 'c.zip', 'zip', ['a.txt']],
    [[mimetype('application/vnd.etsi.asic-e+zip'), meta, entry], 'c.bin', 'asic', ['a.txt']],
    [[mimetype('application/vnd.etsi.asic-s+zip\n'), entry], 'c', 'asic', ['a.txt']],
    [[meta, entry], 'contract.asice', 'asic', ['a.txt']],
    [[mimetype('application/vnd.oasis.opendocument.text'), entry], 'c.odt', 'document', []],
    [[mimetype('application/epub+zip'), entry], 'book.zip', 'document', []],
    [[{ name: '[Content_Types].xml', bytes: Buffer.from('x') }, entry], 'c.docx', 'document', []],
    [[{ name: 'META-INF/MANIFEST.MF', bytes: Buffer.from('x') }, entry], 'c.jar', 'document', []],
    [[{ name: 'x/inner.zip', bytes: Buffer.from('x') }], 'c.zip', 'zip', ['x/inner.zip']],
    [[], 'c.zip', 'zip', []],
  ]
  for (const [members, name, kind, paths] of kinds) {
    const got = await lookInto(file(zipOf(members), name))
    assert.deepEqual([got.kind, got.members.map((m) => m.path)], [kind, paths], name)
  }
  const { members } = await lookInto(file(zipOf([{ name: 'x/inner.zip', bytes: Buffer.from('x') }])))
  assert.deepEqual([members[0].name, members[0].nested], ['inner.zip', true])
})

// Codes

/** What a reader sees of a code, with its quiet zone, four dots a module. */
function photograph(rows) {
  const [scale, margin] = [4, 4]
  const size = (rows.length + 2 * margin) * scale
  const data = new Uint8ClampedArray(size * size * 4).fill(255)
  rows.forEach((row, y) => row.forEach((dark, x) => {
    if (!dark) return
    for (let i = 0; i < scale * scale; i++) {
      const at = ((y + margin) * scale + Math.floor(i / scale)) * size + (x + margin) * scale + (i % scale)
      data.fill(0, 4 * at, 4 * at + 3)
    }
  }))
  return { width: size, height: size, data }
}

test('codes are read by a reader that is not ours, in every version', () => {
  const address = `https://registry.example/portal/#sha256=${digest}`
  const texts = ['A', 'HTTPS://REGISTRY.EXAMPLE/A1$%*+-./: ', address, 'Реестр документов', '12345', '']
  for (let length = 10; length < 2300; length += 47) texts.push(address.repeat(40).slice(0, length), 'A1B2C3 $%*+-./:'.repeat(230).slice(0, length))
  const sizes = new Set()
  for (const text of texts.filter((t) => t !== '')) {
    const rows = encode(text)
    sizes.add(rows.length)
    assert.equal(decodeQR(photograph(rows)), text)
  }
  assert.ok(sizes.size >= 38, `${sizes.size} of 40 versions`)
  assert.throws(() => encode('x'.repeat(2332)), /no QR code/)
})

// Tables

test('a table is RFC 4180, and no cell of it is a formula', () => {
  const got = csv([['name', 'n'], ['a,b', 'say "so"'], ['=1+1', '+1'], ['-1', '@x'], ['\t=1', ' =1'], ['two\r\nlines', '']])
  assert.equal(got, '\ufeffname,n\r\n"a,b","say ""so"""\r\n\'=1+1,\'+1\r\n\'-1,\'@x\r\n\'\t=1,\' =1\r\n"two\r\nlines",\r\n')
})
