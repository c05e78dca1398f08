// The portal's languages, and which one a reader gets: node --test site/e2e/language.test.mjs

import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { launch, serveFolder } from './browser.mjs'
import { buildCommand, makeDemo } from './registry.mjs'

const texts = new URL('../text/', import.meta.url)
const languages = (await readdir(texts)).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5))

let folder, browser, server

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-language-'))
  await makeDemo(await buildCommand(folder), join(folder, 'demo'))
  server = await serveFolder(join(folder, 'demo/public'))
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true })
})

/** Opens a page as a new visitor whose browser prefers some languages, and gives it to a test. */
async function prefers(preferred, to, use, options = {}) {
  const context = await browser.newContext({ locale: preferred[0], ...options })
  await context.addInitScript((preferred) => Object.defineProperty(navigator, 'languages', { get: () => preferred }), preferred)
  try {
    const page = await context.newPage()
    await page.goto(server.url + to)
    return await use(page)
  } finally {
    await context.close()
  }
}

/** Where a page has come to, below the portal. */
const where = (page) => page.url().slice(server.url.length)

/** Waits until a page stands where it should. */
const standsAt = (page, to) => page.waitForURL(server.url + to)

test('the languages that the portal is for are there', () => {
  assert.deepEqual(languages.toSorted(), ['ar', 'en', 'es', 'fr', 'ru', 'zh'])
})

test('a page at the root gives way to the reader’s language', async () => {
  for (const [preferred, to, want] of [
    [['ru-RU', 'en'], '', 'ru/index.html'],
    [['zh-Hans-CN'], 'offline.html', 'zh/offline.html'],
    [['es-419'], 'index.html', 'es/index.html'],
    [['AR-EG'], 'ledger.html#entry=3', 'ar/ledger.html#entry=3'],
    [['fr-CA'], 'index.html?a=b', 'fr/index.html?a=b'],
    [['de', 'fr'], 'issuers.html', 'fr/issuers.html'],
    [['de', 'ja'], 'issuers.html', 'issuers.html'],
    [['en-US', 'ru'], 'developers.html', 'developers.html'],
  ]) {
    await prefers(preferred, to, async (page) => {
      await standsAt(page, want)
      assert.equal(await page.getAttribute('html', 'lang'), want.match(/^(..)\//)?.[1] ?? 'en', String(preferred))
    })
  }
})

test('an address in a language’s folder stays, whatever the browser prefers', async () => {
  await prefers(['ru'], 'es/index.html', async (page) => {
    assert.equal(where(page), 'es/index.html')
    await page.click('.site-nav li:nth-child(2) a')
    await standsAt(page, 'es/offline.html')
  })
})

test('a choice by hand is kept on the device, and is stronger than the browser', async () => {
  await prefers(['ru'], '', async (page) => {
    await standsAt(page, 'ru/index.html')
    for (const [language, to] of [['en', 'index.html'], ['ar', 'ar/index.html'], ['en', 'index.html']]) {
      await page.click('[data-menu] summary')
      await page.click(`[data-language=${language}]`)
      await standsAt(page, to)
      await page.goto(`${server.url}offline.html`)
      await standsAt(page, to.replace('index', 'offline'))
      await page.goto(server.url + to)
    }
  })
})

test('where nothing can be kept, a choice holds for the tab', async () => {
  await prefers(['ru'], '', async (page) => {
    await page.addInitScript(() => Object.defineProperty(window, 'localStorage', { get: () => { throw new DOMException('forbidden', 'SecurityError') } }))
    await page.goto(`${server.url}ru/offline.html#content`)
    await page.click('[data-menu] summary')
    await page.click('[data-language=en]')
    await standsAt(page, 'offline.html#content')
    await page.click('.site-nav li:first-child a')
    await standsAt(page, 'index.html')
  })
})

test('a page that gives way is never shown', async () => {
  const context = await browser.newContext({ locale: 'ru' })
  const shown = []
  await context.exposeBinding('frameShown', (_, language) => shown.push(language))
  await context.addInitScript(() => {
    const look = () => {
      const { lang, hidden } = document.documentElement ?? {}
      if (lang && !hidden && document.body) globalThis.frameShown(lang)
      requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })
  const page = await context.newPage()
  await page.goto(server.url)
  await standsAt(page, 'ru/index.html')
  await page.waitForFunction(() => 'ready' in document.documentElement.dataset)
  assert.deepEqual([...new Set(shown)], ['ru'])
  await context.close()
})

test('without scripts the menu leads to each language', async () => {
  await prefers(['ru'], '', async (page) => {
    assert.equal(where(page), '')
    for (const language of languages.filter((l) => l !== 'en')) {
      await page.goto(server.url)
      await page.click('[data-menu] summary')
      await page.click(`[data-language=${language}]`)
      await standsAt(page, `${language}/index.html`)
    }
  }, { javaScriptEnabled: false })
})

test('the verifier says its words in the language of the page', async () => {
  for (const language of languages.filter((l) => l !== 'en')) {
    await prefers(['en'], `${language}/index.html`, async (page) => {
      const { verdicts } = JSON.parse(await readFile(new URL(`${language}.json`, texts), 'utf8'))
      await page.click('[data-sample]')
      await page.waitForFunction((title) => document.querySelector('.row [data-slot=title]')?.textContent === title, verdicts.authentic.title)
    })
  }
})
