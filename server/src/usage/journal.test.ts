import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLog } from '#platform/log/log.ts'
import { createDrainer } from './drain.ts'
import { openJournal } from './journal.ts'
import { journalLine, type RecordRow, readSegment, recordJson } from './record-line.ts'

import type { UsageStore } from './store.ts'
import type { UsageRecord } from './usage-record.ts'

const recordLine = (one: UsageRecord) => journalLine(recordJson(one))

let made = 0
const record = (more: Partial<UsageRecord> = {}): UsageRecord => ({
  requestId: `req_${String(++made).padStart(26, '0')}`,
  at: 1_800_000_000_000,
  organizationId: 'org_1',
  projectId: null,
  accountId: 'acct_1',
  credentialKind: 'key',
  credentialId: 'key_1',
  endpoint: '/v1/chat/completions',
  model: 'm1',
  upstream: 'u',
  status: 200,
  outcome: 'complete',
  streamed: true,
  inputTokens: 1,
  cachedInputTokens: 0,
  outputTokens: 2,
  estimated: false,
  costMicros: 3,
  firstByteMs: null,
  durationMs: 4,
  ...more,
})

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'latchkey-journal-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const written = (journal: ReturnType<typeof openJournal>, one: UsageRecord) =>
  new Promise<void>((resolve, reject) =>
    journal.record(one, (error) => (error ? reject(error) : resolve())),
  )

async function rowsIn(path: string): Promise<RecordRow[]> {
  const journal = openJournal(path)
  const rows: RecordRow[] = []
  for (const name of await journal.ended()) rows.push(...readSegment(await journal.read(name)).rows)
  return rows
}

test('a line says what the record says, whatever the names hold', () => {
  const odd = record({ model: 'a"b\\c\n\u0000é“', upstream: '}', projectId: 'proj_1' })
  const { rows, torn } = readSegment(recordLine(odd))
  assert.equal(torn, 0)
  assert.equal(rows[0]?.model, odd.model)
  assert.equal(rows[0]?.project_id, 'proj_1')
  assert.equal(rows[0]?.first_byte_ms, null)
  assert.equal(rows[0]?.streamed, 1)
})

test('a record is in the file before its callback runs', async () => {
  await using dir = await folder()
  const journal = openJournal(dir.path)
  await Promise.all(Array.from({ length: 500 }, () => written(journal, record())))
  // Another reader of the folder, as after kill -9: nothing was closed or flushed for it.
  assert.equal((await rowsIn(dir.path)).length, 500)
  await journal.close()
})

test('a torn tail loses the torn line alone, at whatever byte it was cut', async () => {
  const whole = recordLine(record()) + recordLine(record())
  const last = recordLine(record())
  for (let cut = 0; cut < last.length - 1; cut++) {
    const { rows } = readSegment(whole + last.slice(0, cut))
    assert.equal(rows.length, 2)
  }
  const flipped = whole.replace('"m1"', '"m2"')
  assert.deepEqual(readSegment(flipped).torn, 1)
})

test('rotating under load loses nothing and keeps no batch waiting', async () => {
  await using dir = await folder()
  const journal = openJournal(dir.path)
  let open = true
  const load = (async () => {
    let count = 0
    while (open) {
      await Promise.all(Array.from({ length: 20 }, () => written(journal, record())))
      count += 20
    }
    return count
  })()
  for (let i = 0; i < 20; i++) {
    await written(journal, record())
    await journal.rotate()
  }
  open = false
  const count = (await load) + 20
  await journal.close()
  assert.equal((await rowsIn(dir.path)).length, count)
  assert.ok((await readdir(dir.path)).length > 5)
})

test('a folder that cannot be written refuses the record and recovers by itself', async () => {
  await using dir = await folder()
  const path = join(dir.path, 'journal')
  const journal = openJournal(path)
  await rm(path, { recursive: true })
  await assert.rejects(written(journal, record()))
  assert.ok(journal.failure)
  const { mkdir } = await import('node:fs/promises')
  await mkdir(path)
  await written(journal, record())
  assert.equal(journal.failure, null)
  await journal.close()
})

function fakeStore(): UsageStore & { saved: string[]; away: boolean } {
  const seen = new Set<string>()
  return {
    saved: [],
    away: false,
    async save(rows) {
      if (this.away) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
      const fresh = rows.filter((one) => !seen.has(one.request_id) && seen.add(one.request_id))
      this.saved.push(...fresh.map((one) => one.request_id))
      return fresh
    },
    async saveNew(records) {
      await this.save(records.map((one) => JSON.parse(recordJson(one))))
    },
    totals: () => Promise.reject(new Error('not used')),
    grouped: () => Promise.reject(new Error('not used')),
    days: () => Promise.reject(new Error('not used')),
    calls: () => Promise.reject(new Error('not used')),
  }
}

test('while the database is away records stay in the journal; afterwards each arrives once', async () => {
  await using dir = await folder()
  const journal = openJournal(dir.path)
  const store = fakeStore()
  const drainer = createDrainer({
    journal,
    log: createLog('silent'),
    save: (rows) => store.save(rows),
    saveNew: (records) => store.saveNew(records),
  })
  store.away = true
  const ids: string[] = []
  for (let i = 0; i < 5; i++) {
    const one = record()
    ids.push(one.requestId)
    await written(journal, one)
    await assert.rejects(drainer.drain())
  }
  store.away = false
  await drainer.drain()
  assert.deepEqual(store.saved, ids)
  assert.deepEqual(await journal.ended(), [])
  drainer.stop()
  await journal.close()
})

test('a process that died between commit and clean-up doubles nothing', async () => {
  await using dir = await folder()
  const line = recordLine(record())
  const store = fakeStore()
  for (const name of ['000000000001.log', '000000000002.log'])
    await appendFile(join(dir.path, name), line)
  const journal = openJournal(dir.path)
  const drainer = createDrainer({
    journal,
    log: createLog('silent'),
    save: (rows) => store.save(rows),
    saveNew: (records) => store.saveNew(records),
  })
  await drainer.drain()
  assert.equal(store.saved.length, 1)
  await written(journal, record())
  assert.deepEqual(await readdir(dir.path), ['000000000003.log'], 'numbers are not used again')
  drainer.stop()
  await journal.close()
})

test('whoever asks to drain gets everything recorded before the asking', async () => {
  await using dir = await folder()
  const journal = openJournal(dir.path)
  const store = fakeStore()
  const drainer = createDrainer({
    journal,
    log: createLog('silent'),
    save: (rows) => store.save(rows),
    saveNew: (records) => store.saveNew(records),
  })
  const early = drainer.drain()
  for (let i = 0; i < 20; i++) {
    const one = record()
    await written(journal, one)
    await drainer.drain()
    assert.ok(store.saved.includes(one.requestId))
  }
  await early
  drainer.stop()
  await journal.close()
})
