import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { ask, gatewayScene, refusalOf } from '../../../test/harness/gateway.ts'
import { eventually } from '../../../test/harness/journey.ts'
import { completion, sendJson, streamWords, usage } from '../../../test/harness/model-server.ts'

type Details = { details: Record<string, unknown>; help: string }

test('requests per minute: the next one is refused with when to come back, and then served', async () => {
  await using scene = await gatewayScene({ key: { limits: { requests_per_minute: 3 } } })
  for (let i = 0; i < 3; i++) await scene.client.chat.completions.create(ask)
  const refused = await refusalOf(scene.client.chat.completions.create(ask))
  assert.ok(refused instanceof OpenAI.RateLimitError)
  assert.equal(refused.code, 'rate_limit_exceeded')
  assert.equal(refused.type, 'requests')
  assert.equal((refused.error as Details).details.limit, 'requests_per_minute')
  const wait = Number(refused.headers?.get('retry-after-ms'))
  assert.ok(wait > 15_000 && wait <= 20_000, `${wait}`)
  assert.equal(refused.headers?.get('x-ratelimit-remaining-requests'), '0')
  scene.server.clock.advance(wait)
  await scene.client.chat.completions.create(ask)
})

test('tokens per minute: taken by estimate, settled by what was used', async () => {
  await using scene = await gatewayScene({
    key: { limits: { tokens_per_minute: 200 } },
    behave: (_request, res) => sendJson(res, 200, completion('x', usage(50, 100))),
  })
  await scene.client.chat.completions.create({ ...ask, max_tokens: 100 })
  const refused = await refusalOf(scene.client.chat.completions.create({ ...ask, max_tokens: 100 }))
  assert.equal(refused.type, 'tokens')
  const tooLarge = await refusalOf(
    scene.client.chat.completions.create({ ...ask, max_tokens: 5_000 }),
  )
  assert.equal(tooLarge.headers?.get('x-should-retry'), 'false')
  scene.server.clock.advance(60_000)
  await scene.client.chat.completions.create({ ...ask, max_tokens: 100 })
})

test('concurrency: what runs counts, what has ended does not, however it ended', async () => {
  await using scene = await gatewayScene({
    key: { limits: { concurrency: 2 } },
    behave: (request, res) => streamWords(request, res, ['a', 'b', 'c', 'd', 'e', 'f'], 60),
  })
  const first = await scene.client.chat.completions.create({ ...ask, stream: true })
  const second = await scene.client.chat.completions.create({ ...ask, stream: true })
  const refused = await refusalOf(scene.client.chat.completions.create({ ...ask, stream: true }))
  assert.equal((refused.error as Details).details.limit, 'concurrency')
  first.controller.abort()
  for await (const _ of second) {
    // read to its end
  }
  const again = await eventually('a place is free again', 1_000, () =>
    scene.client.chat.completions.create({ ...ask, stream: true }).catch(() => null),
  )
  again.controller.abort()
})

test('50 calls at once on a budget for 5: exactly 5 are served', async () => {
  await using scene = await gatewayScene({
    // 7 in and 3 out cost 13 micro-units.
    key: { budget: { amount_micros: 65, period: 'total' } },
    behave: async (_request, res) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      sendJson(res, 200, completion('x'))
    },
  })
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, () => scene.client.chat.completions.create(ask)),
  )
  const served = results.filter((result) => result.status === 'fulfilled').length
  assert.equal(served, 5)
  assert.equal(scene.model.requests.length, 5, 'what is refused never reaches the model server')
  for (const result of results)
    if (result.status === 'rejected') {
      assert.ok(result.reason instanceof OpenAI.RateLimitError)
      assert.equal(result.reason.code, 'insufficient_quota')
    }
})

test('an exhausted budget costs the openai client exactly one request, and says which budget', async () => {
  await using scene = await gatewayScene({
    key: { budget: { amount_micros: 13, period: 'day' } },
    maxRetries: 3,
  })
  await scene.client.chat.completions.create(ask)
  const before = scene.sent()
  const refused = await refusalOf(scene.client.chat.completions.create(ask))
  assert.ok(refused instanceof OpenAI.RateLimitError)
  assert.equal(refused.code, 'insufficient_quota')
  assert.equal(scene.sent() - before, 1)
  const { details, help } = refused.error as Details
  assert.equal(details.period, 'day')
  assert.equal(details.amount_micros, 13)
  assert.ok(help.startsWith(scene.server.origin))

  scene.server.clock.advance(24 * 3_600_000)
  await scene.client.chat.completions.create(ask)
})

test('a raised budget counts at once, and what was spent before stays spent', async () => {
  await using scene = await gatewayScene({
    key: { budget: { amount_micros: 13, period: 'total' } },
  })
  await scene.client.chat.completions.create(ask)
  await refusalOf(scene.client.chat.completions.create(ask))
  await scene.person.expect(200, 'PATCH', `/api/keys/${scene.key.id}`, {
    budget: { amount_micros: 26, period: 'total' },
  })
  await scene.client.chat.completions.create(ask)
  await refusalOf(scene.client.chat.completions.create(ask))
})

test('calls that fail hold nothing of the budget afterwards', async () => {
  await using scene = await gatewayScene({
    key: { budget: { amount_micros: 60_000, period: 'total' } },
    behave: (_request, res, nth) => {
      if (nth % 3 === 0) return sendJson(res, 200, completion('x', usage(1, 1)))
      if (nth % 3 === 1) return sendJson(res, 500, { error: { message: 'no' } })
      return res.destroy()
    },
  })
  await Promise.allSettled(
    Array.from({ length: 30 }, () => scene.client.chat.completions.create(ask)),
  )
  const answer = await scene.post('/v1/chat/completions', { ...ask, max_tokens: 10 })
  await answer.text()
  assert.notEqual(answer.status, 429)
})
