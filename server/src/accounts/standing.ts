import { type Account, mayCall, type Standing, type StandingChange } from './account.ts'
import type { AccountsContext, EpochReason } from './context.ts'

/**
 * The one door through which standing moves. State and epoch move in one statement, who and why are
 * kept, and after commit `account.changed` tells every room to drop what it holds of the account.
 * Null without such an account, and where the state is already the wanted one.
 */
export async function changeStanding(
  context: AccountsContext,
  change: StandingChange,
): Promise<{ before: Standing; after: Standing } | null> {
  const { database, store, ids, clock, audit, neighbours } = context
  return database.transaction(async () => {
    await database.lock(`account:${change.accountId}`)
    const account = await store.find(change.accountId)
    if (!account || account.state === change.to) return null
    const at = clock.now()
    const moved = await store.moveState(account.id, account.state, change.to, at)
    if (!moved) return null
    await store.insertStateChange({
      id: ids('aud'),
      accountId: account.id,
      from: account.state,
      to: change.to,
      actorId: change.actor.kind === 'system' ? null : change.actor.id,
      reason: change.reason,
      evidence: change.evidence,
      at,
    })
    const closed = change.to === 'closed'
    if (closed) await neighbours.endSessions(account.id, null, 'closed', 'ended by the caller')
    await neighbours.endGrants(account.id, closed ? 'closed' : 'account_changed')
    announce(context, account.id, moved.epoch, mayCall(change.to))
    await audit.append({
      actor: change.actor,
      action: `account.${change.to}`,
      subject: { kind: 'account', id: account.id, name: account.name },
      detail: { from: account.state, reason: change.reason },
    })
    return {
      before: { state: account.state, epoch: account.epoch },
      after: { state: change.to, epoch: moved.epoch },
    }
  })
}

/**
 * Ends every session but `keep`, every token and every refresh family issued so far, without touching
 * the state. Part of the caller's transaction; it is a handful of statements, however much there is.
 */
export async function moveEpoch(
  context: AccountsContext,
  account: Pick<Account, 'id' | 'state'>,
  { keep, reason }: { keep: string | null; reason: EpochReason },
): Promise<void> {
  const { store, clock, neighbours } = context
  const epoch = await store.moveEpoch(account.id, clock.now())
  if (epoch === null) return
  await neighbours.endSessions(account.id, keep, reason, 'ended by the caller')
  await neighbours.endGrants(account.id, reason)
  announce(context, account.id, epoch, mayCall(account.state))
}

function announce(
  { database, bus }: AccountsContext,
  accountId: string,
  epoch: number,
  allowed: boolean,
): void {
  database.afterCommit(() => bus.publish({ type: 'account.changed', accountId, epoch, allowed }))
}
