import type { Account } from '../accounts/index.ts'
import { type SessionsContext, tokenDigest } from './context.ts'
import { appDeviceName } from './device-name.ts'
import { alarmDigest, alarmLifeMs } from './not-me.ts'
import { roomForDevice } from './room-for-device.ts'
import type { AppAdmission, ArrivingApp } from './session.ts'

/**
 * A device for what signed in by its code. It has no cookie, so nothing is recognised by it: each
 * yes makes a device, and with its grant it ends. Its owner gets the mail about a new device, with
 * the link that undoes it: whoever was talked into typing a stranger's code learns it there.
 */
export async function admitApp(
  context: SessionsContext,
  account: Account,
  app: ArrivingApp,
  by: { deviceId: string; endDeviceId?: string | undefined },
): Promise<AppAdmission> {
  const { database, store, clock, ids, keyring, random, mail, audit, devicePolicy } = context
  return database.transaction(async () => {
    await database.lock(`devices:${account.id}`)
    const room = await roomForDevice(context, account, null, {
      policy: devicePolicy,
      endDeviceId: by.endDeviceId,
      spareDeviceId: by.deviceId,
    })
    if (room !== true)
      return devicePolicy === 'refuse' || room.length === 0
        ? { ok: false, reason: 'device_limit_refused' }
        : { ok: false, reason: 'device_limit_reached', devices: room }
    const at = clock.now()
    const token = random.bytes(32).toString('base64url')
    const device = {
      id: ids('dev'),
      kind: 'app' as const,
      accountId: account.id,
      name: appDeviceName(app.clientName, app.userAgent),
      address: app.address,
      firstSeenAt: at,
      lastSeenAt: at,
    }
    await store.insertDevice({
      ...device,
      tokenDigest: tokenDigest(keyring, `app|${device.id}`), // the value of no cookie
      userAgent: app.userAgent,
      alarm: { digest: alarmDigest(keyring, token), until: at + alarmLifeMs },
    })
    await mail.send({
      kind: 'new_app_device',
      to: account.email,
      locale: account.locale,
      values: { device: device.name, address: app.address, place: app.place, at },
      link: `${context.origin}/devices/not-me#${token}`,
    })
    await audit.append({
      actor: { kind: 'account', id: account.id, name: account.name },
      action: 'device.allowed',
      subject: { kind: 'device', id: device.id, name: device.name },
      detail: { address: app.address },
    })
    return { ok: true, deviceId: device.id }
  })
}
