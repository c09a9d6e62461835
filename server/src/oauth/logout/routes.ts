import { isUtf8 } from 'node:buffer'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { minute, rfc3339 } from '#platform/clock/clock.ts'
import type { Principal } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import { idParams } from '#platform/http/id-params.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import type { RateLimiter } from '#platform/limits/token-bucket.ts'
import type { Locale } from '../../../messages/messages.ts'
import type { OAuthPageKey } from '../../../messages/oauth.ts'
import type { Audit } from '../../audit/index.ts'
import type { Sessions } from '../../sessions/index.ts'
import type { Apps } from '../apps/apps.ts'
import { redirectHost } from '../apps/redirect-uri.ts'
import { askedLocale } from '../asked-locale.ts'
import {
  barePageHeaders,
  bouncePage,
  continuePage,
  noticePage,
  pageAway,
} from '../authorize/pages.ts'
import { startedHere } from '../authorize/transaction.ts'
import type { TxCookies } from '../authorize/tx-cookie.ts'
import { logoutPath } from '../engine/configuration.ts'
import type { Grants } from '../grants/grants.ts'
import { takeRawBodies } from '../raw-body.ts'
import type { IdTokenReader } from './id-token-hint.ts'
import type { PendingLogout, PendingLogouts } from './pending.ts'
import { readLogout } from './request.ts'
import { goesOnByItself, landing, logoutStep } from './step.ts'

export type LogoutDeps = {
  origin: string
  pending: PendingLogouts
  cookies: TxCookies
  apps: Pick<Apps, 'lookUp'>
  grants: Pick<Grants, 'signedInOn'>
  sessions: Pick<Sessions, 'end'>
  audit: Pick<Audit, 'append'>
  limiter: RateLimiter
  readIdToken: IdTokenReader
  /** Takes the session's cookie out of the browser. */
  forgetBrowser(reply: FastifyReply): void
  problem: ProblemSender
}

const LogoutView = z
  .object({
    id: z.string(),
    client: z
      .object({ client_id: z.string(), name: z.string(), redirect_host: z.string().nullable() })
      .nullable(),
    account: z.object({ name: z.string(), email: z.string() }).nullable(),
    other_account: z.boolean(),
    expires_at: z.string(),
  })
  .meta({ id: 'OAuthLogout' })
const Decision = z
  .strictObject({ decision: z.enum(['sign_out', 'stay']) })
  .meta({ id: 'OAuthLogoutDecision' })
const DecisionAnswer = z
  .object({ redirect_to: z.string().nullable() })
  .meta({ id: 'OAuthLogoutDecisionAnswer' })

const bodyBytesMax = 48 * 1024

/**
 * RP-Initiated Logout: the request is checked without looking at a session, and kept; the browser
 * comes back by a navigation of our own, which brings the session (`authorize/pages.ts`).
 */
export async function logoutRoutes(app: App, deps: LogoutDeps): Promise<void> {
  const { origin, pending: logouts, cookies, apps, problem } = deps
  const page = (reply: FastifyReply, status: number, html: string) =>
    reply.code(status).headers(barePageHeaders(origin)).send(html)
  const notice = (
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    key: OAuthPageKey,
    detail?: string,
  ) => page(reply, status, noticePage(origin, request.locale, key, detail))
  const sayAway = pageAway(origin)
  const fromOurPages = (site: unknown) => site === 'same-origin' || site === 'none'

  await app.register(async (scope) => {
    takeRawBodies(scope, bodyBytesMax)
    scope.setErrorHandler((error: { statusCode?: number }, request, reply) => {
      if ((error.statusCode ?? 500) >= 500) throw error
      return notice(request, reply, error.statusCode ?? 400, 'logout_refused', 'malformed_request')
    })
    scope.route({
      method: ['GET', 'POST'],
      url: logoutPath,
      config: {
        access: { auth: 'public', standing: 'any', origin: 'any', rate: 'none' },
        sayAway,
      },
      schema: { hide: true },
      exposeHeadRoute: false,
      handler: (request, reply) => begin(request as FastifyRequest, reply as FastifyReply),
    })
  })

  async function begin(request: FastifyRequest, reply: FastifyReply) {
    // Each leaves a row that waits, like the start of a sign-in.
    const rate = deps.limiter.take(`oauth-start:${request.ip}`, { burst: 120, perMs: minute })
    if (!rate.allowed) {
      reply.header('retry-after', String(Math.ceil(rate.retryAfterSeconds)))
      return notice(request, reply, 429, 'unavailable')
    }
    const parameters = parametersOf(request)
    if (!parameters) return notice(request, reply, 400, 'logout_refused', 'malformed_request')
    const locale = askedLocale(parameters.get('ui_locales'))
    request.locale = locale ?? request.locale
    const read = await readLogout(parameters, { ...deps, lookUp: apps.lookUp })
    if (!read.ok) return notice(request, reply, 400, 'logout_refused', read.reason)

    const { id, nonce } = await logouts.start(read.request)
    const target = pathOf(id, locale)
    reply.header('set-cookie', cookies.start(id, nonce, request.headers.cookie))
    return fromOurPages(request.headers['sec-fetch-site'])
      ? reply.redirect(target, 303)
      : page(reply, 200, bouncePage(target))
  }

  /** The request when this very browser brought it; everything else looks alike. */
  const ownLogout = async (request: FastifyRequest, id: string) => {
    const found = await logouts.find(id)
    return found && startedHere(found, cookies.read(id, request.headers.cookie)) ? found : null
  }

  app.get(
    `${logoutPath}/:id`,
    {
      config: { access: { auth: 'public', standing: 'any' }, sayAway },
      schema: {
        hide: true,
        params: z.object({ id: z.string() }),
        querystring: z.object({ ui_locales: z.string().max(10).optional() }),
      },
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      const { id } = request.params
      const locale = askedLocale(request.query.ui_locales)
      request.locale = locale ?? request.locale
      const site = request.headers['sec-fetch-site']
      if (site !== undefined && !fromOurPages(site))
        return page(reply, 200, continuePage(pathOf(id, locale)))
      const pending = await ownLogout(request, id)
      if (!pending) return notice(request, reply, 400, 'logout_gone')

      const { principal } = request
      const { hint } = pending
      const signedInHere =
        principal !== null &&
        hint?.accountId === principal.accountId &&
        (await deps.grants.signedInOn(principal.deviceId, hint))
      const step = logoutStep({ pending, principal, signedInHere })
      if (step === 'ask' || !goesOnByItself(pending))
        return reply.redirect(
          `/sign-out?tx=${encodeURIComponent(id)}${locale ? `&ui_locales=${locale}` : ''}`,
          303,
        )
      if (!(await logouts.claim(pending))) return notice(request, reply, 400, 'logout_gone')
      if (step === 'sign_out' && principal) await signOut(pending, principal, request, reply)
      reply.header('set-cookie', cookies.clear(id))
      return reply.redirect(landing(pending) ?? origin, 303)
    },
  )

  /** Ends the session of this browser with the apps of its device, and says who asked for it. */
  async function signOut(
    { clientId }: PendingLogout,
    principal: Principal,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    const { accountId, sessionId } = principal
    const reason = clientId === null ? 'signed_out' : 'signed_out_by_app'
    if (await deps.sessions.end(accountId, sessionId, reason))
      await deps.audit.append({
        actor: { kind: 'account', id: accountId, name: principal.name },
        action: 'session.ended',
        subject: { kind: 'session', id: sessionId, name: principal.name },
        detail: { reason, ...(clientId === null ? {} : { client_id: clientId }) },
        requestId: request.id,
      })
    deps.forgetBrowser(reply)
  }

  const access = { auth: 'public', standing: 'any' } as const
  app.get(
    '/api/oauth/logouts/:id',
    {
      config: { access },
      schema: {
        tags: ['apps'],
        summary: 'Which app asks this browser to sign out, for the page that asks the person',
        params: idParams,
        response: { 200: LogoutView },
      },
    },
    async (request, reply) => {
      const pending = await ownLogout(request, request.params.id)
      if (!pending) return problem(request, reply, { status: 404, code: 'logout_not_found' })
      const client = pending.clientId === null ? null : await apps.lookUp(pending.clientId)
      const { principal } = request
      const { hint, redirectUri } = pending
      return {
        id: pending.id,
        client: client && {
          client_id: client.clientId,
          name: client.name,
          redirect_host: redirectUri === null ? null : redirectHost(redirectUri),
        },
        account: principal && { name: principal.name, email: principal.email },
        other_account:
          principal !== null && hint !== null && hint.accountId !== principal.accountId,
        expires_at: rfc3339(pending.expiresAt),
      }
    },
  )

  app.post(
    '/api/oauth/logouts/:id/decision',
    {
      config: { access },
      schema: {
        tags: ['apps'],
        summary: 'Sign out of this browser, or stay, as an app asked',
        params: idParams,
        body: Decision,
        response: { 200: DecisionAnswer },
      },
    },
    async (request, reply) => {
      const pending = await ownLogout(request, request.params.id)
      if (!pending) return problem(request, reply, { status: 404, code: 'logout_not_found' })
      const { id, redirectUri } = pending
      const leaves = request.body.decision === 'sign_out'
      if (leaves && request.principal) await signOut(pending, request.principal, request, reply)
      if (leaves && redirectUri !== null) {
        await logouts.decide(pending)
        return { redirect_to: pathOf(id, null) }
      }
      await logouts.claim(pending)
      reply.header('set-cookie', cookies.clear(id))
      return { redirect_to: null }
    },
  )
}

const pathOf = (id: string, locale: Locale | null): string =>
  `${logoutPath}/${encodeURIComponent(id)}${locale ? `?ui_locales=${locale}` : ''}`

/** From the query or a form (section 2); null for a body that is neither UTF-8 nor a form. */
function parametersOf(request: FastifyRequest): URLSearchParams | null {
  const query = (request.raw.url ?? '').split('?').slice(1).join('?')
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  if (!isUtf8(body) || /\0|%00/.test(body.toString('latin1')) || /\0|%00/.test(query)) return null
  if (request.method === 'GET') return new URLSearchParams(query)
  const type = request.headers['content-type'] ?? ''
  if (body.length > 0 && !/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) return null
  return new URLSearchParams(body.toString('utf8'))
}
