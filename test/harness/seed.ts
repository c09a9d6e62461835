/**
 * Chance that can be had again: everything random in a race comes from one seed, which the test
 * prints. `LATCHKEY_TEST_SEED` repeats a run, as far as the machine's own timing allows.
 */
export type Dice = {
  readonly seed: number
  /** A whole number from 0 up to and without `below`. */
  below(below: number): number
  pick<T>(choices: readonly T[]): T
  chance(probability: number): boolean
}

export function dice(given = process.env.LATCHKEY_TEST_SEED): Dice {
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
  let state = seed >>> 0
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    seed,
    below: (below) => Math.floor(next() * below),
    pick: (choices) => choices[Math.floor(next() * choices.length)] as (typeof choices)[number],
    chance: (probability) => next() < probability,
  }
}
