// The edge in workerd, the Workers' own runtime, beside the publisher's own server: node --test site/e2e/edge.test.mjs

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { access, cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { launch, verdicts, visitor } from './browser.mjs'
import { ask, startEdge, startNative, startOrigin } from './edge.mjs'
import { buildCommand, filesBelow, makeDemo, must } from './registry.mjs'

let folder, stele, expected, published, origin, edge, native
const demo = () => join(folder, 'demo')
const old = () => join(folder, 'old') // a copy of the registry, as it was first
const deployed = () => join(folder, 'edge')

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-edge-'))
  stele = await buildCommand(folder)
  expected = await makeDemo(stele, demo())
  published = await publishedNow()
  await cp(demo(), old(), { recursive: true })
  origin = await startOrigin(stele, demo())
  edge = await startEdge(stele, demo(), deployed())
  native = await startNative(stele, demo(), join(folder, 'native'))
})

after(async () => {
  for (const one of [edge, native, origin]) await one?.end()
  await rm(folder, { recursive: true, force: true })
})

async function publishedNow() {
  const all = await filesBelow(join(demo(), 'public'))
  return all.filter((name) => !name.split('/').some((part) => part.startsWith('.')))
}

/** The headers that say what an answer is and what may be done with it. */
const MATTER = ['content-type', 'cache-control', 'content-security-policy', 'permissions-policy', 'x-content-type-options', 'referrer-policy',
  'access-control-allow-origin', 'allow', 'retry-after', 'location', 'content-range']

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

const matters = ({ status, headers, body }) => ({ status, headers: Object.fromEntries(MATTER.map((name) => [name, headers[name]])), bytes: body.length, sha256: sha256(body) })

/** Asks the publisher, the Worker and the edge that runs natively for the same, and holds that they answer the same. */
async function same(path, options = {}) {
  const [theirs, ours, others] = await Promise.all([origin, edge, native].map(({ url }) => ask(url, { path, ...options })))
  const asked = `${options.method ?? 'GET'} ${path} ${JSON.stringify(options.headers ?? {})}`
  assert.deepEqual(matters(ours), matters(theirs), asked)
  assert.deepEqual(matters(others), matters(theirs), `${asked}, natively`)
  return ours
}

const encoded = (name) => '/' + name.split('/').map(encodeURIComponent).join('/')

/** Whether the assets' host answers by itself, without the Worker: what never changes under its name. */
const lasts = (name) => /^(ledger\/tile|index|assets)\//.test(name) || /^ledger\/history\/\d/.test(name)

/** Holds that every file that the publisher has is answered by all, with its ETag. `tagged` says whether that has to be its SHA-256. */
async function everyFile(names, tagged) {
  const addressed = names.filter((name) => !name.endsWith('index.html')) // those have their folder's address
  await Promise.all(addressed.map(async (name) => {
    const { status, headers, body } = await same(encoded(name))
    assert.equal(status, 200, name)
    assert.equal(sha256(body), sha256(await readFile(join(demo(), 'public', name))), name)
    if (tagged(name)) assert.equal(headers.etag, `"${sha256(body)}"`, name)
    const again = await ask(edge.url, { path: encoded(name), headers: { 'If-None-Match': headers.etag } })
    assert.deepEqual([again.status, again.body.length, again.headers['cache-control'], again.headers.etag], [304, 0, headers['cache-control'], headers.etag], name)
  }))
}

test('every published file: the same bytes, under the same headers, and its ETag', async () => {
  assert.ok(published.length > 150, `${published.length} files`)
  await everyFile(published, (name) => !lasts(name))
})

test('folders, what is not there, and what is hidden', async () => {
  for (const path of ['/', '/ru/', '/ru', '/zh/', '/index.html', '/ru/index.html', '/ru/index.html?a=b', '/?arrived=lost']) {
    assert.notEqual((await same(path)).status, 404, path)
  }
  const none = ['/nothing', '/xx/', '/xx', '/ledger', '/ledger/', '/ledger/head/', '/ledger/tile', '/index/', '/index/00/none', '/assets/none.js', '/ledger/tile/0/x999/999',
    '/ledger/history/1/none', '/ru/index.html/', '/.hidden', '/assets/.hidden', '/ledger/.new-1', '/_headers', '/ledger/proposal', '/trust/proposed', '/gate-token',
    `/${'long/'.repeat(150)}`, '/a%20b', '/%ff', '/%D1%8F']
  for (const path of none) assert.equal((await same(path)).status, 404, path)
})

test('HEAD has the headers and no body; a part is a part', async () => {
  for (const path of ['/', '/ledger/head', '/verify.html', '/sw.js', encoded(published.find((name) => name.startsWith('index/'))), '/nothing', '/ru']) {
    const { body } = await same(path, { method: 'HEAD' })
    assert.equal(body.length, 0, path)
  }
  for (const Range of ['bytes=0-9', 'bytes=-7', 'bytes=100-', 'bytes=5-5', 'bytes=0-99999999']) {
    assert.equal((await same('/ledger/checkpoint', { headers: { Range } })).status, 206, Range)
  }
  const beyond = await ask(edge.url, { path: '/ledger/checkpoint', headers: { Range: 'bytes=99999999-' } })
  assert.equal(beyond.status, 416)
  const { headers } = await ask(edge.url, { path: '/ledger/checkpoint' })
  const ifSame = (tag) => ask(edge.url, { path: '/ledger/checkpoint', headers: { Range: 'bytes=0-9', 'If-Range': tag } })
  assert.equal((await ifSame(headers.etag)).status, 206)
  assert.equal((await ifSame('"another"')).status, 200)
})

test('only reading is for readers', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    for (const path of ['/', '/ledger/head', '/nothing', '/v2']) {
      const { status } = await same(path, { method, body: method === 'OPTIONS' ? undefined : 'a body' })
      assert.equal(status, 405)
    }
  }
  assert.equal((await same('/share', { method: 'POST', body: 'a document' })).status, 303)
  // What never changes is answered by the assets' host alone.
  const asset = await ask(edge.url, { path: encoded(published.find((name) => name.startsWith('assets/'))), method: 'POST', body: 'a body' })
  assert.equal(asset.status, 405)
})

test('no way of writing a path leads around the publication in force', async () => {
  for (const path of ['/led%67er/head', '//ledger/head', '/ledger//head', '/./ledger/head', '/ledger/x/../head', '/ledger/head?a=b', '/ledger/head%3F', '/LEDGER/head']) {
    let answer = await ask(edge.url, { path })
    if (answer.status === 307) answer = await ask(new URL(answer.headers.location, edge.url))
    if (answer.status === 200) assert.ok(answer.headers.etag.length === 66, `${path} was answered by the assets' host`)
    else assert.equal(answer.status, 404, path)
  }
})

test('a person checks every sample there', async () => {
  const browser = await launch()
  try {
    const visit = visitor(browser, { url: edge.url, log: [] }, new Set(published))
    const got = await visit(async (page) => {
      await page.setInputFiles('#folder', join(demo(), 'samples'))
      return verdicts(page, Object.keys(expected).length)
    })
    assert.deepEqual(Object.fromEntries(got.map(({ path, verdict }) => [path.replace(/^samples\//, ''), verdict]).filter(([path]) => path in expected)), expected)
  } finally {
    await browser.close()
  }
})

test('the command checks a document there, and audits everything', async () => {
  const trust = join(demo(), 'trust')
  await must(stele, 'verify', join(demo(), 'samples/education/diploma.pdf'), '--portal', edge.url, '--policy', trust)
  await must(stele, 'audit', '--portal', edge.url, '--policy', trust)
})

test('the schedule is kept, and what Go decides is decided', async () => {
  assert.equal(await edge.tick(), 'ok')
  const health = JSON.parse((await ask(`${edge.url}health.json`)).body)
  assert.equal(health.status, 'ok')
  assert.ok(health.checked, 'the schedule has left no trace')
  assert.equal((await ask(`${edge.url}publish/attempts`)).status, 401)
  assert.equal((await ask(`${edge.url}r/unknown`)).status, 404)
  assert.equal((await ask(`${edge.url}witness/health`)).status, 404, 'no witness was asked for')
})

test('the program is small, and nothing secret or of an account is deployed', async () => {
  const program = gzipSync(await readFile(join(deployed(), 'worker/stele.wasm')))
  console.log(`the Worker's program: ${program.length} bytes compressed`)
  assert.ok(program.length < 2_000_000, `${program.length} bytes compressed`)
  const settings = await readFile(join(deployed(), 'wrangler.jsonc'), 'utf8')
  assert.doesNotMatch(settings, /account_id|api_token|secret/)
  assert.equal((await stat(join(demo(), 'gate-token'))).mode & 0o777, 0o600)
  for (const name of await filesBelow(deployed())) {
    if (name.startsWith('.wrangler/')) continue
    assert.ok(!(await readFile(join(deployed(), name))).includes(edge.token), `${name} holds the gate's token`)
  }
})

test('deploying tells what to type next, again takes the place of what was, and nothing else is touched', async () => {
  const out = join(folder, 'told')
  const said = await must(stele, 'deploy', '--registry', demo(), '-o', out, '--url', 'https://registry.example')
  for (const line of ['npm install', 'npx wrangler r2 bucket create stele-demo-stele-example-ledger', 'npx wrangler deploy', '--to https://registry.example/']) {
    assert.ok(said.includes(line), `${line} is not in\n${said}`)
  }
  const first = await readFile(join(out, 'base'), 'utf8')
  const told = JSON.parse(await must(stele, 'deploy', '--registry', demo(), '-o', out, '--json'))
  assert.equal(told.deployment, out)
  const time = (base) => Number(/^time (\d+)$/m.exec(base)[1])
  assert.ok(time(await readFile(join(out, 'base'), 'utf8')) >= time(first))
  assert.equal(JSON.parse(await readFile(join(out, 'deployment.json'))).gate.token_sha256, sha256(edge.token))
  assert.deepEqual(told.as_before, ['--url https://registry.example/'])
  await cp(join(demo(), 'samples'), join(folder, 'letters'), { recursive: true })
  for (const [other, why] of [[join(folder, 'letters'), /no deployment that stele has made/], [join(demo(), 'samples'), /is the registry's own/]]) {
    const refused = await stele('deploy', '--registry', demo(), '-o', other)
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, why)
    await access(join(other, 'expected.json'))
  }
})

test('what is published to it is served as the publisher serves it, out of the bucket', async () => {
  const letter = join(folder, 'letter.txt')
  await writeFile(letter, 'Dear Sir\n')
  await must(stele, 'register', letter, '--issuer', 'education.demo.stele.example', '--kind', 'diploma', '--registry', demo())
  const before = (await ask(`${edge.url}ledger/head`)).headers.etag
  await must(stele, 'publish', '--registry', demo(), '--to', edge.url, '--to', native.url)
  assert.notEqual((await ask(`${edge.url}ledger/head`)).headers.etag, before)
  const now = await publishedNow()
  const added = now.filter((name) => !published.includes(name))
  assert.ok(added.some((name) => name.startsWith('index/')) && added.some((name) => name.startsWith('ledger/tile/')), added.join(' '))
  await everyFile(now, (name) => !lasts(name) || added.includes(name))
  for (const path of ['/', '/ru/', '/ru', '/index.html', '/nothing', '/ledger', '/xx/']) await same(path)
  const part = { headers: { Range: 'bytes=10-19' } }
  for (const path of ['/ledger/head', encoded(added.find((name) => name.startsWith('index/')))]) assert.equal((await same(path, part)).status, 206, path)
  await must(stele, 'verify', letter, '--portal', edge.url, '--policy', join(demo(), 'trust'))
  await must(stele, 'audit', '--portal', edge.url, '--policy', join(demo(), 'trust'))
  assert.equal(await edge.tick(), 'ok')
})

test('deploying from an old copy of the registry takes nothing back from readers', async () => {
  const published = (await ask(`${edge.url}ledger/head`)).body
  assert.notDeepEqual(published, await readFile(join(old(), 'public/ledger/head')))
  await edge.end()
  edge = await startEdge(stele, old(), deployed()) // its files were put together later than what the bucket holds
  await must(stele, 'deploy', '--registry', old(), '-o', join(folder, 'native'))
  for (const { url } of [edge, native]) {
    assert.deepEqual((await ask(`${url}ledger/head`)).body, published)
    assert.equal(JSON.parse((await ask(`${url}health.json`)).body).publication, 3)
  }
})

test('an address in use is told before anything is made', async () => {
  const taken = await stele('deploy', '--registry', demo(), '-o', join(folder, 'taken'), '--local', '--addr', new URL(native.url).host)
  assert.equal(taken.code, 1)
  assert.match(taken.stderr, /cannot listen on .*in use/)
  await assert.rejects(access(join(folder, 'taken')))
})

test('files alone, for a free plan: all that is published, and nothing that decides', async () => {
  const files = await startEdge(stele, demo(), join(folder, 'files'), '--free')
  try {
    for (const name of await publishedNow()) {
      const [theirs, ours] = await Promise.all([origin, files].map(({ url }) => ask(url, { path: encoded(name) })))
      if (name.endsWith('index.html')) assert.equal(ours.headers['content-type'], 'text/html; charset=utf-8', name)
      else assert.deepEqual(matters(ours), matters(theirs), name)
    }
    for (const path of ['/', '/ru/', '/ru', '/nothing', '/.hidden', '/_headers', '/ledger/proposal', '/publish/state', '/health.json', '/r/', '/witness/health']) {
      const [theirs, ours] = await Promise.all([origin, files].map(({ url }) => ask(url, { path })))
      assert.deepEqual(matters(ours), matters(theirs), path)
    }
    await must(stele, 'verify', join(demo(), 'samples/education/diploma.pdf'), '--portal', files.url, '--policy', join(demo(), 'trust'))
    await must(stele, 'audit', '--portal', files.url, '--policy', join(demo(), 'trust'))
  } finally {
    await files.end()
  }
})
