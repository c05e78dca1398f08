// Modules that a first check does not need: loaded when they are.

import { loadAsset } from './asset.mjs'

const modules = new Map() // name → promise of the module

/**
 * What the page says of its lazy modules: by name the addresses, each with its integrity, of the module and of what it imports besides. Others'
 * pages say nothing of them, and there the modules are the embedder's own.
 */
function parts() {
  const list = document.querySelector('[data-lazy-parts]')?.dataset.lazyParts
  if (list === undefined) return null
  return new Map(list.split(' | ').filter(Boolean).map((group) => [group.split(' ', 1)[0], group.split(' ').slice(1)]))
}

/**
 * Loads a module, once. A browser checks the integrity of no module that is imported on the way, so that its bytes are read and
 * compared first: a damaged one gives no answer instead of a wrong one.
 * @param {string} name of the file beside this one
 * @returns {Promise<object>} what it exports; rejects where it cannot be had, and the next call tries again
 */
export function lazy(name) {
  if (!modules.has(name)) {
    const loading = load(name)
    modules.set(name, loading)
    loading.catch(() => modules.delete(name))
  }
  return modules.get(name)
}

async function load(name) {
  const known = parts()
  const words = known === null ? [] : known.get(name)
  if (!words) throw new Error(`load ${name}: the page does not name it`)
  await Promise.all(words.filter((_, i) => i % 2 === 0).map((url, i) => loadAsset(url, words[2 * i + 1]).then((r) => r.arrayBuffer())))
  return import(new URL(name, import.meta.url).href)
}
