import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { ask, gatewayScene, type Scene } from '../../../test/harness/gateway.ts'
import { eventually } from '../../../test/harness/journey.ts'
import { type Behaviour, streamWords } from '../../../test/harness/model-server.ts'

const endless: Behaviour = (request, res) => streamWords(request, res, Array(2_000).fill('w '), 10)

/** Opens a stream, does the deed, and says how long until the client was told. */
async function cutBy(scene: Scene, deed: () => Promise<unknown>): Promise<number> {
  const stream = await scene.client.chat.completions.create({ ...ask, stream: true })
  const iterator = stream[Symbol.asyncIterator]()
  for (let i = 0; i < 3; i++) await iterator.next()
  await deed()
  const began = performance.now()
  await assert.rejects(async () => {
    for (;;) if ((await iterator.next()).done) throw new Error('the stream ended in silence')
  }, OpenAI.APIError)
  return performance.now() - began
}

const deeds: Record<string, (scene: Scene) => Promise<unknown>> = {
  'disabling the key': (scene) =>
    scene.person.expect(200, 'PATCH', `/api/keys/${scene.key.id}`, { state: 'disabled' }),
  'deleting the key': (scene) => scene.person.expect(204, 'DELETE', `/api/keys/${scene.key.id}`),
  'rotating it without overlap': (scene) =>
    scene.person.expect(201, 'POST', `/api/keys/${scene.key.id}/rotate`, { overlap_seconds: 0 }),
  'suspending the account': async (scene) =>
    scene.server.platform.bus.publish({
      type: 'account.changed',
      accountId: scene.accountId,
      epoch: 99,
      allowed: false,
    }),
}

for (const [name, deed] of Object.entries(deeds))
  test(`${name} ends a running stream within a second, and it is metered`, async () => {
    await using scene = await gatewayScene({ behave: endless })
    const took = await cutBy(scene, () => deed(scene))
    assert.ok(took < 1_000, `${took} ms`)
    const [call] = await scene.calls(1)
    assert.equal(call?.outcome, 'cut_off')
    assert.ok(call.output_tokens >= 2 && call.estimated)
    await eventually('the model server is let go', 1_000, async () => scene.model.abandoned === 1)
  })

test('changing a name or rotating with overlap leaves running streams alone', async () => {
  await using scene = await gatewayScene({
    behave: (request, res) => streamWords(request, res, Array(12).fill('w '), 15),
  })
  const stream = await scene.client.chat.completions.create({ ...ask, stream: true })
  const iterator = stream[Symbol.asyncIterator]()
  await iterator.next()
  await scene.person.expect(200, 'PATCH', `/api/keys/${scene.key.id}`, { name: 'Other' })
  await scene.person.expect(201, 'POST', `/api/keys/${scene.key.id}/rotate`, {
    overlap_seconds: 60,
  })
  let count = 0
  while (!(await iterator.next()).done) count++
  assert.ok(count >= 12)
})

test('a client that leaves stops the model server, and what it got is metered once', async () => {
  await using scene = await gatewayScene({ behave: endless })
  const stream = await scene.client.chat.completions.create({ ...ask, stream: true })
  let seen = 0
  for await (const part of stream) {
    if (part.choices[0]?.delta.content) seen++
    if (seen === 10) break
  }
  const [call] = await scene.calls(1)
  assert.equal(call?.outcome, 'client_gone')
  assert.ok(call.estimated && call.streamed)
  assert.ok(Math.abs(call.output_tokens - seen) <= 4, `${call.output_tokens} for ${seen}`)
  await eventually('the model server is let go', 1_000, async () => scene.model.abandoned === 1)
})

test('shutting down lets a short stream end and tells a long one', async () => {
  const scene = await gatewayScene({
    behave: (request, res, nth) =>
      nth === 1
        ? streamWords(request, res, Array(10).fill('w '), 15)
        : streamWords(request, res, Array(2_000).fill('w '), 10),
  })
  const read = async () => {
    let text = ''
    for await (const part of await scene.client.chat.completions.create({ ...ask, stream: true }))
      text += part.choices[0]?.delta.content ?? ''
    return text
  }
  const short = read()
  await eventually('the first runs', 1_000, async () => scene.model.requests.length === 1)
  const long = read()
  long.catch(() => {})
  await eventually('both run', 1_000, async () => scene.model.requests.length === 2)
  const closing = scene.server.close(1)
  assert.equal(await short, 'w '.repeat(10))
  await assert.rejects(long, OpenAI.APIError)
  await closing
  await scene.model[Symbol.asyncDispose]()
})
