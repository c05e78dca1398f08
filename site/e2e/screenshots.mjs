// Takes the portal's pictures for documents and for looking at: node site/e2e/screenshots.mjs [FOLDER]
//
// Landing page, answers and evidence, the ledger and the issuers, on a phone and a desk, light and dark, into .out/screenshots.

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { choose, launch, serveFolder, verdicts } from './browser.mjs'
import { root } from './chromium.mjs'
import { buildCommand, makeDemo } from './registry.mjs'

const SCREENS = { phone: { width: 360, height: 780 }, desk: { width: 1280, height: 900 } }

/** What is on each picture: which page, and what is done there. */
const pictures = (samples) => {
  const files = (...paths) => paths.map((path) => join(samples, path))
  const check = async (page, given) => {
    await choose(page, given)
    await verdicts(page, given.length)
  }
  const proved = (page) => page.waitForFunction(() => 'ready' in document.documentElement.dataset)
  const several = files('education/diploma.pdf', 'education/teaching-licence.docx', 'land/land-extract-2019.pdf', 'court/enforcement-order.txt',
    'interior/conduct-certificate-2011.docx', 'academy/academy-diploma.pdf', 'received/diploma.pdf', 'education/شهادة تخرج.txt')
  return {
    landing: ['', () => {}],
    answer: ['', (page) => check(page, files('education/diploma.pdf'))],
    results: ['', (page) => check(page, several)],
    evidence: ['', async (page) => {
      await check(page, files('education/teaching-licence.docx'))
      await page.click('.row summary')
      await page.waitForSelector('.way')
    }],
    offline: ['offline.html', () => {}],
    replaced: ['', async (page) => {
      await check(page, files('land/land-extract-2019.pdf'))
      await page.getByRole('button', { name: /^Check the newer document/ }).click()
      await verdicts(page, 2)
    }],
    issuers: ['issuers.html', async (page) => {
      await proved(page)
      await page.click('[data-issuer^=academy] summary')
    }],
    ledger: ['ledger.html', proved],
    entry: ['ledger.html#entry=23', async (page) => {
      await proved(page)
      for (const summary of await page.locator('.entry summary').all()) await summary.click()
    }],
    developers: ['developers.html', () => {}],
  }
}

async function main(target = join(root, '.out', 'screenshots')) {
  const folder = await mkdtemp(join(tmpdir(), 'stele-screenshots-'))
  const demo = join(folder, 'demo')
  await makeDemo(await buildCommand(folder), demo)
  await mkdir(target, { recursive: true })
  const server = await serveFolder(join(demo, 'public'))
  const browser = await launch()
  try {
    for (const [screen, viewport] of Object.entries(SCREENS)) {
      for (const colorScheme of ['light', 'dark']) {
        const context = await browser.newContext({ viewport, colorScheme, locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce' })
        const page = await context.newPage()
        for (const [name, [path, act]] of Object.entries(pictures(join(demo, 'samples')))) {
          await page.goto('about:blank') // or a fragment alone would change nothing
          await page.goto(server.url + path)
          await act(page)
          const file = join(target, `${name}-${screen}-${colorScheme}.png`)
          await page.screenshot({ path: file, fullPage: true })
          console.log(file)
        }
        await context.close()
      }
    }
  } finally {
    await browser.close()
    await server.close()
    await rm(folder, { recursive: true })
  }
}

await main(process.argv[2])
