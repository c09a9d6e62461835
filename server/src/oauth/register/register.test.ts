import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import {
  arrive,
  attempt,
  authorize,
  callback,
  redeem,
} from '../../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../../test/harness/server.ts'

type Registration = Record<string, unknown> & {
  client_id: string
  client_secret?: string
  registration_access_token: string
  registration_client_uri: string
  grant_types: string[]
  scope: string
  error?: string
}

const send = async (
  server: TestServer,
  method: string,
  path: string,
  body?: unknown,
  token?: string,
) => {
  const response = await fetch(new URL(path, server.origin), {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const parsed = text === '' ? {} : (JSON.parse(text) as Registration)
  return { status: response.status, headers: response.headers, body: parsed as Registration }
}
const register = (server: TestServer, metadata: object) =>
  send(server, 'POST', '/oauth/register', { redirect_uris: [callback], ...metadata })
const token = async (server: TestServer, form: Record<string, string>) => {
  const response = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return { status: response.status, ...((await response.json()) as { error?: string }) }
}

for (const database of databases) {
  test(`openid-client registers, signs a person in, and the person is asked each time (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const config = await oidc.dynamicClientRegistration(
      new URL(server.origin),
      { redirect_uris: [callback], grant_types: ['authorization_code', 'refresh_token'] },
      undefined,
      { execute: [oidc.allowInsecureRequests] },
    )
    const started = await attempt(config)
    const tokens = await redeem(config, await authorize(person, started.url), started)
    assert.ok(tokens.refresh_token)
    assert.match(await arrive(person, (await attempt(config)).url), /^\/consent\?tx=/)
  })

  test(`a client manages its own registration and nobody else's (${database})`, async () => {
    await using server = await startServer({ database })
    const { body: one } = await register(server, { client_name: 'One' })
    const { body: other } = await register(server, { client_name: 'Other' })
    const path = `/oauth/register/${one.client_id}`
    assert.equal(one.registration_client_uri, `${server.origin}${path}`)
    const manage = one.registration_access_token
    for (const wrong of [undefined, 'nonsense', other.registration_access_token])
      for (const method of ['GET', 'DELETE'])
        assert.equal((await send(server, method, path, undefined, wrong)).status, 401)

    const read = await send(server, 'GET', path, undefined, manage)
    assert.equal(read.body.client_name, 'One')
    assert.equal(read.body.client_secret, undefined, 'a secret is shown once')
    const next = { client_id: one.client_id, redirect_uris: ['https://two.example/cb'] }
    assert.equal(
      (await send(server, 'PUT', path, { ...next, client_id: other.client_id }, manage)).status,
      400,
    )
    const put = await send(server, 'PUT', path, next, manage)
    assert.deepEqual(put.body.redirect_uris, ['https://two.example/cb'])
    assert.equal((await send(server, 'DELETE', path, undefined, manage)).status, 204)
    assert.equal((await send(server, 'GET', path, undefined, manage)).status, 401)
    const gone = await token(server, {
      grant_type: 'refresh_token',
      refresh_token: 'x',
      client_id: one.client_id,
      client_secret: one.client_secret ?? '',
    })
    assert.deepEqual([gone.status, gone.error], [401, 'invalid_client'])
  })

  test(`a client that nobody used for 30 days is unknown (${database})`, async () => {
    await using server = await startServer({ database })
    const { body } = await register(server, {
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['authorization_code', 'refresh_token'],
    })
    const ask = () =>
      token(server, {
        grant_type: 'refresh_token',
        refresh_token: 'x',
        client_id: body.client_id,
        client_secret: body.client_secret ?? '',
      })
    server.clock.advance(29 * 86_400_000)
    assert.equal((await ask()).error, 'invalid_grant')
    server.clock.advance(1 * 86_400_000)
    const lapsed = await ask()
    assert.deepEqual([lapsed.status, lapsed.error], [401, 'invalid_client'])
    const read = await send(
      server,
      'GET',
      `/oauth/register/${body.client_id}`,
      undefined,
      body.registration_access_token,
    )
    assert.equal(read.status, 401)

    await Promise.all(Array.from({ length: 10 }, () => server.oauth.sweep()))
    const { rows } = await sql<{ action: string }>`select action from audit_events
      where subject_id = ${body.client_id}`.execute(server.platform.database.tables().query)
    assert.deepEqual(rows.map(({ action }) => action).sort(), ['app.lapsed', 'app.registered'])
    const { n } = (
      await sql<{ n: number | string }>`select count(*) as n from oauth_clients`.execute(
        server.platform.database.tables().query,
      )
    ).rows[0] ?? { n: -1 }
    assert.equal(Number(n), 0, 'forgotten, once')
  })
}

test('what a client asks beyond the ceiling is left out', async () => {
  await using server = await startServer()
  const { status, headers, body } = await register(server, {
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope: 'openid models:read keys:manage made:up',
    software_statement: 'ignored',
  })
  assert.equal(status, 201)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.deepEqual(body.grant_types, ['authorization_code', 'refresh_token'])
  assert.equal(body.scope, 'openid models:read')
  assert.match(body.client_secret ?? '', /^sk-lk-client_/)
  const elsewhere = await register(server, { scope: 'notes:read made:up' })
  assert.equal(elsewhere.body.scope, 'openid profile email offline_access', 'none of the gateway')
  const open = await register(server, { token_endpoint_auth_method: 'none' })
  assert.equal(open.body.client_secret, undefined)
})

test('a program in a terminal may ask for device codes, no other client may', async () => {
  await using server = await startServer()
  const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
  const wanted = ['authorization_code', 'refresh_token', deviceCode]
  const grants = async (metadata: object) =>
    (await register(server, { grant_types: wanted, ...metadata })).body.grant_types
  const loopback = { redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'] }
  const open = { token_endpoint_auth_method: 'none' }
  assert.deepEqual(await grants({ ...loopback, ...open }), wanted)
  for (const other of [open, loopback, { ...open, redirect_uris: ['http://[::1]/', callback] }])
    assert.deepEqual(await grants(other), wanted.slice(0, 2))

  const { body } = await register(server, { grant_types: wanted, ...loopback, ...open })
  const started = await fetch(`${server.origin}/oauth/device`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: body.client_id, scope: 'openid models:read' }),
  })
  const { user_code } = (await started.json()) as { user_code: string }
  const { person } = await signedUp(server.origin)
  const seen = await person.expect<{ client: { verified: boolean } }>(
    200,
    'POST',
    '/api/oauth/device/claim',
    { user_code },
  )
  assert.equal(seen.client.verified, false, 'the person is told that nobody vouches for it')
})

test('metadata that breaks the rules of every app is refused by its RFC 7591 name', async () => {
  await using server = await startServer()
  const refused = async (metadata: object) => (await register(server, metadata)).body.error
  for (const uri of ['http://app.example/cb', 'https://app.example/#x', 'javascript:alert(1)'])
    assert.equal(await refused({ redirect_uris: [uri] }), 'invalid_redirect_uri')
  assert.equal(await refused({ redirect_uris: [] }), 'invalid_redirect_uri')
  assert.equal(await refused({ grant_types: ['client_credentials'] }), 'invalid_client_metadata')
  assert.equal(await refused({ response_types: ['token'] }), 'invalid_client_metadata')
  assert.equal(
    await refused({ token_endpoint_auth_method: 'private_key_jwt' }),
    'invalid_client_metadata',
  )
  for (const alg of ['none', 'HS256', ''])
    assert.equal(await refused({ id_token_signed_response_alg: alg }), 'invalid_client_metadata')
  for (const [type, body] of [
    ['application/x-www-form-urlencoded', `redirect_uris=${callback}`],
    ['application/json', '[]'],
    ['application/json', '{'],
  ] as const) {
    const headers = { 'content-type': type }
    const answer = await fetch(`${server.origin}/oauth/register`, { method: 'POST', headers, body })
    assert.deepEqual(
      [answer.status, await answer.json()],
      [
        400,
        {
          error: 'invalid_client_metadata',
          error_description: 'send a JSON object as application/json',
        },
      ],
    )
  }
  const native = await register(server, {
    redirect_uris: ['http://127.0.0.1:33418/'],
    token_endpoint_auth_method: 'none',
  })
  assert.deepEqual([native.status, native.body.application_type], [201, 'native'])
})

test('registrations are counted by address, and no secret of theirs lies readable', async () => {
  await using server = await startServer()
  const { body } = await register(server, {})
  const answers = await Promise.all(Array.from({ length: 25 }, () => register(server, {})))
  assert.equal(answers.filter(({ status }) => status === 201).length, 19)
  assert.equal(answers.filter(({ status }) => status === 429).length, 6)
  const logged = server.logLines.join('\n')
  for (const secret of [body.client_secret ?? '', body.registration_access_token])
    assert.ok(!logged.includes(secret))
})
