import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, gatewayScene } from '../../../test/harness/gateway.ts'

const origin = 'https://app.example'

/** As a browser asks before it sends more than a simple form. */
const preflight = (base: string, path: string, method = 'POST') =>
  fetch(base + path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
    },
  })

const readable = (answer: Response, what: string) => {
  assert.equal(answer.headers.get('access-control-allow-origin'), '*', what)
  assert.equal(answer.headers.get('access-control-allow-credentials'), null, what)
  const exposed = answer.headers.get('access-control-expose-headers')?.split(', ') ?? []
  for (const name of answer.headers.keys())
    if (/^(x-r|retry-|x-should|www-|openai-|x-latchkey|dpop)/.test(name))
      assert.ok(exposed.includes(name), `${what}: ${name}`)
}

test('a page of another site may ask first: without a key, at once, and for any address', async () => {
  await using scene = await gatewayScene({ key: { limits: { requests_per_minute: 2 } } })
  for (const path of ['/v1/chat/completions', '/v1/models', '/v1/models/x', '/v1/nothing', '/v1'])
    for (let again = 0; again < 4; again++) {
      const answer = await preflight(scene.server.origin, path)
      assert.equal(answer.status, 204, path)
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assert.equal(answer.headers.get('access-control-allow-credentials'), null)
      assert.equal(answer.headers.get('access-control-max-age'), '7200')
      const allowed = answer.headers.get('access-control-allow-headers')?.split(', ') ?? []
      for (const name of ['authorization', 'content-type', 'dpop', '*'])
        assert.ok(allowed.includes(name), name)
      assert.match(answer.headers.get('access-control-allow-methods') ?? '', /GET, POST/)
      assert.equal(await answer.text(), '')
    }
  await scene.client.chat.completions.create(ask)
  await scene.client.chat.completions.create(ask) // none of them was counted
})

test('every answer can be read by a page of another site, with what it says about limits and retries', async () => {
  await using scene = await gatewayScene({ key: { limits: { requests_per_minute: 2 } } })
  const call = (path: string, body: object | null, credential = scene.key.secret, more = {}) =>
    fetch(scene.server.origin + path, {
      method: body ? 'POST' : 'GET',
      headers: {
        origin,
        authorization: `Bearer ${credential}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...more,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  const chat = '/v1/chat/completions'
  const answers: [string, number, Response][] = [
    ['a list', 200, await call('/v1/models', null)],
    ['an answer', 200, await call(chat, ask)],
    ['a stream', 200, await call(chat, { ...ask, stream: true })],
    ['a limit', 429, await call(chat, ask)],
    ['no such key', 401, await call('/v1/models', null, 'sk-lk-x')],
    ['no such path', 404, await call('/v1/nothing', null)],
    ['another method', 405, await call('/v1/models', {})],
    ['a broken body', 400, await call(chat, [])],
  ]
  for (const [what, status, answer] of answers) {
    assert.equal(answer.status, status, what)
    readable(answer, what)
    assert.ok(answer.headers.get('x-request-id'), what)
    await answer.arrayBuffer()
  }
  assert.ok(answers[3]?.[2].headers.get('retry-after'))
  assert.ok(answers[4]?.[2].headers.get('www-authenticate'))
})

test('who is no page of another site gets no such headers, and OPTIONS alone is a wrong method', async () => {
  await using scene = await gatewayScene()
  const { origin: base } = scene.server
  const authorization = `Bearer ${scene.key.secret}`
  const plain = await fetch(`${base}/v1/models`, { headers: { authorization } })
  const names = [...plain.headers.keys()].filter((name) => name.startsWith('access-control'))
  assert.deepEqual(names, [])
  for (const headers of [{}, { origin }, { 'access-control-request-method': 'GET' }])
    assert.equal((await fetch(`${base}/v1/models`, { method: 'OPTIONS', headers })).status, 405)
})
