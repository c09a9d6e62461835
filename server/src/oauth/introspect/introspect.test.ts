import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askWithProof, keyHolder } from '../../../../test/harness/dpop.ts'
import { eventually } from '../../../../test/harness/journey.ts'
import {
  attempt,
  authorize,
  codeGrant,
  discover,
  type RegisteredApp,
  registerApp,
  signIn,
} from '../../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../../test/harness/server.ts'
import { day, minute } from '../../platform/clock/clock.ts'

type Told = Record<string, unknown>
type Heard = { status: number; challenge: string | null; body: Told }

const basic = ({ client_id, client_secret = '' }: RegisteredApp) =>
  `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`
const posted = ({ client_id, client_secret }: RegisteredApp) => ({
  client_id,
  ...(client_secret ? { client_secret } : {}),
})

/** Asked as programs ask, and once more as a page of another origin, which the engine answers: both say the same. */
async function ask(
  server: TestServer,
  form: Record<string, string> | [string, string][],
  headers: Record<string, string> = {},
): Promise<Heard> {
  const one = async (more: Record<string, string>): Promise<Heard> => {
    const response = await fetch(`${server.origin}/oauth/introspect`, {
      method: 'POST',
      headers: { ...headers, ...more },
      body: new URLSearchParams(form),
    })
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      body: (await response.json()) as Told,
    }
  }
  const directly = await one({})
  assert.deepEqual(directly, await one({ origin: 'https://page.example' }))
  return directly
}

async function scene(server: TestServer, settings: object = {}) {
  const { person, accountId } = await signedUp(server.origin)
  const app = await registerApp(person, {
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    ...settings,
  })
  const config = await discover(server.origin, { ...app })
  const started = await attempt(config, { scope: 'offline_access models:read chat:write' })
  const back = await authorize(person, started.url)
  const redeem = async (form: Record<string, string>) => {
    const response = await fetch(`${server.origin}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ ...posted(app), ...form }),
    })
    assert.equal(response.status, 200)
    return (await response.json()) as { access_token: string; refresh_token: string }
  }
  const tokens = await redeem(codeGrant(back, started))
  const refresh = (refresh_token: string) => redeem({ grant_type: 'refresh_token', refresh_token })
  return { person, accountId, app, tokens, redeem, refresh }
}

for (const database of databases)
  test(`an app hears the same about its own tokens from us as from the engine (${database})`, async () => {
    await using server = await startServer({ database })
    const { accountId, app, tokens, redeem, refresh } = await scene(server)
    const tell = async (token: string) => (await ask(server, { ...posted(app), token })).body

    const access = await tell(tokens.access_token)
    assert.equal(access.active, true)
    assert.deepEqual(
      [access.client_id, access.sub, access.scope, access.iss, access.aud, access.token_type],
      [
        app.client_id,
        accountId,
        'models:read chat:write',
        server.origin,
        `${server.origin}/v1`,
        'Bearer',
      ],
    )
    const asked = await tell(tokens.refresh_token)
    assert.equal(asked.active, true)
    assert.deepEqual(
      [asked.client_id, asked.sub, asked.iss],
      [app.client_id, accountId, server.origin],
    )
    assert.equal(asked.jti, undefined)

    const machine = await redeem({ grant_type: 'client_credentials', scope: 'models:read' })
    assert.deepEqual((await tell(machine.access_token)).sub, app.client_id)

    // A rotated one is dead, its successor is not, whoever wrote it.
    const next = await refresh(tokens.refresh_token)
    assert.deepEqual(await tell(tokens.refresh_token), { active: false })
    assert.equal((await tell(next.refresh_token)).active, true)
    server.clock.advance(11 * minute)
    assert.deepEqual(await tell(next.access_token), { active: false })
    server.clock.advance(31 * day)
    assert.deepEqual(await tell(next.refresh_token), { active: false })
    assert.ok(!server.logLines.some((line) => line.includes('left to the engine')))
  })

test('a foreign client learns nothing, and nothing of what is no token', async () => {
  await using server = await startServer()
  const { tokens, app } = await scene(server)
  const { app: stranger } = await scene(server)
  const { app: open } = await scene(server, {
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  })
  for (const by of [stranger, open])
    for (const token of [tokens.access_token, tokens.refresh_token])
      assert.deepEqual(await ask(server, { ...posted(by), token }), {
        status: 200,
        challenge: null,
        body: { active: false },
      })
  const [head, claims, signature] = tokens.access_token.split('.')
  for (const token of [
    'x',
    '.',
    '..',
    `${head}.${claims}.`,
    `${head}.${claims}`,
    `${head}.e30.${signature}`,
    `${tokens.access_token}x`,
    `${tokens.refresh_token}x`,
    'ключ',
    'x'.repeat(9_000),
  ])
    assert.deepEqual((await ask(server, { ...posted(app), token })).body, { active: false }, token)
})

test('each way to authenticate works, one at a time, and nothing else does', async () => {
  await using server = await startServer()
  const post = await scene(server)
  const { person } = post
  const withBasic = await registerApp(person, { token_endpoint_auth_method: 'client_secret_basic' })
  const open = await registerApp(person, { token_endpoint_auth_method: 'none' })
  const token = post.tokens.refresh_token
  const status = async (form: Record<string, string>, headers: Record<string, string> = {}) =>
    (await ask(server, { token, ...form }, headers)).status

  assert.equal(await status(posted(post.app)), 200)
  assert.equal(await status({}, { authorization: basic(withBasic) }), 200)
  assert.equal(
    await status({ client_id: withBasic.client_id }, { authorization: basic(withBasic) }),
    200,
  )
  assert.equal(await status(posted(open)), 200)

  // A secret is a secret, in the header or in the form.
  assert.equal(await status({}, { authorization: basic(post.app) }), 200)
  assert.equal(await status(posted(withBasic)), 200)
  assert.equal(await status({ ...posted(post.app), client_secret: 'wrong' }), 401)
  assert.equal(await status({ client_id: post.app.client_id }), 401, 'no secret at all')
  assert.equal(await status({ client_id: 'app_nobody', client_secret: 'x' }), 401)
  assert.equal(await status({}), 400)
  assert.equal(
    await status(posted(post.app), { authorization: basic(post.app) }),
    400,
    'two ways at once',
  )
  assert.equal(
    await status({ client_id: open.client_id }, { authorization: basic(withBasic) }),
    400,
    'two clients at once',
  )
})

test('a parameter given twice, none, and ones that mean nothing are judged as the engine judges them', async () => {
  await using server = await startServer()
  const { app, tokens } = await scene(server)
  const fields = Object.entries({ ...posted(app), token: tokens.refresh_token })
  for (const field of fields) {
    const twice = await ask(server, [...fields, field])
    assert.equal(twice.status, 400, field[0])
    assert.equal(twice.body.error, 'invalid_request')
  }
  assert.equal((await ask(server, posted(app))).body.error, 'invalid_request', 'no token')
  assert.equal((await ask(server, { ...posted(app), token: '' })).body.error, 'invalid_request')
  for (const more of [
    { token_type_hint: 'refresh_token' },
    { token_type_hint: 'access_token' },
    { token_type_hint: 'nonsense' },
    { resource: 'https://elsewhere.example' },
  ]) {
    const told = await ask(server, { ...Object.fromEntries(fields), ...more } as Record<
      string,
      string
    >)
    assert.equal(told.body.active, true, JSON.stringify(more))
  }
})

test('what its grant or its person cannot answer for is not active', async () => {
  await using server = await startServer()
  const told = async (app: RegisteredApp, token: string) =>
    (await ask(server, { ...posted(app), token })).body.active
  const both = async ({ app, tokens }: Awaited<ReturnType<typeof scene>>) => [
    await told(app, tokens.access_token),
    await told(app, tokens.refresh_token),
  ]
  const change = {
    actor: { kind: 'system', name: 'test' },
    reason: 'test',
    evidence: {},
  } as const

  const suspended = await scene(server)
  // One that the engine wrote, and one that we did.
  const rotated = await suspended.refresh(suspended.tokens.refresh_token)
  const other = await scene(server)
  assert.deepEqual(await both({ ...suspended, tokens: rotated }), [true, true])
  for (const { accountId } of [suspended, other])
    await server.accounts.changeStanding({ ...change, accountId, to: 'suspended' })
  assert.deepEqual(await both({ ...suspended, tokens: rotated }), [false, false])
  assert.deepEqual(await both(other), [false, false])

  const limited = await scene(server)
  await server.accounts.changeStanding({
    ...change,
    accountId: limited.accountId,
    to: 'limited',
  })
  assert.deepEqual(await both(limited), [false, false], 'the epoch has moved')

  const revoked = await scene(server)
  const successor = await revoked.refresh(revoked.tokens.refresh_token)
  await fetch(`${server.origin}/oauth/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ ...posted(revoked.app), token: successor.refresh_token }),
  })
  assert.deepEqual(await both({ ...revoked, tokens: successor }), [false, false])

  const signedOut = await scene(server)
  await signedOut.person.expect(204, 'DELETE', '/api/sessions/current')
  await eventually('the end of the sign-in', 1_000, async () => {
    const [access, refresh] = await both(signedOut)
    return access === false && refresh === false
  })
})

test('the key that a token is bound to is named, and a proof at introspection changes nothing', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { token_endpoint_auth_method: 'none' })
  const holder = keyHolder()
  const started = await attempt(await discover(server.origin, app), {
    scope: 'offline_access models:read',
  })
  const bound = await askWithProof(server.origin, holder, {
    ...posted(app),
    ...codeGrant(await authorize(person, started.url), started),
  })
  const proof = { dpop: holder.prove('POST', `${server.origin}/oauth/introspect`) }
  for (const headers of [{}, proof]) {
    const access = await ask(server, { ...posted(app), token: bound.access_token }, headers)
    assert.deepEqual([access.body.token_type, access.body.cnf], ['DPoP', { jkt: holder.jkt }])
    const refresh = await ask(server, { ...posted(app), token: bound.refresh_token ?? '' }, headers)
    assert.deepEqual([refresh.body.active, refresh.body.cnf], [true, { jkt: holder.jkt }])
  }
})

test('tokens with an identity, or for another resource, are described alike', async () => {
  await using server = await startServer({
    env: {
      LATCHKEY_RESOURCES: JSON.stringify([
        { resource: 'https://notes.example', name: 'Notes', scopes: { read: 'Read' } },
      ]),
    },
  })
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person)
  const config = await discover(server.origin, app)
  for (const parameters of [
    {},
    { scope: 'openid email' },
    { scope: 'openid read', resource: 'https://notes.example' },
  ]) {
    const tokens = await signIn(config, person, parameters)
    for (const token of [tokens.access_token, tokens.refresh_token ?? '']) {
      const told = await ask(server, { token }, { authorization: basic(app) })
      assert.equal(told.body.active, true, JSON.stringify(parameters))
    }
  }
})
