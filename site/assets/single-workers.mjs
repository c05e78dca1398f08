// In the verifier in one file a worker runs the very script that the page runs: it is made from the page's own text, so that
// nothing stands there twice. Where a browser forbids workers to a file from disk, the same code runs in the page itself.

const program = document.querySelector('script[data-program]').textContent

let forbidden = false

/** What a worker's code has for its own: messages come in by it and go out. */
class Desk extends EventTarget {
  constructor(seat) {
    super()
    this.seat = seat
  }

  postMessage(data) {
    queueMicrotask(() => this.seat.dispatchEvent(new MessageEvent('message', { data })))
  }
}

/** As much of a Worker as the pool uses. As long as the worker has not been heard of, what it was sent is kept for its stand-in. */
class Seat extends EventTarget {
  constructor() {
    super()
    this.sent = []
    this.worker = forbidden ? null : this.start()
    if (!this.worker) this.standIn()
  }

  start() {
    try {
      const url = URL.createObjectURL(new Blob([program], { type: 'text/javascript' }))
      const worker = new Worker(url)
      worker.addEventListener('message', ({ data }) => this.hear(data))
      worker.addEventListener('error', (event) => this.fail(event))
      return worker
    } catch {
      return null
    }
  }

  hear(data) {
    this.sent = null
    this.dispatchEvent(new MessageEvent('message', { data }))
  }

  fail(event) {
    if (this.sent) return this.standIn() // it never began: the browser does not let it
    this.dispatchEvent(new ErrorEvent('error', { message: event.message }))
  }

  standIn() {
    forbidden = true
    this.worker = null
    this.desk = new Desk(this)
    begin(this.desk)('worker.js')
    for (const data of this.sent ?? []) this.tell(data)
    this.sent = null
  }

  tell(data) {
    queueMicrotask(() => this.desk?.dispatchEvent(new MessageEvent('message', { data })))
  }

  postMessage(data) {
    if (!this.worker) return this.tell(data)
    this.sent?.push(data)
    this.worker.postMessage(data)
  }

  terminate() {
    this.worker?.terminate()
    this.desk = null
  }
}

export function startWorker() {
  return new Seat()
}
