// Short addresses of receipts, where the portal gives them: asking for one, withdrawing it, and what one leads to. On request only.
//
// Who opens one has a receipt, and no document: it waits for that like any other receipt. What it says can be shown without the document, as the
// answer about a fingerprint, which is never green.

import { copier } from './climb.mjs'
import { button, element } from './dom.mjs'
import { beginsAsReceipt } from './kinds.mjs'

const patience = 30_000 // milliseconds
const receiptLimit = 256 << 10 // bytes; the portal takes none that is larger

const suffix = '.tlog-proof'

// The portal's reasons, as far as the page has words for them.
const refusals = { sealed: 'private', sensitive: 'private', full: 'full', 'full-today': 'full', enough: 'full', 'enough-today': 'full', ahead: 'ahead', busy: 'outage', outage: 'outage' }

/** Asks the portal. Nothing of it is kept, neither here nor in a cache. */
function ask(url, how = {}) {
  return fetch(url, { cache: 'no-store', credentials: 'omit', redirect: 'error', signal: AbortSignal.timeout(patience), ...how })
}

// What an address leads to

/** The item that a code leads to: a receipt, or why there is none. */
export async function open(code, root) {
  const name = `${code}${suffix}`
  try {
    const response = await ask(new URL(`r/${name}`, root))
    if (!response.ok) return missing(code, response.status)
    const receipt = await response.blob()
    if (receipt.size > receiptLimit || !beginsAsReceipt(await receipt.slice(0, 64).text())) return missing(code, 404) // a host that answers everything with its first page
    return { name, path: name, file: new File([receipt], name), kind: 'receipt', link: true }
  } catch {
    return missing(code, 0)
  }
}

function missing(code, status) {
  const name = `r/${code}`
  return { name, path: name, file: null, why: { 404: 'linkUnknown', 410: 'linkWithdrawn' }[status] ?? 'linkOutage' }
}

/** Shows what a row's receipt says, without its document: as the answer about a fingerprint, in a row below. */
export async function says(row) {
  const { page, item } = row
  const digests = await documentIn(await item.file.text())
  if (digests) return page.addSaid(row, digests)
  await page.wording.more()
  page.say(page.wording.of('links', 'saysNothing'))
}

/**
 * The fingerprints of the document that a receipt is about (FORMAT.md, section 11), or null. Nothing is verified here: the verifier finds out whether
 * the receipt is for the document that they name.
 */
export async function documentIn(text) {
  try {
    const said = atob(text.match(/\nextra (\S+)\n/)[1]) // a character a byte
    const byte = (at) => said.charCodeAt(at)
    const salted = begins.length + 2 + 256 * byte(begins.length) + byte(begins.length + 1) // after the index statement
    const present = salted + 1 + 1 + 32 * byte(salted + 1) + 4 // after the slot's siblings and its count
    if (!said.startsWith(begins) || byte(salted) !== 0 || byte(present) !== 1) return null
    const key = said.slice(present + 1, present + 33)
    for (const [, sha256, sha3] of said.matchAll(/\ndocument sha256:([0-9a-f]{64})\ndocument sha3-512:([0-9a-f]{128})\n/g))
      if ((await keyOf(`sha256:${sha256}`)) === key) return { sha256, sha3 }
  } catch {
    // It is no receipt, or this page may not hash.
  }
  return null
}

const begins = 'stele.receipt/1\n'

/** A selector's key in the index (FORMAT.md, section 8.1), a character a byte. */
async function keyOf(selector) {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`stele.key/1\n${selector}`))
  return String.fromCharCode(...new Uint8Array(hash))
}

// Asking for one

/**
 * Asks for a short address of a row's receipt, and shows it in its place, with what ends it. The secret that withdraws it is in no other place than
 * in that button.
 * @param {Row} row
 * @param {object} place node, ask (the pressed button), said (a live region)
 */
export async function give(row, { node, ask: asking, said }) {
  const { wording, portal } = row.page
  const of = (key, values) => wording.of('links', key, values)
  await wording.more()
  said.textContent = of('asking')
  const answer = await made(row.outcome.receipt, portal.root)
  if (answer.refused) {
    said.textContent = of(`refused.${answer.refused}`)
    return
  }
  const address = new URL(`r/${answer.code}`, portal.root).href
  const shown = element('code', { dir: 'ltr', 'data-address': '' }, address)
  const name = (key) => row.nameOf(of(key))
  const copy = copier(shown, name('copyName'), wording)
  const withdraw = button(of('withdraw'), name('withdraw'), 'quiet', async () => {
    if (withdraw.hasAttribute('aria-disabled')) return
    withdraw.setAttribute('aria-disabled', 'true')
    const gone = await withdrawn(address, answer.withdraw)
    withdraw.removeAttribute('aria-disabled')
    if (!gone) return void (said.textContent = of('notWithdrawn'))
    const focused = given.contains(document.activeElement)
    given.replaceWith(asking)
    delete node.dataset.given
    if (focused) asking.focus()
    said.textContent = of('withdrawn', { address })
  })
  const given = element('div', { class: 'short-address', 'data-drawing': '' },
    element('p', {}, element('strong', {}, of('address')), ' ', shown, ' ', copy),
    element('p', { class: 'soft', role: 'status', 'data-told': '' }),
    element('p', { class: 'soft' }, of('withdrawing')),
    withdraw)
  const focused = document.activeElement === asking
  asking.replaceWith(given)
  node.dataset.given = ''
  if (focused) copy.focus()
  said.textContent = of('given')
}

/** Gives the portal a receipt. The answer has code and withdraw, or refused: why not. */
async function made(receipt, root) {
  try {
    const response = await ask(new URL('r', root), { method: 'POST', body: new Blob([receipt], { type: 'text/plain' }) })
    if (response.status === 201) return await response.json()
    if (response.status === 404 || response.status === 405) return { refused: 'none' }
    const { error } = await response.json()
    return { refused: refusals[error.code] ?? 'other' }
  } catch {
    return { refused: 'outage' }
  }
}

/** Withdraws an address. One that was withdrawn already, by a request whose answer was lost, is withdrawn. */
async function withdrawn(address, secret) {
  try {
    const response = await ask(address, { method: 'DELETE', headers: { Authorization: `Bearer ${secret}` } })
    return response.ok
  } catch {
    return false
  }
}
