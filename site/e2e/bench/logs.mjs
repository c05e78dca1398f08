// Ledgers that only a witness sees, for measuring one: each request of theirs is a checkpoint of twice as many entries as the one before, with its
// proof of consistency, so that every one has to be verified, cosigned and written (c2sp.org/tlog-witness).

import { createHash, generateKeyPairSync, sign } from 'node:crypto'

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest()
const MOST = 1n << 62n // entries

export class GrowingLog {
  #size = 0n
  #root = sha256([0], 'entry')

  constructor(name) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const key = Buffer.concat([Buffer.from([1]), publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)])
    this.name = name
    this.privateKey = privateKey
    this.id = sha256(`${name}\n`, key).subarray(0, 4)
    this.vkey = `${name}+${this.id.toString('hex')}+${key.toString('base64')}`
  }

  /** The body of the next request; null where the ledger can grow no more. */
  next() {
    if (this.#size >= MOST) return null
    const old = this.#size
    const proof = []
    if (old === 0n) {
      this.#size = 1n
    } else { // the new half's root is all that a tree of a power of two lacks
      const half = sha256('half', String(old))
      proof.push(`${half.toString('base64')}\n`)
      this.#root = sha256([1], this.#root, half)
      this.#size = 2n * old
    }
    const text = `${this.name}\n${this.#size}\n${this.#root.toString('base64')}\n`
    const signature = Buffer.concat([this.id, sign(null, text, this.privateKey)]).toString('base64')
    return Buffer.from(`old ${old}\n${proof.join('')}\n${text}\n\u2014 ${this.name} ${signature}\n`)
  }
}

/** The bodies of requests, one after the other, of several ledgers. */
export function* requests(logs) {
  for (const log of logs) for (let body = log.next(); body; body = log.next()) yield body
}
