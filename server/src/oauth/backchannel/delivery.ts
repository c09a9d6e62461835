import { day, hour, minute, second } from '#platform/clock/clock.ts'
import type { Random } from '#platform/ids/ids.ts'

/** What an app is to be told: this person's sign-in there, in this session, is over. */
export type LogoutNotice = { clientId: string; accountId: string; sessionId: string }

/**
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> waiting: written with the end of the session
 *   waiting --> sending: claimed by one node
 *   sending --> sent: the app answered 2xx
 *   sending --> waiting: it did not; again later
 *   sending --> failed: it did not, ten times
 *   sending --> sending: the node died; claimed again
 *   sent --> [*]: a week later
 *   failed --> [*]: a month later
 * ```
 */
export type Delivery = LogoutNotice & {
  id: string
  state: 'waiting' | 'sending' | 'sent' | 'failed'
  attempts: number
  nextAttemptAt: number
  claimedUntil: number | null
  /** A code or a status, never what the other side said. */
  lastError: string | null
  createdAt: number
  settledAt: number | null
}

export type DueDelivery = Pick<Delivery, 'id' | 'clientId'>

export const attemptsMax = 10
/** Longer than an attempt can last, its wait for a place included. */
export const holdMs = minute
export const keepSentMs = 7 * day
export const keepFailedMs = 30 * day

/**
 * 5 s, 10 s, 20 s … to 21 minutes apart, about 45 minutes of patience in all, each a quarter more or
 * less: apps that were away together are not asked together.
 */
export function retryDelayMs(attempts: number, random: Random): number {
  const steady = Math.min(hour, 5 * second * 2 ** Math.max(0, attempts - 1))
  const jitter = random.bytes(1).readUInt8() / 255 - 0.5
  return Math.round(steady * (1 + jitter / 2))
}
