import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { keyHolder } from '../harness/dpop.ts'
import { buildHouse, type House, housesHere } from '../harness/house.ts'
import {
  begin,
  type Fate,
  type Household,
  moveIn,
  type TokenAnswer,
} from '../harness/refresh-family.ts'
import { dice } from '../harness/seed.ts'
import {
  killedAtSomeMoment,
  killedBetweenClaimAndCommit,
  killedBetweenCommitAndAnswer,
} from './refresh-kills.ts'

const chance = dice()

/** Refresh under every order of events, against real processes; `LATCHKEY_TEST_SEED` repeats one. */
for (const name of housesHere)
  describe(`refresh races: ${name}`, { concurrency: false }, () => {
    let house: House
    let household: Household
    before(async () => {
      house = await buildHouse(name)
      household = await moveIn(house)
    })
    after(async () => house?.[Symbol.asyncDispose]())
    const somewhere = () => chance.pick(house.addresses)

    test('any number at once get the same successor, its life recalculated, and it works', async (t) => {
      t.diagnostic(`seed ${chance.seed}`)
      const family = await begin(household)
      let token = family.first
      for (const parallel of [2, 16 + chance.below(16)]) {
        const answers = await Promise.all(
          Array.from({ length: parallel }, () => family.refresh(token, { address: somewhere() })),
        )
        assert.deepEqual(
          answers.filter((answer) => answer?.status !== 200),
          [],
        )
        assert.equal(new Set(answers.map((answer) => answer?.refresh_token)).size, 1)
        assert.equal(new Set(answers.map((answer) => answer?.access_token)).size, 1)
        for (const answer of answers) assertLife(answer)
        token = answers[0]?.refresh_token ?? ''
      }
      assert.equal((await family.refresh(token))?.status, 200)
      assert.deepEqual(await family.stored(), { living: 1, used: 3, revoked: false, reuseSeen: 0 })
    })

    test('a storm of stale tokens, lost answers and strangers neither forks nor ends the family', async (t) => {
      t.diagnostic(`seed ${chance.seed}`)
      const family = await begin(household)
      /** Every generation a client has seen, in the order of arrival; the last may be stale, too. */
      const seen = [family.first]
      const wrong: [string, TokenAnswer][] = []
      const client = async () => {
        for (let step = 0; step < 8; step++) {
          const spent = seen.slice(0, -1)
          const probe = spent.length > 0 && chance.chance(0.25)
          const token =
            probe || chance.chance(0.3) ? chance.pick(probe ? spent : seen) : seen.at(-1)
          const fate: Fate = chance.chance(0.3)
            ? chance.pick([
                'lost at its head',
                { cutAfterMs: chance.below(3) },
                { cutAfterMs: chance.below(12) },
              ])
            : 'arrives'
          const how = probe ? chance.pick(['stranger', 'scope', 'resource']) : 'as before'
          const answer = await family.refresh(token ?? '', {
            address: somewhere(),
            fate,
            ...(how === 'stranger' ? { client: household.stranger } : {}),
            ...(how === 'scope' ? { form: { scope: 'models:read' } } : {}),
            ...(how === 'resource' ? { form: { resource: `${house.origin}/v1` } } : {}),
          })
          if (!answer) continue
          if (probe ? answer.reason !== 'client_mismatch' : answer.status !== 200)
            wrong.push([how, answer])
          const successor = answer.refresh_token
          if (successor !== undefined && !seen.includes(successor)) seen.push(successor)
        }
      }
      await Promise.all(Array.from({ length: 6 + chance.below(6) }, client))
      assert.deepEqual(wrong, [])

      // Whoever comes last, with whatever generation, is given the one that lives.
      const last = await Promise.all(
        seen.map((token) => family.refresh(token, { address: somewhere() })),
      )
      assert.deepEqual(
        last.filter((answer) => answer?.status !== 200),
        [],
      )
      const living = await family.refresh(family.first, { address: somewhere() })
      const used = (await family.stored()).used
      assert.equal((await family.refresh(living?.refresh_token ?? ''))?.status, 200)
      assert.deepEqual(await family.stored(), {
        living: 1,
        used: used + 1,
        revoked: false,
        reuseSeen: 0,
      })
    })

    test('other keys and none, among any number at once, get nothing and end nothing', async (t) => {
      t.diagnostic(`seed ${chance.seed}`)
      for (const app of [household.publicApp, household.app]) {
        const [holder, thief] = [keyHolder(), keyHolder()]
        const family = await begin(household, { app, holder })
        const seen = [family.first]
        /** A client with a secret may change its key: only what it has used already tells keys apart. */
        const spent = () => seen.slice(0, app === household.app ? -1 : undefined)
        const wrong: [string, TokenAnswer][] = []
        const client = async () => {
          for (let step = 0; step < 6; step++) {
            const steals = spent().length > 0 && chance.chance(0.4)
            const fate: Fate =
              !steals && chance.chance(0.2) ? { cutAfterMs: chance.below(8) } : 'arrives'
            const answer = await family.refresh(
              steals ? chance.pick(spent()) : (seen.at(-1) ?? ''),
              { address: somewhere(), fate, ...(steals ? { by: chance.pick([thief, null]) } : {}) },
            )
            if (!answer) continue
            if (steals ? answer.reason !== 'client_mismatch' : answer.status !== 200)
              wrong.push([steals ? 'stolen' : 'own', answer])
            const successor = answer.refresh_token
            if (successor !== undefined && !seen.includes(successor)) seen.push(successor)
          }
        }
        await Promise.all(Array.from({ length: 4 + chance.below(4) }, client))
        assert.deepEqual(wrong, [])
        const newest = await family.refresh(family.first, { address: somewhere() })
        assert.equal(newest?.status, 200)
        assert.equal((await family.refresh(newest.refresh_token ?? ''))?.status, 200)

        await family.windowEnds()
        if (app === household.publicApp)
          for (const by of [thief, null]) {
            const late = await family.refresh(family.first, { address: somewhere(), by })
            assert.equal(late?.reason, 'client_mismatch', 'a thief without the key ends nothing')
          }
        const { living, revoked, reuseSeen } = await family.stored()
        assert.deepEqual(
          { living, revoked, reuseSeen },
          { living: 1, revoked: false, reuseSeen: 0 },
        )
        assert.equal((await family.refresh(family.first))?.reason, 'reused')
        assert.equal((await family.stored()).revoked, true)
      }
    })

    test('any number at once with one key get one successor, each with a proof of its own', async (t) => {
      t.diagnostic(`seed ${chance.seed}`)
      const family = await begin(household, { app: household.publicApp, holder: keyHolder() })
      const answers = await Promise.all(
        Array.from({ length: 16 + chance.below(16) }, () =>
          family.refresh(family.first, { address: somewhere() }),
        ),
      )
      assert.equal(new Set(answers.map((answer) => answer?.refresh_token)).size, 1)
      assert.equal(new Set(answers.map((answer) => answer?.access_token)).size, 1)
      assert.deepEqual([...new Set(answers.map((answer) => answer?.token_type))], ['DPoP'])
      assert.deepEqual(await family.stored(), { living: 1, used: 1, revoked: false, reuseSeen: 0 })
    })

    test('reuse after the window ends that family once, and no other', async (t) => {
      t.diagnostic(`seed ${chance.seed}`)
      const [family, neighbour] = [await begin(household), await begin(household)]
      const next = await family.refresh(family.first, { address: somewhere() })
      await family.windowEnds()
      const stranger = await family.refresh(family.first, { client: household.stranger })
      assert.equal(stranger?.reason, 'client_mismatch')
      assert.equal((await family.stored()).revoked, false, 'a stranger ends nothing')
      const late = await Promise.all(
        Array.from({ length: 4 + chance.below(12) }, () =>
          family.refresh(family.first, { address: somewhere() }),
        ),
      )
      for (const answer of late) assert.equal(answer?.error, 'invalid_grant')
      assert.ok(late.some((answer) => answer?.reason === 'reused'))
      const dead = await family.refresh(next?.refresh_token ?? '', { address: somewhere() })
      assert.equal(dead?.error, 'invalid_grant')
      const { living, revoked, reuseSeen } = await family.stored()
      assert.deepEqual({ living, revoked, reuseSeen }, { living: 0, revoked: true, reuseSeen: 1 })
      assert.equal((await neighbour.refresh(neighbour.first))?.status, 200)
    })

    test('a family that its client ends among its own refreshes stays ended', async (t) => {
      t.diagnostic(`seed ${chance.seed}`)
      const family = await begin(household)
      const parallel = 2 + chance.below(8)
      const answers = await Promise.all([
        ...Array.from({ length: parallel }, () =>
          family.refresh(family.first, { address: somewhere() }),
        ),
        family.revoke(family.first, somewhere()),
      ])
      const successors = answers.flatMap((answer) => answer?.refresh_token ?? [])
      for (const token of [family.first, ...successors])
        assert.equal((await family.refresh(token, { address: somewhere() }))?.status, 400)
      const { living, reuseSeen } = await family.stored()
      assert.deepEqual({ living, reuseSeen }, { living: 0, reuseSeen: 0 })
    })

    test('kill -9 around the claim loses no family and tells nobody a lie', async (t) => {
      t.diagnostic(`seed ${chance.seed}`)
      const one = await begin(household)
      if (house.shared) await killedBetweenClaimAndCommit(house, one, chance)
      else await killedAtSomeMoment(house, one, chance)
      const bound = { app: household.publicApp, holder: keyHolder() }
      await killedBetweenCommitAndAnswer(house, await begin(household, bound))
    })
  })

/** 10 minutes, less what has passed since the winner's answer: whole seconds, never more. */
const assertLife = (answer: TokenAnswer | null) =>
  assert.ok(
    answer?.expires_in !== undefined && answer.expires_in <= 600 && answer.expires_in > 570,
    `expires_in ${answer?.expires_in}`,
  )
