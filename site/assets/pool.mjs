// Spreads checks over workers. A worker reads a few small files at a time or one large one, since that is what costs, in
// time and in memory; while a check waits for the network, it reads the next.

import { firstPatience, patience, watchPulse } from './pulse.mjs'
import { startWorker } from './workers.mjs'

const perWorker = 8 // checks at a time in one worker, all but a few of them waiting for published files

// What one worker reads at a time: while one file is hashed, the browser gets the next from the disk.
const readers = 3
const readLimit = 32 << 20 // bytes of all of them together, unless it is one alone

/** A file as a worker can be given it: of one that lies in a container, the container and the place. */
function parcel(file) {
  return file?.place ? { container: file.container, place: file.place, name: file.name } : file
}

const bytesOf = (job) => job.file?.size ?? 0

/** Whether a worker can begin with a job now. */
function hasRoom({ jobs, reading }, job) {
  if (reading.size === 0) return jobs.size < perWorker
  const bytes = [...reading].reduce((sum, one) => sum + bytesOf(one), bytesOf(job))
  return jobs.size < perWorker && reading.size < readers && bytes <= readLimit
}

/** What the verifier says of a file of evidence. */
function found({ found: proved, registry, detail, checkpoints }) {
  return { evidence: { ...(proved && JSON.parse(proved)), proved: Boolean(proved), registry, detail }, checkpoints }
}

/** Whether an answer rests on what the registry published, so that all that was read for it is what it should be. */
function holds({ verdict, notices }) {
  return verdict !== 'unavailable' && verdict !== 'inconsistent' && !notices.includes('registry-failed')
}

/**
 * @typedef {object} Job
 * @property {File|null} file
 * @property {{sha256: string, sha3?: string}|null} digests in hex, where there is no file and only its fingerprints are looked up
 * @property {Uint8Array|null} receipt
 * @property {Uint8Array|null} evidence bytes that are to be examined as evidence, in place of a document
 * @property {number} anew since when published files must have been read, or 0
 * @property {() => Promise<boolean>} [prepare] fills in receipt or evidence when its turn has come; false where it has been finished instead
 * @property {(state: string, done?: number) => void} update
 * @property {(outcome: object) => void} finish called once
 */

export class Pool {
  /**
   * @param {() => Promise<{module, trust}>} load loads the verifier
   * @param {Portal} portal
   * @param {Memory} memory
   *
   * `health`, if set, is called with whether the verifier runs.
   */
  constructor(load, portal, memory) {
    Object.assign(this, { load, portal, memory })
    this.width = Math.max(1, Math.min(globalThis.navigator?.hardwareConcurrency || 2, 4))
    this.queue = []
    this.seats = []
    this.verifier = null
    this.loading = null
    this.next = 1
  }

  /** Begins to load the verifier and one worker before any file has come. */
  async warm() {
    if (this.verifier || this.loading) return
    this.loading = this.load()
    try {
      const [verifier] = await Promise.all([this.loading, this.memory.loading])
      this.verifier = verifier
      this.seat()
    } catch (error) {
      this.giveUp(error)
    } finally {
      this.loading = null
    }
    this.pump()
  }

  /** Takes a job. */
  add(job) {
    job.id = this.next++
    this.queue.push(job)
    job.update(this.verifier ? 'queued' : 'starting')
    if (this.verifier) this.pump()
    else this.warm()
  }

  /** Stops a job, wherever it is. */
  stop(job) {
    const waiting = this.queue.indexOf(job)
    if (waiting >= 0) {
      this.queue.splice(waiting, 1)
      job.finish({ why: 'stopped' })
      return
    }
    job.stopping = true
    this.seats.find((s) => s.jobs.has(job.id))?.worker.postMessage({ type: 'stop', id: job.id })
  }

  /** Takes jobs out of the queue without a word: whoever does that finishes them. */
  withdraw(jobs) {
    const out = new Set(jobs)
    this.queue = this.queue.filter((job) => !out.has(job))
  }

  pump() {
    if (!this.verifier) return
    while (this.queue.length > 0) {
      const seat = this.seats.find((s) => hasRoom(s, this.queue[0]))
      if (seat) this.give(seat, this.queue.shift())
      else if (this.seats.length < this.width) this.seat()
      else return
    }
  }

  /** A new worker. The package for others' pages starts its own in other ways. */
  worker() {
    return startWorker()
  }

  /** Starts a worker. */
  seat() {
    const worker = this.worker()
    const seat = { worker, jobs: new Map(), reading: new Set(), ready: false }
    worker.addEventListener('message', ({ data }) => this.hear(seat, data))
    worker.addEventListener('error', (event) => this.lose(seat, event.message))
    worker.postMessage({ type: 'start', ...this.verifier })
    const limit = () => (seat.jobs.size === 0 ? 0 : seat.ready ? patience : firstPatience)
    const unwatch = watchPulse(worker, limit, () => this.lose(seat, 'it has stopped answering'))
    seat.end = () => {
      unwatch()
      worker.terminate()
    }
    this.seats.push(seat)
  }

  /** Lets an idle worker try itself on the head, which every check needs. */
  async prepare(seat) {
    const { bytes } = await this.portal.get('ledger/head')
    if (bytes && seat.jobs.size === 0) seat.worker.postMessage({ type: 'prepare', head: bytes })
  }

  async give(seat, job) {
    seat.jobs.set(job.id, job)
    seat.reading.add(job)
    const ready = (await job.prepare?.()) ?? true
    if (seat.jobs.get(job.id) !== job || !this.seats.includes(seat)) return // given to another seat meanwhile
    if (!ready || job.stopping) {
      this.leave(seat, job)
      if (ready) job.finish({ why: 'stopped' })
      return
    }
    job.update(job.evidence ? 'examining' : job.file ? 'hashing' : 'checking', 0)
    const { remembered, trust } = this.memory.recall()
    const { id, digests, receipt, evidence } = job
    seat.worker.postMessage({ type: evidence ? 'examine' : 'check', id, file: parcel(job.file), digests, receipt, evidence, remembered, newer: trust, anew: job.anew > 0, online: this.portal.online !== false })
  }

  hear(seat, message) {
    if (!this.seats.includes(seat)) return // said before it was lost
    const job = seat.jobs.get(message.id)
    switch (message.type) {
      case 'ready':
        seat.ready = true
        this.health?.(true)
        this.prepare(seat)
        break
      case 'broken':
        this.lose(seat, message.detail)
        break
      case 'progress':
        job?.update('hashing', message.done)
        break
      case 'hashed':
        this.read(seat, job)
        break
      case 'need':
        this.supply(seat, job, message)
        break
      case 'decided':
        this.decided(seat, job, message)
        break
      case 'failed':
        this.failed(seat, job, message)
        break
    }
  }

  read(seat, job) {
    job.update('checking')
    seat.reading.delete(job)
    this.pump()
  }

  async supply(seat, job, { paths, anew }) {
    if (anew) job.anew ||= Date.now()
    const answers = await Promise.all(
      paths.map(async (path) => ({ path, ...(await this.portal.get(path, job.anew)) })),
    )
    for (const answer of answers) this.note(job, answer)
    seat.worker.postMessage({ type: 'files', id: job.id, answers })
  }

  /** Remembers of an answer what the reader must know: that it was kept on this device, and since when, or what was missing. */
  note(job, { path, bytes, cached, since, lacking }) {
    if (path === 'ledger/head') job.since = cached ? since : undefined // one that was read anew since counts
    if (lacking) job.lacking = lacking
    job.read ??= new Map()
    job.read.set(path, bytes)
  }

  decided(seat, job, { report, receipt, remember, rememberSize, newTrust, conflict, examined }) {
    const told = report && JSON.parse(report)
    if (remember) this.memory.keep(remember, rememberSize, newTrust)
    if (told && holds(told)) this.portal.keep?.(job.read ?? new Map())
    this.leave(seat, job)
    const lacking = this.portal.online === false ? 'copy' : job.lacking
    job.finish({ report: told, json: report, receipt, conflict, since: job.since, lacking, ...(examined && found(examined)) })
  }

  failed(seat, job, { why, detail }) {
    if (why === 'crashed') {
      // A verifier that has broken down once does not answer again.
      seat.jobs.delete(job.id)
      this.lose(seat, detail, true)
    } else {
      this.leave(seat, job)
    }
    job.finish({ why, detail })
  }

  leave(seat, job) {
    seat.jobs.delete(job.id)
    seat.reading.delete(job)
    this.pump()
  }

  /**
   * Gives a lost worker's files to others. Where it is not known which file it
   * was lost over, one that loses two is given up.
   */
  lose(seat, detail, known = false) {
    const at = this.seats.indexOf(seat)
    if (at < 0) return
    this.seats.splice(at, 1)
    seat.end()
    const held = [...seat.jobs.values()]
    for (const job of held) if (job.stopping) job.finish({ why: 'stopped' })
    const left = held.filter((job) => !job.stopping)
    const hopeless = known || !seat.ready ? [] : left.filter((job) => job.lost)
    if (!known) for (const job of left) job.lost ||= seat.ready
    this.queue.unshift(...left.filter((job) => !hopeless.includes(job)))
    for (const job of hopeless) job.finish({ why: 'crashed', detail })
    if (seat.ready) this.pump()
    else this.shrink(detail)
  }

  /** A worker could not even start: the others go on alone, if there are any. */
  shrink(detail) {
    if (this.seats.some((s) => s.ready)) {
      this.width = this.seats.length
      this.pump()
    } else {
      this.giveUp(detail)
    }
  }

  /** Nothing can be checked now; the next job tries to load everything again. */
  giveUp(error) {
    for (const seat of this.seats) seat.end()
    const waiting = this.seats.flatMap((s) => [...s.jobs.values()]).concat(this.queue)
    this.seats = []
    this.queue = []
    this.verifier = null
    this.health?.(false)
    for (const job of waiting) job.finish({ why: 'verifier', detail: String(error) })
  }
}
