import type { EventBus } from '#platform/events/events.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import type { RevokeReason } from './grant.ts'
import type { Grants } from './grants.ts'

/**
 * What ends elsewhere ends here. The verifier has dropped its tokens by then; this ends the rest.
 * Sessions end their device's grants in their own commit; a grant written at that very moment did
 * not stand yet and is found by its session here. Returns how to stop, which waits for what has begun.
 */
export function endGrantsOnEvents(parts: {
  grants: Pick<Grants, 'revokeSession' | 'revokeStale'>
  bus: EventBus
  log: Log
}): () => Promise<void> {
  const { grants, bus, log } = parts
  const ending = new Set<Promise<void>>()
  const inBackground = (work: Promise<void>, what: string) => {
    const settled = work
      .catch((error: unknown) =>
        log.error({ err: errorFields(error) }, `${what} could not be ended`),
      )
      .finally(() => ending.delete(settled))
    ending.add(settled)
  }
  const unsubscribe = [
    bus.subscribe('session.ended', ({ sessionId, accountId, reason }) => {
      if (reason !== 'replaced')
        // the device stays signed in
        inBackground(
          grants.revokeSession(accountId, sessionId, reason as RevokeReason), // sessions say why
          'grants of a session',
        )
    }),
    bus.subscribe('account.changed', ({ accountId, epoch, allowed }) =>
      inBackground(grants.revokeStale(accountId, { epoch, allowed }), 'grants of an account'),
    ),
  ]
  return async () => {
    for (const end of unsubscribe) end()
    await Promise.all(ending)
  }
}
