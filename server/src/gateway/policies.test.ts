import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inProcessBus } from '#platform/events/events.ts'
import { systemRandom } from '#platform/ids/ids.ts'
import { mintKey } from '../keys/api-key.ts'
import type { ApiKey, KnownKey } from '../keys/index.ts'
import { createPolicies, type Found } from './policies.ts'

/** A store that counts its reads, can be slow and can be away. */
function scene() {
  let now = 1_800_000_000_000
  let reads = 0
  let away = false
  let gate: Promise<void> | null = null
  const secret = mintKey('sk-lk', 'live', systemRandom)
  const key: ApiKey = {
    id: 'key_1',
    organizationId: 'org_1',
    projectId: 'proj_1',
    accountId: 'acct_1',
    name: 'k',
    type: 'live',
    hint: 'h',
    scopes: ['chat:write'],
    models: null,
    allowedIps: null,
    limits: {},
    budget: null,
    declaredUse: null,
    state: 'active',
    stateReason: null,
    createdAt: 0,
    expiresAt: null,
    lastUsedAt: null,
  }
  const stored = new Map<string, ApiKey>([[secret, key]])
  const read = async (presented: string): Promise<KnownKey | null> => {
    reads++
    const found = stored.get(presented)
    const result = found ? { key: { ...found }, digest: presented, secretValidUntil: null } : null
    await gate
    if (away) throw new Error('away')
    return result
  }
  const bus = inProcessBus((error) => {
    throw error
  })
  const policies = createPolicies({
    keys: { findBySecret: read, findByDigest: read },
    standing: async () => ({ state: 'active', epoch: 1 }),
    tokens: { verify: () => ({ ok: false, reason: 'malformed' }), stands: async () => false },
    usage: {
      totals: async () => ({
        requests: 0,
        inputTokens: 0,
        cachedInputTokens: 0,
        outputTokens: 0,
        costMicros: 0,
      }),
    },
    bus,
    clock: { now: () => now },
  })
  const changed = () =>
    bus.publish({
      type: 'key.changed',
      keyId: 'key_1',
      projectId: 'proj_1',
      organizationId: 'org_1',
    })
  return {
    secret,
    stored,
    key,
    policies,
    changed,
    reads: () => reads,
    advance: (ms: number) => {
      now += ms
    },
    setAway: (value: boolean) => {
      away = value
    },
    hold(): () => void {
      let release = () => {}
      gate = new Promise((resolve) => {
        release = () => {
          gate = null
          resolve()
        }
      })
      return release
    },
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))
const reasonOf = (found: Found) => (found.ok ? 'ok' : found.reason)

test('a known key costs no read and no promise', async () => {
  const { policies, secret, reads } = scene()
  await policies.find(secret)
  assert.equal(reads(), 1)
  for (let i = 0; i < 1_000; i++) {
    const found = policies.find(secret)
    assert.ok(!(found instanceof Promise) && found.ok)
  }
  assert.equal(reads(), 1)
})

test('fifty look-ups of one unknown key at once are one read', async () => {
  const { policies, secret, reads } = scene()
  await Promise.all(Array.from({ length: 50 }, () => policies.find(secret)))
  assert.equal(reads(), 1)
})

test('what cannot be a key is refused without a read; what could be is not asked for again and again', async () => {
  const { policies, secret, reads, advance } = scene()
  for (const text of ['', 'x', `${secret.slice(0, -1)}!`, secret.slice(1)])
    assert.equal(reasonOf(await policies.find(text)), 'invalid_key')
  assert.equal(reads(), 0)
  const other = mintKey('sk-lk', 'live', systemRandom)
  for (let i = 0; i < 20; i++) assert.equal(reasonOf(await policies.find(other)), 'invalid_key')
  assert.equal(reads(), 1)
  advance(2_000)
  await policies.find(other)
  assert.equal(reads(), 2)
})

test('a change is seen by the very next call', async () => {
  const { policies, secret, stored, key, changed } = scene()
  await policies.find(secret)
  stored.set(secret, { ...key, state: 'disabled' })
  changed()
  const found = await policies.find(secret)
  assert.ok(found.ok && !found.policy.enabled)
})

test('a look-up under way when the key changes does not bring the old policy back', async () => {
  const { policies, secret, stored, key, changed, hold } = scene()
  const release = hold()
  const early = policies.find(secret) // has read the old row and waits
  await settled()
  stored.set(secret, { ...key, state: 'disabled' })
  changed()
  release()
  const found = await early
  assert.ok(found.ok && !found.policy.enabled)
  const again = await policies.find(secret)
  assert.ok(again.ok && !again.policy.enabled)
})

test('while the store is away known keys work for a minute, unknown ones are 503 and never 401', async () => {
  const { policies, secret, setAway, advance } = scene()
  await policies.find(secret)
  setAway(true)
  const other = mintKey('sk-lk', 'live', systemRandom)
  assert.equal(reasonOf(await policies.find(other)), 'store_unavailable')
  for (let seconds = 0; seconds < 59; seconds++) {
    assert.equal(reasonOf(await policies.find(secret)), 'ok')
    await settled()
    advance(1_000)
  }
  advance(2_000)
  assert.equal(reasonOf(await policies.find(secret)), 'store_unavailable')
  setAway(false)
  assert.equal(reasonOf(await policies.find(secret)), 'ok')
})

test('an entry is read again behind the caller’s back, so a lost event costs ten seconds', async () => {
  const { policies, secret, stored, key, advance, reads } = scene()
  await policies.find(secret)
  stored.set(secret, { ...key, state: 'disabled' })
  // reread by stored digest: the fake stores by secret, digest is the same text
  advance(10_001)
  const stale = policies.find(secret)
  assert.ok(!(stale instanceof Promise) && stale.ok && stale.policy.enabled)
  await settled()
  await settled()
  const fresh = await policies.find(secret)
  assert.ok(fresh.ok && !fresh.policy.enabled)
  assert.equal(reads(), 2)
})
