import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ask, gatewayScene } from '../../../test/harness/gateway.ts'

type ErrorBody = {
  error: { message: string; type: string; param: string | null; code: string; help: string }
}

/** The answer is OpenAI's shape, with a code, a help link and a request id, and nothing of our inside. */
async function assertRefused(answer: Response, status: number, code: string): Promise<void> {
  const text = await answer.text()
  assert.equal(answer.status, status, text)
  const { error } = JSON.parse(text) as ErrorBody
  assert.equal(error.code, code)
  assert.ok(error.message.length > 10 && error.help.includes('/help/'))
  assert.match(answer.headers.get('x-request-id') ?? '', /^req_[0-9a-z]{26}$/)
  assert.ok(!/node:|\.ts|SELECT|stack/i.test(text), text)
}

test('bodies that are not one clean JSON object are refused in the surface’s own shape', async () => {
  await using scene = await gatewayScene()
  const bad: [string | Buffer, number, string][] = [
    ['', 400, 'invalid_body'],
    ['{', 400, 'invalid_body'],
    ['[]', 400, 'invalid_body'],
    ['null', 400, 'invalid_body'],
    ['"x"', 400, 'invalid_body'],
    ['{"model":"m1","messages":[]}\u0000', 400, 'invalid_body'],
    [Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 400, 'invalid_body'],
    ['{}', 400, 'model_required'],
    ['{"model":5}', 400, 'model_required'],
    ['{"model":""}', 400, 'model_required'],
    ['{"model":{"a":1}}', 400, 'model_required'],
    ['{"__proto__":{"model":"m1"}}', 400, 'model_required'],
    ['{"constructor":{"prototype":{"model":"m1"}}}', 400, 'model_required'],
    ['{"model":"__proto__"}', 404, 'model_not_found'],
    ['{"model":"constructor"}', 404, 'model_not_found'],
    ['{"model":"m1","stream":"yes"}', 400, 'invalid_value'],
    ['{"model":"m1","n":-5}', 400, 'invalid_value'],
    ['{"model":"m1","n":1e308}', 400, 'invalid_value'],
    ['{"model":"m1","max_tokens":-1}', 400, 'invalid_value'],
    ['{"model":"m1","max_tokens":1e300}', 400, 'invalid_value'],
    ['{"model":"m1","stream_options":7}', 400, 'invalid_value'],
  ]
  for (const [body, status, code] of bad) {
    const answer = await fetch(`${scene.server.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${scene.key.secret}`,
        'content-type': 'application/json',
      },
      body: body as string,
    })
    await assertRefused(answer, status, code)
  }
  await assertRefused(
    await scene.post('/v1/chat/completions', 'model=m1', {
      'content-type': 'application/x-www-form-urlencoded',
    }),
    415,
    'unsupported_media_type',
  )
  assert.equal(scene.model.requests.length, 0)
  assert.equal((await scene.post('/v1/chat/completions', ask)).status, 200, 'and goes on working')
})

test('deep nesting costs nothing and breaks nothing', async () => {
  await using scene = await gatewayScene()
  const deep = `{"model":"m1","api_base":1,"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  const answer = await scene.post('/v1/chat/completions', deep)
  assert.ok(answer.status === 200 || answer.status === 400, String(answer.status))
  assert.equal((await scene.post('/v1/chat/completions', ask)).status, 200)
})

test('a body over 16 MB is refused, declared or not', async () => {
  await using scene = await gatewayScene()
  await assertRefused(
    await scene.post('/v1/chat/completions', 'x'.repeat(17 * 1024 * 1024)),
    413,
    'request_too_large',
  )
  const endless = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 17; i++) controller.enqueue(new Uint8Array(1024 * 1024))
      controller.close()
    },
  })
  const answer = await fetch(`${scene.server.origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${scene.key.secret}`, 'content-type': 'application/json' },
    body: endless,
    duplex: 'half',
  } as RequestInit)
  await assertRefused(answer, 413, 'request_too_large')
})

test('credentials: one, from a header, and the same rule whatever header carried it', async () => {
  await using scene = await gatewayScene({ key: { scopes: ['models:read'] } })
  const at = (headers: Record<string, string>, query = '') =>
    fetch(`${scene.server.origin}/v1/models${query}`, { headers })
  const { secret } = scene.key

  assert.equal((await at({ authorization: `Bearer ${secret}` })).status, 200)
  assert.equal((await at({ authorization: `bearer  ${secret} ` })).status, 200)
  assert.equal((await at({ 'x-api-key': secret })).status, 200)
  assert.equal((await at({ 'x-api-key': secret, authorization: `Bearer ${secret}` })).status, 200)
  await assertRefused(
    await at({ 'x-api-key': 'sk-other', authorization: `Bearer ${secret}` }),
    400,
    'conflicting_credentials',
  )
  await assertRefused(await at({}, `?api_key=${secret}`), 400, 'credential_in_query')
  for (const headers of [
    {},
    { authorization: `Basic ${secret}` },
    { authorization: secret },
    { cookie: `token=${secret}` },
    { 'api-key': secret },
  ] as Record<string, string>[]) {
    const answer = await at(headers)
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer .*resource_metadata="/)
    await assertRefused(answer, 401, 'invalid_api_key')
  }
  for (const wrong of [
    'x',
    `${secret}0`,
    secret.slice(0, -1),
    secret.toUpperCase(),
    "' or 1=1 --",
    'eyJhbGciOiJub25lIn0.e30.',
    'x'.repeat(10_000),
  ])
    await assertRefused(await at({ authorization: `Bearer ${wrong}` }), 401, 'invalid_api_key')
  const lacking = await fetch(`${scene.server.origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'x-api-key': secret, 'content-type': 'application/json' },
    body: JSON.stringify(ask),
  })
  await assertRefused(lacking, 403, 'insufficient_scope')
})

test('no spelling of a path gets past the table of endpoints', async () => {
  await using scene = await gatewayScene({ key: { scopes: ['models:read'] } })
  const { port } = new URL(scene.server.origin)
  const paths = [
    '/v1/chat/completions/',
    '/v1/chat//completions',
    '/v1//chat/completions',
    '/v1/Chat/completions',
    '/v1/chat/completions;x',
    '/v1/chat%2fcompletions',
    '/v1/./chat/completions',
    '/v1/models/../chat/completions',
    '/v1/%2e%2e/v1/chat/completions',
    '/v1/chat/completions%00',
    '/v1/chat/completions#x',
    '/v1',
    '/v1/',
    '/v1/admin',
  ]
  for (const path of paths) {
    const reply = await raw(
      Number(port),
      `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${scene.key.secret}\r\nx-http-method-override: GET\r\nx-original-url: /v1/models\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`,
    )
    assert.match(reply, /^HTTP\/1\.1 4\d\d /, path)
  }
  const head = await fetch(`${scene.server.origin}/v1/models`, { method: 'DELETE' })
  assert.equal(head.headers.get('allow'), 'GET')
  await assertRefused(head, 405, 'method_not_allowed')
  assert.equal(scene.model.requests.length, 0)
})

test('requests that two parsers could read differently are refused', async () => {
  await using scene = await gatewayScene()
  const port = Number(new URL(scene.server.origin).port)
  const body = JSON.stringify(ask)
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${scene.key.secret}\r\ncontent-type: application/json\r\n`
  const smuggled = {
    'both framings': `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    'two lengths': `${head}content-length: 5\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    'odd coding': `${head}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    'bare LF': `${head.replaceAll('\r\n', '\n')}content-length: ${body.length}\n\n${body}`,
    'folded header': `${head}x: a\r\n b\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    'space before colon': `${head}content-length : ${body.length}\r\n\r\n${body}`,
    'null in a header': `${head}x: a\0b\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    'signed length': `${head}content-length: +${body.length}\r\n\r\n${body}`,
    'odd chunk size': `${head}transfer-encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n`,
    'huge header': `${head}x: ${'a'.repeat(70_000)}\r\n\r\n`,
  }
  for (const [name, text] of Object.entries(smuggled)) {
    const reply = await raw(port, text)
    assert.ok(!/^HTTP\/1\.1 2/m.test(reply), `${name}: ${reply.slice(0, 100)}`)
  }
  assert.equal(scene.model.requests.length, 0)
})

test('allowed networks are judged by the real address, not by what a client claims', async () => {
  await using scene = await gatewayScene({ key: { allowed_ips: ['203.0.113.0/24'] } })
  for (const forwarded of ['203.0.113.7', '203.0.113.7, 203.0.113.8', '::ffff:203.0.113.7'])
    await assertRefused(
      await scene.post('/v1/chat/completions', ask, {
        'x-forwarded-for': forwarded,
        forwarded: `for=${forwarded}`,
        'x-real-ip': forwarded,
      }),
      401,
      'ip_not_authorized',
    )
  await scene.person.expect(200, 'PATCH', `/api/keys/${scene.key.id}`, {
    allowed_ips: ['127.0.0.0/8', '::1'],
  })
  assert.equal((await scene.post('/v1/chat/completions', ask)).status, 200)
})

test('behind a trusted proxy the first address that is not ours counts', async () => {
  await using scene = await gatewayScene({
    key: { allowed_ips: ['203.0.113.0/24'] },
    env: { LATCHKEY_TRUSTED_PROXIES: '127.0.0.0/8,::1,10.0.0.0/8' },
  })
  const from = async (forwarded: string) => {
    const answer = await scene.post('/v1/chat/completions', ask, { 'x-forwarded-for': forwarded })
    await answer.text()
    return answer.status
  }
  assert.equal(await from('203.0.113.7'), 200)
  assert.equal(await from('203.0.113.7, 10.0.0.2'), 200)
  assert.equal(await from('203.0.113.7, 198.51.100.1'), 401, 'what stands further left is a claim')
})

/** Sends bytes as they are and collects what comes back within a second. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let reply = ''
    const end = () => {
      socket.destroy()
      resolve(reply)
    }
    const timer = setTimeout(end, 1_000)
    socket.on('data', (data) => {
      reply += data.toString('latin1')
      if (reply.includes('\r\n\r\n')) {
        clearTimeout(timer)
        setTimeout(end, 20)
      }
    })
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(reply)
    })
    socket.on('error', () => {})
    socket.write(text, 'latin1')
  })
}
