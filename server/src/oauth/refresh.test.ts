import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { discover, registerApp, signIn } from '../../../test/harness/oauth-browser.ts'
import { mailTo, Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'

type Answer = {
  status: number
  access_token?: string
  refresh_token?: string
  scope?: string
  expires_in?: number
  error?: string
  reason?: string
}

async function family(
  server: TestServer,
  settings: object = {},
  asked: Record<string, string> = {},
) {
  const signed = await signedUp(server.origin)
  const app = await registerApp(signed.person, {
    // The way its secret is sent below: another would be left to the engine, ID token or not.
    token_endpoint_auth_method: 'client_secret_post',
    ...settings,
  })
  const tokens = await signIn(await discover(server.origin, app), signed.person, asked)
  const refresh = async (
    token: string | undefined,
    form: Record<string, string> = {},
    client = app,
  ): Promise<Answer> => {
    const response = await fetch(`${server.origin}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: token ?? '',
        client_id: client.client_id,
        client_secret: client.client_secret ?? '',
        ...form,
      }),
    })
    return { status: response.status, ...((await response.json()) as object) }
  }
  return { ...signed, app, tokens, refresh, first: tokens.refresh_token ?? '' }
}

/** With an ID token the engine answers, without one our own code does. */
const bothWays = [{}, { scope: 'offline_access models:read chat:write' }]

for (const database of databases) {
  test(`50 simultaneous refreshes get the same one successor, and it works (${database})`, async () => {
    await using server = await startServer({ database })
    const { refresh, first } = await family(server)
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(first)))
    assert.deepEqual(
      answers.map(({ status }) => status).filter((status) => status !== 200),
      [],
    )
    assert.equal(new Set(answers.map(({ refresh_token }) => refresh_token)).size, 1)
    assert.equal(new Set(answers.map(({ access_token }) => access_token)).size, 1)
    assert.equal((await refresh(answers[0]?.refresh_token)).status, 200)
  })

  test(`a lost answer is given again in the grace window; after it, reuse ends the family (${database})`, async () => {
    await using server = await startServer({ database })
    const { refresh, first } = await family(server)
    const answer = await refresh(first)
    server.clock.advance(20_000)
    const again = await refresh(first)
    assert.equal(again.refresh_token, answer.refresh_token)
    assert.equal(again.expires_in, 580)
    server.clock.advance(11_000)
    const late = await refresh(first)
    assert.deepEqual([late.status, late.error, late.reason], [400, 'invalid_grant', 'reused'])
    assert.equal((await refresh(answer.refresh_token)).error, 'invalid_grant')
    assert.deepEqual(await server.oauth.verifier.verify(answer.access_token ?? ''), {
      ok: false,
      reason: 'revoked',
    })
  })

  test(`reuse after the window is written down once and told to the owner by name (${database})`, async () => {
    await using server = await startServer({ database })
    const { refresh, first, email, accountId, app } = await family(server)
    await refresh(first)
    server.clock.advance(31_000)
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(first)))
    assert.deepEqual([...new Set(answers.map(({ error }) => error))], ['invalid_grant'])
    const mail = await mailTo(server.origin, email, 'refresh_token_reused')
    assert.match(mail.text, /Example App/)
    const { body } = await new Person(server.origin).get<{ kind: string }[]>('/dev/outbox')
    assert.equal(body.filter(({ kind }) => kind === 'refresh_token_reused').length, 1)
    const lines = (await server.audit.list({ limit: 50 })).filter(
      ({ action }) => action === 'grant.reuse_detected',
    )
    assert.equal(lines.length, 1)
    assert.equal(lines[0]?.detail?.account_id, accountId)
    assert.equal(lines[0]?.detail?.client_id, app.client_id)
  })

  test(`a slow loser gets the newest generation, not a dead one (${database})`, async () => {
    await using server = await startServer({ database })
    const { refresh, first } = await family(server)
    const second = await refresh(first)
    const third = await refresh(second.refresh_token)
    const slow = await refresh(first)
    assert.equal(slow.refresh_token, third.refresh_token)
    assert.equal((await refresh(slow.refresh_token)).status, 200)
  })

  test(`another client or other parameters are refused without harm to the family (${database})`, async () => {
    await using server = await startServer({ database })
    for (const asked of bothWays) {
      const { refresh, first, person } = await family(server, {}, asked)
      const stranger = await registerApp(person, {
        name: 'Stranger',
        token_endpoint_auth_method: 'client_secret_post',
      })
      assert.equal((await refresh(first, {}, stranger)).reason, 'client_mismatch')
      const answer = await refresh(first)
      assert.equal((await refresh(first, {}, stranger)).reason, 'client_mismatch')
      assert.equal((await refresh(first, { scope: 'models:read' })).reason, 'client_mismatch')
      const next = answer.refresh_token
      assert.equal((await refresh(next, {}, stranger)).reason, 'client_mismatch')
      assert.equal((await refresh(next)).status, 200)
    }
  })

  test(`the newest generation is given to whoever asks as before, and never more than was asked (${database})`, async () => {
    await using server = await startServer({ database })
    const { refresh, first } = await family(server)
    const less = { scope: 'models:read' }
    const second = await refresh(first)
    const third = await refresh(second.refresh_token, less)
    const slow = await refresh(first)
    assert.deepEqual([slow.refresh_token, slow.scope], [third.refresh_token, 'models:read'])
    assert.equal((await refresh(second.refresh_token)).reason, 'client_mismatch')
    const fourth = await refresh(third.refresh_token)
    assert.equal(fourth.scope, 'models:read chat:write')
    assert.equal((await refresh(second.refresh_token, less)).reason, 'client_mismatch')
    assert.equal((await refresh(first)).refresh_token, fourth.refresh_token)
    assert.equal((await refresh(fourth.refresh_token)).status, 200)
  })

  test(`a refusal after the claim leaves the token unused (${database})`, async () => {
    await using server = await startServer({ database })
    const { refresh, first } = await family(server)
    assert.equal(
      (await refresh(first, { resource: 'https://other.example/' })).error,
      'invalid_target',
    )
    assert.equal((await refresh(first, { scope: 'usage:read' })).error, 'invalid_scope')
    assert.equal((await refresh(first)).status, 200)
  })

  test(`two devices of one person do not disturb each other (${database})`, async () => {
    await using server = await startServer({ database })
    const { refresh, first, person, app } = await family(server)
    const other = await signIn(await discover(server.origin, app), person)
    await refresh(first)
    server.clock.advance(60_000)
    assert.equal((await refresh(first)).reason, 'reused')
    assert.equal((await refresh(other.refresh_token)).status, 200)
  })
}

test('grace 0 is strict: the second use ends the family at once', async () => {
  await using server = await startServer()
  const { refresh, first } = await family(server, { refresh_grace_seconds: 0 })
  const answer = await refresh(first)
  assert.equal((await refresh(first)).reason, 'reused')
  assert.equal((await refresh(answer.refresh_token)).error, 'invalid_grant')
})

test('scope may narrow an access token and never widens', async () => {
  await using server = await startServer()
  const { refresh, first } = await family(server)
  const narrow = await refresh(first, { scope: 'models:read' })
  const judged = await server.oauth.verifier.verify(narrow.access_token ?? '')
  assert.ok(judged.ok)
  assert.deepEqual(judged.token.scopes, ['models:read'])
  const wide = await refresh(narrow.refresh_token)
  const full = await server.oauth.verifier.verify(wide.access_token ?? '')
  assert.ok(full.ok)
  assert.deepEqual(full.token.scopes, ['models:read', 'chat:write'])
  assert.equal((await refresh(wide.refresh_token, { scope: 'keys:manage' })).error, 'invalid_scope')
})

test('30 days without use end a family, and it says so', async () => {
  await using server = await startServer()
  const { refresh, first } = await family(server)
  server.clock.advance(29 * 86_400_000)
  const answer = await refresh(first)
  assert.equal(answer.status, 200)
  server.clock.advance(31 * 86_400_000)
  assert.equal((await refresh(answer.refresh_token)).reason, 'expired')
})

for (const scope of ['openid offline_access models:read', 'offline_access models:read'])
  test(`an app sets how long it may be idle and how long it lasts at all (${scope})`, async () => {
    await using server = await startServer()
    const settings = { refresh_idle_seconds: 3_600, refresh_absolute_seconds: 7_200 }
    const { person, app, refresh } = await family(server, settings)
    const config = await discover(server.origin, app)
    const idle = (await signIn(config, person, { scope })).refresh_token ?? ''
    const first = (await signIn(config, person, { scope })).refresh_token ?? ''
    server.clock.advance(3_500_000)
    const second = await refresh(first)
    assert.equal(second.status, 200)
    server.clock.advance(101_000)
    assert.equal((await refresh(idle)).reason, 'expired', 'an hour without use')
    server.clock.advance(3_399_000)
    const third = await refresh(second.refresh_token)
    assert.equal(third.status, 200)
    server.clock.advance(250_000)
    assert.equal((await refresh(third.refresh_token)).reason, 'expired', 'two hours are over')
    for (const seconds of [0, 299, 180 * 86_400 + 1, 1.5])
      for (const name of ['refresh_idle_seconds', 'refresh_absolute_seconds']) {
        const change = { body: { [name]: seconds } }
        assert.equal(
          (await person.request('PATCH', `/api/apps/${app.client_id}`, change)).status,
          400,
        )
      }
  })

test('a database that is away is our trouble: 503, try again, and the token stays good', async () => {
  await using server = await startServer()
  const { refresh, first } = await family(server)
  const { database } = server.platform
  const { transaction } = database
  database.transaction = async () => {
    throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  }
  const away = await refresh(first)
  assert.deepEqual([away.status, away.error], [503, 'temporarily_unavailable'])
  database.transaction = transaction
  assert.equal((await refresh(first)).status, 200)
})

test('the grace window is as long as its app says, up to five minutes', async () => {
  await using server = await startServer()
  for (const asked of bothWays)
    for (const [seconds, given, refused] of [
      [300, 299_000, 2_000],
      [5, 4_000, 2_000],
    ] as const) {
      const settings = { refresh_grace_seconds: seconds }
      const { refresh, first } = await family(server, settings, asked)
      const answer = await refresh(first)
      server.clock.advance(given)
      assert.equal((await refresh(first)).refresh_token, answer.refresh_token)
      server.clock.advance(refused)
      assert.equal((await refresh(first)).reason, 'reused')
      assert.equal((await refresh(answer.refresh_token)).reason, 'revoked')
    }
})

test('a use that cannot be noted costs nobody the answer, nor the family', async () => {
  await using server = await startServer()
  const settings = { refresh_grace_seconds: 0 }
  const { refresh, first } = await family(server, settings, {
    scope: 'offline_access models:read',
  })
  server.clock.advance(120_000) // uses are noted once a minute
  const database = new DatabaseSync(join(server.platform.config.dataDir, 'latchkey.db'))
  database.exec(`create trigger untouched before update of last_used_at on oauth_grants
    begin select raise(abort, 'no'); end`)
  const answer = await refresh(first)
  assert.equal(answer.status, 200)
  database.exec('drop trigger untouched')
  database.close()
  assert.equal((await refresh(answer.refresh_token)).status, 200)
})

test('an app that loses the refresh grant gets nothing more for the tokens it has', async () => {
  await using server = await startServer()
  for (const asked of bothWays) {
    const { refresh, first, person, app } = await family(server, {}, asked)
    const next = (await refresh(first)).refresh_token
    const path = `/api/apps/${app.client_id}`
    await person.expect(200, 'PATCH', path, { grant_types: ['authorization_code'] })
    assert.equal((await refresh(next)).error, 'unauthorized_client')
    const grant_types = ['authorization_code', 'refresh_token']
    await person.expect(200, 'PATCH', path, { grant_types })
    assert.equal((await refresh(next)).status, 200, 'and nothing is used up')
  }
})
