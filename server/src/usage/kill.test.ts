import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createKey, eventually } from '../../../test/harness/journey.ts'
import { ModelServer } from '../../../test/harness/model-server.ts'
import { signedUp } from '../../../test/harness/person.ts'
import { startProcess } from '../../../test/harness/process.ts'
import { freePort } from '../../../test/harness/server.ts'

const main = join(import.meta.dirname, '../main.ts')

test('kill -9 under load: every acknowledged call is in the database once, and the sums agree', async () => {
  await using model = await new ModelServer().listen()
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-kill-'))
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const env = {
    LATCHKEY_ORIGIN: origin,
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_UPSTREAMS: JSON.stringify([model.setting()]),
  }
  const start = async () => {
    const process = startProcess(main, [], env)
    await eventually('the server is ready', 10_000, () =>
      fetch(`${origin}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      ),
    )
    return process
  }

  let server = await start()
  const { person } = await signedUp(origin)
  const key = await createKey(person)
  const acknowledged: string[] = []
  for (let kill = 0; kill < 3; kill++) {
    let alive = true
    const caller = async () => {
      while (alive) {
        const streamed = acknowledged.length % 2 === 0
        try {
          const answer = await fetch(`${origin}/v1/chat/completions`, {
            method: 'POST',
            headers: {
              authorization: `Bearer ${key.secret}`,
              'content-type': 'application/json',
            },
            body: JSON.stringify({ model: 'm1', messages: [], stream: streamed }),
          })
          const text = await answer.text()
          if (answer.status === 200 && (!streamed || text.endsWith('data: [DONE]\n\n')))
            acknowledged.push(answer.headers.get('x-request-id') ?? '')
        } catch {
          return // killed under our hands: not acknowledged
        }
      }
    }
    const callers = Array.from({ length: 8 }, caller)
    // Somewhere between drains, at a different moment each time.
    await new Promise((resolve) => setTimeout(resolve, 350 + kill * 130))
    server.signal('SIGKILL')
    alive = false
    await Promise.all([...callers, server.ended])
    server = await start()
  }
  server.signal('SIGTERM')
  assert.equal((await server.ended).code, 0)

  assert.ok(acknowledged.length > 50, `${acknowledged.length} calls`)
  const db = new DatabaseSync(join(dataDir, 'latchkey.db'), { readOnly: true })
  const rows = db.prepare('select request_id, cost_micros from usage_records').all() as {
    request_id: string
    cost_micros: number
  }[]
  const stored = new Set(rows.map((row) => row.request_id))
  const lost = acknowledged.filter((id) => !stored.has(id))
  assert.deepEqual(lost, [])
  assert.equal(stored.size, rows.length)
  const [days] = db
    .prepare('select sum(requests) as requests, sum(cost_micros) as cost from usage_days')
    .all() as { requests: number; cost: number }[]
  assert.deepEqual(
    [days?.requests, days?.cost],
    [rows.length, rows.reduce((sum, row) => sum + row.cost_micros, 0)],
  )
  const dump = JSON.stringify(db.prepare('select * from api_key_secrets').all())
  assert.ok(!dump.includes(key.secret))
  db.close()
  await rm(dataDir, { recursive: true, force: true })
})
