import type { Clock } from '../platform/clock.ts'
import type { Held } from './held.ts'

const glancesMax = 31
const glanceMsMax = 1_000

/**
 * How long `peek()` may go without looking at the clock: a second, or a sixteenth of the window in
 * which a renewal still comes in time. Tokens that are not renewed by the clock have no window.
 */
export function glanceMs(lifetimeMs: number | null, renewAfterMs: number): number {
  const windowMs = lifetimeMs === null ? Number.POSITIVE_INFINITY : lifetimeMs - renewAfterMs
  return Math.min(glanceMsMax, windowMs / 16)
}

/**
 * Reading the clock is nearly all that a `peek()` costs. So one look at it covers the next few calls,
 * until a timer ends that: what is handed out was quiet less than a second ago, as far as this process
 * was awake. The count bounds what a timer cannot: a loop that lets no timer run, a hidden tab whose
 * timers are slow, the first calls after a sleep.
 *
 * The timer keeps no process alive, and only a later look sets the next one: who does not peek has none.
 */
export class Glance {
  readonly #clock: Clock
  #access: string | null = null
  #left = 0
  #cancel: (() => void) | null = null
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The token of the last look, or null when it is time for another. */
  take(): string | null {
    if (this.#left === 0) return null
    this.#left--
    return this.#access
  }

  /** After a look that found `held` quiet for `quietMs` more. Near the end of that, every call looks. */
  allow(held: Held, quietMs: number): void {
    if (this.#closed || quietMs <= held.glanceMs) return
    this.#access = held.access
    this.#left = glancesMax
    this.#cancel ??= this.#clock.timer(held.glanceMs, () => this.end())
  }

  /** The next call looks: time is up, or something else is held now. */
  end(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#access = null
    this.#left = 0
  }

  /** Every call looks from now on: no timer is set any more. */
  close(): void {
    this.end()
    this.#closed = true
  }
}
