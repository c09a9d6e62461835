import type { Secret } from '#platform/crypto/secret.ts'
import type { OperatorRole } from '#platform/http/access.ts'
import type { Log } from '#platform/log/log.ts'
import type { Locale } from '../../messages/messages.ts'
import { type Account, mayCall } from './account.ts'
import { activate } from './activate.ts'
import type { AccountsContext } from './context.ts'
import { canonicalEmail } from './email-address.ts'
import type { Busy } from './password-hasher.ts'
import { judgePassword, type PasswordRefusal } from './password-policy.ts'
import { personName } from './person-name.ts'
import { withoutHash } from './prove.ts'
import type { StoredAccount } from './store.ts'

/**
 * A one-time link that makes its holder an operator, good for 24 hours; an older one for the same
 * address (or for none) ends. The token is in the fragment, so no server, proxy or Referer sees it.
 */
export async function mintOperatorLink(
  { challenges, origin }: Pick<AccountsContext, 'challenges' | 'origin'>,
  input: { email?: string; role: OperatorRole },
): Promise<{ ok: true; link: string } | { ok: false; reason: 'email_invalid' }> {
  const email = input.email === undefined ? null : canonicalEmail(input.email)
  if (input.email !== undefined && email === null) return { ok: false, reason: 'email_invalid' }
  const token = await challenges.mintLink(email, input.role)
  return { ok: true, link: `${origin}/operator/claim#${token}` }
}

/**
 * What the first start prints: a link while there is no operator, null once there is one. With
 * settings for an unattended start the operator is made instead, once; whether this start or another
 * node's made it is settled by a lock.
 */
export async function firstOperator(
  context: AccountsContext,
  setting: { email: string; password: Secret } | null,
  log: Log,
): Promise<string | null> {
  const { database, store, hasher } = context
  if ((await store.countRole('operator')) > 0) return null
  if (!setting) {
    const minted = await mintOperatorLink(context, { role: 'operator' })
    return minted.ok ? minted.link : null
  }
  const email = canonicalEmail(setting.email)
  if (email === null) throw new Error('LATCHKEY_OPERATOR_EMAIL is not a mail address')
  const password = setting.password.reveal()
  const { reason } = await judgePassword(password, { email })
  if (reason) log.warn({ reason }, 'LATCHKEY_OPERATOR_PASSWORD would be refused at sign-up')
  const hashed = await hasher.hash(password)
  if (!hashed.ok) throw new Error('no hash at the start')
  await database.transaction(async () => {
    await database.lock(`email:${email}`)
    await database.lock('operator-roles')
    if ((await store.countRole('operator')) > 0) return
    const known = await store.findByEmail(email)
    if (known && known.state !== 'unverified' && !mayCall(known.state)) {
      log.warn({ account: known.id, state: known.state }, 'LATCHKEY_OPERATOR_EMAIL may not operate')
      return
    }
    const person = { name: 'Operator', email, passwordHash: hashed.phc, locale: 'en' as const }
    const account = known?.emailVerifiedAt ? known : await admit(context, known, person)
    await grant(context, account, 'operator')
  })
  return null
}

export type ClaimRefusal =
  | {
      ok: false
      reason:
        | 'operator_link_invalid'
        | 'email_invalid'
        | 'name_invalid'
        | 'email_taken'
        | PasswordRefusal
    }
  | Busy

/** Carries a refusal out of a transaction that must leave the link unspent. */
class Taken extends Error {}

/**
 * Turns the link into an operator: a new account, confirmed because whoever holds the link had the
 * server's terminal, or an existing one whose password is given. Of racing claims one wins; a
 * refused claim leaves the link usable.
 */
export async function claimOperatorLink(
  context: AccountsContext,
  input: { token: string; name: string; email: string; password: string; locale: Locale },
): Promise<{ ok: true; account: Account } | ClaimRefusal> {
  const { database, store, hasher, challenges } = context
  const offered = await challenges.peekLink(input.token)
  if (!offered) return { ok: false, reason: 'operator_link_invalid' }
  const email = canonicalEmail(input.email)
  if (email === null) return { ok: false, reason: 'email_invalid' }
  if (offered.email !== null && offered.email !== email)
    return { ok: false, reason: 'operator_link_invalid' }
  const name = personName(input.name)
  if (name === null) return { ok: false, reason: 'name_invalid' }

  const before = await store.findByEmail(email)
  const owned = before && before.state !== 'unverified' ? before : null
  let passwordHash = owned?.passwordHash ?? ''
  if (owned) {
    const proof = await hasher.verify(owned.passwordHash, input.password)
    if (!proof.ok) return proof
    if (!proof.right || !mayCall(owned.state)) return { ok: false, reason: 'email_taken' }
  } else {
    const { reason } = await judgePassword(input.password, { name, email })
    if (reason) return { ok: false, reason }
    const hashed = await hasher.hash(input.password)
    if (!hashed.ok) return hashed
    passwordHash = hashed.phc
  }

  try {
    return await database.transaction(async () => {
      await database.lock(`email:${email}`)
      await database.lock('operator-roles')
      const link = await challenges.spendLink(input.token)
      if (!link) return { ok: false, reason: 'operator_link_invalid' } as const
      const known = await store.findByEmail(email)
      const stillOurs = owned
        ? known?.id === owned.id && known.passwordHash === owned.passwordHash
        : !known || known.state === 'unverified'
      if (!stillOurs) throw new Taken()
      const account =
        owned ?? (await admit(context, known, { name, email, passwordHash, locale: input.locale }))
      await grant(context, account, link.role)
      await challenges.cancelOpenLinks()
      const made = await store.find(account.id)
      if (!made) throw new Error('the claimed account vanished')
      return { ok: true, account: withoutHash(made) } as const
    })
  } catch (error) {
    if (error instanceof Taken) return { ok: false, reason: 'email_taken' }
    throw error
  }
}

/** A confirmed account for `person`, over an unconfirmed one with the same address where there is one. */
async function admit(
  context: AccountsContext,
  unverified: StoredAccount | null,
  person: { name: string; email: string; passwordHash: string; locale: Locale },
): Promise<StoredAccount> {
  const { store, clock, ids, challenges } = context
  const account: StoredAccount = {
    id: unverified?.id ?? ids('acct'),
    ...person,
    emailVerifiedAt: null,
    state: 'unverified',
    epoch: unverified?.epoch ?? 1,
    role: null,
    createdAt: unverified?.createdAt ?? clock.now(),
  }
  if (unverified) await store.update(account.id, person, clock.now())
  else await store.insert(account)
  await challenges.cancel('verify_email', person.email)
  await activate(context, account)
  return account
}

async function grant(
  { store, clock, audit }: AccountsContext,
  account: StoredAccount,
  role: OperatorRole,
): Promise<void> {
  await store.update(account.id, { role }, clock.now())
  await audit.append({
    actor: { kind: 'system', name: 'Operator link' },
    action: 'account.role_changed',
    subject: { kind: 'account', id: account.id, name: account.name },
    detail: { from: account.role, to: role },
  })
}
