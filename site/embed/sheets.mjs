// The portal's style sheets, taken into shadow trees. What holds for the portal's root holds for the element there, so that a page sets
// the element's tokens as it sets anything else of its elements.

import { loadAsset } from './portal/asset.mjs'
import { build } from './portal/build.mjs'

const own = new URL('./element.css', import.meta.url).href
const loaded = new Map() // theme → promise of sheets

/**
 * Loads the sheets, once for all elements of a theme.
 * @param {string} theme light or dark; anything else leaves it to the reader's device
 */
export function sheetsFor(theme) {
  if (!loaded.has(theme)) {
    const addresses = [...build.styles.map((name) => new URL(`./portal/${name}`, import.meta.url).href), own]
    const loading = Promise.all(addresses.map((address) => sheet(address, theme)))
    loaded.set(theme, loading)
    loading.catch(() => loaded.delete(theme))
  }
  return loaded.get(theme)
}

async function sheet(address, theme) {
  const response = await loadAsset(address)
  const made = new CSSStyleSheet()
  made.replaceSync(hosted(await response.text()))
  if (theme === 'light' || theme === 'dark') fix(made.cssRules, theme)
  return made
}

/** :root is no part of a shadow tree; its host is. */
function hosted(css) {
  return css.replace(/:root((?:\[[^\]]*\]|:[a-z-]+\([^)]*\))*)/g, (_, condition) => (condition ? `:host(${condition})` : ':host'))
}

/** Has the rules for dark screens hold always or never. */
function fix(rules, theme) {
  for (const rule of rules) {
    if (rule instanceof CSSMediaRule && rule.conditionText.includes('prefers-color-scheme: dark')) rule.media.mediaText = theme === 'dark' ? 'screen' : 'not all'
  }
}
