import type { Clock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'

/** A clock that stands still until a test moves it. Wall time can be set apart from elapsed time. */
export type VirtualClock = Clock & {
  /** Lets `ms` pass, firing timers in order and letting everything they start settle. */
  advance(ms: number): Promise<void>
  /** Sets the wall clock alone, as an operator or network time would. */
  jump(ms: number): void
  /** Lets promises settle without any time passing. */
  settle(): Promise<void>
}

export function virtualClock(startAt = Date.UTC(2026, 0, 1)): VirtualClock {
  let elapsed = 0
  let wallOffset = startAt
  let ids = 0
  const timers = new Map<number, { at: number; fire: () => void }>()
  const settle = async () => {
    // Real work (crypto, files) needs turns of the event loop and of the thread pool, not time.
    for (let rounds = 0; rounds < 4; rounds++) {
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve))
      await crypto.subtle.digest('SHA-256', new Uint8Array(1))
    }
  }
  return {
    now: () => elapsed + wallOffset,
    monotonic: () => elapsed,
    timer(ms, fire) {
      const id = ++ids
      timers.set(id, { at: elapsed + Math.max(0, ms), fire })
      return () => timers.delete(id)
    },
    jump(ms) {
      wallOffset += ms
    },
    settle,
    async advance(ms) {
      const until = elapsed + ms
      await settle()
      for (;;) {
        let next: [number, { at: number; fire: () => void }] | null = null
        for (const entry of timers)
          if (entry[1].at <= until && (next === null || entry[1].at < next[1].at)) next = entry
        if (next === null) break
        timers.delete(next[0])
        elapsed = Math.max(elapsed, next[1].at)
        next[1].fire()
        await settle()
      }
      elapsed = until
      await settle()
    },
  }
}

/** Repeatable randomness (mulberry32). Not fit for secrets, of course. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    fraction,
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let i = 0; i < length; i++) bytes[i] = Math.floor(fraction() * 256)
      return bytes
    },
  }
}
