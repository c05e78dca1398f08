// Starts the pool's workers. It stands by itself because the verifier in one file starts them otherwise (single-workers.mjs).

export function startWorker() {
  return new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module' })
}
