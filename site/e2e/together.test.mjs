// No one alone: a registry, three officers, three witnesses (one of them another project's), a monitor and a mirror, each a
// process of its own on loopback, with a real Chromium as the citizen; and then what an adversary does to them.
// node --test site/e2e/together.test.mjs. Without STELE_TOOLS, where litewitness lies, it is skipped.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { choose, launch, serveFolder, verdicts, visitor } from './browser.mjs'
import { freePort, liteWitness, start, tools, until } from './processes.mjs'
import { buildCommand, must } from './registry.mjs'

const origin = 'registry.gov.example/ledger'
const officers = ['finance.gov.example/officer', 'justice.gov.example/officer', 'archive.gov.example/officer']

let folder, stele, browser, front // front: what citizens see, which an adversary can switch
let litewitness
const witnesses = [] // of ours: {name, dir, port, url, vkeys, process}
let server, mirror, monitor // processes
const other = {} // another world of the same keys: {portal, daemon}
const outsiders = [] // what has to be ended besides

const skip = process.env.STELE_TOOLS ? false : 'STELE_TOOLS does not say where litewitness lies'
const at = (...names) => join(folder, ...names)
const json = async (...args) => JSON.parse(await must(stele, ...args, '--json'))

before(async () => {
  const from = await tools()
  if (!from) return
  folder = await mkdtemp(join(tmpdir(), 'stele-together-'))
  stele = await buildCommand(folder)
  stele.env.STELE_PASSPHRASE = 'the passphrase of tests, and of nothing else'
  litewitness = await liteWitness(at('lite'), 'lite.example/witness', from)
  for (const name of ['agency.gov.example/witness', 'neighbour.example/witness']) await makeWitness(name)
  await makeRegistry(await Promise.all(officers.map((name, i) => makeOfficer(i, name))))
  await tellWitnesses()
  for (const witness of witnesses) await witness.up()
  server = await serve(at('registry'))
  front = await serveFolder(at('registry', 'public'))
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await front?.close()
  for (const one of [server, ...outsiders]) await one?.end('SIGKILL')
  for (const witness of witnesses) await witness.down('SIGKILL')
  await litewitness?.end()
  if (folder) await rm(folder, { recursive: true })
})

/** The vkeys that a command prints. */
const vkeysIn = (text) => text.match(/\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+/g)

/** A witness of ours, in a process of its own. */
async function makeWitness(name) {
  const dir = at(`witness-${witnesses.length}`)
  const vkeys = vkeysIn(await must(stele, 'witness', '--init', '--dir', dir, '--name', name))
  const port = await freePort()
  const witness = { name, dir, vkeys, url: `http://127.0.0.1:${port}` }
  witness.up = async () => {
    witness.process = start(stele.path, ['witness', '--dir', witness.dir, '--addr', `127.0.0.1:${port}`], stele.env)
    await until(() => fetch(witness.url).then(() => true, () => witness.process.code !== undefined), () => witness.process.said())
    assert.equal(witness.process.code, undefined, witness.process.said())
  }
  witness.down = (signal) => witness.process?.end(signal)
  witnesses.push(witness)
}

const makeOfficer = async (i, name) =>
  vkeysIn(await must(stele, 'key', name, '--role', 'officer', '--keys', at(`officer-${i}`), ...(i === 2 ? ['--ed25519'] : [])))

/** A registry with two of three officers and two of three witnesses; its trust file is handed out before anything is published. */
async function makeRegistry(approvers) {
  await must(stele, 'init', '--registry', at('registry'), '--origin', origin, '--title', 'Registry of Example', '--fresh', '1h',
    ...approvers.flat().flatMap((vkey) => ['--officer', vkey]), '--officers', '2',
    ...[...witnesses, { vkeys: [litewitness.vkey], url: litewitness.url }].flatMap(({ vkeys, url }) =>
      vkeys.flatMap((vkey) => ['--witness', `${vkey}=${url}`])), '--witnesses', '2')
  await cp(at('registry', 'trust'), at('trust'))
}

/** The log's keys, as a registry's trust file names them. */
async function logKeys(trust) {
  return (await readFile(trust, 'utf8')).split('\n').filter((line) => line.startsWith('log ')).map((line) => line.split(' ')[1])
}

async function tellWitnesses() {
  const keys = await logKeys(at('trust'))
  for (const { dir } of witnesses) await tellWitness(dir, keys)
  await litewitness.up()
  await litewitness.know(origin, keys)
}

const tellWitness = (dir, keys) => writeFile(join(dir, 'logs'), keys.map((key) => `log ${key}\n`).join('') + 'quorum none\n')

/** The registry's daemon: it serves what is published, takes approvals, and publishes. */
async function serve(registry) {
  const port = await freePort()
  const daemon = start(stele.path, ['serve', '--registry', registry, '--addr', `127.0.0.1:${port}`, '--publish-every', '1h'], stele.env)
  await daemon.says(/http:\/\/127/)
  return Object.assign(daemon, { url: `http://127.0.0.1:${port}` })
}

let documents = 0

/** Registers a new document, and returns its path. */
async function register(registry = at('registry')) {
  const path = at(`document-${++documents}.txt`)
  await writeFile(path, `Document ${documents} of the tests that nobody is alone in.\n`)
  await must(stele, 'register', path, '--kind', 'letter', '--registry', registry)
  return path
}

/** An officer approves, on a machine of their own. */
const approve = (i, ...more) =>
  stele('approve', '--portal', front.url, '--policy', at('trust'), '--keys', at(`officer-${i}`), '--to', server.url, '--yes', ...more)

const sizeAt = async (url) => Number((await fetch(`${url}ledger/checkpoint`).then((r) => r.text())).split('\n')[1])

/** Proposes what is registered, has officers approve it, and waits until citizens see it. */
async function publish(...who) {
  const before = await sizeAt(front.url).catch(() => 0) || 0
  const proposed = await json('publish', '--registry', at('registry'))
  assert.equal(proposed.proposed, true, JSON.stringify(proposed))
  for (const i of who) {
    const { code, stderr } = await approve(i)
    assert.equal(code, 0, stderr)
  }
  return until(async () => (await sizeAt(front.url)) > before && sizeAt(front.url), () => server.said())
}

const verify = async (path, ...more) => {
  const { stdout } = await stele('verify', path, '--portal', front.url, '--policy', at('trust'), '--json', ...more)
  return JSON.parse(stdout)
}

test('a publication goes out once two of three officers have approved it and two of three witnesses have seen it', { skip }, async () => {
  const path = await register()
  const proposed = await json('publish', '--registry', at('registry'))
  assert.equal(proposed.proposed, true)
  assert.equal((await fetch(`${front.url}ledger/checkpoint`)).status, 404, 'nothing is published yet')
  assert.equal((await approve(0)).code, 0)
  assert.equal((await fetch(`${front.url}ledger/checkpoint`)).status, 404, 'one officer is not enough')
  assert.equal((await approve(1)).code, 0)
  await until(() => fetch(`${front.url}ledger/checkpoint`).then((r) => r.ok), () => server.said())
  const report = await verify(path)
  assert.equal(report.verdict, 'authentic')
  assert.deepEqual([report.officers.have, report.officers.needed, report.officers.of], [2, 2, 3])
  assert.ok(report.witnesses.have >= 2 && report.witnesses.needed === 2 && report.witnesses.of === 3, JSON.stringify(report.witnesses))
})

const heard = [] // what the monitor has told, as it was posted

/** Starts whoever looks from outside: a monitor that posts what it finds, and a mirror. */
async function startOutsiders() {
  const hook = createServer(async (request, response) => {
    const parts = []
    for await (const part of request) parts.push(part)
    heard.push(JSON.parse(Buffer.concat(parts)))
    response.end()
  })
  await new Promise((resolve) => hook.listen(0, '127.0.0.1', resolve))
  outsiders.push({ end: () => (hook.closeAllConnections(), hook.close()) })
  const address = `http://127.0.0.1:${hook.address().port}/`
  const given = ['--portal', front.url, '--policy', at('trust'), '--every', '1s']
  monitor = start(stele.path, ['monitor', ...given, '--state', at('monitor'), '--webhook', address], stele.env)
  const port = await freePort()
  mirror = start(stele.path, ['mirror', ...given, '--dir', at('mirror'), '--addr', `127.0.0.1:${port}`], stele.env)
  mirror.url = `http://127.0.0.1:${port}/`
  outsiders.push(monitor, mirror)
}

const trouble = () => `${JSON.stringify(heard, null, 1)}\n${monitor.said()}\n${mirror.said()}`

/** Waits until the monitor has told something new. */
const alarm = (code, state, from = 0) =>
  until(() => heard.slice(from).find((m) => m.code === code && m.state === state), () => `${code} ${state}; heard: ${trouble()}`)

/** What the monitor raises, but for outages and what litewitness does not offer: a view of its own. */
const alarms = (from = 0) => heard.slice(from).filter((m) => m.severity === 'alarm')

const mirrored = (size) => until(() => sizeAt(mirror.url).then((n) => n === size, () => false), trouble)

/** Waits until the page has put what it has seen where it outlives the page. */
const remembered = (page) => page.waitForFunction(() => new Promise((resolve) => {
  const opening = indexedDB.open('stele', 1)
  opening.onsuccess = () => {
    const count = opening.result.transaction('heads').objectStore('heads').count()
    count.onsuccess = () => resolve(count.result > 0)
  }
}))

/** The page's verdicts on one document after another; before each, the adversary may do something. */
const look = (use, how = {}) => visitor(browser, { log: [] }, new Set())(use, { at: front, ...how })

async function verdictOf(page, path) {
  await choose(page, [path])
  const all = await verdicts(page, 1)
  return all.at(-1).verdict
}

const pageOn = (path, how) => look((page) => verdictOf(page, path), how)

test('page, monitor and mirror see the same', { skip }, async () => {
  await startOutsiders()
  const path = await register()
  const size = await publish(0, 2)
  await mirrored(size)
  assert.equal(await pageOn(path), 'authentic')
  const { stdout } = await stele('verify', path, '--portal', mirror.url, '--policy', at('trust'), '--json')
  assert.equal(JSON.parse(stdout).verdict, 'authentic')
  assert.deepEqual(alarms(), [])
})

test('with any one officer and any one witness missing it goes on; with two witnesses missing it waits, and nothing is lost', { skip }, async () => {
  for (const i of [0, 1, 2]) {
    const witness = [...witnesses, litewitness][i]
    await witness.down('SIGKILL')
    const path = await register()
    await publish(...[0, 1, 2].filter((officer) => officer !== i))
    const report = await verify(path)
    assert.deepEqual([report.verdict, report.officers.have, report.witnesses.have], ['authentic', 2, 2])
    await witness.up()
  }
  const before = await sizeAt(front.url)
  const old = at('document-1.txt')
  const path = await register()
  for (const witness of witnesses) await witness.down()
  await json('publish', '--registry', at('registry'))
  for (const i of [0, 1]) assert.equal((await approve(i)).code, 0)
  const waiting = await json('publish', '--registry', at('registry'))
  assert.equal(waiting.proposed, true)
  assert.equal(await sizeAt(front.url), before)
  assert.deepEqual([(await verify(old)).verdict, (await verify(path)).verdict], ['authentic', 'not-registered'])
  for (const witness of witnesses) await witness.up()
  await json('publish', '--registry', at('registry'))
  assert.equal((await verify(path)).verdict, 'authentic')
})

test('two publishers at once make one ledger', { skip }, async () => {
  const paths = [await register(), await register()]
  const both = await Promise.all([1, 2].map(() => stele('publish', '--registry', at('registry'), '--json')))
  assert.deepEqual(both.map(({ code }) => code), [0, 0], both.map(({ stderr }) => stderr).join('\n'))
  for (const i of [1, 2]) assert.equal((await approve(i)).code, 0)
  await until(async () => (await verify(paths[1])).verdict === 'authentic', () => server.said())
  assert.equal((await verify(paths[0])).verdict, 'authentic')
  await must(stele, 'audit', '--portal', front.url, '--policy', at('trust'))
})

/** The signed note at the end of a tlog-proof: what follows the first empty line. */
const checkpointIn = (proof) => proof.subarray(proof.indexOf('\n\n') + 2)

/** Asks a witness of ours to cosign a checkpoint, and resolves to its status. */
const ask = (checkpoint, old) =>
  fetch(`${witnesses[0].url}/add-checkpoint`, { method: 'POST', body: Buffer.concat([Buffer.from(`old ${old}\n\n`), checkpoint]) }).then((r) => r.status)

test('with the log’s key alone nobody is made to believe anything', { skip }, async (t) => {
  await cp(at('registry'), at('hacked'), { recursive: true })
  const paths = [await register(), await register(at('hacked'))]
  const size = await publish(0, 1)
  await mirrored(size)
  const hacked = await json('publish', '--registry', at('hacked'))
  assert.equal(hacked.proposed, true)
  const proposal = await readFile(at('hacked/public/ledger/proposal'))
  // What it offers is of the same size, and no officer and no witness takes it.
  assert.equal(await ask(checkpointIn(proposal), size), 422)
  const portal = await serveFolder(at('hacked/public'))
  t.after(() => portal.close())
  const refused = await stele('approve', '--portal', portal.url, '--policy', at('trust'), '--keys', at('officer-0'), '--to', server.url, '--yes')
  assert.equal(refused.code, 1, refused.stdout)
  assert.match(refused.stderr, /evidence/)
  // It shows it all the same.
  await writeFile(at('hacked/public/ledger/head'), proposal)
  await writeFile(at('hacked/public/ledger/checkpoint'), checkpointIn(proposal))
  const from = heard.length
  await front.show(at('hacked/public'))
  try {
    const report = await verify(paths[1])
    assert.deepEqual([report.verdict, report.reason], ['unavailable', 'quorum'])
    assert.equal(await pageOn(paths[1], { faulty: true }), 'unavailable') // it asks for a next trust file, and there is none
    await alarm('quorum', 'begins', from)
    assert.equal(await sizeAt(mirror.url), size)
  } finally {
    await front.show(at('registry/public'))
  }
  await alarm('quorum', 'ends', from)
  assert.equal((await verify(paths[0])).verdict, 'authentic')
})

test('keys are changed under way, and everybody follows; what the old log key signs afterwards counts for nothing', { skip }, async () => {
  const path = await register()
  await publish(0, 1)
  const receipt = at('old.tlog-proof')
  await must(stele, 'receipt', path, '--portal', front.url, '--policy', at('trust'), '-o', receipt)
  await cp(at('registry'), at('stolen'), { recursive: true }) // with the log's keys

  await must(stele, 'trust', 'change', '--new-key', 'log', '--new-key', 'log-mldsa44', '--registry', at('registry'))
  const [old] = await logKeys(at('registry/trust'))
  const [next] = await logKeys(at('registry/state/trust-next'))
  assert.notEqual(next, old)
  for (const { dir } of witnesses) await tellWitness(dir, [old, next])
  await litewitness.learn(origin, next)
  const from = heard.length
  await until(async () => {
    await publish(0, 1) // to its end: of one that is still under way, what follows would think that it is its own
    return fetch(`${front.url}trust/2.tlog-proof`).then((r) => r.ok)
  }, () => server.said())
  const size = await sizeAt(front.url)
  await mirrored(size)

  // Whoever has the first trust file follows, without being told.
  const report = await verify(path)
  assert.deepEqual([report.verdict, report.epoch], ['authentic', 2])
  assert.equal(await pageOn(path), 'authentic')
  const added = await register()
  await mirrored(await publish(1, 2))
  assert.equal((await verify(added)).verdict, 'authentic')
  assert.deepEqual(alarms(from), [])
  await must(stele, 'audit', '--portal', front.url, '--policy', at('registry/trust'))

  // The old receipt is verified through its epoch, without a network, and is not fresh.
  const offline = await stele('verify', path, '--receipt', receipt, '--policy', at('registry/public/trust'), '--json')
  assert.equal(JSON.parse(offline.stdout).verdict, 'recorded')

  // The thief has the old keys, and goes on with them.
  for (const { dir } of witnesses) await tellWitness(dir, [next])
  await litewitness.forget(origin, old)
  const forged = await register(at('stolen'))
  const stolen = await json('publish', '--registry', at('stolen'))
  assert.equal(stolen.proposed, true)
  const proposal = await readFile(at('stolen/public/ledger/proposal'))
  assert.equal(await ask(checkpointIn(proposal), size), 403)
  await writeFile(at('stolen/public/ledger/head'), proposal)
  await front.show(at('stolen/public'))
  try {
    assert.equal((await verify(forged)).verdict, 'unavailable')
  } finally {
    await front.show(at('registry/public'))
  }
})

test('an older state is refused by everybody: shown again, or restored and continued', { skip }, async () => {
  await cp(at('registry'), at('snapshot'), { recursive: true })
  const path = await register()
  const size = await publish(0, 2)
  await mirrored(size)
  assert.equal((await verify(path)).verdict, 'authentic')
  const from = heard.length
  await look(async (page) => {
    assert.equal(await verdictOf(page, path), 'authentic')
    await remembered(page)
    await front.show(at('snapshot/public'))
    await page.reload()
    assert.equal(await verdictOf(page, at('document-1.txt')), 'stale')
  })
  const report = await verify(at('document-1.txt'))
  assert.deepEqual([report.verdict, report.reason], ['stale', 'rollback'])
  await alarm('rollback', 'begins', from)
  assert.equal(await sizeAt(mirror.url), size)
  await front.show(at('registry/public'))
  await alarm('rollback', 'ends', from)

  // Restored and continued, with all keys: no officer approves it, and no witness has forgotten.
  await register(at('snapshot'))
  assert.equal((await json('publish', '--registry', at('snapshot'))).proposed, true)
  const portal = await serveFolder(at('snapshot/public'))
  const refused = await stele('approve', '--portal', portal.url, '--policy', at('trust'), '--keys', at('officer-2'), '--to', server.url, '--yes')
  await portal.close()
  assert.equal(refused.code, 1)
  assert.equal(await ask(checkpointIn(await readFile(at('snapshot/public/ledger/proposal'))), size), 422)
})

test('two pasts, signed by everybody who is needed: monitor and page both raise it, with evidence', { skip }, async () => {
  const world = ['registry', 'officer-0', 'officer-1', 'witness-0', 'witness-1']
  for (const name of world) await cp(at(name), at(`other-${name}`), { recursive: true })
  const path = await register()
  const size = await publish(0, 1)
  await mirrored(size)

  // The other world: all keys are the same, and nobody in it knows of the last publication.
  await server.end()
  for (const witness of witnesses) await witness.down()
  await litewitness.down()
  for (const witness of witnesses) {
    witness.dir = at(`other-witness-${witnesses.indexOf(witness)}`)
    await witness.up()
  }
  const forked = await register(at('other-registry'))
  const daemon = (other.daemon = await serve(at('other-registry')))
  outsiders.push(daemon)
  const portal = (other.portal = await serveFolder(at('other-registry/public')))
  outsiders.push({ end: portal.close })
  await must(stele, 'publish', '--registry', at('other-registry'))
  for (const i of [0, 1])
    await must(stele, 'approve', '--portal', portal.url, '--policy', at('trust'), '--keys', at(`other-officer-${i}`), '--to', daemon.url, '--yes')
  await until(async () => (await sizeAt(portal.url)) === size, () => daemon.said())

  const from = heard.length
  await look(async (page) => {
    assert.equal(await verdictOf(page, path), 'authentic')
    await remembered(page)
    await front.show(at('other-registry/public'))
    await page.reload()
    assert.equal(await verdictOf(page, forked), 'inconsistent')
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the evidence' }).first().click()])
    await must(stele, 'verify-evidence', await download.path(), '--policy', at('registry/trust'))
  })
  const message = await alarm('fork', 'begins', from)
  await must(stele, 'verify-evidence', message.evidence, '--policy', at('registry/trust'))
  // The mirror stays with what it has.
  const { stdout } = await stele('verify', path, '--portal', mirror.url, '--policy', at('trust'), '--json')
  assert.equal(JSON.parse(stdout).verdict, 'authentic')
})

test('a registry that stands still turns amber, and the monitor says so', { skip }, async () => {
  // In the other world, whose officers agree to a limit of ten seconds.
  const world = at('other-registry')
  await must(stele, 'trust', 'change', '--fresh', '10s', '--registry', world)
  await until(async () => {
    await must(stele, 'publish', '--registry', world)
    for (const i of [0, 1])
      await must(stele, 'approve', '--portal', other.portal.url, '--policy', at('trust'), '--keys', at(`other-officer-${i}`), '--to', other.daemon.url, '--yes')
    return fetch(`${other.portal.url}trust/3.tlog-proof`).then((r) => r.ok)
  }, () => other.daemon.said())
  // The pages are made after the publication; they tell of the trust file before.
  const before = createHash('sha256').update(await fetch(`${other.portal.url}trust/2`).then((r) => r.text())).digest('hex')
  await until(() => fetch(other.portal.url).then((r) => r.text()).then((html) => html.includes(before)), () => other.daemon.said())
  const path = at('document-1.txt')
  const silent = start(stele.path, ['monitor', '--portal', other.portal.url, '--policy', at('trust'), '--state', at('silent'), '--every', '1s', '--silence', '5s'], stele.env)
  outsiders.push(silent)
  await silent.says(/alarm \(silence/)
  await silent.says(/alarm \(stale/)
  await look(async (page) => {
    assert.equal(await verdictOf(page, path), 'stale')
    // Signed again, it is fresh.
    await must(stele, 'publish', '--registry', world)
    await page.reload()
    assert.equal(await verdictOf(page, path), 'authentic')
  }, { at: other.portal })
})
