import assert from 'node:assert/strict'
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TokenOptions } from '../../../sdk/src/tokens/demand.ts'
import { eventually } from '../../../test/harness/journey.ts'
import { startTokenProxy, targetOf } from './proxy.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

/** An API and the door before it. `tokens` are what the account holds, one after the other. */
async function fixture(handler: Handler, token?: (by: TokenOptions) => Promise<string>) {
  const seen: { method: string; url: string; authorization: string; bytes: number }[] = []
  const api: Server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
    } catch {
      return // the caller hung up
    }
    const body = Buffer.concat(chunks)
    const { method = '', url = '', headers } = incoming
    seen.push({ method, url, authorization: headers.authorization ?? '', bytes: body.length })
    handler(incoming, outgoing, body)
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const asked: TokenOptions[] = []
  const proxy = await startTokenProxy({
    base: new URL(`${origin}/gateway/v1`),
    token: async (by) => {
      asked.push(by)
      return token ? token(by) : `token-${by.stale === undefined ? 1 : 2}`
    },
    refusalOf: () => ({
      status: 503,
      code: 'provider_unavailable',
      message: 'away',
      retryAfter: 3,
    }),
    proxyEnv: null,
  })
  const call = (path: string, init: RequestInit = {}, bearer = proxy.bearer) =>
    fetch(proxy.baseUrl + path, {
      ...init,
      headers: { authorization: `Bearer ${bearer}`, ...init.headers },
    })
  return {
    seen,
    asked,
    proxy,
    call,
    async [Symbol.asyncDispose]() {
      await proxy.close()
      api.closeAllConnections()
      await new Promise((resolve) => api.close(resolve))
    },
  }
}

test('only the bearer of this run is let in, and nobody else learns anything', async () => {
  await using door = await fixture((_, response) => response.end('{}'))
  assert.equal((await door.call('/models')).status, 200)
  for (const bearer of [
    '',
    'sk-local-x',
    `${door.proxy.bearer}x`,
    door.proxy.bearer.slice(0, -1),
  ]) {
    const refused = await door.call('/models', {}, bearer)
    assert.equal(refused.status, 401)
    assert.ok(!(await refused.text()).includes(door.proxy.bearer))
  }
  const { port } = new URL(door.proxy.baseUrl)
  const rebound = await new Promise<number>((resolve, reject) => {
    const headers = { host: 'evil.example', authorization: `Bearer ${door.proxy.bearer}` }
    request({ host: '127.0.0.1', port, path: '/v1/models', headers }, (response) => {
      resolve(response.resume().statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
  assert.equal(rebound, 403, 'a name that was pointed at loopback')
  assert.equal(door.seen.length, 1)
  assert.deepEqual(door.seen[0]?.authorization, 'Bearer token-1')
})

test('requests leave for the API and nowhere else', () => {
  const base = new URL('https://api.example.org/gateway/v1')
  const to = (path: string) => targetOf(base, path)?.href ?? null
  assert.equal(to('/v1/chat?x=1'), 'https://api.example.org/gateway/v1/chat?x=1')
  assert.equal(to('/v1'), 'https://api.example.org/gateway/v1')
  for (const path of [
    '/v1/../api/account',
    '/v1/%2e%2e/api/account',
    '/v10/models',
    '//evil.example/v1/models',
    'http://evil.example/v1/models',
    '/',
    '',
    '*',
  ])
    assert.equal(to(path), null, path)
})

test('a request refused for its token is sent once more with a renewed one, whole', async () => {
  await using door = await fixture((incoming, response, body) => {
    if (incoming.headers.authorization === 'Bearer token-1') response.writeHead(401).end('{}')
    else response.end(body)
  })
  const sent = JSON.stringify({ text: 'x'.repeat(100_000) })
  const answer = await door.call('/chat', { method: 'POST', body: sent })
  assert.equal(await answer.text(), sent)
  assert.deepEqual(
    door.seen.map(({ authorization, bytes }) => [authorization, bytes]),
    [
      ['Bearer token-1', sent.length],
      ['Bearer token-2', sent.length],
    ],
  )
  assert.equal(door.asked[1]?.stale, 'token-1')
  assert.equal(door.asked[0]?.minLifeMs, 300_000)
})

test('a missing scope is no reason to renew, and every other status passes untouched', async () => {
  await using door = await fixture((incoming, response) => {
    const status = Number(new URL(incoming.url ?? '', 'http://x').searchParams.get('status'))
    const challenge =
      status === 401 ? { 'www-authenticate': 'Bearer error="insufficient_scope"' } : {}
    response
      .writeHead(status, { 'x-request-id': 'r1', 'retry-after': '9', ...challenge })
      .end('body')
  })
  for (const status of [400, 401, 403, 404, 429, 500, 503]) {
    const answer = await door.call(`/chat?status=${status}`)
    assert.equal(answer.status, status)
    assert.equal(answer.headers.get('x-request-id'), 'r1')
    assert.equal(answer.headers.get('retry-after'), '9')
    assert.equal(await answer.text(), 'body')
  }
  assert.equal(door.seen.length, 7)
})

test('a stream passes event by event, and one that is cut is cut for the program', async () => {
  let go = () => {}
  const held = new Promise<void>((resolve) => {
    go = resolve
  })
  await using door = await fixture(async (incoming, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n')
    await held
    if (incoming.url?.endsWith('cut')) response.destroy()
    else response.end('data: 2\n\n')
  })
  const answer = await door.call('/chat')
  const reader = answer.body?.getReader()
  assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), 'data: 1\n\n')
  const cut = await door.call('/chat/cut')
  go()
  assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), 'data: 2\n\n')
  await assert.rejects(cut.text())
})

test('a program that hangs up takes its request to the API along', async () => {
  let closed = 0
  await using door = await fixture((_, response) => {
    response.write('data: 1\n\n')
    response.once('close', () => closed++)
  })
  const abort = new AbortController()
  const answer = await door.call('/chat', { signal: abort.signal })
  await answer.body?.getReader().read()
  abort.abort()
  await eventually('the API sees it', 2_000, async () => closed === 1)
})

test('a body beyond what is kept streams through, and is not sent a second time', async () => {
  await using door = await fixture((_, response, body) => {
    response.writeHead(401).end(String(body.length))
  })
  const size = 12 * 1024 * 1024
  const answer = await door.call('/files', { method: 'POST', body: Buffer.alloc(size, 1) })
  assert.deepEqual([answer.status, await answer.text()], [401, String(size)])
  assert.equal(door.seen.length, 1)
})

test('no token and no API are told in the shape that clients read, and are worth another try', async () => {
  await using door = await fixture(
    (_, response) => response.end(),
    async () => {
      throw new Error('no token')
    },
  )
  const answer = await door.call('/models')
  assert.equal(answer.status, 503)
  assert.equal(answer.headers.get('retry-after'), '3')
  const { error } = (await answer.json()) as { error: { code: string; message: string } }
  assert.deepEqual([error.code, error.message], ['provider_unavailable', 'away'])
  assert.equal(door.seen.length, 0)
})

test('many at once share connections, and closing ends them all', async () => {
  const door = await fixture((_, response) => response.end('{}'))
  const answers = await Promise.all(
    Array.from({ length: 50 }, async () => (await door.call('/models')).status),
  )
  assert.deepEqual([...new Set(answers)], [200])
  await door[Symbol.asyncDispose]()
  await assert.rejects(door.call('/models'))
})
