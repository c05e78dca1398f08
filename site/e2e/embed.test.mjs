// The package for others' pages, packed and installed as an integrator would have it: in Node, and in pages on another origin than the
// portal's, under a strict policy with Trusted Types: node --test site/e2e/embed.test.mjs

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { accessible, launch, watch } from './browser.mjs'
import { open } from './engines.mjs'
import { freePort, start } from './processes.mjs'
import { beginDemo, buildCommand, filesBelow, makeDemo, must } from './registry.mjs'

const run = promisify(execFile)
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

const TYPES = { '.css': 'text/css', '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm' }

let folder, stele, browser
let demo, samples, expected, published // the demonstration
let portal, shown // the server of its portal, and the folder that it shows
let app, installed // the integrator's folder, and the package in it
let trust, otherTrust, oldReceipt // the demonstration's trust file; another registry's; a receipt of the teaching licence from before it was revoked

const sample = (path) => join(samples, path)
const diploma = 'education/diploma.pdf'
const licence = 'education/teaching-licence.docx'
const altered = 'received/diploma.pdf'

/**
 * Serves what `find` finds for a path, on a free port: another origin. `faults` is a Map from a path, or '*', to a status, 'hang', 'gone', or a
 * function of the bytes.
 */
async function serve(find, headers = {}) {
  const log = []
  const faults = new Map()
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://host').pathname).slice(1).replace(/(^|\/)$/, '$1index.html')
    log.push({ method: request.method, url: request.url, path, length: Number(request.headers['content-length'] ?? 0), referrer: request.headers.referer })
    const fault = faults.get(path) ?? faults.get('*')
    if (fault === 'gone') return request.socket.destroy() // as where there is no network
    if (fault === 'hang') return
    const bytes = typeof fault === 'number' ? null : await Promise.resolve(find(path)).catch(() => null)
    const body = bytes !== null && typeof fault === 'function' ? await fault(bytes) : bytes
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream')
    response.writeHead(body === null ? (fault ?? 404) : 200).end(body ?? '')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise((done) => server.close(done))
  }
  return { url: `http://127.0.0.1:${server.address().port}/`, log, faults, close }
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-embed-'))
  demo = join(folder, 'demo')
  samples = join(demo, 'samples')
  stele = await buildCommand(folder)
  oldReceipt = join(folder, 'old.tlog-proof')
  await beginDemo(stele, demo)
  await must(stele, 'publish', '--registry', demo)
  await must(stele, 'receipt', sample(licence), '--registry', demo, '-o', oldReceipt)
  await cp(join(demo, 'public'), join(folder, 'earlier'), { recursive: true })
  expected = await makeDemo(stele, demo)
  trust = await readFile(join(demo, 'trust'))
  await must(stele, 'init', '--registry', join(folder, 'other'), '--origin', 'other.example/ledger', '--demo')
  otherTrust = await readFile(join(folder, 'other/trust'))
  published = new Set(await filesBelow(join(demo, 'public')))
  shown = join(demo, 'public')
  portal = await serve((path) => readFile(join(shown, path)), { 'Access-Control-Allow-Origin': '*' })
  app = join(folder, 'app')
  installed = join(app, 'node_modules/stele-verify')
  await install()
  browser = await launch()
})

/** Makes the package, packs it, and installs it with no network into an empty folder. */
async function install() {
  const source = join(folder, 'stele-verify')
  await must(stele, 'npm', '-o', source)
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: source })
  await mkdir(app)
  await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }\n')
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--cache', join(folder, 'npm'), join(folder, stdout.trim())], { cwd: app })
}

after(async () => {
  await browser?.close()
  await portal?.close()
  await rm(folder, { recursive: true })
})

afterEach(() => portal?.faults.clear())

// The package

test('installed, the package is what was made, with nothing that it needs elsewhere', async () => {
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  assert.deepEqual([manifest.scripts, manifest.dependencies, manifest.peerDependencies], [undefined, undefined, undefined])
  assert.deepEqual((await filesBelow(installed)).sort(), (await filesBelow(join(folder, 'stele-verify'))).sort())
  const assets = (await filesBelow(join(demo, 'public/assets'))).filter((path) => /\.(js|css|wasm)$/.test(path))
  const [home] = assets[0].split('/')
  const same = (await filesBelow(join(installed, 'portal'))).filter((path) => assets.includes(`${home}/${path}`))
  for (const path of same) assert.deepEqual(await readFile(join(installed, 'portal', path)), await readFile(join(demo, 'public/assets', home, path)), path)
  for (const path of ['pool.js', 'worker.js', 'report.js', 'verifier.wasm', 'wasm_exec.js']) assert.ok(same.includes(path), path)
})

/** What the example needs of Node's types, which are no part of this. */
const nodeTypes = `
declare module 'node:fs' { export function existsSync(path: string): boolean; export function openAsBlob(path: string): Promise<Blob> }
declare module 'node:fs/promises' { export function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> }
declare module 'node:url' { export function pathToFileURL(path: string): URL }
declare const process: { argv: string[]; exitCode: number }
`

/** Checks TypeScript files in the integrator's folder, strictly, and resolves to what is wrong and the JavaScript made. */
async function typed(files) {
  const names = []
  for (const [name, text] of Object.entries(files)) {
    names.push(join(app, name))
    await writeFile(join(app, name), text)
  }
  const options = {
    strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noUnusedLocals: true, target: ts.ScriptTarget.ES2022, lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: [],
  }
  const program = ts.createProgram(names, options)
  const { diagnostics } = program.emit()
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map((d) => `${d.file?.fileName.slice(app.length + 1)}: TS${d.code} ${ts.flattenDiagnosticMessageText(d.messageText, '\n')}`)
}

test('the example in TypeScript is right by the types, and checks documents in Node, with a network and without', async (t) => {
  const example = await readFile(join(installed, 'example/check.ts'), 'utf8')
  assert.deepEqual(await typed({ 'check.ts': example, 'node.d.ts': nodeTypes }), [])
  const dir = join(folder, 'mine')
  await cp(samples, dir, { recursive: true })
  await must(stele, 'receipt', sample(diploma), '--registry', demo, '-o', join(dir, `${diploma}.tlog-proof`))
  await cp(oldReceipt, join(dir, `${licence}.tlog-proof`))
  const check = (at, ...files) => run(process.execPath, ['check.js', join(demo, 'trust'), at, ...files.map((file) => join(dir, file))], { cwd: app })
    .then(({ stdout, stderr }) => ({ code: 0, stdout, stderr }), ({ code, stdout, stderr }) => ({ code, stdout, stderr }))
  const told = ({ stdout }) => stdout.trim().split('\n').map((line) => line.split('\t').slice(0, 2)).map(([file, verdict]) => [file.slice(dir.length + 1), verdict])

  const all = await check(portal.url, ...Object.keys(expected))
  assert.equal(all.code, 1)
  assert.deepEqual(told(all), Object.entries(expected))
  assert.deepEqual(told(await check(portal.url, diploma)), [[diploma, 'authentic']])

  const before = portal.log.length
  const alone = await check('-', diploma, licence)
  assert.deepEqual(told(alone), [[diploma, 'authentic'], [licence, 'authentic']], 'a receipt knows nothing of what came after it')
  assert.equal(alone.code, 0)
  assert.equal((await check('-', altered)).code, 2, 'without a receipt nothing is decided')
  assert.equal(portal.log.length, before)
  const gone = await check(portal.url, 'nothing-here.pdf')
  assert.deepEqual([gone.code, gone.stderr.split('\t')[1]], [2, 'unreadable'])
})

test('the types are those of the reports that there are, to the letter', async () => {
  const { createVerifier } = await import(pathToFileURL(join(installed, 'node.js')))
  const verifier = await createVerifier({ trust, portal: portal.url })
  const reports = []
  for (const path of Object.keys(expected)) reports.push((await verifier.check(await readFile(sample(path)))).report)
  reports.push((await verifier.check(await readFile(sample(licence)), { receipt: await readFile(oldReceipt) })).report)
  portal.faults.set('ledger/head', 503)
  reports.push((await verifier.check(await readFile(sample(diploma)), { fresh: true })).report)
  assert.equal(reports.at(-1).verdict, 'unavailable')
  verifier.close()
  const lines = reports.map((report, i) => `export const report${i}: Report = ${JSON.stringify(report)}`)
  assert.deepEqual(await typed({ 'reports.ts': `import type { Report } from 'stele-verify'\n${lines.join('\n')}\n` }), [])
  const wrong = `import { createVerifier, type Report } from 'stele-verify'
import 'stele-verify/element'
export const report: Report = ${JSON.stringify({ ...reports[0], verdict: 'genuine' })}
export const more: Report = ${JSON.stringify({ ...reports[0], colour: 'green' })}
const element = document.createElement('stele-verify')
element.addEventListener('stele-verdict', ({ detail }) => { if (detail.verdict === 'valid') element.clear() })
await createVerifier({ portal: 'https://registry.example/' })
`
  const codes = (await typed({ 'wrong.ts': wrong })).map((line) => line.match(/TS\d+/)[0])
  assert.deepEqual(codes, ['TS2322', 'TS2353', 'TS2367', 'TS2345'])
})

// In Node

/** The verifier in Node, as the test of the moment wants it. */
async function inNode(t, options) {
  const { createVerifier } = await import(pathToFileURL(join(installed, 'node.js')))
  const verifier = await createVerifier({ trust, portal: portal.url, ...options })
  t.after(() => verifier.close())
  return verifier
}

test('in Node: a newer document is looked up by its fingerprints, evidence is examined, a closed verifier says so', async (t) => {
  const verifier = await inNode(t)
  const { report } = await verifier.check(await readFile(sample('land/land-extract-2019.pdf')))
  assert.equal(report.verdict, 'superseded')
  const newer = await verifier.lookUp(report.life.replaced_by)
  assert.equal(newer.verdict, 'authentic')
  assert.ok(newer.report.steps.some((step) => step.id === 'digest'), 'it says that no file was checked')
  await assert.rejects(verifier.lookUp({ sha256: 'abc', sha3_512: '' }), TypeError)
  const nothing = await verifier.examine(Buffer.from('stele.conflict/1\nnothing'))
  assert.deepEqual([nothing.proved, nothing.report], [false, null])
  await assert.rejects(verifier.check('diploma.pdf'), TypeError, 'a name is no document')
  verifier.close()
  await assert.rejects(verifier.check(trust), { name: 'VerifierError', code: 'closed' })
})

test('in Node: an abort is noticed at once, and what it was given as a reason is what comes of it', async (t) => {
  const verifier = await inNode(t)
  await assert.rejects(verifier.check(trust, { signal: AbortSignal.abort('no') }), (error) => error === 'no')
  portal.faults.set('ledger/head', 'hang')
  const abort = new AbortController()
  const states = []
  const checking = verifier.check(trust, { signal: abort.signal, fresh: true, onProgress: ({ state }) => { states.push(state); if (state === 'checking') abort.abort() } })
  await assert.rejects(checking, { name: 'AbortError' })
  assert.equal(states.at(-1), 'checking', 'nothing is told after the end')
  portal.faults.clear()
  portal.faults.set('ledger/head', (bytes) => bytes)
  assert.equal((await verifier.check(await readFile(sample(diploma)), { fresh: true })).verdict, 'authentic')
})

test('in Node: what was remembered by hand keeps a registry from showing an older past', async (t) => {
  let kept = null
  const store = { load: () => kept, save: (remembered) => (kept = remembered) }
  const first = await inNode(t, { remember: store })
  await first.check(await readFile(sample(diploma)))
  assert.ok(kept.head.length > 0 && kept.size > 0)
  const older = await serve((path) => readFile(join(folder, 'earlier', path)))
  t.after(() => older.close())
  const mindful = await inNode(t, { remember: store, portal: older.url })
  const { verdict, report } = await mindful.check(await readFile(sample(licence)))
  assert.deepEqual([verdict, report.reason], ['stale', 'rollback'])
  const forgetful = await inNode(t, { remember: false, portal: older.url })
  assert.equal((await forgetful.check(await readFile(sample(licence)))).verdict, 'authentic')
})

test('in Node: a wrong trust file, or none, is never taken for a document’s fault', async (t) => {
  const foreign = await inNode(t, { trust: otherTrust })
  const { verdict, report } = await foreign.check(await readFile(sample(diploma)))
  assert.deepEqual([verdict, report.reason], ['unavailable', 'other-registry'])
  const empty = await inNode(t, { trust: new Uint8Array() })
  assert.deepEqual(await empty.check(trust).then(({ verdict, report }) => [verdict, report.reason]), ['unavailable', 'trust'])
  await assert.rejects(inNode(t, { trustSHA256: sha256('another') }), { name: 'VerifierError', code: 'trust' })
  await assert.rejects(inNode(t, { trust: `${portal.url}trust/99` }), { code: 'trust' })
  await assert.rejects(inNode(t, { trust: null }), TypeError)
  await assert.rejects(inNode(t, { portal: 'javascript:alert(1)' }), TypeError)
  const notices = async (options) => (await (await inNode(t, options)).check(await readFile(sample(diploma)))).report.notices
  assert.ok(!(await notices({ trustSHA256: sha256(trust) })).includes('trust-unpinned'))
  assert.ok((await notices({ trust: `${portal.url}trust/1` })).includes('trust-unpinned'), 'it came from the very portal that is checked')
  assert.ok(!(await notices({ trust: `${portal.url}trust/1`, trustSHA256: sha256(trust) })).includes('trust-unpinned'))
})

test('in Node: a program ends by itself when it has its answer', async () => {
  await writeFile(join(app, 'once.js'), `import { createVerifier } from 'stele-verify'
import { readFile } from 'node:fs/promises'
const verifier = await createVerifier({ trust: await readFile(${JSON.stringify(join(demo, 'trust'))}) })
console.log((await verifier.check(await readFile(${JSON.stringify(sample(licence))}), { receipt: await readFile(${JSON.stringify(oldReceipt)}) })).verdict)
`)
  const { stdout } = await run(process.execPath, ['once.js'], { cwd: app, timeout: 60_000 })
  assert.equal(stdout, 'authentic\n')
})

// In pages

const strict = (also = '') => `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${portal.url}; style-src 'self'; worker-src 'self'; ` +
  `base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'${also}`

const html = (body, lang = 'en') => `<!DOCTYPE html><html lang="${lang}"><head><meta charset="utf-8"><title>A page of somebody else’s</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/page.css"><script type="module" src="/stele-verify/element.js"></script></head>
<body><main><h1>Ours</h1>${body}</main></body></html>`

const tag = (attributes = '') => `<stele-verify portal="${portal.url}" trust="/registry.trust" ${attributes}></stele-verify>`

const look = 'body { margin: 0; font: 1rem/1.5 sans-serif } main { padding: 0.5rem }'

/** Serves a page of an integrator's with the package, on an origin of its own; `files` stand in place of the package's. */
function hosting({ body = tag(), files = {}, csp = strict(), also = () => Promise.reject(new Error('none')) } = {}) {
  const pages = { 'index.html': html(body), 'page.css': look, 'registry.trust': trust, ...files }
  const find = (path) => (pages[path] !== undefined ? pages[path] : readFile(join(installed, path.replace(/^stele-verify\//, ''))).catch(() => also(path)))
  return serve(find, { 'Content-Security-Policy': csp, 'X-Content-Type-Options': 'nosniff' })
}

/**
 * Opens a page of an integrator's, on an origin of its own, and holds in the end what must hold of every visit: nothing but the page's
 * own files and published names is asked for, nothing is sent along, and its policy is never broken.
 *
 * @param {object} how as for hosting; faulty (errors are part of the test), context (options of the browser's)
 */
async function visit(use, { faulty = false, context: options = {}, ...how } = {}) {
  const own = await hosting(how)
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Kyiv', reducedMotion: 'reduce', ...options })
  const { requests, errors } = watch(context)
  await context.addInitScript(() => {
    globalThis.broken = []
    globalThis.told = []
    document.addEventListener('securitypolicyviolation', (e) => broken.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`))
    for (const type of ['stele-verdict', 'stele-failure', 'stele-evidence']) {
      document.addEventListener(type, ({ detail }) => told.push({ type, name: detail.name, verdict: detail.verdict ?? detail.error?.code ?? detail.examination.proved }))
    }
  })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const begin = portal.log.length
  try {
    await page.goto(own.url)
    await page.locator('stele-verify .drop, stele-verify a').first().waitFor()
    const result = await use(page, { own, requests, context })
    if (!faulty) {
      assert.deepEqual(await page.evaluate(() => broken), [])
      assert.deepEqual(errors, [])
    }
    for (const { url, method, body } of requests.filter((r) => !r.url.startsWith('blob:'))) {
      assert.deepEqual([method, body], ['GET', null], url)
      if (url.startsWith(own.url)) continue
      assert.ok(url.startsWith(portal.url), `${url} is neither the page’s nor the portal’s`)
      assert.ok(published.has(decodeURIComponent(url.slice(portal.url.length))) || faulty, `${url} is not published`)
    }
    for (const { url, method, length } of portal.log.slice(begin)) assert.deepEqual([method, length, url.includes('?')], ['GET', 0, false], url)
    return result
  } finally {
    await context.close()
    await own.close()
  }
}

/** Gives files to an element as a visitor who chooses them, and waits until each is told of: [{type, name, verdict}] in the order of the list. */
async function give(page, files, { at = 'stele-verify', count = files.length } = {}) {
  await page.locator(at).locator('#files').setInputFiles(files)
  return rowsOf(page, at, count)
}

/** The rows of an element, once that many are done: [{file, verdict, state}]. */
async function rowsOf(page, at, count) {
  await page.waitForFunction(([at, n]) => {
    const rows = [...document.querySelector(at).shadowRoot.querySelectorAll('.row')]
    return rows.length >= n && rows.every((row) => ['done', 'stopped', 'alone'].includes(row.dataset.state))
  }, [at, count])
  return page.locator(at).locator('.row').evaluateAll((rows) => rows.map((row) => ({ file: row.dataset.file, verdict: row.dataset.verdict ?? null, state: row.dataset.state })))
}

const verdictsOf = (rows) => rows.map((row) => row.verdict)

/** A file that lies on no disk. */
const named = (name, buffer) => ({ name, mimeType: '', buffer })

test('every sample gets its verdict in a page with a strict policy and Trusted Types, and the page is told', async () => {
  await visit(async (page) => {
    const rows = await give(page, Object.keys(expected).map(sample))
    assert.deepEqual(verdictsOf(rows), Object.values(expected))
    assert.deepEqual((await page.evaluate(() => told)).map(({ type, name, verdict }) => [type, name, verdict]).sort(),
      rows.map(({ file, verdict }) => ['stele-verdict', file, verdict]).sort())
    await page.waitForFunction((n) => document.querySelector('stele-verify').shadowRoot.querySelector('[role=status]').textContent === `Checked ${n} of ${n}`, rows.length)
  })
})

test('one document is told in the portal’s words: what it is, what to do, by whom, who approved, and a receipt to keep', async () => {
  await visit(async (page) => {
    await give(page, [sample(diploma)])
    const row = page.locator('stele-verify .row')
    const text = await row.innerText()
    for (const part of ['Authentic', 'This is exactly the file that', 'What to do', 'Ministry of Education', 'Approved by', 'Seen by', 'How this was checked', 'This is a demonstration']) assert.ok(text.includes(part), `${part} in ${text}`)
    assert.ok(!text.includes('trust-unpinned') && !text.includes('Compare its fingerprint'), 'the page has a trust file of its own')
    await row.locator('details[data-checked] > summary').click()
    await row.locator('[data-drawing]').first().waitFor() // what draws it is loaded when somebody asks for it
    const links = await row.locator('a').evaluateAll((all) => all.map((a) => a.href))
    assert.ok(links.length > 0 && links.every((href) => href.startsWith(portal.url)), `links lead to the portal: ${links}`)
    const [download] = await Promise.all([page.waitForEvent('download'), row.getByRole('button', { name: 'Save the receipt' }).click()])
    assert.equal(download.suggestedFilename(), 'diploma.pdf.tlog-proof')
    const receipt = join(folder, 'saved.tlog-proof')
    await download.saveAs(receipt)
    const { code } = await stele('verify', sample(diploma), '--receipt', receipt, '--policy', join(demo, 'trust'))
    assert.equal(code, 0, 'the command believes it')
  })
})

test('the newer document is looked up on a click, and is not green without its file', async () => {
  await visit(async (page) => {
    await give(page, [sample('land/land-extract-2019.pdf')])
    await page.locator('stele-verify .row').getByRole('button', { name: 'Check the newer document' }).click()
    const rows = await rowsOf(page, 'stele-verify', 2)
    assert.deepEqual(verdictsOf(rows), ['superseded', 'authentic'])
    assert.equal(await page.locator('stele-verify .row').nth(1).locator('use').first().getAttribute('href'), '#icon-recorded')
    assert.equal((await page.evaluate(() => told)).length, 1, 'no document of the reader’s was checked')
  })
})

test('receipts are paired; without the portal they still answer, and what has none is an outage', async () => {
  const beside = join(folder, 'teaching-licence.docx.tlog-proof')
  await cp(oldReceipt, beside)
  await visit(async (page) => {
    portal.faults.set('ledger/head', 503)
    const rows = await give(page, [sample(licence), beside, sample(diploma)], { count: 2 })
    assert.deepEqual(verdictsOf(rows), ['authentic', 'unavailable'])
    assert.match(await page.locator('stele-verify .row').nth(1).innerText(), /This says nothing for or against the document/)
    portal.faults.clear()
    await page.locator('stele-verify .row').nth(0).getByRole('button', { name: 'Check again' }).click()
    await page.locator('stele-verify .row').nth(1).getByRole('button', { name: 'Check again' }).click()
    await page.locator('stele-verify .row[data-verdict="revoked"]').waitFor()
    await page.locator('stele-verify .row[data-verdict="authentic"]').waitFor()
    // A receipt by itself waits for its document.
    await page.locator('stele-verify').getByRole('button', { name: 'Clear the list' }).click()
    const [alone] = await give(page, [oldReceipt])
    assert.deepEqual([alone.state, alone.verdict], ['alone', null])
    await page.locator('stele-verify .row input[type=file]').setInputFiles(sample(licence))
    await page.locator('stele-verify .row[data-verdict="revoked"]').waitFor()
  }, { faulty: true })
})

test('where the registry cannot be reached, what this device has read before answers, and says since when', async () => {
  await visit(async (page) => {
    await give(page, [sample(diploma)])
    await page.waitForFunction((head) => new Promise((resolve) => {
      const opening = indexedDB.open('stele-kept')
      opening.onupgradeneeded = () => opening.transaction.abort() // the verifier makes it
      opening.onerror = () => resolve(false)
      opening.onsuccess = () => {
        const asked = opening.result.transaction('files').objectStore('files').get(head)
        asked.onsuccess = () => {
          opening.result.close()
          resolve(Boolean(asked.result))
        }
      }
    }), `${portal.url}ledger/head`)
    await page.reload()
    await page.locator('stele-verify .drop').waitFor()
    portal.faults.set('*', 'gone')
    assert.deepEqual(verdictsOf(await give(page, [sample(diploma)])), ['authentic'])
    assert.equal(await page.locator('stele-verify [data-since]').count(), 1)
    assert.match(await page.locator('stele-verify [data-since]').innerText(), /Without a network/)
    const kept = await page.evaluate(async ([portal, bytes]) => {
      const { createVerifier } = await import('/stele-verify/index.js')
      const answers = []
      for (const remember of [undefined, false]) {
        const verifier = await createVerifier({ trust: '/registry.trust', portal, remember })
        const { verdict, since } = await verifier.check(new Uint8Array(bytes))
        answers.push([verdict, since !== null])
        verifier.close()
      }
      return answers
    }, [portal.url, [...(await readFile(sample(diploma)))]])
    assert.deepEqual(kept, [['authentic', true], ['unavailable', false]], 'who wants nothing kept has nothing kept')
  }, { faulty: true })
})

test('whatever the portal shows, its ruin is never a forgery’s and never green', async () => {
  const paths = (await visit(async (page, { requests }) => {
    await give(page, [sample(diploma)])
    return requests.map((r) => r.url)
  })).filter((url) => url.startsWith(portal.url)).map((url) => url.slice(portal.url.length))
  assert.ok(paths.length > 1)
  const wrongs = { gone: 404, broken: 500, empty: () => Buffer.alloc(0), cut: (bytes) => bytes.subarray(0, bytes.length >> 1), flipped: (bytes) => Buffer.from(bytes).fill(bytes[0] ^ 1, 0, 1), other: () => Buffer.from('<!DOCTYPE html>') }
  for (const path of paths.filter((path) => !path.startsWith('trust/'))) {
    for (const [name, fault] of Object.entries(wrongs)) {
      await visit(async (page) => {
        portal.faults.set(path, fault)
        const rows = await give(page, [sample(diploma), sample(altered)])
        assert.deepEqual(verdictsOf(rows), ['unavailable', 'unavailable'], `${path} is ${name}`)
      }, { faulty: true })
      portal.faults.clear()
    }
  }
})

test('where it cannot check, it says so in words, and leads to the registry’s own page', async () => {
  const cases = {
    'no trust file': [{ files: { 'registry.trust': null } }, 'trust', /whose signatures to trust/],
    'another trust file than the one pinned': [{ body: tag(`trust-sha256="${sha256('x')}"`) }, 'trust', /whose signatures to trust/],
    'WASM is blocked': [{ csp: strict().replace(" 'wasm-unsafe-eval'", '') }, 'not-started', /could not be started/],
    'workers are blocked': [{ csp: strict().replace("worker-src 'self'", "worker-src 'none'") }, 'not-started', /could not be started/],
    'its policy is not listed': [{ csp: strict('; trusted-types others') }, 'not-started', /could not be started/],
    'the verifier is damaged': [{ files: { 'stele-verify/portal/verifier.wasm': Buffer.from('\0asm') } }, 'not-started', /could not be started/],
    'a module of the worker is missing': [{ files: { 'stele-verify/portal/hash.js': null } }, 'not-started', /could not be started/],
    'no portal is named': [{ body: '<stele-verify trust="/registry.trust"></stele-verify>' }, 'not-started', /could not be started/],
    'its portal is a script': [{ body: '<stele-verify portal="javascript:alert(1)" trust="/registry.trust"></stele-verify>' }, 'not-started', /could not be started/],
  }
  for (const [name, [how, code, words]] of Object.entries(cases)) {
    await visit(async (page) => {
      const [row] = await give(page, [sample(diploma)])
      assert.equal(row.verdict, 'unavailable', name)
      const help = page.locator('stele-verify [part=help]')
      assert.match(await help.innerText(), words, name)
      const link = await page.locator('stele-verify .elsewhere a').evaluateAll((all) => all.map((a) => a.href))
      assert.deepEqual(link, /portal is/.test(name) || /portal is a/.test(name) ? [] : [portal.url], name)
      assert.ok((await page.evaluate(() => told)).some(({ type, verdict }) => type === 'stele-failure' && verdict === code), name)
    }, { faulty: true, ...how, files: how.files ?? {} })
  }
})

test('a policy that lists the element’s own Trusted Types policy is enough', async () => {
  await visit(async (page) => assert.deepEqual(verdictsOf(await give(page, [sample(diploma)])), ['authentic']), { csp: strict('; trusted-types stele-verify') })
})

test('a wrong trust file decides nothing; one from the portal itself is said to be so', async () => {
  await visit(async (page) => {
    const [row] = await give(page, [sample(diploma)])
    assert.equal(row.verdict, 'unavailable')
    assert.match(await page.locator('stele-verify .row').innerText(), /another registry/)
  }, { files: { 'registry.trust': otherTrust } })
  const unpinned = `<stele-verify portal="${portal.url}" trust="${portal.url}trust/1"></stele-verify>`
  await visit(async (page) => {
    await give(page, [sample(diploma)])
    assert.equal(await page.locator('stele-verify [data-notice="trust-unpinned"]').count(), 1)
    assert.match(await page.locator('stele-verify [data-notice="trust-unpinned"]').textContent(), /keep a copy of its own/)
  }, { body: unpinned })
  await visit(async (page) => {
    await give(page, [sample(diploma)])
    assert.equal(await page.locator('stele-verify [data-notice="trust-unpinned"]').count(), 0)
  }, { body: unpinned.replace('>', ` trust-sha256="${sha256(trust)}">`) })
})

test('hostile names and issuers’ words are text', async () => {
  const names = ['<img src=x onerror=alert(1)>.pdf', '"><script>alert(1)</script>', 'gpj.\u202efdp', '{issuer}', '__proto__', 'constructor', 'a'.repeat(200), 'Справка 日本 شهادة.pdf']
  await visit(async (page) => {
    const buffer = await readFile(sample(diploma))
    const rows = await give(page, names.map((name) => named(name, buffer)))
    assert.deepEqual(rows.map((row) => [row.file, row.verdict]), names.map((name) => [name, 'authentic']))
    assert.equal(await page.locator('stele-verify img, stele-verify script').count(), 0)
    const shown = await page.locator('stele-verify [data-slot=name]').allTextContents()
    assert.equal(shown[2], 'gpj.\u25affdp', 'what turns the direction of writing is shown')
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    assert.ok(wide <= 0, `${wide} px too wide`)
  })
})

test('two elements on one page answer each for itself', async () => {
  const two = `<div id="one">${tag()}</div><div id="two"><stele-verify portal="${portal.url}nowhere/" trust="/registry.trust"></stele-verify></div>`
  await visit(async (page) => {
    const [one, two] = await Promise.all([give(page, [sample(diploma)], { at: '#one stele-verify' }), give(page, [sample(diploma)], { at: '#two stele-verify' })])
    assert.deepEqual([verdictsOf(one), verdictsOf(two)], [['authentic'], ['unavailable']])
    assert.deepEqual(verdictsOf(await give(page, [sample(licence)], { at: '#one stele-verify', count: 2 })), ['authentic', 'revoked'])
  }, { body: two, faulty: true })
})

test('an element that is taken out while it checks stops and is silent; one that is moved goes on', async () => {
  await visit(async (page) => {
    let open
    const asked = new Promise((seen) => portal.faults.set('ledger/head', (bytes) => new Promise((resolve) => {
      open = () => resolve(bytes)
      seen()
    })))
    await page.locator('stele-verify #files').setInputFiles(sample(diploma))
    await page.waitForFunction(() => document.querySelector('stele-verify').shadowRoot.querySelector('.row[data-state=checking]'))
    await asked
    await page.evaluate(() => document.querySelector('main').prepend(document.querySelector('stele-verify')))
    open()
    assert.deepEqual(verdictsOf(await rowsOf(page, 'stele-verify', 1)), ['authentic'])
    const workers = () => page.workers().length
    assert.ok(workers() > 0)
    await page.evaluate(() => {
      globalThis.removed = document.querySelector('stele-verify')
      removed.shadowRoot.querySelector('#files').focus()
    })
    portal.faults.set('ledger/head', 'hang')
    await page.evaluate(() => {
      told.length = 0
      removed.check([new File(['x'], 'x')])
      removed.remove()
    })
    await page.waitForFunction(() => removed.shadowRoot.querySelectorAll('.row').length === 0)
    while (workers() > 0) await page.waitForEvent('worker', { timeout: 1_000 }).catch(() => {})
    assert.deepEqual(await page.evaluate(() => told), [])
    portal.faults.clear()
    await page.evaluate(() => document.querySelector('main').append(removed))
    assert.deepEqual(verdictsOf(await give(page, [sample(licence)])), ['revoked'], 'put back, it works again')
  }, { faulty: true })
})

test('attributes and properties are one; another portal is another beginning, and another theme or language is not', async () => {
  await visit(async (page) => {
    await give(page, [sample(diploma)])
    assert.equal(await page.evaluate(() => document.querySelector('stele-verify').portal), portal.url)
    await page.evaluate(() => (document.querySelector('stele-verify').theme = 'dark'))
    await page.waitForFunction(() => {
      const { shadowRoot } = document.querySelector('stele-verify')
      const frame = shadowRoot.querySelector('.frame')
      return shadowRoot.querySelector('[data-verdict=authentic]') && getComputedStyle(frame).backgroundColor === 'rgb(26, 24, 21)'
    })
    assert.equal(await page.getAttribute('stele-verify', 'theme'), 'dark')
    await page.evaluate((url) => (document.querySelector('stele-verify').portal = url), `${portal.url}nowhere/`)
    await page.waitForFunction(() => document.querySelector('stele-verify').shadowRoot.querySelectorAll('.row').length === 0)
    assert.deepEqual(verdictsOf(await give(page, [sample(diploma)])), ['unavailable'])
  }, { faulty: true })
})

test('the keyboard alone does everything, and what is read out is said once', async () => {
  await visit(async (page) => {
    page.on('filechooser', () => {}) // the browser is told beforehand that nobody sees a dialogue
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    const where = () => page.evaluate(() => {
      const { activeElement } = document.querySelector('stele-verify').shadowRoot
      return activeElement?.id || activeElement?.getAttribute('aria-label') || activeElement?.textContent
    })
    for (let i = 0; i < 5 && (await where()) !== 'files'; i++) await page.keyboard.press('Tab')
    assert.equal(await where(), 'files')
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')])
    await chooser.setFiles([sample(diploma)])
    await rowsOf(page, 'stele-verify', 1)
    await page.keyboard.press('Tab')
    assert.equal(await where(), 'Clear the list')
    await page.keyboard.press('Tab')
    assert.equal(await where(), 'Hide details: diploma.pdf')
    await page.keyboard.press('Tab')
    assert.equal(await where(), 'Remove: diploma.pdf')
    await page.waitForFunction(() => document.querySelector('stele-verify').shadowRoot.querySelector('[role=status]').textContent === 'Result: Authentic')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.querySelector('stele-verify').shadowRoot.querySelectorAll('.row').length === 0)
    assert.equal(await where(), 'files', 'the keyboard is not thrown off')
  })
})

test('axe finds nothing in any state, light and dark, on a phone and a desk; forced colours and large type too', async () => {
  for (const files of [[], [diploma], [licence, altered, 'land/land-extract-2019.pdf']]) {
    await visit(async (page) => {
      if (files.length > 0) await give(page, files.map(sample))
      await page.locator('stele-verify details').evaluateAll((all) => all.forEach((d) => (d.open = true)))
      await accessible(page, `${files.length} answers`)
    })
  }
  await visit(async (page) => {
    await give(page, [sample(diploma)])
    await accessible(page, 'it cannot check')
  }, { files: { 'registry.trust': null }, faulty: true })
  await visit(async (page) => {
    await give(page, [sample(diploma)])
    const border = await page.locator('stele-verify .row').evaluate((row) => getComputedStyle(row).borderInlineStartStyle)
    assert.equal(border, 'solid')
  }, { context: { forcedColors: 'active' } })
})

test('the page’s own words, looks and directions are its own', async () => {
  const body = `<style-free></style-free><stele-verify dir="rtl" portal="${portal.url}" trust="/registry.trust"><h2>Is it ours?</h2><p slot="note">As we sent it.</p></stele-verify>`
  await visit(async (page) => {
    await give(page, [sample(diploma)])
    assert.deepEqual(await page.locator('stele-verify h2:visible').allInnerTexts(), ['Is it ours?'])
    const [ours, theirs] = await page.evaluate(() => {
      const { shadowRoot } = document.querySelector('stele-verify')
      return [getComputedStyle(shadowRoot.querySelector('.button.primary')).backgroundColor, getComputedStyle(shadowRoot.querySelector('.drop')).borderTopColor]
    })
    const lost = await page.evaluate(async () => {
      const { build } = await import('/stele-verify/index.js')
      const rules = await Promise.all(build.styles.map(async (name) => {
        const sheet = new CSSStyleSheet()
        sheet.replaceSync(await (await fetch(`/stele-verify/portal/${name}`)).text())
        return sheet.cssRules.length
      }))
      const { adoptedStyleSheets } = document.querySelector('stele-verify').shadowRoot
      return rules.map((count, i) => count - adoptedStyleSheets[i].cssRules.length)
    })
    assert.ok(lost.length > 0 && lost.every((n) => n === 0), `rules that do not hold in a shadow tree: ${lost}`)
    assert.equal(ours, 'rgb(1, 2, 3)')
    assert.equal(theirs, 'rgb(4, 5, 6)')
  }, { body: body.replace('<style-free></style-free>', ''), files: { 'page.css': 'stele-verify { --action: rgb(1 2 3) } stele-verify::part(drop) { border-color: rgb(4 5 6) }' } })
})

test('from right to left nothing is cut off, and values stand apart in sentences of their own direction', async () => {
  const text = JSON.parse(await readFile(join(installed, 'portal/text/en.json'), 'utf8'))
  text.direction = 'rtl'
  text.verdicts.authentic.meaning = 'هذا {issuer} حتى {asof}.'
  await visit(async (page) => {
    await give(page, [sample(diploma), sample('education/شهادة تخرج.txt')])
    assert.match(await page.locator('stele-verify .meaning').first().textContent(), /^هذا \u2068Ministry of Education\u2069 حتى \u2068/)
    assert.equal(await page.locator('stele-verify .frame').evaluate((frame) => getComputedStyle(frame).direction), 'rtl')
    await accessible(page, 'from right to left')
  }, { files: { 'stele-verify/portal/text/en.json': JSON.stringify(text) } })
})

test('what this origin remembers keeps a registry from showing an older past, in another visit too', async (t) => {
  t.after(() => (shown = join(demo, 'public')))
  await visit(async (page) => {
    await give(page, [sample(diploma)])
    shown = join(folder, 'earlier')
    await page.reload()
    await page.locator('stele-verify .drop').waitFor()
    const [row] = await give(page, [sample(licence)])
    assert.equal(row.verdict, 'stale')
  }, { faulty: true })
})

test('the module by itself, in a page: verdicts, progress, and an abort', async () => {
  const script = `import { createVerifier } from '/stele-verify/index.js'
globalThis.createVerifier = createVerifier
`
  const page = `<!DOCTYPE html><html lang="en"><head><title>m</title><script type="module" src="/stele-verify/element.js"></script><script type="module" src="/own.js"></script></head><body>${tag()}</body></html>`
  await visit(async (page) => {
    const bytes = [...(await readFile(sample(licence)))]
    const result = await page.evaluate(async ([portal, bytes]) => {
      const verifier = await createVerifier({ trust: '/registry.trust', portal, workers: 1, remember: false })
      const states = []
      const { verdict, receipt } = await verifier.check(new Uint8Array(bytes), { onProgress: ({ state }) => states.push(state) })
      const aborted = await verifier.check(new Blob(['x']), { signal: AbortSignal.abort() }).catch((error) => error.name)
      const again = verifier.check(new Blob(['x'])).catch((error) => error.code)
      verifier.close()
      return { verdict, receipt: receipt.length > 0, states, aborted, closed: await again }
    }, [portal.url, bytes])
    assert.deepEqual([result.verdict, result.receipt, result.aborted, result.closed], ['revoked', true, 'AbortError', 'closed'])
    assert.deepEqual(result.states.filter((state, i, all) => state !== all[i - 1]), ['queued', 'hashing', 'checking'])
  }, { files: { 'index.html': page, 'own.js': script } })
})

test('the example of the package works as it is written, with the portal as it is served', async () => {
  const port = await freePort()
  const served = start(stele.path, ['serve', '--registry', demo, '--addr', `127.0.0.1:${port}`], { ...stele.env, STELE_PASSPHRASE: '' })
  try {
    await served.says(/127\.0\.0\.1/)
    const example = (await readFile(join(installed, 'example/index.html'), 'utf8')).replaceAll('http://127.0.0.1:8080', `http://127.0.0.1:${port}`)
    const own = await serve((path) => (path === 'example/index.html' ? example : path === 'example/registry.trust' ? trust : readFile(join(installed, path))), {})
    const page = await (await browser.newContext({ locale: 'en-GB' })).newPage()
    const { errors } = watch(page.context())
    await page.goto(`${own.url}example/`)
    await page.locator('stele-verify #files').setInputFiles(sample(diploma))
    await page.waitForFunction(() => document.querySelector('#told').textContent === 'diploma.pdf: a document of Ministry of Education.')
    assert.deepEqual(errors, [])
    await page.context().close()
    await own.close()
  } finally {
    await served.end()
  }
})

// In the other engines

for (const name of ['Firefox', 'WebKitGTK']) {
  test(`in ${name}: every sample, a portal that is down, and a receipt, under the same policy`, async (t) => {
    const engine = await open(name)
    t.after(() => engine.close())
    const own = await hosting({ also: (path) => (path === 'old.tlog-proof' ? readFile(oldReceipt) : readFile(sample(path.replace(/^samples\//, '')))) })
    t.after(() => own.close())
    const visitor = await engine.visitor()
    t.after(() => visitor.close())
    await visitor.go(own.url)
    await visitor.until(() => Boolean(document.querySelector('stele-verify')?.shadowRoot?.querySelector('.drop')))

    /** Gives files of the page's own server to the element, under their names, and waits for that many answers. */
    const take = async (paths, count) => {
      await visitor.evaluate((paths) => {
        const element = document.querySelector('stele-verify')
        element.clear()
        globalThis.checking = Promise.all(paths.map(async ([path, name]) => new File([await (await fetch(path)).arrayBuffer()], name))).then((files) => element.check(files))
      }, paths)
      await visitor.until((n) => {
        const rows = [...document.querySelector('stele-verify').shadowRoot.querySelectorAll('.row')]
        return rows.length === n && rows.every((row) => row.dataset.state === 'done')
      }, count)
      return visitor.evaluate(() => [...document.querySelector('stele-verify').shadowRoot.querySelectorAll('.row')].map((row) => row.dataset.verdict))
    }

    const all = Object.keys(expected)
    const address = (path) => `/samples/${path.split('/').map(encodeURIComponent).join('/')}`
    assert.deepEqual(await take(all.map((path) => [address(path), path]), all.length), Object.values(expected))
    const drawn = await visitor.evaluate(() => {
      const { shadowRoot } = document.querySelector('stele-verify')
      return [shadowRoot.querySelector('.verdict-icon use').getBBox().width > 0, getComputedStyle(shadowRoot.querySelector('.row')).borderInlineStartWidth, document.documentElement.scrollWidth <= innerWidth]
    })
    assert.deepEqual(drawn, [true, '6px', true], 'symbols and looks have come into the shadow tree')
    assert.deepEqual(visitor.errors().filter((error) => !error.includes('favicon.ico')), []) // which browsers ask for by themselves

    await visitor.reload()
    await visitor.until(() => Boolean(document.querySelector('stele-verify')?.shadowRoot?.querySelector('.drop')))
    portal.faults.set('ledger/head', 503)
    const pair = [[address(licence), 'licence.docx'], ['/old.tlog-proof', 'licence.docx.tlog-proof'], [address(diploma), 'diploma.pdf']]
    const [withReceipt, without] = await take(pair, 2)
    assert.ok(['authentic', 'recorded'].includes(withReceipt), withReceipt)
    assert.equal(without, 'unavailable')
  })
}
