import type { TokenSet } from '../credentials/credential.ts'
import type { Clock } from '../platform/clock.ts'

const minute = 60_000

/** When refreshing starts. */
export type EarlyWindow = {
  /** How long before expiry a refresh begins, at most. Default one hour. */
  earlyMs: number
  /** Up to this share of the window is added, so that nodes do not all refresh at once. */
  jitter: number
}

export const defaultEarlyWindow: EarlyWindow = { earlyMs: 60 * minute, jitter: 0.1 }

/**
 * Milliseconds after `obtainedAt` at which a token set should be renewed, null for never.
 *
 * The provider's `refresh_in` wins. Otherwise the window opens `earlyMs` before expiry, but never
 * earlier than after three quarters of the life: a fixed hour would renew a token that lives 50
 * minutes on every call (boto/botocore#2189). `share` in [0, 1) is the node's own part of the jitter.
 */
export function renewAfterMs(
  tokens: Pick<TokenSet, 'lifetimeMs' | 'refreshInMs'>,
  early: EarlyWindow,
  share: number,
): number | null {
  const { lifetimeMs, refreshInMs } = tokens
  if (lifetimeMs === null) return refreshInMs
  const window = Math.min(early.earlyMs, lifetimeMs / 4)
  const opens =
    refreshInMs === null
      ? lifetimeMs - window
      : Math.min(refreshInMs, lifetimeMs - lastMomentsMs(lifetimeMs))
  return Math.max(0, opens - window * early.jitter * share)
}

/**
 * The end of a token's life, in which callers wait for the new one rather than take a token that
 * may die on the way: one minute, or a tenth of a short life.
 */
export const lastMomentsMs = (lifetimeMs: number): number => Math.min(minute, lifetimeMs / 10)

/**
 * How long a token has left, by the stricter of two clocks. Wall time carries it across restarts
 * and sleep; monotonic time holds when the system clock is set back. A clock that was set forward
 * costs one early refresh. The provider's clock plays no part: lifetimes are relative.
 */
export type Countdown = { leftMs(): number; ageMs(): number }

export function countdown(tokens: TokenSet, clock: Clock): Countdown {
  const startedAt = clock.monotonic()
  // A set from the future was saved before the clock was put back: count it as fresh, no more.
  const ageAtStart = Math.max(0, clock.now() - tokens.obtainedAt)
  const ageMs = () =>
    Math.max(clock.now() - tokens.obtainedAt, ageAtStart + clock.monotonic() - startedAt)
  return {
    ageMs,
    leftMs: () =>
      tokens.lifetimeMs === null ? Number.POSITIVE_INFINITY : tokens.lifetimeMs - ageMs(),
  }
}

/**
 * How long to leave the provider alone after a renewal failed. While the old token lives: five to
 * ten minutes, but no more than half of what is left, so that tries grow denser towards the end and
 * stay under twenty an hour. Afterwards: from one second, doubling, to one minute.
 */
export function backOffMs(leftMs: number, failures: number, fraction: number): number {
  const patient = (5 + 5 * fraction) * minute
  if (leftMs > 0) return Math.max(1_000, Math.min(patient, (leftMs / 2) * (0.75 + 0.25 * fraction)))
  return Math.min(minute, 1_000 * 2 ** Math.min(failures, 6)) * (0.5 + 0.5 * fraction)
}

/**
 * How long to wait before asking again for a reply that got lost after the refresh token may have been
 * spent: one second, doubling, at most five. Null once the request left a minute ago, which is longer than
 * providers give the same answer again (Latchkey: half of that): patience costs the sign-in before, and
 * haste brings nothing afterwards.
 */
export function doubtMs(sinceMs: number, failures: number, fraction: number): number | null {
  if (sinceMs >= minute) return null
  return Math.min(5_000, 1_000 * 2 ** Math.min(failures, 3)) * (0.5 + 0.5 * fraction)
}
