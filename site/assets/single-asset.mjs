// In the verifier in one file every part of it stands in the page: packed with gzip, as base64. There is nothing to be loaded, and
// the page may not load anything.

/**
 * @param {string} name as the portal has it as an address
 * @returns {Promise<Response>} rejects if the page does not hold it
 */
export async function loadAsset(name) {
  const block = [...document.querySelectorAll('script[data-part]')].find((b) => b.dataset.part === name)
  if (!block) throw new Error(`${name}: not in this file`)
  const packed = Uint8Array.from(atob(block.textContent.trim()), (c) => c.charCodeAt(0))
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip')))
}
