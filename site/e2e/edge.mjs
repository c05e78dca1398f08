// Portals at an edge, for the tests of what only those have.

import { join } from 'node:path'
import { start } from './processes.mjs'

/** A registry's portal that gives short addresses. The result has `url`, and end(). */
export async function givingPortal(stele, registry, folder) {
  const one = start(process.env.LINKSERVE, [join(registry, 'public'), join(registry, 'trust'), join(folder, 'store')], stele.env)
  const [url] = await one.says(/http:\/\/\S+/)
  return { url, end: () => one.end() }
}
