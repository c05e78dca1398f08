// What is published, as readers are answered: files of the publication in force, out of the bucket or out of what was deployed. Go is not started for
// them. The answers are those of site.HandlerFS, and which publication is in force is what package published says.

import { asked, binary, immutable, pagePolicy, permissions, single, singlePolicy, types } from './headers.mjs'

const MOST_NAME = 512 // bytes: proofs.IsSetName

/** Whether a published file never changes under its name: headers.Lasts. */
const lasts = (name) =>
  /^(ledger\/tile|index|assets)\//.test(name) || (name.startsWith('ledger/history/') && name !== 'ledger/history/list')

/** Whether a file is the deployment's own, whatever is published: published.OwnPrefix. */
const own = (name) => `${name}/`.startsWith('health/')

/** A published file's type: headers.Of. */
function typeOf(name) {
  if (/^(ledger\/tile|index)\//.test(name)) return binary
  if (/^(ledger|trust)\//.test(name) || name === 'policy') return types['.txt']
  return types[/\.[^./]*$/.exec(name)?.[0]] ?? binary
}

/** The headers of a published file: headers.Set. */
function headersOf(name) {
  const headers = new Headers({
    'Content-Type': typeOf(name),
    'Cache-Control': lasts(name) ? immutable : asked,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Access-Control-Allow-Origin': '*',
  })
  if (name === single || /\.(html|js)$/.test(name)) {
    headers.set('Content-Security-Policy', name === single ? singlePolicy : pagePolicy)
    headers.set('Permissions-Policy', permissions)
  }
  return headers
}

/** Parses the text of a set; what is in force was verified when it was put there. */
export function parseSet(text) {
  const [kind, registry, publication, time, ...lines] = text.split('\n')
  if (kind !== 'stele.set/1' || !registry.startsWith('registry ') || !/^publication \d+$/.test(publication) || !/^time \d+$/.test(time) || lines.pop() !== '') {
    throw new Error('what is in force is no set')
  }
  const files = new Map()
  for (const line of lines) {
    const [, sha256, size, name] = /^file ([0-9a-f]{64}) (\d+) (\S+)$/.exec(line) ?? []
    if (!name) throw new Error(`the set in force has the line ${JSON.stringify(line)}`)
    files.set(name, { sha256, size: Number(size) })
  }
  return { publication: BigInt(publication.slice('publication '.length)), time: Number(time.slice('time '.length)), files }
}

/** A signed note's text ends with a newline, and an empty line follows. */
const textOf = (note) => note.slice(0, note.lastIndexOf('\n\n') + 1)

/** What readers are answered with, for as long as the program stays loaded. */
export class Front {
  #base // the set that was deployed, or null
  #links // whether receipts are given short addresses
  #known = null // the newest set that was read from the bucket, with its ETag there

  /**
   * @param {string} base the text of the set that was deployed; empty where none was
   * @param {boolean} links whether receipts are given short addresses
   */
  constructor(base, links = false) {
    this.#base = base ? parseSet(base) : null
    this.#links = links
  }

  /** Answers a request. An outage never looks like a missing file. */
  async answer(request, env) {
    try {
      return await this.#answer(request, env)
    } catch (error) {
      console.error(`${new URL(request.url).pathname}: ${error.stack ?? error}`)
      return plain(503, '503 the files cannot be read now', { 'Retry-After': '60' })
    }
  }

  async #answer(request, env) {
    const { pathname, search } = new URL(request.url)
    const path = decoded(pathname)
    if (request.method === 'POST' && path === '/share') return redirect(303, '/index.html?arrived=lost')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return plain(405, '405 method not allowed: everything here is a file', { Allow: 'GET, HEAD' })
    }
    const name = path.slice(1)
    if (path.endsWith('/')) return this.#send(request, env, `${name}index.html`)
    if (path.endsWith('/index.html')) return this.#moved(env, name, `./${search}`)
    return (await this.#send(request, env, name, true)) ?? this.#moved(env, `${name}/index.html`, `${path}/`)
  }

  /** Sends a file; what is none is answered as missing, or with null where it may be a folder. */
  async #send(request, env, name, orFolder = false) {
    const file = await this.#find(env, name)
    if (file) {
      const headers = headersOf(name)
      if (name === 'ledger/head') this.#announce(headers)
      return send(request, file, headers)
    }
    return orFolder ? null : missing()
  }

  /** Tells with the head what there is besides files: edge.Announce. */
  #announce(headers) {
    headers.set('Link', '<../health/>; rel="status"')
    if (this.#links) headers.set('Stele-Links', 'r')
  }

  /** Says that a folder's first page lies elsewhere, if there is one. */
  async #moved(env, name, to) {
    if (!isName(name) || lasts(name) || !(await this.#isThere(env, name))) return missing()
    const headers = headersOf(name)
    headers.set('Location', to)
    return new Response(null, { status: 301, headers })
  }

  async #isThere(env, name) {
    return own(name) ? (await deployed(env, name)) !== null : (await this.#inForce(env)).files.has(name)
  }

  /** A file with its size, its ETag and how to read it; null where there is none. */
  async #find(env, name) {
    if (!isName(name)) return null
    if (own(name)) return deployed(env, name)
    if (lasts(name)) return (await kept(env, name)) ?? deployed(env, name)
    const { files, stored } = await this.#inForce(env) // once a request: nobody is given one publication's page with another's head
    const file = files.get(name)
    if (!file) return null
    const { sha256, size } = file
    return { size, tag: `"${sha256}"`, read: (range) => (stored ? object(env, `set/${sha256}`, range) : asset(env, name, range)) }
  }

  /** The set in force: the later of the one deployed and the one that the bucket names. */
  async #inForce(env) {
    if (!env.STORE) return { stored: false, files: new Map(), ...this.#base } // nothing is published to it
    const known = this.#known
    const current = await env.STORE.get('current', known ? { onlyIf: { etagDoesNotMatch: known.etag } } : {})
    let stored = known // where the bucket has the same as before, it sends no body
    if (current === null) stored = null
    else if (current.body) stored = { etag: current.etag, stored: true, ...parseSet(textOf(await current.text())) }
    this.#known = stored
    if (stored && (!this.#base || !later(this.#base, stored))) return stored
    return { stored: false, files: new Map(), ...this.#base } // nothing at all, where nothing was deployed or published yet
  }
}

/** Whether a set is in force over another: published.later. */
const later = (a, b) => (a.publication === b.publication ? a.time > b.time : a.publication > b.publication)

/** A path without its escapes; one that is escaped wrongly is nobody's. */
function decoded(pathname) {
  try {
    return decodeURIComponent(pathname)
  } catch {
    return '/.'
  }
}

/** Whether a file can be published under a path: proofs.IsSetName. */
const isName = (name) => name.length <= MOST_NAME && name.split('/').every((part) => /^[^.\\%?#][^\\%?#]*$/.test(part) && /^[!-~]+$/.test(part))

/** A file that never changes, out of the bucket. */
async function kept(env, name) {
  const found = await env.STORE?.get(`kept/${name}`)
  if (!found) return null
  const { sha256 } = found.checksums
  const tag = sha256 ? `"${hex(sha256)}"` : found.httpEtag
  return { size: found.size, tag, read: (range) => (range ? object(env, `kept/${name}`, range) : found.body), drop: () => found.body.cancel() }
}

/** A deployed file, where that is what is in force: one that never changes, or the deployment's own. */
async function deployed(env, name) {
  const found = await ask(env, name)
  if (found.status === 404) return null
  if (!found.ok) throw new Error(`${name}: the host of what was deployed answers ${found.status}`)
  const bytes = await found.arrayBuffer()
  return { size: bytes.byteLength, tag: `"${hex(await crypto.subtle.digest('SHA-256', bytes))}"`, read: (range) => part(bytes, range) }
}

/** A deployed file that the set in force names, or a part of it. */
async function asset(env, name, range) {
  const found = await ask(env, name)
  if (!found.ok) throw new Error(`${name}: named by the publication in force, and the host of what was deployed answers ${found.status}`)
  return range ? part(await found.arrayBuffer(), range) : found.body
}

/** What is deployed is read whole: its host knows no ranges. */
const part = (bytes, range) => (range ? bytes.slice(range.offset, range.offset + range.length) : bytes)

const ask = (env, name) => env.ASSETS.fetch(`https://assets.invalid/${name.split('/').map(encodeURIComponent).join('/')}`)

/** A part of an object of the bucket, or the whole. That it is gone is an outage: it was there, or the set in force names it. */
async function object(env, name, range) {
  const found = await env.STORE.get(name, range ? { range } : {})
  if (!found) throw new Error(`the object ${name} is not there`)
  return found.body
}

const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, '0')).join('')

/** Sends a file, or the part of it that is asked for, or that the reader has it: as http.ServeContent does, but never several parts at once. */
async function send(request, file, headers) {
  headers.set('ETag', file.tag)
  if (isListed(request.headers.get('If-None-Match'), file.tag)) {
    headers.delete('Content-Type')
    await file.drop?.()
    return new Response(null, { status: 304, headers })
  }
  headers.set('Accept-Ranges', 'bytes')
  const range = rangeOf(request, file)
  if (range === null) {
    await file.drop?.()
    return plain(416, 'invalid range: failed to overlap', { 'Content-Range': `bytes */${file.size}` })
  }
  headers.set('Content-Length', range?.length ?? file.size)
  if (range) headers.set('Content-Range', `bytes ${range.offset}-${range.offset + range.length - 1}/${file.size}`)
  const status = range ? 206 : 200
  if (request.method === 'HEAD') {
    await file.drop?.()
    return new Response(null, { status, headers })
  }
  if (range) await file.drop?.()
  return new Response(await file.read(range), { status, headers })
}

/** Whether one of the ETags that a reader names is the file's. */
const isListed = (tags, tag) => tags !== null && tags.split(',').some((t) => t.trim() === '*' || t.trim().replace(/^W\//, '') === tag)

/** The one range that is asked for; undefined for the whole file, null for one that is not there. */
function rangeOf(request, { size, tag }) {
  const condition = request.headers.get('If-Range')
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/.exec(request.headers.get('Range') ?? '') ?? []
  if (size === 0 || (!first && !last) || (condition !== null && condition !== tag)) return undefined
  const offset = first ? Number(first) : Math.max(0, size - Number(last))
  const end = first && last ? Math.min(Number(last), size - 1) : size - 1
  return offset <= end ? { offset, length: end - offset + 1 } : null
}

const missing = () => plain(404, '404 page not found')

const redirect = (status, Location) => new Response(null, { status, headers: { Location } })

/** An answer of one line: http.Error. */
const plain = (status, text, headers = {}) =>
  new Response(`${text}\n`, { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff', ...headers } })
