// Begins the verifier in one file: puts the reader's language on the page, shows that the page cannot connect, and starts what the portal's
// page starts too.

const bodies = [...document.querySelectorAll('template[data-language]')]
const asked = new URLSearchParams(location.hash.slice(1)).get('in')

/** The first language that the reader prefers, of those there are. */
function preferred() {
  const tags = [asked, ...(navigator.languages ?? [])].filter(Boolean).map((tag) => tag.toLowerCase().split('-')[0])
  const tag = tags.find((t) => bodies.some((b) => b.dataset.language === t))
  return bodies.find((b) => b.dataset.language === tag) ?? bodies[0]
}

/** Puts a language's page in place. */
function show(body) {
  document.documentElement.lang = body.dataset.language
  document.documentElement.dir = body.dataset.direction
  document.title = body.dataset.title
  body.before(body.content.cloneNode(true))
}

/** Tries to read an address that would need no network even if it were allowed, and says what the browser did. */
async function tryToConnect() {
  const refused = await fetch('data:,').then(() => false, () => true)
  for (const node of document.querySelectorAll('[data-sealed]')) node.hidden = node.dataset.sealed !== String(refused)
}

addEventListener('hashchange', () => location.reload())
show(preferred())
tryToConnect()
import('./page.mjs')
