import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuth } from '../auth.ts'
import { memoryStore } from '../credentials/memory-store.ts'
import { ProviderUnavailable } from '../errors/errors.ts'
import { pause } from '../platform/clock.ts'
import { discover } from '../provider/provider.ts'
import type { Fetch } from '../provider/wire.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { seededRandom, virtualClock } from '../testing/virtual-clock.ts'

const legMs = 100
const longestMs = 20_000

/**
 * A network that is down for a while, from some moment of the first renewal on: it resets what is under
 * way and refuses the rest, or swallows everything. Latchkey's numbers: ten minutes' life, half a minute
 * in which a used refresh token gets the same successor again.
 */
async function world(seed: number, background: boolean) {
  const random = seededRandom(seed)
  const clock = virtualClock()
  const provider = new FakeProvider({ clock, lifetimeSeconds: 600, replaySeconds: 30 })
  const swallows = random.fraction() < 0.3
  const beginsAfterMs = random.fraction() * 2.2 * legMs
  const lastsMs = random.fraction() * longestMs
  let downFrom = Number.POSITIVE_INFINITY
  let requests = 0
  const leg = async (signal: AbortSignal, code: string) => {
    await pause(clock, legMs, signal)
    const now = clock.monotonic()
    if (now < downFrom || now >= downFrom + lastsMs) return
    if (swallows) await pause(clock, 3_600_000, signal)
    throw Object.assign(new TypeError('fetch failed'), {
      cause: Object.assign(new Error(), { code }),
    })
  }
  const line: Fetch = async (input, init) => {
    if (!String(input).endsWith('/token')) return provider.fetch(input, init)
    if (requests++ === 0) downFrom = clock.monotonic() + beginsAfterMs
    const signal = init?.signal ?? AbortSignal.timeout(60_000)
    await leg(signal, 'ENETUNREACH')
    const response = await provider.fetch(input, init)
    await leg(signal, 'ECONNRESET')
    return response
  }
  const store = memoryStore()
  const by = { provider: discover(provider.issuer), clientId: 'app', store, clock, random }
  const first = createAuth({ ...by, fetch: provider.fetch, refresh: { background: false } })
  await first.signInByCode(provider.code())
  const auth = createAuth({ ...by, fetch: line, refresh: { background } })
  return { clock, provider, auth, requests: () => requests, swallows, lastsMs }
}

for (const background of [true, false])
  test(`no outage of up to twenty seconds around a renewal costs a sign-in, ${background ? 'by the timer alone' : 'however callers ask'}`, async () => {
    let replays = 0
    for (let seed = 1; seed <= 40; seed++) {
      const { clock, provider, auth, requests, swallows, lastsMs } = await world(seed, background)
      const account = auth.account()
      await account.token()
      await clock.advance(400_000)
      for (let steps = 0; !background && steps < 20; steps++) {
        await clock.advance(8_000)
        assert.ok(provider.accepts(await account.token()))
      }
      await clock.advance(300_000)
      const told = `seed ${seed}: ${swallows ? 'swallowed' : 'cut'} for ${Math.round(lastsMs)} ms`
      assert.ok(provider.accepts(await account.token()), told)
      const results = provider.redemptions.map(({ result }) => result)
      assert.ok(!results.includes('reused'), `${told}: ${results.join(' ')}`)
      assert.ok(requests() <= 12, `${told}: ${requests()} requests`)
      replays += results.filter((result) => result === 'replayed').length
      await auth.close()
    }
    assert.ok(replays >= 10, `${replays} lost replies were asked for again`)
  })

test('a renewal before its time whose reply is lost is settled in the replay window, though nobody asks again', async () => {
  const clock = virtualClock()
  const provider = new FakeProvider({ clock, replaySeconds: 30 })
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    clock,
    fetch: provider.fetch,
    random: seededRandom(1),
  })
  const account = await auth.signInByCode(provider.code())
  const refused = await account.token()
  provider.faults.push({ kind: 'lose-reply' }, ...Array(3).fill({ kind: 'refuse-connection' }))
  const asked = assert.rejects(account.token({ stale: refused }), ProviderUnavailable)
  await clock.advance(1_000)
  await asked
  await clock.advance(20_000)
  assert.deepEqual(
    provider.redemptions.map(({ result }) => result),
    ['rotated', 'replayed'],
  )
  assert.ok(account.peek() !== refused && provider.accepts(account.peek() ?? ''))
  await auth.close()
})

test('a provider that stays away after a lost reply is left alone after a minute', async () => {
  const clock = virtualClock()
  const provider = new FakeProvider({ clock, replaySeconds: 30 })
  const by = { provider: discover(provider.issuer), clientId: 'app', clock, fetch: provider.fetch }
  const auth = createAuth({ ...by, random: seededRandom(1) })
  await auth.signInByCode(provider.code())
  await clock.advance(40 * 60_000)
  provider.requests = 0
  provider.faults.push({ kind: 'lose-reply' }, ...Array(99).fill({ kind: 'refuse-connection' }))
  await clock.advance(8 * 60_000)
  assert.ok(provider.requests > 10 && provider.requests <= 30, `${provider.requests}`)
  provider.requests = 0
  await clock.advance(10 * 60_000)
  assert.ok(provider.requests <= 10, `${provider.requests}`)
  await auth.close()
})
