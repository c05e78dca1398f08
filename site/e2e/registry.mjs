// Registries for the tests of the portal, made by the command as an official makes them.

import { execFile, spawn } from 'node:child_process'
import { access, cp, readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { root } from './chromium.mjs'

const run = promisify(execFile)

/** What build/test.sh has made for all files of tests: the command, and a demonstration. */
const shared = process.env.STELE_SHARED

/**
 * Builds the command into a folder, unless it is there for all. The result runs it: stele('publish', …) resolves to
 * {code, stdout, stderr}. What it remembers about registries it keeps in that folder.
 */
export async function buildCommand(folder) {
  const path = join(shared ?? folder, 'stele')
  if (!shared) await run('go', ['build', '-tags=cheap_passphrases', '-o', path, './build'], { cwd: root })
  // Its own cache, for what it remembers; but Go's as it was, for the verifier that it compiles.
  const { stdout } = await run('go', ['env', 'GOCACHE'])
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), GOCACHE: stdout.trim() }
  const stele = (...args) =>
    run(path, args, { env }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
    )
  return Object.assign(stele, { path, env })
}

/** Runs the command and fails unless it succeeds. */
export async function must(stele, ...args) {
  const result = await stele(...args)
  if (result.code !== 0) throw new Error(`stele ${args.join(' ')}: exit ${result.code}\n${result.stderr}`)
  return result.stdout
}

/**
 * Makes the demonstration registry in a folder, or goes on with what is there, and resolves to what each sample should
 * come to. Where there is one for all, a new one is a copy of it.
 */
export async function makeDemo(stele, folder) {
  const begun = await access(folder).then(() => true, () => false)
  if (shared && !begun) await cp(join(shared, 'demo'), folder, { recursive: true })
  else await must(stele, 'demo', '--dir', folder, '--once')
  return JSON.parse(await readFile(join(folder, 'samples/expected.json'), 'utf8'))
}

/**
 * Begins a demonstration and stops it dead before anything is published: it holds its documents and nobody has
 * revoked any yet. makeDemo goes on with it.
 */
export async function beginDemo(stele, folder) {
  const child = spawn(stele.path, ['demo', '--dir', folder, '--once'], {
    env: stele.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (data) => {
    said += data
    if (said.includes('demo: publishing')) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.on('close', resolve))
  if (!said.includes('demo: publishing')) throw new Error(`stele demo ended early:\n${said}`)
}

/** The paths of all files below a folder. */
export async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((e) => e.isFile()).map((e) => relative(folder, join(e.parentPath ?? e.path, e.name)))
}
