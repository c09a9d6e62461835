import type { FastifyReply, FastifyRequest } from 'fastify'
import { day } from '#platform/clock/clock.ts'
import type { Place } from '#platform/places/places.ts'
import type { Account } from '../accounts/index.ts'
import { type SessionsContext, tokenDigest } from './context.ts'
import { deviceName } from './device-name.ts'
import { endSessions } from './end.ts'
import { alarmDigest, alarmLifeMs } from './not-me.ts'
import { type AtLimit, roomForDevice } from './room-for-device.ts'
import { absoluteMs, type Device, type SignIn } from './session.ts'
import { mintTicket } from './ticket.ts'

/**
 * A session for a proven account, always under a new random id: whatever cookie the browser brought
 * is never adopted, and the session it named ends as `replaced` (OWASP ASVS 5.0, 7.2.4), its apps
 * stay; somebody else's session on this browser is signed out with its apps. A device seen for the
 * first time is told to the owner, except the very first one of a new account. Where the device limit leaves no room,
 * nothing of the browser changes.
 */
export async function startSession(
  context: SessionsContext,
  account: Account,
  amr: readonly string[],
  atLimit: AtLimit,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<SignIn> {
  const { database, store, clock, ids, cookies, keyring, audit, places } = context
  const brought = cookies.sessionToken(request)
  const deviceToken = cookies.setDevice(reply, cookies.deviceToken(request))
  const place = await places.of(request.ip) // out here: it may have a file to read
  return database.transaction(async () => {
    const at = clock.now()
    await database.lock(`devices:${account.id}`) // one sign-in after the other counts and recognises
    const known = await store.findDevice(account.id, tokenDigest(keyring, deviceToken))
    const room = await roomForDevice(context, account, known?.id ?? null, atLimit)
    if (room !== true) {
      if (atLimit.policy === 'refuse') return { ok: false, reason: 'device_limit_refused' }
      const ticket = await mintTicket(context, { account, amr, deviceToken })
      return { ok: false, reason: 'device_limit_reached', devices: room, ticket }
    }
    const old = brought === null ? null : await store.findByToken(tokenDigest(keyring, brought))
    if (old) {
      const reason = old.accountId === account.id ? 'replaced' : 'signed_out'
      await endSessions(context, old.accountId, { only: old.id }, reason)
    }
    const device = await recogniseDevice(context, account, known, deviceToken, { request, place })
    // Also one whose cookie the browser has dropped by age: a device has one session.
    await endSessions(context, account.id, { devices: [device.id] }, 'replaced')
    const token = cookies.setSession(reply)
    const session = {
      id: ids('sess'),
      accountId: account.id,
      amr,
      createdAt: at,
      authenticatedAt: at,
      lastSeenAt: at,
      expiresAt: at + absoluteMs,
    }
    await store.insertSession({
      ...session,
      deviceId: device.id,
      tokenDigest: tokenDigest(keyring, token),
    })
    await audit.append({
      actor: { kind: 'account', id: account.id, name: account.name },
      action: 'session.started',
      subject: { kind: 'session', id: session.id, name: device.name },
      detail: { amr, address: request.ip },
      requestId: request.id,
    })
    return { ok: true, session: { ...session, device } }
  })
}

async function recogniseDevice(
  context: SessionsContext,
  account: Account,
  known: Device | null,
  deviceToken: string,
  { request, place }: { request: FastifyRequest; place: Place },
): Promise<Device> {
  const { store, clock, ids, keyring, mail, random } = context
  const at = clock.now()
  const userAgent = (request.headers['user-agent'] ?? '').slice(0, 500)
  const seen = { address: request.ip, name: deviceName(userAgent), at }
  const digest = tokenDigest(keyring, deviceToken)
  if (known) {
    await store.touchDevice(known.id, seen)
    return { ...known, name: seen.name, address: seen.address, lastSeenAt: at }
  }
  // Old devices are forgotten: without one, an account that has been there for long is told all the same.
  const first = at - account.createdAt < day && !(await store.hasDevices(account.id))
  const device = {
    id: ids('dev'),
    kind: 'browser' as const,
    accountId: account.id,
    name: seen.name,
    address: seen.address,
    firstSeenAt: at,
    lastSeenAt: at,
  }
  const token = random.bytes(32).toString('base64url')
  const alarm = first ? null : { digest: alarmDigest(keyring, token), until: at + alarmLifeMs }
  await store.insertDevice({ ...device, tokenDigest: digest, userAgent, alarm })
  if (!first)
    await mail.send({
      kind: 'new_device',
      to: account.email,
      locale: account.locale,
      values: { device: device.name, address: device.address, place, at },
      // In the fragment, so that no log and no Referer carries it; opening the page does nothing.
      link: `${context.origin}/devices/not-me#${token}`,
    })
  return device
}
