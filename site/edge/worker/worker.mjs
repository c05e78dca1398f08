// The Worker: what is published is answered by front.mjs, and Go (main.go) is started for what decides something: the gate, the witness, short links
// and how fresh everything is. A Go program is a fresh one for each request: two requests never share its memory, and 128 MiB hold several.

import base from '../base'
import deploymentText from '../deployment.json'
import trust from '../trust'
import { Front } from './front.mjs'
import program from './stele.wasm'
import './wasm_exec.js'

const deployment = JSON.parse(deploymentText)
const front = new Front(base, deployment.links)

/** Whether a path is for Go: edge.Handles. */
function decides(path) {
  const first = path.split('/', 2)[1]
  if (first === 'publish') return deployment.gate !== null
  if (first === 'witness') return deployment.witness !== null
  if (first === 'r') return deployment.links
  return path === '/health.json' || path.startsWith('/health/evidence/')
}

/**
 * Starts the Go program. What it hands over (handleRequest, runScheduler) stands in the result's `binding` once it is ready; `ended` is settled
 * when it ends, as it does after its answer, or when it fails.
 */
async function start(env, ctx) {
  const go = new Go()
  const binding = {}
  let ready
  const begun = new Promise((resolve) => (ready = resolve))
  const instance = new WebAssembly.Instance(program, { ...go.importObject, workers: { ready } })
  // The program reads this while it is initialised, before anything else can run here: requests do not see one another's.
  globalThis.context = { env, ctx, binding, settings: { deployment: deploymentText, trust, base } }
  const ended = go.run(instance)
  delete globalThis.context
  await Promise.race([begun, failed(ended)])
  return { binding, ended }
}

/** Fails when a program has ended that something is still expected of. */
async function failed(ended) {
  await ended
  throw new Error('the program has ended; what it said stands above')
}

async function decide(request, env, ctx) {
  try {
    const { binding, ended } = await start(env, ctx)
    return await Promise.race([binding.handleRequest(request), failed(ended)])
  } catch (error) {
    console.error(error.stack ?? String(error))
    const said = { error: { code: 'outage', message: 'this cannot be answered now', hint: 'try again later' } }
    return Response.json(said, { status: 503, headers: { 'Retry-After': '60', 'Cache-Control': 'no-store' } })
  }
}

export default {
  fetch(request, env, ctx) {
    return decides(new URL(request.url).pathname) ? decide(request, env, ctx) : front.answer(request, env)
  },

  async scheduled(event, env, ctx) {
    try {
      const { binding, ended } = await start(env, ctx)
      await Promise.race([binding.runScheduler(event), failed(ended)])
    } catch (error) {
      console.error(error.stack ?? String(error))
      throw error
    }
  },
}
