// Chooses the page's language. A page at the portal's root, which is in English, gives way to the same page in the reader's language:
// the one that the reader has chosen by hand, or else the first of the browser's that there is. A page in a language's own folder stays: its
// address says what is wanted. It is no module, so that it runs before anything is shown, and nobody sees a page that is about to go.

;(() => {
  const key = 'stele.language'
  const mark = `${key}=`
  const page = document.documentElement
  const patience = 3_000 // milliseconds in which the other page should have come

  /** The first of the languages that a reader prefers, of those there are: es-419 is es, and zh-Hans-CN is zh. */
  function best(available, preferred) {
    return preferred.map((tag) => tag.toLowerCase().split('-')[0]).find((tag) => available.includes(tag))
  }

  /** What the reader has chosen on this device, or nothing. */
  function chosen() {
    if (window.name.startsWith(mark)) return window.name.slice(mark.length)
    try {
      return localStorage.getItem(key) ?? ''
    } catch {
      return ''
    }
  }

  /** Keeps a choice on this device; where the browser forbids that, in this tab. */
  function remember(tag) {
    try {
      localStorage.setItem(key, tag)
    } catch {
      window.name = mark + tag
    }
  }

  globalThis.steleLanguage = Object.freeze({ best, chosen, remember })

  /** Goes to the same page in the reader's language, if that is another one. */
  function give() {
    const wanted = best(page.dataset.languages.split(' '), [chosen(), ...(navigator.languages ?? [])])
    if (!wanted || wanted === page.lang) return
    page.hidden = true
    setTimeout(() => (page.hidden = false), patience) // it did not come
    const file = location.pathname.split('/').pop() || 'index.html'
    location.replace(`${wanted}/${file}${location.search}${location.hash}`)
  }

  if (page.dataset.root === '') give()

  document.addEventListener('click', ({ target }) => {
    const link = target.closest('a[data-language]')
    if (link) {
      remember(link.dataset.language)
      link.hash = location.hash // what is open here is open there
    }
    shutOthers(target)
  })

  // An open menu must not lie over what has the keyboard.
  document.addEventListener('focusin', ({ target }) => shutOthers(target))

  function shutOthers(target) {
    for (const menu of document.querySelectorAll('[data-menu][open]')) if (!menu.contains(target)) menu.open = false
  }

  document.addEventListener('keydown', (event) => {
    const menu = event.key === 'Escape' && event.target.closest('[data-menu][open]')
    if (!menu) return
    menu.open = false
    menu.querySelector('summary').focus()
  })
})()
