// Short addresses of receipts, from the button to whoever opens one, in a real Chromium, at an edge (natively, and once in workerd):
// node --test site/e2e/links.test.mjs

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, choose, launch, serveFolder, verdicts, watch } from './browser.mjs'
import { startEdge, startNative } from './edge.mjs'
import { buildCommand, makeDemo, must } from './registry.mjs'

let folder, stele, demo, browser, portal, plain

const sample = (path) => join(demo, 'samples', path)
const diploma = 'education/diploma.pdf' // authentic
const altered = 'received/diploma.pdf' // the same but for a byte
const revoked = 'education/teaching-licence.docx'

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-links-'))
  demo = join(folder, 'demo')
  stele = await buildCommand(folder)
  await makeDemo(stele, demo)
  portal = await startNative(stele, demo, join(folder, 'deployment'))
  plain = await serveFolder(join(demo, 'public'))
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await plain?.close()
  await portal?.end()
  await rm(folder, { recursive: true, force: true })
})

/** Opens a page as a new visitor. In the end nothing has broken the content security policy, and no other origin was asked for anything. */
async function visit(use, { at = portal, to = '', faulty = false, ...options } = {}) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce', serviceWorkers: 'block', ...options })
  const { requests, errors } = watch(context)
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  await page.goto(at.url + to)
  try {
    await use(page, requests, context)
    for (const { url } of requests) assert.ok(url.startsWith(at.url) || url.startsWith('blob:'), `${url} is another origin`)
    if (!faulty) assert.deepEqual(errors, [])
  } finally {
    await context.close()
  }
}

/** Presses the button of the one row, and resolves to the address. */
async function ask(page) {
  await page.getByRole('button', { name: 'Get a short address' }).click()
  return (await page.locator('[data-address]').textContent()).trim()
}

/** Makes a short address of a document, as somebody else has who is not of interest. */
async function addressOf(path) {
  let address
  await visit(async (page) => {
    await choose(page, [sample(path)])
    await verdicts(page, 1)
    address = await ask(page)
  })
  return address
}

/** What is asked for below /r, with what is sent along. */
const asked = (requests) => requests.filter((r) => /\/r(\/|$)/.test(new URL(r.url).pathname))

/** Waits until a row says so. */
const told = (page, words) => page.locator('.meaning', { hasText: words }).waitFor()

test('a document gets a short address by one press, and by none nothing is sent', async () => {
  await visit(async (page, requests) => {
    await choose(page, [sample(diploma)])
    assert.equal((await verdicts(page, 1))[0].verdict, 'authentic')
    await page.getByText('hands the receipt to this portal').waitFor()
    assert.deepEqual(asked(requests), [])
    const address = await ask(page)
    assert.match(address, new RegExp(`^${portal.url}r/[0-9A-HJKMNP-TV-Z]{10}$`))
    const sent = asked(requests)
    assert.deepEqual(sent.map(({ method, url }) => [method, url]), [['POST', `${portal.url}r`]])
    assert.match(await (await fetch(`${address}.tlog-proof`)).text(), /^c2sp.org\/tlog-proof@v1\n/)
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Copy the short address: diploma.pdf')
    await accessible(page, 'a short address')
  })
})

test('the address is copied', async () => {
  await visit(async (page, _, context) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await choose(page, [sample(diploma)])
    await verdicts(page, 1)
    const address = await ask(page)
    await page.getByRole('button', { name: 'Copy the short address' }).click()
    await page.getByText('Copied.').waitFor()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), address)
  })
})

test('who opens it lays the document in, and is told the verdict', async () => {
  const address = await addressOf(diploma)
  const code = address.split('/').at(-1)
  await visit(async (page, requests) => {
    await verdicts(page, 1)
    assert.equal(page.url().replace('index.html', ''), `${portal.url}#r=${code}`)
    const row = page.locator('[data-state=alone]')
    assert.match(await row.textContent(), /come by a short address/)
    assert.equal(await row.getAttribute('data-verdict'), null) // nothing is said of a document, in no colour either
    await accessible(page, 'a receipt by its short address')
    await choose(page, [sample(diploma)])
    await page.locator('[data-verdict]').waitFor()
    const rows = await verdicts(page, 1)
    assert.deepEqual(rows.map((r) => [r.file, r.verdict]), [['diploma.pdf', 'authentic']])
    assert.match(await page.locator('[data-verdict]').textContent(), /with a receipt/)
    for (const { method, body } of requests) assert.deepEqual([method, body], ['GET', null])
  }, { to: `r/${code}` })
})

test('another document than its own is told from it', async () => {
  const address = await addressOf(diploma)
  await visit(async (page) => {
    await verdicts(page, 1)
    await choose(page, [sample(altered)])
    await page.locator('[data-verdict]').waitFor()
    assert.equal((await verdicts(page, 1))[0].verdict, 'mismatch')
  }, { to: `r/${address.split('/').at(-1)}` })
})

test('what the receipt says is shown without its document, and never in green', async () => {
  for (const [path, verdict, symbol] of [[diploma, 'authentic', 'recorded'], [revoked, 'revoked', 'revoked']]) {
    const address = await addressOf(path)
    await visit(async (page) => {
      await verdicts(page, 1)
      await page.getByRole('button', { name: 'Show what the receipt says' }).click()
      const row = page.locator('[data-named]')
      await row.and(page.locator('[data-verdict]')).waitFor()
      assert.equal(await row.getAttribute('data-verdict'), verdict)
      assert.equal(await row.locator('[data-slot=icon]').getAttribute('href'), `#icon-${symbol}`)
      if (verdict === 'authentic') assert.match(await row.textContent(), /No file was checked here/)
      assert.equal(await row.getByRole('button', { name: 'Get a short address' }).count(), 0)
      await page.getByRole('button', { name: 'Show what the receipt says' }).click() // it is there already
      assert.equal(await page.locator('[data-rows] > [data-file]').count(), 2)
      await accessible(page, `what a receipt says: ${verdict}`)
      await choose(page, [sample(path)]) // and the document may come yet
      await page.locator('[data-verdict]:not([data-named])').waitFor()
      assert.equal(await page.locator('[data-verdict]:not([data-named])').getAttribute('data-verdict'), verdict)
      assert.equal(await page.locator('[data-state=alone]').count(), 0)
    }, { to: `r/${address.split('/').at(-1)}` })
  }
})

test('it is withdrawn by one press, for good', async () => {
  await visit(async (page, requests) => {
    await choose(page, [sample(diploma)])
    await verdicts(page, 1)
    const address = await ask(page)
    await page.getByRole('button', { name: 'Hide details' }).click() // folded and opened again, it is still there
    await page.getByRole('button', { name: 'Show details' }).click()
    await page.getByRole('button', { name: 'Check again' }).click()
    await verdicts(page, 1)
    assert.equal(await page.locator('[data-address]').textContent(), address)
    await page.getByRole('button', { name: 'Withdraw the short address' }).press('Enter')
    await page.getByText('has been withdrawn for good').waitFor()
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Get a short address: diploma.pdf')
    assert.equal(await page.locator('[data-address]').count(), 0)
    const secret = asked(requests).find((r) => r.method === 'DELETE').headers.authorization
    assert.match(secret, /^Bearer [0-9a-f]{32}$/)
    assert.ok(!(await page.content()).includes(secret.slice(7)))
    assert.equal((await fetch(`${address}.tlog-proof`)).status, 410)
    await visit(async (other) => {
      await verdicts(other, 1)
      await told(other, 'was withdrawn by whoever had asked for it')
      await accessible(other, 'a withdrawn address')
    }, { to: `r/${address.split('/').at(-1)}`, faulty: true })
  })
})

test('an address that leads to nothing, or cannot be followed now, says so', async () => {
  await visit(async (page) => {
    assert.equal((await verdicts(page, 1))[0].verdict, 'unavailable')
    await told(page, 'leads to nothing')
    await page.evaluate(() => (location.hash = '#r=1111111111')) // typed after another
    await verdicts(page, 2)
  }, { to: 'r/0000000000', faulty: true })
  await visit(async (page) => {
    await told(page, 'leads to nothing')
  }, { at: plain, to: 'index.html#r=0000000000', faulty: true })
  await visit(async (page, _, context) => {
    await context.route('**/r/*.tlog-proof', (route) => route.fulfill({ status: 503 }))
    await page.evaluate(() => (location.hash = '#r=2222222222'))
    await told(page, 'could not be fetched')
    await context.route('**/r/*.tlog-proof', (route) => route.fulfill({ status: 200, body: '<!doctype html>' }))
    await page.evaluate(() => (location.hash = '#r=3333333333'))
    await told(page, 'leads to nothing')
    await page.getByText('Compare it letter by letter').waitFor()
  }, { faulty: true })
})

test('a reader of another language comes to the page in it, with the receipt', async () => {
  const address = await addressOf(diploma)
  const code = address.split('/').at(-1)
  await visit(async (page) => {
    await verdicts(page, 1)
    assert.equal(page.url().replace('index.html', ''), `${portal.url}ar/#r=${code}`)
    await page.locator('[data-state=alone]').waitFor()
    await accessible(page, 'a receipt by its short address, in Arabic')
  }, { to: `r/${code}`, locale: 'ar' })
})

test('the button is there only where the portal gives short addresses, for documents that are for everybody', async () => {
  await visit(async (page, requests) => {
    await choose(page, [sample(diploma)])
    await verdicts(page, 1)
    assert.equal(await page.locator('[data-short]').count(), 0)
    assert.deepEqual(asked(requests), []) // and nobody has tried
  }, { at: plain })
  await visit(async (page) => {
    await choose(page, [sample(altered)])
    assert.equal((await verdicts(page, 1))[0].verdict, 'not-registered')
    assert.equal(await page.locator('[data-short]').count(), 0)
  })
  await visit(async (page) => {
    assert.match(await page.locator('[data-check]').getAttribute('data-guessable'), /\bpassport\b/)
    await page.route('**/ledger/head', (route) => route.abort()) // told by nobody
    await page.reload()
    await choose(page, [sample(diploma)])
    await verdicts(page, 1)
    assert.equal(await page.locator('[data-short]').count(), 0)
  }, { faulty: true })
})

test('what the portal refuses is told in words, and can be tried again', async () => {
  const refused = { sealed: 'not for everybody', 'full-today': 'no more short addresses', ahead: 'something newer', malformed: 'no short address for this receipt', outage: 'has not answered' }
  await visit(async (page) => {
    await choose(page, [sample(diploma)])
    await verdicts(page, 1)
    const button = page.getByRole('button', { name: 'Get a short address' })
    for (const [code, words] of Object.entries(refused)) {
      await page.route('**/r', (route) => route.fulfill({ status: 403, json: { error: { code } } }))
      await button.click()
      await page.locator('[data-short] [role=status]', { hasText: words }).waitFor()
    }
    for (const status of [404, 405]) {
      await page.route('**/r', (route) => route.fulfill({ status, body: 'no' }))
      await button.click()
      await page.locator('[data-short] [role=status]', { hasText: 'gives no short addresses' }).waitFor()
    }
    await page.route('**/r', (route) => route.abort())
    await button.click()
    await page.locator('[data-short] [role=status]', { hasText: 'has not answered' }).waitFor()
    await accessible(page, 'a short address that was refused')
    await page.unroute('**/r')
    assert.match(await ask(page), /\/r\/\w{10}$/)
    await page.route('**/r/*', (route) => route.abort())
    await page.getByRole('button', { name: 'Withdraw the short address' }).click()
    await page.getByText('could not be withdrawn').waitFor()
  }, { faulty: true })
})

test('the service worker lets short addresses through, and keeps nothing of them', async () => {
  const address = await addressOf(diploma)
  const code = address.split('/').at(-1)
  await visit(async (page) => {
    await page.evaluate(() => navigator.serviceWorker.ready)
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
    await page.goto(address)
    await verdicts(page, 1)
    assert.equal(page.url().replace('index.html', ''), `${portal.url}#r=${code}`)
    await choose(page, [sample(diploma)])
    await page.locator('[data-verdict=authentic]').waitFor()
    await ask(page)
    await page.getByRole('button', { name: 'Withdraw the short address' }).click()
    await page.getByText('has been withdrawn for good').waitFor()
    const kept = await page.evaluate(async () => {
      const found = []
      for (const name of await caches.keys()) for (const { url } of await (await caches.open(name)).keys()) found.push(url)
      return found
    })
    assert.ok(kept.length > 0)
    assert.deepEqual(kept.filter((url) => /\/r(\/|$)/.test(new URL(url).pathname)), [])
  }, { serviceWorkers: 'allow' })
})

test('the portal is the same bytes as where it gives none, and other programs are given addresses as well', async () => {
  for (const path of ['index.html', 'ledger/head', 'sw.js']) {
    const [one, other] = await Promise.all([portal, plain].map(async ({ url }) => Buffer.from(await (await fetch(url + path)).arrayBuffer())))
    assert.ok(one.equals(other), path)
  }
  const receipt = join(folder, 'posted.tlog-proof')
  await must(stele, 'receipt', sample(diploma), '--registry', demo, '-o', receipt)
  const answer = await fetch(new URL('r', portal.url), { method: 'POST', body: await readFile(receipt) })
  assert.equal(answer.status, 201)
  const { code, address } = await answer.json()
  assert.ok(address.endsWith(`/r/${code}`))
  assert.deepEqual(Buffer.from(await (await fetch(new URL(`r/${code}.tlog-proof`, portal.url))).arrayBuffer()), await readFile(receipt))
})

test('in workerd, the same', async () => {
  const edge = await startEdge(stele, demo, join(folder, 'workerd'))
  try {
    let address
    await visit(async (page) => {
      await choose(page, [sample(diploma)])
      await verdicts(page, 1)
      address = await ask(page)
      const code = address.split('/').at(-1)
      await visit(async (other) => {
        await verdicts(other, 1)
        await choose(other, [sample(diploma)])
        await other.locator('[data-verdict=authentic]').waitFor()
      }, { at: edge, to: `r/${code}` })
      await page.getByRole('button', { name: 'Withdraw the short address' }).click()
      await page.getByText('has been withdrawn for good').waitFor()
    }, { at: edge })
    assert.equal((await fetch(`${address}.tlog-proof`)).status, 410)
  } finally {
    await edge.end()
  }
})
