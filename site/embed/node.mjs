// The package's door for Node: the same verifier, in worker threads.

import * as host from './threads.mjs'
import { open } from './verifier.mjs'

export { VerifierError } from './errors.mjs'
export { build } from './portal/build.mjs'

/** See index.d.ts. */
export const createVerifier = (options) => open(options, host)
