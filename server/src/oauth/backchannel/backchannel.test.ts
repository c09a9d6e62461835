import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as oidc from 'openid-client'
import { eventually } from '../../../../test/harness/journey.ts'
import { discover, registerApp, signIn } from '../../../../test/harness/oauth-browser.ts'
import { mailTo, Person, signedUp } from '../../../../test/harness/person.ts'
import { relyingParty, verifyLogoutToken } from '../../../../test/harness/relying-party.ts'
import {
  databases,
  freePort,
  startServer,
  type TestServer,
} from '../../../../test/harness/server.ts'
import { day, hour, minute } from '../../platform/clock/clock.ts'
import { sqlDeliveryStore } from './store.sql.ts'

const env = { LATCHKEY_LOOPBACK_FETCH: 'allow' }

/** Somebody signed in, in one browser, at an app that wants to be told. */
async function connected(server: TestServer, uri: string, settings: object = {}) {
  const owner = await signedUp(server.origin)
  const user = await signedUp(server.origin)
  const app = await registerApp(owner.person, { backchannel_logout_uri: uri, ...settings })
  const config = await discover(server.origin, app)
  const tokens = await signIn(config, user.person)
  return { owner, ...user, app, config, tokens, sid: String(tokens.claims()?.sid) }
}

type Deliveries = {
  items: { state: string; attempts: number; last_error: string | null }[]
}

const change = { actor: { kind: 'system', name: 'test' }, reason: 'test', evidence: {} } as const

for (const database of databases) {
  test(`an app is told of every kind of end, with the sid of its ID token (${database})`, async () => {
    await using server = await startServer({ database, env })
    await using party = await relyingParty()
    const { origin } = server
    const user = await connected(server, party.uri)
    const { app, config, email, accountId } = user
    let { person, password } = user
    const signedIn = async () => {
      person = new Person(origin)
      await person.expect(201, 'POST', '/api/sessions', { email, password })
      return String((await signIn(config, person)).claims()?.sid)
    }
    const devices = async () =>
      (await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/devices')).items
    const endings: Record<string, () => Promise<unknown>> = {
      'signing out': () => person.expect(204, 'DELETE', '/api/sessions/current'),
      'ending the device': async () => {
        for (const { id } of await devices()) await person.request('DELETE', `/api/devices/${id}`)
      },
      'signing out everywhere else': async () => {
        const other = new Person(origin)
        await other.expect(201, 'POST', '/api/sessions', { email, password })
        await other.expect(204, 'DELETE', '/api/sessions')
      },
      'somebody else signing in in this browser': async () => {
        const next = await signedUp(origin)
        await person.expect(201, 'POST', '/api/sessions', {
          email: next.email,
          password: next.password,
        })
      },
      'a new password': async () => {
        const changed = 'loud harbour lantern 42'
        await person.expect(204, 'PUT', '/api/account/password', {
          current: password,
          password: changed,
        })
        password = changed
      },
      'a password reset': async () => {
        const next = 'calm harbour lantern 42'
        await new Person(origin).expect(202, 'POST', '/api/password/forgot', { email })
        const { code } = await mailTo(origin, email, 'reset_password')
        const body = { email, code, password: next }
        await new Person(origin).expect(204, 'POST', '/api/password/reset', body)
        password = next
      },
      'ending the app’s access': async () => {
        type Grants = { items: { id: string }[] }
        const { items } = await person.expect<Grants>(200, 'GET', '/api/grants')
        await person.expect(204, 'DELETE', `/api/grants/${items[0]?.id}`)
      },
      'a suspension': () =>
        server.accounts.changeStanding({ ...change, accountId, to: 'suspended' }),
    }
    let sid = user.sid
    for (const [what, end] of Object.entries(endings)) {
      party.tokens.length = 0
      await end()
      await eventually(what, 2_000, async () => party.tokens.length > 0)
      await server.oauth.deliverLogouts()
      assert.equal(party.tokens.length, 1, `${what}: told once`)
      const [token] = party.tokens
      const claims = await verifyLogoutToken(origin, app.client_id, token, server.clock.now())
      assert.equal(claims.sid, sid, what)
      assert.equal(claims.sub, accountId, what)
      assert.ok(Number(claims.exp) - Number(claims.iat) <= 120)
      if (what !== 'a suspension') sid = await signedIn()
    }
  })

  test(`each app of the browser is told for itself, other browsers’ apps are not (${database})`, async () => {
    await using server = await startServer({ database, env })
    await using first = await relyingParty()
    await using second = await relyingParty()
    const { person, owner, email, password, config, sid } = await connected(server, first.uri, {
      backchannel_logout_session_required: true,
    })
    const other = await registerApp(owner.person, {
      name: 'Other',
      backchannel_logout_uri: second.uri,
      id_token_signed_response_alg: 'RS256',
    })
    const silent = await registerApp(owner.person, { name: 'Silent' })
    const nameless = await registerApp(owner.person, {
      name: 'Without openid',
      backchannel_logout_uri: second.uri,
    })
    await signIn(await discover(server.origin, other), person)
    await signIn(await discover(server.origin, silent), person)
    const unnamed = await discover(server.origin, nameless)
    await signIn(unnamed, person, { scope: 'models:read offline_access' })
    await signIn(config, person) // twice in one session is one sign-out
    const phone = new Person(server.origin)
    await phone.expect(201, 'POST', '/api/sessions', { email, password })
    const onPhone = await signIn(config, phone)
    assert.notEqual(onPhone.claims()?.sid, sid)

    await person.expect(204, 'DELETE', '/api/sessions/current')
    await eventually('both', 2_000, async () => first.tokens.length + second.tokens.length >= 2)
    await server.oauth.deliverLogouts()
    assert.equal(first.tokens.length, 1)
    assert.equal(second.tokens.length, 1)
    const [token] = second.tokens
    assert.equal(decodeProtectedHeader(token ?? '').alg, 'RS256')
    const claims = await verifyLogoutToken(
      server.origin,
      other.client_id,
      token,
      server.clock.now(),
    )
    assert.equal(claims.sid, sid)
    await assert.rejects(
      verifyLogoutToken(server.origin, silent.client_id, token, server.clock.now()),
    )
  })

  test(`a sign-in whose session was proven anew, or whose tokens were given back, is told all the same (${database})`, async () => {
    await using server = await startServer({ database, env })
    await using party = await relyingParty()
    const { person, password, config, tokens, sid } = await connected(server, party.uri)
    await person.expect(204, 'POST', '/api/sessions/current/prove', { password })
    await oidc.tokenRevocation(config, tokens.refresh_token ?? '')
    assert.equal(await server.oauth.deliverLogouts(), 0)
    assert.equal(party.tokens.length, 0, 'neither is an end')
    await person.expect(204, 'DELETE', '/api/sessions/current')
    await eventually('the message', 2_000, async () => party.tokens.length > 0)
    assert.equal(decodeJwt(party.tokens[0] ?? '').sid, sid)
  })

  test(`an app that is away is asked again, more and more seldom, and given up in the open (${database})`, async () => {
    await using server = await startServer({ database, env })
    await using party = await relyingParty()
    const { person, owner, app, accountId } = await connected(server, party.uri)
    party.answer(500)
    const deliveries = async () =>
      (
        await owner.person.expect<Deliveries>(
          200,
          'GET',
          `/api/apps/${app.client_id}/logout-deliveries`,
        )
      ).items
    await person.expect(204, 'DELETE', '/api/sessions/current')
    await eventually('a try', 2_000, async () => (await deliveries())[0]?.last_error)
    await server.oauth.deliverLogouts()
    assert.equal(party.tokens.length, 1, 'not at once again')
    for (let attempt = 2; attempt <= 10; attempt++) {
      server.clock.advance(hour)
      await server.oauth.deliverLogouts()
    }
    await eventually('the end of patience', 2_000, async () => {
      server.clock.advance(hour)
      await server.oauth.deliverLogouts()
      return (await deliveries())[0]?.state === 'failed'
    })
    const [given] = await deliveries()
    assert.deepEqual([given?.attempts, given?.last_error], [10, 'HTTP 500'])
    assert.equal(party.tokens.length, 10)
    const ids = party.tokens.map((token) => decodeJwt(token).jti)
    assert.equal(new Set(ids).size, 10, 'each attempt is a token of its own')
    server.clock.advance(day)
    await server.oauth.deliverLogouts()
    assert.equal(party.tokens.length, 10)

    const lines = await server.audit.list({ subjectId: app.client_id, limit: 5 })
    const line = lines.find(({ action }) => action === 'app.logout_undelivered')
    assert.equal(line?.detail?.account_id, accountId)
    assert.equal(line?.detail?.error, 'HTTP 500')
    assert.equal(await server.oauth.countUndeliveredLogouts(), 1)
    const metrics = await (await fetch(`${server.origin}/metrics`)).text()
    assert.match(metrics, /latchkey_logout_deliveries_total\{outcome="failed"\} 1/)
    const page = JSON.stringify(await deliveries())
    assert.ok(!page.includes(accountId), 'the owner is not told whom it was about')
  })

  test(`an end that is rolled back tells nobody (${database})`, async () => {
    await using server = await startServer({ database, env })
    await using party = await relyingParty()
    const { accountId } = await connected(server, party.uri)
    await assert.rejects(
      server.platform.database.transaction(async () => {
        await server.oauth.revokeAccount(accountId, 'account_changed')
        throw new Error('no')
      }),
    )
    assert.equal(await server.oauth.deliverLogouts(), 0)
    assert.equal(party.tokens.length, 0)
    await server.oauth.revokeAccount(accountId, 'account_changed')
    await eventually('the message', 2_000, async () => party.tokens.length > 0)
  })

  test(`of fifty ends at once one tells the app (${database})`, async () => {
    await using server = await startServer({ database, env })
    await using party = await relyingParty()
    const { person, accountId } = await connected(server, party.uri)
    await Promise.all([
      ...Array.from({ length: 25 }, () => server.oauth.revokeAccount(accountId, 'account_changed')),
      ...Array.from({ length: 25 }, () => person.request('DELETE', '/api/sessions/current')),
    ])
    await eventually('the message', 2_000, async () => party.tokens.length > 0)
    await Promise.all(Array.from({ length: 20 }, () => server.oauth.deliverLogouts()))
    assert.equal(party.tokens.length, 1)
  })
}

test('an app that never answers holds up neither the sign-out nor the other apps', async () => {
  await using server = await startServer({ env })
  await using dead = await relyingParty()
  await using alive = await relyingParty()
  dead.answer(null)
  const { person, owner } = await connected(server, dead.uri)
  const other = await registerApp(owner.person, { backchannel_logout_uri: alive.uri })
  await signIn(await discover(server.origin, other), person)
  const before = performance.now()
  await person.expect(204, 'DELETE', '/api/sessions/current')
  assert.ok(performance.now() - before < 1_000)
  await eventually('the other app', 2_000, async () => alive.tokens.length > 0)
})

for (const database of databases)
  test(`a host that hangs gets four of its messages at a time, whatever apps it has; the others go on (${database})`, async () => {
    await using server = await startServer({ database, env })
    await using hanging = await relyingParty()
    await using good = await relyingParty()
    hanging.answer(null)
    const { person } = await signedUp(server.origin)
    const uris = [hanging.uri, `${hanging.uri}/of-another-app`, good.uri]
    const messages = sqlDeliveryStore(server.platform.database)
    const waiting = { state: 'waiting', attempts: 0, claimedUntil: null, lastError: null } as const
    for (const [which, backchannel_logout_uri] of uris.entries()) {
      const { client_id } = await registerApp(person, { backchannel_logout_uri })
      await messages.insert(
        Array.from({ length: 60 }, (_, at) => ({
          ...waiting,
          id: `logout_${which}_${at}`,
          clientId: client_id,
          accountId: 'acct_1',
          sessionId: `sess_${at}`,
          nextAttemptAt: which, // those of the good one come last
          createdAt: 0,
          settledAt: null,
        })),
      )
    }
    const delivering = server.oauth.deliverLogouts()
    await eventually('the good one', 4_000, async () => good.tokens.length === 60)
    assert.equal(hanging.tokens.length, 4)
    const { attempts } = await server.platform.database
      .tables<{ logout_deliveries: { attempts: number } }>()
      .query.selectFrom('logout_deliveries')
      .select((eb) => eb.fn.sum<number>('attempts').as('attempts'))
      .executeTakeFirstOrThrow()
    assert.equal(Number(attempts), 64, 'and none has spent an attempt on waiting')
    hanging.answer(200)
    hanging.hangUp()
    await delivering
    assert.equal(hanging.tokens.length, 120, 'the four are tried again later')
  })

test('a mended address gets the message that waited; without one it is dropped', async () => {
  await using server = await startServer({ env })
  await using party = await relyingParty()
  const wrong = `http://127.0.0.1:${await freePort()}/nobody`
  const { person, owner, app } = await connected(server, wrong)
  const path = `/api/apps/${app.client_id}`
  const read = () => owner.person.expect<Deliveries>(200, 'GET', `${path}/logout-deliveries`)
  await person.expect(204, 'DELETE', '/api/sessions/current')
  await eventually('a try', 2_000, async () => (await read()).items[0]?.last_error)
  assert.equal((await read()).items[0]?.last_error, 'connect_failed')
  await owner.person.expect(200, 'PATCH', path, { backchannel_logout_uri: party.uri })
  server.clock.advance(minute)
  await server.oauth.deliverLogouts()
  await eventually('the message', 2_000, async () => party.tokens.length > 0)
  assert.equal((await read()).items[0]?.state, 'sent')

  await owner.person.expect(200, 'PATCH', path, { backchannel_logout_uri: null })
  assert.equal(await server.oauth.deliverLogouts(), 0)
})

test('the address is https, public, and without a fragment, in the API and in registration', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const create = (uri: string) =>
    person.request<{ errors?: { field: string; code: string }[] }>('POST', '/api/apps', {
      body: {
        name: 'App',
        redirect_uris: ['https://app.example/cb'],
        backchannel_logout_uri: uri,
      },
    })
  const register = async (uri: string) => {
    const answer = await fetch(`${server.origin}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: ['https://app.example/cb'],
        backchannel_logout_uri: uri,
        backchannel_logout_session_required: true,
      }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const refused = {
    'http://app.example/logout': 'plain_http',
    'https://app.example/logout#x': 'fragment',
    'https://me@app.example/logout': 'credentials',
    'com.example.app:/logout': 'private_scheme_needs_native',
    'javascript:alert(1)': 'scheme_refused',
    'https://10.0.0.1/logout': 'unreachable',
    'https://169.254.169.254/latest': 'unreachable',
    'https://[::1]/logout': 'unreachable',
    'http://localhost:3000/logout': 'unreachable',
    'https://db.internal/': 'unreachable',
    'https://app.example:6379/': 'unreachable',
  }
  for (const [uri, reason] of Object.entries(refused)) {
    const answer = await create(uri)
    assert.equal(answer.status, 400, uri)
    assert.deepEqual(
      answer.body.errors?.map(({ field, code }) => [field, code]),
      [['backchannel_logout_uri', reason]],
    )
    const registered = await register(uri)
    assert.equal(registered.status, 400, uri)
    assert.equal(registered.body.error_description, `backchannel_logout_uri: ${reason}`)
  }
  const good = await register('https://app.example/logout?of=us')
  assert.equal(good.status, 201)
  assert.equal(good.body.backchannel_logout_uri, 'https://app.example/logout?of=us')
  assert.equal(good.body.backchannel_logout_session_required, true)
  const metadata = (await (
    await fetch(`${server.origin}/.well-known/openid-configuration`)
  ).json()) as Record<string, unknown>
  assert.equal(metadata.backchannel_logout_supported, true)
  assert.equal(metadata.backchannel_logout_session_supported, true)
})
