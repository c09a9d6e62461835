import type { Account } from './account.ts'
import type { AccountsContext } from './context.ts'
import { canonicalEmail } from './email-address.ts'
import { addressLimit, signInLimits, type TooManyTries } from './password-tries.ts'
import type { StoredAccount } from './store.ts'

export type ProofRefusal =
  | { ok: false; reason: 'sign_in_failed' | 'email_unverified' | 'busy' }
  | TooManyTries

/**
 * Whether this person knows the password of this address. One hash whatever the address, and one
 * refusal for wrong, unknown and closed; that an address is unconfirmed is told only after the right
 * password. Failures are counted alike for known and unknown addresses (`password-tries.ts`).
 *
 * `knownDevice` is the device that the browser proves to be, when it has signed in to this account
 * before: it has limits of its own, so that somebody who hammers the address from elsewhere cannot
 * lock its owner out; nor on a new device, where a new password by mail begins anew.
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
  const { store, hasher, clock, tries } = context
  const email = canonicalEmail(input.email)
  const account = email === null ? null : await store.findByEmail(email)
  const device = account ? await input.knownDevice(account.id) : null
  const [name, epoch] = [email ?? '?', account?.epoch ?? 1]
  const limits = signInLimits(name, epoch, device, input.address)
  const taken = await tries.take(limits)
  if (!taken.ok) return taken
  const living = account && account.state !== 'closed' ? account : null
  const proof = await hasher.verify(living?.passwordHash ?? null, input.password)
  if (!proof.ok) {
    await tries.giveBack(limits)
    return proof
  }
  if (!living || !proof.right) {
    if (taken.reached && living) await tellOwner(context, living)
    return { ok: false, reason: 'sign_in_failed' }
  }
  await tries.right(limits, device === null ? [] : [addressLimit(name, epoch)])
  if (living.state === 'unverified') return { ok: false, reason: 'email_unverified' }
  if (proof.outdated) {
    const renewed = await hasher.hash(input.password)
    if (renewed.ok) await store.update(living.id, { passwordHash: renewed.phc }, clock.now())
  }
  return { ok: true, account: withoutHash(living) }
}

/** Somebody has tried a hundred wrong ones: its owner hears of it, and what works meanwhile. */
async function tellOwner(
  { database, mail, audit, clock, origin }: AccountsContext,
  account: StoredAccount,
): Promise<void> {
  await database.transaction(async () => {
    await mail.send({
      kind: 'sign_in_paused',
      to: account.email,
      locale: account.locale,
      values: { at: clock.now() },
      link: `${origin}/recover`,
    })
    await audit.append({
      actor: { kind: 'system', name: 'sign-in' },
      action: 'account.sign_in_paused',
      subject: { kind: 'account', id: account.id, name: account.name },
    })
  })
}

export function withoutHash({ passwordHash: _, ...account }: StoredAccount): Account {
  return account
}
