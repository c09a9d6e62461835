import type { Locale } from '../../messages/messages.ts'
import { activate } from './activate.ts'
import type { AccountsContext } from './context.ts'
import { canonicalEmail } from './email-address.ts'
import type { Busy } from './password-hasher.ts'
import { judgePassword, type PasswordRefusal } from './password-policy.ts'
import { stepUpLimit, type TooManyTries } from './password-tries.ts'
import { takeMailAllowance } from './sign-up.ts'
import { moveEpoch } from './standing.ts'
import type { StoredAccount } from './store.ts'

/**
 * Mails a code for a new password, or to an unknown address that there is no account. No answer, so
 * nothing to tell one from the other; mail beyond the allowance is silently not sent.
 */
export async function forgotPassword(
  context: AccountsContext,
  input: { email: string; address: string; locale: Locale },
): Promise<void> {
  const { database, store, challenges, mail, origin } = context
  const email = canonicalEmail(input.email)
  if (email === null || !takeMailAllowance(context, email, input.address).allowed) return
  await database.transaction(async () => {
    await database.lock(`email:${email}`)
    const account = await store.findByEmail(email)
    if (!account || account.state === 'closed') {
      const link = `${origin}/sign-up`
      await mail.send({ kind: 'reset_unknown', to: email, locale: input.locale, values: {}, link })
      return
    }
    await mail.send({
      kind: 'reset_password',
      to: email,
      locale: account.locale,
      values: {},
      code: await challenges.mintCode('reset_password', email, account.id),
      // Only fills in the page; built from the configured origin, never from a Host header.
      link: `${origin}/recover/reset?email=${encodeURIComponent(email)}`,
    })
  })
}

/** Carries a refusal out of a transaction that must leave the code unspent. */
class Refused extends Error {
  readonly reason: PasswordRefusal
  constructor(reason: PasswordRefusal) {
    super(reason)
    this.reason = reason
  }
}

/**
 * Sets a new password by a mailed code. Every session ends and the epoch moves, so that tokens and
 * refresh families end too; nobody is signed in by it. A right code with an unacceptable password is
 * not used up. An unconfirmed account is confirmed by it: the code proves the address.
 */
export async function resetPassword(
  context: AccountsContext,
  input: { email: string; code: string; password: string },
): Promise<{ ok: true } | { ok: false; reason: PasswordRefusal | 'code_invalid' } | Busy> {
  const { database, challenges, store, hasher } = context
  const email = canonicalEmail(input.email)
  if (email === null) return { ok: false, reason: 'code_invalid' }
  // Judged without the holder's name here: the answer may not depend on whether there is one.
  const { reason } = await judgePassword(input.password, { email })
  if (reason) return { ok: false, reason }
  const hashed = await hasher.hash(input.password)
  if (!hashed.ok) return hashed
  try {
    return await database.transaction(async () => {
      await database.lock(`email:${email}`)
      const accountId = await challenges.spendCode('reset_password', email, input.code)
      const account = accountId === null ? null : await store.find(accountId)
      if (!account || account.state === 'closed' || account.email !== email)
        return { ok: false, reason: 'code_invalid' } as const
      const personal = await judgePassword(input.password, { name: account.name, email })
      if (personal.reason) throw new Refused(personal.reason)
      await replacePassword(context, account, hashed.phc, null)
      return { ok: true } as const
    })
  } catch (error) {
    if (error instanceof Refused) return { ok: false, reason: error.reason }
    throw error
  }
}

/** Changes the password of a signed-in account. Every session but `sessionId` ends, and the epoch moves. */
export async function changePassword(
  context: AccountsContext,
  input: { accountId: string; sessionId: string; current: string; password: string },
): Promise<{ ok: true } | { ok: false; reason: PasswordRefusal } | PasswordProof> {
  const { database, store, hasher } = context
  const proof = await provePassword(context, input.accountId, input.current)
  if (!proof.ok) return proof
  const { account } = proof
  const { reason } = await judgePassword(input.password, account)
  if (reason) return { ok: false, reason }
  const hashed = await hasher.hash(input.password)
  if (!hashed.ok) return hashed
  return database.transaction(async () => {
    // A reset that went through meanwhile wins: its owner proved the address, this one an old password.
    const now = await store.find(account.id)
    if (now?.passwordHash !== account.passwordHash)
      return { ok: false, reason: 'current_password_wrong' }
    await replacePassword(context, account, hashed.phc, input.sessionId)
    return { ok: true }
  })
}

export type PasswordProof = { ok: false; reason: 'current_password_wrong' } | TooManyTries | Busy

/** Step-up by password before something that matters; ten wrong ones in ten minutes are enough. */
export async function provePassword(
  { tries, store, hasher }: AccountsContext,
  accountId: string,
  password: string,
): Promise<{ ok: true; account: StoredAccount } | PasswordProof> {
  const account = await store.find(accountId)
  const limits = [stepUpLimit(accountId, account?.epoch ?? 1)]
  const taken = await tries.take(limits)
  if (!taken.ok) return taken
  const proof = await hasher.verify(account?.passwordHash ?? null, password)
  if (!proof.ok) {
    await tries.giveBack(limits)
    return proof
  }
  if (!account || !proof.right) return { ok: false, reason: 'current_password_wrong' }
  await tries.right(limits)
  return { ok: true, account }
}

/** `keep`: the session that asked; null for a reset, which keeps none. Part of the caller's transaction. */
async function replacePassword(
  context: AccountsContext,
  account: StoredAccount,
  passwordHash: string,
  keep: string | null,
): Promise<void> {
  const { store, clock, challenges, mail, audit, origin } = context
  const at = clock.now()
  const reset = keep === null
  await store.update(account.id, { passwordHash }, at)
  await challenges.cancel('reset_password', account.email)
  await challenges.cancel('verify_email', account.email)
  await mail.send({
    kind: 'password_changed',
    to: account.email,
    locale: account.locale,
    values: { at },
    link: `${origin}/recover`,
  })
  if (account.state === 'unverified') await activate(context, account)
  else
    await moveEpoch(context, account, {
      keep,
      reason: reset ? 'password_reset' : 'password_changed',
    })
  await audit.append({
    actor: { kind: 'account', id: account.id, name: account.name },
    action: reset ? 'account.password_reset' : 'account.password_changed',
    subject: { kind: 'account', id: account.id, name: account.name },
  })
}

/**
 * Takes the password away, where somebody else knows it, and mails a code for a new one. Sessions stay
 * until that is chosen; whoever calls ends those in doubt. Part of the caller's transaction.
 */
export async function forcePasswordReset(
  context: AccountsContext,
  accountId: string,
): Promise<void> {
  const { store, clock, challenges, mail, audit, origin } = context
  const account = await store.find(accountId)
  if (!account || account.state === 'closed') return
  await store.update(account.id, { passwordHash: '' }, clock.now())
  await mail.send({
    kind: 'reset_password',
    to: account.email,
    locale: account.locale,
    values: {},
    code: await challenges.mintCode('reset_password', account.email, account.id),
    link: `${origin}/recover/reset?email=${encodeURIComponent(account.email)}`,
  })
  await audit.append({
    actor: { kind: 'account', id: account.id, name: account.name },
    action: 'account.password_removed',
    subject: { kind: 'account', id: account.id, name: account.name },
  })
}
