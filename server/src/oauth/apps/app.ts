import { day } from '#platform/clock/clock.ts'
import { isScope } from '../scopes.ts'
import { type ClientKey, type ClientKeyRefusal, judgeClientKey, publicPart } from './client-key.ts'
import {
  type ApplicationType,
  isLoopback,
  judgeRedirectUri,
  type RedirectUriRefusal,
} from './redirect-uri.ts'

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
export const grantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  deviceGrant,
] as const
export type GrantType = (typeof grantTypes)[number]
/** How an app proves itself (RFC 7591 section 2); the first three need nothing but a secret or its absence. */
export const plainAuthMethods = ['none', 'client_secret_basic', 'client_secret_post'] as const
export const authMethods = [...plainAuthMethods, 'private_key_jwt'] as const
export type AuthMethod = (typeof authMethods)[number]

/** Many clients read nothing but the ID token (OpenID Connect Core section 5.4 has them ask userinfo). */
export const idTokenClaims = ['with_scopes', 'minimal'] as const

/** What an owner decides about an app; RFC 7591 where it has a name for it. */
export type AppSettings = {
  name: string
  redirectUris: readonly string[]
  /** Where a browser may be sent after it was signed out here (OpenID Connect RP-Initiated Logout 1.0). */
  postLogoutRedirectUris: readonly string[]
  /** Where we tell the app that a sign-in is over (OpenID Connect Back-Channel Logout 1.0); null: nowhere. */
  backchannelLogoutUri: string | null
  /** The app cannot do without `sid`. Ours always have one; kept because the app said so. */
  backchannelLogoutSessionRequired: boolean
  grantTypes: readonly GrantType[]
  authMethod: AuthMethod
  /** For `private_key_jwt`, one of the two: public keys, or where the app publishes them. */
  jwks: readonly ClientKey[] | null
  jwksUri: string | null
  applicationType: ApplicationType
  /** The most it may ever be granted. */
  scopes: readonly string[]
  /** Plain code flow of older confidential clients: no PKCE (RFC 9700 section 2.1.1 asks for it). */
  legacyConfidential: boolean
  /** Every token is bound to a key of the client's (RFC 9449 section 5.2). */
  dpopBound: boolean
  /** RS256 for clients that know nothing else. */
  idTokenAlg: 'ES256' | 'RS256'
  /** `minimal`: who, when and how; what the scopes allow besides is read from userinfo. */
  idTokenClaims: (typeof idTokenClaims)[number]
  /** How long a rotated refresh token still answers with its successor; 0 is strict. */
  refreshGraceSeconds: number
  /** A refresh token that is not used for so long has ended. */
  refreshIdleSeconds: number
  /** So long after the sign-in it is over, however often it was refreshed. */
  refreshAbsoluteSeconds: number
}

/** What applies where the owner did not say: 30 seconds of grace, 30 days idle, 180 days at most. */
export const refreshDefaults = {
  refreshGraceSeconds: 30,
  refreshIdleSeconds: 30 * 86_400,
  refreshAbsoluteSeconds: 180 * 86_400,
} as const satisfies Partial<AppSettings>
/** The longest anybody may set; grants live longer (`grants.ts`). */
export const refreshSecondsMax = 180 * 86_400

export type AppSecret = {
  digest: string
  hint: string
  createdAt: number
  expiresAt: number | null
  /** Lent for a test (`inspector/`), beside the ones that the app itself uses. */
  temporary: boolean
}

export type OAuthApp = AppSettings & {
  clientId: string
  /** Null for clients that registered themselves. */
  organizationId: string | null
  createdBy: string | null
  secrets: readonly AppSecret[]
  /** Which picture shows it (`logos/`); null for the first letter of its name. */
  logoDigest: string | null
  createdAt: number
  lastUsedAt: number | null
  /** Null for clients that are kept here; otherwise the client_id is the URL of its description. */
  document: ClientDocument | null
}

/** When the document was last read, and until when that needs no second look. */
export type ClientDocument = { readAt: number; freshUntil: number }

export type AppRefusal =
  | {
      field: 'redirect_uris' | 'post_logout_redirect_uris'
      index: number
      reason: RedirectUriRefusal
    }
  | {
      field: 'redirect_uris'
      reason: 'redirect_uri_required'
    }
  | {
      field: 'backchannel_logout_uri' | 'jwks_uri'
      reason: RedirectUriRefusal | 'unreachable'
    }
  | { field: 'jwks'; index: number; reason: ClientKeyRefusal }
  | { field: 'jwks'; reason: 'keys_required' | 'keys_twice' }
  | { field: 'grant_types'; reason: 'secret_required' | 'code_required' }
  | { field: 'scope'; reason: 'unknown_scope' }
  | { field: 'legacy_confidential'; reason: 'secret_required' }

/**
 * Everything wrong with these settings, so that a form can show it at once. `reaches`: whether we may
 * connect to a URL at all (`platform/outbound`).
 */
export function judgeApp(settings: AppSettings, reaches: (url: string) => boolean): AppRefusal[] {
  const judged = (
    field: 'redirect_uris' | 'post_logout_redirect_uris',
    uris: readonly string[],
  ): AppRefusal[] =>
    uris.flatMap((uri, index) => {
      const reason = judgeRedirectUri(uri, settings.applicationType)
      return reason ? [{ field, index, reason }] : []
    })
  const found = [
    ...judged('redirect_uris', settings.redirectUris),
    ...judged('post_logout_redirect_uris', settings.postLogoutRedirectUris),
    ...judgeServer('backchannel_logout_uri', settings.backchannelLogoutUri, reaches),
    ...judgeServer('jwks_uri', settings.jwksUri, reaches),
    ...(settings.jwks ?? []).flatMap((key, index): AppRefusal[] => {
      const reason = judgeClientKey(key)
      return reason ? [{ field: 'jwks', index, reason }] : []
    }),
  ]
  const usesCode = settings.grantTypes.includes('authorization_code')
  if (usesCode && settings.redirectUris.length === 0)
    found.push({ field: 'redirect_uris', reason: 'redirect_uri_required' })
  const asksPeople = usesCode || settings.grantTypes.includes(deviceGrant)
  if (settings.grantTypes.includes('refresh_token') && !asksPeople)
    found.push({ field: 'grant_types', reason: 'code_required' })
  // RFC 6749 section 4.4: client credentials are for confidential clients alone.
  if (settings.grantTypes.includes('client_credentials') && settings.authMethod === 'none')
    found.push({ field: 'grant_types', reason: 'secret_required' })
  if (!settings.scopes.every(isScope)) found.push({ field: 'scope', reason: 'unknown_scope' })
  if (settings.legacyConfidential && settings.authMethod === 'none')
    found.push({ field: 'legacy_confidential', reason: 'secret_required' })
  if (settings.jwks !== null && settings.jwksUri !== null)
    found.push({ field: 'jwks', reason: 'keys_twice' }) // RFC 7591 section 2
  if (settings.authMethod === 'private_key_jwt' && !settings.jwks?.length && !settings.jwksUri)
    found.push({ field: 'jwks', reason: 'keys_required' })
  return found
}

/** A secret is made for it, shown once, and compared; not where it has a key of its own, or nothing. */
export const hasSecret = ({ authMethod }: Pick<AppSettings, 'authMethod'>): boolean =>
  authMethod === 'client_secret_basic' || authMethod === 'client_secret_post'

/** A server's address: https like a redirect URI of a web app, and one that we may connect to. */
function judgeServer(
  field: 'backchannel_logout_uri' | 'jwks_uri',
  uri: string | null,
  reaches: (url: string) => boolean,
): AppRefusal[] {
  if (uri === null) return []
  const reason = judgeRedirectUri(uri, 'web') ?? (reaches(uri) ? null : 'unreachable')
  return reason ? [{ field, reason }] : []
}

/**
 * Clients whose redirect proves nothing about who is behind it are asked for consent every time:
 * anything on the machine can listen on loopback, and nobody vouches for a self-registered client.
 */
export const alwaysAsks = (app: OAuthApp): boolean =>
  app.organizationId === null || (app.redirectUris.length > 0 && app.redirectUris.every(isLoopback))

/**
 * What a person says yes to: what the client asks for, and that it stays connected wherever refresh
 * tokens come along. We issue those by the client's registration, so the page says so even where
 * `offline_access` was not asked for, or did not count (OpenID Connect Core section 11).
 */
export const saidYesTo = (
  app: Pick<OAuthApp, 'grantTypes'>,
  scopes: readonly string[],
): readonly string[] =>
  app.grantTypes.includes('refresh_token') && !scopes.includes('offline_access')
    ? [...scopes, 'offline_access']
    : scopes

/**
 * Whether a change lets somebody act as the app who could not before: another way to prove itself,
 * other keys, an address that codes newly go to, or a protection less.
 */
export function letsOthersIn(before: AppSettings, after: AppSettings): boolean {
  const keysOf = ({ jwks }: AppSettings) => JSON.stringify(jwks?.map(publicPart) ?? null)
  return (
    after.authMethod !== before.authMethod ||
    after.jwksUri !== before.jwksUri ||
    keysOf(after) !== keysOf(before) ||
    after.redirectUris.some((uri) => !before.redirectUris.includes(uri)) ||
    (after.legacyConfidential && !before.legacyConfidential) ||
    (before.dpopBound && !after.dpopBound)
  )
}

export const livingSecrets = (app: OAuthApp, now: number): AppSecret[] =>
  app.secrets.filter((secret) => secret.expiresAt === null || secret.expiresAt > now)

/** How long a client that registered itself may go unused. */
export const lapseMs = 30 * day

/**
 * How long a client's last good document stands in while its host does not give another: longer than
 * a host is away, shorter than somebody may go on under a description that was taken back.
 */
export const documentStandsMs = 7 * day

/**
 * True for a self-registered client that nobody has used for `lapseMs`, and for one whose document
 * could not be read for `documentStandsMs`; it is then unknown.
 */
export const hasLapsed = (app: OAuthApp, now: number): boolean =>
  (app.organizationId === null && (app.lastUsedAt ?? app.createdAt) <= now - lapseMs) ||
  (app.document !== null && app.document.readAt <= now - documentStandsMs)
