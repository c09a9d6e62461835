import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAuth } from '../auth.ts'
import { discover } from '../provider/provider.ts'
import { FakeProvider, type FakeProviderOptions } from '../testing/fake-provider.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { renewAfterMs } from './lifetime.ts'

const second = 1_000
const unlooked = 31 // calls that one look at the clock covers

/** An account on a clock that counts how often it is asked and which of its timers are set. */
async function signedIn(by: FakeProviderOptions, share = 0) {
  const time = virtualClock()
  const provider = new FakeProvider({ clock: time, ...by })
  const timers = new Set<object>()
  const issuedAt = new Map<string, number>()
  let looks = 0
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    fetch: async (input, init) => {
      const response = await provider.fetch(input, init)
      const body = (await response.clone().json()) as { access_token?: string }
      if (body.access_token) issuedAt.set(body.access_token, time.now())
      return response
    },
    refresh: { background: false },
    random: { fraction: () => share, bytes: (length) => new Uint8Array(length) },
    clock: {
      monotonic: time.monotonic,
      now: () => {
        looks++
        return time.now()
      },
      timer(ms, fire, hold) {
        const timer = {}
        timers.add(timer)
        const cancel = time.timer(
          ms,
          () => {
            timers.delete(timer)
            fire()
          },
          hold,
        )
        return () => {
          timers.delete(timer)
          cancel()
        }
      },
    },
  })
  const account = await auth.signInByCode(provider.code())
  provider.requests = 0
  return { time, provider, auth, account, timers, issuedAt, looks: () => looks }
}

test('a thousand peeks look at the clock now and then, and leave no timer behind', async () => {
  const { time, account, auth, timers, looks } = await signedIn({})
  const token = await account.token()
  const before = looks()
  for (let i = 0; i < 1_000; i++) assert.equal(account.peek(), token)
  assert.ok(looks() - before <= 1_000 / unlooked, `${looks() - before} looks`)
  assert.equal(timers.size, 2, 'one for the end of the quiet time, one for all the peeks')
  await time.advance(second)
  assert.equal(timers.size, 1)
  await time.advance(600 * second)
  assert.equal(timers.size, 1, 'nobody peeks: no timer')
  account.peek()
  await auth.close()
  assert.equal(account.peek(), token)
  assert.equal(timers.size, 0, 'and none after closing')
})

test('the timer of a peek keeps no process alive', async () => {
  const provider = new FakeProvider()
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    fetch: provider.fetch,
  })
  const account = await auth.signInByCode(provider.code())
  const holding = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const before = holding()
  assert.equal(account.peek(), await account.token())
  assert.equal(holding(), before)
  await auth.close()
})

test('a token that was replaced is not peeked at again', async () => {
  const { provider, account, auth } = await signedIn({})
  const first = account.peek()
  const second = await account.token({ stale: first ?? '' })
  assert.notEqual(second, first)
  assert.equal(account.peek(), second)
  await auth.signInByCode(provider.code())
  assert.equal(account.peek(), await account.token())
  await account.signOut()
  assert.equal(account.peek(), null)
})

test('after a sleep the old token is peeked at for a second of being awake at most, or for 31 calls', async () => {
  const asleep = async () => {
    const { time, account, provider } = await signedIn({})
    const token = account.peek()
    time.jump(8 * 3_600 * second) // the machine sleeps: neither elapsed time nor timers go on
    return { time, account, provider, token }
  }
  const a = await asleep()
  await a.time.advance(second)
  assert.equal(a.account.peek(), null)
  const b = await asleep()
  for (let i = 0; i < unlooked; i++) assert.equal(b.account.peek(), b.token)
  assert.equal(b.account.peek(), null)
  const c = await asleep()
  assert.ok(c.provider.accepts(await c.account.token()), 'token() knows at once')
})

test('near the due moment every peek looks, however the machine slept before', async () => {
  const { time, account, provider } = await signedIn({})
  const token = account.peek()
  time.jump(2_700 * second - 100) // due in a tenth of a second, by the wall clock alone
  for (let i = 0; i <= unlooked; i++) assert.equal(account.peek(), token)
  await time.advance(100)
  assert.equal(account.peek(), token)
  await time.settle()
  assert.equal(provider.requests, 1)
})

type Step =
  | { do: 'advance' | 'sleep'; ms: number }
  /** To shortly before or behind the moment at which the first token is due. */
  | { do: 'approach'; asleep: boolean; ms: number }
  | { do: 'peek'; times: number }
const span = fc.oneof(
  fc.integer({ min: 0, max: 1_200 }),
  fc.integer({ min: 0, max: 60_000 }),
  fc.integer({ min: 0, max: 4_000_000 }),
)
const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ do: fc.constant('advance'), ms: span }),
    fc.record({ do: fc.constant('sleep'), ms: span }),
    fc.record({
      do: fc.constant('approach'),
      asleep: fc.boolean(),
      ms: fc.integer({ min: -1_500, max: 500 }),
    }),
    fc.record({ do: fc.constant('peek'), times: fc.integer({ min: 1, max: 80 }) }),
  ),
  { minLength: 1, maxLength: 12 },
)

test('whatever passes between the peeks: none is given a dead token while awake, and the one at the due moment starts the renewal', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        lifetimeSeconds: fc.oneof(
          fc.integer({ min: 1, max: 60 }),
          fc.integer({ min: 1, max: 9_000 }),
        ),
        refreshInSeconds: fc.option(fc.integer({ min: 1, max: 9_000 }), { nil: null }),
        share: fc.double({ min: 0, max: 0.999, noNaN: true }),
        away: fc.boolean(),
        steps,
      }),
      async ({ lifetimeSeconds, refreshInSeconds, share, away, steps }) => {
        const { time, provider, account, timers, issuedAt } = await signedIn(
          { lifetimeSeconds, ...(refreshInSeconds === null ? {} : { refreshInSeconds }) },
          share,
        )
        const lifetimeMs = lifetimeSeconds * second
        const refreshInMs = refreshInSeconds === null ? null : refreshInSeconds * second
        const early = { earlyMs: 3_600 * second, jitter: 0.1 }
        const after = renewAfterMs({ lifetimeMs, refreshInMs }, early, share) ?? 0
        let wokeAt = Number.NEGATIVE_INFINITY
        let calls = 0 // since waking
        const began = time.now()
        const pass = async (ms: number, asleep: boolean) => {
          if (!asleep) return time.advance(ms)
          time.jump(ms)
          wokeAt = time.monotonic()
          calls = 0
        }
        for (const step of steps) {
          if (step.do === 'advance' || step.do === 'sleep') await pass(step.ms, step.do === 'sleep')
          if (step.do === 'approach')
            await pass(Math.max(0, began + after + step.ms - time.now()), step.asleep)
          for (let i = 0; step.do === 'peek' && i < step.times; i++) {
            if (away) provider.faults.splice(0, 9, { kind: 'refuse-connection' })
            const asked = provider.requests
            const token = account.peek()
            const drowsy = time.monotonic() - wokeAt < second && calls++ < unlooked
            if (drowsy || token === null) continue
            const age = time.now() - (issuedAt.get(token) ?? 0)
            assert.ok(age < lifetimeMs, `dead since ${age - lifetimeMs} ms`)
            if (age < after) continue
            await time.settle()
            assert.ok(away || provider.requests > asked, `due since ${age - after} ms`)
          }
        }
        await time.advance(second)
        assert.ok(timers.size <= 1, `${timers.size} timers`)
      },
    ),
    { numRuns: 300, seed: 20_261_122, interruptAfterTimeLimit: 5_000 },
  )
})
