import type { FastifyRequest } from 'fastify'
import { type SessionsContext, tokenDigest } from './context.ts'
import { idleMs, type SignedOutReason } from './session.ts'

/**
 * Why the browser's session is over, told to whoever brings its cookie and nothing besides the
 * reason. Null without a cookie, for a session that lives or that is forgotten (30 days after its
 * end), and where nobody needs telling: they signed out here, or signed in anew.
 */
export async function signedOutReason(
  { store, clock, cookies, keyring }: SessionsContext,
  request: FastifyRequest,
): Promise<SignedOutReason | null> {
  const token = cookies.sessionToken(request)
  const end = token === null ? null : await store.findEnd(tokenDigest(keyring, token))
  if (!end) return null
  switch (end.reason) {
    case 'signed_out':
    case 'signed_out_by_app':
    case 'replaced':
      return null
    case null:
      break
    default:
      return end.reason
  }
  const now = clock.now()
  return end.expiresAt <= now || end.lastSeenAt + idleMs <= now ? 'expired' : null
}
