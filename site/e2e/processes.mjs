// Processes that a test starts, waits for and ends: registries, officers, witnesses, monitors and mirrors stand
// each alone, as they do in life.

import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const PATIENCE = 60_000 // milliseconds that a condition is waited for

/** A port of 127.0.0.1 that is free now. */
export async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Asks again and again until an answer is true, and returns it; after a minute, or `patience`, it fails with what `told` says. */
export async function until(ask, told = () => String(ask), patience = PATIENCE) {
  const end = Date.now() + patience
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > end) throw new Error(`waited in vain: ${await told()}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/**
 * Starts a program. The result has said(), all that it has written so far, says(pattern), which waits until it has written that
 * and resolves to the match, end(signal), which ends it and waits, and `code`, set once it has ended.
 */
export function start(path, args, env = process.env) {
  const child = spawn(path, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stdout.on('data', (data) => (text += data))
  child.stderr.on('data', (data) => (text += data))
  const one = { child, code: undefined, said: () => text }
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve((one.code = code ?? signal))))
  one.says = async (pattern, from = 0) => {
    const found = await until(() => text.slice(from).match(pattern) ?? (one.code !== undefined && [null]),
      () => `${path} ${args.join(' ')} to say ${pattern}; it said:\n${text}`)
    if (found[0] === null) throw new Error(`${path} ${args.join(' ')} ended with ${one.code}, and has not said ${pattern}:\n${text}`)
    return found
  }
  one.end = (signal = 'SIGTERM') => {
    if (one.code === undefined) child.kill(signal)
    return ended
  }
  return one
}

/** The folder with the programs of others, or null where they are not there and not demanded. */
export async function tools() {
  const folder = process.env.STELE_TOOLS
  if (!folder) return null
  await access(join(folder, 'litewitness'))
  return folder
}

/** A vkey of c2sp.org/signed-note. */
function vkey(name, type, key) {
  const typed = Buffer.concat([Buffer.from([type]), key])
  const id = createHash('sha256').update(`${name}\n`).update(typed).digest('hex').slice(0, 8)
  return `${name}+${id}+${typed.toString('base64')}`
}

/**
 * A litewitness of its own, with its key in an ssh-agent and its tree heads in SQLite. The result has `vkey`, `url`,
 * up(), which starts it or starts it again, know(origin, vkeys) once it has been up, and down(signal).
 */
export async function liteWitness(folder, name, from) {
  await mkdir(folder)
  const at = (file) => join(folder, file)
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('key')])
  const { stdout } = await run('ssh-keygen', ['-l', '-E', 'sha256', '-f', at('key.pub')])
  const agent = start('ssh-agent', ['-D', '-a', at('agent')])
  await until(() => access(at('agent')).then(() => true, () => false))
  await run('ssh-add', ['-q', at('key')], { env: { ...process.env, SSH_AUTH_SOCK: at('agent') } })
  const wire = Buffer.from((await run('ssh-keygen', ['-e', '-m', 'RFC4716', '-f', at('key.pub')])).stdout
    .split('\n').filter((line) => line && !line.startsWith('----') && !line.includes(': ')).join(''), 'base64')
  const port = await freePort()
  const witness = { vkey: vkey(name, 4, wire.subarray(-32)), url: `http://127.0.0.1:${port}` }
  // What witnessctl does; its own module does not resolve everywhere.
  const sql = (text) => run('sqlite3', [at('db'), '.timeout 10000', text])
  const quoted = (text) => `'${text.replaceAll("'", "''")}'`
  witness.know = async (origin, keys) => {
    const empty = createHash('sha256').digest('base64')
    await sql(`INSERT INTO log (origin, tree_size, tree_hash) VALUES (${quoted(origin)}, 0, ${quoted(empty)})`)
    for (const key of keys) await witness.learn(origin, key)
  }
  witness.learn = (origin, key) => sql(`INSERT INTO key (origin, key) VALUES (${quoted(origin)}, ${quoted(key)})`)
  witness.forget = (origin, key) => sql(`DELETE FROM key WHERE origin = ${quoted(origin)} AND key = ${quoted(key)}`)
  let process_
  witness.up = async () => {
    process_ = start(join(from, 'litewitness'), ['-ssh-agent', at('agent'), '-db', at('db'), '-name', name, '-listen', `127.0.0.1:${port}`,
      '-key', stdout.split(' ')[1]])
    await until(() => fetch(witness.url).then(() => true, () => false), () => process_.said())
  }
  witness.down = (signal) => process_.end(signal)
  witness.end = async () => {
    await process_?.end('SIGKILL')
    await agent.end('SIGKILL')
  }
  return witness
}
