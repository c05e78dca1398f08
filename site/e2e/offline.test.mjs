// The portal where there is no network: what one visit leaves on the device, what can be checked with it and what is said about it, how
// a newer version takes over, what other programs share, and that all of it can be forgotten.

import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { choose, launch, serveFolder, verdicts } from './browser.mjs'
import { buildCommand, filesBelow, makeDemo, must } from './registry.mjs'

let folder, browser, samples

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-offline-'))
  const stele = await buildCommand(folder)
  await makeDemo(stele, join(folder, 'demo'))
  samples = join(folder, 'demo/samples')
  await must(stele, 'receipt', join(samples, 'land/land-extract-2026.pdf'), '--registry', join(folder, 'demo'))
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

const diploma = () => join(samples, 'education/diploma.pdf')

/** A way to a server that can be cut: whoever is connected loses the connection, and nobody gets a new one. */
async function cable(server) {
  let cut = false
  const sockets = new Set()
  const between = createServer((near) => {
    sockets.add(near)
    near.on('error', () => {}).on('close', () => sockets.delete(near))
    if (cut) return near.destroy()
    const far = connect(new URL(server.url).port, '127.0.0.1')
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
    near.pipe(far).pipe(near)
  })
  await new Promise((resolve) => between.listen(0, '127.0.0.1', resolve))
  const set = (state) => {
    cut = state
    if (cut) for (const socket of sockets) socket.destroy()
  }
  return { url: `http://127.0.0.1:${between.address().port}/`, cut: () => set(true), mend: () => set(false), close: () => { set(true); between.close() } }
}

/** Serves a folder to a device with a service worker, and lets a test use it. */
async function device(use, { at = join(folder, 'demo/public'), ready = true, init = null, ...options } = {}) {
  const server = await serveFolder(at)
  const line = await cable(server)
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const broken = []
  page.on('pageerror', (error) => broken.push(String(error)))
  try {
    if (init) await init(context, page, line)
    await page.goto(line.url)
    if (ready) await whole(page)
    await use({ page, server, line, context })
    assert.deepEqual(broken, [])
  } finally {
    await context.close()
    line.close()
    await server.close()
  }
}

/** Waits until the service worker has its whole set and answers this page. */
const whole = (page) => page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated')

const check = async (page, files, count = 1) => {
  await choose(page, files)
  return (await verdicts(page, count)).map((v) => v.verdict)
}
const note = (page) => page.locator('[data-since]').first()

/** Waits until what was proved is kept: it is written after the answer is shown. */
const kept = (page, path) => page.waitForFunction((path) => new Promise((resolve) => {
  const opening = indexedDB.open('stele-kept')
  opening.onupgradeneeded = () => opening.transaction.abort()
  opening.onerror = () => resolve(false)
  opening.onsuccess = () => {
    const db = opening.result
    const all = db.objectStoreNames.contains('files') ? db.transaction('files').objectStore('files').getAllKeys() : null
    if (!all) return resolve(db.close() ?? false)
    all.onsuccess = () => { db.close(); resolve(all.result.some((key) => key.endsWith(path))) }
  }
}), path)

test('after one visit the pages open without a network, and what was looked up is looked up again', () => device(async ({ page, line }) => {
  assert.deepEqual(await check(page, [diploma()]), ['authentic'])
  assert.equal(await note(page).count(), 0, 'with a network there is nothing to be said')
  await kept(page, 'ledger/head')
  line.cut()
  await page.reload()
  assert.deepEqual(await check(page, [diploma()]), ['authentic'])
  const said = await note(page).textContent()
  assert.match(said, /Without a network/)
  const since = Date.parse(await note(page).getAttribute('data-since'))
  assert.ok(since <= Date.now() && since > Date.now() - 3_600_000, said)
  // As do the others: a document of another verdict, and one that is not registered, by the same slot.
  assert.deepEqual(await check(page, [join(samples, 'education/teaching-licence.docx'), join(samples, 'received/letter.txt')], 3), ['authentic', 'revoked', 'not-registered'])
  for (const name of ['offline.html', 'developers.html', '']) {
    await page.goto(line.url + name)
    assert.notEqual(await page.locator('main h1').textContent(), '')
  }
  line.mend()
  await page.reload()
  assert.deepEqual(await check(page, [diploma()]), ['authentic'])
  assert.equal(await note(page).count(), 0)
}))

test('what leaves the page says too that it was answered without a network, and what it rests on', () => device(async ({ page, line }) => {
  assert.deepEqual(await check(page, [diploma()]), ['authentic'])
  await kept(page, 'ledger/head')
  // What prints and saves is at hand before the network goes.
  await page.evaluate(() => (globalThis.print = () => (globalThis.printed = true)))
  line.cut()
  await page.getByRole('button', { name: /^Check again/ }).click()
  await note(page).waitFor()
  const said = await note(page).textContent()
  assert.match(said, /Without a network/)
  await page.click('[data-print]')
  await page.waitForFunction(() => globalThis.printed)
  const leaf = page.locator('.print-page[data-verdict=authentic]')
  const notes = await leaf.locator('[data-note]').allTextContents()
  assert.ok(notes.includes(said), JSON.stringify(notes))
  // Whatever else stands with the answer on the page stands on paper.
  for (const sentence of await page.locator('[data-notice]:not([data-notice=demo])').allTextContents()) assert.ok(notes.includes(sentence), sentence)
  await page.evaluate(() => dispatchEvent(new Event('afterprint')))
  const [saved] = await Promise.all([page.waitForEvent('download'), page.click('[data-save-table]')])
  assert.ok((await readFile(await saved.path(), 'utf8')).includes(said))
}))

test('what was never looked up is not answered, and it is said that the network is missing; a receipt does', () => device(async ({ page, line }) => {
  line.cut()
  await page.reload()
  assert.deepEqual(await check(page, [diploma()]), ['unavailable'])
  assert.match(await note(page).textContent(), /no network/)
  assert.equal(await note(page).getAttribute('data-since'), 'never')
  await page.getByRole('button', { name: /^Remove/ }).click()
  const land = join(samples, 'land/land-extract-2026.pdf')
  assert.deepEqual(await check(page, [land, `${land}.tlog-proof`]), ['authentic'])
}))

test('the ledger’s pages open as they were last seen', () => device(async ({ page, line }) => {
  await page.goto(`${line.url}ledger.html`)
  await page.waitForFunction(() => document.querySelector('[data-standing]').dataset.state === 'proved')
  await kept(page, 'ledger/head')
  // Its program is kept when it is first loaded under the service worker.
  await page.reload()
  await page.waitForFunction(async () => (await caches.match(document.querySelector('[data-viewer]').dataset.wasm)) !== undefined)
  line.cut()
  await page.reload()
  await page.waitForFunction(() => document.querySelector('[data-standing]').dataset.state === 'proved')
  await page.goto(`${line.url}issuers.html`).then(() => assert.fail('a page that was never seen'), () => {})
}))

/** Makes a newer build of a portal: other assets in a folder of their own, pages that load them, and the list that names both. */
async function renew(from, to) {
  await cp(from, to, { recursive: true })
  const list = await readFile(join(from, 'sw.js'), 'utf8')
  const [, json] = list.match(/^const shell = (.*)\n/)
  const shell = JSON.parse(json)
  const [old, fresh] = [shell.fingerprint, 'f'.repeat(12)]
  await rename(join(to, 'assets', old), join(to, 'assets', fresh))
  const files = {}
  for (const [path, integrity] of Object.entries(shell.files)) {
    const moved = path.replace(old, fresh)
    files[moved] = integrity
    if (!path.endsWith('.html')) continue
    const page = (await readFile(join(to, path), 'utf8')).replaceAll(old, fresh).replace('<main', '<main data-newer')
    await writeFile(join(to, path), page)
    files[moved] = `sha256-${createHash('sha256').update(page).digest('base64')}`
  }
  const languages = Object.fromEntries(Object.entries(shell.languages).map(([path, tag]) => [path.replace(old, fresh), tag]))
  const newer = { ...shell, set: fresh, fingerprint: fresh, languages, files }
  await writeFile(join(to, 'sw.js'), list.replace(json, JSON.stringify(newer)))
}

test('a newer version takes over whole or not at all, and is offered', async () => {
  const newer = join(folder, 'newer')
  await renew(join(folder, 'demo/public'), newer)
  await device(async ({ page, server, line }) => {
    const own = () => page.evaluate(() => [document.querySelector('main').hasAttribute('data-newer'), document.querySelector('[data-check]').dataset.wasm.includes('ffffffffffff')])
    const update = () => page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration()
      await registration.update().catch(() => {})
      const coming = registration.installing
      if (!coming) return 'none'
      return new Promise((resolve) => {
        const seen = () => coming.state !== 'installing' && resolve(coming.state)
        coming.addEventListener('statechange', seen)
        seen()
      })
    })
    await server.show(newer)
    // One file of the new set is not there, one is not what it should be: the old set goes on, pages and assets alike.
    for (const fault of [503, 'cut', (bytes) => Buffer.concat([bytes, Buffer.from(' ')])]) {
      server.faults.set('offline.html', fault)
      assert.equal(await update(), 'redundant')
      await page.reload()
      assert.deepEqual(await own(), [false, false])
      assert.deepEqual((await page.evaluate(() => caches.keys())).filter((name) => name.includes('ffffffffffff')), [])
    }
    server.faults.clear()
    assert.ok(await page.locator('[data-told=update]').isHidden())
    const seen = server.log.length
    assert.equal(await update(), 'installed')
    const fetched = server.log.slice(seen).map((entry) => entry.path)
    assert.deepEqual(fetched.filter((path) => path.endsWith('.wasm')), [], 'what has not changed is not fetched again')
    // The page that is open goes on with what it has, without the server too, until its reader wants the newer one.
    await page.locator('[data-told=update]').waitFor()
    assert.deepEqual(await check(page, [diploma()]), ['authentic'])
    await kept(page, 'ledger/head')
    assert.deepEqual(await own(), [false, false])
    line.cut()
    await page.getByRole('button', { name: 'Use it now' }).click()
    await page.waitForFunction(() => document.querySelector('main')?.hasAttribute('data-newer'))
    assert.deepEqual(await own(), [true, true])
    assert.deepEqual(await check(page, [diploma()]), ['authentic'])
    // Now that nobody uses it, the older set is given up.
    await page.waitForFunction(async () => (await caches.keys()).filter((name) => name.startsWith('stele-shell')).length === 1)
  })
})

test('a newer version that is still being fetched is not given up by the older one', async () => {
  const newer = join(folder, 'newer-slowly')
  await renew(join(folder, 'demo/public'), newer)
  await device(async ({ page, server, line }) => {
    let release
    const released = new Promise((resolve) => (release = resolve))
    const asked = new Promise((resolve) => server.faults.set('offline.html', async (bytes) => {
      resolve()
      await released
      return bytes
    }))
    await server.show(newer)
    await page.evaluate(() => navigator.serviceWorker.getRegistration().then((registration) => void registration.update()))
    await asked
    // The reader reloads the one page there is: it is of the set in force, and that one's worker tidies up.
    await page.reload()
    await page.evaluate(async () => {
      const { controller } = navigator.serviceWorker
      for (let i = 0; i < 3; i++) {
        const told = new Promise((resolve) => navigator.serviceWorker.addEventListener('message', resolve, { once: true }))
        controller.postMessage({ version: document.querySelector('[data-device]').dataset.version })
        await told
        for (let turn = 0; turn < 20; turn++) await caches.keys() // as many as it may take to delete what it means to
      }
    })
    release()
    await page.locator('[data-told=update]').waitFor() // it is whole
    line.cut()
    await page.reload()
    assert.ok(await page.locator('main[data-newer]').count(), 'the newer version, whole, without a network')
    assert.deepEqual((await page.evaluate(() => caches.keys())).filter((name) => name.includes('ffffffffffff')).length, 1)
  })
})

test('a newer version is in force once it is whole, however busy the older one is kept, and nothing waits for it', async () => {
  const newer = join(folder, 'newer-busily')
  await renew(join(folder, 'demo/public'), newer)
  await device(async ({ page, server, line, context }) => {
    await server.show(newer)
    await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration()
      const style = document.querySelector('link[rel=stylesheet]').href
      const update = registration.update()
      // The older one is asked for something all the time until the newer is whole, and for some time afterwards.
      for (let until = Infinity, i = 0; performance.now() < until; i++) {
        await (await fetch(`${style}?${i}`)).text()
        if (until === Infinity && i % 10 === 0 && (await update, !registration.installing)) until = performance.now() + 1000
      }
    })
    line.cut()
    const another = await context.newPage()
    await another.goto(page.url())
    await another.locator('main[data-newer]').waitFor()
    await page.locator('[data-told=update]').waitFor()
    assert.ok(await another.locator('[data-told=update]').isHidden())
    // What is opened after all pages were closed is of the newer version's own worker, and the older set is given up.
    await page.close()
    await another.goto('about:blank')
    await another.goto(line.url)
    await another.locator('main[data-newer]').waitFor()
    await another.waitForFunction(async () => (await caches.keys()).filter((name) => name.startsWith('stele-shell')).length === 1)
    await another.waitForFunction(async () => (await navigator.serviceWorker.getRegistration()).waiting === null)
    assert.deepEqual(await check(another, [diploma()]), ['unavailable'])
    line.mend()
    await another.reload()
    assert.deepEqual(await check(another, [diploma()]), ['authentic'])
  })
})

test('a full disk keeps nothing and breaks nothing', () => device(async ({ page, server }) => {
  await page.waitForFunction(() => document.documentElement.hasAttribute('data-ready'))
  assert.deepEqual(await check(page, [diploma()]), ['authentic'])
  await page.getByRole('button', { name: /^Check again/ }).click()
  await verdicts(page, 1)
  assert.equal(await page.evaluate(() => navigator.serviceWorker.getRegistration().then((r) => Boolean(r?.active))), false)
  assert.ok(server.log.some((entry) => entry.path === 'sw.js'), 'it was tried')
}, {
  ready: false,
  init: async (context, page, line) => {
    const session = await context.newCDPSession(page)
    await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(line.url).origin, quotaSize: 1000 })
  },
}))

/** Does in the page what a share sheet does: posts a form to the address of the manifest; resolves to where that leads. */
const share = (page, files, words = {}) => page.evaluate(async ([files, words]) => {
  const form = new FormData()
  for (const [name, value] of Object.entries(words)) form.append(name, value)
  for (const { name, base64 } of files) form.append('files', new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name))
  const manifest = await (await fetch(document.querySelector('link[rel=manifest]').href)).json()
  return (await fetch(new URL(manifest.share_target.action, location.href), { method: manifest.share_target.method, body: form })).url
}, [files, words])

test('what another program shares is checked, and never leaves the device', () => device(async ({ page, server }) => {
  await page.waitForSelector('link[rel=manifest]', { state: 'attached' })
  const given = [['diploma.pdf', diploma()], ['приказ № 1.txt', join(samples, 'received/letter.txt')]]
  const files = await Promise.all(given.map(async ([name, path]) => ({ name, base64: (await readFile(path)).toString('base64') })))
  await page.goto(await share(page, files))
  const told = await verdicts(page, 2)
  assert.deepEqual(told.map((v) => [v.file, v.verdict]), [['diploma.pdf', 'authentic'], ['приказ № 1.txt', 'not-registered']])
  assert.deepEqual(await page.evaluate(async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith('stele-arrivals'))
    return (await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).length))).reduce((a, b) => a + b, 0)
  }), 0, 'what was taken is not kept')
  assert.deepEqual(server.log.filter((entry) => entry.method !== 'GET'), [])
  assert.equal(new URL(page.url()).search, '', 'a reload does not look for it again')
  await page.goto(`${new URL('index.html', page.url())}?arrived=lost`)
  await page.locator('[data-lost]').waitFor()
}))

test('what is kept names no document, and can be forgotten', () => device(async ({ page, line }) => {
  assert.deepEqual(await check(page, [diploma()]), ['authentic'])
  await kept(page, 'ledger/head')
  const keys = await page.evaluate(() => new Promise((resolve) => {
    const opening = indexedDB.open('stele-kept')
    opening.onsuccess = () => {
      const all = opening.result.transaction('files').objectStore('files').getAllKeys()
      all.onsuccess = () => { opening.result.close(); resolve(all.result) }
    }
  }))
  const published = new Set(await filesBelow(join(folder, 'demo/public')))
  for (const key of keys) assert.ok(published.has(key.slice(line.url.length)), `${key} is not published`)
  const other = await page.context().newPage() // which holds the storage open
  await other.goto(line.url)
  await other.waitForFunction(() => document.documentElement.hasAttribute('data-ready'))
  await page.goto(`${line.url}offline.html`)
  await page.getByRole('button', { name: /^Forget/ }).click()
  await page.locator('[data-forgotten=true]').waitFor()
  const left = await page.evaluate(async () => [await caches.keys(), (await indexedDB.databases()).map((d) => d.name), (await navigator.serviceWorker.getRegistrations()).length, Object.keys(localStorage)])
  assert.deepEqual(left, [[], [], 0, []])
}))
