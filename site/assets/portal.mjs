// Reads published files for the verifier, each once. Only names that a registry
// publishes are asked for, and never one that tells which document is meant:
// slots and tiles are named by what they hold.
//
// What was found good is kept on the device (kept.mjs). What never changes is read from there first; what changes, only where the portal
// cannot be reached, and then the answer says so and since when.

const published = /^(?:issuers\.json|(?:ledger|index|trust)(?:\/[0-9A-Za-z._-]*[0-9A-Za-z])+)$/

const headAge = 30_000 // milliseconds for which a mutable file is taken as new
const failureAge = 3_000 // a failed file is asked for again after this, or when someone says so
const patience = 30_000
const shortPatience = 6_000 // where there is something kept to fall back on
const fileLimit = 64 << 20 // the issuer list's limit, the largest of all (FORMAT.md, section 16)
const cacheLimit = 128 << 20

const mutableNames = ['ledger/head', 'ledger/checkpoint', 'ledger/history/list', 'ledger/statistics', 'issuers.json']

/** Whether a file changes under its name (FORMAT.md, section 15). */
function mutable(path) {
  return mutableNames.includes(path)
}

/** Whether it is to be asked for each time. That there is no next trust file yet is no answer to keep. */
function changing(path) {
  return mutable(path) || path.startsWith('trust/')
}

function late(error) {
  return error?.name === 'TimeoutError' || error?.name === 'AbortError'
}

function reason(error) {
  if (late(error)) return 'no answer in time'
  return error instanceof PortalError ? error.message : 'network error'
}

class PortalError extends Error {}

/** Reads a body and gives up when it grows beyond every limit. */
async function read(response) {
  const parts = []
  let length = 0
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > fileLimit) {
      await reader.cancel()
      throw new PortalError('too large')
    }
    parts.push(value)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export class Portal {
  /**
   * @param {URL} root the folder in which the page lies
   * @param {Kept|null} kept where nothing is to be kept on the device, null
   */
  constructor(root, kept = null) {
    this.root = root
    this.kept = kept
    this.files = new Map() // path → {at, answer}, oldest use first
    this.held = 0
    // What it has besides files, as it says with the head
    this.links = false // whether it gives short addresses of receipts
    this.status = false // whether it has a page of how it stands
  }

  /**
   * Reads one file. It never fails: what could not be read comes with a reason.
   * @param {number} anew when someone asked for it past every cache, after an
   *   answer that was no good; what was read later than that will do
   * @returns {Promise<{bytes: Uint8Array|null, error: string, cached?: boolean, since?: number, lacking?: string}>} `cached`: there is
   *   no network, and this was read at the time `since`; `lacking` is 'network' where there is neither network nor anything kept
   */
  get(path, anew = 0) {
    const known = this.files.get(path)
    if (known && this.usable(path, known, anew)) {
      this.files.delete(path)
      this.files.set(path, known)
      return known.answer
    }
    this.forget(path)
    const entry = { at: Date.now(), failed: false, size: 0, bytes: null }
    entry.answer = this.read(path, anew, entry).then(
      (answer) => {
        this.hold(path, entry, answer.bytes.length)
        return answer
      },
      (error) => {
        entry.failed = true
        return { bytes: null, error: reason(error), ...(error instanceof PortalError ? {} : { lacking: 'network' }) }
      },
    )
    this.files.set(path, entry)
    return entry.answer
  }

  /** Reads a file from the device or from the portal: what cannot have changed from the device first. */
  async read(path, anew, entry) {
    if (this.kept && !changing(path) && !anew) {
      const kept = await this.kept.get(path)
      if (kept) {
        entry.kept = true
        return { bytes: kept.bytes, error: '' }
      }
    }
    try {
      const bytes = await this.fetch(path, anew)
      Object.assign(entry, { bytes, since: entry.at })
      return { bytes, error: '' }
    } catch (error) {
      const kept = error instanceof PortalError ? null : await this.kept?.get(path) // else it was reached, and said that there is none
      if (!kept) throw error
      entry.failed = true // the network is tried again soon
      return { bytes: kept.bytes, error: '', cached: true, since: kept.since }
    }
  }

  /**
   * Keeps on this device what an answer rests on that was found good, and notes that what is kept already was of use, once each. What was
   * read in its place since, for another check, is not what was found good.
   * @param {Map<string, Uint8Array>} proved the bytes that get() gave, by path
   */
  async keep(proved) {
    if (!this.kept) return
    const read = []
    const used = []
    for (const [path, bytes] of proved) {
      const entry = this.files.get(path)
      if (entry?.bytes && entry.bytes !== bytes) continue
      if (entry?.bytes) read.push({ path, bytes, since: entry.since })
      else if (entry?.kept) used.push(path)
      if (entry) Object.assign(entry, { bytes: null, kept: false })
    }
    if (read.length > 0) await this.kept.put(read)
    if (used.length > 0) await this.kept.use(used)
  }

  usable(path, entry, anew) {
    if (entry.at < anew) return false
    const age = Date.now() - entry.at
    if (entry.failed) return age < failureAge
    return !mutable(path) || age < headAge
  }

  /** Fetches a file; where something is kept to fall back on, the wait is shorter, unless someone asked for it anew. */
  fetch(path, anew) {
    const fetching = this.fetchWhole(path, anew)
    if (anew || !this.kept) return fetching
    let timer
    const enough = new Promise((_, reject) => {
      timer = setTimeout(async () => (await this.kept.get(path)) && reject(new DOMException('slow', 'TimeoutError')), shortPatience)
    })
    return Promise.race([fetching, enough]).finally(() => clearTimeout(timer))
  }

  async fetchWhole(path, anew) {
    if (!published.test(path) || path.includes('..')) throw new PortalError('not a published name')
    const cache = anew ? 'reload' : changing(path) ? 'no-cache' : 'force-cache'
    const response = await fetch(new URL(path, this.root), {
      cache,
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.timeout(patience),
    })
    if (!response.ok) throw new PortalError(`HTTP ${response.status}`)
    if (path === 'ledger/head') {
      this.links = response.headers.has('Stele-Links')
      this.status = /;\s*rel="?status\b/.test(response.headers.get('Link'))
    }
    return read(response)
  }

  hold(path, entry, size) {
    if (this.files.get(path) !== entry) return
    entry.size = size
    this.held += size
    for (const oldest of this.files.keys()) {
      if (this.held <= cacheLimit || oldest === path) break
      this.forget(oldest)
    }
  }

  forget(path) {
    this.held -= this.files.get(path)?.size ?? 0
    this.files.delete(path)
  }
}
