import type { LatchkeyError } from '../errors/errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import { backOffMs, doubtMs } from './lifetime.ts'

const forcedMax = 3 // per minute: an API that refuses every token must not make a refresh storm

export type Failure = { retryAfterMs?: number | null; doubtSinceMs?: number | null }

/** When one credential may be renewed again: after failures later and later, by force not too often. */
export class Pacing {
  readonly #clock: Clock
  readonly #random: Random
  #failures = 0
  #retryAt = 0 // monotonic
  #forcedAt: number[] = []
  /** Why the last renewal failed; null after one that did not. */
  lastError: LatchkeyError | null = null

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** Monotonic; in the past when a renewal may begin at once. */
  get retryAt(): number {
    return this.#retryAt
  }

  get isWaiting(): boolean {
    return this.#clock.monotonic() < this.#retryAt
  }

  /** A renewal came to an end, whichever. */
  settled(): void {
    this.#failures = 0
    this.#retryAt = 0
    this.lastError = null
  }

  /**
   * A renewal failed while the old token had `leftMs`; `doubtSinceMs` ago its refresh token left, null when
   * that is surely unspent. Answers how long to wait.
   */
  failed(
    error: LatchkeyError,
    leftMs: number,
    { retryAfterMs = null, doubtSinceMs = null }: Failure,
  ): number {
    const fraction = this.#random.fraction()
    const patient = backOffMs(leftMs, this.#failures, fraction)
    const soon = doubtSinceMs === null ? null : doubtMs(doubtSinceMs, this.#failures, fraction)
    const own = Math.min(patient, soon ?? patient)
    const wait = Math.max(own, retryAfterMs ?? 0)
    this.#failures++
    this.lastError = error
    this.#retryAt = this.#clock.monotonic() + wait
    return wait
  }

  /** Whether a token that the API has refused may be renewed before its time. */
  get mayForce(): boolean {
    const now = this.#clock.monotonic()
    this.#forcedAt = this.#forcedAt.filter((at) => now - at < 60_000)
    return this.#forcedAt.length < forcedMax
  }

  forced(): void {
    this.#forcedAt.push(this.#clock.monotonic())
  }
}
