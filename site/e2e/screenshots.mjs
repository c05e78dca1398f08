// Takes the pictures for the documentation: node site/e2e/screenshots.mjs
//
// A few of the portal, small, into site/screenshots. With --all FOLDER: every page, on a phone and a desk, light and dark, in every
// language, for looking at.

import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { choose, launchWhole, serveFolder, verdicts } from './browser.mjs'
import { root } from './chromium.mjs'
import { buildCommand, makeDemo } from './registry.mjs'

const PHONE = { width: 360, height: 780 }
const DESK = { width: 1280, height: 800 }
const LIMITS = { picture: 150_000, all: 1_200_000 } // bytes

/** What the documentation shows: in which language, on what screen, which page, and what is done there. */
const shown = (of) => ({
  landing: { screen: DESK },
  answer: { screen: { ...DESK, height: 1000 }, act: (page) => check(page, of('education/diploma.pdf')) },
  evidence: { screen: { ...DESK, height: 1000 }, act: async (page) => {
    await check(page, of('education/teaching-licence.docx'))
    await page.click('.row-body > details > summary')
    await page.waitForSelector('.way')
    await page.locator('.row-body > details').last().evaluate((node) => scrollTo(0, node.getBoundingClientRect().top + scrollY - 16))
  } },
  several: { screen: { ...DESK, height: 1000 }, act: (page) => check(page, several(of)) },
  arabic: { screen: { ...DESK, height: 1000 }, language: 'ar', act: (page) => check(page, of('land/land-extract-2019.pdf')) },
  phone: { screen: PHONE, scale: 2, act: (page) => check(page, of('received/diploma.pdf')) },
  'phone-landing': { screen: PHONE, scale: 2 },
  dark: { screen: DESK, dark: true, act: (page) => check(page, of('education/teaching-licence.docx')) },
})

/** Everything there is to look at. */
const pages = (of) => ({
  landing: {},
  answer: { act: (page) => check(page, of('education/diploma.pdf')) },
  results: { act: (page) => check(page, several(of)) },
  evidence: { act: async (page) => {
    await check(page, of('education/teaching-licence.docx'))
    await page.click('.row summary')
  } },
  offline: { path: 'offline.html' },
  issuers: { path: 'issuers.html', act: proved },
  ledger: { path: 'ledger.html', act: proved },
  entry: { path: 'ledger.html#entry=23', act: async (page) => {
    await proved(page)
    for (const summary of await page.locator('.entry summary').all()) await summary.click()
  } },
  developers: { path: 'developers.html' },
})

const several = (of) => of('education/diploma.pdf', 'education/teaching-licence.docx', 'land/land-extract-2019.pdf', 'court/enforcement-order.txt',
  'interior/conduct-certificate-2011.docx', 'academy/academy-diploma.pdf', 'received/diploma.pdf', 'education/شهادة تخرج.txt')

async function check(page, files) {
  await choose(page, files)
  await verdicts(page, files.length)
}

const proved = (page) => page.waitForFunction(() => 'ready' in document.documentElement.dataset)

/** Takes one picture as WebP: PNG is several times larger here. */
async function take(browser, url, { screen, scale = 1, dark = false, language = 'en', path = 'index.html', act, full = false }, file) {
  const context = await browser.newContext({ viewport: screen, deviceScaleFactor: scale, colorScheme: dark ? 'dark' : 'light', locale: language === 'en' ? 'en-GB' : language,
    timezoneId: 'UTC', reducedMotion: 'reduce', hasTouch: screen === PHONE, isMobile: screen === PHONE })
  try {
    const page = await context.newPage()
    await page.goto(url + (language === 'en' ? '' : `${language}/`) + path)
    await act?.(page)
    const session = await context.newCDPSession(page)
    const { cssContentSize } = await session.send('Page.getLayoutMetrics')
    const clip = { x: 0, y: 0, width: cssContentSize.width, height: cssContentSize.height, scale: 1 }
    const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 82, ...(full && { captureBeyondViewport: true, clip }) })
    await writeFile(file, Buffer.from(data, 'base64'))
  } finally {
    await context.close()
  }
  console.log(file, (await stat(file)).size)
}

/** Fails where a picture has become too large to lie in a repository. */
async function weigh(folder) {
  let all = 0
  for (const name of await readdir(folder)) {
    const { size } = await stat(join(folder, name))
    all += size
    if (size > LIMITS.picture) throw new Error(`${name}: ${size} bytes, at most ${LIMITS.picture}`)
  }
  if (all > LIMITS.all) throw new Error(`${folder}: ${all} bytes in all, at most ${LIMITS.all}`)
}

async function takeAll(browser, url, of, target, languages) {
  for (const language of languages) {
    for (const [device, screen] of Object.entries({ phone: PHONE, desk: DESK })) {
      for (const dark of [false, true]) {
        for (const [name, one] of Object.entries(pages(of))) {
          await take(browser, url, { ...one, screen, dark, language, full: true }, join(target, `${name}-${language}-${device}-${dark ? 'dark' : 'light'}.webp`))
        }
      }
    }
  }
}

async function main(option, folder) {
  const target = option === '--all' ? folder : join(root, 'site', 'screenshots')
  const work = await mkdtemp(join(tmpdir(), 'stele-screenshots-'))
  const demo = join(work, 'demo')
  await makeDemo(await buildCommand(work), demo)
  await mkdir(target, { recursive: true })
  const server = await serveFolder(join(demo, 'public'))
  const browser = await launchWhole()
  const of = (...paths) => paths.map((path) => join(demo, 'samples', path))
  try {
    const languages = (await readFile(join(demo, 'public/index.html'), 'utf8')).match(/data-languages="([^"]*)"/)[1].split(' ')
    if (option === '--all') return await takeAll(browser, server.url, of, target, languages)
    for (const [name, one] of Object.entries(shown(of))) {
      if (languages.includes(one.language ?? 'en')) await take(browser, server.url, one, join(target, `${name}.webp`))
    }
    await weigh(target)
  } finally {
    await browser.close()
    await server.close()
    await rm(work, { recursive: true })
  }
}

await main(...process.argv.slice(2))
