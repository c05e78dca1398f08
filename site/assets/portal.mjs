// Reads published files for the verifier, each once. Only names that a registry
// publishes are asked for, and never one that tells which document is meant:
// slots and tiles are named by what they hold.

const published = /^(?:issuers\.json|(?:ledger|index|trust)(?:\/[0-9A-Za-z._-]*[0-9A-Za-z])+)$/

const headAge = 30_000 // milliseconds for which a mutable file is taken as new
const failureAge = 3_000 // a failed file is asked for again after this, or when someone says so
const patience = 30_000
const fileLimit = 64 << 20 // the issuer list's limit, the largest of all (FORMAT.md, section 16)
const cacheLimit = 128 << 20

const mutableNames = ['ledger/head', 'ledger/checkpoint', 'ledger/history/list', 'ledger/statistics', 'issuers.json']

/** Whether a file changes under its name (FORMAT.md, section 15). */
function mutable(path) {
  return mutableNames.includes(path)
}

function reason(error) {
  if (error?.name === 'TimeoutError' || error?.name === 'AbortError') return 'no answer in time'
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
  /** @param {URL} root the folder in which the page lies */
  constructor(root) {
    this.root = root
    this.files = new Map() // path → {at, answer}, oldest use first
    this.held = 0
  }

  /**
   * Reads one file. It never fails: what could not be read comes with a reason.
   * @param {number} anew when someone asked for it past every cache, after an
   *   answer that was no good; what was read later than that will do
   * @returns {Promise<{bytes: Uint8Array|null, error: string}>}
   */
  get(path, anew = 0) {
    const known = this.files.get(path)
    if (known && this.usable(path, known, anew)) {
      this.files.delete(path)
      this.files.set(path, known)
      return known.answer
    }
    this.forget(path)
    const entry = { at: Date.now(), failed: false, size: 0 }
    entry.answer = this.fetch(path, anew).then(
      (bytes) => {
        this.hold(path, entry, bytes.length)
        return { bytes, error: '' }
      },
      (error) => {
        entry.failed = true
        return { bytes: null, error: reason(error) }
      },
    )
    this.files.set(path, entry)
    return entry.answer
  }

  usable(path, entry, anew) {
    if (entry.at < anew) return false
    const age = Date.now() - entry.at
    if (entry.failed) return age < failureAge
    return !mutable(path) || age < headAge
  }

  async fetch(path, anew) {
    if (!published.test(path) || path.includes('..')) throw new PortalError('not a published name')
    // That there is no next trust file yet is no answer to keep.
    const changing = mutable(path) || path.startsWith('trust/')
    const cache = anew ? 'reload' : changing ? 'no-cache' : 'force-cache'
    const response = await fetch(new URL(path, this.root), {
      cache,
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.timeout(patience),
    })
    if (!response.ok) throw new PortalError(`HTTP ${response.status}`)
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
