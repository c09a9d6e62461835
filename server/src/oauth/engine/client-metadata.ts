import type { AdapterPayload } from 'oidc-provider'
import { hasSecret, type OAuthApp } from '../apps/app.ts'
import type { ClientKey } from '../apps/client-key.ts'
import { withMoreKeys } from './fetch.ts'

/**
 * An app as the engine wants a client (RFC 7591). The secret's place holds a constant: secrets are
 * compared by digest (`engine.ts`), and no symmetric algorithm is enabled that would use it as a key.
 * Keys that are lent for a test count beside its own.
 */
export const clientMetadata = (
  app: OAuthApp,
  lentKeys: readonly ClientKey[] = [],
): AdapterPayload => ({
  client_id: app.clientId,
  client_name: app.name,
  redirect_uris: [...app.redirectUris],
  grant_types: [...app.grantTypes],
  response_types: app.grantTypes.includes('authorization_code') ? ['code'] : [],
  token_endpoint_auth_method: app.authMethod,
  application_type: app.applicationType,
  id_token_signed_response_alg: app.idTokenAlg,
  dpop_bound_access_tokens: app.dpopBound,
  ...(hasSecret(app) ? { client_secret: 'compared-by-digest' } : {}),
  ...(app.authMethod === 'private_key_jwt'
    ? app.jwks
      ? { jwks: { keys: [...app.jwks, ...lentKeys] } }
      : { jwks_uri: withMoreKeys(app.jwksUri ?? '', lentKeys) }
    : {}),
  latchkey_app: app,
})

/** The app that rode along. */
export const appOf = (client: object | undefined): OAuthApp => {
  const app = (client as { latchkey_app?: OAuthApp } | undefined)?.latchkey_app
  if (!app) throw new Error('a client without its app')
  return app
}
