// What is remembered against forks by whoever embeds the verifier, in place of the browser's storage: the newest head, and the trust
// file that theirs has been followed to for it.

/** As the portal's Memory: recall, keep, loading. */
export class Kept {
  /** @param {{load: Function, save: Function}|null} store null remembers as long as the program runs */
  constructor(store) {
    this.store = store
    this.kept = null
    this.loading = this.load()
  }

  async load() {
    try {
      const found = await this.store?.load()
      if (found?.head instanceof Uint8Array && Number.isSafeInteger(found.size)) this.kept = { trust: null, ...found }
    } catch {
      // A help, not a need, as in the portal: without it everything else still works.
    }
  }

  recall() {
    return { remembered: this.kept?.head ?? null, trust: this.kept?.trust ?? null }
  }

  /** Checks that run side by side may end in any order, and an older head must not push out a newer one. */
  async keep(head, size, trust = null) {
    if (this.kept !== null && size < this.kept.size) return
    this.kept = { head, size, trust: trust ?? this.kept?.trust ?? null }
    try {
      await this.store?.save({ ...this.kept })
    } catch {
      // As above.
    }
  }
}
