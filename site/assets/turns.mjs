// Long work in short turns, so that the page answers in between.

const turn = 12 // milliseconds of work at a time: less than a frame

/** Lets the page do what else it has to. */
export function breath() {
  return globalThis.scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve))
}

/** Does something with each of many. */
export async function inTurns(many, act) {
  let until = performance.now() + turn
  for (const one of many) {
    if (performance.now() >= until) {
      await breath()
      until = performance.now() + turn
    }
    act(one)
  }
}
