import { day } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { SessionsContext } from './context.ts'
import { endDevices } from './devices.ts'

/** How long the link of a new-device mail works. */
export const alarmLifeMs = 7 * day

export const alarmDigest = (keyring: Keyring, token: string): string =>
  keyring.mac('session', `alarm|${token}`).digest

/**
 * "This wasn't me": ends the device that the mail was about, with its session and apps, and takes the
 * password away, because whoever signed in there knows it. Other devices stay. The token is used up
 * by the one caller that gets true.
 */
export async function disownDevice(context: SessionsContext, token: string): Promise<boolean> {
  const { database, store, clock, keyring, accounts } = context
  return database.transaction(async () => {
    const device = await store.takeAlarm(alarmDigest(keyring, token), clock.now())
    const account = device && (await accounts.find(device.accountId))
    if (!account || account.state === 'closed') return false
    await endDevices(context, account, { only: device.id }, 'not_me')
    await store.endDevices(account.id, [device.id], clock.now()) // also one that holds nothing now
    await context.forcePasswordReset(account.id)
    return true
  })
}
