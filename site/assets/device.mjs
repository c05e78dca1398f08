// What the portal is to this device: has its pages kept by a service worker (sw.mjs), so that they open without a network, says when a newer
// version of them is ready, and forgets everything when it is told to. Every page runs it, and none needs it: without service workers all
// else works.

const host = document.querySelector('[data-device]')
const { worker, manifest, version } = host.dataset
const root = new URL(document.documentElement.dataset.root || './', document.baseURI)
const databases = ['stele', 'stele-kept'] // of memory.mjs and kept.mjs
const container = navigator.serviceWorker

/** Shows a sentence, or hides it. */
function tell(what, shown) {
  host.querySelector(`[data-told="${what}"]`).hidden = !shown
}

/** Has the pages kept, once everything that is wanted now has been loaded. */
async function begin() {
  if (!container) return
  container.addEventListener('message', ({ data }) => {
    if (data.another) ask()
    else if (data.version) tell('update', data.version !== version)
  })
  container.addEventListener('controllerchange', ask)
  try {
    await container.register(worker, { updateViaCache: 'none' })
    await container.ready
    ask()
    offerInstallation()
  } catch {
    // A private window, a file server that lacks the script, a disk that is full: the pages are there as long as there is a network.
  }
}

/** Asks which version this page would be if it were opened now. */
function ask() {
  container.controller?.postMessage({ version })
}

/** Only now can files be shared with the portal and stay on the device: before, they would go to the server. */
function offerInstallation() {
  const link = document.createElement('link')
  link.rel = 'manifest'
  link.href = manifest
  document.head.append(link)
}

/** Deletes a database, unless a page that is open elsewhere stands in the way. */
function drop(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = resolve
    request.onerror = () => reject(request.error)
    request.onblocked = () => reject(new Error(`${name} is in use`))
  })
}

/** Forgets all that this device keeps of the portal. */
async function forget() {
  const registration = await container?.getRegistration(root)
  await registration?.unregister()
  const ours = (await globalThis.caches?.keys() ?? []).filter((name) => name.startsWith('stele-') && name.includes(root.href))
  await Promise.all([...ours.map((name) => caches.delete(name)), ...databases.map(drop)])
  for (const key of Object.keys(localStorage)) if (key.startsWith('stele')) localStorage.removeItem(key)
}

host.querySelector('[data-device-take]').addEventListener('click', () => location.reload())

document.querySelector('[data-forget]')?.addEventListener('click', async () => {
  const done = await forget().then(() => true, () => false)
  for (const node of document.querySelectorAll('[data-forgotten]')) node.hidden = node.dataset.forgotten !== String(done)
})

const whetherOffline = () => tell('offline', navigator.onLine === false)
addEventListener('online', whetherOffline)
addEventListener('offline', whetherOffline)
whetherOffline()

const whenIdle = () => (globalThis.requestIdleCallback ?? setTimeout)(begin)
if (document.readyState === 'complete') whenIdle()
else addEventListener('load', whenIdle)
