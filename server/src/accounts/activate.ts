import type { Account } from './account.ts'
import type { AccountsContext } from './context.ts'
import { changeStanding } from './standing.ts'

/**
 * The address is proven: the account becomes active and gets its organization and first project.
 * Part of the caller's transaction, which has consumed the proof.
 */
export async function activate(context: AccountsContext, account: Account): Promise<void> {
  const { store, clock, neighbours } = context
  await store.update(account.id, { emailVerifiedAt: clock.now() }, clock.now())
  await neighbours.createPersonal(account)
  await changeStanding(context, {
    accountId: account.id,
    to: 'active',
    actor: { kind: 'account', id: account.id, name: account.name },
    reason: 'email_verified',
    evidence: {},
  })
}
