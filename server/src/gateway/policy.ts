import { type ApiKey, type KnownKey, networkTest } from '../keys/index.ts'
import type { AccessToken } from '../oauth/index.ts'
import type { Meter } from './meter.ts'

/**
 * What a credential may do, compiled for the path of every call. It says what is so, never
 * “allowed”: states, times and limits are judged anew on each call.
 */
export type Policy = {
  kind: 'key' | 'token'
  /** Key id, or client id for an access token. */
  credentialId: string
  organizationId: string
  projectId: string | null
  accountId: string
  /** Access tokens hang on these; ending one ends running calls. */
  sessionId: string | null
  grantId: string | null
  epoch: number | null
  /** The stored digest by which the key is read again. */
  digest: string | null
  token: AccessToken | null
  key: ApiKey | null
  enabled: boolean
  accountMayCall: boolean
  expiresAt: number
  mayConnectFrom: ((address: string) => boolean) | null
  scopes: ReadonlySet<string>
  models: ReadonlySet<string> | null
  meters: readonly Meter[]
}

export function policyOfKey(
  { key, digest, secretValidUntil }: KnownKey,
  accountMayCall: boolean,
  meters: readonly Meter[],
): Policy {
  return {
    kind: 'key',
    credentialId: key.id,
    organizationId: key.organizationId,
    projectId: key.projectId,
    accountId: key.accountId,
    sessionId: null,
    grantId: null,
    epoch: null,
    digest,
    token: null,
    key,
    enabled: key.state === 'active',
    accountMayCall,
    expiresAt: Math.min(
      key.expiresAt ?? Number.POSITIVE_INFINITY,
      secretValidUntil ?? Number.POSITIVE_INFINITY,
    ),
    mayConnectFrom: key.allowedIps ? networkTest(key.allowedIps) : null,
    scopes: new Set(key.scopes),
    models: key.models ? new Set(key.models) : null,
    meters,
  }
}

export const policyOfToken = (token: AccessToken): Policy => ({
  kind: 'token',
  credentialId: token.clientId,
  organizationId: token.organizationId,
  projectId: null,
  accountId: token.accountId,
  sessionId: token.sessionId,
  grantId: token.grantId,
  epoch: token.epoch,
  digest: null,
  token,
  key: null,
  enabled: true,
  accountMayCall: true, // the verifier has judged
  expiresAt: token.expiresAt,
  mayConnectFrom: null,
  scopes: new Set(token.scopes),
  models: null,
  meters: [],
})
