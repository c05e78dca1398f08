// Finds out that a worker has died. Browsers end workers without a word, where memory runs out or a phone wants it back: no
// error comes, and what the worker had in hand would wait for ever.

const beat = 2_000 // milliseconds from one question to the next

/** Questions in a row without a word: longer than anything a worker computes at a stretch. */
export const patience = 5

/** The same for a worker whose scripts may still be on their way, over a poor connection. */
export const firstPatience = 30

/**
 * Asks a worker again and again whether it is there, while it has something to do.
 * @param {() => number} limit how many questions may go unanswered now; 0 while it has nothing to do
 * @param {() => void} lost is called when it has not said anything for too long
 * @returns {() => void} ends the asking
 */
export function watchPulse(worker, limit, lost) {
  let unanswered = 0
  worker.addEventListener('message', () => (unanswered = 0)) // whatever it says
  const timer = setInterval(() => {
    const most = limit()
    if (most === 0) unanswered = 0
    else if (unanswered >= most) lost()
    else {
      unanswered++
      worker.postMessage({ type: 'ping' })
    }
  }, beat)
  timer.unref?.() // in Node, where it would keep a program from ending
  return () => clearInterval(timer)
}
