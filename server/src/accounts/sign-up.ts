import { hour } from '#platform/clock/clock.ts'
import { networkOf } from '#platform/http/network-of.ts'
import type { Locale } from '../../messages/messages.ts'
import type { AccountsContext } from './context.ts'
import { canonicalEmail } from './email-address.ts'
import { judgePassword, type PasswordRefusal } from './password-policy.ts'
import type { PendingSignUp } from './pending-sign-up.ts'
import { personName } from './person-name.ts'

export type SignUpRefusal =
  | { ok: false; reason: 'email_invalid' | 'name_invalid' | PasswordRefusal | 'busy' }
  | { ok: false; reason: 'rate_limited'; retryAfterSeconds: number }

/**
 * Takes a sign-up. The answer and the work are the same whether the address is free, waiting for
 * its code or taken: one hash, one mail. A taken address is told by mail, and nothing of it changes.
 *
 * An address still waiting belongs to nobody yet: the newest sign-up replaces name and password, and
 * its code ends the older ones. So whoever registers somebody else's address beforehand is left with
 * nothing once its owner signs up and enters the code; for a stranger's sign-up in between see
 * `pending-sign-up.ts`.
 */
export async function signUp(
  context: AccountsContext,
  input: { name: string; email: string; password: string; locale: Locale; address: string },
): Promise<{ ok: true; pending: PendingSignUp } | SignUpRefusal> {
  const { database, store, mail, hasher, clock, ids } = context
  const email = canonicalEmail(input.email)
  if (email === null) return { ok: false, reason: 'email_invalid' }
  const name = personName(input.name)
  if (name === null) return { ok: false, reason: 'name_invalid' }
  const { reason } = await judgePassword(input.password, { name, email })
  if (reason) return { ok: false, reason }
  const limit = takeMailAllowance(context, email, input.address)
  if (!limit.allowed)
    return { ok: false, reason: 'rate_limited', retryAfterSeconds: limit.retryAfterSeconds }
  const hashed = await hasher.hash(input.password)
  if (!hashed.ok) return hashed

  await database.transaction(async () => {
    await database.lock(`email:${email}`)
    const existing = await store.findByEmail(email)
    if (existing && existing.state !== 'unverified') {
      await mail.send({
        kind: 'already_registered',
        to: email,
        locale: existing.locale,
        values: {},
        link: `${context.origin}/sign-in`,
      })
      return
    }
    const { locale } = input
    const id = existing?.id ?? ids('acct')
    if (existing) await store.update(id, { name, passwordHash: hashed.phc, locale }, clock.now())
    else
      await store.insert({
        id,
        name,
        email,
        emailVerifiedAt: null,
        passwordHash: hashed.phc,
        locale,
        state: 'unverified',
        epoch: 1,
        role: null,
        createdAt: clock.now(),
      })
    await sendVerifyCode(context, { id, email, locale })
  })
  return { ok: true, pending: { email, name, passwordHash: hashed.phc, locale: input.locale } }
}

/** A new code for an address that waits for one; part of the caller's transaction. */
export async function sendVerifyCode(
  { challenges, mail, origin }: AccountsContext,
  account: { id: string; email: string; locale: Locale },
): Promise<void> {
  const code = await challenges.mintCode('verify_email', account.email, account.id)
  await mail.send({
    kind: 'verify_email',
    to: account.email,
    locale: account.locale,
    values: {},
    code,
    // Only fills in the page: opening a link, as mail scanners do, confirms nothing.
    link: `${origin}/verify?email=${encodeURIComponent(account.email)}`,
  })
}

/**
 * How much mail one address may be sent, by one network and by all together. Counted alike for every
 * address, so that the answer tells nothing about it.
 */
export function takeMailAllowance(
  { limiter }: Pick<AccountsContext, 'limiter'>,
  email: string,
  address: string,
) {
  const near = limiter.take(`mail:${email}|${networkOf(address)}`, { burst: 6, perMs: hour })
  return near.allowed ? limiter.take(`mail:${email}`, { burst: 20, perMs: hour }) : near
}
