// The page that says how an edge stands, in workerd: what it says in each state, and that nothing old is left standing: node --test site/e2e/health.test.mjs

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, launch, watch } from './browser.mjs'
import { root } from './chromium.mjs'
import { ask, startEdge, startNative, startOrigin } from './edge.mjs'
import { buildCommand, makeDemo } from './registry.mjs'

const LANGUAGES = ['en', 'ar', 'es', 'fr', 'ru', 'zh']
const STATES = ['ok', 'late', 'stale', 'alarm', 'unknown', 'nothing-published']

const words = Object.fromEntries(await Promise.all(LANGUAGES.map(async (tag) => [tag, JSON.parse(await readFile(join(root, `site/text/${tag}.json`), 'utf8'))])))
/** What an edge answers in each state; status_test.go holds that it does. */
const answers = Object.fromEntries(await Promise.all(STATES.map(async (state) => [state, JSON.parse(await readFile(join(root, `site/edge/status/testdata/${state}.json`), 'utf8'))])))

let folder, stele, edge, browser

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-health-'))
  stele = await buildCommand(folder)
  await makeDemo(stele, join(folder, 'demo'))
  edge = await startEdge(stele, join(folder, 'demo'), join(folder, 'edge'))
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await edge?.end()
  await rm(folder, { recursive: true, force: true })
})

const home = (tag) => (tag === 'en' ? 'health/' : `health/${tag}/`)

/**
 * Opens the page as a new visitor and gives it to a test, with a function that says what /health.json is answered from then on: an answer of an edge,
 * or what to do with the request. In the end only this origin was asked, and the content security policy was never broken.
 */
async function visit(use, { tag = 'en', answer, path = home(tag), clock, context: options = {} } = {}) {
  const context = await browser.newContext({ locale: tag, timezoneId: 'Europe/Kyiv', reducedMotion: 'reduce', ...options })
  const { requests, errors } = watch(context)
  await context.addInitScript(() => {
    globalThis.broken = []
    document.addEventListener('securitypolicyviolation', (e) => broken.push(`${e.violatedDirective} ${e.blockedURI}`))
  })
  let told = answer
  const tell = (next) => (told = next)
  await context.route('**/health.json', (route) => {
    if (typeof told === 'function') return told(route)
    if (told === undefined) return route.continue()
    return route.fulfill({ status: told.status === 'ok' ? 200 : 503, json: told })
  })
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  if (clock) await page.clock.install({ time: new Date(clock) })
  await page.goto(edge.url + path)
  const result = await use(page, tell, requests)
  if (options.javaScriptEnabled !== false) assert.deepEqual(await page.evaluate(() => broken), [])
  assert.deepEqual(errors.filter((text) => !/Failed to load resource/.test(text)), [])
  for (const { url, method } of requests) assert.ok(method === 'GET' && url.startsWith(edge.url), `${method} ${url}`)
  await context.close()
  return result
}

const stands = (page, state) => page.waitForSelector(`[data-health="${state}"]`)
const factOf = (page, key) => page.textContent(`[data-fact="${key}"]`)
const shown = (page) => page.innerText('main')

/** Holds that a page has no gaps: keys without words, values that nobody has filled in. */
async function whole(page, what) {
  const text = await shown(page)
  assert.doesNotMatch(text, /[{}\0]|undefined|null|NaN|Invalid Date/, what)
  const empty = await page.$$eval('main [data-fact], main [data-slot], main dt, main h2, main h3, main td', (all) => all.filter((node) => !node.textContent.trim() && !node.closest('svg') && !node.hidden).map((node) => node.outerHTML))
  assert.deepEqual(empty, [], what)
}

const isolated = (view) => `\u2068${view}\u2069`

test('what is published is told there: when, how old, when next, and who has signed', async () => {
  assert.equal(await edge.tick(), 'ok')
  await visit(async (page) => {
    await stands(page, 'ok')
    assert.equal(page.url(), `${edge.url}health/`)
    const health = JSON.parse((await ask(`${edge.url}health.json`)).body)
    assert.equal(await page.textContent('#state-title'), words.en.health['state.ok.title'])
    assert.match(await page.title(), /^All is well · Status · /)
    assert.equal((await factOf(page, 'root')).trim(), health.root)
    assert.equal(await factOf(page, 'publication'), String(health.publication))
    assert.equal(await factOf(page, 'size'), String(health.size))
    for (const [key, stamp] of [['asOf', 'as_of'], ['due', 'next_due'], ['freshUntil', 'fresh_until'], ['published', 'published']]) {
      assert.equal(await page.getAttribute(`[data-fact="${key}"] time`, 'datetime'), health[stamp], key)
    }
    assert.match(await factOf(page, 'age'), /^\d+ (min|h \d+ min)$/)
    const names = await page.$$eval('[data-tree] bdi', (all) => all.map((node) => node.textContent))
    const all = (list) => list.flatMap(({ name, members = [] }) => [name, ...all(members)])
    assert.deepEqual(names, [...all(health.signed.officers), ...all(health.signed.witnesses)])
    assert.ok(names.length > 2)
    await whole(page)
    await accessible(page, 'as deployed')
    for (const href of await page.$$eval('main a, header a, footer a', (all) => all.map((a) => a.href))) {
      assert.equal((await fetch(href)).status, 200, href)
    }
  }, { path: 'health' })
})

test('the ledger’s page leads there where there is such a page, in the reader’s language', async () => {
  for (const tag of ['en', 'ar']) {
    const ledger = tag === 'en' ? 'ledger.html' : `${tag}/ledger.html`
    await visit(async (page) => {
      await page.waitForSelector('html[data-ready]')
      await accessible(page, ledger)
      const link = page.getByRole('link', { name: words[tag].health.title, exact: true })
      await link.click()
      await stands(page, 'ok')
      assert.equal(page.url(), edge.url + home(tag))
    }, { tag, path: ledger })
  }
  const origin = await startOrigin(stele, join(folder, 'demo'))
  try {
    const { headers } = await ask(origin.url, { path: '/ledger/head' })
    assert.equal(headers.link, undefined, 'files alone have no such page')
    const page = await browser.newPage()
    await page.goto(`${origin.url}ledger.html`)
    await page.waitForSelector('html[data-ready]')
    assert.equal(await page.getByRole('link', { name: words.en.health.title, exact: true }).count(), 0)
    await page.close()
  } finally {
    await origin.end()
  }
})

test('every state, in every language, whole and in words', async () => {
  for (const tag of LANGUAGES) {
    for (const state of STATES) {
      const health = answers[state]
      await visit(async (page) => {
        await stands(page, state)
        const text = await shown(page)
        const say = words[tag].health
        const what = `${state} in ${tag}`
        assert.ok(text.includes(say[`state.${state}.title`]), what)
        assert.equal(await page.getAttribute('html', 'dir'), words[tag].direction)
        for (const view of health.views) assert.ok(text.includes(view.url) && text.includes(say[`result.${view.result}`]), `${what}: ${view.url}`)
        for (const { code, view } of health.alarms) {
          if ({ late: 'late', stale: 'stale', outage: 'unknown' }[code] === state) continue
          const key = code === 'late' || code === 'stale' ? `state.${code}` : `alarm.${code}`
          const told = await page.innerText(`[data-code="${code}"]${view ? `:has-text("${view}")` : ''}`)
          assert.ok(told.includes(say[`${key}.title`]), `${what}: ${code}`)
          assert.ok(!view || told.includes(isolated(view)) || !say[`${key}.text`].includes('{view}'), `${what}: ${code} of ${view}`)
        }
        assert.equal(await page.locator('[data-fact="root"]').count(), health.set ? 1 : 0, what)
        await whole(page, what)
        if (tag === 'en' || state === 'alarm') await accessible(page, what)
      }, { tag, answer: health })
    }
  }
})

test('the proof that two histories were signed lies here, whatever the portal calls itself', async () => {
  const { evidence } = answers.alarm.alarms.find(({ code }) => code === 'fork')
  await visit(async (page) => {
    await stands(page, 'alarm')
    const proof = page.locator('[data-code="fork"] a[download]')
    assert.equal(await proof.evaluate((a) => a.href), edge.url + evidence.slice('https://portal.test.example/'.length))
    assert.equal(await page.locator('a[download][href*="evidence"]').count(), 1)
  }, { answer: answers.alarm })
  const none = await ask(edge.url + evidence.slice('https://portal.test.example/'.length))
  assert.deepEqual([none.status, String(none.body)], [404, '404 page not found\n'])
  await visit(async (page) => {
    await stands(page, 'alarm')
    assert.equal(await page.locator('[data-code="fork"] a').count(), 0, 'an address that is none of an edge was taken')
  }, { answer: { ...answers.alarm, alarms: [{ ...answers.alarm.alarms.find(({ code }) => code === 'fork'), evidence: 'javascript:alert(1)//health/evidence/x' }] } })
})

test('what cannot be read is told as that, nothing old is left, and it comes back by itself', async () => {
  const faults = {
    'no connection': (route) => route.abort('internetdisconnected'),
    'a page of somebody else': (route) => route.fulfill({ status: 200, contentType: 'text/html', body: '<!doctype html><p>Welcome' }),
    'an outage of the host': (route) => route.fulfill({ status: 503, json: { error: { code: 'outage' } } }),
    'another format': (route) => route.fulfill({ json: { ...answers.ok, format: 'stele.health/9' } }),
    'a state that nobody knows': (route) => route.fulfill({ json: { ...answers.ok, status: 'splendid' } }),
    'half of it': (route) => route.fulfill({ json: { ...answers.ok, officers: undefined } }),
  }
  for (const [what, fault] of Object.entries(faults)) {
    await visit(async (page, tell) => {
      await stands(page, 'ok')
      tell(fault)
      await page.clock.runFor(60_000)
      await stands(page, 'unread')
      const text = await shown(page)
      assert.ok(text.includes(words.en.health['unread.title']) && text.includes(words.en.health['unread.text']), what)
      for (const old of [answers.ok.root.slice(0, 8), 'ada', 'view1', words.en.health['state.ok.title']]) assert.ok(!text.includes(old), `${what}: ${old} is left standing`)
      assert.match(await page.title(), /^How things stand could not be read · /)
      if (what === 'no connection') await accessible(page, 'unread')
      tell(answers.late)
      await page.clock.runFor(60_000)
      await stands(page, 'late')
      assert.ok(!(await shown(page)).includes(words.en.health['unread.title']), what)
    }, { answer: answers.ok, clock: answers.ok.now })
  }
  for (const tag of LANGUAGES) {
    await visit(async (page) => {
      await stands(page, 'unread')
      assert.ok((await shown(page)).includes(words[tag].health['unread.text']), tag)
      assert.ok(await page.isHidden('[data-fact="now"]'), tag)
      await whole(page, tag)
    }, { tag, answer: faults['no connection'] })
  }
})

test('who comes back later sees nothing of before as if it were of now', async () => {
  await visit(async (page, tell) => {
    await stands(page, 'ok')
    let go
    tell((route) => new Promise((resolve) => (go = () => resolve(route.fulfill({ status: 503, json: answers.stale })))))
    await page.clock.setSystemTime(new Date(Date.parse(answers.ok.now) + 10_800_000)) // no timer runs meanwhile, as on a phone that sleeps
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await stands(page, '')
    const text = await shown(page)
    assert.ok(text.includes(words.en.health['script.title']) && !text.includes(answers.ok.root.slice(0, 8)) && !text.includes('ada'))
    go()
    await stands(page, 'stale')
  }, { answer: answers.ok, clock: answers.ok.now })
})

test('it is asked every minute, never out of what is kept, and what is the same is not touched', async () => {
  await visit(async (page, tell, requests) => {
    await stands(page, 'ok')
    assert.equal(await factOf(page, 'age'), '0 min')
    assert.match(await factOf(page, 'now'), /15 January 2027|January 15, 2027/)
    await page.evaluate(() => {
      document.querySelector('[data-fact="root"]').dataset.mine = ''
      globalThis.kept = []
      const fetched = fetch
      globalThis.fetch = (address, how) => {
        kept.push(how.cache)
        return fetched(address, how)
      }
    })
    tell({ ...answers.ok, now: '2027-01-15T09:45:05Z' })
    await page.clock.runFor(60_000)
    await page.waitForFunction(() => document.querySelector('[data-fact="age"]').textContent === '45 min')
    assert.equal(await page.locator('[data-mine]').count(), 1, 'everything was written anew')
    assert.equal(requests.filter(({ url }) => url.endsWith('health.json')).length, 2)
    assert.deepEqual(await page.evaluate(() => kept), ['no-store'])
  }, { answer: answers.ok, clock: answers.ok.now })
})

test('a trust file that is newer than the deployment: its own fingerprint is not shown for it', async () => {
  await visit(async (page) => {
    await stands(page, 'ok')
    assert.equal(await page.locator('.site-foot .print').count(), 1)
  }, { answer: answers.ok })
  await visit(async (page) => {
    await stands(page, 'ok')
    assert.equal(await page.locator('.site-foot .print').count(), 0)
    assert.equal(await page.getAttribute('.site-foot a[download]', 'href'), '../trust/7')
  }, { answer: { ...answers.ok, epoch: 7 } })
})

test('without scripts it says what to read instead', async () => {
  for (const tag of LANGUAGES) {
    await visit(async (page) => {
      const text = await shown(page)
      const [before, after] = words[tag].health['script.text'].split('{file}')
      for (const part of [words[tag].health['script.title'], before.trim(), after.trim()]) assert.ok(text.includes(part), `${tag}: ${part}`)
      await page.click('.meaning a')
      assert.equal(page.url(), `${edge.url}health.json`)
    }, { tag, answer: answers.ok, context: { javaScriptEnabled: false, viewport: { width: 360, height: 780 } } })
  }
})

test('the reader’s language, and another one by hand', async () => {
  await visit(async (page) => {
    await page.waitForURL(`${edge.url}health/ru/`)
    await stands(page, 'late')
    await page.click('.languages summary')
    await page.click('[data-language="en"]')
    await page.waitForURL(`${edge.url}health/`)
    await stands(page, 'late')
    assert.equal(await page.getAttribute('html', 'lang'), 'en')
    await page.click('.languages summary')
    await page.click('[data-language="ar"]')
    await page.waitForURL(`${edge.url}health/ar/`)
    await stands(page, 'late')
    await page.goto(`${edge.url}health`)
    await page.waitForURL(`${edge.url}health/ar/`)
  }, { answer: answers.late, path: 'health', context: { locale: 'ru-RU' } })
})

test('the same page is served natively', async () => {
  const native = await startNative(stele, join(folder, 'demo'), join(folder, 'native'))
  try {
    const matter = ['content-type', 'cache-control', 'content-security-policy', 'x-content-type-options', 'location', 'etag']
    for (const path of ['/health', '/health/', '/health/index.html', '/health/ru', '/health/ru/', '/health/ru/index.html?a=b', '/health/health.js', '/health/dom.js', '/health/none', '/health/none/', '/health/xx',
      `/health/evidence/${'0'.repeat(64)}.stele-evidence`]) {
      const [here, there] = await Promise.all([edge, native].map(({ url }) => ask(url, { path })))
      const seen = ({ status, headers, body }) => [status, ...matter.map((name) => headers[name]), status === 301 ? '' : body.toString('latin1')]
      assert.deepEqual(seen(here), seen(there), path)
      assert.equal(here.status, { '/health': 301, '/health/ru': 301, '/health/index.html': 301, '/health/ru/index.html?a=b': 301 }[path] ?? (/none|xx|evidence/.test(path) ? 404 : 200), path)
    }
  } finally {
    await native.end()
  }
})
