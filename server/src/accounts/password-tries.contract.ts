import assert from 'node:assert/strict'
import { day, hour, minute } from '#platform/clock/clock.ts'
import { type PasswordTries, rememberedMs, type TryLimit } from './password-tries.ts'

type Subject = { tries: PasswordTries; advance(ms: number): void }

const at = (subject: string, limits: Partial<TryLimit> = {}): TryLimit => ({
  subject,
  burst: 10,
  perMs: 10 * minute,
  inARow: 100,
  ...limits,
})
const takes = (tries: PasswordTries, limits: TryLimit[], times: number) =>
  Promise.all(Array.from({ length: times }, () => tries.take(limits)))

/** What every keeper of tries must do; the promises share one and use names of their own. */
export const passwordTriesContract: Record<string, (subject: Subject) => Promise<void>> = {
  async 'of 500 tries at once as many pass as the limit says, and one more a minute later'({
    tries,
    advance,
  }) {
    const passed = (await takes(tries, [at('a')], 500)).filter(({ ok }) => ok)
    assert.equal(passed.length, 10)
    const refused = await tries.take([at('a')])
    assert.ok(!refused.ok && refused.reason === 'rate_limited')
    assert.ok(refused.retryAfterSeconds > 50 && refused.retryAfterSeconds <= 60)
    assert.equal((await tries.take([at('b')])).ok, true)
    advance(minute)
    assert.deepEqual((await takes(tries, [at('a')], 5)).map(({ ok }) => ok).filter(Boolean), [true])
  },
  async 'a refusal by one limit takes nothing at the others'({ tries }) {
    const [wide, narrow] = [at('wide', { burst: 20 }), at('narrow', { burst: 5 })]
    await takes(tries, [wide, narrow], 50)
    const left = await takes(tries, [wide], 50)
    assert.equal(left.filter(({ ok }) => ok).length, 15)
  },
  async 'after a hundred in a row there is one a day, however long they took'({ tries, advance }) {
    const limit = at('row', { burst: 60, perMs: hour })
    let passed = 0
    for (let turn = 0; turn < 130; turn++) {
      const taken = await tries.take([limit])
      if (taken.ok) passed++
      if (taken.ok) assert.equal(taken.reached, passed === 100)
      else assert.equal(taken.reason, 'sign_in_paused')
      advance(minute)
    }
    assert.equal(passed, 100)
    for (let round = 0; round < 3; round++) {
      advance(day)
      assert.deepEqual((await takes(tries, [limit], 20)).map(({ ok }) => ok).filter(Boolean), [
        true,
      ])
    }
  },
  async 'a right one ends the row, what was not judged was no try'({ tries, advance }) {
    const limit = at('right', { inARow: 5, burst: 5 })
    for (let round = 0; round < 5; round++) {
      for (let turn = 0; turn < 4; turn++) await tries.take([limit])
      assert.equal((await tries.take([limit])).ok, true)
      await tries.right([limit])
      advance(10 * minute)
    }
    for (let turn = 0; turn < 20; turn++) {
      assert.equal((await tries.take([limit])).ok, true)
      await tries.giveBack([limit])
    }
    await takes(tries, [limit], 5)
    advance(hour)
    const paused = await tries.take([limit])
    assert.ok(!paused.ok && paused.reason === 'sign_in_paused')
    await tries.right([], [limit])
    assert.equal((await tries.take([limit])).ok, true)
  },
  async 'what says nothing any more is swept in batches, and failures in a row stay a month'({
    tries,
    advance,
  }) {
    advance(2 * rememberedMs)
    await tries.sweep(1_000) // what the promises above left
    for (let index = 0; index < 7; index++)
      await tries.take([at(`network ${index}`, { inARow: null })])
    await tries.take([at('kept')])
    assert.equal(await tries.sweep(5), 0)
    advance(hour)
    assert.deepEqual([await tries.sweep(5), await tries.sweep(5), await tries.sweep(5)], [5, 2, 0])
    advance(rememberedMs)
    assert.equal(await tries.sweep(5), 1)
  },
}
