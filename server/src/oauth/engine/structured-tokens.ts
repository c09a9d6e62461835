import type { Grants } from '../grants/grants.ts'
import { describeStructured, type StructuredDeps } from '../introspect/structured.ts'
import { appOf } from './client-metadata.ts'
import type { KoaContextWithOIDC } from './library.ts'

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
  deps: StructuredDeps & { grants: Grants },
): Promise<void> {
  const { route, client, params } = ctx.oidc
  if (route !== 'introspection' && route !== 'revocation') return
  const { error } = (ctx.body ?? {}) as { error?: string }
  if (error !== 'unsupported_token_type' || !client || typeof params?.token !== 'string') return

  ctx.status = 200
  if (route === 'introspection') {
    ctx.body = await describeStructured(deps, appOf(client), params.token)
    return
  }
  const judged = await deps.verifier.inspect(params.token)
  if (judged.ok && judged.token.clientId === client.clientId && judged.token.grantId)
    await deps.grants.revoke(judged.token.grantId, 'client_request')
  ctx.body = {}
}
