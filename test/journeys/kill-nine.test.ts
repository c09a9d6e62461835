import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createKey, eventually, hello } from '../harness/journey.ts'
import { signedUp } from '../harness/person.ts'
import { startProcess } from '../harness/process.ts'
import { freePort } from '../harness/server.ts'

const main = join(import.meta.dirname, '../../server/src/main.ts')

/**
 * A client keeps a ledger of what was acknowledged; the process is killed at a random moment, again
 * and again. Everything in the ledger must be there afterwards, and each call exactly once.
 */
test('kill -9 loses nothing that was acknowledged and doubles nothing', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-kill-'))
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const start = async () => {
    const server = startProcess(main, [], { LATCHKEY_ORIGIN: origin, LATCHKEY_DATA_DIR: dataDir })
    t.after(() => server.signal('SIGKILL'))
    await server.saw('Latchkey is ready')
    return server
  }
  const acknowledged = {
    keys: new Set<string>(),
    calls: new Set<string>(),
    accounts: new Set<string>(),
  }

  let server = await start()
  const { person } = await signedUp(origin)
  const key = await createKey(person)
  const rounds = 8
  for (let round = 0; round < rounds; round++) {
    let running = true
    const load = async (step: () => Promise<void>) => {
      while (running) {
        try {
          await step()
        } catch {
          return // the server is gone; what it did not acknowledge does not count
        }
      }
    }
    const call = async () => {
      const response = await fetch(`${origin}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
        body: JSON.stringify(hello),
      })
      await response.arrayBuffer()
      if (response.status === 200)
        acknowledged.calls.add(response.headers.get('x-request-id') ?? '')
    }
    const work = [
      load(call),
      load(call),
      load(async () => {
        const made = await createKey(person, { name: `Key ${acknowledged.keys.size}` })
        acknowledged.keys.add(made.id)
      }),
      load(async () => {
        const made = await signedUp(origin, {
          email: `kill${round}.${acknowledged.accounts.size}@example.com`,
        })
        acknowledged.accounts.add(made.accountId)
      }),
    ]
    const before = acknowledged.calls.size
    await eventually(
      'some calls',
      10_000,
      async () => acknowledged.calls.size > before + 5 + round * 7,
    )
    server.signal('SIGKILL')
    running = false
    await Promise.all(work)
    await server.ended
    server = await start()
  }
  assert.ok(acknowledged.calls.size > 100 && acknowledged.keys.size > rounds)

  // The old session still works, and the log has caught up with the journal.
  await person.expect(200, 'GET', '/api/account')
  const database = new DatabaseSync(join(dataDir, 'latchkey.db'), { readOnly: true })
  const ids = (table: string, column: string) =>
    database
      .prepare(`select ${column} as id from ${table}`)
      .all()
      .map((row) => String(row.id))
  await eventually('every call in the records', 5_000, async () => {
    const recorded = new Set(ids('usage_records', 'request_id'))
    return [...acknowledged.calls].every((id) => recorded.has(id))
  })
  const recorded = ids('usage_records', 'request_id')
  assert.equal(new Set(recorded).size, recorded.length)
  const sums = database.prepare('select sum(requests) as requests from usage_days').get()
  assert.equal(sums?.requests, recorded.length, 'the daily sums agree with the records')
  const lost = (made: Set<string>, found: string[]) => [...made].filter((id) => !found.includes(id))
  assert.deepEqual(lost(acknowledged.keys, ids('api_keys', 'id')), [])
  assert.deepEqual(lost(acknowledged.accounts, ids('accounts', 'id')), [])
  assert.equal(database.prepare('pragma integrity_check').get()?.integrity_check, 'ok')
  database.close()
  server.signal('SIGTERM')
  assert.deepEqual(await server.ended, { code: 0, signal: null })
  await rm(dataDir, { recursive: true, force: true })
})
