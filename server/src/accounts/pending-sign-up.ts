import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Clock, day } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import { type Locale, locales } from '../../messages/messages.ts'

/** A sign-up that waits for its code, as the browser that made it keeps it. */
export type PendingSignUp = { email: string; name: string; passwordHash: string; locale: Locale }

/**
 * Ties a sign-up to its browser. The account row holds the newest sign-up for an address, and a
 * stranger may sign up for it between ours and our code; the code proves the address, not who chose
 * the password. So the browser keeps its own sign-up, sealed, and what it brings along with the code
 * is what becomes true. Without the cookie (another browser, a script) the newest sign-up counts.
 *
 * Set for known and unknown addresses alike.
 */
export type PendingCookie = {
  set(reply: FastifyReply, pending: PendingSignUp): Promise<void>
  /** What this browser has signed up for under `email`; null for none, another address, or a day ago. */
  read(request: FastifyRequest, email: string): Promise<PendingSignUp | null>
  clear(reply: FastifyReply): void
}

const lifeMs = day
const context = 'pending-sign-up'

const content = z.strictObject({
  email: z.string(),
  name: z.string(),
  passwordHash: z.string(),
  locale: z.enum(locales),
  at: z.number(),
})

export function makePendingCookie(deps: {
  origin: string
  clock: Clock
  keyring: Keyring
}): PendingCookie {
  const secure = deps.origin.startsWith('https://')
  const name = `${secure ? '__Host-' : ''}lk_sign_up`
  const attributes = { path: '/', httpOnly: true, secure, sameSite: 'strict' } as const
  return {
    async set(reply, pending) {
      const text = JSON.stringify({ ...pending, at: deps.clock.now() })
      const value = await deps.keyring.seal(context, text)
      reply.setCookie(name, value, { ...attributes, maxAge: lifeMs / 1_000 })
    },
    async read(request, email) {
      const value = request.cookies[name]
      if (value === undefined) return null
      // Anything that does not open is not ours: as good as no cookie.
      const text = await deps.keyring.open(context, value).catch(() => null)
      const parsed = text === null ? null : content.safeParse(JSON.parse(text))
      if (!parsed?.success) return null
      const { at, ...pending } = parsed.data
      return pending.email === email && at + lifeMs > deps.clock.now() ? pending : null
    },
    clear: (reply) => void reply.clearCookie(name, attributes),
  }
}
