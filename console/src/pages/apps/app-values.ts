import type { Answer } from '../../api/client.ts'
import type { OAuthApp } from '../../api/queries.ts'
import type { Operations } from '../../api/schema.ts'
import { gatewayScopes } from '../api-keys/key-values.ts'
import { identityScopes } from './scope-words.ts'

export const appKinds = ['web', 'native', 'spa', 'device', 'service'] as const
export type AppKind = (typeof appKinds)[number]

export const appScopes = [...identityScopes, ...gatewayScopes]

export const authMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const
export type AuthMethod = (typeof authMethods)[number]

/** The form of an app: what people type, as text. */
export type AppValues = {
  name: string
  kind: AppKind
  redirects: string
  signedOutTo: string
  backchannel: string
  backchannelSession: boolean
  scopes: string[]
  grace: string
  idleDays: string
  absoluteDays: string
  dpop: boolean
  legacy: boolean
  authMethod: AuthMethod
  keys: string
  keysAddress: string
  fullIdToken: boolean
  rs256: boolean
}

type Body = Operations['POST /api/apps']['body']
export type NewApp = Answer<'POST /api/apps'>

/** What most apps want: who signs in, staying signed in, and chat. */
export const emptyApp: AppValues = {
  name: '',
  kind: 'web',
  redirects: '',
  signedOutTo: '',
  backchannel: '',
  backchannelSession: false,
  scopes: ['openid', 'profile', 'email', 'offline_access', 'models:read', 'chat:write'],
  grace: '30',
  idleDays: '30',
  absoluteDays: '180',
  dpop: false,
  legacy: false,
  authMethod: 'client_secret_basic',
  keys: '',
  keysAddress: '',
  fullIdToken: true,
  rs256: false,
}

const daySeconds = 86_400
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** The RFC 7591 members that make up each kind. */
const kinds: Record<
  AppKind,
  Pick<Body, 'application_type' | 'token_endpoint_auth_method' | 'grant_types'>
> = {
  web: {
    application_type: 'web',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token'],
  },
  native: {
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  },
  spa: {
    application_type: 'web',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  },
  device: {
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: [deviceGrant, 'refresh_token'],
  },
  service: {
    application_type: 'web',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
  },
}

export function kindOf(app: OAuthApp): AppKind {
  if (!app.grant_types.includes('authorization_code'))
    return app.grant_types.includes(deviceGrant) ? 'device' : 'service'
  if (app.application_type === 'native') return 'native'
  return app.token_endpoint_auth_method === 'none' ? 'spa' : 'web'
}

export const valuesOf = (app: OAuthApp): AppValues => ({
  name: app.name,
  kind: kindOf(app),
  redirects: app.redirect_uris.join('\n'),
  signedOutTo: app.post_logout_redirect_uris.join('\n'),
  backchannel: app.backchannel_logout_uri ?? '',
  backchannelSession: app.backchannel_logout_session_required,
  scopes: app.scope.split(' ').filter(Boolean),
  grace: String(app.refresh_grace_seconds),
  idleDays: String(app.refresh_idle_seconds / daySeconds),
  absoluteDays: String(app.refresh_absolute_seconds / daySeconds),
  dpop: app.dpop_bound_access_tokens,
  legacy: app.legacy_confidential,
  authMethod: provenBy(app.token_endpoint_auth_method),
  keys: app.jwks ? JSON.stringify(app.jwks, null, 2) : '',
  keysAddress: app.jwks_uri ?? '',
  fullIdToken: app.id_token_claims === 'with_scopes',
  rs256: app.id_token_signed_response_alg === 'RS256',
})

/** One a line, each once: refusals name them by their place in this list. */
export const addressesIn = (text: string): string[] => [
  ...new Set(text.split(/\s+/).filter(Boolean)),
]
/** Kinds that run where a secret or a key can be kept. */
export const withProof = (kind: AppKind): boolean => kind === 'web' || kind === 'service'

const provenBy = (method: OAuthApp['token_endpoint_auth_method']): AuthMethod =>
  method === 'none' ? 'client_secret_basic' : method

/** A set of keys or a single one; null for nothing, undefined for what is neither. */
export function readKeys(text: string): { keys: Record<string, unknown>[] } | null | undefined {
  if (text.trim() === '') return null
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { keys } = value as { keys?: unknown }
    if (keys === undefined) return { keys: [value as Record<string, unknown>] }
    return Array.isArray(keys) ? { keys: keys as Record<string, unknown>[] } : undefined
  } catch {
    return undefined
  }
}

/** Kinds that never send a browser back. */
export const withoutRedirect = (kind: AppKind): boolean => kind === 'device' || kind === 'service'

const shared = (values: AppValues) => ({
  name: values.name.trim(),
  redirect_uris: withoutRedirect(values.kind) ? [] : addressesIn(values.redirects),
  scope: appScopes
    .filter((scope) => values.scopes.includes(scope))
    .filter((scope) => values.kind !== 'service' || scope.includes(':')) // nobody signs in
    .join(' '),
})

export const newAppBody = (values: AppValues): Body => ({
  ...shared(values),
  ...kinds[values.kind],
})

export const changedAppBody = (
  values: AppValues,
): Operations['PATCH /api/apps/{client_id}']['body'] => ({
  ...shared(values),
  ...(withoutRedirect(values.kind)
    ? {}
    : {
        post_logout_redirect_uris: addressesIn(values.signedOutTo),
        backchannel_logout_uri: values.backchannel.trim() || null,
        backchannel_logout_session_required: values.backchannelSession,
      }),
  refresh_grace_seconds: Number(values.grace),
  refresh_idle_seconds: Math.round(Number(values.idleDays) * daySeconds),
  refresh_absolute_seconds: Math.round(Number(values.absoluteDays) * daySeconds),
  dpop_bound_access_tokens: values.dpop,
  legacy_confidential: values.legacy,
  ...(withProof(values.kind) ? { token_endpoint_auth_method: values.authMethod } : {}),
  ...(withProof(values.kind) && values.authMethod === 'private_key_jwt'
    ? { jwks: readKeys(values.keys) ?? null, jwks_uri: values.keysAddress.trim() || null }
    : {}),
  id_token_claims: values.fullIdToken ? 'with_scopes' : 'minimal',
  id_token_signed_response_alg: values.rs256 ? 'RS256' : 'ES256',
})
