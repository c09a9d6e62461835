import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { hour } from '../../server/src/platform/clock/clock.ts'
import { createKey } from '../harness/journey.ts'
import { signedUp } from '../harness/person.ts'
import { type RawAnswer, raw, requestText } from '../harness/raw.ts'
import { startServer, type TestServer } from '../harness/server.ts'

/**
 * Whatever is wrong with a request, the answer is a refusal in the shape of the surface that was
 * asked, with a request id, and tells nothing about our inside. Each surface is tried with its own
 * valid credential, so that the refusal is about the input.
 */
type Surface = {
  name: string
  target: string
  headers(): Record<string, string>
  contentType: RegExp
  /** The members every refusal of this surface has. */
  shape(body: Record<string, unknown>): void
}

describe('bad input on every surface', () => {
  let server: TestServer
  let cookie: string
  let secret: string
  before(async () => {
    server = await startServer()
    const { person } = await signedUp(server.origin)
    cookie = [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    secret = (await createKey(person)).secret
  })
  after(() => server[Symbol.asyncDispose]())

  const json = { 'Content-Type': 'application/json' }
  const problem: Surface = {
    name: 'API',
    target: '/api/projects',
    headers: () => ({ Origin: server.origin, Cookie: cookie, ...json }),
    contentType: /^application\/problem\+json/,
    shape: (body) => {
      for (const member of ['type', 'title', 'detail', 'code', 'request_id', 'help'])
        assert.equal(typeof body[member], 'string', `problem without ${member}`)
      assert.equal(typeof body.status, 'number')
    },
  }
  const oauth: Surface = {
    name: 'OAuth',
    target: '/oauth/token',
    headers: () => ({ 'Content-Type': 'application/x-www-form-urlencoded' }),
    contentType: /^application\/json/,
    shape: (body) => {
      assert.match(String(body.error), /^[a-z_]+$/)
      assert.equal(typeof body.error_description, 'string')
    },
  }
  const gateway: Surface = {
    name: 'gateway',
    target: '/v1/chat/completions',
    headers: () => ({ Authorization: `Bearer ${secret}`, ...json }),
    contentType: /^application\/json/,
    shape: (body) => {
      const error = body.error as Record<string, unknown>
      for (const member of ['message', 'type', 'code', 'help'])
        assert.equal(typeof error[member], 'string', `error without ${member}`)
      assert.ok('param' in error)
    },
  }
  const surfaces = [problem, oauth, gateway]

  function assertRefused(answer: RawAnswer, surface: Surface, what: string, headless = false) {
    const where = `${what}: ${answer.status} ${answer.text.slice(0, 300)}`
    assert.ok(answer.status >= 400 && answer.status < 500, where)
    assert.match(answer.headers.get('content-type') ?? '', surface.contentType, where)
    assert.match(answer.headers.get('x-request-id') ?? '', /^req_[0-9a-z]{26}$/, where)
    assert.equal(answer.headers.get('cache-control'), 'no-store', where)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', where)
    assert.ok(
      !/node:|node_modules|\.ts\b|\bSELECT\b|sqlite|FST_|at \w+ \(/i.test(answer.text),
      where,
    )
    if (!headless) surface.shape(JSON.parse(answer.text))
  }

  const bodies: [string, string][] = [
    ['nothing', ''],
    ['broken JSON', '{"a":'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '1e999'],
    ['not UTF-8', '{"name":"\xff\xfe"}'],
    ['an overlong UTF-8 form', '{"name":"\xc0\x80"}'],
    ['a null byte', '{"name":"\x00"}'],
    ['an escaped null byte', '{"name":"\\u0000","model":"\\u0000"}'],
    ['a prototype', '{"__proto__":{"name":"x","model":"m"}}'],
    ['a wrong type', '{"name":{"$gt":""},"model":{"$gt":""}}'],
    ['deep nesting', '['.repeat(50_000)],
    ['a form with null bytes', 'grant_type=%00&client_id=%00'],
    ['the same parameter twice', 'grant_type=authorization_code&grant_type=refresh_token'],
  ]
  for (const surface of surfaces)
    test(`${surface.name}: bodies that make no sense`, async () => {
      for (const [what, body] of bodies) {
        const request = requestText('POST', surface.target, surface.headers(), body)
        assertRefused(await raw(server.origin, request), surface, what)
      }
      const wrongType = { ...surface.headers(), 'Content-Type': 'text/x-unknown;;=' }
      const request = requestText('POST', surface.target, wrongType, '{}')
      assertRefused(await raw(server.origin, request), surface, 'a type nobody knows')
    })

  test('bodies over the limit are refused on every surface', async () => {
    for (const [surface, bytes] of [
      [problem, 300_000],
      [oauth, 60_000],
    ] as const) {
      const request = requestText('POST', surface.target, surface.headers(), 'x'.repeat(bytes))
      const answer = await raw(server.origin, request)
      assertRefused(answer, surface, `${bytes} bytes`)
      assert.equal(answer.status, 413)
    }
    const declared = { ...gateway.headers(), 'Content-Length': String(17 * 1024 * 1024) }
    const answer = await raw(server.origin, requestText('POST', gateway.target, declared, 'x'))
    assertRefused(answer, gateway, 'declared 17 MB')
    assert.equal(answer.status, 413)
  })

  test('wrong methods are named in the shape of the surface', async () => {
    for (const surface of surfaces)
      for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
        const target = surface === problem ? '/api/account/export' : surface.target
        if (method === 'HEAD' && surface === problem) continue // GET exists there
        const answer = await raw(server.origin, requestText(method, target, surface.headers()))
        assertRefused(answer, surface, `${method} ${target}`, method === 'HEAD')
        assert.equal(answer.status, 405, `${method} ${target}`)
        assert.ok(answer.headers.get('allow'), `${method} ${target} names what it allows`)
      }
  })

  test('no spelling of a path finds a way around: refused, or the same policy', async () => {
    server.clock.advance(hour)
    const paths = [
      '/api/account',
      '/api/%61ccount',
      '/api/account/',
      '/api//account',
      '//api/account',
      '/./api/account',
      '/x/../api/account',
      '/api/account;a=b',
      '/api/account%00',
      '/api/account%2f',
      '/api%2faccount',
      '/api/account%',
      '/api/%ff',
      '/api/%c0%ae%c0%ae/account',
      '/API/ACCOUNT',
      '/api/account\\',
      '/api/account.json',
      `/api/keys/${'a'.repeat(5_000)}`,
      'http://evil.example/api/account',
      'http://evil.example/v1/models',
      '*',
    ]
    for (const path of paths) {
      const answer = await raw(server.origin, requestText('GET', path))
      assertRefused(answer, problem, path)
    }
    const beside = ['/v1', '/v1/', '/v1//models', '/v1/models/', '/v1/%6dodels', '/v1/models;x']
    for (const path of [...beside, '/v1/../api/account', '/v1/x%ff', '/v1/oauth/token/', '/v1?a'])
      assertRefused(await raw(server.origin, requestText('GET', path)), gateway, path)
  })

  test('an answer of a session is not kept, however its address was written', async () => {
    for (const target of ['/api/account', '/api/%61ccount', 'http://evil.example/api/account']) {
      const answer = await raw(server.origin, requestText('GET', target, { Cookie: cookie }))
      assert.equal(answer.status, 200, target)
      assert.equal(answer.headers.get('cache-control'), 'no-store', target)
    }
  })

  test('credentials that are garbage are refused, never 500', async () => {
    const values = [
      'Bearer',
      'Bearer  ',
      'Bearer a b',
      'Bearer \x80\xff',
      "Bearer ' OR 1=1 --",
      `Bearer ${'a'.repeat(20_000)}`,
      'Bearer eyJhbGciOiJub25lIn0.e30.',
      'Bearer sk-lk-live_%00',
      'Basic !!!',
      'Basic Og==',
      `Basic ${Buffer.from('%ff:%zz').toString('base64')}`,
      `Basic ${Buffer.from("a' or 1=1:\0").toString('base64')}`,
      'DPoP x',
      'Negotiate',
      '\x01',
    ]
    for (const Authorization of values.slice(0, -1)) {
      const headers = { Authorization }
      const get = (path: string) => raw(server.origin, requestText('GET', path, headers))
      assertRefused(await get('/v1/models'), gateway, Authorization)
      assertRefused(await get('/oauth/userinfo'), oauth, Authorization)
      assertRefused(await get('/api/account'), problem, Authorization)
      for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
        const form = { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' }
        const request = requestText('POST', path, form, 'grant_type=client_credentials&token=x')
        assertRefused(await raw(server.origin, request), oauth, `${path} ${Authorization}`)
      }
    }
    const control = requestText('GET', '/v1/models', { Authorization: values.at(-1) ?? '' })
    assertRefused(await raw(server.origin, control), gateway, 'a control character')
    for (const Cookie of [
      'lk_session=',
      'lk_session=%ff%zz',
      'lk_session=\xff',
      `lk_session=${'a'.repeat(43)}`,
      `lk_session=${'a'.repeat(9_000)}`,
      'lk_session=1; lk_session=2',
      ';;;=',
      '__proto__=x',
      "lk_device=a.b.c; lk_session=' or 1=1",
    ]) {
      const answer = await raw(server.origin, requestText('GET', '/api/account', { Cookie }))
      assertRefused(answer, problem, Cookie)
      assert.equal(answer.status, 401)
    }
  })

  test('what the parser refuses, too, on a connection that was in use before', async () => {
    const cases: [string, number, string?][] = [
      ['GET $ HTTP/1.1\r\nConnection: close\r\n\r\n', 400], // no Host
      ['GET $ HTTP/1.1\r\nHost: a\r\nExpect: 200-perhaps\r\n\r\n', 417],
      ['GET $ HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n', 400],
      [`GET $ HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
      ['POST $ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}', 400],
      [
        'POST $ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        400,
      ],
    ]
    for (const surface of [problem, gateway])
      for (const [bytes, status] of cases) {
        const answer = await raw(server.origin, bytes.replace('$', surface.target))
        assertRefused(answer, surface, bytes.slice(0, 60))
        assert.equal(answer.status, status, bytes.slice(0, 60))
      }

    const socket = connect(Number(new URL(server.origin).port), '127.0.0.1')
    let seen = ''
    socket.on('data', (chunk) => {
      seen += String(chunk)
    })
    socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')
    while (!seen.includes('alive')) await once(socket, 'data')
    socket.write(`GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`)
    await once(socket, 'close')
    assert.match(seen, /HTTP\/1\.1 431 /)
    assert.match(seen, /headers_too_large/)
  })

  test('nothing of it was an error of ours, and none of it is in the log', () => {
    const errors = server.logLines.filter((line) => line.includes('"level":"error"'))
    assert.deepEqual(errors, [])
    const all = server.logLines.join('\n')
    for (const text of [
      'OR 1=1',
      'evil.example',
      'grant_type',
      secret,
      cookie.split('=')[1] ?? '-',
    ])
      assert.ok(!all.includes(text), text)
  })
})
