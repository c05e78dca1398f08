// What the pages share that look into the ledger itself: the program that proves what they show, and how its answers,
// and the lack of one, are told. JavaScript reads the files; the program decides.

import './times.mjs'
import './wasm_exec.js'
import { button, download, element, icon, visible } from './dom.mjs'
import { Kept } from './kept.mjs'
import { Memory } from './memory.mjs'
import { Portal } from './portal.mjs'
import { signedLines } from './quorum.mjs'
import { root } from './root.mjs'
import { loadWording } from './text.mjs'
import { loadVerifier } from './verifier.mjs'

const roundLimit = 64 // far more than any inquiry takes

const host = document.querySelector('[data-viewer]')
const standing = document.querySelector('[data-standing]')

export const find = (name) => document.querySelector(`[data-${name}]`)

/** Starts the program that looks into the ledger. */
async function start({ module }) {
  const go = new globalThis.Go()
  const instance = await WebAssembly.instantiate(module, go.importObject)
  await new Promise((resolve, reject) => {
    globalThis.steleReady = resolve
    go.run(instance).then(() => reject(new Error('the program ended')), reject)
    if (globalThis.stele) resolve()
  })
}

export class Viewer {
  constructor(trust, wording) {
    this.trust = trust
    this.wording = wording
    this.portal = new Portal(root, new Kept(root))
    this.memory = new Memory(host.dataset.trustPrint, host.dataset.trustEarlier)
    this.pressed = 0 // when the reader last asked to try again: what was read before will not do
  }

  /**
   * Asks about the ledger, and reads whatever is needed for the answer.
   * @param {string} subject of package proofs
   * @param {object} more place, size, count, skip, line
   * @returns {Promise<object>} the view; `conflict` are the bytes of two heads that exclude each other, if there are such
   */
  async ask(subject, more = {}, anew = this.pressed, again = false) {
    await this.memory.loading
    const { remembered, trust } = this.memory.recall()
    const request = { trust: trust ?? this.trust, remembered, subject, ...more, files: Object.create(null), errors: Object.create(null) }
    for (let round = 0; round < roundLimit; round++) {
      request.now = Math.floor(Date.now() / 1000)
      const result = globalThis.stele.inspect(request)
      if (result.need) {
        await this.supply(request, result.need, anew)
        continue
      }
      const view = JSON.parse(result.view)
      // A bad file may sit in a cache, put there by a proxy's login page, say: it is read past them, once.
      if (!again && view.reason === 'bad-data') return this.ask(subject, more, Date.now(), true)
      if (!view.reason) this.portal.keep(new Map(Object.entries(request.files)))
      if (result.remember) this.memory.keep(result.remember, result.rememberSize, result.newTrust)
      view.conflict = result.conflict
      return view
    }
    throw new Error('the program does not come to an end')
  }

  async supply(request, need, anew) {
    const answers = await Promise.all(need.map(async (path) => ({ path, ...(await this.portal.get(path, anew)) })))
    for (const { path, bytes, error } of answers) {
      request.files[path] = bytes
      if (bytes === null) request.errors[path] = error
    }
  }

  /** A sentence of these pages. */
  say(key, values) {
    return this.wording.say(key, values)
  }

  /** A count that came as a string: a ledger may hold more than a double counts. */
  number(text) {
    return this.wording.number(BigInt(text))
  }

  /** Why nothing was proved, as a paragraph, with the technical words folded. */
  failure(view, retry) {
    const faults = this.wording.list(view.faults.map(visible))
    return element(
      'div',
      { class: 'failure', 'data-reason': view.reason },
      element('p', { class: 'note' }, icon('notice'), element('span', {}, this.say(view.reason, { faults }))),
      element(
        'details',
        {},
        element('summary', {}, this.say('technical')),
        element('p', { class: 'code folded', lang: 'en', dir: 'ltr' }, visible(view.detail)),
        faults ? element('p', { class: 'soft' }, this.say('files'), ' ', element('code', {}, faults)) : null,
      ),
      view.conflict ? button(this.say('saveConflict'), this.say('saveConflict'), '', () => download('ledger.stele-evidence', view.conflict, 'application/octet-stream')) : null,
      view.conflict ? element('p', { class: 'soft' }, this.say('saveConflictText')) : null,
      retry ? button(this.say('again'), this.say('again'), 'quiet', () => this.retry(retry)) : null,
    )
  }

  retry(run) {
    this.pressed = Date.now()
    run()
  }

  /** Tells in the head of the page what is proved, or why nothing is. Returns whether the head is. */
  tell(view, sentence = 'proved') {
    const { head } = view
    if (!head || view.reason) {
      standing.replaceChildren(this.failure(view, () => location.reload()), element('p', { class: 'soft' }, this.say('asPublished')))
      standing.dataset.state = 'failed'
      return false
    }
    const asof = this.wording.time(head.as_of)
    const stale = (Date.parse(view.now) - Date.parse(head.as_of)) / 1000 > view.stale_after
    const told = element('p', { class: `note ${stale || head.rollback ? '' : 'proved'}` }, icon(stale || head.rollback ? 'notice' : 'passed'))
    told.append(element('span', {}, this.say(stale ? 'provedStale' : sentence, { asof })))
    standing.replaceChildren(told, ...(head.rollback ? [element('p', { class: 'note' }, icon('notice'), element('span', {}, this.say('rollback')))] : []))
    standing.dataset.state = 'proved'
    return true
  }
}

/** The time of a proof, as an element. */
export function moment(viewer, text) {
  return text ? element('time', { datetime: text }, viewer.wording.time(text)) : null
}

/** A line of a list of facts; nothing where there is nothing to say. */
export function fact(label, value, className = null) {
  if (value === null || value === undefined || value === '') return null
  return element('div', { class: className }, element('dt', {}, label), element('dd', {}, value))
}

export function code(text) {
  return element('code', { dir: 'ltr' }, text)
}

/** Words that open to show more; what is within may be made when it is first seen. */
export function folded(title, ...content) {
  return element('details', {}, element('summary', {}, title), element('div', { class: 'folded' }, ...content))
}

/** A table that becomes a list on a narrow screen. Cells are texts or nodes; the first of a row is its heading. */
export function table(heads, rows, look = '') {
  const cells = (row) => row.map((cell, i) => (i === 0 ? element('th', { scope: 'row' }, cell) : element('td', { 'data-label': heads[i] }, cell)))
  return element(
    'table',
    { class: `stack ${look}` },
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...cells(row)))),
  )
}

/** Who signed a checkpoint: the registry itself, then how many officers and witnesses. */
export function signers(viewer, signed) {
  const { wording } = viewer
  const own = new Map()
  for (const { role, name, algorithm } of signed.signers) {
    if (role === 'log' || role === 'other') own.set(`${role} ${name}`, { role, name, algorithms: [...(own.get(`${role} ${name}`)?.algorithms ?? []), algorithm] })
  }
  const list = element(
    'ul',
    { class: 'plain' },
    ...[...own.values()].map(({ role, name, algorithms }) =>
      element('li', {}, wording.name('roles', role), ' ', element('span', { class: 'soft' }, element('bdi', {}, visible(name)), ` · ${wording.list(algorithms)}`)),
    ),
  )
  return element('div', {}, list, signedLines(signed, wording))
}

/** Begins: loads everything and hands it to a page; where that fails, says so. */
export async function begin(run) {
  let wording
  try {
    wording = await loadWording(host.dataset.text, host.dataset.textIntegrity)
    standing.replaceChildren(element('p', { class: 'soft' }, wording.say('proving')))
    const loaded = await loadVerifier(host.dataset)
    await start(loaded)
    await run(new Viewer(loaded.trust, wording))
  } catch (error) {
    if (!wording) return // what stands on the page is true: nothing is proved here
    standing.dataset.state = 'broken'
    standing.replaceChildren(
      element('p', { class: 'note' }, icon('notice'), element('span', {}, wording.say('broken'))),
      element('p', { class: 'soft' }, wording.say('asPublished')),
      folded(wording.say('technical'), element('p', { class: 'code', lang: 'en', dir: 'ltr' }, visible(String(error)))),
    )
  }
}
