import type { OperatorRole } from '#platform/http/access.ts'
import type { Actor } from '../audit/index.ts'
import type { AccountsContext } from './context.ts'

/**
 * Gives or takes an operator role. The holder's sessions end with it: a session id that was handed
 * out before is worth no more and no less than it was then (ASVS 7.2.4).
 */
export async function setRole(
  context: AccountsContext,
  accountId: string,
  role: OperatorRole | null,
  actor: Actor,
): Promise<boolean> {
  const { database, store, clock, audit, neighbours } = context
  return database.transaction(async () => {
    await database.lock('operator-roles') // two operators who demote each other at once leave one
    const account = await store.find(accountId)
    if (!account || account.state === 'closed') return false
    if (account.role === role) return true
    if (account.role === 'operator' && (await store.countRole('operator')) === 1) return false
    await store.update(accountId, { role }, clock.now())
    await neighbours.endSessions(accountId, null, 'role_changed')
    await audit.append({
      actor,
      action: 'account.role_changed',
      subject: { kind: 'account', id: accountId, name: account.name },
      detail: { from: account.role, to: role },
    })
    return true
  })
}
