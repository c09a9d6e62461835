import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailTo, Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import { minute } from '../platform/clock/clock.ts'
import type { LatchkeyEvent } from '../platform/events/events.ts'

const fresh = 'another quiet harbour 43'
type Problem = { code: string }

for (const database of databases) {
  test(`${database}: a reset ends every session, moves the epoch, tells the owner and signs nobody in`, async () => {
    await using server = await startServer({ database })
    const { person, email, password, accountId } = await signedUp(server.origin)
    const events: LatchkeyEvent[] = []
    for (const type of ['account.changed', 'session.ended'] as const)
      server.platform.bus.subscribe(type, (event) => events.push(event))
    const forgetful = new Person(server.origin)
    await forgetful.request('POST', '/api/password/forgot', {
      body: { email },
      headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
    })
    const mail = await mailTo(server.origin, email, 'reset_password')
    assert.ok(mail.link?.startsWith(`${server.origin}/recover/reset?email=`))
    const { code } = mail

    // A right code with a password that is refused is not used up.
    const refused = await forgetful.expect<Problem>(400, 'POST', '/api/password/reset', {
      email,
      code,
      password: 'password1',
    })
    assert.equal(refused.code, 'password_common')
    await forgetful.expect(204, 'POST', '/api/password/reset', { email, code, password: fresh })
    assert.equal(forgetful.cookies.size, 0)
    await forgetful.expect(400, 'POST', '/api/password/reset', { email, code, password: fresh })
    await person.expect(401, 'GET', '/api/account')
    await person.expect(401, 'POST', '/api/sessions', { email, password })
    await person.expect(201, 'POST', '/api/sessions', { email, password: fresh })
    assert.ok(await mailTo(server.origin, email, 'password_changed'))
    const moved = events.find((event) => event.type === 'account.changed')
    assert.deepEqual(moved && { ...moved, epoch: 0 }, {
      type: 'account.changed',
      accountId,
      epoch: 0,
      allowed: true,
    })
    assert.ok(events.some((e) => e.type === 'session.ended' && e.reason === 'password_reset'))
  })

  test(`${database}: of 10 resets with one code, one wins; a sixth guess and a late one do not`, async () => {
    await using server = await startServer({ database })
    const { email } = await signedUp(server.origin)
    const person = new Person(server.origin)
    const forgot = async () => {
      await person.expect(202, 'POST', '/api/password/forgot', { email })
      return (await mailTo(server.origin, email, 'reset_password')).code ?? ''
    }
    const code = await forgot()
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        new Person(server.origin).post('/api/password/reset', {
          email,
          code,
          password: `${fresh} ${i}`,
        }),
      ),
    )
    assert.equal(answers.filter((answer) => answer.status === 204).length, 1)

    server.clock.advance(minute)
    const guessed = await forgot()
    const wrong = guessed === '123456' ? '654321' : '123456'
    for (let i = 0; i < 5; i++)
      await person.expect(400, 'POST', '/api/password/reset', {
        email,
        code: wrong,
        password: fresh,
      })
    await person.expect(400, 'POST', '/api/password/reset', {
      email,
      code: guessed,
      password: fresh,
    })
    const late = await forgot()
    server.clock.advance(11 * minute)
    await person.expect(400, 'POST', '/api/password/reset', { email, code: late, password: fresh })
  })

  test(`${database}: changing the password wants the current one and keeps only this session`, async () => {
    await using server = await startServer({ database })
    const { person, email, password } = await signedUp(server.origin)
    const other = new Person(server.origin)
    await other.expect(201, 'POST', '/api/sessions', { email, password })
    const wrong = await person.expect<Problem>(403, 'PUT', '/api/account/password', {
      current: 'not this one at all',
      password: fresh,
    })
    assert.equal(wrong.code, 'current_password_wrong')
    await person.expect(204, 'PUT', '/api/account/password', { current: password, password: fresh })
    await person.expect(200, 'GET', '/api/account')
    await other.expect(401, 'GET', '/api/account')
    await other.expect(401, 'POST', '/api/sessions', { email, password })
    await other.expect(201, 'POST', '/api/sessions', { email, password: fresh })
  })

  test(`${database}: closing wants the password, ends everything and frees the address`, async () => {
    await using server = await startServer({ database })
    const { person, email, password, accountId } = await signedUp(server.origin)
    await person.expect(403, 'DELETE', '/api/account', { password: 'not this one at all' })
    const exported = await person.expect<Record<string, unknown>>(200, 'GET', '/api/account/export')
    for (const part of ['account', 'organizations', 'sessions', 'keys', 'cases', 'audit'])
      assert.ok(exported[part], part)
    let allowed = true
    server.platform.bus.subscribe('account.changed', (event) => {
      if (event.accountId === accountId) allowed = event.allowed
    })
    await person.expect(204, 'DELETE', '/api/account', { password })
    assert.equal(allowed, false)
    await person.expect(401, 'GET', '/api/account')
    await person.expect(401, 'POST', '/api/sessions', { email, password })
    const again = await signedUp(server.origin, { email, password })
    assert.notEqual(again.accountId, accountId)
  })

  test(`${database}: the profile changes what it may and nothing else`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const changed = await person.expect<{ name: string; locale: string }>(
      200,
      'PATCH',
      '/api/account',
      { name: '  Ada   L. ', locale: 'zh' },
    )
    assert.equal(changed.name, 'Ada L.')
    assert.equal(changed.locale, 'zh')
    for (const forbidden of [{ role: 'operator' }, { email_verified: true }, { state: 'active' }])
      await person.expect(400, 'PATCH', '/api/account', forbidden)
    const problem = await person.expect<{ title: string }>(400, 'PATCH', '/api/account', { x: 1 })
    assert.match(problem.title, /\p{Script=Han}/u) // answers follow the account’s language now
  })
}

test('a password hashed with weaker parameters is hashed anew at sign-in', async () => {
  await using server = await startServer()
  const { person, email, password, accountId } = await signedUp(server.origin)
  const { hash } = await import('@node-rs/argon2')
  const old = await hash(password, { memoryCost: 8_192, timeCost: 1, parallelism: 1 })
  const { query } = server.platform.database.tables<{
    accounts: { id: string; password_hash: string }
  }>()
  await query.updateTable('accounts').set({ password_hash: old }).execute()
  await person.expect(201, 'POST', '/api/sessions', { email, password })
  const row = await query.selectFrom('accounts').selectAll().executeTakeFirstOrThrow()
  assert.equal(row.id, accountId)
  assert.match(row.password_hash, /m=19456,t=2,p=1/)
  await person.expect(201, 'POST', '/api/sessions', { email, password })
})

test('the strength endpoint says what sign-up would say', async () => {
  await using server = await startServer()
  const person = new Person(server.origin)
  const weak = await person.expect(200, 'POST', '/api/password/strength', { password: 'password1' })
  assert.deepEqual(
    { ...(weak as object), message: '' },
    { score: 0, acceptable: false, reason: 'password_common', message: '' },
  )
  const good = await person.expect(200, 'POST', '/api/password/strength', {
    password: 'quiet harbour lantern 42',
  })
  assert.deepEqual(good, { score: 4, acceptable: true, reason: null, message: null })
})
