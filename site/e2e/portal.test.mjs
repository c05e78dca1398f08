// What the page keeps of a registry's files on the device, without a browser: node --test site/e2e/portal.test.mjs

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Portal } from '../assets/portal.mjs'

/** A portal whose server answers with what `bodies` holds, and what is kept of it. */
function portal(t, bodies) {
  const store = new Map()
  const kept = {
    get: async (path) => store.get(path) ?? null,
    put: async (read) => read.forEach(({ path, bytes, since }) => store.set(path, { bytes, since })),
    use: async () => {},
  }
  t.mock.method(globalThis, 'fetch', async (url) => new Response(bodies[url.pathname.slice(1)]))
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  return { portal: new Portal(new URL('https://registry.example/'), kept), store }
}

const text = ({ bytes }) => Buffer.from(bytes).toString()

test('what is kept is what the answer rests on, and not what was read since', async (t) => {
  const bodies = { 'ledger/head': 'proved' }
  const { portal: p, store } = portal(t, bodies)
  const { bytes } = await p.get('ledger/head')
  // While this check goes on, another reads the head anew, and gets a login page for it.
  t.mock.timers.tick(60_000)
  bodies['ledger/head'] = 'a login page'
  assert.equal(text(await p.get('ledger/head')), 'a login page')
  await p.keep(new Map([['ledger/head', bytes]]))
  assert.deepEqual([...store.values()].map(text).filter((kept) => kept !== 'proved'), [], 'nothing that was not proved')
  bodies['ledger/head'] = 'proved too'
  t.mock.timers.tick(60_000)
  await p.keep(new Map([['ledger/head', (await p.get('ledger/head')).bytes]]))
  assert.equal(text(store.get('ledger/head')), 'proved too')
})
