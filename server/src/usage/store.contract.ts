import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordRow } from './record-line.ts'
import type { UsageStore } from './store.ts'
import type { UsageRecord } from './usage-record.ts'

let made = 0

export const row = (more: Partial<RecordRow> = {}): RecordRow => ({
  request_id: `req_${String(++made).padStart(26, '0')}`,
  at: Date.UTC(2026, 10, 21, 12) + made,
  organization_id: 'org_1',
  project_id: 'proj_1',
  account_id: 'acct_1',
  credential_kind: 'key',
  credential_id: 'key_1',
  endpoint: '/v1/chat/completions',
  model: 'm1',
  upstream: 'u',
  status: 200,
  outcome: 'complete',
  streamed: 0,
  input_tokens: 10,
  cached_input_tokens: 4,
  output_tokens: 5,
  estimated: 0,
  cost_micros: 7,
  first_byte_ms: 3,
  duration_ms: 9,
  ...more,
})

const recordOf = (one: RecordRow): UsageRecord => ({
  requestId: one.request_id,
  at: one.at,
  organizationId: one.organization_id,
  projectId: one.project_id,
  accountId: one.account_id,
  credentialKind: 'key',
  credentialId: one.credential_id,
  endpoint: one.endpoint,
  model: one.model,
  upstream: one.upstream,
  status: one.status,
  outcome: 'complete',
  streamed: one.streamed === 1,
  inputTokens: one.input_tokens,
  cachedInputTokens: one.cached_input_tokens,
  outputTokens: one.output_tokens,
  estimated: one.estimated === 1,
  costMicros: one.cost_micros,
  firstByteMs: one.first_byte_ms,
  durationMs: one.duration_ms,
})

/** What every usage store shows. */
export function usageStoreContract(
  name: string,
  open: () => Promise<{ store: UsageStore; close(): Promise<void> }>,
): void {
  const on = { organizationIds: ['org_1'], fromDay: '2026-01-01', toDay: '2026-12-31' }

  test(`${name}: the same record saved again, or twice in one go, counts once`, async () => {
    const { store, close } = await open()
    const rows = [row(), row(), row({ model: 'm2' })]
    assert.equal((await store.save(rows)).length, 3)
    assert.equal((await store.save(rows)).length, 0)
    const more = row()
    const twice = await store.save([...rows, more, more])
    assert.deepEqual(
      twice.map((one) => one.request_id),
      [more.request_id],
    )
    const total = await store.totals({ id: 'key_1', organizationId: 'org_1' }, null)
    assert.deepEqual(total, {
      requests: 4,
      inputTokens: 40,
      cachedInputTokens: 16,
      outputTokens: 20,
      costMicros: 28,
    })
    await close()
  })

  test(`${name}: records taken for new ones are counted, or none of them when one was there`, async () => {
    const { store, close } = await open()
    const rows = [row(), row()]
    const records = rows.map(recordOf)
    await store.saveNew(records)
    const late = row()
    await assert.rejects(store.saveNew([recordOf(late), ...records]))
    const total = await store.totals({ id: 'key_1', organizationId: 'org_1' }, null)
    assert.deepEqual([total.requests, total.costMicros], [2, 14])
    assert.equal((await store.save([late])).length, 1)
    await close()
  })

  test(`${name}: fifty savers of overlapping records at once agree with the records`, async () => {
    const { store, close } = await open()
    const rows = Array.from({ length: 60 }, () => row())
    await Promise.all(Array.from({ length: 50 }, (_, i) => store.save(rows.slice(i, i + 10))))
    const total = await store.totals({ id: 'key_1', organizationId: 'org_1' }, null)
    assert.equal(total.requests, 59)
    assert.equal(total.costMicros, 59 * 7)
    await close()
  })

  test(`${name}: sums by day, model, key and project; other organizations stay out`, async () => {
    const { store, close } = await open()
    await store.save([
      row({ at: Date.UTC(2026, 10, 20, 23, 59, 59, 999) }),
      row({ at: Date.UTC(2026, 10, 21) }),
      row({ model: 'm2', credential_id: 'key_2', project_id: null, cost_micros: 100 }),
      row({ organization_id: 'org_2', cost_micros: 1_000_000 }),
    ])
    const by = async (group: 'day' | 'model' | 'key' | 'project') =>
      (await store.grouped(on, group)).map((one) => [one.value, one.requests, one.costMicros])
    assert.deepEqual(await by('day'), [
      ['2026-11-20', 1, 7],
      ['2026-11-21', 2, 107],
    ])
    assert.deepEqual(await by('model'), [
      ['m2', 1, 100],
      ['m1', 2, 14],
    ])
    assert.deepEqual(await by('key'), [
      ['key_2', 1, 100],
      ['key_1', 2, 14],
    ])
    assert.deepEqual(await by('project'), [
      ['', 1, 100],
      ['proj_1', 2, 14],
    ])
    const today = await store.grouped({ ...on, fromDay: '2026-11-21' }, 'day')
    assert.equal(today.length, 1)
    assert.equal((await store.days(on)).length, 3)
    assert.deepEqual(await store.grouped({ ...on, organizationIds: [] }, 'day'), [])
    await close()
  })

  test(`${name}: calls come newest first, page after page, none missed or twice`, async () => {
    const { store, close } = await open()
    const at = Date.UTC(2026, 10, 21)
    const rows = Array.from({ length: 25 }, (_, i) => row({ at: at + Math.floor(i / 4) }))
    await store.save([...rows, row({ organization_id: 'org_2' })])
    const seen: string[] = []
    let before: { at: number; requestId: string } | null = null
    for (;;) {
      const page: RecordRow[] = await store.calls({
        organizationIds: ['org_1'],
        credentialId: null,
        before,
        limit: 7,
      })
      seen.push(...page.map((one) => one.request_id))
      const last = page.at(-1)
      if (page.length < 7 || !last) break
      before = { at: last.at, requestId: last.request_id }
    }
    assert.deepEqual(seen, rows.map((one) => one.request_id).reverse())
    await close()
  })
}
