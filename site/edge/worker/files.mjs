// The Worker of a deployment that only serves files (stele deploy --free): no bucket, and no Go. The host answers nearly everything by itself; here come folders, and
// what is not there.

import base from '../base'
import { Front } from './front.mjs'

const front = new Front(base)

export default { fetch: (request, env) => front.answer(request, env) }
