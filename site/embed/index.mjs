// The package's door for browsers. What it does is in verifier.mjs; what a browser does in its own way, in browser.mjs.

import * as host from './browser.mjs'
import { open } from './verifier.mjs'

export { VerifierError } from './errors.mjs'
export { build } from './portal/build.mjs'

/** See index.d.ts. */
export const createVerifier = (options) => open(options, host)
