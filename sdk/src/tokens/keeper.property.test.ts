import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAuth } from '../auth.ts'
import { memoryStore } from '../credentials/memory-store.ts'
import type { CredentialStore } from '../credentials/store.ts'
import type { Clock } from '../platform/clock.ts'
import { discover } from '../provider/provider.ts'
import type { Fetch } from '../provider/wire.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { seededRandom, virtualClock } from '../testing/virtual-clock.ts'

const never = () => new Promise<never>(() => {})

/**
 * A lock that passes on when its holder is killed, as the kernel's does. `slips`: which of its turns
 * it passes on while their holder still works, as a lease does whose holder slept.
 */
function lockThat(slips: boolean[]) {
  let holder: string | null = null
  const line: { who: string; go: () => void }[] = []
  const next = () => {
    const first = line.shift()
    holder = first?.who ?? null
    first?.go()
  }
  return {
    async take<T>(who: string, work: () => Promise<T>): Promise<T> {
      if (holder !== null) await new Promise<void>((go) => line.push({ who, go }))
      else holder = who
      if (slips.shift()) next()
      try {
        return await work()
      } finally {
        if (holder === who) next()
      }
    },
    killed(who: string) {
      for (let i = line.length - 1; i >= 0; i--) if (line[i]?.who === who) line.splice(i, 1)
      if (holder === who) next()
    },
  }
}

test('in every order of events, with lost replies and a kill at any step: one redemption per refresh token, nobody signed out', async () => {
  let kills = 0
  let replays = 0
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.record({
        actors: fc.integer({ min: 2, max: 4 }),
        callers: fc.integer({ min: 1, max: 6 }),
        killAt: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
        losses: fc.array(fc.constantFrom('lose-reply', 'refuse-connection'), { maxLength: 2 }),
        expired: fc.boolean(),
        dpop: fc.boolean(),
        slips: fc.oneof(fc.constant<boolean[]>([]), fc.array(fc.boolean(), { maxLength: 6 })),
        seed: fc.integer(),
      }),
      async (scheduler, { actors, callers, killAt, losses, expired, dpop, slips, seed }) => {
        const clock = virtualClock()
        const provider = new FakeProvider({ clock, replaySeconds: 30, dpop })
        const disk = memoryStore()
        const slipped = slips.includes(true)
        const lock = lockThat([...slips])
        const durable = new Set<string>()
        // Short waits end whenever the scheduler likes; deadlines do not strike in this world.
        const scheduled: Clock = {
          ...clock,
          timer(ms, fire) {
            let cancelled = false
            if (ms < 5_000)
              void scheduler.schedule(Promise.resolve(), 'pause').then(() => cancelled || fire())
            return () => {
              cancelled = true
            }
          },
        }
        const actor = (who: string, killStep: number | null) => {
          let steps = 0
          let dead = false
          // Before and after every effect lies a point where others run and where kill -9 may hit.
          const point = async (label: string) => {
            if (dead) return never()
            await scheduler.schedule(Promise.resolve(), `${who} ${label}`)
            if (killStep !== null && ++steps === killStep) {
              dead = true
              kills++
              lock.killed(who)
            }
            return dead ? never() : undefined
          }
          const around = async <T>(label: string, effect: () => Promise<T>): Promise<T> => {
            await point(`before ${label}`)
            const result = await effect()
            await point(`after ${label}`)
            return result
          }
          const store: CredentialStore = {
            ...disk,
            load: (binding) => around('load', () => disk.load(binding)),
            save: (binding, credential, revision) =>
              around('save', async () => {
                const saved = await disk.save(binding, credential, revision)
                if (saved !== null) durable.add(credential.tokens.accessToken.reveal())
                return saved
              }),
            exclusive: (_, work) => lock.take(who, work),
          }
          const fetch: Fetch = (input, init) =>
            String(input).endsWith('/token')
              ? around('redeem', () => provider.fetch(input, init))
              : provider.fetch(input, init)
          return createAuth({
            provider: discover(provider.issuer),
            clientId: 'app',
            store,
            dpop,
            fetch,
            clock: scheduled,
            random: seededRandom(seed),
            refresh: { background: false },
          }).account()
        }

        const first = createAuth({
          provider: discover(provider.issuer),
          clientId: 'app',
          store: disk,
          dpop,
          fetch: provider.fetch,
          clock,
          refresh: { background: false },
        })
        const old = await (await first.signInByCode(provider.code())).token()
        durable.add(old)
        await clock.advance(expired ? 3_700_000 : 3_000_000)
        provider.faults.push(...losses.map((kind) => ({ kind }) as const))

        const doomed = actor('doomed', killAt)
        for (let i = 0; i < callers; i++) doomed.token().catch(() => {})
        const survivors = Array.from({ length: actors - 1 }, (_, i) => actor(`actor ${i}`, null))
        const asks = survivors.flatMap((account) =>
          Array.from({ length: callers }, async () => {
            // A provider out of reach is told as such, and asking again works: no sign-in is needed.
            for (let tries = 0; ; tries++) {
              try {
                const token = await account.token()
                assert.ok(durable.has(token), 'nobody sees a token before it is saved')
                return token
              } catch (error) {
                const { code } = error as { code?: string }
                const busy = slipped && code === 'store_unavailable'
                assert.ok(code === 'provider_unavailable' || busy, String(error))
                assert.ok(tries < 9)
                await clock.advance(1_100)
              }
            }
          }),
        )
        const tokens = await scheduler.waitFor(Promise.all(asks))
        for (const token of tokens) assert.ok(provider.accepts(token) || token === old)

        const rotated = new Map<string, number>()
        for (const { refreshToken, result } of provider.redemptions) {
          assert.ok(result === 'rotated' || result === 'replayed', result)
          if (result === 'replayed') replays++
          if (result === 'rotated') rotated.set(refreshToken, (rotated.get(refreshToken) ?? 0) + 1)
        }
        for (const times of rotated.values()) assert.equal(times, 1)
        if (killAt === null && !losses.includes('lose-reply') && !slipped)
          assert.equal(provider.redemptions.length, rotated.size, 'no replay without a reason')
      },
    ),
    {
      numRuns: 250,
      seed: 20_261_122,
      interruptAfterTimeLimit: 8_000,
      markInterruptAsFailure: false,
    },
  )
  assert.ok(kills > 5 && replays > 5, `${kills} kills and ${replays} replays were exercised`)
})
