// <stele-verify>: the portal's slab, verdicts and words in a page of somebody else's. It lives in a shadow tree of its own; what it
// needs is fetched from the package's folder, and the verifier only when somebody turns to it.

import * as host from './browser.mjs'
import { VerifierError } from './errors.mjs'
import { Answers } from './answers.mjs'
import { element, icon } from './portal/dom.mjs'
import { fromInput, fromTransfer } from './portal/files.mjs'
import { draw } from './icons.mjs'
import { languageOf, wordingIn } from './words.mjs'
import { sheetsFor } from './sheets.mjs'
import { open } from './verifier.mjs'

const settings = ['portal', 'trust', 'trust-sha256'] // what a verifier is made of
const properties = new Map([['portal', 'portal'], ['trust', 'trust'], ['trustSha256', 'trust-sha256'], ['theme', 'theme']])
const interests = ['pointerover', 'focusin', 'dragenter']

/** Whether files are being dragged, and not text or a link. */
const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files')

/** An address that may be a link's: a page must not be made to run a script by what it says of where the portal is. */
function portalOf(text) {
  if (!text || !URL.canParse(text, document.baseURI)) return null
  const address = new URL(text, document.baseURI)
  return /^https?:$/.test(address.protocol) ? address : null
}

export class SteleVerifyElement extends HTMLElement {
  static observedAttributes = [...settings, 'lang', 'theme']

  #root = this.attachShadow({ mode: 'open' })
  #verifier = null // promise
  #drawn = null // promise
  #turn = 0 // of drawing: what was begun before the last change comes to nothing
  #parts = null // what is drawn
  #answers = null
  #fault = null // why documents cannot be checked here

  constructor() {
    super()
    this.#root.append(document.createElement('slot')) // until it is drawn, the page's own words stand alone
    for (const type of interests) this.addEventListener(type, () => this.#wake())
  }

  connectedCallback() {
    for (const name of properties.keys()) {
      if (!Object.hasOwn(this, name)) continue // it was set before this script had come
      const value = this[name]
      delete this[name]
      this[name] = value
    }
    this.#draw()
  }

  /** Taken out of the page, it stops. Moved within it, it goes on. */
  disconnectedCallback() {
    queueMicrotask(() => {
      if (!this.isConnected) this.#stop()
    })
  }

  attributeChangedCallback(name, before, now) {
    if (before === now) return
    if (settings.includes(name)) this.#stop() // what was said on another registry's strength is gone with it
    this.#drawn = null
    if (this.isConnected) this.#draw()
  }

  /** Takes documents, and receipts with them. */
  async check(files) {
    const items = [...files].map((file) => ({ name: file.name, path: file.webkitRelativePath || file.name, file }))
    await this.#take(items)
  }

  clear() {
    this.#answers?.clear()
  }

  /** The verifier; one that could not be started is tried again. */
  get verifier() {
    if (!this.#verifier) {
      const starting = this.#start()
      this.#verifier = starting
      starting.then(() => this.#tell(null, starting), (fault) => this.#tell(fault, starting))
    }
    return this.#verifier
  }

  async #start() {
    const value = (name) => this.getAttribute(name) || null
    const portal = portalOf(value('portal'))
    if (!portal || !value('trust')) throw new VerifierError('not-started', '<stele-verify> needs the attributes portal, an http or https address, and trust, the trust file’s')
    try {
      return await open({ portal, trust: value('trust'), trustSHA256: value('trust-sha256') }, host)
    } catch (error) {
      throw error instanceof VerifierError ? error : new VerifierError('not-started', error.message, error)
    }
  }

  /** Loads the verifier when it may soon be needed. Where it does not start, only a document makes it try again. */
  #wake() {
    if (this.#fault === null && this.isConnected) this.verifier.catch(() => {}) // told to the reader
  }

  /** Shows whether documents can be checked here. */
  #tell(fault, of) {
    if (this.#verifier !== of) return // it is another one's turn
    if (fault) this.#verifier = null
    this.#fault = fault
    this.#help()
    if (fault) this.#send('stele-failure', { name: '', error: fault })
  }

  #help() {
    if (!this.#parts) return
    const { help, wording } = this.#parts
    help.hidden = this.#fault === null
    if (help.hidden) return
    help.replaceChildren(
      element('p', {}, element('strong', {}, wording.of('embed', this.#fault.code === 'trust' ? 'trust' : 'verifier'))),
      element('p', {}, this.#elsewhere(wording) ?? wording.of('embed', 'elsewhereNone')),
      element('details', {}, element('summary', {}, wording.ui('detail')), element('p', { class: 'code folded' }, this.#fault.message)),
    )
  }

  #elsewhere(wording) {
    const portal = portalOf(this.getAttribute('portal'))
    return portal && element('a', { href: portal.href, target: '_blank', rel: 'noopener', part: 'elsewhere' }, wording.of('embed', 'elsewhere'))
  }

  #stop() {
    this.#answers?.clear()
    this.#verifier?.then((verifier) => verifier.close(), () => {})
    this.#verifier = null
    this.#fault = null
    this.#help()
  }

  /** Draws it in its language and theme, once. Answers that stand there are made anew in other words. */
  #draw() {
    if (this.#drawn) return this.#drawn
    const drawing = this.#compose().catch((error) => {
      if (this.#drawn !== drawing) return
      this.#drawn = null
      if (this.isConnected) this.#undrawn(error)
    })
    this.#drawn = drawing
    return drawing
  }

  /** Without words and looks there is still the page's own text, and the way to the portal. */
  #undrawn(error) {
    const portal = portalOf(this.getAttribute('portal'))
    this.#parts = null
    this.#root.replaceChildren(element('slot'), portal ? element('p', {}, element('a', { href: portal.href }, portal.href)) : '')
    this.#send('stele-failure', { name: '', error: new VerifierError('not-started', `load the element: ${error.message}`, error) })
  }

  async #compose() {
    const turn = ++this.#turn
    const [wording, sheets] = await Promise.all([wordingIn(languageOf(this)), sheetsFor(this.theme)])
    if (turn !== this.#turn) return this.#drawn
    this.#root.adoptedStyleSheets = sheets
    if (this.#parts?.wording === wording && this.#parts.portal === this.portal) return // only the looks are others
    const parts = this.#frame(wording)
    this.#parts = { ...parts, wording, portal: this.portal }
    this.#root.replaceChildren(draw(), parts.frame)
    this.#answers = new Answers(this.#parts, { portal: portalOf(this.getAttribute('portal')), verifier: () => this.verifier, send: (type, detail) => this.#send(type, detail) }, this.#answers)
    this.#listen(parts)
    this.#help()
  }

  #frame(wording) {
    const say = (key) => wording.of('embed', key)
    const input = element('input', { type: 'file', id: 'files', class: 'unseen', multiple: '' })
    const status = element('p', { class: 'results-status', role: 'status', part: 'status' })
    const list = element('ol', { class: 'rows', part: 'results', 'aria-label': say('results') })
    const help = element('div', { class: 'help', hidden: '', part: 'help' })
    const clear = element('button', { type: 'button', class: 'button small', hidden: '' }, say('clear'))
    const drop = element(
      'div',
      { class: 'drop', part: 'drop' },
      element('slot', {}, element('h2', {}, say('ask'))),
      element('p', { class: 'drop-lead' }, say('drop')),
      element('div', { class: 'drop-choice' }, input, element('label', { class: 'button primary', for: 'files', part: 'choose' }, icon('files'), element('span', {}, say('choose')))),
      element('slot', { name: 'note' }, element('p', { class: 'drop-note' }, say('any'))),
      element('p', { class: 'drop-over', 'aria-hidden': 'true' }, say('over')),
    )
    const { language, direction } = wording.table
    const foot = element('p', { class: 'elsewhere' }, this.#elsewhere(wording))
    const frame = element('section', { class: 'frame', lang: language, dir: direction, 'aria-label': say('region') }, drop, help, element('div', { class: 'answers-head' }, status, clear), list, foot)
    return { frame, drop, input, status, list, help, clear }
  }

  #listen({ drop, input, clear }) {
    input.addEventListener('change', () => {
      const items = fromInput(input)
      input.value = '' // so that the same file can be chosen again
      this.#take(items)
    })
    clear.addEventListener('click', () => {
      this.#answers.clear()
      input.focus()
    })
    const over = (event, is) => {
      if (!carriesFiles(event)) return
      event.preventDefault()
      drop.toggleAttribute('data-over', is)
    }
    drop.addEventListener('dragover', (event) => over(event, true))
    drop.addEventListener('dragleave', (event) => drop.contains(event.relatedTarget) || over(event, false))
    drop.addEventListener('drop', async (event) => {
      over(event, false)
      if (carriesFiles(event)) this.#take(await fromTransfer(event.dataTransfer))
    })
  }

  async #take(items) {
    await this.#draw()
    if (this.isConnected) await this.#answers?.add(items)
  }

  #send(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }))
  }
}

for (const [property, name] of properties) {
  Object.defineProperty(SteleVerifyElement.prototype, property, {
    enumerable: true,
    configurable: true,
    get() {
      return this.getAttribute(name) ?? ''
    },
    set(value) {
      this.setAttribute(name, value)
    },
  })
}

if (!customElements.get('stele-verify')) customElements.define('stele-verify', SteleVerifyElement)
