import type { Claimed } from './dpop/possession.ts'
import type { ProofFault } from './dpop/proof.ts'

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
  /** RFC 7638 thumbprint of the key whose holder alone may use it; null for a bearer token. */
  jkt: string | null
  /** Milliseconds. */
  expiresAt: number
}

/**
 * `key_bound`: it is bound to a key and came as a mere bearer token. `not_bound`: it came with the DPoP
 * scheme and is bound to nothing (RFC 9449 section 7.1).
 */
export type AccessTokenRefusal =
  | 'malformed'
  | 'expired'
  | 'revoked'
  | 'suspended'
  | 'key_bound'
  | 'not_bound'

export type Verified =
  | { ok: true; token: AccessToken }
  | { ok: false; reason: AccessTokenRefusal }
  /** `nonce`: the client is to make the proof again around it. */
  | { ok: false; reason: 'invalid_proof'; fault: ProofFault; nonce: string | null }

export type AccessTokenVerifier = {
  /**
   * Local: signature, `typ`, issuer, audience, time, then revocation from memory. Results are cached
   * by the token's hash until it expires or its account, session or grant ends. `dpop` is what a
   * request under the DPoP scheme claims; its proof is judged each time and passes once.
   */
  verify(token: string, dpop?: Claimed | null): Verified | Promise<Verified>
  /** Whether account, session, grant and client of a token that was let in still stand, read anew; its time is not asked again. */
  stands(token: AccessToken): Promise<boolean>
}

export type AccessTokenInspector = {
  /** The same for a token of any resource of ours, in whoever's hands: to speak of it, never to let it in. */
  inspect(token: string): Promise<Verified>
}
