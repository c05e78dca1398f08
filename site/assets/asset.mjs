// Loads a part of the page whose content the page knows beforehand.

/**
 * @param {string} url
 * @param {string} integrity as in the integrity attribute
 * @returns {Promise<Response>} rejects if it is not there or not what it should be
 */
export async function loadAsset(url, integrity) {
  try {
    return await get(url, integrity, 'force-cache')
  } catch {
    // The browser's own copy may be cut short or damaged, and would be for ever.
    return get(url, integrity, 'reload')
  }
}

async function get(url, integrity, cache) {
  const response = await fetch(url, { integrity, cache, credentials: 'omit' })
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`)
  return response
}
