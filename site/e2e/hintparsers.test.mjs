// What the page reads out of files that are not registered, and how it bears files that were made to harm it:
// node --test site/e2e/hintparsers.test.mjs

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { deflateRawSync, deflateSync } from 'node:zlib'
import { bytesOf, latin1, Reader } from '../assets/bytes.mjs'
import { codes, conclude, inspect, lookUpAll } from '../assets/hints.mjs'
import { namedIn, readIssuers } from '../assets/names.mjs'
import { readPDF } from '../assets/pdf.mjs'

const blobOf = (text) => new Blob([bytesOf(text)])
const textIn = async (blob) => latin1(new Uint8Array(await blob.arrayBuffer()))
const codesOf = ({ findings }) => findings.map(({ code }) => code)
const wording = JSON.parse(await readFile(new URL('../text/en.json', import.meta.url), 'utf8'))

/** The forms of a file, as texts. */
async function formsOf(text, name) {
  const { forms } = await inspect(blobOf(text), { name })
  return Promise.all(forms.map(({ blob }) => textIn(blob)))
}

// PDFs, as programs write them

/** Objects by number, as text, and where they begin. */
function objects(list, from) {
  let text = ''
  const at = []
  for (const [number, body] of list) {
    at.push([number, from + text.length])
    text += `${number} 0 obj\n${body}\nendobj\n`
  }
  return { text, at }
}

const row = (at) => `${String(at).padStart(10, '0')} 00000 n \n`
const stream = (content, more = '') => `<< /Length ${content.length} ${more}>>\nstream\n${content}\nendstream`
const shown = (words) => stream(`BT /F1 12 Tf 72 700 Td (${words}) Tj ET`)
const page = (more = '') => `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> ${more}>>`
const info = (producer, created = 'D:20260101090000Z', modified = created) => `<< /Producer (${producer}) /CreationDate (${created}) /ModDate (${modified}) >>`

const basic = (words = 'Ministry of Education', about = info('Office of Example')) => [
  [1, '<< /Type /Catalog /Pages 2 0 R >>'],
  [2, '<< /Type /Pages /Kids [3 0 R] /Count 1 >>'],
  [3, page()],
  [4, shown(words)],
  [5, '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'],
  [6, about],
]

/** A PDF with a table; `end` is what follows its mark for the end. */
function pdf(list = basic(), { end = '\n', trailer = '', from = 0 } = {}) {
  const head = '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n'
  const { text, at } = objects(list, from + head.length)
  const start = from + head.length + text.length
  return `${head}${text}xref\n0 ${at.length + 1}\n0000000000 65535 f \n${at.map(([, place]) => row(place)).join('')}trailer\n<< /Size ${at.length + 1} /Root 1 0 R /Info 6 0 R ${trailer}>>\nstartxref\n${start}\n%%EOF${end}`
}

const lastStart = (text) => Number([...text.matchAll(/startxref\s+(\d+)/g)].at(-1)[1])

/** Adds to a PDF as programs do that leave it as it is. */
function update(before, list, { gap = '', end = '\n', trailer = '', prev = lastStart(before), from = 0 } = {}) {
  const { text, at } = objects(list, from + before.length + gap.length)
  const start = from + before.length + gap.length + text.length
  const table = at.map(([number, place]) => `${number} 1\n${row(place)}`).join('')
  return `${before}${gap}${text}xref\n${table}trailer\n<< /Size 20 /Root 1 0 R /Info 6 0 R /Prev ${prev} ${trailer}>>\nstartxref\n${start}\n%%EOF${end}`
}

const note = [[3, page('/Annots [8 0 R] ')], [8, '<< /Type /Annot /Subtype /Text /Contents (seen) >>']]

test('a PDF that was added to: what it was before is among its forms, however it ended', async () => {
  for (const end of ['', '\n', '\r', '\r\n', '\n\n']) {
    for (const gap of ['', '\n', '\r\n']) {
      const before = pdf(basic(), { end })
      const forms = await formsOf(update(before, note, { gap }))
      const about = `end ${JSON.stringify(end)}, gap ${JSON.stringify(gap)}`
      // More than two signs of a line's end can stand together: the first two may be the document's.
      if ((end + gap).length - end.length <= 2 && end.length <= 2) assert.ok(forms.includes(before), about)
      assert.ok(forms.length <= 3, about)
    }
  }
})

test('each earlier state of a PDF, the newest first', async () => {
  const states = [pdf()]
  for (let i = 0; i < 3; i++) states.push(update(states.at(-1), note))
  const seen = await inspect(blobOf(states.pop()), { name: 'a.pdf' })
  const forms = await Promise.all(seen.forms.map(({ blob }) => textIn(blob)))
  assert.deepEqual(forms.filter((f) => states.includes(f)), states.toReversed())
  assert.deepEqual(seen.findings.filter(({ code }) => code === 'pdf-updated').map(({ count, what }) => [count, what]), [[3, ['comment']]])
})

test('what was added is named as far as the file shows it', async () => {
  const cases = {
    comment: note,
    page: [[4, shown('another text')], [3, page()]],
    field: [[8, '<< /FT /Tx /V (Yes) >>']],
    signature: [[8, '<< /Type /Sig /Filter /Adobe.PPKLite >>']],
    details: [[6, info('Office', 'D:20260101090000Z', 'D:20260601090000Z')]],
  }
  for (const [what, list] of Object.entries(cases)) {
    const { forms } = await inspect(blobOf(update(pdf(), list)))
    assert.deepEqual(forms[0].what, [what])
  }
})

test('an update with a cross-reference stream and packed objects', async () => {
  const before = pdf()
  const inside = ['<< /Type /Annot /Subtype /Highlight >>', info('iLovePDF')]
  const heads = `8 0 6 ${inside[0].length + 1} `
  const packed = deflateSync(bytesOf(heads + inside.join(' ')))
  const at = before.length
  let text = `9 0 obj\n<< /Type /ObjStm /N 2 /First ${heads.length} /Filter /FlateDecode /Length ${packed.length} >>\nstream\n${latin1(packed)}\nendstream\nendobj\n`
  const start = at + text.length
  const rows = [[2, 9, 1], [2, 9, 0], [1, at, 0], [1, start, 0]] // 6, 8, 9, 10
  const plain = rows.map(([kind, second, third]) => [kind, second >> 16, (second >> 8) & 255, second & 255, third])
  // Packed by the difference from the row above, as most programs do.
  const table = deflateSync(Uint8Array.from(plain.flatMap((r, i) => [2, ...r.map((byte, k) => byte - (plain[i - 1]?.[k] ?? 0))])))
  text += `10 0 obj\n<< /Type /XRef /Size 11 /Index [6 1 8 3] /W [1 3 1] /Prev ${lastStart(before)} /Root 1 0 R /Info 6 0 R /Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 5 >> /Length ${table.length} >>\nstream\n${latin1(table)}\nendstream\nendobj\nstartxref\n${start}\n%%EOF\n`
  const seen = await inspect(blobOf(before + text))
  assert.ok((await Promise.all(seen.forms.map(({ blob }) => textIn(blob)))).includes(before))
  assert.deepEqual(seen.forms[0].what, ['comment'])
  assert.deepEqual(seen.findings.find(({ code }) => code === 'pdf-tool'), { code: 'pdf-tool', program: 'iLovePDF' })
})

/** A PDF that is arranged for the web: its first section is written before the others, and closed with a zero. */
function linearised() {
  const head = '%PDF-1.7\n'
  const [first, rest] = [basic().slice(0, 3), basic().slice(3)]
  const size = (at, prev) => `xref\n1 3\n${at.map(([, place]) => row(place)).join('')}trailer\n<< /Size 7 /Root 1 0 R /Info 6 0 R /Prev ${String(prev).padStart(8, '0')} >>\nstartxref\n0\n%%EOF\n`
  const mark = `7 0 obj\n<< /Linearized 1 /N 1 >>\nendobj\n`
  const begin = head.length + mark.length
  const one = objects(first, begin)
  const section = begin + one.text.length
  const two = objects(rest, section + size(one.at, 0).length)
  const main = section + size(one.at, 0).length + two.text.length
  return `${head}${mark}${one.text}${size(one.at, main)}${two.text}xref\n4 3\n${two.at.map(([, place]) => row(place)).join('')}trailer\n<< /Size 4 >>\nstartxref\n${section}\n%%EOF\n`
}

test('a PDF arranged for the web has one state, and one more when it was added to', async () => {
  const whole = linearised()
  const plain = await inspect(blobOf(whole))
  assert.deepEqual([plain.forms, codesOf(plain)], [[], ['pdf-rearranged', 'type-pdf']])
  assert.match(plain.text, /Ministry of Education/)
  assert.deepEqual((await formsOf(update(whole, note))).filter((form) => form === whole), [whole])
})

test('what a word processor writes in two steps was not added to', async () => {
  const first = pdf()
  const start = first.length
  const twice = `${first}xref\n0 0\ntrailer\n<< /Size 7 /Root 1 0 R /Info 6 0 R /Prev ${lastStart(first)} >>\nstartxref\n${start}\n%%EOF`
  assert.deepEqual(codesOf(await inspect(blobOf(twice))), ['type-pdf'])
})

test('a signed PDF that was added to', async () => {
  const list = [...basic(), [7, '<< /Fields [8 0 R] >>'], [8, '<< /FT /Sig /V 9 0 R >>'], [9, '<< /Type /Sig /ByteRange [0 100 200 @@@@@@] /Contents <00> >>']]
  list[0] = [1, '<< /Type /Catalog /Pages 2 0 R /AcroForm 7 0 R >>']
  const blank = pdf(list)
  const signed = blank.replace('@@@@@@', String(blank.length - 200).padEnd(6))
  assert.deepEqual(codesOf(await inspect(blobOf(signed))), ['type-pdf'])
  const seen = await inspect(blobOf(update(signed, [[12, note[1][1]]])))
  assert.deepEqual(codesOf(seen), ['pdf-signed-then', 'pdf-updated', 'type-pdf'])
  assert.equal(await textIn(seen.forms.find(({ blob }) => blob.size === signed.length).blob), signed)
})

test('what follows the end of a PDF', async () => {
  const before = pdf()
  const seen = await inspect(blobOf(`${before}<!-- scanned by a gateway -->`))
  assert.deepEqual(codesOf(seen), ['pdf-tail', 'type-pdf'])
  assert.equal(await textIn(seen.forms[0].blob), before)
  assert.deepEqual(seen.forms.map(({ code }) => code), ['tail', 'tail'])
  assert.deepEqual(codesOf(await inspect(blobOf(before.slice(0, -30)), { name: 'a.pdf' })), ['incomplete', 'type-pdf'])
})

test('what a PDF says of itself', async () => {
  const of = async (about, more) => codesOf(await inspect(blobOf(pdf(basic('words', about), more))))
  assert.deepEqual(await of(info('Microsoft: Print To PDF')), ['pdf-printed', 'type-pdf'])
  assert.deepEqual(await of(info('Canon iR-ADV Scanner')), ['pdf-scanner', 'type-pdf'])
  assert.deepEqual(await of(info('qpdf 11')), ['pdf-tool', 'type-pdf'])
  assert.deepEqual(await of(info('iText 5 \\(modified using iText 7\\)')), ['pdf-modified-using', 'type-pdf'])
  assert.deepEqual(await of(info('X', 'D:20260101090000Z', 'D:20260301090000+02\'00\'')), ['pdf-changed', 'type-pdf'])
  assert.deepEqual(await of(info('X', 'D:20260101090000Z', 'D:20260101090030Z')), ['type-pdf'])
  assert.deepEqual(await of(info('X', 'D:191010608072916', 'D:20010608073358')), ['type-pdf'])
  assert.deepEqual(await of(info('X'), { trailer: '/Encrypt 9 0 R ' }), ['pdf-protected', 'type-pdf'])
  // An issuer's own programs are no sign of anything.
  for (const own of ['Acrobat Distiller 9', 'Microsoft® Word 2019', 'LibreOffice 7.4', 'pdfTeX-1.40', 'Adobe PDF Library 15.0']) assert.deepEqual(await of(info(own)), ['type-pdf'], own)
})

test('a PDF of pictures only', async () => {
  const image = stream('x', '/Type /XObject /Subtype /Image /Width 1 /Height 1 ')
  const scan = (content) => pdf(basic().map(([n, body]) => [n, n === 3 ? page().replace('/Font', '/XObject << /Im 5 0 R >> /Font') : n === 4 ? stream(content) : n === 5 ? image : body]))
  assert.deepEqual(codesOf(await inspect(blobOf(scan('q /Im Do Q')))), ['pdf-scan', 'type-pdf'])
  // Recognition lays the words over the picture, so that they can be searched for.
  assert.deepEqual(codesOf(await inspect(blobOf(scan('q /Im Do Q BT 3 Tr (recognised) Tj ET')))), ['pdf-scan', 'type-pdf'])
  assert.deepEqual(codesOf(await inspect(blobOf(scan('/Im Do BT (a heading) Tj ET')))), ['type-pdf'])
})

test('words of a PDF whose font has codes of its own', async () => {
  const cmap = 'beginbfchar <0001> <041C> endbfchar 1 beginbfrange <0002> <0004> <0430> <0005> <0006> [<043D> <043E>] endbfrange'
  const list = basic().map(([n, body]) => [n, n === 4 ? stream('BT /F1 9 Tf [<00010002> -20 <00030004>] TJ 0 -12 Td <00050006> Tj ET') : n === 5 ? '<< /Subtype /Type0 /ToUnicode 7 0 R >>' : body])
  const { text } = await inspect(blobOf(pdf([...list, [7, stream(cmap)]])))
  assert.equal(text.trim(), 'Мабв но')
})

// PDFs that were made to harm

const hostilePDFs = {
  'a loop of sections': update(pdf(), note, { prev: pdf().length + objects(note, 0).text.length }),
  'two sections that lead to one another': (() => {
    const one = update(pdf(), note)
    return one.replace(`/Prev ${lastStart(pdf())}`, `/Prev ${String(lastStart(one)).padEnd(String(lastStart(pdf())).length)}`)
  })(),
  'a section beyond the file': update(pdf(), note, { prev: 9_999_999_999 }),
  'a section before the file': update(pdf(), note, { prev: -5 }),
  'a table of a billion entries': pdf().replace('xref\n0 7', 'xref\n0 1000000000'),
  'a stream as long as itself says, which is itself': pdf(basic().map(([n, body]) => [n, n === 4 ? '<< /Length 4 0 R >>\nstream\nx\nendstream' : body])),
  'pages within themselves': pdf(basic().map(([n, body]) => [n, n === 2 ? '<< /Type /Pages /Kids [2 0 R 2 0 R 2 0 R] >>' : body])),
  'a form within itself': pdf(basic().map(([n, body]) => [n, n === 3 ? page().replace('/Font', '/XObject << /X 4 0 R >> /Font') : n === 4 ? stream('/X Do /X Do', '/Subtype /Form ') : body])),
  'a thousand brackets': pdf(basic().map(([n, body]) => [n, n === 6 ? '['.repeat(5000) : body])),
  'strings without an end': pdf(basic().map(([n, body]) => [n, n === 4 ? stream('('.repeat(300_000)) : body])),
  'arrays without an end': pdf(basic().map(([n, body]) => [n, n === 4 ? stream('[ 1 '.repeat(100_000)) : body])),
  'a font table without an end': pdf([...basic().map(([n, body]) => [n, n === 5 ? '<< /Subtype /Type0 /ToUnicode 7 0 R >>' : body]), [7, stream('beginbfchar <01> '.repeat(50_000))]]),
  'a font range of everything': pdf([...basic().map(([n, body]) => [n, n === 5 ? '<< /Subtype /Type0 /ToUnicode 7 0 R >>' : body]), [7, stream('beginbfrange <00000000> <ffffffff> <0000> endbfrange '.repeat(500))]]),
  'inline pictures without an end': pdf(basic().map(([n, body]) => [n, n === 4 ? stream('BI '.repeat(100_000)) : body])),
  'a bomb': pdf(basic().map(([n, body]) => [n, n === 4 ? stream(latin1(deflateSync(Buffer.alloc(256 << 20))), '/Filter /FlateDecode ') : body])),
  'a bomb in a bomb': pdf(basic().map(([n, body]) => [n, n === 4 ? stream(latin1(deflateSync(deflateSync(Buffer.alloc(64 << 20)))), '/Filter [/FlateDecode /FlateDecode] ') : body])),
  'digits only': `%PDF-1.7\n${'1'.repeat(3 << 20)} 0 obj`,
  'ends only': `%PDF-1.7\n${'startxref\n9\n%%EOF\n'.repeat(20_000)}`,
  'objects without an end': `${pdf()}${'1 0 obj << '.repeat(100_000)}startxref\n${lastStart(pdf())}\n%%EOF\n`,
  'fields without an end': `${'A: b\r\n'.repeat(100_000)}`,
}

for (const [about, text] of Object.entries(hostilePDFs)) {
  test(`a hostile file: ${about}`, async () => {
    const seen = await inspect(blobOf(text), { name: 'a.pdf' })
    sound(seen)
    assert.ok(seen.text.length < 4 << 20)
  })
}

/** A file that is nothing but for its head and its end, and counts what is read of it. */
function sparse(size, end) {
  const file = { size, read: 0 }
  file.slice = (from, to) => ({
    arrayBuffer: async () => {
      file.read += to - from
      const bytes = new Uint8Array(to - from)
      for (const [at, text] of [[0, '%PDF-1.7\n'], [size - end.length, end]]) {
        const begin = Math.max(from, at)
        const part = text.slice(begin - at, Math.max(0, to - at))
        if (begin < to) bytes.set(bytesOf(part), begin - from)
      }
      return bytes.buffer
    },
  })
  return file
}

test('of a file of two gigabytes little is read, and its earlier state is found', async () => {
  const from = 2 ** 31
  const before = pdf(basic(), { from })
  const whole = update(before, note, { from })
  const file = sparse(from + whole.length, whole)
  const facts = await readPDF(new Reader(file))
  assert.deepEqual(facts.revisions.map(({ ends }) => ends), [[from + before.length, from + before.length - 1]])
  assert.equal(facts.info.producer, 'Office of Example')
  assert.ok(file.read < 2 << 20, `${file.read} bytes were read`)
  // Where its sections lead nowhere, it is searched, and not to its end.
  const lost = sparse(from + whole.length, whole.replace(/\/Prev \d+/, '/Prev 5'))
  assert.deepEqual((await readPDF(new Reader(lost))).revisions, [])
  assert.ok(lost.read < 48 << 20, `${lost.read} bytes were read`)
})

test('what takes too long, or is no longer wanted, ends', async () => {
  const controller = new AbortController()
  controller.abort()
  await assert.rejects(inspect(blobOf(pdf()), { signal: controller.signal }), { name: 'AbortError' })
})

// Texts

test('the other forms of a text', async () => {
  const changed = {
    crlf: [(s) => s.replaceAll('\n', '\r\n')],
    mark: [(s) => `\xef\xbb\xbf${s}`],
    unended: [(s) => s.slice(0, -1)],
    ended: [(s) => `${s}\n`],
    'mark and line ends': [(s) => `\xef\xbb\xbf${s.replaceAll('\n', '\r\n')}`],
    blanks: [(s) => s.replaceAll('\n', '  \n')],
    utf16: [(s) => `\xff\xfe${[...s].map((c) => `${c}\0`).join('')}`],
    'utf16 as Windows saves it': [(s) => `\xff\xfe${[...s.replaceAll('\n', '\r\n')].map((c) => `${c}\0`).join('')}`],
  }
  const text = 'A notice\n\nof the ministry\nof transport\n'
  for (const [about, [change]] of Object.entries(changed)) {
    const forms = await formsOf(change(text), 'a.txt')
    assert.ok(forms.includes(text), about)
    assert.ok(forms.length <= 8, about)
  }
  assert.ok((await formsOf(text)).includes(text.replaceAll('\n', '\r\n')))
  assert.deepEqual(await formsOf(''), [])
})

// Wrappings

const b64 = (text) => Buffer.from(text, 'latin1').toString('base64').replace(/.{76}/g, '$&\r\n')
const document = 'A notice\nof the ministry\n'
const part = (fields, body) => `--b\r\n${fields}\r\n\r\n${body}\r\n`
const mail = (parts, type = 'multipart/mixed; boundary=b') => `From: a@b.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: ${type}\r\n\r\n${parts.join('')}--b--\r\n`
const attached = (name, text) => part(`Content-Type: application/octet-stream; name=${name}\r\nContent-Disposition: attachment; filename=${name}\r\nContent-Transfer-Encoding: base64`, b64(text))

/** DER; or with lengths that are not stated, as programs write that do not know them. */
const der = (tag, ...content) => {
  const body = content.join('')
  const n = body.length
  const length = n < 128 ? String.fromCharCode(n) : n < 65536 ? `\x82${String.fromCharCode(n >> 8, n & 255)}` : `\x83${String.fromCharCode(n >> 16, (n >> 8) & 255, n & 255)}`
  return String.fromCharCode(tag) + length + body
}
const ber = (tag, ...content) => `${String.fromCharCode(tag)}\x80${content.join('')}\0\0`
const dataOID = '\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01'
const signedOID = '\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02'
const signed = (text) => der(0x30, der(6, signedOID), der(0xa0, der(0x30, der(2, '\x01'), der(0x31), der(0x30, der(6, dataOID), der(0xa0, der(4, text))), der(0x31))))
const streamed = (text) => ber(0x30, der(6, signedOID), ber(0xa0, ber(0x30, der(2, '\x01'), der(0x31), ber(0x30, der(6, dataOID), ber(0xa0, ber(0x24, der(4, text.slice(0, 7)), der(4, text.slice(7))))), der(0x31))))

const little = (n, size) => String.fromCharCode(...Array.from({ length: size }, (_, i) => Math.floor(n / 256 ** i) % 256))
const attribute = (id, data) => `\x02${little(id, 4)}${little(data.length, 4)}${data}\0\0`
const tnef = (name, text) => `\x78\x9f\x3e\x22\x01\0${attribute(0x00018010, `${name}\0`)}${attribute(0x0006800f, text)}`

const uu = (text) => `begin 644 notice.txt\n${text.match(/[^]{1,45}/g).map((line) => String.fromCharCode(32 + line.length) + (line.padEnd(Math.ceil(line.length / 3) * 3, '\0').match(/[^]{3}/g).map((three) => {
  const n = (three.charCodeAt(0) << 16) | (three.charCodeAt(1) << 8) | three.charCodeAt(2)
  return [18, 12, 6, 0].map((shift) => String.fromCharCode(32 + ((n >> shift) & 63) || 96)).join('')
}).join(''))).join('\n')}\n\`\nend\n`

test('a document that is wrapped', async () => {
  const long = document.repeat(6)
  const wrapped = {
    'an attachment': [mail([part('Content-Type: text/plain', 'Hello'), attached('notice.txt', document)]), document, 'mail', 'notice.txt'],
    'a message within a message': [mail([part('Content-Type: message/rfc822', mail([attached('notice.txt', document)]).replaceAll('--b', '--c').replace('boundary=b', 'boundary=c'))]), document, 'mail', 'notice.txt'],
    'an encoded name': [mail([part("Content-Disposition: attachment; filename*0*=utf-8''%D0%B0; filename*1=.txt\r\nContent-Transfer-Encoding: base64", b64(document))]), document, 'mail', 'а.txt'],
    'quoted letters': [mail([part('Content-Disposition: attachment; filename="a b.txt"\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable', 'A notice=0Aof the =\r\nministry=0A')]), document, 'mail', 'a b.txt'],
    'a text as mail sends it': [mail([part('Content-Disposition: attachment; filename=n.txt\r\nContent-Type: text/plain', document.replaceAll('\n', '\r\n'))]), document, 'mail', 'n.txt'],
    'a signed envelope': [signed(long), long, 'signed', ''],
    'one of unstated length': [streamed(long), long, 'signed', ''],
    'one in letters': [`-----BEGIN PKCS7-----\n${b64(signed(long))}\n-----END PKCS7-----\n`, long, 'signed', ''],
    'one within a message': [mail([attached('notice.txt.p7m', signed(long))]), long, 'mail', 'notice.txt'],
    winmail: [tnef('notice.txt', document), document, 'winmail', 'notice.txt'],
    'winmail in a message': [mail([attached('winmail.dat', tnef('notice.txt', document))]), document, 'mail', 'notice.txt'],
    'letters of base64': [b64(long), long, 'coded', ''],
    'letters of uuencode': [uu(long), long, 'coded', 'notice.txt'],
    'quoted letters alone': ['A =C3=A9t=C3=A9=\r\n in a =\r\nfile\r\n', 'A \xc3\xa9t\xc3\xa9 in a file\r\n', 'coded', ''],
  }
  for (const [about, [text, inside, code, name]] of Object.entries(wrapped)) {
    const seen = await inspect(blobOf(text), { name: 'a' })
    assert.equal(seen.findings[0].code, code, about)
    const forms = await Promise.all(seen.forms.map(async (form) => [await textIn(form.blob), form.name]))
    assert.ok(forms.some(([content, called]) => content === inside && called === name), `${about}: ${JSON.stringify(forms)}`)
  }
})

test('what cannot be opened is named, and nothing is looked up', async () => {
  const enveloped = der(0x30, der(6, '\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03'), der(0xa0, der(0x30)))
  const outlook = `\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1${'\0'.repeat(512)}${[...'__substg1.0_37'].map((c) => `${c}\0`).join('')}`
  assert.deepEqual(await inspect(blobOf(enveloped)), { findings: [{ code: 'sealed' }], forms: [], inner: [], text: '' })
  assert.deepEqual(await inspect(blobOf(outlook)), { findings: [{ code: 'mail-outlook' }], forms: [], inner: [], text: '' })
})

test('a text that only looks like mail, or like letters of base64, is a text', async () => {
  for (const text of ['Note: this\nis no mail\n', 'Kind: notice\nPlace: Northhaven\n\nText\n', 'abcd\n', `${'word '.repeat(50)}\n`]) assert.deepEqual(codesOf(await inspect(blobOf(text))), ['type-text'], text)
})

// Pictures

const be = (n, size) => [...little(n, size)].reverse().join('')

/** Exif with a maker, a model and a time, in either order of bytes. */
function exif(small, texts = { 0x010f: 'Example', 0x0110: 'Pocket 5', 0x0132: '2026:10:05 10:15:12' }) {
  const n = small ? little : be
  const tags = Object.entries(texts)
  let at = 8 + 2 + 12 * tags.length + 4
  let data = ''
  const rows = tags.map(([tag, text]) => {
    const entry = n(Number(tag), 2) + n(2, 2) + n(text.length + 1, 4) + n(at + data.length, 4)
    data += `${text}\0`
    return entry
  })
  return `${small ? 'II*\0' : 'MM\0*'}${n(8, 4)}${n(tags.length, 2)}${rows.join('')}${n(0, 4)}${data}`
}

const segment = (kind, body) => `\xff${kind}${be(body.length + 2, 2)}${body}`
const jpeg = (...segments) => `\xff\xd8${segments.join('')}\xff\xda\0\x02pixels\xff\xd9`
const chunk = (type, body) => `${be(body.length, 4)}${type}${body}\0\0\0\0`
const png = (...chunks) => `\x89PNG\r\n\x1a\n${chunks.join('')}${chunk('IEND', '')}`

test('what a picture says of itself', async () => {
  const of = async (text, name) => codesOf(await inspect(blobOf(text), { name }))
  for (const small of [true, false]) {
    const seen = await inspect(blobOf(jpeg(segment('\xe1', `Exif\0\0${exif(small)}`))))
    assert.deepEqual(seen.findings[0], { code: 'picture-camera', camera: 'Example Pocket 5' })
  }
  const taken = exif(true, { 0x0110: 'Pocket 5', 0x9003: '2026:10:05 10:15:12' })
  assert.deepEqual((await inspect(blobOf(jpeg(segment('\xe1', `Exif\0\0${taken}`))))).findings[0], { code: 'picture-camera-day', camera: 'Pocket 5', day: '2026-10-05' })
  assert.deepEqual(await of(jpeg()), ['type-picture'])
  assert.deepEqual(await of(jpeg().slice(0, -2)), ['incomplete', 'type-picture'])
  assert.deepEqual(await of(png(chunk('tEXt', 'Software\0gnome-screenshot'))), ['picture-screen', 'type-picture'])
  assert.deepEqual(await of(png(chunk('tEXt', 'Software\0Adobe Photoshop'))), ['picture-program', 'type-picture'])
  assert.deepEqual(await of(png(chunk('eXIf', exif(false)))), ['picture-camera', 'type-picture'])
  assert.deepEqual(await of(exif(true, { 0x0131: 'Epson Scan 2' })), ['picture-scanner', 'type-picture'])
  assert.deepEqual(await of('\0\0\0\x18ftypheic\0\0\0\0'), ['picture-phone', 'type-picture'])
  assert.deepEqual(await of(jpeg(), 'diploma.pdf'), ['named-jpeg', 'type-picture'])
  assert.deepEqual(await of('<!doctype html><title>Sign in</title>', 'diploma.pdf'), ['named-page', 'type-text'])
})

// Office documents

function zip(parts) {
  let text = ''
  let list = ''
  for (const [name, content] of Object.entries(parts)) {
    const packed = latin1(deflateRawSync(bytesOf(content)))
    const about = `\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0${little(packed.length, 4)}${little(content.length, 4)}${little(name.length, 2)}\0\0`
    list += `PK\x01\x02\x14\0${about}${'\0'.repeat(10)}${little(text.length, 4)}${name}`
    text += `PK\x03\x04${about}${name}${packed}`
  }
  return `${text}${list}PK\x05\x06\0\0\0\0${little(Object.keys(parts).length, 2).repeat(2)}${little(list.length, 4)}${little(text.length, 4)}\0\0`
}

const core = (by, modified) => `<cp:coreProperties><dc:creator>Ministry</dc:creator><cp:lastModifiedBy>${by}</cp:lastModifiedBy><dcterms:created xsi:type="x">2026-01-01T09:00:00Z</dcterms:created><dcterms:modified xsi:type="x">${modified}</dcterms:modified></cp:coreProperties>`
const docx = (by, modified) => zip({ '[Content_Types].xml': '<Types/>', 'docProps/core.xml': core(by, modified), 'word/document.xml': '<w:p><w:r><w:t>Ministry of </w:t></w:r><w:r><w:t>Edu</w:t></w:r><w:r><w:t>cation</w:t></w:r></w:p>' })

test('what an office document says of itself', async () => {
  const changed = await inspect(blobOf(docx('Reception &amp; Post', '2026-03-01T09:00:00Z')), { name: 'a.docx' })
  assert.deepEqual(changed.findings, [
    { code: 'office-by', person: 'Reception & Post' },
    { code: 'office-changed', created: '2026-01-01T09:00:00Z', modified: '2026-03-01T09:00:00Z' },
    { code: 'type-office' },
  ])
  assert.equal(changed.text.trim(), 'Ministry of Education')
  assert.deepEqual(codesOf(await inspect(blobOf(docx('Ministry', '2026-01-01T09:00:00Z')))), ['type-office'])
  assert.deepEqual(codesOf(await inspect(blobOf(docx('Ministry', '2026-01-01T09:00:00Z').slice(0, -40)))), ['incomplete'])
  const odt = zip({ mimetype: 'application/vnd.oasis.opendocument.text', 'content.xml': '<text:p>Land office</text:p>', 'meta.xml': '<meta:creation-date>2026-01-01T09:00:00</meta:creation-date><dc:date>2026-02-01T09:00:00</dc:date>' })
  assert.deepEqual(codesOf(await inspect(blobOf(odt))), ['office-changed', 'type-office'])
})

// Names

test('names of issuers in a text', () => {
  const issuers = ['Ministry of Education', 'Ministry of Education and Science', 'وزارة التعليم', '教育部', 'Court', 'Land Registry Office'].map((title) => ({ name: title, title, withdrawn: false }))
  const titles = (text) => namedIn(text, issuers).map(({ title }) => title)
  assert.deepEqual(titles('MINISTRY  OF\nEDUCATION\nhereby'), ['Ministry of Education'])
  assert.deepEqual(titles('the Ministry of Education and Science'), ['Ministry of Education and Science'])
  assert.deepEqual(titles('م وزارة التعليم'), ['وزارة التعليم'])
  assert.deepEqual(titles('中华人民共和国教育部'), ['教育部'])
  assert.deepEqual(titles('a court, an office and a ministry'), [])
  assert.deepEqual(titles(''), [])
})

test('a list of issuers that cannot be read names nobody', () => {
  const bytes = (value) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
  for (const bad of [null, bytes(''), bytes('{'), bytes('null'), bytes({}), bytes({ issuers: 3 }), bytes({ issuers: [null] }), bytes({ issuers: [{ name: 1, title: 'x' }] })]) assert.deepEqual(readIssuers(bad), [])
  assert.deepEqual(readIssuers(bytes({ issuers: [{ name: 'a', title: 'A', withdrawn: true, kinds: [] }] })), [{ name: 'a', title: 'A', withdrawn: true }])
})

// What is told

test('only what the verifier has found is told as registered', () => {
  const forms = [{ code: 'revision', blob: { size: 9 } }, { code: 'revision', blob: { size: 8 } }]
  const seen = { findings: [{ code: 'pdf-updated', count: 1 }, { code: 'pdf-tool' }, { code: 'type-pdf' }] }
  const told = (verdicts) => conclude(seen, forms.map((form, i) => ({ ...form, report: verdicts[i] && { verdict: verdicts[i] } })), [{ code: 'issuer' }])
  const toldCodes = (verdicts) => told(verdicts).map(({ code, report }) => report?.verdict ?? code)
  for (const verdict of ['authentic', 'recorded', 'revoked', 'unaccredited', 'superseded', 'suspended', 'expired']) assert.deepEqual(toldCodes(['not-registered', verdict]), [verdict])
  assert.deepEqual(toldCodes(['not-registered', 'not-registered']), ['pdf-updated', 'pdf-tool', 'issuer'])
  for (const verdict of ['unavailable', 'stale', 'inconsistent', 'malformed', 'mismatch', null]) assert.deepEqual(toldCodes(['not-registered', verdict]), ['unknown', 'pdf-updated', 'pdf-tool', 'issuer'])
  assert.deepEqual(conclude({ findings: [{ code: 'type-pdf' }] }, [], []).map(({ code }) => code), ['type-pdf', 'elsewhere'])
})

test('forms are looked up one after the other, until the registered one is found', async () => {
  const asked = []
  const lookUp = (registered) => async (blob) => {
    asked.push(blob.size)
    return { verdict: registered.includes(blob.size) ? 'revoked' : 'not-registered' }
  }
  const forms = [[1, 1], [2, 1], [3, 1], [4, 2], [5, 2]].map(([size, part]) => ({ code: 'x', part, blob: { size } }))
  const of = async (list, registered, source = 'registry') => {
    asked.length = 0
    const answers = await lookUpAll(list, { report: { source }, lookUp: lookUp(registered) })
    return [[...asked], answers.filter(({ report }) => report.verdict === 'revoked').map(({ blob }) => blob.size)]
  }
  assert.deepEqual(await of(forms, []), [[1, 2, 3, 4, 5], []])
  assert.deepEqual(await of(forms, [2, 4]), [[1, 2, 4], [2, 4]])
  assert.deepEqual(await of(forms, [1], 'receipt'), [[], []])
  const many = Array.from({ length: 100 }, (_, i) => ({ code: 'x', blob: { size: i + 1 } }))
  assert.equal((await of(many, []))[0].length, 24)
  assert.deepEqual(await of([{ code: 'x', blob: { size: 2 ** 31 } }, ...forms], []), [[1, 2, 3, 4, 5], []])
  const controller = new AbortController()
  const stopping = lookUpAll(forms, { report: { source: 'registry' }, signal: controller.signal, lookUp: async () => controller.abort() })
  await assert.rejects(stopping, { name: 'AbortError' })
})

test('every finding has its words, and there are no others', () => {
  const has = new Set(Object.keys(wording.hints))
  const wanted = codes.flatMap((code) => [...(['pdf-updated', 'tail', 'pdf-tail'].includes(code) ? [] : [code]), `${code}.means`, `${code}.ask`])
  assert.deepEqual(wanted.filter((key) => !has.has(key)), [])
  const others = [...has].filter((key) => !wanted.includes(key) && !/^(?:title|titleFound|looking|asks|asksFound|verdict|check|checkInner|save|nameless|added|added\.\w+|change\.\w+|[\w-]+\.label)$/.test(key))
  assert.deepEqual(others, [])
})

// Chance

/** What must hold of whatever is read. */
function sound({ findings, forms, inner, text }) {
  for (const { code } of findings) assert.ok(codes.includes(code), code)
  for (const { code, blob } of forms) assert.ok(['revision', 'tail', 'text', 'inside-mail', 'inside-signed', 'inside-coded'].includes(code) && blob instanceof Blob)
  assert.ok(Array.isArray(inner) && typeof text === 'string')
  const told = conclude({ findings }, forms.map((form) => ({ ...form, report: { verdict: 'not-registered' } })), [])
  assert.deepEqual(told.filter(({ report }) => report), [])
}

/** A generator of numbers below n, the same in every run. */
function random(seed) {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

/** A file with something wrong in it: bytes changed, taken out, doubled, or numbers made large. */
function mutated(text, below) {
  const [at, length] = [below(text.length), 1 + below(24)]
  const how = below(5)
  if (how === 0) return text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + 1)
  if (how === 1) return text.slice(0, at) + text.slice(at + length)
  if (how === 2) return text.slice(0, at) + text.slice(at, at + length).repeat(2 + below(20)) + text.slice(at + length)
  if (how === 3) return text.slice(0, at) + text.slice(below(text.length)).slice(0, length) + text.slice(at)
  return text.slice(0, at) + text.slice(at).replace(/\d+/, () => ['0', '-1', '4294967296', '99999999999'][below(4)])
}

test('files with something wrong in them: nothing breaks, and nothing is claimed', async (t) => {
  const seeds = [pdf(), update(update(pdf(), note), note, { end: '' }), linearised(), mail([attached('n.txt', document), part('Content-Type: text/plain', 'x')]), signed(document), streamed(document), tnef('n', document), uu(document), jpeg(segment('\xe1', `Exif\0\0${exif(true)}`)), png(chunk('tEXt', 'Software\0x'), chunk('eXIf', exif(false))), docx('x', '2026-03-01T09:00:00Z'), b64(document.repeat(9))]
  const below = random(20261123)
  for (let i = 0; i < 2000; i++) {
    let text = seeds[i % seeds.length]
    for (let n = 1 + below(4); n > 0 && text.length > 0; n--) text = mutated(text, below)
    try {
      sound(await inspect(blobOf(text), { name: 'a.pdf' }))
    } catch (error) {
      t.diagnostic(`case ${i}: ${JSON.stringify(text.slice(0, 2000))}`)
      throw error
    }
  }
})

test('a message of blanks alone keeps nobody waiting', async () => {
  const head = 'From: a@example.org\r\nTo: b@example.org\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
  assert.deepEqual(await formsOf(`${head}a ${' '.repeat(1 << 20)}x \t\r\ny`, 'a.eml'), [`a ${' '.repeat(1 << 20)}x\r\ny`])
})
