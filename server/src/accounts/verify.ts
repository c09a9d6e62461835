import { activate } from './activate.ts'
import type { AccountsContext } from './context.ts'
import { canonicalEmail } from './email-address.ts'
import type { PendingSignUp } from './pending-sign-up.ts'
import { sendVerifyCode, takeMailAllowance } from './sign-up.ts'

/**
 * Confirms an address by the code that was mailed to it. Code, address and account are bound: the
 * code is worthless for any other. The refusal is one for wrong, used, expired and unknown.
 */
export async function verifyEmail(
  context: AccountsContext,
  input: {
    email: string
    code: string
    /** What this browser signed up with, where it brings that along; it outranks the newest. */
    pending(email: string): Promise<PendingSignUp | null>
  },
): Promise<{ ok: true } | { ok: false; reason: 'code_invalid' }> {
  const { database, challenges, store, clock } = context
  const email = canonicalEmail(input.email)
  if (email === null) return { ok: false, reason: 'code_invalid' }
  const pending = await input.pending(email)
  return database.transaction(async () => {
    await database.lock(`email:${email}`)
    const accountId = await challenges.spendCode('verify_email', email, input.code)
    const account = accountId === null ? null : await store.find(accountId)
    if (account?.state !== 'unverified' || account.email !== email)
      return { ok: false, reason: 'code_invalid' }
    if (pending) {
      const { name, passwordHash, locale } = pending
      await store.update(account.id, { name, passwordHash, locale }, clock.now())
    }
    await activate(context, { ...account, ...pending })
    return { ok: true }
  })
}

/** Sends another code where one is due, and answers alike where not. */
export async function resendCode(
  context: AccountsContext,
  input: { email: string; address: string },
): Promise<{ ok: true } | { ok: false; reason: 'rate_limited'; retryAfterSeconds: number }> {
  const { database, store } = context
  const email = canonicalEmail(input.email)
  if (email === null) return { ok: true }
  const limit = takeMailAllowance(context, email, input.address)
  if (!limit.allowed)
    return { ok: false, reason: 'rate_limited', retryAfterSeconds: limit.retryAfterSeconds }
  await database.transaction(async () => {
    await database.lock(`email:${email}`)
    const account = await store.findByEmail(email)
    if (account?.state === 'unverified') await sendVerifyCode(context, account)
  })
  return { ok: true }
}
