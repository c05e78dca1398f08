// Files that come by another way than the page itself: the operating system opens them with the installed portal, or another program
// shares them; the service worker keeps what is shared until it is taken here (sw.mjs). And receipts that have a short address.

import { lazy } from './lazy.mjs'
import { root } from './root.mjs'

/** Hands over what was shared, and forgets it. */
async function shared(id) {
  const cache = await caches.open(`stele-arrivals ${root.href}`)
  const requests = (await cache.keys()).filter(({ url }) => url.startsWith(new URL(`arrivals/${id}/`, root).href))
  const items = []
  for (const request of requests) {
    const response = await cache.match(request)
    const name = decodeURIComponent(response.headers.get('Stele-Name') ?? '') || 'shared'
    const blob = await response.blob()
    if (response.headers.has('Stele-Text')) items.push({ text: await blob.text() })
    else items.push({ name, path: name, file: new File([blob], name, { type: blob.type }) })
    await cache.delete(request)
  }
  return items
}

/** Takes what the address says has arrived. */
async function take(add) {
  const address = new URL(location.href)
  const id = address.searchParams.get('arrived')
  if (id === null) return
  address.searchParams.delete('arrived')
  history.replaceState(null, '', address) // so that a reload does not look for it again
  const items = await shared(id).catch(() => [])
  if (items.length > 0) add(items)
  else document.querySelector('[data-lost]').hidden = false
}

/** Takes files that the operating system opens with the portal. */
async function open(add, { files }) {
  const opened = await Promise.all(
    files.map(async (handle) => ({ name: handle.name, path: handle.name, file: await handle.getFile().catch(() => null) })),
  )
  if (opened.length > 0) add(opened)
}

const linked = /^#r=([0-9A-Za-z-]{10,20})$/

/** Takes the receipt that a short address leads to. Its code stays in the address, so that the page can be loaded again. */
async function follow(add) {
  const [, code] = location.hash.match(linked) ?? []
  if (!code) return
  const name = `r/${code}`
  const item = await lazy('links.mjs').then(({ open }) => open(code, root), () => ({ name, path: name, file: null, why: 'linkOutage' }))
  add([item])
}

/**
 * Gives what arrives to the page.
 * @param {(given: object[]) => void} add takes items with files, or {text}
 */
export function arrivals(add) {
  take(add)
  follow(add)
  addEventListener('hashchange', () => follow(add))
  globalThis.launchQueue?.setConsumer((launch) => open(add, launch))
}
