import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TokenSet } from '../credentials/credential.ts'
import { Secret } from '../platform/secret.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import {
  backOffMs,
  countdown,
  defaultEarlyWindow,
  lastMomentsMs,
  renewAfterMs,
} from './lifetime.ts'

const minute = 60_000
const hour = 60 * minute
const renewAfter = (lifetimeMs: number | null, refreshInMs: number | null = null, share = 0) =>
  renewAfterMs({ lifetimeMs, refreshInMs }, defaultEarlyWindow, share)

test('a long-lived token is renewed one hour before it expires', () => {
  assert.equal(renewAfter(24 * hour), 23 * hour)
})

test('a short-lived token is renewed in the last quarter of its life, not all the time', () => {
  assert.equal(renewAfter(hour), 45 * minute)
  assert.equal(renewAfter(10 * minute), 7.5 * minute)
  assert.equal(renewAfter(5_000), 3_750)
})

test('the provider’s refresh_in wins, within the life of the token', () => {
  assert.equal(renewAfter(hour, 10 * minute), 10 * minute)
  assert.equal(renewAfter(hour, 2 * hour), 59 * minute)
  assert.equal(renewAfter(null, 10 * minute), 10 * minute)
})

test('a token without a lifetime is used until it is refused', () => {
  assert.equal(renewAfter(null), null)
})

test('nodes spread over a tenth of the window, always early, never late', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_000, max: 30 * 24 * hour }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (lifetime, share) => {
        const plain = renewAfter(lifetime) ?? 0
        const jittered = renewAfter(lifetime, null, share) ?? 0
        assert.ok(jittered <= plain && jittered >= plain - (lifetime - plain) * 0.1 - 1)
        assert.ok(jittered >= lifetime * 0.7, 'most of the life is used')
        assert.ok(
          lifetime - jittered >= lastMomentsMs(lifetime),
          'there is time before the last moments',
        )
      },
    ),
  )
})

test('the stricter clock counts: set back, set forward, or asleep', async () => {
  const clock = virtualClock()
  const tokens: TokenSet = {
    accessToken: new Secret('a'),
    tokenType: 'bearer',
    refreshToken: null,
    idToken: null,
    scope: null,
    obtainedAt: clock.now(),
    lifetimeMs: hour,
    refreshInMs: null,
    subject: null,
    proofKey: null,
  }
  const left = countdown(tokens, clock)
  await clock.advance(10 * minute)
  clock.jump(-30 * minute)
  assert.equal(left.leftMs(), 50 * minute, 'setting the clock back gives no extra life')
  clock.jump(30 * minute + 45 * minute) // the machine slept: monotonic time stood still
  assert.equal(left.leftMs(), 5 * minute)
  clock.jump(-3 * hour)
  assert.equal(countdown(tokens, clock).leftMs(), hour, 'a set from the future is fresh, no more')
})

test('tries grow denser towards expiry and stay under twenty in the last hour of a token', () => {
  let left = hour
  let tries = 0
  while (left > 0) {
    left -= backOffMs(left, tries++, 0.5)
  }
  assert.ok(tries <= 20, `${tries}`)
  assert.ok(backOffMs(-1, 0, 0.5) <= 1_000 && backOffMs(-1, 20, 0.99) <= minute)
})
