// The portal's service worker: with it the portal works where there is no network, once it has been visited. It is published as sw.js at the
// portal's root, after a line that says which files make up the portal's shell, and by which hashes (site/worker.go):
//
//	const shell = {set, fingerprint, trust, languages, home, pages, stale, files}
//
// A shell is a set: pages, scripts, styles, wording, WASM and trust file of one build. It is fetched whole, each file by its hash, or not at all;
// a record of it, written last, says that it is. In force is the whole set that was begun last, whichever version of this script is at work: a
// newer version fills its set and waits, as browsers have it, until no page of the portal is open, while what is opened next is of its set already.
// (One that takes over from an older one that is being asked for something can keep Chromium 156 from opening the portal for minutes.)
//
// A page comes from the set in force and loads what lies in the folder of its own fingerprint, so that no two sets ever mix. Pages that show the
// state of the ledger are asked for from the portal first. The registry's own files are none of its business: the page keeps those itself, once
// they are proved (kept.mjs).

const scope = new URL('./', self.location).href
const language = new URL(self.location).searchParams.get('in') ?? ''
const prefix = `stele-shell ${scope} `
const own = `${prefix}${shell.set} ${language}`
const shared = `stele-arrivals ${scope}`
const mark = 'Stele-Integrity' // of a file that was fetched by its hash
const recordAt = new URL('sw.js?set', scope).href // in a whole set: what it is
const patience = 6_000 // milliseconds for a page that is here too, if an older one
const atOnce = 6 // files that are fetched side by side
const mostSets = 3

const pathOf = (url) => (url.startsWith(scope) ? decodeURIComponent(new URL(url).pathname.slice(new URL(scope).pathname.length)) : null)

/** Whether a file belongs to the reader's language, or to all of them. The pages at the root are the way in for everybody. */
function wanted(path) {
  const of = shell.languages[path]
  return of === undefined || of === language
}

/** A copy that the Cache interface takes whatever the server sent with it, and that may be shown as a page even if it was redirected. */
async function plain(response, more = {}) {
  const headers = new Headers(more)
  for (const name of ['Content-Type', 'Content-Security-Policy', 'X-Content-Type-Options', 'Referrer-Policy']) {
    const value = response.headers.get(name)
    if (value) headers.set(name, value)
  }
  return new Response(await response.blob(), { headers })
}

async function fetchWhole(path, integrity) {
  const get = async (cache) => {
    const response = await fetch(new URL(path, scope), { integrity, cache, credentials: 'omit' })
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`)
    return plain(response, { [mark]: integrity })
  }
  return get('no-cache').catch(() => get('reload')) // the browser's own copy may be damaged
}

/** What older sets hold, by its hash: of a new set only that is fetched which has changed. */
async function byHash() {
  const known = new Map()
  for (const name of await sets()) {
    const cache = await caches.open(name)
    for (const request of await cache.keys()) known.set((await cache.match(request))?.headers.get(mark), [cache, request])
  }
  return known
}

/** Every set, in the order in which they were begun. */
async function sets() {
  return (await caches.keys()).filter((name) => name.startsWith(prefix))
}

/** Fetches the whole set, or leaves nothing of it behind. */
async function fill() {
  const known = await byHash()
  await caches.delete(own) // what was begun once and left; this one is the last in order now
  const cache = await caches.open(own)
  const left = Object.entries(shell.files).filter(([path]) => wanted(path))
  const take = async () => {
    for (let next = left.pop(); next; next = left.pop()) {
      const [path, integrity] = next
      const [older, request] = known.get(integrity) ?? []
      const response = (await older?.match(request)) ?? (await fetchWhole(path, integrity))
      await cache.put(new URL(path, scope), response)
    }
  }
  try {
    await Promise.all(Array.from({ length: atOnce }, take))
    const { fingerprint, trust, pages, stale } = shell
    await cache.put(recordAt, new Response(JSON.stringify({ fingerprint, trust, pages, stale })))
    if (!(await caches.has(own))) throw new Error(`${own}: it was deleted while it was being filled`)
  } catch (error) {
    left.length = 0
    await caches.delete(own)
    throw error
  }
}

/** The set in force: its cache, and what its record says; null where there is none, as when a browser made room for others. */
async function inForce() {
  for (const name of (await sets()).reverse()) {
    const cache = await caches.open(name)
    const record = await cache.match(recordAt)
    if (record) return { name, cache, ...(await record.json()) }
  }
  return null
}

/** Gives up the oldest sets before the one in force, but for some that open pages may still be using. One that was begun later may be on its way. */
async function tidy(set, most) {
  const all = await sets()
  const older = all.slice(0, Math.max(0, all.indexOf(set.name)))
  for (const name of older.slice(0, Math.max(0, older.length - most))) await caches.delete(name)
}

const openPages = () => clients.matchAll({ type: 'window', includeUncontrolled: true })

self.addEventListener('install', (event) => event.waitUntil(install()))

/** Fills the set, and tells the pages that are open that there is another now. */
async function install() {
  await fill()
  for (const page of await openPages()) page.postMessage({ another: true })
}

// Nothing is waited for here: where a page is loaded again meanwhile, WebKitGTK (2.50) might never end it.
self.addEventListener('activate', () => void clients.claim())

// A page asks which version it would be now. Where it is the only one, and of that version itself, nobody needs the older ones.
self.addEventListener('message', (event) => event.waitUntil(answer(event)))

async function answer({ data, source }) {
  const set = await inForce()
  if (!set) return
  const version = `${set.fingerprint} ${set.trust}`
  source.postMessage({ version })
  const alone = data.version === version && (await openPages()).length === 1
  await tidy(set, alone ? 0 : mostSets - 1)
}

self.addEventListener('fetch', (event) => {
  const { request } = event
  const path = pathOf(request.url)
  if (path === null) return
  if (request.method === 'POST' && path === 'share') return event.respondWith(receive(request))
  if (request.method !== 'GET') return
  const page = path.endsWith('/') || path === '' ? `${path}index.html` : path
  if (request.mode === 'navigate' && page.endsWith('.html')) event.respondWith(visited(request, page))
  else if (path.startsWith('assets/') || path.startsWith('trust/')) event.respondWith(part(request, path))
})

/** A page of the set in force, or any other of the portal. */
async function visited(request, path) {
  const set = await inForce()
  if (set?.stale.includes(path)) return newest(request, path, set)
  const kept = set?.pages.includes(path) ? await set.cache.match(new URL(path, scope)) : undefined
  return kept ?? fetch(request)
}

/** A page that shows the state of the ledger: the portal's, or without a network the last that was seen here of the same set. */
async function newest(request, path, set) {
  const at = new URL(path, scope)
  const fetched = fetch(request).then(async (response) => {
    if (response.ok) await keepPage(set, at, response.clone())
    return response
  })
  const kept = await set.cache.match(at)
  if (!kept) return fetched
  const late = new Promise((resolve) => setTimeout(resolve, patience, kept))
  return Promise.race([fetched, late]).catch(() => kept)
}

/** Keeps a page of this very set; what belongs to another is not here. */
async function keepPage({ cache, fingerprint }, at, response) {
  try {
    const copy = await plain(response)
    if ((await copy.clone().text()).includes(`assets/${fingerprint}/`)) await cache.put(at, copy)
  } catch {
    // A full disk: without a network the page is not there, as before.
  }
}

/** A script, a style or the like: those of older pages, which may still be open, too. */
async function part(request, path) {
  const kept = request.cache === 'reload' ? undefined : await caches.match(request.url.split('#')[0])
  if (kept) return kept
  const response = await fetch(request)
  if (response.ok && path.startsWith('assets/')) keepPart(request.url, path, response.clone()).catch(() => {})
  return response
}

/** Keeps a part of the set in force that is loaded only when it is needed. */
async function keepPart(url, path, response) {
  const set = await inForce()
  if (path.startsWith(`assets/${set?.fingerprint}/`)) await set.cache.put(url, await plain(response))
  else await response.body?.cancel()
}

/** Takes what another program shares. It stays on this device, until the page takes it; nothing is sent. */
async function receive(request) {
  const home = new URL(shell.home[language] ?? 'index.html', scope)
  try {
    const form = await request.formData()
    const id = crypto.randomUUID()
    const cache = await caches.open(shared)
    const words = ['title', 'text', 'url'].map((name) => form.get(name)).filter((word) => typeof word === 'string' && word !== '')
    const files = form.getAll('files').filter((file) => file instanceof File)
    const keep = (name, body, headers) => cache.put(new URL(`arrivals/${id}/${name}`, scope), new Response(body, { headers }))
    if (files.length === 0 && words.length > 0) await keep('text', words.join('\n'), { 'Stele-Text': 'yes' })
    for (const [i, file] of files.entries())
      await keep(i, file, { 'Content-Type': file.type, 'Stele-Name': encodeURIComponent(file.name) })
    home.searchParams.set('arrived', id)
  } catch {
    home.searchParams.set('arrived', 'lost') // the page says so
  }
  return Response.redirect(home.href, 303)
}
