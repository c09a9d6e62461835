import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { mailTo, Person, signedUp } from '../../../test/harness/person.ts'
import {
  databases,
  scratchPostgres,
  startServer,
  type TestServer,
} from '../../../test/harness/server.ts'
import { day, hour, minute } from '../platform/clock/clock.ts'
import { passwordTriesContract } from './password-tries.contract.ts'
import { sqlPasswordTries } from './password-tries.sql.ts'
import { addressLimit, triesInARow } from './password-tries.ts'

type Refused = { code: string; detail: string; title: string }
const proxied = { LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' }
const newPassword = 'velvet compass thunder 42'

/** One try from a browser nobody has seen, in a network of its own unless one is named. */
let networks = 0
const tryFrom = (
  server: TestServer,
  body: { email: string; password: string },
  address = `198.18.${(++networks >> 8) % 256}.${networks % 256}`,
) =>
  new Person(server.origin).request<Refused>('POST', '/api/sessions', {
    body,
    headers: { 'x-forwarded-for': address },
  })

/** A stranger has tried 99 wrong ones, one a minute; the hundredth is still to come. */
async function besieged(server: TestServer, email: string): Promise<void> {
  const tries = sqlPasswordTries(server.platform)
  const account = await server.accounts.findByEmail(email)
  for (let turn = 1; turn < triesInARow; turn++) {
    await tries.take([addressLimit(email, account?.epoch ?? 1)])
    server.clock.advance(minute)
  }
}
const wrong = 'wrong wrong wrong'

for (const database of databases) {
  test(`${database}: the counter of tries`, async (t) => {
    await using server = await startServer({ database })
    const subject = { tries: sqlPasswordTries(server.platform), advance: server.clock.advance }
    for (const [promise, check] of Object.entries(passwordTriesContract))
      await t.test(promise, () => check(subject))
  })

  test(`${database}: after a hundred wrong ones the owner gets in where known, or by mail, and is told`, async () => {
    await using server = await startServer({ database, env: proxied })
    const { person, email, password } = await signedUp(server.origin)
    await besieged(server, email)
    assert.equal((await tryFrom(server, { email, password: wrong })).status, 401)
    const paused = await tryFrom(server, { email, password })
    assert.deepEqual([paused.status, paused.body.code], [429, 'sign_in_paused'])
    assert.match(paused.body.detail, /new password by mail/)
    assert.ok(Number(paused.headers.get('retry-after')) <= day / 1_000)
    const mails = () => server.mail.recent(50)
    assert.equal((await mails()).filter(({ kind }) => kind === 'sign_in_paused').length, 1)
    assert.match((await mailTo(server.origin, email, 'sign_in_paused')).text, /a hundred wrong/)

    await person.expect(201, 'POST', '/api/sessions', { email, password }) // a known device
    assert.equal((await tryFrom(server, { email, password })).status, 201)

    await besieged(server, email)
    await tryFrom(server, { email, password: wrong })
    assert.equal((await tryFrom(server, { email, password })).status, 429)
    const anybody = new Person(server.origin)
    await anybody.expect(202, 'POST', '/api/password/forgot', { email })
    const { code } = await mailTo(server.origin, email, 'reset_password')
    await anybody.expect(204, 'POST', '/api/password/reset', { email, code, password: newPassword })
    assert.equal((await tryFrom(server, { email, password: newPassword })).status, 201)
  })

  test(`${database}: nobody is paused for longer than a day`, async () => {
    await using server = await startServer({ database, env: proxied })
    const { email, password } = await signedUp(server.origin)
    await besieged(server, email)
    await tryFrom(server, { email, password: wrong })
    assert.equal((await tryFrom(server, { email, password })).status, 429)
    server.clock.advance(day)
    assert.equal((await tryFrom(server, { email, password })).status, 201)
    assert.equal((await tryFrom(server, { email, password })).status, 201)
  })

  test(`${database}: an address nobody has is counted, refused and paused in the same words`, async () => {
    await using server = await startServer({ database, env: proxied })
    const { email } = await signedUp(server.origin)
    const seen = async (email: string) => {
      const answers: unknown[] = []
      const note = async (address?: string) => {
        const { status, body, headers } = await tryFrom(server, { email, password: wrong }, address)
        const { code, title, detail } = body
        answers.push([status, code, title, detail, headers.get('retry-after') !== null])
      }
      for (let turn = 0; turn < 12; turn++) await note('192.88.99.7')
      server.clock.advance(2 * hour)
      await besieged(server, email)
      for (let turn = 0; turn < 3; turn++) await note()
      return answers
    }
    assert.deepEqual(await seen(email), await seen('nobody@example.com'))
  })
}

test('the table of failures names nobody', async () => {
  await using server = await startServer({ env: proxied })
  const { email } = await signedUp(server.origin)
  await tryFrom(server, { email, password: wrong }, '192.88.99.8')
  const { query } = server.platform.database.tables<{ password_failures: { subject: string } }>()
  const rows = await query.selectFrom('password_failures').selectAll().execute()
  assert.equal(rows.length, 3)
  assert.ok(!JSON.stringify(rows).match(/example|192\.88/))
})

test('proving the password again with a session is counted in a row, too', async () => {
  await using server = await startServer({ env: proxied })
  const { person } = await signedUp(server.origin)
  const path = '/api/sessions/current/prove'
  const headers = { 'x-forwarded-for': '192.88.99.9' }
  const codes = []
  for (let turn = 0; turn < 12; turn++) {
    const { body } = await person.request<Refused>('POST', path, {
      body: { password: wrong },
      headers,
    })
    codes.push(body.code)
  }
  assert.deepEqual(new Set(codes.slice(0, 10)), new Set(['current_password_wrong']))
  assert.deepEqual(new Set(codes.slice(10)), new Set(['rate_limited']))
})

test('wrong passwords are counted across nodes and restarts', {
  skip: process.env.LATCHKEY_TEST_POSTGRES_URL ? false : 'needs LATCHKEY_TEST_POSTGRES_URL',
}, async () => {
  const scratch = await scratchPostgres()
  const env = {
    ...proxied,
    LATCHKEY_DATABASE_URL: scratch.url,
    LATCHKEY_ROOT_KEY: randomBytes(32).toString('base64'),
  }
  const email = 'across@example.com'
  const guess = async (server: TestServer) =>
    (await tryFrom(server, { email, password: wrong }, '192.88.99.10')).status
  try {
    await using a = await startServer({ env })
    const owner = await signedUp(a.origin, { email })
    {
      await using b = await startServer({ env })
      const seen = []
      for (let turn = 0; turn < 6; turn++) seen.push(await guess(a), await guess(b))
      assert.deepEqual(seen, [...Array(10).fill(401), 429, 429])
    }
    await using c = await startServer({ env })
    const right = { email, password: owner.password }
    assert.equal((await tryFrom(c, right, '192.88.99.10')).status, 429)
    assert.equal((await tryFrom(c, right, '192.88.99.11')).status, 201)
  } finally {
    await scratch.drop()
  }
})
