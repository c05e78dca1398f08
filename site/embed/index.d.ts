/**
 * Checks documents against a Stele registry, on the device where it runs: a document is hashed and judged there, and neither it nor its
 * digests are sent to anyone. Only names that a registry publishes for everybody are fetched, from the portal alone.
 */

/** A verdict, one of a closed set. Only `authentic` says that a document is what it claims to be and valid as of `report.as_of`. */
export type Verdict =
  | 'malformed'
  | 'inconsistent'
  | 'mismatch'
  | 'revoked'
  | 'unaccredited'
  | 'superseded'
  | 'suspended'
  | 'expired'
  | 'stale'
  | 'recorded'
  | 'authentic'
  | 'not-registered'
  | 'unavailable'

/** Why exactly, where the verdict alone does not say it. */
export type Reason =
  | 'receipt-malformed'
  | 'receipt-unverified'
  | 'receipt-other-file'
  | 'other-registry'
  | 'outage'
  | 'bad-data'
  | 'quorum'
  | 'clock'
  | 'verifier-too-old'
  | 'other-epoch'
  | 'trust'
  | 'rollback'
  | 'fork'
  | 'kind-not-accredited'
  | 'withdrawn'
  | 'unreadable'
  | 'one-digest'
  | 'absent'

/** Something that a person should be told beside the verdict. */
export type Notice =
  | 'demo'
  | 'no-witnesses'
  | 'no-officers'
  | 'trust-unpinned'
  | 'broken-receipt'
  | 'registry-failed'
  | 'registered-later'
  | 'postdated'
  | 'other-issuers'
  | 'sealed'
  | 'retired-keys'
  | 'withdrawn-later'

/** A moment: RFC 3339, in UTC. */
export type Time = string

/** A day: YYYY-MM-DD. */
export type Day = string

/** `stele verify --json` prints the same. Texts of issuers (`issuer_title`, `reason`s of events) are foreign: show them as text only. */
export interface Report {
  verdict: Verdict
  reason: Reason | ''
  /** One technical sentence in English, for support. */
  detail: string
  /** The ledger's origin. */
  registry: string
  registry_title: string
  /** A demonstration: nothing in it is real. */
  demo: boolean
  /** Of the trust file whose keys signed what decided. */
  epoch: number | null
  issuer: string | null
  issuer_title: string | null
  kind: string | null
  /** As the issuer claims. */
  issued: Day | null
  /** As the issuer claims. */
  expires: Day | null
  /** When the registration was published. */
  registered: Time | null
  /** The status is known as of this time. */
  as_of: Time | null
  /** The clock of this device. */
  now: Time | null
  /** Seconds. */
  stale_after: number
  /** What decided. */
  source: 'registry' | 'receipt' | ''
  /** Entries in the ledger. */
  size: number
  root: string | null
  /** Documents on record. */
  keys: number
  /** Among how many documents the server could not tell the one that was asked for. */
  candidates: number
  /** The life that answers. */
  life: Life | null
  /** Other authorities' registrations of the same document. */
  others: Life[]
  signers: Signer[]
  officers: Quorum
  witnesses: Quorum
  notices: Notice[]
  /** What was checked, in order. */
  steps: Step[]
}

/** The life of a document under one registrant. */
export interface Life {
  state: 'active' | 'suspended' | 'superseded' | 'revoked' | 'unaccredited' | 'unknown'
  issuer: string
  issuer_title: string
  kind: string
  issued: Day
  expires: Day | null
  registered: Time | null
  /** Of the registration in the ledger. */
  place: number
  /** The document in its place: `sha256:` and its digest. */
  successor: string | null
  replaced_by: Registration | null
  withdrawal: Withdrawal | null
  events: LifeEvent[]
}

/** The registration of the document that replaces another. What has become of it since, `lookUp` tells. */
export interface Registration {
  /** It is found only with its own receipt. */
  sealed: boolean
  sha256: string
  sha3_512: string
  issuer: string
  kind: string
  issued: Day
  expires: Day | null
  registered: Time | null
  place: number
}

/** The root's statement that an authority may issue no more. */
export interface Withdrawal {
  place: number
  published: Time | null
  /** The place from which its keys are not to be believed; null if what it said before stands. */
  from: number | null
  reason: string | null
}

export interface LifeEvent {
  action: string
  issuer: string
  place: number
  published: Time | null
  /** False if the entry is void. */
  effect: boolean
  reason: string | null
  relation: string | null
  target: string | null
}

export interface Signer {
  name: string
  role: 'log' | 'officer' | 'witness' | 'other'
  algorithm: string
  time: Time | null
}

/** How much of a quorum is met. */
export interface Quorum {
  name: string
  needed: number
  of: number
  have: number
  met: boolean
  members: Member[]
}

/** A member of a quorum: a key, or a group with members of its own. */
export type Member = Quorum | KeyMember

export interface KeyMember {
  name: string
  met: boolean
  key: string
  algorithm: string
  /** Of its signature, also of one too old to count. */
  time: Time | null
}

export interface Step {
  id: string
  state: 'passed' | 'failed'
  detail: string
  evidence: { label: string; value: string }[]
}

/** Proof that a registry has signed two pasts that cannot both be true. */
export interface EvidenceReport {
  kind: 'conflict' | 'fork'
  registry: string
  size: number
  /** `policy`: both satisfy the trust file of their time; `log`: both bear the log's signature. */
  strength: 'policy' | 'log'
  one: SignedCheckpoint
  other: SignedCheckpoint
}

export interface SignedCheckpoint {
  root_at_size: string
  size: number
  root: string
  /** What it lacks of its policy; empty where it satisfies it. */
  missing: string
  epoch: number
  as_of: Time | null
  signers: Signer[]
  officers: Quorum
  witnesses: Quorum
}

export interface Answer {
  verdict: Verdict
  report: Report
  /** A `.tlog-proof` file to keep with the document; null where the registry did not answer. */
  receipt: Uint8Array | null
  /** With the verdict `inconsistent`: what a third party can check. */
  evidence: {
    /** A `.stele-evidence` file. */
    file: Uint8Array
    report: EvidenceReport | null
    /** Both signed checkpoints. */
    checkpoints: Uint8Array[]
  } | null
}

/** What a file that is meant as evidence comes to. */
export interface Examination {
  proved: boolean
  /** Whom it would be against. */
  registry: string
  /** Why it proves nothing, where it does. */
  detail: string
  report: EvidenceReport | null
  checkpoints: Uint8Array[]
}

export interface Progress {
  state: 'starting' | 'queued' | 'hashing' | 'checking' | 'examining'
  /** Bytes hashed so far. */
  done: number
  /** Bytes of the document; 0 where they are not known beforehand. */
  total: number
}

/** What is remembered against forks: given back later, a registry cannot show another past. */
export interface Remembered {
  head: Uint8Array
  size: number
  /** The trust file that the embedder's has been followed to, if it has been. */
  trust: Uint8Array | null
}

/** A memory of the embedder's own, such as a database. A memory that fails is done without. */
export interface MemoryStore {
  load(): Remembered | null | Promise<Remembered | null>
  save(remembered: Remembered): void | Promise<void>
}

type Bytes = ArrayBuffer | ArrayBufferView

/** A worker, as browsers have them. */
export interface WorkerLike {
  postMessage(message: unknown): void
  addEventListener(type: 'message' | 'error', listener: (event: any) => void): void
  terminate(): unknown
}

export interface VerifierOptions {
  /**
   * The registry's trust file, which says whose signatures count: its bytes, or an address of the embedder's own where it is kept. One that
   * is fetched from the portal itself without `trustSHA256` is not pinned, and every report says so (`trust-unpinned`).
   */
  trust: Bytes | URL | string
  /** The trust file's SHA-256 in hex, got by another way than the file. Another file is refused. */
  trustSHA256?: string | null
  /** The registry's portal, or of a mirror. Without one only receipts can be checked, with no network. */
  portal?: URL | string | null
  /** The verifier, where it is not the package's own: for bundlers that move files about. */
  wasm?: Bytes | URL | string | null
  /** Starts a worker that runs `stele-verify/worker`: for bundlers, and for Trusted Types policies of the page's own. */
  worker?: (() => WorkerLike) | null
  /** How many at most; as many as the device has cores, up to four, where it is not said. */
  workers?: number
  /** Where to remember what was seen, in place of IndexedDB (browsers) or the running program (Node); false forgets with `close`. */
  remember?: MemoryStore | false
}

export interface CheckOptions {
  /** The document's receipt: a `.tlog-proof` file. */
  receipt?: Blob | Bytes | null
  /** Aborts: the promise rejects with the signal's reason, and nothing more is read. */
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
  /** Reads past every cache: for a document that was checked a moment ago. */
  fresh?: boolean
}

export interface Verifier {
  /** The portal's root; null where there is none. */
  readonly portal: URL | null
  /**
   * Checks a document. In Node a `file:` address will do too, and is the way for large files. An outage resolves, with the verdict
   * `unavailable`; what rejects says nothing about the document.
   */
  check(document: Blob | Bytes | URL, options?: CheckOptions): Promise<Answer>
  /**
   * Looks a document up by its digests in hex, such as those of `report.life.replaced_by`. No file is checked: only one that has them is that
   * document. Without `sha3_512` a registry that demands it decides nothing (`one-digest`).
   */
  lookUp(digests: { sha256: string; sha3_512?: string }, options?: { signal?: AbortSignal; fresh?: boolean }): Promise<Answer>
  /** Says what a `.stele-evidence` file proves. */
  examine(file: Blob | Bytes, options?: { signal?: AbortSignal }): Promise<Examination>
  /** Ends its workers. Whatever is under way rejects with the code `closed`. */
  close(): void
}

/** Makes a verifier; resolves once it runs, and rejects with a VerifierError. */
export function createVerifier(options: VerifierOptions): Promise<Verifier>

/** What went wrong without saying anything about a document. */
export class VerifierError extends Error {
  readonly name: 'VerifierError'
  /**
   * `not-started`: the WASM or a worker is blocked or missing. `trust`: the trust file cannot be read or is not the one that is pinned.
   * `unreadable`, `receipt`: the document or its receipt cannot be read on this device. `crashed`: the check broke off. `closed`: after `close`.
   */
  readonly code: 'not-started' | 'trust' | 'unreadable' | 'receipt' | 'crashed' | 'closed'
}

/** What was packed: the verifier's integrity (as in the integrity attribute) and SHA-256, and the languages of the element, with its style sheets. */
export const build: { readonly wasm: string; readonly sha256: string; readonly languages: readonly string[]; readonly styles: readonly string[] }
