// For tests of the edge: a deployment that runs in workerd, the Workers' own runtime, and requests as they are, without what fetch() does by itself.

import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { root } from './chromium.mjs'
import { freePort, start } from './processes.mjs'
import { must } from './registry.mjs'

/** The environment in which `stele deploy --local` finds the packages that the tests have. */
const withPackages = (env) => ({ ...env, STELE_NODE_MODULES: join(root, 'site/e2e/node_modules') })

/**
 * Deploys a registry into a folder and runs it there. The result has `url` (with a slash at the end), `token`, the gate's, said(), what it
 * has written so far, tick(), which does what the schedule does and resolves to 'ok' where that went well, and end(signal). Begun again with the same folder, it goes on with
 * what was published to it.
 */
export async function startEdge(stele, registry, folder, ...flags) {
  const addr = `127.0.0.1:${await freePort()}`
  const run = start(stele.path, ['deploy', '--registry', registry, '-o', folder, '--local', '--addr', addr, ...flags], withPackages(stele.env))
  const url = `http://${addr}/`
  await run.says(new RegExp(`in workerd\n${url}`)).catch(async (error) => {
    await run.end()
    throw error
  })
  const token = (await readFile(join(registry, 'gate-token'), 'utf8')).trim()
  const [, control] = await run.says(/^schedule (http:\S+)$/m)
  const tick = async () => String((await ask(control, { method: 'POST' })).body).trim()
  return { url, token, tick, said: run.said, end: run.end }
}

/** Deploys a registry into a folder and serves that natively: {url, end}. */
export async function startNative(stele, registry, folder) {
  await must(stele, 'deploy', '--registry', registry, '-o', folder)
  const run = start(stele.path, ['serve', '--edge', folder, '--addr', '127.0.0.1:0'], stele.env)
  const [, url] = await run.says(/^(http:\S+)$/m)
  return { url, end: run.end }
}

/** Serves a registry as its publisher does, for comparison: {url, end}. */
export async function startOrigin(stele, registry) {
  const run = start(stele.path, ['serve', '--registry', registry, '--addr', '127.0.0.1:0'], stele.env)
  const [, url] = await run.says(/^(http:\S+)$/m)
  return { url, end: run.end }
}

/** One request over a connection of its own, as it is: {status, headers, body}. The path may be what no URL normalises. */
export function ask(url, { method = 'GET', headers = {}, body, path } = {}) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) } // Node itself sends none with DELETE
    const sent = request(url, { method, agent: false, headers: { ...length, ...headers }, ...(path && { path }) }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
