import { second } from '#platform/clock/clock.ts'
import type { AccessTokenInspector } from '../access-token.ts'
import type { Grants } from '../grants/grants.ts'
import type { Resources } from '../resources/resources.ts'
import { appOf } from './client-metadata.ts'
import type { KoaContextWithOIDC } from './library.ts'

export type StructuredDeps = {
  verifier: AccessTokenInspector
  grants: Grants
  resources: Pick<Resources, 'isServedBy'>
  origin: string
}

/**
 * Introspection (RFC 7662) and revocation (RFC 7009) of our own JWT access tokens, which the engine
 * knows only as opaque ones. It has authenticated the client by the time it refuses the form of the
 * token; of a token that is no longer good, or that is another client's and for another server, nothing
 * is told. The server that a token is for may ask about it, and may not end it.
 *
 * A JWT cannot be taken back alone, so revoking one ends its grant (RFC 7009 section 2.1 allows it).
 */
export async function answerStructured(
  ctx: KoaContextWithOIDC,
  { verifier, grants, resources, origin }: StructuredDeps,
): Promise<void> {
  const { route, client, params } = ctx.oidc
  if (route !== 'introspection' && route !== 'revocation') return
  const { error } = (ctx.body ?? {}) as { error?: string }
  if (error !== 'unsupported_token_type' || !client || typeof params?.token !== 'string') return

  const judged = await verifier.inspect(params.token)
  const own = judged.ok && judged.token.clientId === client.clientId
  ctx.status = 200
  if (route === 'revocation') {
    if (own && judged.token.grantId) await grants.revoke(judged.token.grantId, 'client_request')
    ctx.body = {}
    return
  }
  // Whoever has no secret is nobody in particular.
  const app = appOf(client)
  const served =
    judged.ok &&
    app.authMethod !== 'none' &&
    resources.isServedBy(judged.token.audience, app.clientId)
  const token = judged.ok && (own || served) ? judged.token : null
  ctx.body = token
    ? {
        active: true,
        client_id: token.clientId,
        sub: token.grantId === null ? token.clientId : token.accountId,
        scope: token.scopes.join(' '),
        exp: Math.floor(token.expiresAt / second),
        iss: origin,
        aud: token.audience,
        ...(token.jkt === null
          ? { token_type: 'Bearer' }
          : { token_type: 'DPoP', cnf: { jkt: token.jkt } }), // RFC 9449 section 6.2
        ...(token.sessionId === null ? {} : { sid: token.sessionId }),
      }
    : { active: false }
}
