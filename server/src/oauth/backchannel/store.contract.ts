import assert from 'node:assert/strict'
import type { Delivery } from './delivery.ts'
import type { DeliveryStore } from './store.ts'

const delivery = (id: string, nextAttemptAt: number): Delivery => ({
  id,
  clientId: `app_of_${id}`,
  accountId: 'acct_1',
  sessionId: 'sess_1',
  state: 'waiting',
  attempts: 0,
  nextAttemptAt,
  claimedUntil: null,
  lastError: null,
  createdAt: nextAttemptAt,
  settledAt: null,
})

/** What every store of deliveries must do, whatever keeps it. */
export const deliveryContract: Record<string, (store: DeliveryStore) => Promise<void>> = {
  async 'no two claims get the same delivery'(store) {
    await store.insert(Array.from({ length: 30 }, (_, at) => delivery(`logout_${at}`, 100)))
    const claims = await Promise.all(Array.from({ length: 8 }, () => store.claim(200, 60, 5)))
    const ids = claims.flat().map(({ id }) => id)
    assert.equal(ids.length, new Set(ids).size)
    const rest = await store.claim(200, 60, 100)
    assert.equal(ids.length + rest.length, 30)
    assert.ok(rest.every(({ attempts, state }) => attempts === 1 && state === 'sending'))
  },
  async 'what is not due is left; what a dead holder held comes back'(store) {
    await store.insert([delivery('logout_later', 1_000)])
    assert.equal(await store.oldestDue(), 1_000)
    assert.deepEqual(await store.claim(999, 60, 10), [])
    assert.equal((await store.claim(1_000, 60, 10)).length, 1)
    assert.equal(await store.oldestDue(), null)
    assert.deepEqual(await store.claim(1_060, 60, 10), [])
    const [claimed] = await store.claim(1_061, 60, 10)
    assert.equal(claimed?.attempts, 2)
    await store.sent({ id: 'logout_later', attempts: 1 }, 1_062)
    assert.equal(
      (await store.ofClient(claimed.clientId, 10))[0]?.state,
      'sending',
      'not his any more',
    )
    await store.sent(claimed, 1_063)
    assert.equal((await store.ofClient(claimed.clientId, 10))[0]?.state, 'sent')
  },
  async 'a delivery is settled once, and forgotten later'(store) {
    await store.insert([delivery('logout_a', 0), delivery('logout_b', 0)])
    await store.claim(1, 60, 10)
    const [a, b] = [
      { id: 'logout_a', attempts: 1 },
      { id: 'logout_b', attempts: 1 },
    ] as const
    await store.sent(a, 2)
    await store.retry(a, 3, 'late answer of a slow holder')
    const lost = await Promise.all(Array.from({ length: 20 }, () => store.failed(b, 2, 'HTTP 500')))
    assert.equal(lost.filter(Boolean).length, 1)
    assert.deepEqual(await store.claim(10_000, 60, 10), [])
    const [kept] = await store.ofClient('app_of_logout_b', 10)
    assert.deepEqual([kept?.state, kept?.lastError, kept?.settledAt], ['failed', 'HTTP 500', 2])
    assert.equal(await store.countFailed(2), 1)
    assert.equal(await store.countFailed(3), 0)
    assert.equal(await store.sweep(3, 2, 10), 1)
    assert.equal((await store.ofClient('app_of_logout_a', 10)).length, 0)
    assert.equal(await store.sweep(3, 3, 10), 1)
  },
}
