import type { FastifyRequest } from 'fastify'
import { minute } from '#platform/clock/clock.ts'
import type { Principal } from '#platform/http/access.ts'
import { type SessionsContext, tokenDigest } from './context.ts'
import { deviceName } from './device-name.ts'
import { idleMs } from './session.ts'

/**
 * Who holds the request's session cookie. Two indexed reads, no cache: an ended session or a closed
 * account is refused by the next request, on every node.
 */
export async function authenticate(
  context: SessionsContext,
  request: FastifyRequest,
): Promise<Principal | null> {
  const { store, accounts, clock, cookies, keyring } = context
  const token = cookies.sessionToken(request)
  if (token === null) return null
  const session = await store.findByToken(tokenDigest(keyring, token))
  const now = clock.now()
  if (!session || session.expiresAt <= now || session.lastSeenAt + idleMs <= now) return null
  const account = await accounts.find(session.accountId)
  if (!account || account.state === 'closed') return null
  const staleSince = now - minute
  if (session.lastSeenAt < staleSince && (await store.touch(session.id, now, staleSince)))
    await store.touchDevice(session.deviceId, {
      address: request.ip,
      name: deviceName(request.headers['user-agent'] ?? ''),
      at: now,
    })
  return {
    sessionId: session.id,
    accountId: account.id,
    deviceId: session.deviceId,
    authenticatedAt: session.authenticatedAt,
    amr: session.amr,
    state: account.state,
    role: account.role,
    name: account.name,
    email: account.email,
    locale: account.locale,
  }
}
