import type { Examination, Report, Verdict, Verifier, VerifierError } from './index.js'

/** Dispatched for every document whose check has reached a verdict. It bubbles, out of shadow trees too. */
export type VerdictEvent = CustomEvent<{
  /** The file's name, as the reader's device gave it: foreign text. */
  name: string
  verdict: Verdict
  report: Report
  receipt: Uint8Array | null
  /** Where the registry could not be reached: when this device last read what the answer rests on. */
  since: string | null
}>

/** Dispatched where no answer was reached: nothing is said about the document. `name` is empty where the verifier itself did not start. */
export type FailureEvent = CustomEvent<{ name: string; error: VerifierError }>

/** Dispatched for every file of evidence against a registry. */
export type EvidenceEvent = CustomEvent<{ name: string; examination: Examination }>

/**
 * `<stele-verify portal="https://registry.gov.example/" trust="/registry.trust">`: takes documents by drop or choice and says what each is.
 *
 * Slots: the default one stands in place of the question at the top; `note` stands below the button.
 * Parts: `drop`, `choose`, `status`, `results`, `row`, `verdict`, `elsewhere`.
 * Custom properties: the portal's own tokens, such as `--action`, `--ink`, `--slab`, `--good`, `--bad`, set on the element.
 */
export class SteleVerifyElement extends HTMLElement {
  /** The registry's portal. */
  portal: string
  /** Address of the trust file, kept by the page that embeds. */
  trust: string
  /** The trust file's SHA-256 in hex. */
  trustSha256: string
  /** `light` or `dark`; otherwise as the reader's device is set. */
  theme: string
  /** Takes documents and their receipts, as if they had been chosen. Resolves once each has an answer or has failed. */
  check(files: Iterable<File>): Promise<void>
  /** Stops what is under way and empties the list. */
  clear(): void
  /** The verifier behind it, once it is needed. */
  readonly verifier: Promise<Verifier>
}

declare global {
  interface HTMLElementTagNameMap {
    'stele-verify': SteleVerifyElement
  }
  interface HTMLElementEventMap {
    'stele-verdict': VerdictEvent
    'stele-failure': FailureEvent
    'stele-evidence': EvidenceEvent
  }
}
