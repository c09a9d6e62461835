import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailTo, Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import { minute } from '../platform/clock/clock.ts'

const password = 'quiet harbour lantern 42'
type Problem = { code: string; errors?: { field: string; code: string }[] }

/** Everything an observer sees of an answer but its own id and time. */
const seen = (answer: { status: number; headers: Headers; body: unknown }) => ({
  status: answer.status,
  body: answer.body,
  headers: [...answer.headers]
    .filter(([name]) => name !== 'x-request-id' && name !== 'date')
    // A sealed cookie is random; its name, length and attributes must not differ.
    .map(([name, value]) => [name, value.replace(/=v1\.[^;]*/, ({ length }) => `=${length}`)]),
})

for (const database of databases) {
  test(`${database}: known and unknown addresses get the same answer to sign-up, resend and forgot`, async () => {
    await using server = await startServer({ database })
    const { email: known } = await signedUp(server.origin)
    const unknown = `${'n'.repeat(known.indexOf('@'))}@example.com`
    const ask = async (email: string) => {
      const person = new Person(server.origin)
      return [
        seen(await person.post('/api/accounts', { name: 'Somebody', email, password })),
        seen(await person.post('/api/accounts/verify/resend', { email })),
        seen(await person.post('/api/password/forgot', { email })),
        seen(await person.post('/api/accounts/verify', { email, code: '000000' })).status,
      ]
    }
    assert.deepEqual(await ask(known), await ask(unknown))
    assert.equal((await mailTo(server.origin, known, 'already_registered')).code, undefined)
    const wrong = new Person(server.origin)
    const atKnown = await wrong.post<Problem>('/api/sessions', { email: known, password: 'x' })
    const atUnknown = await wrong.post<Problem>('/api/sessions', {
      email: 'no@example.com',
      password: 'x',
    })
    assert.equal(atKnown.status, 401)
    assert.deepEqual({ ...atKnown.body, request_id: '' }, { ...atUnknown.body, request_id: '' })
  })

  test(`${database}: of 50 verifications with the right code at once, one wins`, async () => {
    await using server = await startServer({ database })
    const email = 'race@example.com'
    await new Person(server.origin).expect(202, 'POST', '/api/accounts', {
      name: 'Ada',
      email,
      password,
    })
    const { code } = await mailTo(server.origin, email, 'verify_email')
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        new Person(server.origin).post('/api/accounts/verify', { email, code }),
      ),
    )
    assert.equal(answers.filter((answer) => answer.status === 204).length, 1)
    server.clock.advance(minute) // past the limit of tries from one address
    const person = new Person(server.origin)
    await person.expect(201, 'POST', '/api/sessions', { email, password })
    const { items } = await person.expect<{ items: unknown[] }>(200, 'GET', '/api/projects')
    assert.equal(items.length, 1)
  })

  test(`${database}: after five wrong codes the right one is refused, also when they come together`, async () => {
    await using server = await startServer({ database })
    const email = 'guess@example.com'
    const person = new Person(server.origin)
    await person.expect(202, 'POST', '/api/accounts', { name: 'Ada', email, password })
    const { code } = await mailTo(server.origin, email, 'verify_email')
    const wrong = code === '123456' ? '654321' : '123456'
    await Promise.all(
      Array.from({ length: 5 }, () => person.post('/api/accounts/verify', { email, code: wrong })),
    )
    const late = await person.expect<Problem>(400, 'POST', '/api/accounts/verify', { email, code })
    assert.equal(late.code, 'code_invalid')
    await person.expect(202, 'POST', '/api/accounts/verify/resend', { email })
    const fresh = await mailTo(server.origin, email, 'verify_email')
    await person.expect(204, 'POST', '/api/accounts/verify', { email, code: fresh.code })
    await person.expect(400, 'POST', '/api/accounts/verify', { email, code: fresh.code })
  })

  test(`${database}: a code dies after ten minutes, by a newer one, and at another address`, async () => {
    await using server = await startServer({ database })
    const email = 'expiry@example.com'
    const person = new Person(server.origin)
    await person.expect(202, 'POST', '/api/accounts', { name: 'Ada', email, password })
    const first = await mailTo(server.origin, email, 'verify_email')
    server.clock.advance(10 * minute)
    await person.expect(400, 'POST', '/api/accounts/verify', { email, code: first.code })
    await person.expect(202, 'POST', '/api/accounts/verify/resend', { email })
    const second = await mailTo(server.origin, email, 'verify_email')
    await person.expect(202, 'POST', '/api/accounts/verify/resend', { email })
    const third = await mailTo(server.origin, email, 'verify_email')
    if (second.code !== third.code)
      await person.expect(400, 'POST', '/api/accounts/verify', { email, code: second.code })
    await person.expect(400, 'POST', '/api/accounts/verify', {
      email: 'other@example.com',
      code: third.code,
    })
    await person.expect(204, 'POST', '/api/accounts/verify', { email, code: third.code })
  })

  test(`${database}: whoever registers a stranger’s address first is left with nothing`, async () => {
    await using server = await startServer({ database })
    const email = 'victim@example.com'
    const attacker = new Person(server.origin)
    const attackers = 'a different lantern 77'
    await attacker.expect(202, 'POST', '/api/accounts', {
      name: 'Mallory',
      email,
      password: attackers,
    })
    const early = await mailTo(server.origin, email, 'verify_email')
    const victim = new Person(server.origin)
    await victim.expect(202, 'POST', '/api/accounts', { name: 'Victoria', email, password })
    const { code } = await mailTo(server.origin, email, 'verify_email')
    if (early.code !== code)
      await victim.expect(400, 'POST', '/api/accounts/verify', { email, code: early.code })
    await victim.expect(204, 'POST', '/api/accounts/verify', { email, code })
    await attacker.expect(401, 'POST', '/api/sessions', { email, password: attackers })
    const account = await victim.expect<{ name: string }>(201, 'POST', '/api/sessions', {
      email,
      password,
    })
    assert.equal(account.name, 'Victoria')
  })

  test(`${database}: a stranger’s sign-up between mine and my code does not set my password`, async () => {
    await using server = await startServer({ database })
    const email = 'between@example.com'
    const mine = new Person(server.origin)
    await mine.expect(202, 'POST', '/api/accounts', { name: 'Victoria', email, password })
    const theirs = 'a different lantern 77'
    const attacker = new Person(server.origin)
    await attacker.expect(202, 'POST', '/api/accounts', { name: 'Eve', email, password: theirs })
    const { code } = await mailTo(server.origin, email, 'verify_email')
    await mine.expect(204, 'POST', '/api/accounts/verify', { email, code })
    await attacker.expect(401, 'POST', '/api/sessions', { email, password: theirs })
    const account = await mine.expect<{ name: string; organizations: { name: string }[] }>(
      201,
      'POST',
      '/api/sessions',
      { email, password },
    )
    assert.equal(account.name, 'Victoria')
    assert.equal(account.organizations[0]?.name, 'Victoria')
  })

  test(`${database}: an unconfirmed account is told so only with the right password`, async () => {
    await using server = await startServer({ database })
    const email = 'waiting@example.com'
    const person = new Person(server.origin)
    await person.expect(202, 'POST', '/api/accounts', { name: 'Ada', email, password })
    const right = await person.expect<Problem>(403, 'POST', '/api/sessions', { email, password })
    assert.equal(right.code, 'email_unverified')
    await person.expect(401, 'POST', '/api/sessions', { email, password: 'not the password' })
  })
}

test('what cannot be an address, a name or a password is refused by name, in both languages', async () => {
  await using server = await startServer()
  const good = { name: 'Ada', email: 'ada@example.com', password }
  const cases: [Record<string, unknown>, string][] = [
    [{ email: 'a@b.example,c@d.example' }, 'email_invalid'],
    [{ email: '"quoted"@example.com' }, 'email_invalid'],
    [{ email: 'a＠example.com' }, 'email_invalid'],
    [{ name: 'Ada\u202e' }, 'name_invalid'],
    [{ name: '   ' }, 'name_invalid'],
    [{ password: 'short' }, 'password_too_short'],
    [{ password: 'x'.repeat(300) }, 'password_too_long'],
    [{ password: 'password1' }, 'password_common'],
    [{ password: 'latchkey-2026-ada' }, 'password_personal'],
    [{ password: 'xK9#mQ2$' }, 'password_weak'],
  ]
  for (const [change, code] of cases)
    for (const language of ['en', 'zh-CN']) {
      const { status, body } = await new Person(server.origin).request<
        Problem & { title: string; errors: { message: string }[] }
      >('POST', '/api/accounts', {
        body: { ...good, ...change },
        headers: { 'accept-language': language },
      })
      assert.equal(status, 400)
      assert.equal(body.code, code)
      assert.equal(body.errors?.[0]?.field, Object.keys(change)[0])
      assert.equal(/\p{Script=Han}/u.test(body.title), language !== 'en')
      server.clock.advance(minute) // refused sign-ups count against the limit of one address, too
    }
  await new Person(server.origin).expect(400, 'POST', '/api/accounts', {
    ...good,
    role: 'operator',
  })
})
