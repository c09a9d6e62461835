import { isUnavailable } from '#platform/http/app.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import type { RevokeReason } from '../grants/grant.ts'
import { keysUnreadable } from './fetch.ts'
import type { KoaContextWithOIDC, Provider } from './library.ts'

/** Why a grant was refused, for programs: whether to sign in again, wait, or tell the person. */
export type GrantRefusal = 'expired' | 'reused' | 'revoked' | 'suspended' | 'client_mismatch'

/** How the grant of a refresh token was ended, where its own client asks; null: it is not told. */
const told = {
  signed_out: 'signed_out',
  signed_out_by_app: 'signed_out',
  signed_out_elsewhere: 'signed_out_elsewhere',
  password_reset: 'password_reset',
  password_changed: 'password_changed',
  closed: 'closed',
  replaced: null,
  revoked_all: 'revoked_all',
  revoked_by_operator: 'revoked_by_operator',
  role_changed: 'signed_out_elsewhere',
  not_me: 'not_me',
  device_limit: 'device_limit',
  owner: 'access_removed',
  session_ended: 'signed_out',
  account_changed: null,
  client_removed: null,
  client_request: 'client_request',
  reused: 'code_reused',
  refresh_reused: 'token_reused',
} as const satisfies Record<RevokeReason, string | null>

const known = new WeakMap<object, GrantRefusal>()
const ends = new WeakMap<object, string>()

/** Notes the reason where it is known better than the engine's error text tells. */
export const refusedBecause = (ctx: object, reason: GrantRefusal): void =>
  void known.set(ctx, reason)

/** Notes how the grant ended: with `revoked` the app can tell its person what happened. */
export const endedBecause = (ctx: object, reason: RevokeReason): void => {
  const words = told[reason]
  if (words !== null) ends.set(ctx, words)
}

const reasonOf = (detail: string): GrantRefusal | null => {
  if (/expired/.test(detail)) return 'expired'
  if (/already (?:used|consumed)/.test(detail)) return 'reused'
  if (/client mismatch|other parameters|jkt|DPoP/.test(detail)) return 'client_mismatch'
  if (/not found/.test(detail)) return 'revoked'
  return null
}

/** What programs are told while a part we depend on is away. */
export const away = {
  error: 'temporarily_unavailable',
  error_description: 'a part of the service does not answer; try again in a few seconds',
} as const

/**
 * RFC 6749 section 5.2 errors get `reason`, `revoked_because` and `help`; infrastructure that is away
 * is 503, not 500 and never an accusation of the client.
 */
export function answerErrors(provider: Provider, log: Log): void {
  const help = (slug: string) => `${provider.issuer}/help/${slug}`
  provider.on('grant.error', (ctx, error) => {
    const { error: code, error_detail } = error as Error & { error?: string; error_detail?: string }
    const reason =
      code === 'invalid_grant' ? (known.get(ctx) ?? reasonOf(String(error_detail ?? ''))) : null
    const ended = reason === 'revoked' ? ends.get(ctx) : undefined
    const body = ctx.body as { error_description?: string }
    // RFC 6749 section 5.2 has a word of its own for what the engine calls an invalid request.
    const forbidden = /^requested grant type is not allowed/.test(body.error_description ?? '')
    ctx.body = {
      ...body,
      ...(forbidden ? { error: 'unauthorized_client' } : {}),
      ...(reason ? { reason } : {}),
      ...(ended ? { revoked_because: ended } : {}),
      help: help(
        code === 'invalid_dpop_proof'
          ? 'dpop'
          : reason === 'suspended'
            ? 'suspended-account'
            : reason !== null && ctx.oidc.params?.grant_type === 'refresh_token'
              ? 'sign-in-required'
              : 'oauth-apps',
      ),
    }
  })
  // Some events are missing in the library's types.
  const emitter: NodeJS.EventEmitter = provider
  // Wherever a client proves itself.
  for (const event of [
    'grant.error',
    'introspection.error',
    'revocation.error',
    'pushed_authorization_request.error',
    'device_authorization.error',
  ])
    emitter.on(event, (ctx: KoaContextWithOIDC, error: Error) => {
      const unreadable = keysUnreadable(error)
      if (!unreadable) return
      const client_id = ctx.oidc.client?.clientId
      log.warn({ client_id, away: unreadable.away }, 'the keys of an app could not be read')
      if (unreadable.away) {
        ctx.status = 503
        ctx.set('retry-after', String(unreadable.retryAfterSeconds))
      }
      ctx.body = {
        error: unreadable.away ? away.error : 'invalid_client',
        error_description: unreadable.away
          ? 'the host of the jwks_uri of this client does not answer; try again in a few seconds'
          : 'the jwks_uri of this client gives no keys',
        help: help('oauth-apps'),
      }
    })
  provider.on('server_error', (ctx, error) => {
    log.error({ err: errorFields(error), path: ctx.path }, 'oauth request failed')
    if (!isUnavailable(error)) return
    ctx.status = 503
    ctx.set('retry-after', '2')
    if (ctx.type === 'text/html') return // the page is made by `showError`
    ctx.body = { ...away, help: help('service-status') }
  })
  // Koa's own; unheard, koa writes to the console.
  emitter.on('error', (error) => log.error({ err: errorFields(error) }, 'oauth answer failed'))
}
