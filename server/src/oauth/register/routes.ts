import type { FastifyReply, FastifyRequest } from 'fastify'
import { hour, second } from '#platform/clock/clock.ts'
import type { Secret } from '#platform/crypto/secret.ts'
import type { App } from '#platform/http/app.ts'
import type { RateLimiter } from '#platform/limits/token-bucket.ts'
import type { AppSettings, OAuthApp } from '../apps/app.ts'
import { preflight, readableAnywhere } from '../cross-origin.ts'
import { oauthAway, oauthError } from '../endpoints.ts'
import { takeRawBodies } from '../raw-body.ts'
import { readMetadata } from './metadata.ts'
import type { Registrations } from './registrations.ts'

export type RegisterRoutesDeps = {
  origin: string
  registrations: Registrations
  limiter: RateLimiter
  /** Whether we may connect to a URL. */
  reaches(url: string): boolean
}

export const registerPath = '/oauth/register'
/** Each registration is a row that anybody may cause. */
const perAddress = { burst: 20, perMs: hour }
const perNode = { burst: 1_000, perMs: hour }
const bodyBytesMax = 16 * 1024
const access = { auth: 'public', standing: 'any', origin: 'any' } as const

/** Dynamic client registration (RFC 7591) and its management (RFC 7592). */
export async function registerRoutes(app: App, deps: RegisterRoutesDeps): Promise<void> {
  const { origin, registrations, limiter } = deps
  await app.register(async (scope) => {
    takeRawBodies(scope, bodyBytesMax)
    scope.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
      if ((error.statusCode ?? 500) >= 500) throw error
      return invalid(reply, 'the request is malformed or too large')
    })

    scope.addHook('onRequest', async (_request, reply) => {
      reply.headers(readableAnywhere)
    })
    for (const [url, methods] of [
      [registerPath, 'POST'],
      [`${registerPath}/:client_id`, 'GET, PUT, DELETE'],
    ] as const)
      scope.route({
        method: 'OPTIONS',
        url,
        config: { access: { ...access, rate: 'none' } },
        schema: { hide: true },
        handler: (_request, reply) => preflight(reply, methods, 'authorization, content-type'),
      })

    scope.route({
      method: 'POST',
      url: registerPath,
      config: { access, sayAway: oauthAway },
      schema: { hide: true },
      handler: async (request, reply) => {
        for (const [name, rule] of [
          [`oauth-register:${request.ip}`, perAddress],
          ['oauth-register', perNode],
        ] as const) {
          const rate = limiter.take(name, rule)
          if (!rate.allowed)
            return oauthError(reply, 429, 'temporarily_unavailable', 'too many registrations', {
              'retry-after': String(Math.ceil(rate.retryAfterSeconds)),
            })
        }
        const settings = settingsFrom(request, deps.reaches)
        if ('error' in settings) return oauthError(reply, 400, settings.error, settings.description)
        const made = await registrations.register(settings)
        return answer(reply.code(201), made.app, made.token.reveal(), made.secret)
      },
    })

    scope.route({
      method: ['GET', 'PUT', 'DELETE'],
      url: `${registerPath}/:client_id`,
      config: { access, sayAway: oauthAway },
      schema: { hide: true },
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const { client_id } = request.params as { client_id: string }
        const token =
          /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
        const found = await registrations.find(client_id, token)
        if (!found)
          return oauthError(reply, 401, 'invalid_token', 'this token manages no such client', {
            'www-authenticate': 'Bearer error="invalid_token"',
          })
        if (request.method === 'GET') return answer(reply, found, token, null)
        if (request.method === 'DELETE') {
          await registrations.remove(found)
          return reply.code(204).header('cache-control', 'no-store').send()
        }
        // RFC 7592 section 2.2: a whole replacement, which names the client.
        const body = objectFrom(request)
        if (body?.client_id !== client_id) return invalid(reply, 'client_id is not this client')
        const settings = settingsFrom(request, deps.reaches)
        if ('error' in settings) return oauthError(reply, 400, settings.error, settings.description)
        const replaced = await registrations.replace(found, settings)
        return answer(reply, replaced.app, token, replaced.secret)
      },
    })
  })

  function answer(reply: FastifyReply, client: OAuthApp, token: string, secret: Secret | null) {
    return reply
      .headers({ 'cache-control': 'no-store' })
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send({
        client_id: client.clientId,
        client_id_issued_at: Math.floor(client.createdAt / second),
        ...(secret ? { client_secret: secret.reveal(), client_secret_expires_at: 0 } : {}),
        registration_access_token: token,
        registration_client_uri: `${origin}${registerPath}/${client.clientId}`,
        client_name: client.name,
        redirect_uris: [...client.redirectUris],
        ...(client.postLogoutRedirectUris.length > 0
          ? { post_logout_redirect_uris: [...client.postLogoutRedirectUris] }
          : {}),
        ...(client.backchannelLogoutUri === null
          ? {}
          : {
              backchannel_logout_uri: client.backchannelLogoutUri,
              backchannel_logout_session_required: client.backchannelLogoutSessionRequired,
            }),
        grant_types: [...client.grantTypes],
        response_types: ['code'],
        token_endpoint_auth_method: client.authMethod,
        application_type: client.applicationType,
        scope: client.scopes.join(' '),
        dpop_bound_access_tokens: client.dpopBound,
        // Unsaid it would mean RS256 (OpenID Connect Registration section 2).
        id_token_signed_response_alg: client.idTokenAlg,
      })
  }
}

const invalid = (reply: FastifyReply, description: string) =>
  oauthError(reply, 400, 'invalid_client_metadata', description)

const settingsFrom = (
  request: FastifyRequest,
  reaches: (url: string) => boolean,
): AppSettings | Exclude<ReturnType<typeof readMetadata>, AppSettings> =>
  readMetadata(objectFrom(request), reaches)

/** Null for anything but a JSON object. */
function objectFrom(request: FastifyRequest): Record<string, unknown> | null {
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '')) return null
  try {
    const value: unknown = JSON.parse(String(request.body))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
