import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailTo, Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import { day, minute } from '../platform/clock/clock.ts'
import { sqlSessionStore } from './store.sql.ts'

type Refused = { code: string; ticket?: string; devices?: { id: string; name: string }[] }
type Devices = { items: { id: string; current: boolean }[] }

const limited = (database: 'sqlite' | 'postgres', policy: string, limit = 2) =>
  startServer({
    database,
    env: {
      LATCHKEY_DEVICE_LIMIT: String(limit),
      LATCHKEY_DEVICE_POLICY: policy,
      LATCHKEY_TRUSTED_PROXIES: '127.0.0.1',
    },
  })

for (const database of databases) {
  test(`${database}: one device too many is asked which to end, and goes on without the password`, async () => {
    await using server = await limited(database, 'ask')
    const { person: first, email, password } = await signedUp(server.origin)
    const [second, third, thief] = Array.from({ length: 3 }, () => new Person(server.origin))
    assert.ok(second && third && thief)
    await second.expect(201, 'POST', '/api/sessions', { email, password })
    await first.expect(201, 'POST', '/api/sessions', { email, password }) // is one of the two

    const ask = () => third.expect<Refused>(409, 'POST', '/api/sessions', { email, password })
    const { code, ticket, devices } = await ask()
    assert.equal(code, 'device_limit_reached')
    assert.equal(devices?.length, 2)
    assert.equal(third.cookies.get('lk_session'), undefined)
    const { items } = await first.expect<Devices>(200, 'GET', '/api/devices')
    const end_device_id = items.find(({ current }) => !current)?.id

    const path = '/api/sessions/continue'
    await thief.expect(401, 'POST', path, { ticket, end_device_id }) // another browser
    const asked = await third.expect<Refused>(409, 'POST', path, {
      ticket,
      end_device_id: 'dev_none',
    })
    const go = { ticket: asked.ticket, end_device_id }
    const answers = await Promise.all(Array.from({ length: 10 }, () => third.post(path, go)))
    assert.equal(answers.filter(({ status }) => status === 201).length, 1)
    await second.expect(401, 'GET', '/api/account')
    await first.expect(200, 'GET', '/api/account')
    const told = await second.expect<{ signed_out_reason: string }>(200, 'GET', '/api/console')
    assert.equal(told.signed_out_reason, 'device_limit')
  })

  test(`${database}: a ticket is void after five minutes and after a change of the password`, async () => {
    await using server = await limited(database, 'ask', 1)
    const { person, email, password } = await signedUp(server.origin)
    const other = new Person(server.origin)
    const ask = (password: string) =>
      other.expect<Refused>(409, 'POST', '/api/sessions', { email, password })
    const goOn = ({ ticket, devices }: Refused) =>
      other.expect(401, 'POST', '/api/sessions/continue', {
        ticket,
        end_device_id: devices?.[0]?.id,
      })
    const late = await ask(password)
    server.clock.advance(5 * minute)
    await goOn(late)
    const voided = await ask(password)
    await person.expect(204, 'PUT', '/api/account/password', {
      current: password,
      password: 'velvet compass thunder 42',
    })
    await goOn(voided)
    await person.expect(200, 'GET', '/api/account')
  })

  test(`${database}: the oldest ends, or the new one is refused, as the installation is set`, async () => {
    for (const policy of ['end-oldest', 'refuse']) {
      await using server = await limited(database, policy, 1)
      const { person, email, password } = await signedUp(server.origin)
      const other = new Person(server.origin)
      const ends = policy === 'end-oldest'
      const { body } = await other.post<Refused>('/api/sessions', { email, password })
      assert.equal(body.code, ends ? undefined : 'device_limit_refused')
      await other.expect(ends ? 200 : 401, 'GET', '/api/account')
      await person.expect(ends ? 401 : 200, 'GET', '/api/account')
    }
  })

  test(`${database}: who is refused and has no device any more gets in by a new password`, async () => {
    await using server = await limited(database, 'refuse', 1)
    const { email, password } = await signedUp(server.origin)
    const other = new Person(server.origin)
    await other.expect(409, 'POST', '/api/sessions', { email, password })
    await other.expect(202, 'POST', '/api/password/forgot', { email })
    const { code } = await mailTo(server.origin, email, 'reset_password')
    const next = 'velvet compass thunder 42'
    await other.expect(204, 'POST', '/api/password/reset', { email, code, password: next })
    await other.expect(201, 'POST', '/api/sessions', { email, password: next })
  })

  test(`${database}: of 50 sign-ins at once no more than the limit stay, whatever the policy`, async () => {
    for (const policy of ['ask', 'end-oldest']) {
      await using server = await limited(database, policy, 3)
      const { email, password, accountId } = await signedUp(server.origin)
      const statuses = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const body = { email, password }
          const headers = { 'x-forwarded-for': `192.0.2.${index + 1}` }
          const person = new Person(server.origin)
          return (await person.request('POST', '/api/sessions', { body, headers })).status
        }),
      )
      assert.ok(
        statuses.every((status) => [201, 409].includes(status)),
        statuses.join(),
      )
      const { query } = server.platform.database.tables<{
        sessions: { id: string; account_id: string; ended_at: number | null }
      }>()
      const living = await query
        .selectFrom('sessions')
        .select('id')
        .where('account_id', '=', accountId)
        .where('ended_at', 'is', null)
        .execute()
      assert.equal(living.length, 3)
    }
  })

  test(`${database}: a session is forgotten 30 days after its end, in batches`, async () => {
    await using server = await startServer({ database })
    const { person, email, password } = await signedUp(server.origin)
    const store = sqlSessionStore(server.platform.database)
    for (let i = 0; i < 3; i++)
      await person.expect(201, 'POST', '/api/sessions', { email, password })
    const sweep = (endedBefore: number) =>
      store.sweep({ endedBefore, unseenBefore: 0, now: server.clock.now() }, 2)
    assert.equal(await sweep(server.clock.now() - day), 0)
    assert.equal(await sweep(server.clock.now() + day), 2)
    assert.equal(await sweep(server.clock.now() + day), 1)
    await person.expect(200, 'GET', '/api/account')
  })
}
