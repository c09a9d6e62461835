import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ask, gatewayScene } from '../harness/gateway.ts'
import { eventually } from '../harness/journey.ts'
import { chunk } from '../harness/model-server.ts'
import { requestText } from '../harness/raw.ts'

test('usage that cannot be written is not acknowledged, and the rest goes on when it can', async () => {
  await using scene = await gatewayScene()
  const journal = join(scene.server.platform.config.dataDir, 'journal')
  const call = (more = {}) => scene.post('/v1/chat/completions', { ...ask, ...more })
  await rm(journal, { recursive: true })

  const plain = await call()
  const refused = (await plain.json()) as { error: { code: string; message: string } }
  assert.deepEqual([plain.status, refused.error.code], [503, 'service_unavailable'])
  assert.ok(plain.headers.get('retry-after'))
  assert.ok(!/ENOENT|journal|\/tmp/.test(refused.error.message))
  const streamed = await (await call({ stream: true })).text()
  assert.match(streamed, /"code":"service_unavailable"/)
  assert.ok(
    !streamed.includes('[DONE]'),
    'a stream says so, too, and never ends as if all were well',
  )
  const ready = await fetch(`${scene.server.origin}/readyz`)
  assert.equal(ready.status, 503)
  assert.match(await ready.text(), /usage journal/)
  assert.equal((await scene.person.get('/api/account')).status, 200, 'the console goes on')

  await mkdir(journal)
  await eventually('calls are served again', 2_000, async () => (await call()).status === 200)
  assert.equal((await fetch(`${scene.server.origin}/readyz`)).status, 200)
  await scene.calls(1)
})

test('a client that never reads holds back the model server and fills no memory', async () => {
  const piece = chunk({ content: 'x'.repeat(60_000) })
  let sent = 0
  await using scene = await gatewayScene({
    behave: async (_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let i = 0; i < 5_000 && !res.destroyed; i++) {
        sent += piece.length
        if (!res.write(piece))
          await Promise.race([once(res, 'drain'), once(res, 'close')]).catch(() => {})
      }
      res.end()
    },
  })
  const before = process.memoryUsage().rss
  const socket = connect(Number(new URL(scene.server.origin).port), '127.0.0.1')
  socket.pause()
  socket.write(
    requestText(
      'POST',
      '/v1/chat/completions',
      { Authorization: `Bearer ${scene.key.secret}`, 'Content-Type': 'application/json' },
      JSON.stringify({ ...ask, stream: true }),
    ),
  )
  await eventually('the model server waits', 10_000, async () => {
    const seen = sent
    await pause(400)
    return seen > 0 && seen === sent
  })
  // What the kernel buffers on both ways, and little more; the whole answer is 300 MB.
  assert.ok(sent < 48 * 1024 * 1024, `${sent} bytes were taken from the model server`)
  assert.ok(process.memoryUsage().rss - before < 96 * 1024 * 1024)
  assert.equal(
    (
      await fetch(`${scene.server.origin}/v1/models`, {
        headers: { authorization: `Bearer ${scene.key.secret}` },
      })
    ).status,
    200,
    'others are served meanwhile',
  )

  socket.destroy()
  await eventually('the model server is let go', 2_000, async () => scene.model.abandoned === 1)
  const [call] = await scene.calls(1)
  assert.equal(call?.outcome, 'client_gone')
})
