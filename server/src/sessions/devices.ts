import type { SessionsContext } from './context.ts'
import { endSessions } from './end.ts'
import type { HeldDevice, SessionEndReason } from './session.ts'

/**
 * The devices that hold a living session or grant, the most recently seen first. One that holds
 * nothing can do nothing, so it is neither shown nor counted.
 */
export async function listDevices(
  { store, clock, neighbours }: SessionsContext,
  accountId: string,
): Promise<HeldDevice[]> {
  const sessions = await store.living(accountId, clock.now())
  const grants = await neighbours.grantsByDevice(accountId)
  const ids = new Set([...sessions.map(({ device }) => device.id), ...grants.map(deviceOf)])
  const devices = await store.devices(accountId, [...ids])
  return devices.map((device) => {
    const held = grants.filter((grant) => grant.deviceId === device.id)
    return {
      ...device,
      name: device.name || (held[0]?.clientName ?? ''), // allowed before devices by code had names
      sessions: sessions.filter((session) => session.device.id === device.id).length,
      grants: held.map(({ deviceId: _, ...grant }) => grant),
    }
  })
}

/**
 * Ends devices with all that hangs on them, in one transaction: sessions, grants, and by the grants'
 * end codes, refresh families and access tokens. The choke points hear of it after commit. Joins the
 * caller's transaction.
 */
export async function endDevices(
  context: SessionsContext,
  person: { id: string; name: string },
  which: { only: string } | { except: string },
  reason: SessionEndReason,
): Promise<number> {
  const { database, store, clock, audit, neighbours } = context
  return database.transaction(async () => {
    await database.lock(`devices:${person.id}`) // a sign-in at the same moment waits
    const held = await listDevices(context, person.id)
    const chosen = held.filter(({ id }) =>
      'only' in which ? id === which.only : id !== which.except,
    )
    const ended = await store.endDevices(
      person.id,
      chosen.map(({ id }) => id),
      clock.now(),
    )
    if (ended.length === 0) return 0
    await endSessions(context, person.id, { devices: ended }, reason)
    await neighbours.endGrantsOfDevices(person.id, ended, reason)
    for (const device of chosen.filter(({ id }) => ended.includes(id)))
      await audit.append({
        actor: { kind: 'account', id: person.id, name: person.name },
        action: 'device.ended',
        subject: { kind: 'device', id: device.id, name: device.name },
        detail: { reason, sessions: device.sessions, grants: device.grants.length },
      })
    return ended.length
  })
}

const deviceOf = ({ deviceId }: { deviceId: string }) => deviceId
