// For tests of the portal: a folder served on 127.0.0.1 as a plain file server would, and a page whose
// every request is on record.

import { readFile, realpath } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize, sep } from 'node:path'

export { launch } from './chromium.mjs'

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
 * {method, path, query, length, status}, `faults`, show(folder), which serves another one at the same address,
 * and close().
 *
 * `faults` is a Map from a path, such as 'ledger/head', to what goes wrong with it: a status, 'cut' for a
 * connection that breaks off in the middle, 'hang' for one that never answers, or a function that is given the
 * bytes and resolves to others.
 */
export async function serveFolder(folder) {
  let base = await realpath(folder)
  const show = async (other) => (base = await realpath(other))
  const log = []
  const faults = new Map()
  const server = createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url, 'http://portal')
    const path = decodeURIComponent(pathname).slice(1) || 'index.html'
    const fault = faults.get(path)
    const length = Number(request.headers['content-length'] ?? 0)
    response.on('close', () => log.push({ method: request.method, path, query: search, length, status: response.statusCode }))
    if (fault === 'hang') return
    await answer(response, base, path, fault)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise((done) => server.close(done))
  }
  return { url: `http://127.0.0.1:${server.address().port}/`, log, faults, show, close }
}

async function answer(response, base, path, fault) {
  let body = typeof fault === 'number' ? null : await read(base, path)
  if (body && typeof fault === 'function') body = await fault(body)
  if (body === null) {
    response.writeHead(typeof fault === 'number' ? fault : 404).end('no such file\n')
    return
  }
  response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream', 'Content-Length': body.length })
  if (fault !== 'cut') {
    response.end(body)
    return
  }
  response.write(body.subarray(0, body.length >> 1), () => response.destroy())
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
