// What the browser tests and measurements share: a real Chromium, a server on 127.0.0.1, and Go programs
// built for js/wasm.

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'

const run = promisify(execFile)

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

export const EXECUTABLE = '/usr/bin/chromium' // Debian's package chromium
const SHELL = '/usr/bin/chromium-headless-shell' // Debian's package of that name: the same engine

const FLAGS = [
  '--no-sandbox', // as root, in a container
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Chromium as its users have it, headless and with a fresh profile. Whoever launches it closes it. */
export const launchWhole = (...flags) => launched(EXECUTABLE, flags)

/**
 * Chromium's engine without the windows around it: a visit takes a third of the time. What goes through all engines (engines.mjs), pictures and
 * measurements have the whole browser.
 */
export const launch = (...flags) => launched(SHELL, flags)

function launched(executablePath, flags) {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [...FLAGS, ...flags],
    env: { ...process.env, LC_ALL: 'C.UTF-8' }, // without it, files with names beyond ASCII cannot be opened
  })
}

/** Builds a package of this module for js/wasm, as a release is built, and returns its bytes. */
export async function buildWasm(folder, pkg) {
  const out = join(folder, pkg.replaceAll(/[^a-z0-9]+/g, '-') + '.wasm')
  // The flags of build/verifier.
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-gcflags=runtime=-l', '-gcflags=stele/proofs=-l']
  await run('go', ['build', ...flags, '-o', out, pkg], {
    cwd: root,
    env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' },
  })
  await run('go', ['run', './build/verifier/pack', out], { cwd: root })
  return readFile(out)
}

/** The JavaScript that starts a Go program, as it belongs to the Go that builds it. */
export async function wasmExec() {
  const { stdout } = await run('go', ['env', 'GOROOT'], { cwd: root })
  return readFile(join(stdout.trim(), 'lib', 'wasm', 'wasm_exec.js'))
}

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
}

/**
 * Serves files, a Map from path to bytes or text, on a free port of 127.0.0.1. The pages are isolated
 * from other origins, which gives them clocks of 5 µs instead of 100 µs.
 */
export async function serve(files) {
  const server = createServer((request, response) => {
    const body = files.get(request.url)
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    response.setHeader('Content-Type', TYPES[extname(request.url)] ?? 'text/html; charset=utf-8')
    response.statusCode = body === undefined ? 404 : 200
    response.end(body)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  return { port, url: `http://127.0.0.1:${port}`, close: () => new Promise((done) => server.close(done)) }
}
