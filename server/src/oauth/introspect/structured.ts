import { second } from '#platform/clock/clock.ts'
import type { AccessTokenInspector } from '../access-token.ts'
import type { OAuthApp } from '../apps/app.ts'
import type { Resources } from '../resources/resources.ts'

export type StructuredDeps = {
  verifier: AccessTokenInspector
  resources: Pick<Resources, 'isServedBy'>
  origin: string
}

/**
 * What this app is told about one of our JWT access tokens (RFC 7662 section 2.2): about its own, and
 * about those for the server that it is. Of any other, as of one that is no longer good, nothing.
 */
export async function describeStructured(
  { verifier, resources, origin }: StructuredDeps,
  app: OAuthApp,
  text: string,
): Promise<object> {
  const judged = await verifier.inspect(text)
  if (!judged.ok) return { active: false }
  const { token } = judged
  // Whoever has no secret is nobody in particular.
  const served = app.authMethod !== 'none' && resources.isServedBy(token.audience, app.clientId)
  if (token.clientId !== app.clientId && !served) return { active: false }
  return {
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
}
