// site/assets/hash.mjs in a real Chromium, with files from a real disk: node --test site/e2e/hash.test.mjs

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, open, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { buildWasm, launch, root, serve, wasmExec } from './chromium.mjs'

const MiB = 1024 * 1024
const INSECURE_HOST = 'registry.test' // http: on any name but localhost is no secure context

let folder, server, browser, page

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-hash-'))
  server = await serve(new Map([
    ['/', '<!doctype html><title>hash</title><script src="/wasm_exec.js"></script><input type="file" multiple>'],
    ['/hash.mjs', await readFile(join(root, 'site/assets/hash.mjs'))],
    ['/wasm_exec.js', await wasmExec()],
    ['/stele.wasm', await buildWasm(folder, './wasm')],
  ]))
  browser = await launch(`--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`)
  page = await openPage(server.url)
})

after(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true })
})

async function openPage(url) {
  const opened = await browser.newPage()
  await opened.goto(url)
  await opened.evaluate(async () => {
    const go = new Go()
    const { instance } = await WebAssembly.instantiateStreaming(fetch('/stele.wasm'), go.importObject)
    go.run(instance)
    globalThis.wasm = instance.exports
    Object.assign(globalThis, await import('/hash.mjs'))
    globalThis.chosen = () => document.querySelector('input').files[0]
    globalThis.hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
    // What a test wants to know of one call, as JSON.
    globalThis.attempt = async (file, options = {}) => {
      const progress = []
      try {
        const digest = await hashFile(file, { wasm, onProgress: (n) => progress.push(n), ...options })
        return { digest: hex(digest), progress }
      } catch (error) {
        return { code: error.code, message: error.message, cause: error.cause?.name, progress }
      }
    }
  })
  return opened
}

/** Writes random bytes to a file, chooses it in the page, and returns its path and digest. */
async function choose(size, target = page) {
  const path = join(folder, 'document.bin')
  await rm(path, { force: true })
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  for (let at = 0; at < size; at += MiB) {
    const piece = randomBytes(Math.min(MiB, size - at))
    hash.update(piece)
    await file.write(piece)
  }
  await file.close()
  await target.setInputFiles('input', [])
  await target.setInputFiles('input', path)
  return { path, digest: hash.digest('hex') }
}

function assertProgress(progress, size) {
  assert.equal(progress.at(-1), size)
  progress.reduce((last, next) => {
    assert.ok(next >= last, `progress fell from ${last} to ${next}`)
    return next
  }, 0)
}

for (const size of [0, 1, 64 * MiB - 1, 64 * MiB, 64 * MiB + 1, 200 * MiB]) {
  test(`the digest of ${size} bytes`, async () => {
    const { digest } = await choose(size)
    const got = await page.evaluate(() => attempt(chosen()))
    assert.equal(got.digest, digest, got.message)
    assertProgress(got.progress, size)
    const limit = await page.evaluate(() => WHOLE_FILE_LIMIT)
    assert.equal(limit, 64 * MiB)
    if (size > limit) assert.ok(got.progress.length > 100, `${got.progress.length} reports of progress`)
  })
}

test('without a secure context Go hashes small files too', async () => {
  const insecure = await openPage(`http://${INSECURE_HOST}:${server.port}`)
  assert.equal(await insecure.evaluate(() => crypto.subtle), undefined)
  for (const size of [0, 1, 5 * MiB + 1]) {
    const { digest } = await choose(size, insecure)
    const got = await insecure.evaluate(() => attempt(chosen()))
    assert.equal(got.digest, digest, got.message)
    assertProgress(got.progress, size)
  }
  assert.equal((await insecure.evaluate(() => attempt(chosen(), { wasm: undefined }))).code, 'no-wasm')
  await insecure.close()
})

test('several files at once share the buffer and not the state', async () => {
  const { digest } = await choose(70 * MiB)
  const got = await page.evaluate(() => Promise.all(Array.from({ length: 4 }, () => attempt(chosen()))))
  assert.deepEqual(got.map((one) => one.digest), Array(4).fill(digest))
})

test('the garbage collector does not take a reader that waits', { timeout: 30_000 }, async () => {
  const { digest } = await choose(80 * MiB)
  const cdp = await page.context().newCDPSession(page)
  let collections = 0
  while (collections < 20) {
    let done = false
    const pending = page.evaluate(() => attempt(chosen())).finally(() => (done = true))
    for (; !done; collections++) await cdp.send('HeapProfiler.collectGarbage')
    assert.equal((await pending).digest, digest)
  }
})

test('cancelling is prompt and frees the handle', async () => {
  await choose(200 * MiB)
  const got = await page.evaluate(async () => {
    const controller = new AbortController()
    let abortedAt, reports = 0
    // From a task of its own, as a click comes, some way into the file.
    const onProgress = (n) => {
      if (n > 20e6 && abortedAt === undefined) {
        abortedAt = 0
        setTimeout(() => ((abortedAt = performance.now()), controller.abort()))
      } else if (abortedAt) reports++
    }
    const before = wasm.hash_open()
    wasm.hash_close(before)
    const reason = await hashFile(chosen(), { wasm, signal: controller.signal, onProgress }).catch((error) => error)
    const took = performance.now() - abortedAt
    const after = wasm.hash_open()
    wasm.hash_close(after)
    return { name: reason.name, took, reports, freed: before === after }
  })
  assert.equal(got.name, 'AbortError')
  assert.ok(got.took < 100, `${got.took} ms from abort to rejection`)
  assert.equal(got.reports, 0)
  assert.ok(got.freed)
})

test('a signal that has fired already, or fires while a small file is read', async () => {
  await choose(60 * MiB)
  const got = await page.evaluate(async () => {
    const reason = new Error('enough')
    const early = await hashFile(chosen(), { wasm, signal: AbortSignal.abort(reason) }).catch((error) => error)
    const controller = new AbortController()
    const pending = hashFile(chosen(), { wasm, signal: controller.signal }).catch((error) => error)
    controller.abort(reason)
    return [early === reason, (await pending) === reason]
  })
  assert.deepEqual(got, [true, true])
})

for (const size of [1 * MiB, 65 * MiB]) {
  test(`a file of ${size} bytes that was deleted, altered or cut after it was chosen`, async () => {
    const harm = {
      deleted: (path) => rm(path),
      altered: async (path) => {
        const file = await open(path, 'r+')
        await file.write('x', 0)
        await file.close()
        await utimes(path, new Date(), new Date(Date.now() + 5000))
      },
      longer: (path) => appendFile(path, 'x'),
      empty: (path) => writeFile(path, ''),
    }
    for (const [what, inflict] of Object.entries(harm)) {
      const { path } = await choose(size)
      await inflict(path)
      const got = await page.evaluate(() => attempt(chosen()))
      assert.equal(got.code, 'unreadable', `${what}: ${JSON.stringify(got)}`)
      assert.match(got.message, /^read "document\.bin": /)
      assert.match(got.cause, /^(NotReadableError|NotFoundError|TypeError)$/) // TypeError: from the stream
    }
  })
}

test('a file altered while it is read gives no digest', async () => {
  const { path } = await choose(200 * MiB)
  let alter
  const halfway = new Promise((resolve) => (alter = resolve))
  await page.exposeFunction('reachedHalf', () => alter())
  const pending = page.evaluate(() => {
    let told = false
    const onProgress = (n) => {
      if (n > 20e6 && !told) {
        told = true
        reachedHalf()
      }
    }
    return attempt(chosen(), { onProgress })
  })
  await halfway
  const file = await open(path, 'r+')
  await file.write('x', 0)
  await file.close()
  await utimes(path, new Date(), new Date(Date.now() + 5000))
  assert.equal((await pending).code, 'unreadable')
})

// What Chromium cannot be made to do at will is played by an object in the place of the file.

test('a length other than announced', async () => {
  const got = await page.evaluate(async () => {
    const file = new File([new Uint8Array(1000)], 'short')
    const announcing = (size) => ({
      name: file.name,
      size,
      arrayBuffer: () => file.arrayBuffer(),
      stream: () => file.stream(),
      slice: (...range) => file.slice(...range),
    })
    return [await attempt(announcing(999)), await attempt(announcing(WHOLE_FILE_LIMIT + 1))]
  })
  for (const one of got) {
    assert.equal(one.code, 'changed')
    assert.match(one.message, /^hash "short": read 1000 bytes, want \d+: the file changed while it was read$/)
  }
})

test('a file without its own stream of lent buffers is read all the same', async () => {
  const { digest } = await choose(66 * MiB)
  const got = await page.evaluate(() => {
    const file = chosen()
    const pieces = file.stream().getReader()
    const pull = async (controller) => {
      const { done, value } = await pieces.read()
      done ? controller.close() : controller.enqueue(value)
    }
    return attempt({
      name: file.name,
      size: file.size,
      stream: () => new ReadableStream({ pull }),
      slice: (...range) => file.slice(...range),
    })
  })
  assert.equal(got.digest, digest, got.message)
})

test('more files at once than Go has handles', async () => {
  const got = await page.evaluate(async () => {
    const handles = []
    for (let handle; (handle = wasm.hash_open()) >= 0; ) handles.push(handle)
    const big = new File([new Uint8Array(WHOLE_FILE_LIMIT + 1)], 'big')
    const { code } = await attempt(big)
    handles.forEach((handle) => wasm.hash_close(handle))
    return { code, handles: handles.length, then: (await attempt(big)).digest }
  })
  const digest = createHash('sha256').update(Buffer.alloc(64 * MiB + 1)).digest('hex')
  assert.deepEqual(got, { code: 'busy', handles: 64, then: digest })
})

test('wrong handles and lengths are refused, not fatal', async () => {
  const got = await page.evaluate(() => {
    const handle = wasm.hash_open()
    const answers = [wasm.hash_write(handle, -1), wasm.hash_write(handle, 65537), wasm.hash_write(-1, 1),
      wasm.hash_write(64, 1), wasm.hash_write(handle, 65536), wasm.hash_sum(handle), wasm.hash_sum(handle),
      wasm.hash_write(handle, 1)]
    wasm.hash_close(handle)
    wasm.hash_close(-5)
    return answers
  })
  assert.deepEqual(got, [-1, -1, -1, -1, 65536, 32, -1, -1])
})
