import type { AccountsContext } from './context.ts'
import { type PasswordProof, provePassword } from './password.ts'
import { changeStanding } from './standing.ts'

/**
 * Closes one's own account, for good: sessions end, keys and tokens stop by `account.changed`, name
 * and address are replaced so that the address is free for a new account. The audit log keeps the
 * name it has copied.
 */
export async function closeAccount(
  context: AccountsContext,
  input: { accountId: string; password: string },
): Promise<{ ok: true } | { ok: false; reason: 'last_operator' } | PasswordProof> {
  const { database, store, clock, mail } = context
  const proof = await provePassword(context, input.accountId, input.password)
  if (!proof.ok) return proof
  const { account } = proof
  return database.transaction(async () => {
    await database.lock('operator-roles')
    if (account.role === 'operator' && (await store.countRole('operator')) === 1)
      return { ok: false, reason: 'last_operator' }
    await mail.send({
      kind: 'account_closed',
      to: account.email,
      locale: account.locale,
      values: { at: clock.now() },
    })
    await changeStanding(context, {
      accountId: account.id,
      to: 'closed',
      actor: { kind: 'account', id: account.id, name: account.name },
      reason: 'owner',
      evidence: {},
    })
    await store.update(
      account.id,
      {
        name: 'Closed account',
        email: `${account.id}@closed.invalid`, // RFC 2606: reaches nobody
        emailVerifiedAt: null,
        passwordHash: '',
        role: null,
      },
      clock.now(),
    )
    return { ok: true }
  })
}
