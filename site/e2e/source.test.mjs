// That the portal's modules name nothing that is not there: an engine would only find out when it comes to that line.
// node --test site/e2e/source.test.mjs

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import ts from 'typescript'
import { root } from './chromium.mjs'

const names = [2304, 2305, 2459, 2552, 2614, 2724, 18004] // TypeScript's numbers for a name or an export that is not there; modules that are not there site/modules.go finds

// What a module has from elsewhere than its imports.
const given = {
  'sw.mjs': ['shell', 'clients'], // the first from site/worker.go, the other from the engine
  'browser.mjs': ['trustedTypes'], // the engine's
  'single-workers.mjs': ['begin'], // from site/join.go
}

const options = {
  ...{ allowJs: true, checkJs: true, noEmit: true, skipLibCheck: true, strict: false, types: [] },
  lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  ...{ target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
}

/** What is said of names in modules, as lines of text; of those in comments nothing. */
function unknown(files) {
  const program = ts.createProgram(files, options)
  const said = files.flatMap((path) => program.getSemanticDiagnostics(program.getSourceFile(path)))
  return said.filter(({ code, file, start, length }) => names.includes(code) && !given[basename(file.fileName)]?.includes(file.text.slice(start, start + length))).flatMap(({ file, start, messageText }) => {
    const { line } = file.getLineAndCharacterOfPosition(start)
    if (/^\s*(\*|\/\*\*)/.test(file.text.split('\n')[line])) return []
    return [`${basename(file.fileName)}:${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`]
  })
}

const modules = async (folder) => (await readdir(join(root, folder))).filter((name) => name.endsWith('.mjs')).map((name) => join(root, folder, name))

test('every name in the modules stands for something', async () => {
  const files = [...await modules('site/assets'), ...await modules('site/embed')]
  assert.ok(files.length > 60, `${files.length} modules`)
  assert.deepEqual(unknown(files), [])
})
