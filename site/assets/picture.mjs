// What a picture says of how it came to be: taken by a camera, made by a scanner, saved by a program. Only what stands
// in the file; most messengers take all of it away.

import { bytesOf } from './bytes.mjs'

const exifLimit = 256 << 10 // bytes

/**
 * @param {string} head the file's first bytes, as characters
 * @returns {string} jpeg, png, heic, webp, tiff, gif, bmp; '' for what is no picture
 */
export function pictureKind(head) {
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg'
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (/^....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1|avi[fs])/s.test(head)) return 'heic'
  if (/^RIFF....WEBP/s.test(head)) return 'webp'
  if (head.startsWith('II*\0') || head.startsWith('MM\0*')) return 'tiff'
  if (/^GIF8[79]a/.test(head)) return 'gif'
  return /^BM.{4}\0\0\0\0/s.test(head) ? 'bmp' : ''
}

/**
 * @param {Reader} reader
 * @param {string} kind as pictureKind has it
 * @returns {Promise<object>} complete, and as far as the file says: make, model, taken, software, comment
 */
export async function readPicture(reader, kind) {
  const facts = { kind, complete: true }
  if (kind === 'jpeg') await readJPEG(reader, facts)
  if (kind === 'png') await readPNG(reader, facts)
  if (kind === 'webp') await readWebP(reader, facts)
  if (kind === 'heic') await findExif(reader, facts)
  if (kind === 'tiff') readExif(await reader.text(0, exifLimit), facts)
  return facts
}

async function readJPEG(reader, facts) {
  let at = 2
  for (let count = 0; count < 256; count++) {
    const head = await reader.bytes(at, at + 4)
    if (head.length < 4 || head[0] !== 0xff) break
    const length = head[2] * 256 + head[3]
    if (head[1] === 0xda || length < 2) break // the picture itself begins
    if (head[1] === 0xe1) {
      const segment = await reader.text(at + 4, at + 2 + length)
      if (segment.startsWith('Exif\0\0')) readExif(segment.slice(6), facts)
      else if (segment.startsWith('http://ns.adobe.com/xap/')) readXMP(segment, facts)
    }
    if (head[1] === 0xfe) facts.comment ??= printable(await reader.text(at + 4, at + 2 + length))
    at += 2 + length
  }
  // Cameras write more after the picture's end; one that is cut off has no end at all.
  facts.complete = (await reader.text(Math.max(0, reader.size - (1 << 20)), reader.size)).includes('\xff\xd9')
}

async function readPNG(reader, facts) {
  facts.complete = (await reader.text(reader.size - 64, reader.size)).includes('IEND')
  for (let at = 8, count = 0; count < 256; count++) {
    const head = await reader.text(at, at + 8)
    if (head.length < 8) break
    const length = number(head, 0, 4, false)
    const type = head.slice(4)
    if (type === 'eXIf') readExif(await reader.text(at + 8, at + 8 + Math.min(length, exifLimit)), facts)
    if (type === 'tEXt' || type === 'iTXt') readPNGText(await reader.text(at + 8, at + 8 + Math.min(length, 4096)), facts)
    if (type === 'IEND') break
    at += 12 + length
  }
}

function readPNGText(text, facts) {
  const [key] = text.split('\0', 1)
  const said = printable(text.slice(text.lastIndexOf('\0') + 1))
  if (key === 'Software') facts.software ??= said
  if (key === 'Comment' || key === 'Description' || key === 'Title') facts.comment ??= said
  if (key === 'XML:com.adobe.xmp') readXMP(text, facts)
}

async function readWebP(reader, facts) {
  facts.complete = number(await reader.text(4, 8), 0, 4, true) + 8 <= reader.size
  for (let at = 12, count = 0; count < 64; count++) {
    const head = await reader.text(at, at + 8)
    if (head.length < 8) break
    const length = number(head, 4, 4, true)
    if (head.startsWith('EXIF')) readExif((await reader.text(at + 8, at + 8 + Math.min(length, exifLimit))).replace(/^Exif\0\0/, ''), facts)
    at += 8 + length + (length % 2)
  }
}

/** Where the boxes of a HEIC file put it is not followed: its own mark is looked for. */
async function findExif(reader, facts) {
  for (const [from, to] of [[0, 512 << 10], [Math.max(0, reader.size - (512 << 10)), reader.size]]) {
    const text = await reader.text(from, to)
    const at = text.search(/Exif\0\0(?:II\*\0|MM\0\*)/)
    if (at >= 0) return readExif(text.slice(at + 6, at + 6 + exifLimit), facts)
  }
}

const tags = { 0x010f: 'make', 0x0110: 'model', 0x0131: 'software', 0x0132: 'changed', 0x9003: 'taken', 0x9286: 'comment' }

/** Fields of Exif (CIPA DC-008), or of a TIFF file. */
function readExif(text, facts) {
  const small = text.startsWith('II')
  if (!small && !text.startsWith('MM')) return
  const seen = new Set()
  const queue = [number(text, 4, 4, small)]
  while (queue.length > 0 && seen.size < 8) {
    const at = queue.shift()
    if (seen.has(at) || !(at >= 8)) continue
    seen.add(at)
    const count = Math.min(number(text, at, 2, small) || 0, 512)
    for (let i = 0; i < count; i++) {
      const entry = at + 2 + 12 * i
      const tag = number(text, entry, 2, small)
      if (tag === 0x8769) queue.push(number(text, entry + 8, 4, small))
      if (tags[tag] && !facts[tags[tag]]) facts[tags[tag]] = field(text, entry, small)
    }
  }
}

function field(text, entry, small) {
  const type = number(text, entry + 2, 2, small)
  const length = Math.min(number(text, entry + 4, 4, small) || 0, 256)
  if (type !== 2 && type !== 7) return ''
  const from = length <= 4 ? entry + 8 : number(text, entry + 8, 4, small)
  return printable(text.slice(from, from + length).replace(/^(?:ASCII|UNICODE)\0{1,3}/, ''))
}

function readXMP(text, facts) {
  facts.software ??= printable(text.match(/CreatorTool(?:="|>)([^"<]{1,120})/)?.[1] ?? '') || undefined
}

function number(text, at, length, small) {
  let sum = 0
  for (let i = 0; i < length; i++) sum = sum * 256 + text.charCodeAt(small ? at + length - 1 - i : at + i)
  return sum
}

/** Words for people; nothing where there are none. */
function printable(text) {
  return new TextDecoder().decode(bytesOf(text)).replace(/[\0-\x1f\x7f]+/g, ' ').replaceAll('\ufffd', '').trim().slice(0, 120)
}

/** A time of a camera, which says no zone: its day. */
export function dayTaken(taken) {
  const found = taken?.match(/^(\d{4}):(\d{2}):(\d{2}) /)
  return found && found[1] > '1900' ? `${found[1]}-${found[2]}-${found[3]}` : null
}

