// Checks files in Node, with the receipts beside them:
// node check.js TRUST PORTAL FILE…   (PORTAL is "-" where there is no network)
// It exits with 0 only where every one is authentic, with 2 where one could not be checked.

import { existsSync, openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { createVerifier, VerifierError, type Answer, type Verdict } from 'stele-verify'

const codes: Record<Verdict, 0 | 1 | 2> = {
  malformed: 1, inconsistent: 1, mismatch: 1, revoked: 1, unaccredited: 1, superseded: 1, suspended: 1,
  expired: 1, stale: 1, recorded: 1, authentic: 0, 'not-registered': 1, unavailable: 2,
}

/** One line for a person, made of what the registry proves. */
function line(file: string, { verdict, report }: Answer): string {
  const by = report.issuer_title ?? report.issuer
  return [file, verdict, by, report.as_of].filter((part) => part !== null).join('\t')
}

const [trust = '', portal = '', ...files] = process.argv.slice(2)
const verifier = await createVerifier({ trust: await readFile(trust), portal: portal === '-' ? null : portal })
let worst = 0
for (const file of files) {
  const receipt = existsSync(`${file}.tlog-proof`) ? await openAsBlob(`${file}.tlog-proof`) : null
  try {
    const answer = await verifier.check(pathToFileURL(file), { receipt, signal: AbortSignal.timeout(120_000) })
    console.log(line(file, answer))
    worst = Math.max(worst, codes[answer.verdict])
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error
    console.error(`${file}\t${error.code}\t${error.message}`)
    worst = 2
  }
}
verifier.close()
process.exitCode = worst
