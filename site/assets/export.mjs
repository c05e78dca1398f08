// The answers as a table for other programs.

/**
 * CSV (RFC 4180) that spreadsheets open as it is: UTF-8 with a mark that says so, and no cell that they would take for a formula.
 * @param {string[][]} lines the header first
 */
export function csv(lines) {
  return `\ufeff${lines.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('')}`
}

/** A file's name is anyone's: what a spreadsheet would run gets an apostrophe before it, which says "text". */
function cell(value) {
  const plain = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
