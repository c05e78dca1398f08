// That everybody can use the portal, whatever they use it with: axe on every state of every page, in every language, light and dark;
// narrow, in large type, with forced colours, by keyboard alone: node --test site/e2e/access.test.mjs
//
// Many states stand on one page at a time, so that few runs of axe see them all.

import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { choose, launch, serveFolder, verdicts } from './browser.mjs'
import { buildCommand, makeDemo, must } from './registry.mjs'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

let folder, browser, languages
let demo, server // the demonstration
let other // receipts of the demonstration: {mismatched, lost}
let late // a registry whose news is old, and that shows another past than it did: {server, documents, receipt, evidence}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-access-'))
  const stele = await buildCommand(folder)
  demo = join(folder, 'demo')
  await makeDemo(stele, demo)
  server = await serveFolder(join(demo, 'public'))
  await mkdir(join(folder, 'other'))
  other = { mismatched: join(folder, 'other/official-notice.txt.tlog-proof'), lost: join(folder, 'other/lost.pdf.tlog-proof') }
  for (const path of Object.values(other)) await must(stele, 'receipt', sample('education/diploma.pdf'), '--registry', demo, '-o', path)
  late = await lateRegistry(stele)
  browser = await launch()
  const page = await readFile(join(demo, 'public/index.html'), 'utf8')
  languages = page.match(/data-languages="([^"]*)"/)[1].split(' ')
})

after(async () => {
  await browser?.close()
  await server?.close()
  await late?.server.close()
  await rm(folder, { recursive: true })
})

/** Two registries with the same keys that have parted, whose answers are old after a second; the second one is served. */
async function lateRegistry(stele) {
  const [one, two] = ['one', 'two'].map((name) => join(folder, name))
  const file = async (name) => {
    const path = join(folder, `${name}.txt`)
    await writeFile(path, `${name}\n`)
    return path
  }
  await must(stele, 'init', '--registry', one, '--demo', '--fresh', '1s', '--origin', 'late.example/ledger')
  const both = await file('both')
  await must(stele, 'register', both, '--registry', one)
  await must(stele, 'publish', '--registry', one)
  await cp(one, two, { recursive: true })
  for (const dir of [one, two]) {
    const document = await file(dir === one ? 'first' : 'second')
    await must(stele, 'register', document, '--registry', dir)
    await must(stele, 'publish', '--registry', dir)
  }
  const receipt = join(folder, 'both.txt.tlog-proof')
  await must(stele, 'receipt', both, '--registry', one, '-o', receipt)
  return { server: await serveFolder(join(two, 'public')), both, receipt, second: join(folder, 'second.txt') }
}

const home = (language) => (language === 'en' ? '' : `${language}/`)
const sample = (path) => join(demo, 'samples', path)
const named = (name, bytes) => ({ name, mimeType: '', buffer: Buffer.from(bytes) })

/** Opens everything that is folded on the page. */
const unfold = (page) => page.evaluate(() => {
  for (const row of document.querySelectorAll('[data-rows] [aria-expanded=false]')) row.click()
  for (const details of document.querySelectorAll('main details')) details.open = true
})

/** The states, each with where it is, how it comes about, which verdicts it shows at least, and whether the page keeps itself on the device. */
const states = {
  static: { path: 'index.html' },
  landing: { path: 'index.html', keeps: true, act: async (page) => {
    await unfold(page)
    await page.click('[data-menu] summary')
  } },
  results: { path: 'index.html', shows: ['authentic', 'revoked', 'superseded', 'suspended', 'expired', 'unaccredited', 'not-registered', 'mismatch'], act: async (page) => {
    await choose(page, ['education/diploma.pdf', 'education/teaching-licence.docx', 'land/land-extract-2019.pdf', 'court/enforcement-order.txt',
      'interior/conduct-certificate-2011.docx', 'academy/academy-diploma.pdf', 'received/letter.txt', 'education/شهادة تخرج.txt'].map(sample))
    await verdicts(page, 8)
    await choose(page, [sample('gazette/official-notice.txt'), other.mismatched, other.lost])
    await verdicts(page, 10)
    await unfold(page)
  } },
  outage: { at: () => late.server, fault: /ledger\/head$/, path: 'index.html', shows: ['recorded', 'unavailable', 'malformed'], act: async (page) => {
    await choose(page, [late.both, late.receipt])
    await verdicts(page, 1)
    await choose(page, [named('a.txt', 'a'), named('b.txt', 'b'), named('b.txt.tlog-proof', 'b'), named('nothing.stele-evidence', 'x')])
    await verdicts(page, 4)
    await unfold(page)
  } },
  late: { at: () => late.server, path: 'index.html', shows: ['stale', 'inconsistent'], act: async (page) => {
    await choose(page, [late.second, late.both, late.receipt])
    await verdicts(page, 2)
    await unfold(page)
  } },
  help: { path: 'index.html', fault: /verifier\.wasm$/, act: (page) => page.locator('[data-help]').waitFor() },
  offline: { path: 'offline.html', keeps: true },
  issuers: { path: 'issuers.html', act: async (page) => {
    await page.waitForFunction(() => 'ready' in document.documentElement.dataset)
    await unfold(page)
  } },
  ledger: { path: 'ledger.html#entry=23', act: async (page) => {
    await page.waitForFunction(() => 'ready' in document.documentElement.dataset)
    await unfold(page)
  } },
  developers: { path: 'developers.html' },
  moved: { path: 'status.html' },
}

/** Opens a page in a state, as a new visitor, and gives it to a test. */
async function inState(name, language, use, options = {}) {
  const { at = () => server, path, fault, keeps, act } = states[name]
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Kyiv', reducedMotion: 'reduce', viewport: { width: 1280, height: 900 },
    serviceWorkers: keeps ? 'allow' : 'block', ...options })
  try {
    const page = await context.newPage()
    if (fault) await page.route(fault, (route) => route.fulfill({ status: 500 }))
    await page.goto(at().url + home(language) + path)
    await act?.(page)
    await use(page)
  } finally {
    await context.close()
  }
}

/** A proxy's policy, laid over the page's own: no WebAssembly. */
const withoutWasm = async (route) => {
  const response = await route.fetch()
  const headers = { ...response.headers(), 'content-security-policy': "script-src 'self'" }
  return route.fulfill({ response, headers })
}

test('where the verifier cannot run, the page says what else to do, in its language', async () => {
  const ways = [(page) => page.route(/\.html$/, withoutWasm), (page) => page.addInitScript(() => delete globalThis.WebAssembly)]
  for (const [i, language] of [...languages, languages[0]].entries()) { // English both ways, even if it is alone
    const context = await browser.newContext({ viewport: { width: 360, height: 780 } })
    const page = await context.newPage()
    await (i === languages.length ? ways[1] : ways[i % 2])(page)
    await page.goto(`${server.url}${home(language)}index.html`)
    const help = page.locator('[data-help]')
    await help.waitFor()
    const { pages } = JSON.parse(await readFile(new URL(`../text/${language}.json`, import.meta.url), 'utf8'))
    const told = await help.textContent()
    for (const key of ['help.title', 'help.wasmSingle', 'sum.windows']) assert.ok(told.includes(pages[key]), `${language}: ${key}`)
    assert.match(told, /stele verify FILE.*sha256sum FILE.*shasum -a 256 FILE.*certutil -hashfile FILE/s)
    assert.equal(await help.locator('a[download]').getAttribute('href'), language === 'en' ? 'verify.html' : '../verify.html')
    assert.deepEqual(await help.locator('.command').evaluateAll((all) => [...new Set(all.map((c) => `${c.lang} ${c.dir}`))]), ['en ltr'])
    // What is dropped nevertheless is told in words, and is not called anything.
    await choose(page, [sample('education/diploma.pdf')])
    await page.waitForSelector('[data-rows] > [data-state=done]')
    assert.equal(await page.locator('[data-rows] > [data-verdict]:not([data-verdict=unavailable])').count(), 0)
    await context.close()
  }
})

const axe = readFile(AXE, 'utf8')

/** What axe finds: everything in light colours, and in dark ones what depends on them. */
async function violations(page) {
  await page.evaluate(await axe)
  const all = []
  for (const [colorScheme, options] of [['light', { rules: { 'target-size': { enabled: true } } }], ['dark', { runOnly: ['color-contrast'] }]]) {
    await page.emulateMedia({ colorScheme })
    const found = await page.evaluate((options) => globalThis.axe.run(document, { resultTypes: ['violations'], preload: false, iframes: false, ...options }), options)
    for (const { id, nodes } of found.violations) all.push(`${colorScheme}: ${id}: ${nodes.map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ''}`).join('\n  ')}`)
  }
  return all
}

/** How far the page is too wide for 320 pixels, which is what 400% of zoom leaves of 1280, in usual and in large type. */
async function tooWide(page) {
  await page.setViewportSize({ width: 320, height: 640 })
  return page.evaluate(() => ['', '200%'].map((size) => {
    document.documentElement.style.fontSize = size
    return Math.max(0, document.documentElement.scrollWidth - innerWidth)
  }))
}

/** Whether the page says its language, and its scripts speak it. */
const spoken = (page) => page.evaluate(() => [document.documentElement.lang, document.documentElement.dir, getComputedStyle(document.body).direction])

async function holds(name, language) {
  await inState(name, language, async (page) => {
    const state = `${name}, ${language}`
    const [lang, dir, direction] = await spoken(page)
    assert.equal(lang, language, state)
    assert.equal(direction, dir, state)
    const shown = await page.$$eval('[data-rows] > [data-verdict]', (rows) => rows.map((r) => r.dataset.verdict))
    assert.deepEqual((states[name].shows ?? []).filter((v) => !shown.includes(v)), [], `${state}: these are not shown`)
    assert.deepEqual(await violations(page), [], state)
    assert.deepEqual(await tooWide(page), [0, 0], `${state}: pixels too wide at 320`)
  })
}

test('axe finds nothing in any state, in any language, light and dark, and nothing is too wide', async () => {
  const all = languages.flatMap((language) => Object.keys(states).map((name) => [name, language]))
  const next = async () => {
    for (let one; (one = all.shift()); ) await holds(...one)
  }
  await Promise.all([next(), next()]) // two at a time: a page waits while it loads
})

test('without scripts the page leads to the verifier in one file, and nothing is too wide', async () => {
  for (const language of languages) {
    await inState('static', language, async (page) => {
      assert.ok(await page.locator('noscript .help a[download]').isVisible(), language)
      assert.deepEqual(await tooWide(page), [0, 0], language)
    }, { javaScriptEnabled: false })
  }
})

/** What has the keyboard: its name, whether a ring shows it, and whether anything covers it. */
const focused = (page) => page.evaluate(() => {
  const node = document.activeElement
  if (node === document.body) return null
  const shown = node.matches('.unseen') ? node.labels[0] : node
  const box = shown.getBoundingClientRect()
  const style = getComputedStyle(shown)
  const on = document.elementFromPoint(box.x + Math.min(box.width, innerWidth) / 2, box.y + box.height / 2)
  return {
    name: (node.getAttribute('aria-label') ?? [...(node.labels ?? [])].map((label) => label.textContent).join(' ') + shown.textContent).trim(),
    ring: parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== 'none',
    seen: on !== null && (shown.contains(on) || on.contains(shown)),
  }
})

/** Goes through the page with the tab key, to its end. */
async function walk(page) {
  const way = []
  for (let at; way.length < 300; way.push(at)) {
    await page.keyboard.press('Tab')
    at = await focused(page)
    if (at === null) return way
  }
  throw new Error('the keyboard does not come to an end')
}

test('by keyboard alone: everything is reached, seen and left again', async () => {
  for (const name of ['static', 'results', 'ledger', 'help']) {
    for (const viewport of [{ width: 1280, height: 900 }, { width: 320, height: 640 }]) {
      await inState(name, 'en', async (page) => {
        await page.evaluate(() => document.activeElement.blur())
        const way = await walk(page)
        assert.deepEqual(way.filter((at) => !at.ring || !at.seen || !at.name), [], `${name}, ${viewport.width}`)
        assert.ok(way.length > 8, name)
      }, { viewport })
    }
  }
})

test('the menu of languages opens, closes and gives way by keyboard', async () => {
  await inState('static', 'en', async (page) => {
    const open = () => page.$eval('[data-menu]', (menu) => menu.open)
    await page.focus('[data-menu] summary')
    await page.keyboard.press('Enter')
    assert.equal(await open(), true)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Escape')
    assert.equal(await open(), false)
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'SUMMARY')
    await page.keyboard.press('Enter')
    await page.focus('.site-nav a')
    assert.equal(await open(), false)
    await page.click('[data-menu] summary')
    await page.click('h1')
    assert.equal(await open(), false)
  })
})

test('a verdict is announced in the page’s language, and the region is there from the start', async () => {
  const table = async (language) => JSON.parse(await readFile(new URL(`../text/${language}.json`, import.meta.url), 'utf8'))
  for (const language of languages) {
    const { title } = (await table(language)).verdicts.authentic
    await inState('static', language, async (page) => {
      const region = page.locator('[data-status]')
      assert.equal(await region.getAttribute('role'), 'status')
      await choose(page, [sample('education/diploma.pdf')])
      await page.waitForFunction((title) => document.querySelector('[data-status]').textContent.includes(title), title)
    })
  }
})

test('with colours that the reader forces, what matters still has an edge and a sign', async () => {
  for (const name of ['landing', 'results']) {
    await inState(name, 'en', async (page) => {
      const bare = await page.evaluate(() => [...document.querySelectorAll('.row, .slab, .trial button, .button:not(.quiet), [data-menu] summary')].filter((node) => {
        const { borderTopWidth, borderTopStyle } = getComputedStyle(node)
        return node.checkVisibility() && (parseFloat(borderTopWidth) < 1 || borderTopStyle === 'none')
      }).map((node) => node.outerHTML.slice(0, 120)))
      assert.deepEqual(bare, [], name)
      const [ground, ...signs] = await page.evaluate(() => [getComputedStyle(document.body).backgroundColor,
        ...[...document.querySelectorAll('.verdict-icon, .icon')].filter((icon) => icon.checkVisibility()).map((icon) => getComputedStyle(icon).stroke)])
      assert.ok(signs.length > 3 && signs.every((stroke) => stroke !== ground && stroke !== 'none'), `${name}: ${signs}`)
    }, { forcedColors: 'active' })
  }
})

test('nothing moves for who wants it still', async () => {
  await inState('results', 'en', async (page) => {
    const moving = await page.evaluate(() => [...document.querySelectorAll('*')].filter((node) => parseFloat(getComputedStyle(node).transitionDuration) > 0).map((node) => node.outerHTML.slice(0, 80)))
    assert.deepEqual(moving, [])
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0)
  })
})

test('the first screen is the drop zone: what it is and the button are in sight, in every language', async () => {
  for (const language of languages) {
    for (const viewport of [{ width: 360, height: 780 }, { width: 1280, height: 800 }]) {
      await inState('static', language, async (page) => {
        const hidden = await page.evaluate(() => ['h1', '.slab-lead', 'label[for=files]', 'label[for=folder]'].filter((selector) => {
          const { top, bottom } = document.querySelector(selector).getBoundingClientRect()
          return top < 0 || bottom > innerHeight
        }))
        assert.deepEqual(hidden, [], `${language}, ${viewport.width}`)
      }, { viewport })
    }
  }
})
