import type { SessionEndReason } from '../../sessions/index.ts'

/** What an account allowed to a client: one per authorization, so that families stay apart. */
export type OAuthGrant = {
  id: string
  accountId: string
  clientId: string
  /** Our session at the time; the grant ends with it. Its own id for what a device got by code. */
  sessionId: string
  deviceId: string
  scopes: readonly string[]
  resource: string
  redirectHost: string
  createdAt: number
  lastUsedAt: number | null
  /** How long its refresh token works, to the minute; null where it has none. */
  renewsUntil: number | null
  expiresAt: number
  revokedAt: number | null
  /** When the sign-in that gave it was over, for its app too; set once, by `takeSignIns`. */
  signedOutAt: number | null
}

/** Given by device code: its device is no browser and lives as long as the grant. */
export const byCode = ({ id, sessionId }: OAuthGrant): boolean => id === sessionId

export type RevokeReason =
  /** The device it was given on ended so. */
  | SessionEndReason
  | 'owner'
  /** The session it was being given in had ended; before sessions told why, any end of one. */
  | 'session_ended'
  /** Standing: tokens are refused by it, and the app is told whether the account is suspended. */
  | 'account_changed'
  | 'client_removed'
  | 'client_request'
  /** A code came a second time. */
  | 'reused'
  /** A refresh token came again after its grace window; its owner is told. */
  | 'refresh_reused'

/** Sign-ins of one account at apps. */
export type SignIns =
  | 'all'
  | { devices: readonly string[] }
  | { session: string }
  | { ids: readonly string[] }

export type GrantStore = {
  insert(grant: OAuthGrant): Promise<void>
  find(id: string): Promise<OAuthGrant | null>
  /** Living ones, newest first. */
  listByAccount(accountId: string, now: number): Promise<OAuthGrant[]>
  /** At most `limit` living ones after the id `after`, in the order of ids. */
  page(accountId: string, after: string, limit: number): Promise<OAuthGrant[]>
  listBySession(sessionId: string): Promise<OAuthGrant[]>
  listByClient(clientId: string): Promise<OAuthGrant[]>
  /** Sign-ins of that session that are not over, also where the app gave its tokens back. */
  openSignIns(sessionId: string): Promise<OAuthGrant[]>
  /** Marks sign-ins as over; of any number of callers exactly one gets each. */
  takeSignIns(accountId: string, which: SignIns, now: number): Promise<OAuthGrant[]>
  /** Ends those that live; of any number of callers exactly one is told of each that it ended. */
  revoke(ids: readonly string[], reason: RevokeReason, now: number): Promise<string[]>
  /** Ends all that live of one account. */
  revokeAccount(accountId: string, reason: RevokeReason, now: number): Promise<void>
  /** How it ended; null while it stands, or is not known any more. */
  endOf(id: string): Promise<{ clientId: string; reason: RevokeReason } | null>
  /** Returns the one touched. Without `renewsUntil` that stays as it is. */
  touch(id: string, now: number, renewsUntil: number | null): Promise<OAuthGrant | null>
  /** Deletes at most `limit` that ended or ran out before then; returns them. */
  sweep(before: number, limit: number): Promise<OAuthGrant[]>
}
