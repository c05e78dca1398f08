// Whose name stands in a document. A name proves nothing; it tells whom to ask.

const shown = 3 // names at most
const shortest = 8 // letters of a name in writing that sets words apart
const shortestDense = 3 // in writing that does not: Chinese, Japanese, Korean, Thai

const dense = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]/u

/**
 * The issuers that the portal names (FORMAT.md, section 15): for people, and proved by nothing.
 * @param {Uint8Array|null} bytes of issuers.json
 * @returns {{name: string, title: string, withdrawn: boolean}[]} none where it cannot be read
 */
export function readIssuers(bytes) {
  try {
    const { issuers } = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array(0)))
    return issuers.filter(({ name, title }) => typeof name === 'string' && typeof title === 'string').map(({ name, title, withdrawn }) => ({ name, title, withdrawn: withdrawn === true }))
  } catch {
    return []
  }
}

/** A text as names are compared in: without blanks, marks of punctuation, or case. */
function folded(text) {
  return text.normalize('NFKC').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')
}

/**
 * The issuers whose names stand in a text, the longest name first.
 * @param {string} text
 * @param {{name: string, title: string, withdrawn: boolean}[]} issuers
 */
export function namedIn(text, issuers) {
  const within = folded(text.slice(0, 2 << 20))
  if (within === '') return []
  const found = []
  const titled = issuers.map((issuer) => ({ issuer, title: folded(issuer.title ?? '') })).sort((a, b) => b.title.length - a.title.length)
  for (const { issuer, title } of titled) {
    if (title.length < (dense.test(title) ? shortestDense : shortest) || !within.includes(title)) continue
    // "Ministry of Education" within "Ministry of Education and Science", which is an issuer too, is that one's name.
    if (found.some((other) => other.title.includes(title))) continue
    found.push({ issuer, title })
    if (found.length === shown) break
  }
  return found.map(({ issuer }) => issuer)
}
