import type { Held } from './held.ts'
import type { Pacing } from './pacing.ts'

export type TokenOptions = {
  /** A token the API has refused: anything but this one is wanted. Still one refresh for all callers. */
  stale?: string
  /** Milliseconds the token must still live, such as for a long stream. Default: its last moments. */
  minLifeMs?: number
  /** Ends this wait. The shared refresh goes on for the others. */
  signal?: AbortSignal
}

/**
 * How long a token has to live for this caller. A demand beyond half a life could never be met twice
 * and would refresh on every call.
 */
export const neededMs = (held: Held, { minLifeMs = 0 }: TokenOptions): number =>
  Math.max(Math.min(minLifeMs, (held.credential.tokens.lifetimeMs ?? 0) / 2), held.lastMomentsMs)

/** Whether the token lasts as long as this caller asked for. */
export const lasts = (held: Held, options: TokenOptions): boolean =>
  options.minLifeMs === undefined || held.left.leftMs() > neededMs(held, options)

/** What the answer to a demand depends on, beside the token. */
type Circumstances = { renewable: boolean; renewing: boolean; pacing: Pacing }

/** Whether `held` can be handed out without waiting. */
export function isUsable(
  held: Held,
  options: TokenOptions,
  { renewable, renewing, pacing }: Circumstances,
): boolean {
  const left = held.left.leftMs()
  if (left <= 0) return false
  const refused = options.stale === held.access
  if (!refused && left > neededMs(held, options)) return true
  if (!renewable) return !refused
  if (refused) return !renewing && !pacing.mayForce
  return pacing.isWaiting
}
