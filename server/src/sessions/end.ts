import type { SessionsContext } from './context.ts'
import type { SessionEndReason } from './session.ts'

/**
 * Ends sessions of one account with the apps allowed on their devices, in one commit, and then
 * tells every room; where a session is `replaced` the device stays signed in and its apps go on. Joins
 * the caller's transaction. Returns how many ended; ending an ended one is 0.
 */
export async function endSessions(
  { database, store, clock, bus, neighbours }: SessionsContext,
  accountId: string,
  which: Parameters<SessionsContext['store']['end']>[1],
  reason: SessionEndReason,
  apps: 'end' | 'ended by the caller' = 'end',
): Promise<number> {
  return database.transaction(async () => {
    const ended = await store.end(accountId, which, reason, clock.now())
    database.afterCommit(() => {
      for (const { id, deviceId } of ended)
        bus.publish({ type: 'session.ended', sessionId: id, accountId, deviceId, reason })
    })
    if (reason !== 'replaced' && apps === 'end') {
      const devices = [...new Set(ended.map(({ deviceId }) => deviceId))]
      if (devices.length > 0) await neighbours.endGrantsOfDevices(accountId, devices, reason)
    }
    return ended.length
  })
}
