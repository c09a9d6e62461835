import type { Credential } from '../credentials/credential.ts'
import type { Clock } from '../platform/clock.ts'
import { glanceMs } from './glance.ts'
import {
  type Countdown,
  countdown,
  type EarlyWindow,
  lastMomentsMs,
  renewAfterMs,
} from './lifetime.ts'

/** A credential in memory, with all that is needed to judge its token at a glance. */
export type Held = {
  credential: Credential
  access: string
  left: Countdown
  lastMomentsMs: number
  /** The token as `token()` answers it: one promise for all callers. */
  promise: Promise<string>
  /** True until a timer finds that the monotonic clock has left the quiet time. */
  quiet: boolean
  /** Until both of these, a token is handed out without a further thought. */
  quietUntilMonotonic: number
  quietUntilWall: number
  /** For how long one look at the clock is good enough for `peek()`. */
  glanceMs: number
}

/**
 * Measures a credential against the clocks. `share` is this node's part of the jitter. The same token
 * read again keeps the countdown of `before`: a clock set back meanwhile gives it no new life.
 */
export function measure(
  credential: Credential,
  by: { clock: Clock; early: EarlyWindow; share: number; before: Held | null },
): Held {
  const { clock, before } = by
  const { tokens } = credential
  const access = tokens.accessToken.reveal()
  const left = before?.access === access ? before.left : countdown(tokens, clock)
  const after = renewAfterMs(tokens, by.early, by.share) ?? Number.POSITIVE_INFINITY
  // An open intent: somebody was cut off, and the provider's replay window is ticking.
  const quietMs = credential.intent === null ? after - left.ageMs() : 0
  return {
    credential,
    access,
    promise: Promise.resolve(access),
    quiet: quietMs > 0,
    left,
    lastMomentsMs: tokens.lifetimeMs === null ? 0 : lastMomentsMs(tokens.lifetimeMs),
    quietUntilMonotonic: clock.monotonic() + quietMs,
    quietUntilWall: clock.now() + quietMs,
    glanceMs: glanceMs(tokens.lifetimeMs, after),
  }
}

/** Whether nothing has to be done about it yet, by both clocks. */
export const isQuiet = (held: Held, clock: Clock): boolean =>
  clock.monotonic() < held.quietUntilMonotonic && clock.now() < held.quietUntilWall
