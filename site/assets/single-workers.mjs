// In the verifier in one file a worker runs the very script that the page runs: it is made from the page's own text, so that
// nothing stands there twice. Not every browser lets a page from disk have workers, or lets those read files (WebKitGTK 2.50 does not): there
// the same code runs in the page itself.

const program = document.querySelector('script[data-program]').textContent
const patience = 5_000 // milliseconds in which a worker should have read one byte

const begun = (text) => new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })))

/** Whether a worker can be had that can read a file. */
function tryWorker() {
  const reader = 'onmessage = ({ data }) => data.arrayBuffer().then(() => postMessage(true), () => postMessage(false))'
  return new Promise((resolve) => {
    setTimeout(resolve, patience, false)
    try {
      const worker = begun(reader)
      worker.addEventListener('message', ({ data }) => resolve(data))
      worker.addEventListener('error', () => resolve(false))
      worker.postMessage(new Blob(['x']))
    } catch {
      resolve(false)
    }
  })
}

const works = tryWorker()

/** What a worker's code has for its own self, in the page: messages come in by it and go out. */
class Desk extends EventTarget {
  constructor(seat) {
    super()
    this.seat = seat
    begin(this)('worker.js')
  }

  /** What the code says. */
  postMessage(data) {
    queueMicrotask(() => this.seat.hear(data))
  }

  /** What it is told. */
  tell(data) {
    queueMicrotask(() => this.dispatchEvent(new MessageEvent('message', { data })))
  }
}

/** As much of a Worker as the pool uses. */
class Seat extends EventTarget {
  constructor() {
    super()
    this.ended = false
    this.within = works.then((can) => (can ? this.worker() : new Desk(this)))
  }

  worker() {
    const worker = begun(program)
    worker.addEventListener('message', ({ data }) => this.hear(data))
    worker.addEventListener('error', ({ message }) => this.dispatchEvent(new ErrorEvent('error', { message })))
    worker.tell = worker.postMessage
    return worker
  }

  hear(data) {
    if (!this.ended) this.dispatchEvent(new MessageEvent('message', { data }))
  }

  async postMessage(data) {
    ;(await this.within).tell(data)
  }

  async terminate() {
    this.ended = true
    ;(await this.within).terminate?.()
  }
}

export function startWorker() {
  return new Seat()
}
