import assert from 'node:assert/strict'
import type { OutboxRow, OutboxStore } from './store.sql.ts'

const row = (id: string, nextAttemptAt: number): OutboxRow => ({
  id,
  channel: 'mail',
  kind: 'verify_email',
  recipient: 'ada@example.com',
  payload: 'sealed',
  state: 'waiting',
  attempts: 0,
  next_attempt_at: nextAttemptAt,
  claimed_until: null,
  last_error: null,
  created_at: nextAttemptAt,
  sent_at: null,
})

/** What every outbox must do, whatever keeps it. */
export const outboxContract: Record<string, (store: OutboxStore) => Promise<void>> = {
  async 'no two claims get the same row'(store) {
    for (let i = 0; i < 30; i++) await store.insert(row(`mail_${i}`, 100))
    const claims = await Promise.all(Array.from({ length: 8 }, () => store.claim(200, 60, 5)))
    const ids = claims.flat().map(({ id }) => id)
    assert.equal(ids.length, new Set(ids).size)
    assert.ok(ids.length <= 30)
    const rest = await store.claim(200, 60, 100)
    assert.equal(ids.length + rest.length, 30)
    assert.ok(rest.every(({ attempts }) => attempts === 1))
  },
  async 'what is not due is left; what a dead holder held comes back'(store) {
    await store.insert(row('mail_later', 1_000))
    assert.deepEqual(await store.claim(999, 60, 10), [])
    assert.equal((await store.claim(1_000, 60, 10)).length, 1)
    assert.deepEqual(await store.claim(1_060, 60, 10), [])
    const [claimed] = await store.claim(1_061, 60, 10)
    assert.equal(claimed?.attempts, 2)
    await store.sent({ id: 'mail_later', attempts: 1 }, 1_062)
    assert.equal((await store.recent(1))[0]?.state, 'sending', 'not his any more')
    await store.sent(claimed, 1_063)
    assert.equal((await store.recent(1))[0]?.state, 'sent')
  },
  async 'a settled row is settled once and forgotten later'(store) {
    await store.insert(row('mail_once', 0))
    await store.claim(1, 60, 10)
    const held = { id: 'mail_once', attempts: 1 }
    await store.sent(held, 2)
    await store.retry(held, 3, 'late answer of a slow holder')
    assert.deepEqual(await store.claim(10_000, 60, 10), [])
    await store.forget(1)
    assert.deepEqual(await store.recent(10), [])
  },
}
