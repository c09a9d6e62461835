/** Scopes a client may be granted on the gateway (the `resource` is `<origin>/v1`). */
export const gatewayScopes = [
  'models:read',
  'chat:read',
  'chat:write',
  'embeddings:write',
  'images:write',
  'audio:write',
  'usage:read',
  'keys:manage',
] as const
export type GatewayScope = (typeof gatewayScopes)[number]

export const identityScopes = ['openid', 'profile', 'email', 'phone', 'offline_access'] as const

/** A verified RFC 9068 access token, as the gateway sees it. */
export type AccessToken = {
  /** Who answers for the calls: the person, or for client credentials whoever made the app. */
  accountId: string
  clientId: string
  organizationId: string
  /** Null for client credentials: no person granted anything. */
  grantId: string | null
  /** Our session id that the grant hangs on; ending the session ends the token. Null for client credentials. */
  sessionId: string | null
  scopes: readonly string[]
  /** The one resource it is good at. */
  audience: string
  /** The account's epoch at issue; an older one than the account's is dead. */
  epoch: number
  /** Milliseconds. */
  expiresAt: number
}

export type AccessTokenRefusal = 'malformed' | 'expired' | 'revoked' | 'suspended'

export type AccessTokenVerifier = {
  /**
   * Local: signature, `typ`, issuer, audience, time, then revocation from memory. Results are cached
   * by the token's hash until it expires or its account, session or grant ends.
   */
  verify(
    token: string,
  ):
    | { ok: true; token: AccessToken }
    | { ok: false; reason: AccessTokenRefusal }
    | Promise<{ ok: true; token: AccessToken } | { ok: false; reason: AccessTokenRefusal }>
}

export type AccessTokenInspector = {
  /** The same for a token of any resource of ours: to speak of it, never to let it in. */
  inspect(
    token: string,
  ): Promise<{ ok: true; token: AccessToken } | { ok: false; reason: AccessTokenRefusal }>
}
