// Runs a deployment in the Workers' own runtime, on this machine: with the settings and the bundle with which it would be deployed. The arguments are
// the folder with the packages, host, port and address; what is asked of it follows in the environment. It ends when its standard input does.
//
// wrangler dev is not used: it puts a Worker of its own before this one, which breaks requests off where many are under way.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

const [packages, host, port, url] = process.argv.slice(2)
const require = createRequire(join(packages, 'packages.js'))
const { Log, LogLevel, Miniflare } = require('miniflare')

const out = resolve('.wrangler/bundle')
const bundled = spawnSync(process.execPath, [join(packages, 'wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', out], { encoding: 'utf8' })
if (bundled.status !== 0) {
  console.error(`wrangler deploy --dry-run: ${bundled.stdout}${bundled.stderr}`)
  process.exit(1)
}

// It is found here, and the deployment goes on saying where it will be.
for (const name of readdirSync(out).filter((name) => name.endsWith('-deployment.json'))) {
  const deployment = JSON.parse(readFileSync(join(out, name), 'utf8'))
  writeFileSync(join(out, name), JSON.stringify({ ...deployment, url }))
}

const { workerOptions } = require('wrangler').unstable_getMiniflareWorkerOptions(resolve('wrangler.jsonc'))
const { name, triggers } = JSON.parse(readFileSync('wrangler.jsonc', 'utf8').replace(/^\/\/.*\n/, ''))
const secrets = Object.fromEntries(['STELE_WITNESS_KEYS'].filter((key) => process.env[key]).map((key) => [key, process.env[key]]))
const runtime = new Miniflare({
  host,
  port: Number(port),
  cf: false, // else it asks its makers' server what they would say of a request
  defaultPersistRoot: resolve('.wrangler/state'),
  log: new Log(LogLevel.WARN),
  workers: [{
    ...workerOptions,
    name,
    modules: true,
    modulesRoot: out,
    // As wrangler has written them: Go's program, and the texts of the deployment.
    modulesRules: [
      { type: 'CompiledWasm', include: ['**/*.wasm'] },
      { type: 'Text', include: ['**/*-base', '**/*-trust', '**/*-deployment.json'] },
    ],
    scriptPath: join(out, 'worker.js'),
    bindings: { ...workerOptions.bindings, ...secrets },
  }],
})
await runtime.ready

/** What the host's schedule does. */
async function tick() {
  const worker = await runtime.getWorker(name)
  const { outcome } = await worker.scheduled({ cron: triggers?.crons[0] })
  return outcome
}

const control = createServer(async (request, response) => {
  const said = request.method === 'POST' ? await tick().catch((error) => String(error.stack ?? error)) : 'POST does what the schedule does'
  response.end(`${said}\n`)
})
control.listen(0, '127.0.0.1', () => console.log(`schedule http://127.0.0.1:${control.address().port}/`))

const ends = () => runtime.dispose().finally(() => process.exit(0))
process.stdin.resume().on('end', ends)
process.on('SIGINT', ends).on('SIGTERM', ends)
