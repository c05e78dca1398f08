// For tests of the portal: a folder served on 127.0.0.1 as a plain file server would, and a page whose
// every request is on record.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { access, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join, normalize, sep } from 'node:path'
import { brotliCompressSync } from 'node:zlib'

export { launch, launchWhole } from './chromium.mjs'

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.pdf': 'application/pdf',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
}

/**
 * Serves a folder. The result has `url` (with a slash at the end), `log`, an array of the requests so far as
 * {method, path, query, length, status}, `faults`, `prelude`, show(folder), which serves another one at the same address,
 * and close().
 *
 * `faults` is a Map from a path, such as 'ledger/head', to what goes wrong with it: a status, 'cut' for a
 * connection that breaks off in the middle, 'hang' for one that never answers, or a function that is given the
 * bytes and resolves to others. `prelude` may be set to a function that runs in every page before the page's own scripts: a
 * fault that a test cannot make the engine show by itself. `brotli` may be set for what a portal's host does: text and programs go out compressed.
 */
export async function serveFolder(folder) {
  const edges = new Map() // by the folder that was published
  let base = await realpath(folder)
  let edge = await edgeOf(base, edges)
  const show = async (other) => {
    base = await realpath(other)
    edge = await edgeOf(base, edges)
  }
  const log = []
  const faults = new Map()
  const served = { log, faults, prelude: null, brotli: false, show }
  const server = createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url, 'http://portal')
    const path = decodeURIComponent(pathname).slice(1) || 'index.html'
    const fault = faults.get(path) ?? (served.prelude && extname(path) === '.html' ? preluded : undefined)
    const length = Number(request.headers['content-length'] ?? 0)
    response.on('close', () => log.push({ method: request.method, path, query: search, length, status: response.statusCode }))
    if (fault === 'hang') return
    if (served.prelude && path === PRELUDE) response.writeHead(200, { 'Content-Type': TYPES['.js'] }).end(`(${served.prelude})()`)
    else await answer(response, base, path, fault, served.brotli && packed, edge)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise((done) => server.close(done)).then(() => Promise.all([...edges.values()].map((one) => one.end())))
  }
  return Object.assign(served, { url: `http://127.0.0.1:${server.address().port}/`, close })
}

/**
 * With STELE_BEHIND_EDGE the folders that registries have published are not served themselves: each registry is deployed, runs in the Workers' own runtime,
 * and is asked instead, for the body and for the headers. So the same tests hold of the edge. Null for what is no registry's, and without that setting.
 */
async function edgeOf(folder, edges) {
  const registry = dirname(folder)
  if (!process.env.STELE_BEHIND_EDGE || basename(folder) !== 'public' || !(await isThere(join(registry, 'trust')))) return null
  if (!edges.has(folder)) edges.set(folder, await startBehind(registry))
  return edges.get(folder)
}

async function startBehind(registry) {
  const { startEdge } = await import('./edge.mjs')
  const { buildCommand } = await import('./registry.mjs')
  const out = await mkdtemp(join(tmpdir(), 'stele-behind-'))
  const edge = await startEdge(await buildCommand(out), registry, join(out, 'edge'))
  return { url: edge.url, end: () => edge.end().then(() => rm(out, { recursive: true, force: true })) }
}

const isThere = (path) => access(path).then(() => true, () => false)

const packedBodies = new Map() // by SHA-256

/** A body as a host sends it that has compressed it beforehand. */
function packed(body) {
  const key = createHash('sha256').update(body).digest('hex')
  if (!packedBodies.has(key)) packedBodies.set(key, brotliCompressSync(body))
  return packedBodies.get(key)
}

const PRELUDE = 'prelude.js'

/** A page with the prelude in it: modules run after it, wherever in the head they stand. */
const preluded = (html) => Buffer.from(String(html).replace('</head>', `<script src="/${PRELUDE}"></script></head>`))

/** What goes with an answer of the edge, but for how it was sent. */
const PASSED = ['content-type', 'cache-control', 'content-security-policy', 'permissions-policy', 'x-content-type-options', 'referrer-policy', 'etag']

async function answer(response, base, path, fault, pack, edge) {
  let body, passed
  if (typeof fault === 'number') body = null
  else if (edge) ({ body, passed } = await readEdge(edge, path))
  else body = await read(base, path)
  if (body && typeof fault === 'function') body = await fault(body)
  if (body === null) {
    response.writeHead(typeof fault === 'number' ? fault : 404).end('no such file\n')
    return
  }
  const type = TYPES[extname(path)]
  if (pack && type) body = pack(body)
  const headers = { 'Content-Type': type ?? 'application/octet-stream', ...passed, 'Content-Length': body.length }
  response.writeHead(200, pack && type ? { ...headers, 'Content-Encoding': 'br' } : headers)
  if (fault !== 'cut') {
    response.end(body)
    return
  }
  response.write(body.subarray(0, body.length >> 1), () => response.destroy())
}

async function readEdge(edge, path) {
  const asked = path.split('/').map(encodeURIComponent).join('/').replace(/(^|\/)index\.html$/, '$1')
  const answer = await fetch(edge.url + asked)
  if (answer.status !== 200) return { body: null }
  const passed = Object.fromEntries(PASSED.filter((name) => answer.headers.has(name)).map((name) => [name.replace('content-type', 'Content-Type'), answer.headers.get(name)]))
  return { body: Buffer.from(await answer.arrayBuffer()), passed }
}

async function read(base, path) {
  const file = normalize(join(base, path))
  if (!file.startsWith(base + sep)) return null
  try {
    return await readFile(file)
  } catch {
    return null
  }
}

/**
 * Watches a browser context from before its first page. The result has `requests`, an array of {url, method, body, headers}
 * of every request of every page and worker, and `errors`, what pages logged as errors or threw: a refusal by the
 * content security policy is among them.
 */
export function watch(context) {
  const requests = []
  const errors = []
  context.on('request', (r) => requests.push({ url: r.url(), method: r.method(), body: r.postData(), headers: r.headers() }))
  context.on('console', (m) => m.type() === 'error' && errors.push(m.text()))
  context.on('weberror', (e) => errors.push(String(e.error())))
  return { requests, errors }
}

/** Gives files, as paths or as {name, mimeType, buffer}, to the page as a visitor who chooses them. */
export async function choose(page, files) {
  await page.setInputFiles('#files', files)
}

/** Waits until every row is decided, and returns the verdicts: [{file, path, verdict, state}] in the page's order. */
export async function verdicts(page, count) {
  await page.waitForFunction((n) => {
    const rows = [...document.querySelectorAll('[data-rows] > [data-file]')]
    return rows.length >= n && rows.every((r) => ['done', 'stopped', 'alone'].includes(r.dataset.state))
  }, count)
  return page.$$eval('[data-rows] > [data-file]', (rows) => rows.map((r) =>
    ({ file: r.dataset.file, path: r.dataset.path, verdict: r.dataset.verdict ?? null, state: r.dataset.state })))
}

/**
 * Makes the function that opens a page as a new visitor, gives it to a test, and holds in the end what must hold of every
 * visit: only GET, only this origin, only published names, nothing sent along, and the content security policy never broken.
 *
 * @param {object} how at (server), init (runs in the page beforehand), faulty (errors are part of the test),
 *   context (options of the browser's context), to (a page's name), until (what page.goto waits for), clock (the
 *   page's clock can be put forward), as the second argument of that function. Service workers are for offline.test.mjs.
 */
export function visitor(browser, server, published) {
  return async (use, { at = server, init, faulty = false, context: options = {}, to = '', until = 'load', clock = false } = {}) => {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Kyiv', reducedMotion: 'reduce', serviceWorkers: 'block', ...options })
    const { requests, errors } = watch(context)
    await context.addInitScript(() => {
      globalThis.broken = []
      document.addEventListener('securitypolicyviolation', (e) => broken.push(`${e.violatedDirective} ${e.blockedURI}`))
    })
    if (init) await context.addInitScript(init)
    if (clock) await context.clock.install()
    const page = await context.newPage()
    page.setDefaultTimeout(90_000)
    const begin = at.log.length
    await page.goto(at.url + to, { waitUntil: until })
    const result = await use(page, requests, context)
    if (options.javaScriptEnabled !== false) assert.deepEqual(await page.evaluate(() => broken), [])
    if (!faulty) assert.deepEqual(errors, [])
    for (const { url, method, body } of requests.filter((r) => !r.url.startsWith('blob:'))) {
      assert.equal(method, 'GET')
      assert.equal(body, null)
      assert.ok(url.startsWith(at.url), `${url} is another origin`)
      const path = decodeURIComponent(url.slice(at.url.length).split('#')[0]) || 'index.html'
      assert.ok(published.has(path) || at !== server, `${url} is not published`)
    }
    for (const { method, query, length, path } of at.log.slice(begin)) assert.deepEqual([method, query, length], ['GET', '', 0], path)
    await context.close()
    return result
  }
}

/** Holds, in the page's present state, light and dark, on a phone and a desk, that axe finds nothing and nothing is cut off, in large type either. */
export async function accessible(page, state) {
  const before = page.viewportSize()
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(await axe)
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [320, 360, 390, 1280]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 900 })
      for (const size of ['200%', '']) {
        const overflow = await page.evaluate((size) => {
          document.documentElement.style.fontSize = size
          return document.documentElement.scrollWidth - innerWidth
        }, size)
        assert.ok(overflow <= 0, `${state}, ${width} px, text of ${size || 'usual size'}: ${overflow} px too wide`)
      }
      const cut = await page.$$eval('.command', (all) => all.filter((c) => c.scrollWidth > c.clientWidth).map((c) => c.textContent))
      assert.deepEqual(cut, [], `${state}, ${width} px: commands are cut off`)
      if (width !== 360 && width !== 1280) continue
      const rules = colorScheme === 'light' ? {} : { runOnly: ['color-contrast'] } // nothing else depends on it
      const found = await page.evaluate((rules) => axe.run(document, { resultTypes: ['violations'], ...rules }), rules)
      const told = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' ')}`)
      assert.deepEqual(told, [], `${state}, ${width} px, ${colorScheme}`)
    }
  }
  await page.setViewportSize(before)
}
