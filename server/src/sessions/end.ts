import type { SessionsContext } from './context.ts'
import type { SessionEndReason } from './session.ts'

/**
 * Ends sessions of one account and, after commit, tells every room. Joins the caller's transaction.
 * Returns how many ended; ending an ended one is 0.
 */
export async function endSessions(
  { database, store, clock, bus }: SessionsContext,
  accountId: string,
  which: { only: string } | { except: string | null },
  reason: SessionEndReason,
): Promise<number> {
  const ended = await store.end(accountId, which, reason, clock.now())
  database.afterCommit(() => {
    for (const { id, deviceId } of ended)
      bus.publish({ type: 'session.ended', sessionId: id, accountId, deviceId, reason })
  })
  return ended.length
}
