// What can go wrong without saying anything about a document. That part of a registry could not be reached is none of it:
// that is an answer, with the verdict "unavailable".

export class VerifierError extends Error {
  /**
   * @param {'not-started'|'trust'|'unreadable'|'receipt'|'crashed'|'closed'} code
   * @param {string} message what, why, and what to do
   * @param {unknown} [cause]
   */
  constructor(code, message, cause) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'VerifierError'
    this.code = code
  }
}
