import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../test/harness/journey.ts'
import {
  arrive,
  attempt,
  discover,
  type RegisteredApp,
  registerApp,
  signIn,
} from '../../../test/harness/oauth-browser.ts'
import { Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'
import { minute } from '../platform/clock/clock.ts'

async function connected(server: TestServer) {
  const owner = await signedUp(server.origin)
  const user = await signedUp(server.origin)
  const app = await registerApp(owner.person, { token_endpoint_auth_method: 'client_secret_post' })
  const config = await discover(server.origin, app)
  const tokens = await signIn(config, user.person)
  assert.ok((await server.oauth.verifier.verify(tokens.access_token)).ok)
  return { owner, user, app, config, tokens }
}

/** A family without ID tokens, which the engine does not answer; one use later it carries its grant along. */
async function quickFamily(
  server: TestServer,
  { app, config, user }: Awaited<ReturnType<typeof connected>>,
) {
  const { refresh_token } = await signIn(config, user.person, {
    scope: 'offline_access models:read',
  })
  const used = await refreshed(server, app, refresh_token)
  assert.equal(used.error, undefined)
  return { token: used.refresh_token }
}

type Refreshed = { error?: string; reason?: string; refresh_token?: string }
const refreshed = async (server: TestServer, app: RegisteredApp, token: string | undefined) => {
  const response = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: token ?? '',
      client_id: app.client_id,
      client_secret: app.client_secret ?? '',
    }),
  })
  return (await response.json()) as Refreshed
}
const refusal = async (server: TestServer, app: RegisteredApp, token: string | undefined) => {
  const { error, reason } = await refreshed(server, app, token)
  return error === undefined ? null : [error, reason]
}

const verified = async (server: TestServer, token: string) => {
  const judged = await server.oauth.verifier.verify(token)
  return judged.ok ? 'good' : judged.reason
}

const change = {
  actor: { kind: 'system', name: 'test' },
  reason: 'test',
  evidence: {},
} as const

for (const database of databases) {
  test(`signing out ends the access tokens at once and the refresh tokens with them (${database})`, async () => {
    await using server = await startServer({ database })
    const { user, app, tokens } = await connected(server)
    await user.person.expect(204, 'DELETE', '/api/sessions/current')
    assert.equal(await verified(server, tokens.access_token), 'revoked')
    // The grant is ended behind the answer to the sign-out; a refresh that was faster has no successor.
    const refused = await eventually('the refusal', 1_000, () =>
      refusal(server, app, tokens.refresh_token),
    )
    assert.equal(refused[0], 'invalid_grant')
  })

  test(`signing in again on the same browser leaves connected apps alone (${database})`, async () => {
    await using server = await startServer({ database })
    const { user, app, tokens } = await connected(server)
    const { email, password } = user
    await user.person.expect(201, 'POST', '/api/sessions', { email, password })
    assert.equal(await verified(server, tokens.access_token), 'good')
    assert.equal(await refusal(server, app, tokens.refresh_token), null)
  })

  test(`signing out ends what was allowed before a new sign-in on the same browser (${database})`, async () => {
    await using server = await startServer({ database })
    const { user, app, tokens } = await connected(server)
    const { email, password } = user
    await user.person.expect(201, 'POST', '/api/sessions', { email, password })
    await user.person.expect(204, 'DELETE', '/api/sessions/current')
    const ended = async () => (await verified(server, tokens.access_token)) !== 'good'
    await eventually('the end of the access token', 1_000, ended)
    assert.equal((await refusal(server, app, tokens.refresh_token))?.[0], 'invalid_grant')
  })

  test(`a sign-out whose event is lost has ended its apps all the same (${database})`, async () => {
    await using server = await startServer({ database })
    const { user, app, tokens } = await connected(server)
    server.platform.bus.publish = () => {}
    await user.person.expect(204, 'DELETE', '/api/sessions/current')
    assert.equal((await refusal(server, app, tokens.refresh_token))?.[0], 'invalid_grant')
    server.clock.advance(minute) // for how long the verifier trusts what it knows
    assert.equal(await verified(server, tokens.access_token), 'revoked')
  })

  test(`ending one device's session leaves the other device's tokens alone (${database})`, async () => {
    await using server = await startServer({ database })
    const { user, app, config, tokens } = await connected(server)
    const phone = new Person(server.origin)
    const { email, password } = user
    await phone.expect(201, 'POST', '/api/sessions', { email, password })
    const others = await signIn(config, phone)
    await phone.expect(204, 'DELETE', '/api/sessions/current')
    assert.equal(await verified(server, others.access_token), 'revoked')
    assert.equal(await verified(server, tokens.access_token), 'good')
    assert.equal(await refusal(server, app, tokens.refresh_token), null)
  })

  test(`an epoch that moves ends every token (${database})`, async () => {
    await using server = await startServer({ database })
    const all = await connected(server)
    const { user, app, tokens } = all
    const quick = await quickFamily(server, all)
    await server.accounts.changeStanding({ ...change, accountId: user.accountId, to: 'limited' })
    assert.equal(await verified(server, tokens.access_token), 'revoked')
    for (const token of [quick.token, tokens.refresh_token])
      assert.deepEqual(await refusal(server, app, token), ['invalid_grant', 'revoked'])
  })

  test(`a suspended account gets no tokens, and the app is told why (${database})`, async () => {
    await using server = await startServer({ database })
    const all = await connected(server)
    const { user, app, config, tokens } = all
    const quick = await quickFamily(server, all)
    const started = await attempt(config)
    await server.accounts.changeStanding({ ...change, accountId: user.accountId, to: 'suspended' })
    assert.equal(await verified(server, tokens.access_token), 'suspended')
    for (const token of [quick.token, tokens.refresh_token])
      assert.deepEqual(await refusal(server, app, token), ['invalid_grant', 'suspended'])
    assert.equal(await arrive(user.person, started.url), '403')
    const silent = await attempt(config, { prompt: 'none' })
    const back = new URL(await arrive(user.person, silent.url))
    assert.equal(back.searchParams.get('error'), 'access_denied')
  })

  test(`taking an app's access back ends all it holds, and only for this account (${database})`, async () => {
    await using server = await startServer({ database })
    const { owner, user, app, config, tokens } = await connected(server)
    const ownersTokens = await signIn(config, owner.person)
    type List = { items: { id: string; client: { name: string; host: string } }[] }
    const { items } = await user.person.expect<List>(200, 'GET', '/api/grants')
    assert.deepEqual(
      items.map(({ client }) => [client.name, client.host]),
      [['Example App', 'app.example']],
    )
    const id = items[0]?.id ?? ''
    await owner.person.expect(404, 'DELETE', `/api/grants/${id}`)
    await user.person.expect(204, 'DELETE', `/api/grants/${id}`)
    await user.person.expect(404, 'DELETE', `/api/grants/${id}`)
    assert.equal(await verified(server, tokens.access_token), 'revoked')
    assert.deepEqual(await refusal(server, app, tokens.refresh_token), ['invalid_grant', 'revoked'])
    assert.equal(await verified(server, ownersTokens.access_token), 'good')
    assert.match(await arrive(user.person, (await attempt(config)).url), /^\/consent/)
  })

  test(`deleting an app ends every token it holds (${database})`, async () => {
    await using server = await startServer({ database })
    const { owner, app, tokens } = await connected(server)
    await owner.person.expect(204, 'DELETE', `/api/apps/${app.client_id}`)
    assert.equal(await verified(server, tokens.access_token), 'revoked')
    assert.deepEqual((await refusal(server, app, tokens.refresh_token))?.[0], 'invalid_client')
  })

  test(`another organization's app does not exist (${database})`, async () => {
    await using server = await startServer({ database })
    const { user, app } = await connected(server)
    const path = `/api/apps/${app.client_id}`
    await user.person.expect(404, 'GET', path)
    await user.person.expect(404, 'PATCH', path, { name: 'Mine' })
    await user.person.expect(404, 'DELETE', path)
    await user.person.expect(404, 'POST', `${path}/secrets`, {})
    assert.deepEqual(await user.person.expect(200, 'GET', '/api/apps'), { items: [] })
    const elsewhere = { name: 'X', redirect_uris: [], organization_id: 'org_of_somebody_else' }
    await user.person.expect(404, 'POST', '/api/apps', elsewhere)
  })

  test(`every change of an app, every yes and its end are in the audit log (${database})`, async () => {
    await using server = await startServer({ database })
    const { owner, user, app } = await connected(server)
    const path = `/api/apps/${app.client_id}`
    await owner.person.expect(200, 'PATCH', path, { name: 'Renamed' })
    await owner.person.expect(200, 'POST', `${path}/secrets`, {})
    type List = { items: { id: string }[] }
    const { items } = await user.person.expect<List>(200, 'GET', '/api/grants')
    await user.person.expect(204, 'DELETE', `/api/grants/${items[0]?.id}`)
    await owner.person.expect(204, 'DELETE', path)
    const actionsOn = async (subjectId: string) =>
      (await server.audit.list({ subjectId, limit: 20 })).map(({ action }) => action).reverse()
    assert.deepEqual(await actionsOn(app.client_id), [
      'app.created',
      'app.changed',
      'app.secret_rotated',
      'app.deleted',
    ])
    assert.deepEqual(await actionsOn(items[0]?.id ?? ''), ['grant.allowed', 'grant.revoked'])
    assert.ok((await server.audit.verify()).ok)
  })

  test(`database and log hold no code, token, secret or nonce (${database})`, async () => {
    await using server = await startServer({ database })
    const { user, app, config } = await connected(server)
    const started = await attempt(config)
    const back = new URL(await arrive(user.person, started.url))
    const pending = await attempt(config, { prompt: 'consent' })
    await arrive(user.person, pending.url)
    const tokens = await signIn(config, user.person)
    const answer = await fetch(`${server.origin}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token ?? '',
        client_id: app.client_id,
        client_secret: app.client_secret ?? '',
      }),
    })
    const next = (await answer.json()) as { access_token: string; refresh_token: string }
    const secrets = {
      code: back.searchParams.get('code'),
      'access token': tokens.access_token,
      'refresh token': tokens.refresh_token,
      'next access token': next.access_token,
      'next refresh token': next.refresh_token,
      'ID token': tokens.id_token,
      'client secret': app.client_secret,
      nonce: [...user.person.cookies]
        .find(([name]) => name.startsWith('lk_tx_'))?.[1]
        ?.split('.')[0],
    }
    const tables = [
      'oauth_artifacts',
      'oauth_grants',
      'oauth_clients',
      'oauth_client_secrets',
      'oauth_signing_keys',
    ] as const
    const query = server.platform.database.tables<Record<(typeof tables)[number], object>>().query
    const dump: string[] = [...server.logLines]
    for (const table of tables)
      dump.push(JSON.stringify(await query.selectFrom(table).selectAll().execute()))
    const text = dump.join('\n')
    assert.ok(/"replay":"[\w-]{100,}/.test(text) && text.includes(app.client_id))
    for (const [name, secret] of Object.entries(secrets)) {
      assert.ok(secret, `${name} was seen`)
      assert.ok(!text.includes(secret), `${name} is stored or logged`)
    }
    assert.ok(!/"d":|private/i.test(text.replaceAll('private_jwk', '')), 'no private key')
  })
}
