// In the verifier in one file a folder that is dropped or chosen may be a copy of the registry; anything else is documents.

import { copyInFolder, copyInList, entryFolder, handleFolder } from './folder.mjs'
import { fromEvent } from './intake.mjs'
import { useCopy } from './single-portal.mjs'
import { loadWording } from './text.mjs'

const check = document.querySelector('[data-check]')
const told = document.querySelector('[data-copy-told]')
const { text } = check.dataset

/** Reads from a copy, and says so. */
async function take(copy) {
  const wording = await loadWording(text)
  if (copy) useCopy(copy)
  told.textContent = copy ? wording.of('device', 'copy', { name: copy.name }) : wording.of('device', 'copyNone')
  told.dataset.copyTold = copy ? 'there' : 'none'
}

/** A dropped folder as something to look into, or null. It has to be taken before the first wait. */
function folderOf(part) {
  if (part.kind !== 'file') return null
  const entry = part.webkitGetAsEntry?.()
  if (!entry?.isDirectory) return null
  // Chromium cannot read entries for a page from disk, but handles.
  const handle = part.getAsFileSystemHandle?.() ?? null
  return { entry, handle }
}

async function look({ entry, handle }) {
  const given = await handle?.catch(() => null)
  return copyInFolder(given ? handleFolder(given) : entryFolder(entry))
}

/** Watches for copies of the registry before the page takes what was dropped for documents. */
export function arrivals(add) {
  addEventListener('drop', async (event) => {
    const parts = [...(event.dataTransfer?.items ?? [])]
    const folders = parts.map(folderOf).filter(Boolean)
    if (folders.length === 0) return
    event.preventDefault()
    event.stopImmediatePropagation()
    delete check.dataset.over
    const documents = fromEvent(event.dataTransfer)
    for (const folder of folders) {
      const copy = await look(folder)
      if (copy) return take(copy)
    }
    add(await documents)
  }, { capture: true })

  document.addEventListener('change', (event) => {
    const input = event.target
    if (input.type !== 'file' || !input.webkitdirectory) return
    const copy = copyInList(input.files)
    if (!copy && !('chooseCopy' in input.dataset)) return
    event.stopImmediatePropagation()
    input.value = ''
    take(copy)
  }, { capture: true })
}
