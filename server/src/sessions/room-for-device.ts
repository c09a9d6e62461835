import type { Account } from '../accounts/index.ts'
import type { SessionsContext } from './context.ts'
import { endDevices, listDevices } from './devices.ts'
import type { HeldDevice } from './session.ts'

export type AtLimit = {
  policy: 'ask' | 'end-oldest' | 'refuse'
  endDeviceId?: string | undefined
  /** A device that is not to end, because it is the one that asks. */
  spareDeviceId?: string
}

/**
 * Whether one more device may hold something, after ending what the policy says: true, or the devices
 * to choose from. A device that holds something already needs no room. Part of the caller's
 * transaction, under the account's device lock: of any number of sign-ins at once none passes the
 * limit. Where the limit was lowered, as many end as are too many; `ask` then asks again.
 */
export async function roomForDevice(
  context: SessionsContext,
  account: Account,
  knownId: string | null,
  atLimit: AtLimit,
): Promise<true | HeldDevice[]> {
  const held = await listDevices(context, account.id)
  if (held.some(({ id }) => id === knownId)) return true
  const tooMany = held.length + 1 - context.deviceLimit
  if (tooMany <= 0) return true
  const choice = held.filter(({ id }) => id !== atLimit.spareDeviceId)
  if (atLimit.policy === 'refuse') return choice
  const leaving =
    atLimit.policy === 'end-oldest'
      ? choice.slice(-tooMany)
      : choice.filter(({ id }) => id === atLimit.endDeviceId)
  for (const { id } of leaving) await endDevices(context, account, { only: id }, 'device_limit')
  return leaving.length >= tooMany || choice.filter((device) => !leaving.includes(device))
}
