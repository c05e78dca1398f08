// The page that checks documents: connects what stands in the HTML with the
// parts that do the work.

import './times.mjs'
import { fromInput, fromTransfer } from './files.mjs'
import { Memory } from './memory.mjs'
import { Pool } from './pool.mjs'
import { Portal } from './portal.mjs'
import { Rows } from './rows.mjs'
import { loadWording } from './text.mjs'
import { loadVerifier } from './verifier.mjs'

const find = (selector) => document.querySelector(selector)
const check = find('[data-check]')

/** Everything behind the page; it is there as soon as the wording has come. */
async function connect() {
  const wording = await loadWording(check.dataset.text, check.dataset.textIntegrity)
  const portal = new Portal(new URL('./', document.baseURI))
  const pool = new Pool(() => loadVerifier(check.dataset), portal, new Memory(check.dataset.trustPrint))
  pool.health = showHelpUnless
  pool.warm()
  // Read now whatever is asked later, so that its time tells nothing about a check.
  portal.get('ledger/head')
  return new Rows({
    input: find('[data-choose]'),
    list: find('[data-rows]'),
    head: find('[data-results-head]'),
    status: find('[data-status]'),
    stopAll: find('[data-stop-all]'),
    clear: find('[data-clear]'),
    template: find('template[data-row]'),
    demo: find('[data-demo]') !== null,
    wording,
    pool,
  })
}

/** Shows how to check without this page, as long as the verifier does not run. */
function showHelpUnless(works) {
  find('[data-help]').hidden = works
}

const connected = connect()
connected.catch(() => showHelpUnless(false))

async function add(items) {
  if (items.length === 0) return
  check.dataset.hasResults = ''
  ;(await connected).add(items)
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches
  find('[data-results]').scrollIntoView({ block: 'nearest', behavior: still ? 'instant' : 'smooth' })
}

for (const input of document.querySelectorAll('[data-choose]')) {
  input.addEventListener('change', () => {
    const items = fromInput(input)
    input.value = '' // so that the same file can be chosen again
    add(items)
  })
}

// Phones cannot choose folders.
if (!('webkitdirectory' in HTMLInputElement.prototype)) {
  for (const input of document.querySelectorAll('[data-folder]')) {
    input.hidden = true
    find(`label[for="${input.id}"]`).hidden = true
  }
}

/** Whether files are being dragged, and not text or a link. */
const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files')

// The whole window takes a drop: a file that misses the slab must not be opened by the browser.
addEventListener('dragover', (event) => {
  if (!carriesFiles(event)) return
  event.preventDefault()
  event.dataTransfer.dropEffect = 'copy'
  check.dataset.over = ''
})
addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) delete check.dataset.over
})
addEventListener('drop', async (event) => {
  if (!carriesFiles(event)) return
  event.preventDefault()
  delete check.dataset.over
  add(await fromTransfer(event.dataTransfer))
})
addEventListener('paste', async (event) => {
  if (event.clipboardData) add(await fromTransfer(event.clipboardData))
})

/** Reads a sample just as a visitor would have saved and dropped it. */
async function sample(path, name) {
  const response = await fetch(path, { cache: 'no-cache' })
  if (!response.ok) return { name, path: name, file: null }
  return { name, path: name, file: new File([await response.blob()], name) }
}

for (const button of document.querySelectorAll('[data-sample]')) {
  button.addEventListener('click', async () => {
    const { sample: path, sampleName, sampleReceipt } = button.dataset
    const items = [
      await sample(path, sampleName).catch(() => ({ name: sampleName, path: sampleName, file: null })),
    ]
    if (sampleReceipt) items.push(await sample(sampleReceipt, `${sampleName}.tlog-proof`))
    add(items)
  })
}

document.documentElement.dataset.ready = ''
