// Finds out that a worker has died. Browsers end workers without a word, where memory runs out or a phone wants it back: no
// error comes, and what the worker had in hand would wait for ever.

const beat = 2_000 // milliseconds from one question to the next
const patience = 5 // questions in a row without a word: longer than anything a worker computes at a stretch

/**
 * Asks a worker again and again whether it is there, while it has something to do.
 * @param {() => boolean} busy whether it has
 * @param {() => void} lost is called when it has not said anything for too long
 * @returns {() => void} ends the asking
 */
export function watchPulse(worker, busy, lost) {
  let unanswered = 0
  worker.addEventListener('message', () => (unanswered = 0)) // whatever it says
  const timer = setInterval(() => {
    if (!busy()) unanswered = 0
    else if (unanswered === patience) lost()
    else {
      unanswered++
      worker.postMessage({ type: 'ping' })
    }
  }, beat)
  return () => clearInterval(timer)
}
