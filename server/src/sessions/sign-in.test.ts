import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailTo, Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import { day, minute } from '../platform/clock/clock.ts'

type Session = { id: string; current: boolean; device: { id: string; name: string } }

for (const database of databases) {
  test(`${database}: sign up, verify, sign in, read the account, sign out`, async () => {
    await using server = await startServer({ database })
    const { person, email, password } = await signedUp(server.origin, { name: '李 小龙' })
    const account = await person.expect<{ name: string; organizations: { role: string }[] }>(
      200,
      'GET',
      '/api/account',
    )
    assert.equal(account.name, '李 小龙')
    assert.equal(account.organizations[0]?.role, 'owner')
    const projects = await person.expect<{ items: unknown[] }>(200, 'GET', '/api/projects')
    assert.equal(projects.items.length, 1)

    const out = await person.request('DELETE', '/api/sessions/current')
    assert.equal(out.status, 204)
    assert.equal(out.headers.get('clear-site-data'), '"cache", "storage"')
    await person.expect(401, 'GET', '/api/account')
    await person.expect(401, 'POST', '/api/sessions', { email, password: `${password}!` })
    await person.expect(201, 'POST', '/api/sessions', { email: email.toUpperCase(), password })
  })

  test(`${database}: a cookie planted before sign-in is worthless after it`, async () => {
    await using server = await startServer({ database })
    const { email, password, person: before } = await signedUp(server.origin)
    const planted = before.cookies.get('lk_session') ?? ''
    const victim = new Person(server.origin)
    victim.cookies.set('lk_session', planted)
    await victim.expect(201, 'POST', '/api/sessions', { email, password })
    assert.notEqual(victim.cookies.get('lk_session'), planted)
    await before.expect(401, 'GET', '/api/account')

    const chosen = new Person(server.origin)
    chosen.cookies.set('lk_session', 'A'.repeat(43))
    chosen.cookies.set('lk_device', 'B'.repeat(45))
    await chosen.expect(201, 'POST', '/api/sessions', { email, password })
    assert.notEqual(chosen.cookies.get('lk_session'), 'A'.repeat(43))
    assert.notEqual(chosen.cookies.get('lk_device'), 'B'.repeat(45))
  })

  test(`${database}: a session ends after 14 idle days, and after 90 days however busy`, async () => {
    await using server = await startServer({ database })
    const { person, email, password } = await signedUp(server.origin)
    server.clock.advance(13 * day)
    await person.expect(200, 'GET', '/api/account')
    server.clock.advance(15 * day)
    await person.expect(401, 'GET', '/api/account')
    await person.expect(201, 'POST', '/api/sessions', { email, password })
    for (let passed = 0; passed < 90; passed += 10) {
      await person.expect(200, 'GET', '/api/account')
      server.clock.advance(10 * day)
    }
    await person.expect(401, 'GET', '/api/account')
  })

  test(`${database}: whose devices are all forgotten is still told of a new one`, async () => {
    await using server = await startServer({ database })
    const { person, email, password } = await signedUp(server.origin)
    await assert.rejects(mailTo(server.origin, email, 'new_device'), 'the first of a new account')
    server.clock.advance(500 * day)
    await server.sweep()
    await new Person(server.origin).expect(201, 'POST', '/api/sessions', { email, password })
    await mailTo(server.origin, email, 'new_device')
    await person.expect(401, 'GET', '/api/account')
  })

  test(`${database}: somebody else’s session looks like none; one’s own ends at once`, async () => {
    await using server = await startServer({ database })
    const ada = await signedUp(server.origin)
    const eve = await signedUp(server.origin)
    const second = new Person(server.origin)
    await second.expect(201, 'POST', '/api/sessions', { email: ada.email, password: ada.password })
    assert.equal((await mailTo(server.origin, ada.email, 'new_device')).to, ada.email)

    const list = await ada.person.expect<{ items: Session[] }>(200, 'GET', '/api/sessions')
    assert.equal(list.items.length, 2)
    const other = list.items.find((session) => !session.current)
    await eve.person.expect(404, 'DELETE', `/api/sessions/${other?.id}`)
    await second.expect(200, 'GET', '/api/account')
    await ada.person.expect(204, 'DELETE', `/api/sessions/${other?.id}`)
    await second.expect(401, 'GET', '/api/account')
    await ada.person.expect(404, 'DELETE', `/api/sessions/${other?.id}`)

    await second.expect(201, 'POST', '/api/sessions', { email: ada.email, password: ada.password })
    await ada.person.expect(204, 'DELETE', '/api/sessions')
    await second.expect(401, 'GET', '/api/account')
    await ada.person.expect(200, 'GET', '/api/account')
  })

  test(`${database}: guessing stops, and the owner’s known device still gets in`, async () => {
    await using server = await startServer({ database })
    const { person, email, password } = await signedUp(server.origin)
    const guesses = await Promise.all(
      Array.from({ length: 20 }, () =>
        new Person(server.origin).post('/api/sessions', { email, password: 'wrong wrong wrong' }),
      ),
    )
    assert.ok(guesses.filter((answer) => answer.status === 401).length <= 10)
    const late = await new Person(server.origin).post('/api/sessions', { email, password })
    assert.equal(late.status, 429)
    assert.ok(Number(late.headers.get('retry-after')) > 0)
    await person.expect(201, 'POST', '/api/sessions', { email, password })
    server.clock.advance(11 * minute)
    // Signing in rightly does not count: more often than wrong guesses would be allowed.
    for (let i = 0; i < 12; i++)
      await new Person(server.origin).expect(201, 'POST', '/api/sessions', { email, password })
    await new Person(server.origin).expect(201, 'POST', '/api/sessions', { email, password })
  })

  test(`${database}: a request from another site changes nothing`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const hostile: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of hostile) {
      const answer = await person.request('DELETE', '/api/sessions/current', { headers })
      assert.equal(answer.status, 403)
    }
    await person.expect(200, 'GET', '/api/account')
  })
}

test('on https both cookies are __Host-, Secure, HttpOnly and Strict', async () => {
  const secure = 'https://id.example.com'
  await using https = await startServer({ env: { LATCHKEY_ORIGIN: secure, LATCHKEY_PORT: '0' } })
  const email = 'secure@example.com'
  const password = 'quiet harbour lantern 42'
  const inject = (method: 'POST', url: string, payload: object) =>
    https.app.inject({ method, url, payload, headers: { origin: secure, 'user-agent': 'x' } })
  await inject('POST', '/api/accounts', { name: 'Ada', email, password })
  const outbox = await https.app.inject({ url: '/dev/outbox', headers: { host: 'localhost' } })
  const code = outbox.json()[0].code
  await inject('POST', '/api/accounts/verify', { email, code })
  const answer = await inject('POST', '/api/sessions', { email, password })
  assert.equal(answer.statusCode, 201)
  const lines = [answer.headers['set-cookie']].flat()
  for (const name of ['__Host-lk_session', '__Host-lk_device']) {
    const line = lines.find((entry) => entry?.startsWith(`${name}=`)) ?? ''
    for (const attribute of ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict'])
      assert.ok(line.includes(attribute), `${name} lacks ${attribute}`)
    assert.ok(!/domain=/i.test(line))
  }
})
