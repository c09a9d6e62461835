import type { FastifyReply, FastifyRequest } from 'fastify'
import { day } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import { equalSecret } from '#platform/crypto/keyring.ts'
import type { Random } from '#platform/ids/ids.ts'
import { absoluteMs } from './session.ts'

/**
 * The two cookies of the browser. The session cookie is 256 random bits; the device cookie says that
 * a browser was here before and opens nothing. On https both carry the `__Host-` prefix, so that no
 * sibling host can plant one; plain http, which is for development, knows no such prefix.
 */
export type Cookies = {
  sessionToken(request: FastifyRequest): string | null
  setSession(reply: FastifyReply): string
  /** Takes the session out of the browser, with what it cached of it; the device stays known. */
  forgetBrowser(reply: FastifyReply): void
  /** The device token when it is one that we made; anything else counts as none. */
  deviceToken(request: FastifyRequest): string | null
  setDevice(reply: FastifyReply, token: string | null): string
}

/** The longest that browsers keep a cookie; whoever comes back later is a stranger. */
export const deviceLifeMs = 400 * day

export function makeCookies(deps: { origin: string; random: Random; keyring: Keyring }): Cookies {
  const secure = deps.origin.startsWith('https://')
  const prefix = secure ? '__Host-' : ''
  const sessionName = `${prefix}lk_session`
  const deviceName = `${prefix}lk_device`
  const attributes = { path: '/', httpOnly: true, secure, sameSite: 'strict' } as const
  /** A keyed tail tells our own tokens from chosen ones without asking the database. */
  const tail = (head: string) => deps.keyring.mac('session', `device|${head}`).digest.slice(0, 22)
  const cookie = (request: FastifyRequest, name: string) => request.cookies[name] ?? null

  return {
    sessionToken(request) {
      const token = cookie(request, sessionName)
      return token !== null && /^[\w-]{43}$/.test(token) ? token : null
    },
    setSession(reply) {
      const token = deps.random.bytes(32).toString('base64url')
      reply.setCookie(sessionName, token, { ...attributes, maxAge: absoluteMs / 1_000 })
      return token
    },
    forgetBrowser(reply) {
      reply.clearCookie(sessionName, attributes)
      reply.header('clear-site-data', '"cache", "storage"')
    },
    deviceToken(request) {
      const [head, mark, more] = (cookie(request, deviceName) ?? '').split('.')
      if (!head || !mark || more !== undefined || !/^[\w-]{22}$/.test(head)) return null
      return equalSecret(mark, tail(head)) ? `${head}.${mark}` : null
    },
    setDevice(reply, known) {
      const head = deps.random.bytes(16).toString('base64url')
      const token = known ?? `${head}.${tail(head)}`
      reply.setCookie(deviceName, token, { ...attributes, maxAge: deviceLifeMs / 1_000 })
      return token
    },
  }
}
