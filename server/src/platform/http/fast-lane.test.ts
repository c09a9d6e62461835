import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type RegisteredApp, registerApp } from '../../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../../test/harness/person.ts'
import { raw, requestText } from '../../../../test/harness/raw.ts'
import { startServer, type TestServer } from '../../../../test/harness/server.ts'
import { fastLanes } from './fast-lane.ts'

const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
const path = '/oauth/token'

describe('the lane of the token endpoint', () => {
  let server: TestServer
  let app: RegisteredApp
  let body: string
  before(async () => {
    server = await startServer({ env: { LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' } })
    const { person } = await signedUp(server.origin)
    app = await registerApp(person, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_post',
    })
    body = new URLSearchParams({
      client_id: app.client_id,
      client_secret: app.client_secret ?? '',
      grant_type: 'client_credentials',
      scope: 'models:read',
    }).toString()
  })
  after(() => server[Symbol.asyncDispose]())

  const post = (headers: Record<string, string> = {}, text = body) =>
    raw(server.origin, requestText('POST', path, { ...form, ...headers }, text))
  const counted = async () =>
    /latchkey_http_requests_total\{method="POST",route="\/oauth\/token",status="200"\} (\d+)/.exec(
      await server.platform.metrics.text(),
    )?.[1]

  test('its answers carry the headers of every answer, and are counted and logged like them', async () => {
    const lane = await post()
    const usual = await post({ Cookie: 'a=b' })
    for (const answer of [lane, usual]) assert.equal(answer.status, 200, answer.text)
    const comparable = ({ headers }: typeof lane) =>
      [...headers]
        .filter(([name]) => !/^(date|x-request-id|vary|access-control-.*)$/.test(name)) // CORS: for pages
        .map(([name, value]) => (name === 'content-length' ? name : `${name}: ${value}`))
        .sort()
    assert.deepEqual(comparable(lane), comparable(usual))
    assert.match(lane.headers.get('x-request-id') ?? '', /^req_[0-9a-z]{26}$/)
    for (const answer of [lane, usual]) {
      const id = answer.headers.get('x-request-id') ?? ''
      const lines = server.logLines.filter((line) => line.includes(id))
      assert.equal(lines.length, 1)
      const { method, route, status, duration_ms } = JSON.parse(lines[0] ?? '{}')
      assert.deepEqual([method, route, status], ['POST', path, 200])
      assert.equal(typeof duration_ms, 'number')
    }
    const count = Number(await counted())
    await post()
    assert.equal(Number(await counted()), count + 1)
  })

  test('what it steps aside for arrives whole, and is answered as without it', async () => {
    const wrong = body.replace(/client_secret=[^&]*/, 'client_secret=falsch%C3%A9')
    for (const text of [wrong, `${body}&scope=chat%3Awrite`, `${body}%00`, 'grant_type=x', '&&=']) {
      const [aside, usual] = [await post({}, text), await post({ Cookie: 'a=b' }, text)]
      assert.ok(aside.status >= 400, text)
      assert.deepEqual([aside.status, aside.text], [usual.status, usual.text], text)
    }
  })

  test('forms that are not plain go the usual way', async () => {
    const chunked = await raw(
      server.origin,
      `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: ${form['Content-Type']}\r\n` +
        `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    )
    assert.equal(chunked.status, 200, chunked.text)
    assert.equal((await post({ 'Content-Type': 'text/plain' })).status, 400)
    assert.equal((await post({}, `${body}&x=${'x'.repeat(49 * 1_024)}`)).status, 413)
    const none = await raw(
      server.origin,
      requestText('POST', path, { ...form, 'Content-Length': '0' }),
    )
    assert.equal(none.status, 400)
    assert.equal((await raw(server.origin, requestText('GET', path))).status, 405)
    const query = await raw(server.origin, requestText('POST', `${path}?x=1`, form, body))
    assert.equal(query.status, 200, query.text)
    const page = await post({ Origin: 'https://page.example' })
    assert.equal(page.headers.get('access-control-allow-origin'), 'https://page.example')
  })

  test('a body in pieces, two requests at once on one connection, and one that breaks off', async () => {
    const socket = connect(Number(new URL(server.origin).port), '127.0.0.1')
    const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${form['Content-Type']}\r\nContent-Length: ${body.length}\r\n\r\n`
    let text = ''
    socket.on('data', (chunk) => {
      text += String(chunk)
    })
    socket.write(`${head}${body.slice(0, 20)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.write(`${body.slice(20)}${head}${body}${head}${body}`)
    while ((text.match(/"access_token"/g)?.length ?? 0) < 3) await once(socket, 'data')
    assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 3)
    socket.write(`${head}${body.slice(0, 20)}`)
    socket.destroy()
    assert.equal((await post()).status, 200)
  })

  test('a request counts once against its sender, whether the lane answers it or steps aside', async (t) => {
    const { limiter } = server.platform
    const { take, giveBack } = limiter
    t.after(() => Object.assign(limiter, { take, giveBack }))
    let taken = 0
    limiter.take = (name, rule) => {
      if (name === 'oauth:203.0.113.7') taken++
      return take(name, rule)
    }
    limiter.giveBack = (name, rule) => {
      if (name === 'oauth:203.0.113.7') taken--
      giveBack(name, rule)
    }
    const from = { 'X-Forwarded-For': '203.0.113.7' }
    for (const [status, text] of [
      [200, body],
      [401, body.replace(/client_secret=[^&]*/, 'client_secret=wrong')],
      [400, `${body}%00`],
    ] as const) {
      taken = 0
      assert.equal((await post(from, text)).status, status)
      assert.equal(taken, 1, `${status}`)
    }
    limiter.take = (name, rule) =>
      name === 'oauth:203.0.113.7' ? { allowed: false, retryAfterSeconds: 2.5 } : take(name, rule)
    const limited = await post(from)
    assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '3'])
    assert.equal((await post({ 'X-Forwarded-For': '203.0.113.8' })).status, 200)
  })
})

test('a route with a policy to judge has no lane', () => {
  const lanes = fastLanes({
    addressOf: () => '',
    requestId: () => '',
    headers: [],
    finished: () => {},
  })
  const route = { url: '/x', config: { lane: async () => ({}) } } as never
  const open = { auth: 'public', origin: 'any', rate: 'none' } as const
  for (const access of [
    { ...open, auth: 'session' },
    { ...open, origin: 'same-origin' },
    { ...open, rate: 'api' },
    { auth: 'public' },
  ] as const)
    assert.throws(() => lanes.register(route, access), /policy/)
  lanes.register(route, open)
})

test('when the server is about to end, what is under way is answered and the connection closes', async () => {
  const lanes = fastLanes({
    addressOf: () => '',
    requestId: () => 'req_1',
    headers: ['cache-control', 'no-store'],
    finished: () => {},
  })
  const goOn = Promise.withResolvers<object>()
  lanes.register({ url: '/x', bodyLimit: 10, config: { lane: () => goOn.promise } } as never, {
    auth: 'public',
    origin: 'any',
    rate: 'none',
  })
  const server = createServer(lanes.before((_req, res) => res.end('usual')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const send = () => {
    const sent = request({ port, method: 'POST', path: '/x', headers: form })
    sent.setHeader('content-length', 1)
    sent.end('a')
    return once(sent, 'response') as Promise<[import('node:http').IncomingMessage]>
  }
  const underWay = send()
  await once(server, 'request')
  await new Promise((resolve) => setTimeout(resolve, 20))
  lanes.close()
  const [later] = await send()
  assert.equal(later.headers['cache-control'], undefined)
  goOn.resolve({ done: true })
  const [answer] = await underWay
  assert.equal(answer.headers.connection, 'close')
  assert.equal(answer.headers['cache-control'], 'no-store')
  later.resume()
  answer.resume()
  server.close()
})
