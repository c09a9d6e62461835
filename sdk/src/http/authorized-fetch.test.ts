import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createAuth } from '../auth.ts'
import {
  AccountSuspended,
  InsufficientScope,
  ProviderMisconfigured,
  QuotaExhausted,
  RateLimited,
  RequestFailed,
} from '../errors/errors.ts'
import { discover, endpoints } from '../provider/provider.ts'
import type { Fetch } from '../provider/wire.ts'
import { FakeProvider, type FakeProviderOptions } from '../testing/fake-provider.ts'
import { seededRandom, virtualClock } from '../testing/virtual-clock.ts'
import type { FetchOptions } from './authorized-fetch.ts'

const api = 'https://api.test'

type Answer = Response | Error | ((request: Request) => Response)

/** An account and an API that gives `answers` in order, then 200 to every token that lives. */
async function fixture(options: Partial<FetchOptions> = {}, by: FakeProviderOptions = {}) {
  const clock = virtualClock()
  const provider = new FakeProvider({ clock, ...by })
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    fetch: provider.fetch,
    clock,
    random: seededRandom(7),
    refresh: { background: false },
  })
  const account = await auth.signInByCode(provider.code())
  provider.requests = 0
  const answers: Answer[] = []
  const seen: { url: string; token: string; key: string | null; at: number; method: string }[] = []
  const fake: Fetch = async (input, init) => {
    const request = new Request(input, init)
    await request.text()
    init?.signal?.throwIfAborted()
    const token = (request.headers.get('authorization') ?? '').replace('Bearer ', '')
    const key = request.headers.get('idempotency-key')
    seen.push({ url: request.url, token, key, at: clock.monotonic(), method: request.method })
    const answer = answers.shift()
    if (answer instanceof Error) throw answer
    if (answer instanceof Response) return answer
    if (answer) return answer(request)
    return provider.accepts(token) ? new Response('fine') : new Response('no', { status: 401 })
  }
  const http = account.fetch({ origins: [api], fetch: fake, ...options })
  const post = (init: RequestInit = {}) =>
    http(`${api}/v1/x`, { method: 'POST', body: '{}', ...init })
  return { clock, provider, account, answers, seen, http, post }
}

const lostAs = (code: string) =>
  Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(code), { code }) })

async function listening(answer: RequestListener) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  Response.json(
    { error: { code, message: 'no', help: 'https://id.test/help/x' } },
    { status, headers },
  )

test('the token goes to the configured origins and nowhere else', async () => {
  const { seen, http, account } = await fixture()
  await http(`${api}/a`)
  for (const other of ['https://api.test.evil.org/', 'http://api.test/', 'https://api.test:8443/'])
    await http(other)
  assert.deepEqual(
    seen.map(({ token }) => token),
    [await account.token(), '', '', ''],
  )
  assert.throws(() => account.fetch({ origins: ['http://api.example.org'] }), /https/)
})

test('a redirect to another origin does not take the token along', async () => {
  const { account } = await fixture()
  const got: (string | undefined)[] = []
  const server = createServer((request, response) => {
    got.push(request.headers.authorization)
    const { port } = server.address() as AddressInfo
    if (request.url === '/first')
      response.writeHead(302, { location: `http://localhost:${port}/second` }).end()
    else response.end('there')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const http = account.fetch({ origins: [origin] })
  assert.equal(await (await http(`${origin}/first`)).text(), 'there')
  assert.deepEqual(got, [`Bearer ${await account.token()}`, undefined])
  server.close()
  server.closeAllConnections()
})

test('what answers behind a redirect to elsewhere renews no token and pauses no queue', async () => {
  const { account, provider } = await fixture()
  const { origin: elsewhere, server: other } = await listening((_, response) => {
    const limits = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '60s' }
    response.writeHead(401, limits).end()
  })
  const { origin: ours, server } = await listening((_, response) => {
    response.writeHead(307, { location: elsewhere }).end()
  })
  const http = account.fetch({ origins: [ours], maxQueueMs: 100 })
  assert.equal((await http(ours)).status, 401)
  assert.equal((await http(ours)).status, 401)
  assert.equal(provider.requests, 0)
  for (const one of [other, server]) {
    one.close()
    one.closeAllConnections()
  }
})

test('an address relative to the page is the page’s origin', async () => {
  const { seen, http, account } = await fixture()
  Object.assign(globalThis, { location: { href: `${api}/page` } })
  try {
    await http('/v1/models')
    assert.deepEqual(
      seen.map(({ url, token }) => [url, token]),
      [[`${api}/v1/models`, await account.token()]],
    )
  } finally {
    Reflect.deleteProperty(globalThis, 'location')
  }
})

test('a call that no network could carry fails as fetch has it, at once', async () => {
  const { account, clock } = await fixture()
  const http = account.fetch({ origins: ['http://127.0.0.1:1'] })
  const began = clock.monotonic()
  const stream = new ReadableStream()
  await assert.rejects(
    http('http://127.0.0.1:1/', { method: 'POST', body: stream }),
    (error: Error) => error.name === 'TypeError' && /duplex/.test(error.message),
  )
  await assert.rejects(http('http://127.0.0.1:1/', { body: 'x' }), /GET\/HEAD/)
  assert.equal(clock.monotonic(), began)
  const none = undefined as unknown as FetchOptions
  assert.throws(() => account.fetch(none), /origins/)
  assert.throws(
    () => account.fetch({ origins: ['api.example.org'] }),
    /https:\/\/api\.example\.org/,
  )
})

test('a fetch that cannot be set up says so at once, for calls and for the provider', async () => {
  const misfit: Fetch = async () => {
    throw new ProviderMisconfigured('provider_misconfigured', { detail: 'npm install undici@8' })
  }
  const says = (error: unknown) =>
    error instanceof ProviderMisconfigured && /npm install undici@8/.test(error.message)
  const { account } = await fixture()
  await assert.rejects(account.fetch({ origins: [api], fetch: misfit })(`${api}/a`), says)
  for (const provider of [discover('https://id.test'), endpoints({ token: 'https://id.test/t' })]) {
    const auth = createAuth({ provider, clientId: 'app', fetch: misfit })
    await assert.rejects(auth.signInByCode('c'), says)
    await assert.rejects(auth.app().token(), says)
  }
})

test('401: renewed and sent once more, one refresh for all callers', async () => {
  const { provider, answers, seen, http } = await fixture()
  answers.push(...Array.from({ length: 10 }, () => new Response('', { status: 401 })))
  const responses = await Promise.all(Array.from({ length: 10 }, () => http(`${api}/a`)))
  assert.ok(responses.every(({ status }) => status === 200))
  assert.equal(provider.requests, 1)
  assert.equal(seen.length, 20)
})

test('a refusal without an end is handed on, not read to the end', async () => {
  const { answers, http } = await fixture({ retries: 0 })
  const line = new TextEncoder().encode(`${' '.repeat(10_000)}\n`)
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(line) })
  const headers = { 'content-type': 'application/json' }
  answers.push(new Response(endless, { status: 403, headers }))
  const response = await http(`${api}/a`)
  assert.equal(response.status, 403)
  const first = await response.body?.getReader().read()
  assert.equal(first?.value?.byteLength, line.byteLength, 'from its beginning')
})

test('401 twice comes back as it is', async () => {
  const { provider, answers, http, account } = await fixture()
  answers.push(new Response('', { status: 401 }), new Response('still no', { status: 401 }))
  const response = await http(`${api}/a`)
  assert.equal(response.status, 401)
  assert.equal((await account.errorOf(response))?.code, 'token_refused')
  assert.equal(await response.text(), 'still no')
  assert.equal(provider.requests, 1)
})

test('403, missing scope, suspension and quota never refresh and never retry, and have typed errors', async () => {
  const { provider, answers, seen, http, account } = await fixture()
  const challenge = 'Bearer error="insufficient_scope", scope="chat:write images:write"'
  const cases: [Response, unknown][] = [
    [
      new Response('', { status: 403, headers: { 'www-authenticate': challenge } }),
      InsufficientScope,
    ],
    [problem(403, 'insufficient_scope'), InsufficientScope],
    [problem(401, 'account_deactivated'), AccountSuspended],
    [problem(403, 'account_suspended'), AccountSuspended],
    [problem(429, 'insufficient_quota'), QuotaExhausted],
    [Response.json({ error: { type: 'insufficient_quota' } }, { status: 429 }), QuotaExhausted],
    [new Response('', { status: 402 }), QuotaExhausted],
  ]
  for (const [answer, type] of cases) {
    answers.push(answer)
    const response = await http(`${api}/a`)
    assert.equal(response.status, answer.status)
    const error = await account.errorOf(response)
    assert.ok(error instanceof (type as new () => Error), String(type))
    if (error instanceof InsufficientScope && error.scopes.length > 0)
      assert.deepEqual(error.scopes, ['chat:write', 'images:write'])
    else assert.ok(error?.help)
  }
  assert.equal(provider.requests, 0)
  assert.equal(seen.length, cases.length)
})

test('429 waits as told: milliseconds, seconds, date', async () => {
  const { clock, answers, seen, post } = await fixture()
  const date = new Date(clock.now() + 5_000).toUTCString()
  for (const [headers, wait] of [
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after': date, date: new Date(clock.now()).toUTCString() }, 5_000],
  ] as const) {
    answers.push(new Response('', { status: 429, headers }))
    const response = post()
    await clock.advance(wait * 1.06 + 1)
    assert.equal((await response).status, 200)
    const [first, second] = seen.slice(-2)
    const waited = (second?.at ?? 0) - (first?.at ?? 0)
    assert.ok(waited >= wait && waited <= wait * 1.05, `${waited} for ${wait}`)
  }
})

test('a wait longer than allowed comes back at once, with the moment to try again', async () => {
  const { clock, answers, seen, post, account } = await fixture()
  answers.push(new Response('', { status: 429, headers: { 'retry-after': '3600' } }))
  const response = await post()
  assert.equal(response.status, 429)
  assert.equal(seen.length, 1)
  const error = await account.errorOf(response)
  assert.ok(error instanceof RateLimited)
  assert.equal(error.retryAt, clock.now() + 3_600_000)
})

test('x-should-retry overrules the status', async () => {
  const { clock, answers, seen, post } = await fixture()
  answers.push(new Response('', { status: 503, headers: { 'x-should-retry': 'false' } }))
  assert.equal((await post()).status, 503)
  answers.push(new Response('', { status: 500, headers: { 'x-should-retry': 'true' } }))
  const response = post()
  await clock.advance(10_000)
  assert.equal((await response).status, 200)
  assert.equal(seen.length, 3)
})

test('a POST is repeated only where it cannot have taken effect, or carries an honoured key', async () => {
  const cases: [string | number, boolean, boolean][] = [
    // what went wrong, repeated without key, repeated with key
    ['ECONNREFUSED', true, true],
    ['UND_ERR_CONNECT_TIMEOUT', true, true],
    ['ENOTFOUND', true, true],
    ['ECONNRESET', false, true],
    ['UND_ERR_SOCKET', false, true],
    ['UND_ERR_HEADERS_TIMEOUT', false, true],
    [429, true, true],
    [503, true, true],
    [500, false, true],
    [502, false, true],
    [504, false, true],
    [400, false, false],
    [403, false, false],
    [409, false, false],
  ]
  for (const [wrong, plain, keyed] of cases)
    for (const [idempotency, repeated] of [
      ['none', plain],
      ['honoured', keyed],
    ] as const) {
      const { clock, answers, seen, post } = await fixture({ idempotency })
      answers.push(typeof wrong === 'number' ? new Response('', { status: wrong }) : lostAs(wrong))
      const ended = post().then(
        (r) => r.status,
        (error: unknown) => error,
      )
      await clock.advance(10_000)
      const end = await ended
      assert.equal(seen.length, repeated ? 2 : 1, `${wrong} ${idempotency}`)
      if (repeated) assert.equal(end, 200)
      else if (typeof wrong === 'number') assert.equal(end, wrong)
      else assert.ok(end instanceof RequestFailed && end.outcome === 'unknown')
      if (idempotency === 'honoured') {
        assert.ok(seen[0]?.key)
        assert.ok(
          seen.every(({ key }) => key === seen[0]?.key),
          'one key for all tries',
        )
      }
    }
})

test('a GET is repeated after a lost answer; a streamed body never', async () => {
  const { clock, answers, seen, http } = await fixture()
  answers.push(lostAs('ECONNRESET'))
  const got = http(`${api}/a`)
  await clock.advance(5_000)
  assert.equal((await got).status, 200)
  const stream = () => new Blob(['x']).stream()
  const put = () =>
    http(`${api}/a`, { method: 'PUT', body: stream(), duplex: 'half' } as RequestInit)
  answers.push(lostAs('ECONNREFUSED'))
  await assert.rejects(put(), RequestFailed)
  answers.push(new Response('', { status: 401 }))
  assert.equal((await put()).status, 401)
  assert.equal((await put()).status, 200, 'the next one goes with the renewed token')
  assert.equal(seen.length, 5)
})

test('retries stay a small share of the load when an API is in trouble', async () => {
  const { clock, answers, seen, http } = await fixture({ retries: 3 })
  const calls = 200
  for (let i = 0; i < calls * 4; i++) answers.push(new Response('', { status: 503 }))
  const all = Promise.all(Array.from({ length: calls }, () => http(`${api}/a`)))
  await clock.advance(60_000)
  await all
  assert.ok(seen.length <= calls * 1.1 + 10, `${seen.length} requests for ${calls} calls`)
})

test('a stream begins only with a token that lasts', async () => {
  const { clock, provider, seen, post, account } = await fixture({}, { lifetimeSeconds: 3_600 })
  await clock.advance(56 * 60_000) // four minutes left
  provider.faults.push({ kind: 'refuse-connection' })
  const old = await account.token()
  await clock.settle()
  assert.equal((await post()).status, 200)
  assert.equal(seen.at(-1)?.token, old)
  await clock.advance(150_000) // the back-off of the failed renewal is over
  assert.equal((await post({ body: '{"model":"m","stream":true}' })).status, 200)
  assert.notEqual(seen.at(-1)?.token, old)
})

test('the queue holds concurrency and rate, in order', async () => {
  const { clock, seen, http } = await fixture({ perMinute: 60, concurrency: 2 })
  const all = Promise.all(Array.from({ length: 30 }, (_, i) => http(`${api}/${i}`)))
  await clock.settle()
  assert.ok(seen.length <= 10, 'ten seconds’ worth at once')
  await clock.advance(20_000)
  await all
  assert.deepEqual(
    seen.map(({ url }) => url),
    Array.from({ length: 30 }, (_, i) => `${api}/${i}`),
  )
})

test('whoever gives up leaves the queue, whoever waits too long fails unsent', async () => {
  const { clock, seen, http } = await fixture({ perMinute: 6, maxQueueMs: 25_000 })
  const gone = new AbortController()
  await http(`${api}/0`)
  const one = http(`${api}/1`)
  const left = http(`${api}/2`, { signal: gone.signal })
  const three = http(`${api}/3`)
  const four = http(`${api}/4`)
  for (const promise of [left, four]) promise.catch(() => {})
  gone.abort(new Error('enough'))
  await assert.rejects(left, /enough/)
  await clock.advance(25_000)
  await Promise.all([one, three])
  await assert.rejects(
    four,
    (error) => error instanceof RateLimited && error.outcome === 'not-sent',
  )
  assert.equal(seen.length, 3)
})

test('what one is told about limits holds back the others', async () => {
  const { clock, answers, seen, http } = await fixture()
  const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6s' }
  answers.push(new Response('last one', { headers }))
  await http(`${api}/a`)
  const next = http(`${api}/b`)
  await clock.advance(5_000)
  assert.equal(seen.length, 1)
  await clock.advance(1_001)
  await next
})

test('no queued call leaves with a token that died while it waited', async () => {
  const { clock, provider, seen, http } = await fixture(
    { perMinute: 6, maxQueueMs: 60_000 },
    { lifetimeSeconds: 20 },
  )
  const all = Promise.all(Array.from({ length: 5 }, () => http(`${api}/a`)))
  await clock.advance(60_000)
  assert.ok((await all).every(({ status }) => status === 200))
  assert.ok(new Set(seen.map(({ token }) => token)).size > 1)
  assert.ok(provider.requests > 0)
})
