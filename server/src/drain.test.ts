import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { signedUp } from '../../test/harness/person.ts'
import { startProcess } from '../../test/harness/process.ts'

const main = fileURLToPath(import.meta.resolve('./main.ts'))

/** A model server that begins an answer and goes on only when the test says so. */
async function hesitantUpstream() {
  const answers: ServerResponse[] = []
  const server = createServer((req, res) => {
    if (req.method !== 'POST') return res.end('{"object":"list","data":[]}')
    req.resume()
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(chunk('first'))
    answers.push(res)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}/v1`,
    finish() {
      for (const res of answers) res.end(`${chunk(' last', 'stop')}data: [DONE]\n\n`)
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const chunk = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({
    id: 'x',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta: { content }, finish_reason: finish }],
  })}\n\n`

async function freePort(): Promise<number> {
  const probe = createTcpServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

/** A server process with one stream running through it. */
async function streaming(drainSeconds: number) {
  const upstream = await hesitantUpstream()
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-drain-'))
  const origin = `http://localhost:${await freePort()}`
  const running = startProcess(main, [], {
    LATCHKEY_ORIGIN: origin,
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_DRAIN_SECONDS: String(drainSeconds),
    LATCHKEY_UPSTREAMS: JSON.stringify([{ name: 'slow', base_url: upstream.url, models: ['m'] }]),
  })
  await running.saw('Ctrl-C')
  const { person } = await signedUp(origin)
  const projects = await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/projects')
  const key = await person.expect<{ secret: string }>(
    201,
    'POST',
    `/api/projects/${projects.items[0]?.id}/keys`,
    { name: 'drain' },
  )
  const response = await fetch(`${origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'm',
      stream: true,
      messages: [{ role: 'user', content: 'hello' }],
    }),
  })
  assert.equal(response.status, 200)
  const reader = response.body?.getReader()
  assert.ok(reader)
  const begun = await reader.read()
  assert.match(Buffer.from(begun.value ?? []).toString(), /first/)
  return {
    running,
    origin,
    upstream,
    /** The rest of the answer, to its end. */
    async rest() {
      let text = ''
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text
        text += Buffer.from(value).toString()
      }
    },
    async [Symbol.asyncDispose]() {
      upstream.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

test('SIGTERM takes no new request, lets a running stream finish and exits 0', async () => {
  await using one = await streaming(20)
  one.running.signal('SIGTERM')
  await one.running.saw('stopping')
  await assert.rejects(fetch(`${one.origin}/healthz`, { headers: { connection: 'close' } }))
  one.upstream.finish()
  assert.match(await one.rest(), / last[\s\S]*\[DONE\]/)
  assert.deepEqual(await one.running.ended, { code: 0, signal: null })
})

test('a stream that outlives the time for draining is ended, and the exit is still 0', async () => {
  await using one = await streaming(1)
  one.running.signal('SIGTERM')
  const text = await one.rest().catch(() => 'cut')
  assert.doesNotMatch(text, /\[DONE\]/)
  assert.equal((await one.running.ended).code, 0)
})

test('a second Ctrl-C exits at once', async () => {
  await using one = await streaming(60)
  one.running.signal('SIGINT')
  await one.running.saw('stopping')
  await new Promise((resolve) => setTimeout(resolve, 600)) // sooner counts as the same Ctrl-C
  one.running.signal('SIGINT')
  assert.equal((await one.running.ended).code, 130)
  await one.rest().catch(() => {})
})
