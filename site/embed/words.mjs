// The portal's wording for the element, in the language of the place where it stands.

import { build } from './portal/build.mjs'
import { loadWording } from './portal/text.mjs'

const texts = new Map() // language → promise of Wording

/** The language that an element is in, by its own lang or one above it, as far as the package has it. */
export function languageOf(node) {
  const wanted = [node.closest('[lang]')?.lang, ...(navigator.languages ?? [])]
  return wanted.map((tag) => (tag ?? '').toLowerCase().split('-')[0]).find((tag) => build.languages.includes(tag)) ?? build.languages[0]
}

/** Loads a language's wording, once. One that did not come is asked for again the next time. */
export function wordingIn(language) {
  if (!texts.has(language)) {
    const loading = loadWording(new URL(`./portal/text/${language}.json`, import.meta.url).href).then(adapted)
    texts.set(language, loading)
    loading.catch(() => texts.delete(language))
  }
  return texts.get(language)
}

/** What the portal says of its own page is said otherwise in others'. */
function adapted(wording) {
  const { table } = wording
  const { verifier, verifierNext, unpinned } = table.embed
  Object.assign(table.local, { verifier, verifierNext })
  table.notices['trust-unpinned'] = unpinned
  wording.ownPage = false
  return wording
}
