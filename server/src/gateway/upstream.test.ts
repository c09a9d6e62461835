import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { ask, gatewayScene, refusalOf } from '../../../test/harness/gateway.ts'
import {
  answerPlainly,
  chunk,
  completion,
  done,
  ModelServer,
  sendJson,
  usage,
  usageChunk,
} from '../../../test/harness/model-server.ts'

test('a model server sees its own key and the body, and nothing else of the client', async () => {
  await using scene = await gatewayScene()
  const answer = await scene.post(
    '/v1/chat/completions',
    {
      ...ask,
      seed: 7,
      api_base: 'http://evil.example',
      base_url: 'http://evil.example',
      api_key: 'sk-evil',
      extra_headers: { host: 'evil.example' },
      __proto__: undefined,
    },
    {
      cookie: 'a=b',
      'x-forwarded-for': '1.2.3.4',
      'x-portkey-custom-host': 'http://evil.example',
      'openai-organization': 'org-x',
      'x-original-url': '/v1/models',
    },
  )
  assert.equal(answer.status, 200)
  const [seen] = scene.model.requests
  assert.ok(seen)
  assert.deepEqual(Object.keys(seen.headers).sort(), [
    'accept',
    'authorization',
    'content-length',
    'content-type',
    'host',
    'user-agent',
  ])
  assert.equal(seen.headers.authorization, 'Bearer upstream-canary-7d1f')
  assert.deepEqual(seen.json, { ...ask, seed: 7 })
})

test('a body without anything to take out arrives byte for byte', async () => {
  await using scene = await gatewayScene()
  const body =
    '{ "model":"m1" , "seed": 12345678901234567890, "messages":[{"role":"user","content":"é\\n"}] }'
  assert.equal((await scene.post('/v1/chat/completions', body)).status, 200)
  assert.equal(scene.model.requests[0]?.body, body)
})

test('two spellings of model reach the model server as one', async () => {
  await using scene = await gatewayScene({ key: { models: ['m1'] } })
  for (const body of [
    '{"model":"secret","model":"m1","messages":[]}',
    '{"model":"m1","Model":"secret","messages":[]}',
    '{"mod\\u0065l":"secret","model":"m1","messages":[]}',
  ]) {
    await (await scene.post('/v1/chat/completions', body)).text()
    assert.ok(!scene.model.requests.at(-1)?.body.includes('secret'), body)
  }
})

test('neither the upstream key nor its address reaches the client or the log', async () => {
  await using scene = await gatewayScene({
    behave: (request, res) =>
      sendJson(
        res,
        400,
        {
          error: {
            message: `bad key ${request.headers.authorization} at ${request.headers.host}`,
            type: 'x',
            code: 'nope',
          },
        },
        { 'x-upstream-secret': 'upstream-canary-7d1f', 'set-cookie': 'a=b' },
      ),
  })
  const answer = await scene.post('/v1/chat/completions', ask)
  const all = JSON.stringify([...answer.headers]) + (await answer.text())
  assert.equal(answer.status, 400)
  assert.ok(!all.includes('canary'), all)
  assert.ok(!all.includes('127.0.0.1'), all)
  assert.ok(!answer.headers.has('set-cookie'))
  assert.match(all, /"code":"nope"/)
  const log = scene.server.logLines.join('')
  assert.ok(!log.includes('canary') && !log.includes(scene.key.secret))
})

test('an upstream that refuses our own key is our fault, not the client’s', async () => {
  await using scene = await gatewayScene({
    behave: (_request, res) => sendJson(res, 401, { error: { message: 'who are you' } }),
  })
  const refused = await refusalOf(scene.client.chat.completions.create(ask))
  assert.equal(refused.status, 502)
  assert.equal(refused.code, 'upstream_error')
})

test('a server that is down is passed over, without the client noticing', async () => {
  await using second = await new ModelServer().listen()
  await using scene = await gatewayScene({
    upstreams: (model) => [
      model.setting({ name: 'down', base_url: 'http://127.0.0.1:1/v1' }),
      second.setting({ name: 'up', priority: 1 }),
    ],
  })
  for (let i = 0; i < 8; i++) await scene.client.chat.completions.create(ask)
  assert.equal(second.requests.length, 8)
  const log = await scene.calls(8)
  assert.ok(log.every((call) => call.status === 200))
})

for (const status of [429, 502, 503, 504])
  test(`a ${status} is tried elsewhere once, and metered once`, async () => {
    await using second = await new ModelServer().listen()
    await using scene = await gatewayScene({
      behave: (_request, res) => sendJson(res, status, { error: { message: 'busy' } }),
      upstreams: (model) => [model.setting(), second.setting({ name: 'second', priority: 1 })],
    })
    await scene.client.chat.completions.create(ask)
    assert.deepEqual([scene.model.requests.length, second.requests.length], [1, 1])
    await scene.calls(1)
  })

test('retries are a small part of the load of a server in trouble', async () => {
  await using scene = await gatewayScene({
    behave: (_request, res) => sendJson(res, 503, { error: { message: 'busy' } }),
  })
  for (let i = 0; i < 30; i++) await refusalOf(scene.client.chat.completions.create(ask))
  assert.ok(scene.model.requests.length <= 45, `${scene.model.requests.length} requests for 30`)
})

test('a busy server’s Retry-After reaches the client', async () => {
  await using scene = await gatewayScene({
    behave: (_request, res) =>
      sendJson(res, 429, { error: { message: 'slow down' } }, { 'retry-after': '7' }),
  })
  const refused = await refusalOf(scene.client.chat.completions.create(ask))
  assert.ok(refused instanceof OpenAI.RateLimitError)
  assert.equal(refused.headers?.get('retry-after'), '7')
  assert.equal(scene.model.requests.length, 1)
})

test('an upstream that resets before answering is not asked twice', async () => {
  await using scene = await gatewayScene({ behave: (_request, res) => res.destroy() })
  const refused = await refusalOf(scene.client.chat.completions.create(ask))
  assert.equal(refused.status, 502)
  assert.equal(scene.model.requests.length, 1)
  const [call] = await scene.calls(1)
  assert.equal(call?.outcome, 'upstream_cut')
})

test('a kept-alive connection that the server has closed costs nothing', async () => {
  await using scene = await gatewayScene({
    behave: (_request, res, nth, socket) => {
      sendJson(res, 200, completion(`answer ${nth}`))
      if (nth === 1) setTimeout(() => socket.destroy(), 20)
    },
  })
  await scene.client.chat.completions.create(ask)
  await new Promise((resolve) => setTimeout(resolve, 60))
  await scene.client.chat.completions.create(ask)
})

const streamOf = async (scene: { client: OpenAI }) => {
  const pieces: string[] = []
  const stream = await scene.client.chat.completions.create({ ...ask, stream: true })
  for await (const part of stream) {
    assert.ok(part.choices.length > 0, 'no usage event without asking')
    pieces.push(part.choices[0]?.delta.content ?? '')
  }
  return pieces.join('')
}

test('an answer cut in the middle ends in an error, never in silence', async () => {
  await using scene = await gatewayScene({
    behave: (_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(chunk({ content: 'half' }))
      setTimeout(() => res.destroy(), 20)
    },
  })
  await assert.rejects(streamOf(scene), OpenAI.APIError)
  const [call] = await scene.calls(1)
  assert.deepEqual([call?.outcome, call?.output_tokens, call?.estimated], ['upstream_cut', 1, true])
})

test('an answer that stops politely but incomplete is an error too', async () => {
  await using scene = await gatewayScene({
    behave: (_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.end(chunk({ content: 'half' }))
    },
  })
  await assert.rejects(streamOf(scene), OpenAI.APIError)
})

test('events split at every byte arrive as they were sent, with their usage counted', async () => {
  const text = [
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: 'héllo ' }),
    chunk({ content: 'wörld' }),
    chunk({}, 'stop'),
    usageChunk(usage(11, 2, 4)),
    done,
  ].join('')
  await using scene = await gatewayScene({
    behave: async (_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length; at += 7) {
        res.write(bytes.subarray(at, at + 7))
        if (at % 70 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      res.end()
    },
  })
  assert.equal(await streamOf(scene), 'héllo wörld')
  const [call] = await scene.calls(1)
  assert.deepEqual(
    [call?.input_tokens, call?.cached_input_tokens, call?.output_tokens, call?.estimated],
    [11, 4, 2, false],
  )
  assert.equal(call?.cost_micros, 7 + 2 + 4)
})

test('a stream passes unchanged but for the usage event that was not asked for', async () => {
  const events = [chunk({ content: 'a' }), ': note\n\n', chunk({}, 'stop')]
  await using scene = await gatewayScene({
    behave: (_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.end(events.join('') + usageChunk(usage(1, 1)) + done)
    },
  })
  const plain = await scene.post('/v1/chat/completions', { ...ask, stream: true })
  assert.equal(await plain.text(), events.join('') + done)
  const asking = await scene.post('/v1/chat/completions', {
    ...ask,
    stream: true,
    stream_options: { include_usage: true },
  })
  assert.equal(await asking.text(), events.join('') + usageChunk(usage(1, 1)) + done)
})

test('audio goes through as a form, by its model field', async () => {
  await using scene = await gatewayScene({
    behave: (_request, res) => sendJson(res, 200, { text: 'hello' }),
  })
  const said = await scene.client.audio.transcriptions.create({
    model: 'm1',
    file: new File([new Uint8Array(2_000)], 'a.wav'),
  })
  assert.equal(said.text, 'hello')
  assert.match(scene.model.requests[0]?.headers['content-type'] ?? '', /^multipart\/form-data/)
  assert.equal(scene.model.requests[0]?.url, '/v1/audio/transcriptions')
})

test('sound comes back byte for byte', async () => {
  const sound = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 256))
  await using scene = await gatewayScene({
    behave: (_request, res) => {
      res.writeHead(200, { 'content-type': 'audio/mpeg' })
      res.end(sound)
    },
  })
  const answer = await scene.client.audio.speech.create({ model: 'm1', voice: 'alloy', input: 'x' })
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(sound))
})

test('a large answer and a large request come through whole', async () => {
  const content = 'x'.repeat(3_000_000)
  await using scene = await gatewayScene({
    behave: (request, res) => sendJson(res, 200, completion(String(request.body.length) + content)),
  })
  const answer = await scene.client.chat.completions.create({
    ...ask,
    messages: [{ role: 'user', content }],
  })
  assert.ok((answer.choices[0]?.message.content?.length ?? 0) > 3_000_000)
})

test('the demo’s place is taken by configured servers', async () => {
  await using scene = await gatewayScene({ behave: answerPlainly })
  const { data } = await scene.client.models.list()
  assert.deepEqual(
    data.map(({ id }) => id),
    ['m1'],
  )
})
