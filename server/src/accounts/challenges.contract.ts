import assert from 'node:assert/strict'
import { day, minute } from '#platform/clock/clock.ts'
import type { Challenges } from './challenges.sql.ts'

type Subject = { challenges: Challenges; accountId: string; advance(ms: number): void }

const address = 'ada@example.com'
const other = (code: string) => (code === '111111' ? '222222' : '111111')

/** What every keeper of challenges must do, whatever it is built on. */
export const challengesContract: Record<string, (subject: Subject) => Promise<void>> = {
  async 'a code is spent by exactly one of 50 callers'({ challenges, accountId }) {
    const code = await challenges.mintCode('verify_email', address, accountId)
    assert.match(code, /^\d{6}$/)
    const spent = await Promise.all(
      Array.from({ length: 50 }, () => challenges.spendCode('verify_email', address, code)),
    )
    assert.deepEqual(
      spent.filter((id) => id !== null),
      [accountId],
    )
  },
  async 'of 50 wrong guesses at once five are judged, and the right code after them is none'({
    challenges,
    accountId,
  }) {
    const code = await challenges.mintCode('verify_email', address, accountId)
    await Promise.all(
      Array.from({ length: 50 }, () => challenges.spendCode('verify_email', address, other(code))),
    )
    assert.equal(await challenges.spendCode('verify_email', address, code), null)
  },
  async 'the fifth guess still counts'({ challenges, accountId }) {
    const code = await challenges.mintCode('reset_password', address, accountId)
    for (let i = 0; i < 4; i++) await challenges.spendCode('reset_password', address, other(code))
    assert.equal(await challenges.spendCode('reset_password', address, code), accountId)
  },
  async 'kind, address, age and a newer code end it'({ challenges, accountId, advance }) {
    const code = await challenges.mintCode('verify_email', address, accountId)
    assert.equal(await challenges.spendCode('reset_password', address, code), null)
    assert.equal(await challenges.spendCode('verify_email', 'b@example.com', code), null)
    const newer = await challenges.mintCode('verify_email', address, accountId)
    if (newer !== code)
      assert.equal(await challenges.spendCode('verify_email', address, code), null)
    advance(10 * minute)
    assert.equal(await challenges.spendCode('verify_email', address, newer), null)
    const cancelled = await challenges.mintCode('verify_email', address, accountId)
    await challenges.cancel('verify_email', address)
    assert.equal(await challenges.spendCode('verify_email', address, cancelled), null)
  },
  async 'codes minted at once leave one open'({ challenges, accountId }) {
    const codes = await Promise.all(
      Array.from({ length: 10 }, () => challenges.mintCode('verify_email', address, accountId)),
    )
    const spent: (string | null)[] = []
    // Five tries do for ten codes only if at most one row is open.
    for (const code of codes) spent.push(await challenges.spendCode('verify_email', address, code))
    assert.ok(spent.filter((id) => id !== null).length <= 1)
  },
  async 'a link is used up by one of 50 callers and is known until then'({ challenges, advance }) {
    const token = await challenges.mintLink(null, 'operator')
    assert.deepEqual(await challenges.peekLink(token), { email: null, role: 'operator' })
    const spent = await Promise.all(Array.from({ length: 50 }, () => challenges.spendLink(token)))
    assert.equal(spent.filter((link) => link !== null).length, 1)
    assert.equal(await challenges.peekLink(token), null)
    const older = await challenges.mintLink(null, 'operator')
    const newer = await challenges.mintLink(null, 'support')
    assert.equal(await challenges.spendLink(older), null)
    advance(day)
    assert.equal(await challenges.spendLink(newer), null)
  },
}
