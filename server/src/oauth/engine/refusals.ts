import { isUnavailable } from '#platform/http/app.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import type { Provider } from './library.ts'

/** Why a grant was refused, for programs: whether to sign in again, wait, or tell the person. */
export type GrantRefusal = 'expired' | 'reused' | 'revoked' | 'suspended' | 'client_mismatch'

const known = new WeakMap<object, GrantRefusal>()

/** Notes the reason where it is known better than the engine's error text tells. */
export const refusedBecause = (ctx: object, reason: GrantRefusal): void =>
  void known.set(ctx, reason)

const reasonOf = (detail: string): GrantRefusal | null => {
  if (/expired/.test(detail)) return 'expired'
  if (/already (?:used|consumed)/.test(detail)) return 'reused'
  if (/client mismatch|other parameters|jkt|DPoP/.test(detail)) return 'client_mismatch'
  if (/not found/.test(detail)) return 'revoked'
  return null
}

/**
 * RFC 6749 section 5.2 errors get `reason` and `help`; infrastructure that is away is 503, not 500
 * and never an accusation of the client.
 */
export function answerErrors(provider: Provider, log: Log): void {
  const help = (slug: string) => `${provider.issuer}/help/${slug}`
  provider.on('grant.error', (ctx, error) => {
    const { error: code, error_detail } = error as Error & { error?: string; error_detail?: string }
    const reason =
      code === 'invalid_grant' ? (known.get(ctx) ?? reasonOf(String(error_detail ?? ''))) : null
    const body = ctx.body as { error_description?: string }
    // RFC 6749 section 5.2 has a word of its own for what the engine calls an invalid request.
    const forbidden = /^requested grant type is not allowed/.test(body.error_description ?? '')
    ctx.body = {
      ...body,
      ...(forbidden ? { error: 'unauthorized_client' } : {}),
      ...(reason ? { reason } : {}),
      help: help(
        code === 'invalid_dpop_proof'
          ? 'dpop'
          : reason === 'suspended'
            ? 'suspended-account'
            : 'oauth-apps',
      ),
    }
  })
  provider.on('server_error', (ctx, error) => {
    log.error({ err: errorFields(error), path: ctx.path }, 'oauth request failed')
    if (!isUnavailable(error) || ctx.type === 'text/html') return
    ctx.status = 503
    ctx.set('retry-after', '2')
    ctx.body = {
      error: 'temporarily_unavailable',
      error_description: 'a part of the service does not answer; try again in a few seconds',
      help: help('service-status'),
    }
  })
  // Koa's own event, which the library's types leave out; unheard, koa writes to the console.
  const emitter: NodeJS.EventEmitter = provider
  emitter.on('error', (error) => log.error({ err: errorFields(error) }, 'oauth answer failed'))
}
