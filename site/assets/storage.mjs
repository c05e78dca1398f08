// IndexedDB as promises, for what a device remembers (memory.mjs) and keeps (kept.mjs).

const patience = 1_000 // milliseconds; a storage that hangs must not hold up a check

/** Settles as a promise does, or rejects where that takes too long. */
export function within(promise) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error('storage is slow')), patience))
  return Promise.race([promise, late])
}

/** What a request comes to. */
export function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
    request.onblocked = () => reject(new Error('storage is blocked'))
  })
}
