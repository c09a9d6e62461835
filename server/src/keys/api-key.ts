import { crc32 } from 'node:zlib'
import { base62, base62OfUint32 } from '#platform/crypto/base62.ts'
import type { Random } from '#platform/ids/ids.ts'
import { gatewayScopes } from '../oauth/index.ts'

export const keyTypes = ['live', 'test', 'svc'] as const
export type KeyType = (typeof keyTypes)[number]
export const declaredUses = ['server', 'team', 'ci', 'mobile', 'serverless'] as const
export type DeclaredUse = (typeof declaredUses)[number]

/** `revoked` is the end; `disabled` can be undone by whoever disabled it. */
export type KeyState = 'active' | 'disabled' | 'revoked'
export type KeyStateReason = 'owner' | 'operator' | 'leaked'

export type KeyLimits = {
  requestsPerMinute?: number
  tokensPerMinute?: number
  concurrency?: number
}
export type KeyBudget = { amountMicros: number; period: 'total' | 'day' | 'month' }

export type ApiKey = {
  id: string
  organizationId: string
  projectId: string
  /** Who answers for the key; when that account may not call, the key does not work. */
  accountId: string
  name: string
  type: KeyType
  /** Prefix and last four characters, safe to show. */
  hint: string
  scopes: readonly string[]
  models: readonly string[] | null
  allowedIps: readonly string[] | null
  limits: KeyLimits
  budget: KeyBudget | null
  declaredUse: DeclaredUse | null
  state: KeyState
  stateReason: KeyStateReason | null
  createdAt: number
  expiresAt: number | null
  lastUsedAt: number | null
}

/** What the owner chooses; everything else about a key follows from who made it and when. */
export type KeySettings = Pick<
  ApiKey,
  'name' | 'scopes' | 'models' | 'allowedIps' | 'limits' | 'budget' | 'declaredUse' | 'expiresAt'
>

/** A key as one of its secrets finds it. While a rotation overlaps, two secrets find the same key. */
export type KnownKey = { key: ApiKey; digest: string; secretValidUntil: number | null }

/** All a model caller needs; `keys:manage` has to be asked for. */
export const defaultKeyScopes: readonly string[] = gatewayScopes.filter(
  (scope) => scope !== 'keys:manage',
)

/**
 * `sk-lk-<type>_` + 43 base62 of 32 random bytes + 6 base62 of the CRC-32 of everything before it.
 * The checksum tells a typing error or a dummy from a key without a look-up; it is no protection.
 */
export function mintKey(prefix: string, type: KeyType, random: Random): string {
  const body = `${prefix}-${type}_${base62(random.bytes(32), 43)}`
  return body + base62OfUint32(crc32(body))
}

/** Whether a text has the form and checksum of a key of ours; costs no look-up. */
export function looksLikeKey(text: string): boolean {
  const end = text.length - 6
  if (text.length > 120 || !/^[a-z][a-z0-9-]*_[0-9A-Za-z]{49}$/.test(text)) return false
  return base62OfUint32(crc32(text.slice(0, end))) === text.slice(end)
}

export const hintOf = (secret: string): string =>
  `${secret.slice(0, secret.indexOf('_') + 1)}…${secret.slice(-4)}`
