// The part of the measurement that runs in the browser. It is called by hash.mjs beside it.

import { hashFile } from '/hash.mjs'

const MiB = 1024 * 1024
const CALL_SIZE = 64 * 1024 // as in site/assets/hash.mjs

async function start(path) {
  const go = new Go()
  const { instance } = await WebAssembly.instantiateStreaming(fetch(path), go.importObject)
  go.run(instance)
  return instance.exports
}

const stele = await start('/stele.wasm')
const standard = await start('/hashbench.wasm')
const peer = await hashwasm.createSHA256()

const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')

function feed(memory, buffer, data, call) {
  for (let at = 0; at < data.length; at += CALL_SIZE) {
    const piece = data.subarray(at, at + CALL_SIZE)
    new Uint8Array(memory.buffer, buffer, CALL_SIZE).set(piece)
    call(piece.length)
  }
}

const digestAt = (memory, buffer) => hex(new Uint8Array(memory.buffer, buffer, 32))

const inMemory = {
  'hash-wasm': (data) => {
    peer.init()
    peer.update(data)
    return peer.digest()
  },
  'Go, unrolled': (data) => {
    const handle = stele.hash_open()
    feed(stele.mem, stele.hash_buffer(), data, (n) => stele.hash_write(handle, n))
    stele.hash_sum(handle)
    return digestAt(stele.mem, stele.hash_buffer())
  },
  'Go, crypto/sha256': (data) => {
    standard.std_open()
    feed(standard.mem, standard.std_buffer(), data, standard.std_write)
    standard.std_sum()
    return digestAt(standard.mem, standard.std_buffer())
  },
  WebCrypto: async (data) => hex(new Uint8Array(await crypto.subtle.digest('SHA-256', data))),
}

const wholeFile = async (file) => inMemory.WebCrypto(await file.arrayBuffer())

const fromFile = {
  'hash-wasm': async (file) => {
    peer.init()
    const reader = file.stream().getReader()
    for (let read; !(read = await reader.read()).done; ) peer.update(read.value)
    return peer.digest()
  },
  // hash-wasm as hashFile reads, so that the hashes compare and not the readers.
  'hash-wasm, lent buffer': async (file) => {
    peer.init()
    const reader = (globalThis.reader = file.stream().getReader({ mode: 'byob' })) // held: see openReaders there
    let buffer = new ArrayBuffer(256 * 1024)
    for (let read; !(read = await reader.read(new Uint8Array(buffer))).done; buffer = read.value.buffer) {
      peer.update(read.value)
    }
    return peer.digest()
  },
  hashFile: async (file) => hex(await hashFile(file, { wasm: stele })),
  WebCrypto: wholeFile,
  'reading alone': async (file) => {
    const reader = file.stream().getReader()
    while (!(await reader.read()).done);
  },
}

/** Runs each way once a round, for so many rounds, and returns MB/s of each round by way. */
async function paired(ways, input, length, rounds) {
  const speeds = Object.fromEntries(Object.keys(ways).map((way) => [way, []]))
  for (let round = 0; round < rounds; round++) {
    const digests = new Set()
    for (const [way, hash] of Object.entries(ways)) {
      const begin = performance.now()
      const digest = await hash(input)
      speeds[way].push(length / 1e3 / (performance.now() - begin))
      if (digest) digests.add(digest)
      await new Promise((done) => setTimeout(done, 5)) // lets V8 put in the code it has compiled
    }
    if (digests.size !== 1) throw new Error(`the digests differ: ${[...digests].join(' ')}`)
  }
  return speeds
}

// Workers that have started, by way. Ours are given three files at a time, as site/assets/pool.mjs does, and hash-wasm's one: reading and hashing take
// turns in it, and it has one state.
const crews = {
  'hash-wasm, one worker': crew(1, 1, () => new Worker('/peerworker.js')),
  'hash-wasm, two workers': crew(2, 1, () => new Worker('/peerworker.js')),
  'hashFile, pool of two': crew(2, 3, () => new Worker('/hashworker.mjs', { type: 'module' })),
}

function crew(width, each, start) {
  const workers = Array.from({ length: width }, start)
  return (files) => new Promise((resolve, reject) => {
    const digests = []
    let next = 0
    const give = (worker) => next < files.length && worker.postMessage(files[next++])
    for (const worker of workers) {
      worker.onerror = (event) => reject(new Error(event.message))
      worker.onmessage = ({ data }) => {
        give(worker)
        if (digests.push(data.digest) === files.length) resolve(digests.sort().join(' '))
      }
      for (let i = 0; i < each; i++) give(worker)
    }
  })
}

globalThis.bench = {
  async inMemory(rounds, warmUp) {
    const data = new Uint8Array(16 * MiB)
    for (let at = 0; at < data.length; at += 65536) crypto.getRandomValues(data.subarray(at, at + 65536))
    await paired(inMemory, data, data.length, warmUp)
    return paired(inMemory, data, data.length, rounds)
  },
  async fromFile(rounds) {
    const [file] = document.querySelector('input').files
    const read = file.size <= 64 * MiB ? await file.arrayBuffer() : null
    const ways = read ? { ...fromFile, 'WebCrypto, read': () => inMemory.WebCrypto(read) } : fromFile
    return paired(ways, file, file.size, rounds)
  },
  async manyFiles(rounds) {
    const files = [...document.querySelector('input').files]
    const length = files.reduce((sum, file) => sum + file.size, 0)
    await paired(crews, files.slice(0, 4), length, 1) // the workers have started, and V8 has compiled
    return paired(crews, files, length, rounds)
  },
  async once(way) {
    return fromFile[way](document.querySelector('input').files[0])
  },
  wasmMemory: () => stele.mem.buffer.byteLength,
}
