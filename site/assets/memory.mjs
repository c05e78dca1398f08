// What this device remembers: the newest head that was verified here, so that a
// registry cannot later show another past. It is kept under the fingerprint of the
// trust file that the page has; where that file has succeeded others, what was kept
// under theirs is remembered too. Where the verifier has followed the page's trust
// file to a newer one, that is kept with the head. It is a help, not a need: without storage
// everything else still works.

import { settled, within } from './storage.mjs'

function same(a, b) {
  return a.length === b.length && a.every((value, i) => value === b[i])
}

let database = null

async function store(mode) {
  database ??= open()
  return (await database).transaction('heads', mode).objectStore('heads')
}

function open() {
  const opening = indexedDB.open('stele', 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore('heads')
  return settled(opening).then((db) => {
    // Someone has this device forget everything: that must not have to wait for this page.
    db.onversionchange = () => {
      db.close()
      database = null
    }
    return db
  })
}

export class Memory {
  /**
   * @param {string} print the trust file's SHA-256: each policy has its own memory
   * @param {string} earlier those of the trust files before it, set apart by spaces
   */
  constructor(print, earlier = '') {
    this.print = print
    this.prints = [print, ...earlier.split(' ').filter(Boolean)]
    this.kept = null // {size, bytes}
    this.trust = null // the newest trust file that the page's own has been followed to
    this.loading = this.load()
  }

  async load() {
    try {
      const heads = await within(store('readonly').then((all) => Promise.all(this.prints.map((print) => settled(all.get(print))))))
      if (heads[0]?.trust instanceof Uint8Array) this.trust ??= heads[0].trust
      for (const found of heads) this.prefer(found)
    } catch {
      // No storage: a private window, a full disk, a browser that forbids it.
    }
  }

  /** The larger tree is the later one, whichever trust file it was verified with. */
  prefer(found) {
    if (found?.bytes instanceof Uint8Array && (this.kept === null || found.size > this.kept.size)) this.kept = found
  }

  /**
   * The head to compare with and the trust file to verify with in place of the page's own, each or null; there is none
   * before `loading` has ended.
   */
  recall() {
    return { remembered: this.kept?.bytes ?? null, trust: this.trust }
  }

  /**
   * Keeps a head, and the trust file that the page's own has been followed to for it, if it has. Checks that run side by side may
   * end in any order, and an older head must not push out a newer one.
   */
  async keep(bytes, size, trust = null) {
    if (this.kept !== null && (size < this.kept.size || same(bytes, this.kept.bytes))) return
    this.trust = trust ?? this.trust
    this.kept = { size, bytes, trust: this.trust }
    try {
      await within(store('readwrite').then((heads) => settled(heads.put(this.kept, this.print))))
    } catch {
      // As above; it is still remembered as long as the page is open.
    }
  }
}
