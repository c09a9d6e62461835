import type { FastifyReply, FastifyRequest } from 'fastify'
import { minute } from '#platform/clock/clock.ts'
import type { Locale } from '../../../messages/messages.ts'

export const operatorRoles = ['operator', 'reviewer', 'auditor', 'support'] as const
export type OperatorRole = (typeof operatorRoles)[number]

/** Who is asking, as the session says. */
export type Principal = {
  sessionId: string
  accountId: string
  deviceId: string
  /** When the person last proved who they are; step-up compares it. */
  authenticatedAt: number
  /** How they did, as RFC 8176 names it. */
  amr: readonly string[]
  state: 'unverified' | 'active' | 'limited' | 'suspended' | 'closed'
  role: OperatorRole | null
  name: string
  email: string
  locale: Locale
}

/**
 * What a route declares about itself. A route without one does not register, so the inventory is
 * complete and tests can be generated from it.
 */
export type RouteAccess = {
  /** `public`: anybody. `session`: a signed-in account. `operator`: one of `roles`; others see 404. */
  auth: 'public' | 'session' | 'operator'
  roles?: readonly OperatorRole[]
  /** What a suspended account may still do: sign-out, usage, export, cases, appeal. Default `active`. */
  standing?: 'active' | 'any'
  /**
   * Only for who proved themselves within `stepUpMs`; others are answered `reauth_required` and prove
   * it anew (OWASP ASVS 5.0, 7.5.1). For what changes who may get in.
   */
  stepUp?: true
  /** Unsafe methods come from our own pages only; protocol endpoints and webhooks opt out. Default `same-origin`. */
  origin?: 'same-origin' | 'any'
  /** Throttle class per client address. Default `api`. */
  rate?: RateClass
}

/** How long a proof counts as recent. */
export const stepUpMs = 10 * minute

/** `credential`: anything that guesses at a secret. `mail`: anything that sends a message. */
export type RateClass = 'api' | 'credential' | 'mail' | 'none'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess
    /**
     * How this surface says that a part we depend on is away, where a problem is not its shape. Status
     * and `Retry-After` are set.
     */
    sayAway?(request: FastifyRequest, reply: FastifyReply): unknown
  }
  interface FastifyRequest {
    /** Set on routes with `auth: session | operator`; on public routes where a session came along. */
    principal: Principal | null
    locale: Locale
  }
}

/** The signed-in person on a route with `auth: session | operator`; anything else is a wiring mistake. */
export function principalOf(request: { principal: Principal | null }): Principal {
  if (!request.principal) throw new Error('this route does not ask for a session')
  return request.principal
}
