// When a row needs to say what may have happened to its file: what that takes is loaded, the file's other forms are looked up,
// and the rows of the page get what comes of it (hints.mjs).

import { lazy } from './lazy.mjs'

/** A file of its own from one that lies in a container, where it cannot be read from the middle. */
async function whole(file) {
  return file.place ? new File([await file.arrayBuffer()], file.name) : file
}

export class Hinting {
  /** @param {object} page wording, pool, and addPart(row, file, label), which checks a file in a row below another */
  constructor(page) {
    this.page = page
    this.module = null
    this.names = null
  }

  /**
   * What may have happened to a row's file, as a part of the page; null where there is nothing to say.
   * @param {AbortSignal} signal fires when nobody wants to know any more
   */
  async of(row, signal) {
    const { report } = row.outcome
    const { examine } = await this.load()
    return examine(await whole(row.item.file), {
      report,
      wording: this.page.wording,
      name: row.name,
      lookUp: (blob) => this.lookUp(blob, signal),
      check: (blob, name, label) => this.page.addPart(row, new File([blob], name), label),
      issuers: async () => (await this.names).bytes,
      signal,
    })
  }

  /**
   * Loads what is needed. It is called after every answer of the registry, whatever that is: were it called after a miss
   * alone, a server could tell by it that there was one.
   */
  warm() {
    this.load().catch(() => {}) // the next who needs it tries again
  }

  load() {
    this.module ??= Promise.all([lazy('hints.mjs'), this.page.wording.more()]).then(
      ([module]) => {
        this.names ??= this.page.pool.portal.get('issuers.json') // once: a later one would tell of a later miss
        return module
      },
      (error) => {
        this.module = null
        throw error
      },
    )
    return this.module
  }

  /** Looks a form of a file up, in no row of its own; null where that came to nothing. */
  lookUp(blob, signal) {
    return new Promise((resolve) => {
      const job = { file: blob, digests: null, receipt: null, evidence: null, anew: 0, update() {}, finish: ({ report }) => resolve(report ?? null) }
      signal.addEventListener('abort', () => this.page.pool.stop(job))
      if (signal.aborted) resolve(null)
      else this.page.pool.add(job)
    })
  }
}
