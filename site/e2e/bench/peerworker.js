// A worker that hashes with hash-wasm, as its users do: one hasher, which is fed the file's stream.

importScripts('/hash-wasm.js')

const hasher = hashwasm.createSHA256()

self.addEventListener('message', async ({ data: file }) => {
  const peer = await hasher
  peer.init()
  const reader = file.stream().getReader()
  for (let read; !(read = await reader.read()).done; ) peer.update(read.value)
  self.postMessage({ digest: peer.digest() })
})
