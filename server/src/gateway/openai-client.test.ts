import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { ask, gatewayScene, refusalOf } from '../../../test/harness/gateway.ts'
import { createKey, hello, openai } from '../../../test/harness/journey.ts'
import { signedUp } from '../../../test/harness/person.ts'
import { startServer } from '../../../test/harness/server.ts'

test('the openai package works against the demo model: chat, responses, embeddings, models', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const client = openai(server, (await createKey(person)).secret)

  const plain = await client.chat.completions.create(hello)
  assert.match(plain.choices[0]?.message.content ?? '', /demo model/)
  const asked = await client.chat.completions.create({
    ...hello,
    stream: true,
    stream_options: { include_usage: true },
  })
  let text = ''
  let usage: OpenAI.CompletionUsage | null | undefined
  for await (const chunk of asked) {
    text += chunk.choices[0]?.delta.content ?? ''
    usage ??= chunk.usage
  }
  assert.equal(text, plain.choices[0]?.message.content)
  assert.deepEqual(usage, plain.usage, 'usage comes to whoever asked for it')

  const response = await client.responses.create({ model: hello.model, input: 'Hello there' })
  assert.match(response.output_text, /demo model/)
  let streamed = ''
  let final: string | undefined
  for await (const event of await client.responses.create({
    model: hello.model,
    input: 'Hello there',
    stream: true,
  })) {
    if (event.type === 'response.output_text.delta') streamed += event.delta
    if (event.type === 'response.completed') final = event.response.output_text
  }
  assert.equal(streamed, response.output_text)
  assert.ok(final === undefined || final === '' || final === streamed)

  const near = await client.embeddings.create({
    model: 'latchkey-demo-embedding',
    input: ['a red fox', 'a red foxes', 'quarterly tax report'],
  })
  const [a, b, c] = near.data.map((item) => item.embedding)
  assert.ok(a && b && c)
  const dot = (x: number[], y: number[]) => x.reduce((sum, v, i) => sum + v * (y[i] ?? 0), 0)
  assert.ok(dot(a, b) > dot(a, c), 'alike texts lie nearer')

  const models = await client.models.list()
  assert.deepEqual(
    models.data.map((model) => model.id),
    ['latchkey-demo', 'latchkey-demo-embedding'],
  )
  assert.equal((await client.models.retrieve('latchkey-demo')).id, 'latchkey-demo')
})

test('errors arrive as the classes and codes the openai package knows', async () => {
  await using scene = await gatewayScene({ key: { scopes: ['models:read'] } })
  const stranger = new OpenAI({
    baseURL: `${scene.server.origin}/v1`,
    apiKey: `${scene.key.secret.slice(0, -1)}x`,
    maxRetries: 0,
  })
  const wrong = await refusalOf(stranger.models.list())
  assert.ok(wrong instanceof OpenAI.AuthenticationError)
  assert.equal(wrong.code, 'invalid_api_key')
  assert.ok(wrong.requestID?.startsWith('req_'))

  const forbidden = await refusalOf(scene.client.chat.completions.create(ask))
  assert.ok(forbidden instanceof OpenAI.PermissionDeniedError)
  assert.equal(forbidden.code, 'insufficient_scope')
  assert.match(forbidden.message, /chat:write/)
  const challenge = forbidden.headers?.get('www-authenticate') ?? ''
  assert.match(challenge, /error="insufficient_scope", scope="chat:write"/)
  assert.ok(
    challenge.includes(
      `resource_metadata="${scene.server.origin}/.well-known/oauth-protected-resource/v1"`,
    ),
  )

  await scene.person.expect(200, 'PATCH', `/api/keys/${scene.key.id}`, {
    scopes: ['chat:write'],
    models: ['m2'],
  })
  const missing = await refusalOf(scene.client.chat.completions.create(ask))
  assert.ok(missing instanceof OpenAI.NotFoundError)
  assert.equal(missing.code, 'model_not_found')
  assert.equal(missing.param, 'model')
})

test('a client that prefers Chinese reads Chinese', async () => {
  await using scene = await gatewayScene()
  const response = await scene.post(
    '/v1/chat/completions',
    { ...ask, model: 'nope' },
    { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.5' },
  )
  assert.equal(response.status, 404)
  assert.match(((await response.json()) as { error: { message: string } }).error.message, /不存在/)
})

test('GET /v1/key reads the own limits and spend', async () => {
  await using scene = await gatewayScene({
    key: {
      limits: { requests_per_minute: 60 },
      budget: { amount_micros: 1_000, period: 'month' },
    },
  })
  await scene.client.chat.completions.create(ask)
  const response = await fetch(`${scene.server.origin}/v1/key`, {
    headers: { authorization: `Bearer ${scene.key.secret}` },
  })
  const body = (await response.json()) as Record<string, Record<string, unknown>>
  assert.equal(body.limits?.requests_per_minute, 60)
  assert.equal(body.budget?.spent_micros, 13)
  assert.equal(body.budget?.remaining_micros, 987)
  assert.equal(body.usage?.requests, 1)
  assert.equal(response.headers.get('x-ratelimit-limit-requests'), '60')
})
