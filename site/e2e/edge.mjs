// Portals at an edge, for the tests of what only those have.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './chromium.mjs'
import { start } from './processes.mjs'

/** A registry's portal that gives short addresses. The result has `url`, and end(). */
export async function givingPortal(stele, registry, folder) {
  const server = join(folder, 'serve')
  await promisify(execFile)('go', ['build', '-o', server, './build/edgestore/serve'], { cwd: root })
  const one = start(server, [join(registry, 'public'), join(registry, 'trust'), join(folder, 'store')], stele.env)
  const [url] = await one.says(/http:\/\/\S+/)
  return { url, end: () => one.end() }
}
