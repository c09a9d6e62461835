import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { Agent, type Dispatcher, request } from 'undici'
import { createAuth } from '../auth.ts'
import { SignInRequired } from '../errors/errors.ts'
import { discover } from '../provider/provider.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { keepAliveDispatcher, keepAliveFetch } from './keep-alive.ts'
import { undiciInterceptor } from './undici-interceptor.ts'

const clock = virtualClock()
const provider = new FakeProvider({ clock })
let calls: {
  authorization: string | undefined
  body: string
  headers: IncomingMessage['headers']
}[]
let connections = 0
let answer: (response: ServerResponse, token: string) => void
const refused = new Set<string>()

const server = createServer((incoming, response) => {
  let body = ''
  incoming.on('data', (chunk) => (body += chunk))
  incoming.on('end', () => {
    const { authorization } = incoming.headers
    calls.push({ authorization, body, headers: incoming.headers })
    answer(response, (authorization ?? '').replace('Bearer ', ''))
  })
})
server.on('connection', () => connections++)
server.keepAliveTimeout = 0 // no hint to the client, and no end from our side
let origin = ''
let agent: Dispatcher

const ordinary: typeof answer = (response, token) => {
  const ok = provider.accepts(token) && !refused.has(token)
  response.writeHead(ok ? 200 : 401, { 'content-type': 'application/json' })
  response.end(JSON.stringify(ok ? { ok } : { error: { code: 'invalid_token' } }))
}

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  calls = []
  connections = 0
  answer = ordinary
})
after(async () => {
  await agent?.close()
  server.close()
  server.closeAllConnections()
})

async function fixture() {
  const account = await createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    clock,
    fetch: provider.fetch,
    refresh: { background: false },
  }).signInByCode(provider.code())
  agent ??= new Agent()
  const dispatcher = agent.compose(undiciInterceptor(account, { origins: [origin] }))
  return { account, dispatcher }
}

test('requests to the API carry the token, whatever form their headers have', async () => {
  const { account, dispatcher } = await fixture()
  const forms: Dispatcher.DispatchOptions['headers'][] = [
    undefined,
    { 'X-One': 'yes', Authorization: 'Basic stolen' },
    ['X-One', 'yes', 'authorization', 'Basic stolen'],
    new Map([['X-One', 'yes']]),
  ]
  for (const headers of forms) {
    const { statusCode, body } = await request(`${origin}/x`, {
      dispatcher,
      ...(headers ? { headers } : {}),
    })
    assert.equal(statusCode, 200)
    assert.deepEqual(await body.json(), { ok: true })
  }
  assert.deepEqual(
    calls.map(({ authorization }) => authorization),
    Array(4).fill(`Bearer ${await account.token()}`),
  )
  assert.equal(calls.filter(({ headers }) => headers['x-one'] === 'yes').length, 3)
})

test('another origin gets no token', async () => {
  const { account } = await fixture()
  const dispatcher = agent.compose(undiciInterceptor(account, { origins: ['https://api.test'] }))
  await (await request(`${origin}/x`, { dispatcher })).body.dump()
  assert.equal(calls[0]?.authorization, undefined)
  assert.throws(() => undiciInterceptor(account, { origins: ['http://api.test'] }), TypeError)
})

test('a refused token is renewed once for all callers, and each request goes out once more', async () => {
  const { account, dispatcher } = await fixture()
  const stale = await account.token()
  refused.add(stale)
  const before = provider.requests
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      request(`${origin}/x`, { dispatcher, method: 'POST', body: `call ${i}` }),
    ),
  )
  for (const { statusCode, body } of answers) {
    assert.equal(statusCode, 200)
    await body.dump()
  }
  assert.equal(provider.requests - before, 1)
  assert.equal(calls.length, 20)
  assert.equal(new Set(calls.map(({ body }) => body)).size, 10)
})

test('a refusal for another reason, or that lasts, comes back as it is', async () => {
  const { dispatcher } = await fixture()
  answer = (response) => {
    response.writeHead(401, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: { code: 'account_suspended', message: 'x' } }))
  }
  const suspended = await request(`${origin}/x`, { dispatcher })
  assert.equal(suspended.statusCode, 401)
  assert.match(await suspended.body.text(), /account_suspended/)
  assert.equal(calls.length, 1)
  answer = (response) => response.writeHead(401).end('no')
  const lasting = await request(`${origin}/x`, { dispatcher })
  assert.equal(lasting.statusCode, 401)
  assert.equal(await lasting.body.text(), 'no')
  assert.equal(calls.length, 3)
  answer = (response) => response.writeHead(401).end('x'.repeat(300_000))
  const long = await request(`${origin}/x`, { dispatcher })
  assert.equal((await long.body.text()).length, 300_000)
})

test('a streamed body is not sent twice', async () => {
  const { account, dispatcher } = await fixture()
  refused.add(await account.token())
  async function* body() {
    yield Buffer.from('once')
  }
  const { Readable } = await import('node:stream')
  const once = await request(`${origin}/x`, {
    dispatcher,
    method: 'POST',
    body: Readable.from(body()),
  })
  assert.equal(once.statusCode, 401)
  await once.body.dump()
  assert.equal(calls.length, 1)
})

test('nobody signed in, or a caller who left: the request fails and nothing is sent', async () => {
  const { account, dispatcher } = await fixture()
  await assert.rejects(
    request(`${origin}/x`, { dispatcher, signal: AbortSignal.abort() }),
    /abort/i,
  )
  await account.signOut()
  await assert.rejects(request(`${origin}/x`, { dispatcher }), SignInRequired)
  assert.equal(calls.length, 0)
})

test('Node’s own fetch goes through it, too', async () => {
  const { account, dispatcher } = await fixture()
  const response = await fetch(`${origin}/x`, { dispatcher } as unknown as RequestInit)
  assert.equal(response.status, 200)
  assert.equal(calls[0]?.authorization, `Bearer ${await account.token()}`)
})

test('a connection outlasts an idle gap for as long as is wanted, and no longer', async () => {
  const gap = () => new Promise((resolve) => setTimeout(resolve, 1_300))
  const counts = await Promise.all(
    [60_000, 50].map(async (idleMs) => {
      const ports = new Set<number>()
      const send = keepAliveFetch({ idleMs })
      for (let i = 0; i < 2; i++) {
        answer = (response) => {
          response.end(String((response.socket?.remotePort ?? 0) + 0))
        }
        ports.add(Number(await (await send(`${origin}/x`)).text()))
        await gap()
      }
      await send.close()
      return ports.size
    }),
  )
  assert.deepEqual(counts, [1, 2])
})

test('account.fetch over that pool: signed in, on one connection', async () => {
  const { account } = await fixture()
  const pooled = keepAliveFetch({ connections: 1 })
  const http = account.fetch({ origins: [origin], fetch: pooled })
  for (let i = 0; i < 5; i++) {
    const response = await http(new Request(`${origin}/x`, { method: 'POST', body: 'b' }))
    assert.equal(response.status, 200)
    await response.text()
  }
  assert.equal(connections, 1)
  await pooled.close()
  await pooled.close()
})

test('proxies of the environment are used, except where NO_PROXY says otherwise', async () => {
  const seen: string[] = []
  const proxy = createServer((incoming, response) => {
    seen.push(incoming.url ?? '')
    response.end('by proxy')
  })
  proxy.on('connect', (incoming, socket) => {
    seen.push(incoming.url ?? '')
    socket.end('HTTP/1.1 502 no\r\n\r\n')
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { HTTP_PROXY, NO_PROXY } = process.env
  process.env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  process.env.NO_PROXY = '127.0.0.1'
  try {
    const dispatcher = await keepAliveDispatcher()
    answer = (response) => response.end('direct')
    assert.equal(await (await request(`${origin}/x`, { dispatcher })).body.text(), 'direct')
    await request('http://api.test/x', { dispatcher }).then(
      ({ body }) => body.dump(),
      () => {},
    )
    assert.equal(seen.length, 1)
    assert.match(seen[0] ?? '', /api\.test/)
    await dispatcher.close()
  } finally {
    if (HTTP_PROXY === undefined) delete process.env.HTTP_PROXY
    else process.env.HTTP_PROXY = HTTP_PROXY
    if (NO_PROXY === undefined) delete process.env.NO_PROXY
    else process.env.NO_PROXY = NO_PROXY
    proxy.close()
    proxy.closeAllConnections()
  }
})
