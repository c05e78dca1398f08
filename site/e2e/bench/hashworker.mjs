// A worker that hashes as site/assets/worker.mjs does, for page.mjs beside it.

import { hashFile } from '/hash.mjs'

self.addEventListener('message', async ({ data: file }) => {
  const digest = await hashFile(file)
  self.postMessage({ digest: Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('') })
})
