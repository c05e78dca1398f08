// The words that a page of a PDF shows (ISO 32000-1, section 9), as far as its fonts tell what their codes stand for.

import { bytesOf } from './bytes.mjs'
import { parse, skip } from './pdfsyntax.mjs'

const operatorLimit = 200_000
const mapLimit = 70_000 // codes in one font

/**
 * @param {string} content
 * @param {Object<string, {wide: boolean, map: Map|null}>} fonts by their names in the page
 * @returns {{text: string, words: number, drawn: string[], inline: number}} words counts what a reader can see: the words
 *   that recognition lays over a scan are invisible
 */
export function showText(content, fonts) {
  const seen = { text: '', words: 0, drawn: [], inline: 0 }
  const state = { font: null, hidden: false, stack: [] }
  let operands = []
  let at = 0
  for (let count = 0; count < operatorLimit; count++) {
    at = skip(content, at)
    if (/[)>\]}{]/.test(content[at] ?? '')) {
      at++ // a stray sign
      continue
    }
    let item
    try {
      item = parse(content, at)
    } catch {
      break // its end, or what nobody can read
    }
    at = item.at
    const operator = item.value?.operator
    if (operator === undefined) {
      if (operands.push(item.value) > 64) operands.shift()
      continue
    }
    if (operator === 'BI') {
      seen.inline++
      const end = content.slice(at).search(/\sEI(?=\s)/)
      if (end < 0) break
      at += end + 3
    } else operate(operator, operands, state, seen, fonts)
    operands = []
  }
  return seen
}

function operate(operator, operands, state, seen, fonts) {
  const last = operands.at(-1)
  switch (operator) {
    case 'Tf':
      state.font = fonts[operands.at(-2)?.name] ?? null
      break
    case 'Tr':
      state.hidden = last === 3
      break
    case 'q':
      if (state.stack.length < 64) state.stack.push([state.font, state.hidden])
      break
    case 'Q':
      ;[state.font, state.hidden] = state.stack.pop() ?? [state.font, state.hidden]
      break
    case 'Do':
      if (last?.name) seen.drawn.push(last.name)
      break
    case 'Td':
    case 'TD':
    case 'T*':
    case 'Tm':
    case 'BT':
      seen.text += ' '
      break
    case 'Tj':
    case "'":
    case '"':
    case 'TJ':
      show([last].flat(), state, seen)
  }
}

/** Strings are shown one after the other; a number between them that moves far is a blank. */
function show(parts, state, seen) {
  if (!state.hidden && parts.some((part) => typeof part === 'string' && part.length > 0)) seen.words++
  for (const part of parts) {
    if (typeof part === 'string') seen.text += decode(part, state.font)
    else if (typeof part === 'number' && part < -180) seen.text += ' '
  }
}

function decode(raw, font) {
  if (!font?.map) return font?.wide ? '' : new TextDecoder('windows-1252').decode(bytesOf(raw))
  const width = font.wide ? 2 : 1
  let text = ''
  for (let i = 0; i + width <= raw.length; i += width) text += font.map.get(codeOf(raw.slice(i, i + width))) ?? ''
  return text
}

const codeOf = (raw) => [...raw].reduce((sum, c) => sum * 256 + c.charCodeAt(0), 0)

/** A font's table of what its codes stand for. */
export function mapOf(cmap) {
  const map = new Map()
  for (const body of between(cmap, 'beginbfchar', 'endbfchar'))
    for (const [, code, text] of body.matchAll(/<([0-9a-f]{2,8})>\s*<([0-9a-f]{0,64})>/gi)) put(map, parseInt(code, 16), utf16(text))
  for (const body of between(cmap, 'beginbfrange', 'endbfrange'))
    for (const [, first, last, text, list] of body.matchAll(/<([0-9a-f]{2,8})>\s*<([0-9a-f]{2,8})>\s*(?:<([0-9a-f]{2,64})>|\[([^\]]*)\])/gi))
      putRange(map, parseInt(first, 16), parseInt(last, 16), text, list)
  return map
}

function between(text, begin, end) {
  return text.split(begin).slice(1, 1000).map((part) => part.split(end, 1)[0])
}

function put(map, code, text) {
  if (map.size < mapLimit) map.set(code, text)
}

function putRange(map, first, last, text, list) {
  map.work = (map.work ?? 0) + Math.min(last - first, 65_535)
  if (map.work > mapLimit) return // the same codes over and over
  const listed = list?.match(/<[0-9a-f]*>/gi)?.map((s) => utf16(s.slice(1, -1)))
  const begin = text === undefined ? '' : utf16(text)
  const units = begin.charCodeAt(begin.length - 1)
  for (let code = first; code <= Math.min(last, first + 65_535) && map.size < mapLimit; code++) {
    const i = code - first
    put(map, code, listed ? (listed[i] ?? '') : begin.slice(0, -1) + String.fromCharCode((units + i) & 0xffff))
  }
}

function utf16(hex) {
  return (hex.match(/.{4}/g) ?? []).map((unit) => String.fromCharCode(parseInt(unit, 16))).join('')
}
