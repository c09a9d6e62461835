import { hour, minute } from '#platform/clock/clock.ts'
import { networkOf } from '#platform/http/network-of.ts'
import type { RateRule } from '#platform/limits/token-bucket.ts'
import type { Account } from './account.ts'
import type { AccountsContext } from './context.ts'
import { canonicalEmail } from './email-address.ts'
import type { StoredAccount } from './store.ts'

export type ProofRefusal =
  | { ok: false; reason: 'sign_in_failed' | 'email_unverified' | 'busy' }
  | { ok: false; reason: 'rate_limited'; retryAfterSeconds: number }

/**
 * Whether this person knows the password of this address. One hash whatever the address, and one
 * refusal for wrong, unknown and closed; that an address is unconfirmed is told only after the right
 * password.
 *
 * `knownDevice` is the device that the browser proves to be, when it has signed in to this account
 * before: it has a bucket of its own, so that somebody who hammers the address from elsewhere cannot
 * lock its owner out. The buckets carry the epoch: a reset by mail starts with fresh ones.
 */
export async function proveByPassword(
  context: AccountsContext,
  input: {
    email: string
    password: string
    address: string
    knownDevice(accountId: string): Promise<string | null>
  },
): Promise<{ ok: true; account: Account } | ProofRefusal> {
  const { store, hasher, clock } = context
  const email = canonicalEmail(input.email)
  const account = email === null ? null : await store.findByEmail(email)
  const device = account ? await input.knownDevice(account.id) : null
  const guess = takeGuess(context, email ?? '?', account?.epoch ?? 1, device, input.address)
  if (!guess.allowed)
    return { ok: false, reason: 'rate_limited', retryAfterSeconds: guess.retryAfterSeconds }
  const living = account && account.state !== 'closed' ? account : null
  const proof = await hasher.verify(living?.passwordHash ?? null, input.password)
  if (proof.ok && (!living || !proof.right)) return { ok: false, reason: 'sign_in_failed' }
  guess.giveBack() // only failures count
  if (!proof.ok) return proof
  if (!living) return { ok: false, reason: 'sign_in_failed' }
  if (living.state === 'unverified') return { ok: false, reason: 'email_unverified' }
  if (proof.outdated) {
    const renewed = await hasher.hash(input.password)
    if (renewed.ok) await store.update(living.id, { passwordHash: renewed.phc }, clock.now())
  }
  return { ok: true, account: withoutHash(living) }
}

type Bucket = readonly [name: string, rule: RateRule]

function takeGuess(
  { limiter }: AccountsContext,
  email: string,
  epoch: number,
  device: string | null,
  address: string,
): { allowed: true; giveBack(): void } | { allowed: false; retryAfterSeconds: number } {
  const name = `sign-in:${email}:${epoch}`
  const buckets: Bucket[] =
    device !== null
      ? [[`${name}:${device}`, { burst: 20, perMs: 10 * minute }]]
      : [
          [`${name}|${networkOf(address)}`, { burst: 10, perMs: 10 * minute }],
          [name, { burst: 60, perMs: hour }],
        ]
  for (const [bucket, rule] of buckets) {
    const answer = limiter.take(bucket, rule)
    if (!answer.allowed) return answer
  }
  return {
    allowed: true,
    giveBack() {
      for (const [bucket, rule] of buckets) limiter.giveBack(bucket, rule)
    },
  }
}

export function withoutHash({ passwordHash: _, ...account }: StoredAccount): Account {
  return account
}
