import { hash } from 'node:crypto'
import type { Clock } from '#platform/clock/clock.ts'
import type { EventBus } from '#platform/events/events.ts'
import { mayCall, type Standing } from '../accounts/index.ts'
import { type Keys, looksLikeKey } from '../keys/index.ts'
import type {
  AccessToken,
  AccessTokenRefusal,
  AccessTokenVerifier,
  Claimed,
  Verified,
} from '../oauth/index.ts'
import type { Usage } from '../usage/index.ts'
import { Meter, periodOf } from './meter.ts'
import { type Policy, policyOfKey, policyOfToken } from './policy.ts'
import type { Reason, Refusal } from './refusal.ts'
import { TwoGenerationMap } from './two-generation-map.ts'

export type Found = { ok: true; policy: Policy } | ({ ok: false } & Refusal)

/**
 * Credential → policy. A known key costs one hash and one look-up in memory: no read, no await.
 *
 * Entries are fresh for ten seconds and then read again behind the caller's back. Whatever changes a
 * key, a project, an organization or an account evicts at once; a look-up that was under way at that
 * moment starts over, so it cannot bring back what was just evicted. While the store is away known
 * keys are served for up to a minute after they were last read, unknown ones answer 503.
 */
export type Policies = {
  /**
   * Immediate for known keys and cached tokens, a promise otherwise. `dpop`: it came under the DPoP
   * scheme, with this claim to its key.
   */
  find(credential: string, dpop?: Claimed | null): Found | Promise<Found>
  /**
   * Whether the credential of a running call still works, as the store has it now. An end that was
   * known when the call began does not end it.
   */
  stands(policy: Policy): Promise<boolean>
  close(): void
}

const freshMs = 10_000
const staleMsMax = 60_000
const unknownMs = 1_500
const knownMax = 200_000
const unknownMax = 10_000
const meterIdleMs = 120_000

type Entry = { policy: Policy; readAt: number; reading: boolean }

export function createPolicies(parts: {
  keys: Pick<Keys, 'findBySecret' | 'findByDigest'>
  standing(accountId: string): Promise<Standing | null>
  tokens: AccessTokenVerifier
  usage: Pick<Usage, 'totals'>
  bus: EventBus
  clock: Clock
}): Policies {
  const { keys, clock, bus } = parts
  // Keyed by SHA-256 of the whole secret: fast, and no plain key stays in memory.
  const known = new TwoGenerationMap<string, Entry>(knownMax)
  const unknown = new TwoGenerationMap<string, { until: number }>(unknownMax)
  const reading = new Map<string, Promise<Found>>()
  const meters = new Map<string, Meter>()
  const tokenPolicies = new WeakMap<AccessToken, Policy>()
  let generation = 0

  const evict = (test: (policy: Policy) => boolean) => {
    generation++
    known.deleteWhere(({ policy }) => test(policy))
  }
  const subscriptions = [
    bus.subscribe('key.changed', ({ keyId }) => evict((policy) => policy.credentialId === keyId)),
    bus.subscribe('project.changed', ({ projectId }) =>
      evict((policy) => policy.projectId === projectId),
    ),
    bus.subscribe('organization.changed', ({ organizationId }) =>
      evict((policy) => policy.organizationId === organizationId),
    ),
    bus.subscribe('account.changed', ({ accountId }) =>
      evict((policy) => policy.accountId === accountId),
    ),
    bus.subscribe('events.missed', () => evict(() => true)),
  ]
  const sweep = setInterval(() => {
    const before = clock.now() - meterIdleMs
    for (const [id, meter] of meters)
      if (meter.running === 0 && meter.lastUsedAt < before) meters.delete(id)
  }, meterIdleMs)
  sweep.unref()

  async function compile(look: () => ReturnType<Keys['findByDigest']>): Promise<Policy | null> {
    const found = await look()
    if (!found) return null
    const standing = await parts.standing(found.key.accountId)
    const meter = await meterOf(found.key)
    return policyOfKey(found, standing !== null && mayCall(standing.state), meter ? [meter] : [])
  }

  /** One meter for one key, whichever of its secrets is used. Loads the spend before the first call. */
  async function meterOf(key: Policy['key'] & object): Promise<Meter | null> {
    const { limits, budget } = key
    const existing = meters.get(key.id)
    if (!existing && !budget && Object.keys(limits).length === 0) return null
    const now = clock.now()
    const reload = budget !== null && existing?.budget?.period !== budget.period
    const spent = reload
      ? (
          await parts.usage.totals(
            { id: key.id, organizationId: key.organizationId },
            periodOf(budget.period, now).fromDay,
          )
        ).costMicros
      : 0
    // Another look-up may have made it during the read.
    const meter = meters.get(key.id) ?? new Meter('key')
    meters.set(key.id, meter)
    meter.lastUsedAt = now
    meter.configure(limits, budget, now, spent)
    return meter
  }

  /** Reads until no eviction fell into the reading; under a storm of changes the last read counts, uncached. */
  async function read(
    digest: string,
    look: () => ReturnType<Keys['findByDigest']>,
  ): Promise<Found> {
    for (let attempt = 0; ; attempt++) {
      const before = generation
      const policy = await compile(look)
      if (before !== generation && attempt < 3) continue
      if (!policy) {
        unknown.set(digest, { until: clock.now() + unknownMs })
        return { ok: false, reason: 'invalid_key' }
      }
      if (before === generation) known.set(digest, { policy, readAt: clock.now(), reading: false })
      return { ok: true, policy }
    }
  }

  function findKey(secret: string): Found | Promise<Found> {
    const digest = hash('sha256', secret, 'latin1')
    const entry = known.get(digest)
    const now = clock.now()
    if (entry) {
      const age = now - entry.readAt
      if (age < freshMs) return { ok: true, policy: entry.policy }
      if (age < staleMsMax) {
        readAgain(digest, entry)
        return { ok: true, policy: entry.policy }
      }
    }
    // The checksum comes before any store: guesses and typing errors cost no read.
    if (!looksLikeKey(secret)) return { ok: false, reason: 'invalid_key' }
    const missing = unknown.get(digest)
    if (missing && now < missing.until) return { ok: false, reason: 'invalid_key' }
    const underWay = reading.get(digest)
    if (underWay) return underWay
    const promise = read(digest, () => keys.findBySecret(secret)).then(
      (found) => {
        reading.delete(digest)
        if (!found.ok) known.delete(digest)
        return found
      },
      (): Found => {
        reading.delete(digest)
        return { ok: false, reason: 'store_unavailable' }
      },
    )
    reading.set(digest, promise)
    return promise
  }

  function readAgain(digest: string, entry: Entry): void {
    const stored = entry.policy.digest
    if (entry.reading || stored === null) return
    entry.reading = true
    read(digest, () => keys.findByDigest(stored)).then(
      (found) => {
        if (!found.ok) known.delete(digest)
      },
      () => {
        entry.reading = false // the store is away; the entry lives to its minute
      },
    )
  }

  const tokenReasons = {
    malformed: 'invalid_token',
    expired: 'expired_token',
    revoked: 'revoked_token',
    suspended: 'account_deactivated',
    key_bound: 'key_bound_token',
    not_bound: 'token_not_bound',
  } as const satisfies Record<AccessTokenRefusal, Reason>

  const fromToken = (result: Verified): Found => {
    if (!result.ok)
      return result.reason === 'invalid_proof'
        ? { ok: false, ...proofRefusal(result) }
        : { ok: false, reason: tokenReasons[result.reason] }
    let policy = tokenPolicies.get(result.token)
    if (!policy) {
      policy = policyOfToken(result.token)
      tokenPolicies.set(result.token, policy)
    }
    return { ok: true, policy }
  }

  return {
    find(credential, dpop = null) {
      if (!credential.startsWith('eyJ'))
        // no JWT (RFC 7519) starts otherwise
        return dpop === null ? findKey(credential) : { ok: false, reason: 'token_not_bound' }
      const result = parts.tokens.verify(credential, dpop)
      return result instanceof Promise
        ? result.then(fromToken, (): Found => ({ ok: false, reason: 'store_unavailable' }))
        : fromToken(result)
    },
    async stands({ token, digest, expiresAt }) {
      if (token) return parts.tokens.stands(token)
      const found = digest === null ? null : await compile(() => keys.findByDigest(digest))
      if (!found?.enabled || !found.accountMayCall) return false
      return found.expiresAt === expiresAt || clock.now() < found.expiresAt
    },
    close() {
      clearInterval(sweep)
      for (const unsubscribe of subscriptions) unsubscribe()
    },
  }
}

const proofRefusal = ({ fault, nonce }: Extract<Verified, { reason: 'invalid_proof' }>): Refusal =>
  nonce === null
    ? { reason: 'invalid_proof', values: { fault }, details: { fault } }
    : { reason: 'proof_nonce', nonce }
