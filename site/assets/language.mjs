// Chooses the page's language. A page at the portal's root, which is in English, gives way to the same page in the reader's language:
// the one that the reader has chosen by hand, or else the first of the browser's that there is. A page in a language's own folder stays: its
// address says what is wanted. It is no module, so that it runs before anything is shown, and nobody sees a page that is about to go.

;(() => {
  const key = 'stele.language'
  const page = document.documentElement
  const unkept = '#in=' // in the address, where the choice cannot be kept
  const patience = 3_000 // milliseconds in which the other page should have come

  /** The first of the languages that a reader prefers, of those there are: es-419 is es, and zh-Hans-CN is zh. */
  function best(available, preferred) {
    return preferred.map((tag) => tag.toLowerCase().split('-')[0]).find((tag) => available.includes(tag))
  }

  /** What the reader has chosen on this device, or nothing: storage may be forbidden. */
  function chosen() {
    try {
      return localStorage.getItem(key) ?? ''
    } catch {
      return ''
    }
  }

  /** Returns whether the choice is kept. */
  function remember(tag) {
    try {
      localStorage.setItem(key, tag)
      return localStorage.getItem(key) === tag
    } catch {
      return false
    }
  }

  globalThis.steleLanguage = Object.freeze({ best, chosen, remember })

  /** Goes to the same page in the reader's language, if that is another one. */
  function give() {
    const available = (page.dataset.languages ?? '').split(' ')
    const wanted = best(available, [chosen(), ...(navigator.languages ?? [])])
    if (!wanted || wanted === page.lang) return
    page.hidden = true
    setTimeout(() => (page.hidden = false), patience) // it did not come
    const file = location.pathname.split('/').pop() || 'index.html'
    location.replace(`${wanted}/${file}${location.search}${location.hash}`)
  }

  if (page.dataset.root === '' && !location.hash.startsWith(unkept)) give()

  document.addEventListener('click', ({ target }) => {
    const link = target.closest?.('a[data-language]')
    if (!link) return
    const tag = link.dataset.language
    if (!remember(tag)) link.hash = unkept + tag
    else if (location.hash && !location.hash.startsWith(unkept)) link.hash = location.hash
  })
})()
