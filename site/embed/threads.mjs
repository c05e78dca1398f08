// What Node does in its own way: worker threads in place of workers, and files in place of addresses.

import { Blob } from 'node:buffer'
import { readFile as read } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker as Thread } from 'node:worker_threads'
import { Kept } from './kept.mjs'

/** Where addresses are relative to. */
export const base = () => pathToFileURL(`${process.cwd()}/`).href

const asks = ['start', 'check', 'examine']
const answers = ['ready', 'broken', 'decided', 'failed']

/** A worker thread, as the pool knows workers. It keeps the program from ending only while an answer is awaited. */
export function startWorker() {
  const thread = new Thread(new URL('./thread.mjs', import.meta.url))
  let awaited = 0
  const hold = (change) => {
    awaited += change
    if (awaited > 0) thread.ref()
    else thread.unref()
  }
  thread.on('message', ({ type }) => answers.includes(type) && hold(-1))
  return {
    addEventListener(type, hear) {
      if (type === 'message') thread.on('message', (data) => hear({ data }))
      else thread.on('error', (error) => hear({ message: error.message }))
    },
    postMessage(message) {
      if (asks.includes(message.type)) hold(1)
      thread.postMessage(message)
    },
    terminate: () => thread.terminate(),
  }
}

/** Compiles the package's verifier, or the one at an address of the embedder's. */
export async function compileOwn(address = null) {
  return WebAssembly.compile(await readFile(address ?? new URL('./portal/verifier.wasm', import.meta.url)))
}

/** Reads the trust file at an address. */
export async function readFile(address) {
  if (address.protocol === 'file:') return new Uint8Array(await read(address))
  const response = await fetch(address, { redirect: 'error' })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

/** What a check is about: a file: address is opened in the thread, so that a large file is never held whole. */
export function toFile(document) {
  if (document instanceof URL && document.protocol === 'file:') return { path: fileURLToPath(document) }
  return document instanceof Blob ? document : null
}

/** What was published is not kept here. */
export const keeping = () => null

/** What is remembered here lasts as long as the program, unless it is given a memory. */
export const memory = () => new Kept(null)

export const threads = () => Math.max(1, Math.min(availableParallelism(), 4))
