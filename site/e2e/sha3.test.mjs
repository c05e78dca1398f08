// site/assets/sha3.mjs in a real Chromium: node --test site/e2e/sha3.test.mjs

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { buildWasm, launch, root, serve, wasmExec } from './chromium.mjs'

const MiB = 1024 * 1024

let folder, server, browser, page

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-sha3-'))
  server = await serve(new Map([
    ['/', '<!doctype html><title>sha3</title><script src="/wasm_exec.js"></script><input type="file">'],
    ['/hash.mjs', await readFile(join(root, 'site/assets/hash.mjs'))],
    ['/sha3.mjs', await readFile(join(root, 'site/assets/sha3.mjs'))],
    ['/wasm_exec.js', await wasmExec()],
    ['/stele.wasm', await buildWasm(folder, './wasm')],
  ]))
  browser = await launch()
  page = await browser.newPage()
  await page.goto(server.url)
  await page.evaluate(async () => {
    const go = new Go()
    const { instance } = await WebAssembly.instantiateStreaming(fetch('/stele.wasm'), go.importObject)
    go.run(instance)
    globalThis.wasm = instance.exports
    Object.assign(globalThis, await import('/sha3.mjs'))
    globalThis.chosen = () => document.querySelector('input').files[0]
    globalThis.digest = async (signal = new AbortController().signal, onProgress = () => {}) => {
      const bytes = await sha3File(chosen(), { wasm, signal, onProgress })
      return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
    }
  })
})

after(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true })
})

/** Writes random bytes to a file, chooses it in the page, and returns its path and digest. */
async function choose(size) {
  const path = join(folder, `${size}.bin`)
  const bytes = randomBytes(size)
  await writeFile(path, bytes)
  await page.setInputFiles('input', path)
  return { path, digest: createHash('sha3-512').update(bytes).digest('hex') }
}

// 72 bytes are one block of SHA3-512; the rest is at the edges of calls and of reads.
for (const size of [0, 1, 71, 72, 73, 65535, 65536, 65537, 262143, 262144, 262145, 70 * MiB]) {
  test(`the digest of ${size} bytes`, async () => {
    const { digest } = await choose(size)
    const got = await page.evaluate(async () => {
      const progress = []
      const before = wasm.mem.buffer.byteLength
      const hex = await digest(undefined, (n) => progress.push(n))
      return { hex, progress, grown: wasm.mem.buffer.byteLength - before }
    })
    assert.equal(got.hex, digest)
    if (size > 0) assert.equal(got.progress.at(-1), size)
    assert.deepEqual(got.progress, got.progress.toSorted((a, b) => a - b))
    assert.ok(got.grown <= 4 * MiB, `Go's memory grew by ${got.grown} bytes`)
  })
}

test('stopping and a file that has gone end it, and free the handle', async () => {
  const { path } = await choose(70 * MiB)
  const free = () => page.evaluate(() => {
    const handle = wasm.sha3_open()
    wasm.sha3_close(handle)
    return handle
  })
  const before = await free()
  const stopped = await page.evaluate(() => {
    const controller = new AbortController()
    return digest(controller.signal, () => controller.abort()).catch((error) => error.name)
  })
  assert.equal(stopped, 'AbortError')
  await rm(path)
  assert.equal(await page.evaluate(() => digest().catch((error) => error.code)), 'unreadable')
  assert.equal(await free(), before)
})

test('stopping ends a read that waits', { timeout: 30_000 }, async () => {
  const got = await page.evaluate(async () => {
    const controller = new AbortController()
    let waits
    const waiting = new Promise((resolve) => (waits = resolve))
    // A drive that has stopped answering, say.
    const stream = () => new ReadableStream({ type: 'bytes', pull: () => (waits(), new Promise(() => {})) })
    const reason = new Error('enough')
    const pending = sha3File({ size: 1, stream }, { wasm, signal: controller.signal }).catch((error) => error)
    await waiting
    controller.abort(reason)
    return (await pending) === reason
  })
  assert.ok(got)
})

test('the garbage collector does not take a reader that waits', { timeout: 60_000 }, async () => {
  const { digest } = await choose(70 * MiB)
  const cdp = await page.context().newCDPSession(page)
  let collections = 0
  while (collections < 20) {
    let done = false
    const pending = page.evaluate(() => globalThis.digest()).finally(() => (done = true))
    for (; !done; collections++) await cdp.send('HeapProfiler.collectGarbage')
    assert.equal(await pending, digest)
  }
})

test('a length other than announced, and more at once than Go has handles', async () => {
  const got = await page.evaluate(async () => {
    const file = new File([new Uint8Array(1000)], 'short')
    const announcing = { name: file.name, size: 999, stream: () => file.stream(), slice: (...range) => file.slice(...range) }
    const codes = [await sha3File(announcing, { wasm }).catch((error) => error.code)]
    const handles = []
    for (let handle; (handle = wasm.sha3_open()) >= 0; ) handles.push(handle)
    codes.push(await sha3File(file, { wasm }).catch((error) => error.code))
    handles.forEach((handle) => wasm.sha3_close(handle))
    return codes
  })
  assert.deepEqual(got, ['changed', 'busy'])
})

test('several at once, wrong handles and lengths', async () => {
  const { digest } = await choose(5 * MiB)
  const got = await page.evaluate(async () => {
    const together = await Promise.all([globalThis.digest(), globalThis.digest(), globalThis.digest()])
    const handle = wasm.sha3_open()
    const answers = [wasm.sha3_write(handle, -1), wasm.sha3_write(handle, 65537), wasm.sha3_write(-1, 1), wasm.sha3_write(64, 1),
      wasm.sha3_write(handle, 65536), wasm.sha3_sum(handle), wasm.sha3_sum(handle), wasm.sha3_write(handle, 1)]
    wasm.sha3_close(handle)
    wasm.sha3_close(-5)
    const handles = []
    for (let h; (h = wasm.sha3_open()) >= 0; ) handles.push(h)
    handles.forEach((h) => wasm.sha3_close(h))
    return { together, answers, handles: handles.length }
  })
  assert.deepEqual(got, { together: [digest, digest, digest], answers: [-1, -1, -1, -1, 65536, 64, -1, -1], handles: 64 })
})
