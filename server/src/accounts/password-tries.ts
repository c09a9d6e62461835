import { day, hour, minute } from '#platform/clock/clock.ts'
import { networkOf } from '#platform/http/network-of.ts'

/**
 * How often somebody may be wrong about one thing (`subject`): `burst` at once, given back evenly over
 * `perMs`; and at most `inARow` without a right one between, after which there is one more a day.
 */
export type TryLimit = {
  subject: string
  burst: number
  perMs: number
  /** Null: no such limit, where right ones of one person say nothing about another. */
  inARow: number | null
}

export type TooManyTries = {
  ok: false
  /** `sign_in_paused`: too many in a row; time alone helps little. */
  reason: 'rate_limited' | 'sign_in_paused'
  retryAfterSeconds: number
}

/**
 * Tries at passwords, counted in the database: a restart forgets none and of several nodes each counts
 * for all. A try is taken before the password is looked at, so of any number at once no more pass than
 * the limits allow, and given back when it was right or was not judged.
 */
export type PasswordTries = {
  /** One try at each, or at none; not inside a transaction. `reached`: it was the last one in a row. */
  take(limits: readonly TryLimit[]): Promise<{ ok: true; reached: boolean } | TooManyTries>
  /** It was not judged after all. */
  giveBack(limits: readonly TryLimit[]): Promise<void>
  /**
   * It was right: given back, and what was wrong before it does not count in a row any more, also at
   * `cleared`, where nothing was taken.
   */
  right(limits: readonly TryLimit[], cleared?: readonly TryLimit[]): Promise<void>
  /** Deletes at most `limit` subjects that say nothing any more; returns how many. */
  sweep(limit: number): Promise<number>
}

/** NIST SP 800-63B-4 section 3.2.2: no more than 100 consecutive failures. */
export const triesInARow = 100
/** Beyond them there is one try in this time. */
export const pauseMs = day
/** Failures are forgotten when nobody tried for so long. */
export const rememberedMs = 30 * day

/**
 * A device that has signed in to the account before has limits of its own: whoever hammers the
 * address from elsewhere does not touch it. The names carry the account's epoch, so that a new
 * password, chosen by mail, begins anew on every device.
 */
export function signInLimits(
  email: string,
  epoch: number,
  device: string | null,
  address: string,
): TryLimit[] {
  const name = `${email}|${epoch}`
  if (device !== null)
    return [
      { subject: `device|${name}|${device}`, burst: 20, perMs: 10 * minute, inARow: triesInARow },
    ]
  const network = networkOf(address)
  // Always in this order, so that two transactions never wait for each other.
  return [
    { subject: `network|${network}`, burst: 200, perMs: hour, inARow: null },
    { subject: `network|${network}|${name}`, burst: 10, perMs: 10 * minute, inARow: null },
    addressLimit(email, epoch),
  ]
}

/** Tries at one address from wherever but its known devices. */
export const addressLimit = (email: string, epoch: number): TryLimit => ({
  subject: `address|${email}|${epoch}`,
  burst: 60,
  perMs: hour,
  inARow: triesInARow,
})

/** Proving the password once more, with a session. */
export const stepUpLimit = (accountId: string, epoch: number): TryLimit => ({
  subject: `step-up|${accountId}|${epoch}`,
  burst: 10,
  perMs: 10 * minute,
  inARow: triesInARow,
})
