// In the verifier in one file the portal is a folder on this device, if the reader has one: the page may not connect.

const published = /^(?:issuers\.json|(?:ledger|index|trust)(?:\/[0-9A-Za-z._-]*[0-9A-Za-z])+)$/
const fileLimit = 64 << 20 // the issuer list's limit, the largest of all (FORMAT.md, section 16)

let copy = null

/** Reads from a copy from now on. */
export function useCopy(found) {
  copy = found
}

export class Portal {
  /** @param {URL} root where this file lies */
  constructor(root) {
    this.root = root
  }

  /** Whether there is anything to ask. */
  get online() {
    return copy !== null
  }

  /**
   * Reads one file. It never fails: what could not be read comes with a reason.
   * @returns {Promise<{bytes: Uint8Array|null, error: string, lacking?: string}>}
   */
  async get(path) {
    if (!copy) return { bytes: null, error: 'no copy of the registry was chosen', lacking: 'copy' }
    if (!published.test(path) || path.includes('..')) return { bytes: null, error: 'not a published name' }
    try {
      const file = await copy.open(path)
      if (!file) return { bytes: null, error: 'not in the copy', lacking: 'file' }
      if (file.size > fileLimit) return { bytes: null, error: 'too large' }
      return { bytes: new Uint8Array(await file.arrayBuffer()), error: '' }
    } catch {
      return { bytes: null, error: 'could not be read from the copy', lacking: 'file' }
    }
  }

  /** Nothing is kept: it is on this device already. */
  keep() {}
}
