import { RateLimited, type Voice } from '../errors/errors.ts'
import type { Clock } from '../platform/clock.ts'

export type QueueOptions = {
  /** Requests under way at once, counted until their headers arrive. Default: no limit. */
  concurrency?: number
  /** Requests a minute, evenly, with ten seconds' worth at once. Default: no limit. */
  perMinute?: number
  /** How long a request may wait for its turn before it fails unsent. Default 60 000. */
  maxQueueMs?: number
}

type Waiting = { go: () => void }

/**
 * Lets requests out in order, at the pace of our own limits and of what the API tells: a 429 or an
 * exhausted `x-ratelimit-remaining-requests` pauses everybody, not just the one who was told. Lives
 * in this process's memory; others have their own.
 */
export class RequestQueue {
  readonly #clock: Clock
  readonly #voice: Voice
  readonly #concurrency: number
  readonly #perMs: number
  readonly #burst: number
  readonly #maxQueueMs: number
  readonly #waiting = new Set<Waiting>()
  #active = 0
  #tokens: number
  #filledAt: number
  #pausedUntil = 0
  #cancelTimer = () => {}

  constructor(options: QueueOptions, clock: Clock, voice: Voice) {
    this.#clock = clock
    this.#voice = voice
    this.#concurrency = options.concurrency ?? Number.POSITIVE_INFINITY
    this.#perMs = (options.perMinute ?? Number.POSITIVE_INFINITY) / 60_000
    this.#burst = Math.max(1, this.#perMs * 10_000)
    this.#maxQueueMs = options.maxQueueMs ?? 60_000
    this.#tokens = this.#burst
    this.#filledAt = clock.monotonic()
  }

  /** Resolves when it is this request's turn; then `leave()` once its headers are there. */
  async enter(signal?: AbortSignal | null): Promise<void> {
    signal?.throwIfAborted()
    if (this.#waiting.size === 0 && this.#waitMs() === 0) return this.#take()
    await new Promise<void>((resolve, reject) => {
      const entry: Waiting = { go: () => end(resolve) }
      const end = (then: () => void) => {
        this.#waiting.delete(entry)
        signal?.removeEventListener('abort', aborted)
        tooLate()
        then()
      }
      const aborted = () => end(() => reject(signal?.reason))
      const timedOut = () => end(() => reject(this.#timedOut()))
      const tooLate = this.#clock.timer(this.#maxQueueMs, timedOut, 'hold')
      signal?.addEventListener('abort', aborted, { once: true })
      this.#waiting.add(entry)
      this.#pump()
    })
  }

  leave(): void {
    this.#active--
    this.#pump()
  }

  /** Nobody goes for `ms`: the API said so to one of us. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.monotonic() + ms)
  }

  /** Learns from `x-ratelimit-remaining-requests` and `x-ratelimit-reset-requests`. */
  learn(headers: Headers): void {
    const remaining = headers.get('x-ratelimit-remaining-requests')
    if (remaining === null || Number(remaining) > 0) return
    const resetMs = durationMs(headers.get('x-ratelimit-reset-requests') ?? '')
    if (resetMs !== null) this.pause(Math.min(resetMs, this.#maxQueueMs))
  }

  #timedOut(): RateLimited {
    return new RateLimited(
      'queue_timeout',
      { seconds: Math.round(this.#maxQueueMs / 1_000), outcome: 'not-sent' },
      this.#voice,
    )
  }

  /** 0: the next may go. Infinity: only when somebody leaves. */
  #waitMs(): number {
    if (this.#active >= this.#concurrency) return Number.POSITIVE_INFINITY
    const now = this.#clock.monotonic()
    const paused = Math.max(0, this.#pausedUntil - now)
    if (this.#perMs === Number.POSITIVE_INFINITY) return paused
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#perMs)
    this.#filledAt = now
    return Math.max(paused, this.#tokens >= 0.999 ? 0 : (1 - this.#tokens) / this.#perMs)
  }

  #take(): void {
    this.#active++
    this.#tokens--
  }

  #pump(): void {
    this.#cancelTimer()
    for (const entry of this.#waiting) {
      const wait = this.#waitMs()
      if (wait > 0) {
        if (Number.isFinite(wait)) this.#cancelTimer = this.#clock.timer(wait, () => this.#pump())
        return
      }
      this.#take()
      entry.go()
    }
  }
}

/** `250ms`, `1s`, `6m0s`, `1h2m`, or plain seconds. Null for anything else. */
export function durationMs(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000
  const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return null
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    total += Number(amount) * (units[unit ?? ''] ?? 0)
  return total
}
