// Three real engines behind one small interface, so that one set of scenarios runs over all of them: Chromium, which
// playwright-core drives; Firefox, which puppeteer-core drives by WebDriver BiDi; and WebKitGTK, whose driver speaks plain
// W3C WebDriver over HTTP. All come from Debian.
//
//   engine = await open('WebKitGTK')                       a browser, or what starts one
//   visitor = await engine.visitor({language: 'ar'})       a person who has never been here: storage and caches are empty
//   await visitor.go(url)                                  over http: or file:
//   await visitor.evaluate((n) => document.links[n].href, 0)
//
// A visitor has go(url), reload(), evaluate(function, …arguments), until(function, …arguments), click(selector), press(key, shift),
// choose(selector, paths), drop(selector, files), resize(width, height), screenshot(), errors() and close().

import { spawn } from 'node:child_process'
import { access, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import puppeteer from 'puppeteer-core'
import { EXECUTABLE as CHROMIUM, launchWhole } from './chromium.mjs'
import { freePort, start, until } from './processes.mjs'

const ZONE = 'Europe/Kyiv'
const PATIENCE = 120_000 // milliseconds that a condition is waited for: an engine may have half a core
const DESK = { width: 1280, height: 900 } // CSS pixels

/** What an engine needs, and the Debian package that has it. */
const PARTS = {
  Chromium: [[CHROMIUM, 'chromium']],
  Firefox: [['/usr/bin/firefox-esr', 'firefox-esr']],
  WebKitGTK: [['/usr/bin/WebKitWebDriver', 'webkit2gtk-driver'], ['/usr/bin/Xvfb', 'xvfb']],
}

/** Those that are tested: all, or those that STELE_ENGINES names. */
export const names = process.env.STELE_ENGINES?.split(' ') ?? Object.keys(PARTS)
for (const name of names) if (!PARTS[name]) throw new Error(`STELE_ENGINES: there is no ${name}, want names of ${Object.keys(PARTS).join(', ')}`)

/**
 * Starts an engine. Whoever opens it closes it. A missing one is an error that names the package to install.
 * @param {{full?: boolean}} settings whether its storage is full; WebKitGTK cannot be told so from outside
 */
export async function open(name, settings = {}) {
  for (const [path, pkg] of PARTS[name]) {
    const found = await access(path).then(() => true, () => false)
    if (!found) throw new Error(`${name} cannot be tested: ${path} is missing. Install the Debian package ${pkg}: apt-get install ${pkg}`)
  }
  return { Chromium: openChromium, Firefox: openFirefox, WebKitGTK: openWebKit }[name](settings)
}

// What all visitors do in the page itself.

/** Runs in the page: drops files, given as {name, base64}, on an element, as a file manager does. */
function dropIn(selector, files) {
  const transfer = new DataTransfer()
  for (const { name, base64 } of files)
    transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name))
  const on = document.querySelector(selector)
  for (const kind of ['dragover', 'drop']) on.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer }))
}

/** What the three kinds of visitors have in common; each gives evaluate and the acts that go past the page. */
class Visitor {
  constructor() {
    this.told = [] // errors that the engine itself has told of
  }

  /** Waits until a function in the page comes to something true, and resolves to it. */
  until(ask, ...args) {
    return until(() => this.evaluate(ask, ...args), async () => {
      const seen = await this.evaluate(() => `${location.href}\n${document.body?.innerText.slice(0, 2000)}`).catch(String)
      return `${ask} with ${JSON.stringify(args)}; the page shows:\n${seen}`
    }, PATIENCE)
  }

  /** @param {{name: string, bytes: Buffer}[]} files any name will do, also those that no disk takes */
  drop(selector, files) {
    return this.evaluate(dropIn, selector, files.map(({ name, bytes }) => ({ name, base64: bytes.toString('base64') })))
  }

  errors() {
    return this.told
  }
}

/** What Playwright's pages and Puppeteer's have in common. */
class PageVisitor extends Visitor {
  constructor(context, page) {
    super()
    Object.assign(this, { context, page })
    page.setDefaultTimeout(60_000)
    page.on('console', (m) => m.type() === 'error' && this.told.push(m.text()))
    page.on('pageerror', (e) => this.told.push(String(e))) // in Firefox, refusals by the content security policy too
  }

  go(url) {
    return this.page.goto(url)
  }

  reload() {
    return this.page.reload()
  }

  evaluate(use, ...args) {
    return this.page.evaluate(`(${use})(...${JSON.stringify(args)})`)
  }

  click(selector) {
    return this.page.click(selector)
  }

  async press(key, shift = false) {
    const { keyboard } = this.page
    if (shift) await keyboard.down('Shift')
    await keyboard.press(key)
    if (shift) await keyboard.up('Shift')
  }

  async screenshot() {
    return Buffer.from(await this.page.screenshot())
  }

  close() {
    return this.context.close()
  }
}

// Chromium

async function openChromium({ full }) {
  const browser = await launchWhole()
  const visitor = async ({ language = 'en-GB', ...size } = {}) => {
    const context = await browser.newContext({ locale: language, timezoneId: ZONE, reducedMotion: 'reduce', viewport: { ...DESK, ...size } })
    const visitor = new ChromiumVisitor(context, await context.newPage())
    visitor.full = full
    return visitor
  }
  return { name: 'Chromium', visitor, close: () => browser.close() }
}

class ChromiumVisitor extends PageVisitor {
  async go(url) {
    if (this.full) {
      const session = await this.context.newCDPSession(this.page)
      await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(url).origin, quotaSize: 1 }) // byte; 0 would lift it
    }
    await this.page.goto(url)
  }

  choose(selector, paths) {
    return this.page.setInputFiles(selector, paths)
  }

  resize(width, height) {
    return this.page.setViewportSize({ width, height })
  }
}

// Firefox

async function openFirefox({ full }) {
  const browsers = new Map() // by language, which Firefox has one of
  const browserOf = async (language) => {
    if (!browsers.has(language)) browsers.set(language, await launchFirefox(language, full))
    return browsers.get(language)
  }
  const visitor = async ({ language = 'en-GB', ...size } = {}) => {
    const context = await (await browserOf(language)).createBrowserContext()
    const page = await context.newPage()
    await page.setViewport({ ...DESK, ...size })
    return new FirefoxVisitor(context, page)
  }
  const close = () => Promise.all([...browsers.values()].map((browser) => browser.close()))
  await browserOf('en-GB')
  return { name: 'Firefox', visitor, close }
}

const launchFirefox = (language, full) =>
  puppeteer.launch({
    browser: 'firefox',
    executablePath: PARTS.Firefox[0][0],
    headless: true,
    env: { ...process.env, TZ: ZONE, LC_ALL: 'C.UTF-8' },
    extraPrefsFirefox: {
      'intl.accept_languages': [...new Set([language, language.split('-')[0]])].join(', '),
      'ui.prefersReducedMotion': 1,
      'general.smoothScroll': false,
      ...(full && { 'dom.quotaManager.temporaryStorage.fixedLimit': 0 }), // KiB
    },
  })

class FirefoxVisitor extends PageVisitor {
  async choose(selector, paths) {
    const input = await this.page.$(selector)
    await input.uploadFile(...paths)
  }

  resize(width, height) {
    return this.page.setViewport({ width, height })
  }
}

// WebKitGTK

const KEYS = { Tab: '\uE004', Enter: '\uE007', Space: ' ', Escape: '\uE00C', Shift: '\uE008' } // W3C WebDriver, 17.4.2

/** One display for all its visitors, each of whom has a browser and a driver of their own. */
async function openWebKit() {
  const folder = await mkdtemp(join(tmpdir(), 'stele-webkit-'))
  const browser = await miniBrowser()
  const display = start('/usr/bin/Xvfb', ['-displayfd', '1', '-screen', '0', '1600x1400x24', '-nolisten', 'tcp'])
  const [, number] = await display.says(/(\d+)\n/)
  await look(folder)
  const env = {
    ...process.env,
    DISPLAY: `:${number}`,
    TZ: ZONE,
    XDG_CONFIG_HOME: folder,
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', // as root, in a container
    WEBKIT_DISABLE_COMPOSITING_MODE: '1',
  }
  const visitor = async ({ language = 'en-GB', ...size } = {}) => {
    const driver = await startDriver(env)
    const visitor = new WebKitVisitor(driver, await driver.begin(await speaking(language, browser, folder)))
    const { width, height } = { ...DESK, ...size }
    await visitor.resize(width, height)
    return visitor
  }
  const close = async () => {
    await display.end()
    await rm(folder, { recursive: true, force: true })
  }
  return { name: 'WebKitGTK', visitor, close }
}

/** The path of MiniBrowser, which lies in a folder of the processor's name and the library's version. */
async function miniBrowser() {
  const folders = (await readdir('/usr/lib', { recursive: false })).filter((name) => name.includes('-linux-'))
  for (const folder of folders) {
    const versions = (await readdir(join('/usr/lib', folder))).filter((name) => name.startsWith('webkit2gtk-'))
    for (const version of versions.sort().reverse()) {
      const path = join('/usr/lib', folder, version, 'MiniBrowser')
      if (await access(path).then(() => true, () => false)) return path
    }
  }
  throw new Error('WebKitGTK cannot be tested: MiniBrowser is missing. Install the Debian package webkit2gtk-driver: apt-get install webkit2gtk-driver')
}

/** Writes how GTK looks: without motion, and with a tool bar so narrow that the window can be as narrow as a phone. */
async function look(folder) {
  await mkdir(join(folder, 'gtk-3.0'))
  await writeFile(join(folder, 'gtk-3.0/settings.ini'), '[Settings]\ngtk-enable-animations=0\n')
  await writeFile(join(folder, 'gtk-3.0/gtk.css'), 'toolbar *, headerbar *, entry, button { min-width: 0; min-height: 0; padding: 0; margin: 0; border-width: 0; font-size: 1px; }\n')
}

/**
 * A program that is MiniBrowser in a language. WebKitGTK takes the language from the C library's locale, of which a plain Debian
 * has none but "C": a copy of it by another name is enough.
 */
async function speaking(language, browser, folder) {
  const locale = `${language.replace('-', '_')}.UTF-8`
  const program = join(folder, language)
  await cp('/usr/lib/locale/C.utf8', join(folder, 'locale', locale), { recursive: true })
  await writeFile(program, `#!/bin/sh\nLOCPATH='${folder}/locale' LC_ALL=${locale} exec '${browser}' "$@"\n`, { mode: 0o755 })
  return program
}

/** A WebDriver on a port of its own; it has one browser. */
async function startDriver(env) {
  const port = await freePort()
  const process = start('/usr/bin/WebKitWebDriver', [`--port=${port}`], env)
  const call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) })
    const { value } = await response.json()
    if (!response.ok) throw new Error(`WebKitWebDriver ${method} ${path}: ${value.error}: ${value.message}`)
    return value
  }
  await until(() => call('GET', '/status').then(() => true, () => process.code !== undefined), () => process.said())
  const begin = async (binary) => {
    const { sessionId } = await call('POST', '/session', { capabilities: { alwaysMatch: {
      'webkitgtk:browserOptions': { binary, args: ['--automation'] },
      timeouts: { script: 90_000, pageLoad: 60_000 },
    } } })
    return (method, path, body) => call(method, `/session/${sessionId}${path}`, body)
  }
  return { begin, end: () => process.end() }
}

/** Runs in the page, as WebDriver's asynchronous scripts do: what it comes to is given to the last argument. */
const asynchronous = (use, args) => `const done = arguments[arguments.length - 1]
  Promise.resolve().then(() => (${use})(...${JSON.stringify(args)})).then((value) => done({ value }), (error) => done({ error: String(error) }))`

class WebKitVisitor extends Visitor {
  constructor(driver, session) {
    super()
    Object.assign(this, { driver, session })
  }

  go(url) {
    return this.session('POST', '/url', { url })
  }

  reload() {
    return this.session('POST', '/refresh', {})
  }

  async evaluate(use, ...args) {
    const { value, error } = await this.session('POST', '/execute/async', { script: asynchronous(use, args), args: [] })
    if (error !== undefined) throw new Error(error)
    return value
  }

  async element(selector) {
    const found = await this.session('POST', '/element', { using: 'css selector', value: selector })
    return `/element/${Object.values(found)[0]}`
  }

  async click(selector) {
    await this.evaluate((s) => document.querySelector(s).scrollIntoView({ block: 'center', behavior: 'instant' }), selector)
    await this.session('POST', `${await this.element(selector)}/click`, {})
  }

  async press(key, shift = false) {
    const down = [...(shift ? [KEYS.Shift] : []), KEYS[key]]
    const actions = [...down.map((value) => ({ type: 'keyDown', value })), ...down.reverse().map((value) => ({ type: 'keyUp', value }))]
    await this.session('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] })
  }

  async choose(selector, paths) {
    await this.session('POST', `${await this.element(selector)}/value`, { text: paths.join('\n') })
  }

  /** Sets the page's size: a window is larger by its bars. */
  async resize(width, height) {
    const outer = await this.session('POST', '/window/rect', { x: 0, y: 0, width, height })
    const inner = await this.until(() => innerWidth > 0 && [innerWidth, innerHeight])
    await this.session('POST', '/window/rect', { x: 0, y: 0, width: width + outer.width - inner[0], height: height + outer.height - inner[1] })
    await this.until((w, h) => innerWidth === w && innerHeight === h, width, height)
  }

  async screenshot() {
    return Buffer.from(await this.session('GET', '/screenshot'), 'base64')
  }

  async close() {
    await this.session('DELETE', '')
    await this.driver.end()
  }
}
