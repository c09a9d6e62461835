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
    const due = (await store.due(200, 4, 100)).map(({ id }) => id)
    assert.equal(due.length, 30)
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, at) => store.claim(due.slice(at, at + 20), 200, 60)),
    )
    const ids = claims.flat().map(({ id }) => id)
    assert.equal(ids.length, new Set(ids).size)
    const rest = await store.claim(due, 200, 60)
    assert.equal(ids.length + rest.length, 30)
    assert.ok(rest.every(({ attempts, state }) => attempts === 1 && state === 'sending'))
    assert.deepEqual(await store.claim([], 200, 60), [])
  },
  async 'each client gets its turn, and the least tried go first'(store) {
    const of = (clientId: string, count: number) =>
      Array.from({ length: count }, (_, at) => ({
        ...delivery(`logout_${clientId}${at}`, 100 + at),
        clientId,
      }))
    await store.insert([...of('a', 3), ...of('b', 30)])
    const [tried] = await store.claim(['logout_a0'], 200, 60)
    assert.ok(tried)
    await store.retry(tried, 150, 'HTTP 500')
    await store.insert(of('c', 2))
    const turns = async (perClient: number, limit: number) =>
      (await store.due(1_000, perClient, limit)).map(({ id }) => id.replace('logout_', ''))
    assert.deepEqual(await turns(2, 100), ['b0', 'c0', 'a1', 'b1', 'c1', 'a2'])
    assert.deepEqual(await turns(3, 2), ['b0', 'c0'])
    assert.deepEqual((await turns(100, 100)).at(-1), 'a0')
  },
  async 'what is not due is left; what a dead holder held comes back'(store) {
    const claim = (now: number) => store.claim(['logout_later'], now, 60)
    const due = async (now: number) => (await store.due(now, 4, 10)).map(({ id }) => id)
    await store.insert([delivery('logout_later', 1_000)])
    assert.equal(await store.oldestDue(), 1_000)
    assert.deepEqual(await due(999), [])
    assert.deepEqual(await claim(999), [])
    assert.equal((await claim(1_000)).length, 1)
    assert.equal(await store.oldestDue(), null)
    assert.deepEqual(await due(1_060), [])
    assert.deepEqual(await claim(1_060), [])
    assert.deepEqual(await due(1_061), ['logout_later'])
    const [claimed] = await claim(1_061)
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
    await store.claim(['logout_a', 'logout_b'], 1, 60)
    const [a, b] = [
      { id: 'logout_a', attempts: 1 },
      { id: 'logout_b', attempts: 1 },
    ] as const
    await store.sent(a, 2)
    await store.retry(a, 3, 'late answer of a slow holder')
    const lost = await Promise.all(Array.from({ length: 20 }, () => store.failed(b, 2, 'HTTP 500')))
    assert.equal(lost.filter(Boolean).length, 1)
    assert.deepEqual(await store.due(10_000, 4, 10), [])
    const [kept] = await store.ofClient('app_of_logout_b', 10)
    assert.deepEqual([kept?.state, kept?.lastError, kept?.settledAt], ['failed', 'HTTP 500', 2])
    assert.equal(await store.countFailed(2), 1)
    assert.equal(await store.countFailed(3), 0)
    assert.equal(await store.sweep(3, 2, 10), 1)
    assert.equal((await store.ofClient('app_of_logout_a', 10)).length, 0)
    assert.equal(await store.sweep(3, 3, 10), 1)
  },
}
