// What this device keeps of a registry's published files, so that documents which were looked up here can be looked up again without a
// network. A slot covers many documents: what is kept does not tell which one was meant. It is a help, not a need: without storage, or with
// a full one, everything works as if nothing had been kept.

import { settled, within } from './storage.mjs'

const limits = { files: 4_000, bytes: 64 << 20 }
const name = 'stele-kept'

function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error('given up'))
  })
}

let database = null

function opened() {
  database ??= open()
  return database
}

async function open() {
  const opening = indexedDB.open(name, 1)
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore('files', { keyPath: 'key' }).createIndex('used', 'used')
    opening.result.createObjectStore('sums')
  }
  const db = await settled(opening)
  // Another page forgets everything: it must not have to wait for this one.
  db.onversionchange = () => {
    db.close()
    database = null
  }
  return db
}

/** Reads what the limits are about; a device that keeps nothing yet has no sums. */
async function sumsOf(sums) {
  return (await settled(sums.get('all'))) ?? { files: 0, bytes: 0 }
}

/** Takes the files that were not used for longest away, until what is left is within the limits. */
function shrink(files, sum) {
  return new Promise((resolve, reject) => {
    const request = files.index('used').openCursor()
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const cursor = request.result
      if (!cursor || (sum.files <= limits.files && sum.bytes <= limits.bytes)) return resolve()
      sum.files--
      sum.bytes -= cursor.value.bytes.length
      cursor.delete()
      cursor.continue()
    }
  })
}

export class Kept {
  /** @param {URL} root of the portal: several may share an origin */
  constructor(root) {
    this.root = root.href
  }

  /**
   * What is kept of a file, and when it was read.
   * @returns {Promise<{bytes: Uint8Array, since: number}|null>}
   */
  async get(path) {
    try {
      const found = await within(opened().then((db) => settled(db.transaction('files').objectStore('files').get(this.root + path))))
      if (!(found?.bytes instanceof Uint8Array)) return null
      return { bytes: found.bytes, since: found.since }
    } catch {
      return null // a private window, a browser that forbids it
    }
  }

  /**
   * Keeps files, all of them or none.
   * @param {{path: string, bytes: Uint8Array, since: number}[]} read
   */
  async put(read) {
    try {
      const transaction = (await opened()).transaction(['files', 'sums'], 'readwrite')
      const done = completed(transaction)
      done.catch(() => {})
      const [files, sums] = [transaction.objectStore('files'), transaction.objectStore('sums')]
      const sum = await sumsOf(sums)
      for (const { path, bytes, since } of read) {
        const key = this.root + path
        const before = await settled(files.get(key))
        sum.files += before ? 0 : 1
        sum.bytes += bytes.length - (before?.bytes.length ?? 0)
        files.put({ key, bytes, since, used: Date.now() })
      }
      await shrink(files, sum)
      sums.put(sum, 'all')
      await done
    } catch {
      // As above, or a full disk: what was kept before stays as it was.
    }
  }

  /** Notes that files were of use, so that others are given up before them. */
  async use(paths) {
    try {
      const files = (await opened()).transaction('files', 'readwrite').objectStore('files')
      for (const path of paths) {
        const found = await settled(files.get(this.root + path))
        if (found) files.put({ ...found, used: Date.now() })
      }
    } catch {
      // As above.
    }
  }
}
