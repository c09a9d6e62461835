import type { ArtifactVault } from '../artifacts/vault.ts'

/** What the engine keeps of a refresh token, as far as it matters to us. */
export type StoredToken = {
  accountId?: string
  clientId?: string
  grantId?: string
  sessionUid?: string
  sid?: string
  scope?: string
  resource?: string | string[]
  gty?: string
  rotations?: number
  jkt?: string
  /** When the first of the family was issued, in seconds. */
  iiat?: number
  /** Seconds. */
  iat?: number
  exp?: number
  jti: string
  granted?: Granted
  [member: string]: unknown
}

/** What a grant allows at the gateway, and the account's epoch when it was given. */
export type Granted = { scope: string; epoch: number }

type StoredGrant = {
  accountId?: string
  clientId?: string
  epoch?: number
  resources?: Record<string, string>
  rejected?: unknown
  rar?: unknown
}

/** Bound to a certificate, an attestation or a consent in detail: not the common case. */
const uncommon = ['x5t#S256', 'attestationJkt', 'rar', 'claims', 'expiresWithSession'] as const
export const isUncommon = (token: StoredToken): boolean =>
  uncommon.some((member) => token[member] !== undefined)

/**
 * Null where the grant of this token is gone or is not plainly its own. Asked once a family: the tokens
 * that we issue carry the answer along, sealed. A grant stays as it was given until it ends, it
 * outlives its tokens, and whoever revokes it takes them with it.
 */
export async function grantedBy(
  vault: Pick<ArtifactVault, 'find'>,
  resource: string,
  { grantId, accountId, clientId }: StoredToken,
): Promise<Granted | null> {
  const grant = grantId ? (await vault.find<StoredGrant>('Grant', grantId))?.payload : null
  if (!grant || grant.epoch === undefined) return null
  if (grant.rejected !== undefined || grant.rar !== undefined) return null
  if (grant.accountId !== accountId || grant.clientId !== clientId) return null
  return { scope: grant.resources?.[resource] ?? '', epoch: grant.epoch }
}
