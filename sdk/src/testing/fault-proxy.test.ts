import assert from 'node:assert/strict'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import {
  createAuth,
  discover,
  ProviderUnavailable,
  RequestFailed,
  SignInRequired,
} from '../index.ts'
import { FakeProvider } from './fake-provider.ts'
import { FaultProxy, profiles, type Script, type Weather } from './fault-proxy.ts'

let served = 0
const body = 'x'.repeat(2_000)
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    served++
    response.shouldKeepAlive = false // one connection, one script
    response.end(body)
  })
})
let origin = ''
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => {
  server.close()
  server.closeAllConnections()
})

async function through(weather: Weather, work: (proxy: FaultProxy, url: string) => Promise<void>) {
  const proxy = new FaultProxy(origin, weather)
  const url = await proxy.listen()
  try {
    await work(proxy, url)
  } finally {
    await proxy.close()
  }
}

/** One request on a connection of its own; `fetch` opens and keeps connections as it likes. */
const post = (url: string, signal?: AbortSignal) =>
  new Promise<string>((resolve, reject) => {
    const options = { method: 'POST', agent: false, ...(signal ? { signal } : {}) }
    const request = httpRequest(url, options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part) => (text += part))
      response.on('end', () => resolve(text))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end('hello')
  })

test('the line costs its round trips, the handshake included', async () => {
  await through({ rttMs: 40 }, async (_, url) => {
    const began = performance.now()
    assert.equal(await (await fetch(url)).text(), body)
    const took = performance.now() - began
    assert.ok(took >= 80, `${took} ms for two round trips`)
  })
})

test('slow, sliced and jittery lines deliver every byte in order', async () => {
  await through({ sliceBytes: 7, jitterMs: 3, bytesPerSecond: 200_000 }, async (_, url) => {
    const text = body.replaceAll('x', 'abc')
    const response = await fetch(url, { method: 'POST', body: text })
    assert.equal(await response.text(), body)
  })
})

test('a target by its IPv6 address is reached', async () => {
  const there = createServer((_, response) => response.end('six'))
  await new Promise<void>((resolve) => there.listen(0, '::1', resolve))
  const proxy = new FaultProxy(`http://[::1]:${(there.address() as AddressInfo).port}`)
  assert.equal(await (await fetch(await proxy.listen())).text(), 'six')
  await proxy.close()
  there.close()
})

test('each script does to one connection what it says', async () => {
  await through({}, async (proxy, url) => {
    const outcomes: [Script, RegExp, number][] = [
      [{ kind: 'reset-after-sent', bytes: 0 }, /ECONNRESET|hang up/, 0],
      [{ kind: 'reset-after-sent', bytes: 20 }, /ECONNRESET|hang up/, 0],
      [{ kind: 'reset-after-received', bytes: 0 }, /ECONNRESET|hang up/, 1],
      [{ kind: 'truncate', bytes: 600 }, /aborted/, 1],
      [{ kind: 'black-hole' }, /aborted/, 0],
      [{ kind: 'pass' }, /^$/, 1],
    ]
    for (const [script, wanted, reached] of outcomes) {
      served = 0
      proxy.scripts.push(script)
      const patience = new AbortController()
      const asked = post(url, patience.signal)
      const before = proxy.connections
      const giveUp = () =>
        proxy.connections > before ? patience.abort(new Error('late')) : setImmediate(giveUp)
      if (script.kind === 'black-hole') giveUp()
      const message = await asked.then(
        () => '',
        (error: Error) => error.message,
      )
      assert.match(message, wanted, script.kind)
      assert.equal(served, reached, script.kind)
    }
    proxy.scripts.push({ kind: 'corrupt', at: 1_500 })
    const text = await post(url)
    assert.equal(text.replaceAll('x', '').length, 1)
    assert.equal(proxy.connections, outcomes.length + 1)
  })
})

async function signedInThrough(weather: Weather, seed: number) {
  const provider = new FakeProvider({ replaySeconds: 60 })
  const proxy = new FaultProxy(await provider.listen(), {}, seed)
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    refresh: { background: false },
    timeoutMs: 1_000,
    fetch: proxy.fetch,
  })
  const account = await auth.signInByCode(provider.code())
  proxy.weather = weather // signing in was still fine
  const end = async () => {
    await auth.close()
    await proxy.close()
    await provider.close()
  }
  return { provider, proxy, account, end }
}

test('on flaky wifi renewals succeed or are put off; nobody is signed out', async () => {
  for (const seed of [1, 2, 3]) {
    const weather = { ...profiles['flaky-wifi'], rttMs: 2, jitterMs: 2 }
    const { provider, account, proxy, end } = await signedInThrough(weather, seed)
    for (let i = 0; i < 3; i++) {
      proxy.scripts.push({ kind: i === 1 ? 'reset-after-received' : 'reset-after-sent', bytes: 0 })
      const token = await account.token()
      await account.token({ stale: token }).catch((error: unknown) => {
        assert.ok(error instanceof ProviderUnavailable, String(error))
      })
    }
    assert.ok(
      provider.redemptions.every(({ result }) => result === 'rotated' || result === 'replayed'),
    )
    const status = await account.status()
    assert.ok(status.state === 'signed-in' && status.dead === null)
    await end()
  }
})

test('a change of the line meets the next request, kept-alive connections or not', async () => {
  const { provider, account, proxy, end } = await signedInThrough({}, 1)
  const before = proxy.connections
  proxy.weather = { rttMs: 20 }
  proxy.scripts.push({ kind: 'reset-after-received', bytes: 0 })
  const old = await account.token()
  assert.notEqual(await account.token({ stale: old }), old)
  assert.deepEqual(
    provider.redemptions.map(({ result }) => result),
    ['rotated', 'replayed'],
  )
  assert.equal(proxy.scripts.length, 0)
  assert.ok(proxy.connections >= before + 2)
  await end()
})

test('offline and behind a captive portal the old token stays, and nothing is thrown away', async () => {
  for (const name of ['offline', 'captive-portal'] as const) {
    const { account, proxy, end } = await signedInThrough(profiles[name], 1)
    const token = await account.token()
    const error = await account.token({ stale: token }).catch((e: unknown) => e)
    assert.ok(error instanceof ProviderUnavailable && !(error instanceof SignInRequired), name)
    assert.equal(await account.token(), token)
    proxy.weather = {}
    assert.notEqual(await account.token({ stale: token }), token)
    await end()
  }
})

test('a call cut off in the middle says whether it may have taken effect', async () => {
  const { account, end } = await signedInThrough({}, 1)
  await through({}, async (proxy, url) => {
    const http = account.fetch({ origins: [url] })
    served = 0
    proxy.scripts.push({ kind: 'reset-after-received', bytes: 0 })
    await assert.rejects(
      http(url, { method: 'POST', body: 'pay' }),
      (error) => error instanceof RequestFailed && error.outcome === 'unknown',
    )
    assert.equal(served, 1, 'it was carried out, and not a second time')
    await proxy.close()
    await assert.rejects(
      account.fetch({ origins: [url], retries: 0 })(url, { method: 'POST', body: 'pay' }),
      (error) => error instanceof RequestFailed && error.outcome === 'not-sent',
    )
  })
  await end()
})
