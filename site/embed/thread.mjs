// A worker thread of Node in which the portal's worker finds what it knows from browsers.

import { openAsBlob } from 'node:fs'
import { parentPort } from 'node:worker_threads'

let last = Promise.resolve() // messages stay in order, also while one waits for its file

/** Hands a message on once those before it have been, and does not wait for what comes of it. */
async function pass(data, before, hear) {
  const message = await opened(data)
  await before
  hear({ data: message })
}

globalThis.self = {
  addEventListener: (_, hear) => parentPort.on('message', (data) => (last = pass(data, last, hear))),
  postMessage: (message) => parentPort.postMessage(message),
}

/** Opens the file that a message names by its path. One that cannot be opened is read like any that cannot. */
async function opened(data) {
  const path = data.file?.path
  if (!path) return data
  try {
    return { ...data, file: await openAsBlob(path) }
  } catch (cause) {
    const gone = () => Promise.reject(cause)
    return { ...data, file: { name: path, size: 0, arrayBuffer: gone } }
  }
}

await import('./portal/worker.mjs')
