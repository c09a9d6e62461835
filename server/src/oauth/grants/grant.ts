/** What an account allowed to a client: one per authorization, so that families stay apart. */
export type OAuthGrant = {
  id: string
  accountId: string
  clientId: string
  /** Our session at the time; the grant ends with it. */
  sessionId: string
  deviceId: string
  scopes: readonly string[]
  resource: string
  redirectHost: string
  createdAt: number
  lastUsedAt: number | null
  expiresAt: number
  revokedAt: number | null
}

export type RevokeReason =
  | 'owner'
  | 'session_ended'
  | 'account_changed'
  | 'client_removed'
  | 'client_request'
  /** A code came a second time. */
  | 'reused'
  /** A refresh token came again after its grace window; its owner is told. */
  | 'refresh_reused'

export type GrantStore = {
  insert(grant: OAuthGrant): Promise<void>
  find(id: string): Promise<OAuthGrant | null>
  /** Living ones, newest first. */
  listByAccount(accountId: string, now: number): Promise<OAuthGrant[]>
  listBySession(sessionId: string): Promise<OAuthGrant[]>
  listByClient(clientId: string): Promise<OAuthGrant[]>
  /** True for the one caller that ended it. */
  revoke(id: string, reason: RevokeReason, now: number): Promise<boolean>
  touch(id: string, now: number): Promise<void>
  sweep(before: number, limit: number): Promise<number>
}
