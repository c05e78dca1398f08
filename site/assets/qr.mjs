// QR codes (ISO/IEC 18004) of level M, which a reader can still read with 15% of it gone. One segment, in alphanumeric mode where every character
// allows it, else in bytes.

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:'

// By version, from 1: error correction codewords of each block, and how many blocks (table 9).
const correction = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28]
const blocks = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49]

const levelBits = 0 // of M, in the format information

/**
 * @param {string} text
 * @returns {boolean[][]} rows of modules, true for dark, without the quiet zone of four modules that belongs around it
 */
export function encode(text) {
  const segment = segmentOf(text)
  const version = versionFor(segment)
  const grid = emptyGrid(version)
  place(grid, interleaved(codewords(segment, version), version))
  return masked(grid)
}

function segmentOf(text) {
  if (text !== '' && [...text].every((c) => alphabet.includes(c))) return alphanumeric(text)
  const bytes = new TextEncoder().encode(text)
  return { mode: 4, count: bytes.length, countBits: [8, 16, 16], bits: [...bytes].flatMap((byte) => bitsOf(byte, 8)) }
}

function alphanumeric(text) {
  const bits = []
  for (let i = 0; i < text.length; i += 2) {
    const [one, other] = [alphabet.indexOf(text[i]), alphabet.indexOf(text[i + 1])]
    bits.push(...(i + 1 < text.length ? bitsOf(45 * one + other, 11) : bitsOf(one, 6)))
  }
  return { mode: 2, count: text.length, countBits: [9, 11, 13], bits }
}

function bitsOf(value, length) {
  return Array.from({ length }, (_, i) => (value >>> (length - 1 - i)) & 1)
}

const countBits = (segment, version) => segment.countBits[version < 10 ? 0 : version < 27 ? 1 : 2]

function versionFor(segment) {
  for (let version = 1; version <= 40; version++) {
    const need = 4 + countBits(segment, version) + segment.bits.length
    if (segment.count < 2 ** countBits(segment, version) && need <= 8 * dataSize(version)) return version
  }
  throw new Error(`encode ${segment.count} characters: no QR code of level M holds as many`)
}

/** Modules that carry codewords: all but the function patterns. */
function carrying(version) {
  const aligned = version === 1 ? 0 : Math.floor(version / 7) + 2
  const patterns = version === 1 ? 0 : (25 * aligned - 10) * aligned - 55
  return (16 * version + 128) * version + 64 - patterns - (version < 7 ? 0 : 36)
}

const allCodewords = (version) => carrying(version) >> 3
const dataSize = (version) => allCodewords(version) - correction[version - 1] * blocks[version - 1]

function codewords(segment, version) {
  const size = dataSize(version)
  const bits = [...bitsOf(segment.mode, 4), ...bitsOf(segment.count, countBits(segment, version)), ...segment.bits]
  bits.push(...bitsOf(0, Math.min(4, 8 * size - bits.length)))
  bits.push(...bitsOf(0, -bits.length & 7))
  const bytes = []
  for (let i = 0; i < bits.length; i += 8) bytes.push(parseInt(bits.slice(i, i + 8).join(''), 2))
  for (let pad = 0xec; bytes.length < size; pad ^= 0xec ^ 0x11) bytes.push(pad)
  return bytes
}

/** Splits data into blocks, the longer ones last, and takes their codewords in turn. */
function interleaved(data, version) {
  const count = blocks[version - 1]
  const short = Math.floor(data.length / count)
  const divisor = generator(correction[version - 1])
  const parts = []
  for (let i = 0, at = 0; i < count; i++) {
    const length = short + (i < count - (data.length % count) ? 0 : 1)
    parts.push(data.slice(at, (at += length)))
  }
  const sums = parts.map((part) => remainder(part, divisor))
  return [...inTurn(parts), ...inTurn(sums)]
}

function inTurn(parts) {
  const longest = Math.max(...parts.map((part) => part.length))
  return Array.from({ length: longest }, (_, i) => parts.filter((part) => i < part.length).map((part) => part[i])).flat()
}

/** A product in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
function times(a, b) {
  let product = 0
  for (let bit = 7; bit >= 0; bit--) product = (product << 1) ^ (product >>> 7 ? 0x11d : 0) ^ ((b >>> bit) & 1 ? a : 0)
  return product & 255
}

/** The coefficients of (x - 2^0)(x - 2^1)…, without the leading 1. */
function generator(degree) {
  let result = [1]
  let root = 1
  for (let i = 0; i < degree; i++, root = times(root, 2)) {
    const next = [...result, 0]
    result.forEach((value, at) => (next[at + 1] ^= times(value, root)))
    result = next
  }
  return result.slice(1)
}

function remainder(data, divisor) {
  const rest = [...data, ...divisor.map(() => 0)]
  data.forEach((_, at) => {
    const factor = rest[at]
    divisor.forEach((value, i) => (rest[at + 1 + i] ^= times(value, factor)))
  })
  return rest.slice(data.length)
}

/** A grid with its function patterns: `dark`, and `fixed` where no data goes. */
function emptyGrid(version) {
  const size = 17 + 4 * version
  const rows = () => Array.from({ length: size }, () => new Array(size).fill(false))
  const grid = { size, version, dark: rows(), fixed: rows() }
  for (let i = 0; i < size; i++) {
    set(grid, 6, i, i % 2 === 0)
    set(grid, i, 6, i % 2 === 0)
  }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(grid, x, y, 4, (far) => far !== 2 && far !== 4)
  const at = alignments(version)
  const corner = (i, j) => (i === 0 && (j === 0 || j === at.length - 1)) || (j === 0 && i === at.length - 1)
  at.forEach((x, i) => at.forEach((y, j) => corner(i, j) || square(grid, x, y, 2, (far) => far !== 1)))
  format(grid, 0)
  versionInformation(grid)
  return grid
}

function set({ size, dark, fixed }, x, y, value) {
  if (x < 0 || y < 0 || x >= size || y >= size) return
  dark[y][x] = value
  fixed[y][x] = true
}

function square(grid, x, y, reach, isDark) {
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) set(grid, x + dx, y + dy, isDark(Math.max(Math.abs(dx), Math.abs(dy))))
  }
}

/** Rows and columns of the alignment patterns (annex E). */
function alignments(version) {
  if (version === 1) return []
  const count = Math.floor(version / 7) + 2
  const step = version === 32 ? 26 : Math.ceil((4 * version + 4) / (2 * count - 2)) * 2
  return [6, ...Array.from({ length: count - 1 }, (_, i) => 10 + 4 * version - (count - 2 - i) * step)]
}

/** A value with the remainder of its division behind it. */
function withRemainder(value, length, divisor) {
  let rest = value
  for (let i = 0; i < length; i++) rest = (rest << 1) ^ ((rest >>> (length - 1)) & 1 ? divisor : 0)
  return (value << length) | rest
}

function format(grid, mask) {
  const bits = withRemainder((levelBits << 3) | mask, 10, 0x537) ^ 0x5412
  const bit = (i) => ((bits >>> i) & 1) === 1
  const { size } = grid
  for (let i = 0; i < 15; i++) {
    set(grid, i < 8 ? size - 1 - i : [7, 5, 4, 3, 2, 1, 0][i - 8], 8, bit(i))
    set(grid, 8, i < 8 ? [0, 1, 2, 3, 4, 5, 7, 8][i] : size - 15 + i, bit(i))
  }
  set(grid, 8, size - 8, true)
}

function versionInformation(grid) {
  if (grid.version < 7) return
  const bits = withRemainder(grid.version, 12, 0x1f25)
  for (let i = 0; i < 18; i++) {
    const [near, far] = [Math.floor(i / 3), grid.size - 11 + (i % 3)]
    set(grid, near, far, ((bits >>> i) & 1) === 1)
    set(grid, far, near, ((bits >>> i) & 1) === 1)
  }
}

/** Lays the codewords down, two columns at a time from the right, up and down in turn. */
function place({ size, dark, fixed }, bytes) {
  let i = 0
  for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right--
    for (let step = 0; step < size; step++) {
      const y = up ? size - 1 - step : step
      for (const x of [right, right - 1]) {
        if (fixed[y][x] || i >= 8 * bytes.length) continue
        dark[y][x] = ((bytes[i >> 3] >>> (7 - (i & 7))) & 1) === 1
        i++
      }
    }
  }
}

const masks = [
  (x, y) => (x + y) % 2 === 0,
  (x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
]

/** The grid under the mask that makes it easiest to read. */
function masked(grid) {
  const under = masks.map((mask, number) => {
    format(grid, number)
    return grid.dark.map((row, y) => row.map((dark, x) => dark !== (!grid.fixed[y][x] && mask(x, y))))
  })
  const points = under.map(penalty)
  return under[points.indexOf(Math.min(...points))]
}

/** How hard a grid is to read (section 7.8.3). */
function penalty(rows) {
  const columns = rows.map((_, x) => rows.map((row) => row[x]))
  const lines = [...rows, ...columns]
  return lines.reduce((sum, line) => sum + runs(line) + finders(line), 0) + boxes(rows) + balance(rows)
}

function runs(line) {
  let points = 0
  for (let i = 1, length = 1; i <= line.length; i++) {
    if (line[i] === line[i - 1]) length++
    else {
      points += length >= 5 ? length - 2 : 0
      length = 1
    }
  }
  return points
}

function boxes(rows) {
  let points = 0
  for (let y = 1; y < rows.length; y++) {
    for (let x = 1; x < rows.length; x++) {
      const dark = rows[y][x]
      if (rows[y][x - 1] === dark && rows[y - 1][x] === dark && rows[y - 1][x - 1] === dark) points += 3
    }
  }
  return points
}

/** What could be taken for the pattern in a corner. */
function finders(line) {
  const text = line.map(Number).join('')
  let points = 0
  for (const pattern of ['10111010000', '00001011101']) {
    for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) points += 40
  }
  return points
}

function balance(rows) {
  const dark = rows.flat().filter(Boolean).length
  return 10 * Math.floor(Math.abs((20 * dark) / rows.length ** 2 - 10))
}
