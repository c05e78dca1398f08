// The page that checks documents: connects what stands in the HTML with the
// parts that do the work.
//
//	given → intake → items → rows → pool → workers
//
// Here is only where things are given; what becomes of them, intake.mjs says first.

import './times.mjs'
import { arrivals } from './arrivals.mjs'
import { fromInput } from './files.mjs'
import { fromEvent, Intake } from './intake.mjs'
import { Kept } from './kept.mjs'
import { Memory } from './memory.mjs'
import { Pool } from './pool.mjs'
import { Portal } from './portal.mjs'
import { root } from './root.mjs'
import { Rows } from './rows.mjs'
import { loadWording } from './text.mjs'
import { loadVerifier } from './verifier.mjs'

const find = (selector) => document.querySelector(selector)
const check = find('[data-check]')
const startLimit = 20_000 // milliseconds after which the page says that it does not start; it may yet

/** Everything behind the page; it is there as soon as the wording has come. */
async function connect() {
  const { text, textIntegrity, textLater, textLaterIntegrity } = check.dataset
  const wording = await loadWording(text, textIntegrity, textLater && { url: textLater, integrity: textLaterIntegrity })
  const portal = new Portal(root, new Kept(root))
  const pool = new Pool(() => loadVerifier(check.dataset), portal, new Memory(check.dataset.trustPrint, check.dataset.trustEarlier))
  pool.health = (works) => {
    clearTimeout(late)
    showHelpUnless(works)
  }
  pool.warm()
  // Read now whatever is asked later, so that its time tells nothing about a check.
  portal.get('ledger/head')
  return new Intake(rowsOf(wording, portal, pool), wording)
}

function rowsOf(wording, portal, pool) {
  return new Rows({
    input: find('[data-choose]'),
    results: find('[data-results]'),
    list: find('[data-rows]'),
    head: find('[data-results-head]'),
    tools: find('[data-results-tools]'),
    status: find('[data-status]'),
    overall: find('[data-overall]'),
    stopAll: find('[data-stop-all]'),
    again: find('[data-again]'),
    clear: find('[data-clear]'),
    saveTable: find('[data-save-table]'),
    print: find('[data-print]'),
    table: find('[data-table]'),
    template: find('template[data-row]'),
    demo: find('[data-demo]') !== null,
    title: check.dataset.registry,
    origin: check.dataset.origin,
    guessable: check.dataset.guessable?.split(' ') ?? [],
    wording,
    portal,
    pool,
  })
}

/** Shows how to check without this page, as long as the verifier does not run. */
function showHelpUnless(works) {
  find('[data-help]').hidden = works
}

const late = setTimeout(() => showHelpUnless(false), startLimit)
const kept = [] // what was given before the page could take it
let intake = null
let connecting = null

/** Connects unless that is under way or done; where it fails, the next choice tries again. */
async function connected() {
  connecting ??= connect()
  try {
    intake = await connecting
  } catch {
    connecting = null
    showHelpUnless(false)
  }
  return intake !== null
}

/** Takes what was given: items with files, or texts. */
async function add(given) {
  kept.push(...given)
  if (kept.length === 0) return
  const status = find('[data-status]')
  find('[data-results]').dataset.shown = ''
  if (intake === null) status.textContent = status.dataset.waiting
  if (!(await connected()) || kept.length === 0) return
  check.dataset.hasResults = ''
  if (status.textContent === status.dataset.waiting) status.textContent = ''
  await intake.take(kept.splice(0))
}

connected()

// Chosen

function take(input) {
  const items = fromInput(input)
  input.value = '' // so that the same file can be chosen again
  add(items)
}

for (const input of document.querySelectorAll('[data-choose]')) {
  input.addEventListener('change', () => take(input))
  if (input.files.length > 0) take(input) // chosen before this script had come
}

// Phones cannot choose folders.
if (!('webkitdirectory' in HTMLInputElement.prototype)) {
  for (const input of document.querySelectorAll('[data-folder]')) {
    input.hidden = true
    find(`label[for="${input.id}"]`).hidden = true
  }
}

// Dropped

const takenTypes = ['Files', 'text/uri-list', 'text/plain', 'text/html']
let ownDrag = false // something of this page is being dragged

/** Whether what is dragged may hold something to check. A mail program may offer a link alone: then it is told what to do instead. */
const carries = (event) => !ownDrag && [...(event.dataTransfer?.types ?? [])].some((type) => takenTypes.includes(type))

addEventListener('dragstart', () => (ownDrag = true))
addEventListener('dragend', () => (ownDrag = false))

// The whole window takes a drop: a file that misses the slab must not be opened by the browser.
addEventListener('dragover', (event) => {
  if (!carries(event)) return
  event.preventDefault()
  event.dataTransfer.dropEffect = 'copy'
  check.dataset.over = ''
})
addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) delete check.dataset.over
})
addEventListener('drop', async (event) => {
  if (!carries(event) || isField(event.target)) return
  event.preventDefault()
  delete check.dataset.over
  add(await fromEvent(event.dataTransfer))
})

// Pasted and typed

/** Whether text that is put there is meant to stay there. */
const isField = (target) => target instanceof Element && target.matches('textarea, select, input:not([type=file])')

addEventListener('paste', async (event) => {
  if (!event.clipboardData || (isField(event.target) && event.clipboardData.files.length === 0)) return
  add(await fromEvent(event.clipboardData))
})

find('[data-typed-check]').addEventListener('click', () => {
  const field = find('[data-typed-text]')
  if (field.value.trim() === '') field.focus()
  else add([{ text: field.value }])
})

// By an address: what the code on a printed report holds

function fromAddress() {
  if (location.hash.startsWith('#sha256=')) add([{ text: location.hash }])
}

addEventListener('hashchange', fromAddress)
fromAddress()

// Samples

/** Reads a sample just as a visitor would have saved and dropped it. */
async function sample({ sample: path, sampleName: name }) {
  try {
    const response = await fetch(path, { cache: 'no-cache' })
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`)
    return { name, path: name, file: new File([await response.blob()], name) }
  } catch {
    return { name, path: name, file: null, why: 'sample' }
  }
}

for (const button of document.querySelectorAll('[data-sample]')) {
  button.addEventListener('click', async () => {
    // Not "disabled", which would throw the keyboard off the button.
    if (button.hasAttribute('aria-disabled')) return
    button.setAttribute('aria-disabled', 'true')
    add([await sample(button.dataset)])
    button.removeAttribute('aria-disabled')
  })
}

arrivals(add)

// From here on it is not the style sheet that shows the help.
showHelpUnless(true)
document.documentElement.dataset.ready = ''
