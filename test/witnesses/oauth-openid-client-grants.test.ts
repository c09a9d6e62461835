import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import * as oidc from 'openid-client'
import {
  arrive,
  attempt,
  authorize,
  callback,
  redeem,
  registerApp,
  signIn,
} from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { databases, startServer, type TestServer } from '../harness/server.ts'

const insecure = { execute: [oidc.allowInsecureRequests] }
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const ways = {
  client_secret_basic: oidc.ClientSecretBasic,
  client_secret_post: oidc.ClientSecretPost,
  none: oidc.None,
} as const
type Way = keyof typeof ways

/** The library as an application sets it up: by discovery, with signatures of ID tokens checked. */
async function client(server: TestServer, person: Person, way: Way, settings: object = {}) {
  const app = await registerApp(person, {
    token_endpoint_auth_method: way,
    grant_types: [
      'authorization_code',
      'refresh_token',
      deviceGrant,
      ...(way === 'none' ? [] : ['client_credentials']),
    ],
    ...settings,
  })
  const proof = way === 'none' ? oidc.None() : ways[way](app.client_secret ?? '')
  const issuer = new URL(server.origin)
  const config = await oidc.discovery(issuer, app.client_id, undefined, proof, insecure)
  oidc.enableNonRepudiationChecks(config)
  return { app, config }
}

/** What follows any sign-in, whichever grant it was. */
async function afterwards(
  server: TestServer,
  config: oidc.Configuration,
  accountId: string,
  tokens: Awaited<ReturnType<typeof oidc.refreshTokenGrant>>,
) {
  assert.equal(tokens.claims()?.sub, accountId)
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, accountId)
  assert.ok(userinfo.email)
  const models = new URL('/v1/models', server.origin)
  const called = await oidc.fetchProtectedResource(config, tokens.access_token, models, 'GET')
  assert.equal(called.status, 200)
  await called.body?.cancel()

  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
  assert.equal(refreshed.claims()?.sub, accountId)
  assert.ok(refreshed.refresh_token && refreshed.refresh_token !== tokens.refresh_token)
  const narrowed = await oidc.refreshTokenGrant(config, refreshed.refresh_token, {
    scope: 'models:read',
  })
  assert.equal(narrowed.scope, 'models:read')

  for (const [token, hint] of [
    [narrowed.access_token, 'access_token'],
    [narrowed.refresh_token ?? '', 'refresh_token'],
  ] as const) {
    const plain = await oidc.tokenIntrospection(config, token)
    const hinted = await oidc.tokenIntrospection(config, token, { token_type_hint: hint })
    assert.deepEqual([plain.active, hinted.active, plain.sub], [true, true, accountId])
  }
  assert.equal((await oidc.tokenIntrospection(config, 'nobody’s')).active, false)
  await oidc.tokenRevocation(config, 'nobody’s')
  await oidc.tokenRevocation(config, narrowed.access_token, { token_type_hint: 'access_token' })
  for (const token of [narrowed.access_token, narrowed.refresh_token ?? ''])
    assert.equal((await oidc.tokenIntrospection(config, token)).active, false)
  await assert.rejects(oidc.refreshTokenGrant(config, narrowed.refresh_token ?? ''), {
    error: 'invalid_grant',
  })
}

for (const way of Object.keys(ways) as Way[])
  for (const database of databases) {
    test(`openid-client goes through every grant of a client by ${way} (${database})`, async () => {
      await using server = await startServer({ database })
      const { person, accountId } = await signedUp(server.origin)
      const { config } = await client(server, person, way)

      await afterwards(server, config, accountId, await signIn(config, person))

      const started = await attempt(config)
      const pushed = await oidc.buildAuthorizationUrlWithPAR(config, started.url.searchParams)
      const back = await authorize(person, pushed)
      await afterwards(server, config, accountId, await redeem(config, back, started))

      const scope = 'openid email offline_access models:read'
      const device = await oidc.initiateDeviceAuthorization(config, { scope })
      const { user_code } = device
      await person.expect(200, 'POST', '/api/oauth/device/claim', { user_code })
      const decision = { user_code, decision: 'allow' }
      await person.expect(204, 'POST', '/api/oauth/device/decision', decision)
      const given = await oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 0 })
      await afterwards(server, config, accountId, given)

      if (way === 'none') return
      const machine = await oidc.clientCredentialsGrant(config, { scope: 'models:read' })
      assert.equal(machine.scope, 'models:read')
      assert.equal(machine.refresh_token, undefined)
      assert.equal((await oidc.tokenIntrospection(config, machine.access_token)).active, true)
      const models = new URL('/v1/models', server.origin)
      const called = await oidc.fetchProtectedResource(config, machine.access_token, models, 'GET')
      assert.equal(called.status, 200)
      await called.body?.cancel()
    })
  }

test('openid-client registers itself and signs in as what it registered', async () => {
  await using server = await startServer()
  const { person, accountId } = await signedUp(server.origin)
  for (const way of Object.keys(ways) as Way[]) {
    const config = await oidc.dynamicClientRegistration(
      new URL(server.origin),
      {
        client_name: 'Registered by itself',
        redirect_uris: [callback],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: way,
      },
      way === 'none' ? oidc.None() : ways[way](),
      insecure,
    )
    const metadata = config.clientMetadata()
    assert.equal(metadata.token_endpoint_auth_method, way)
    await afterwards(server, config, accountId, await signIn(config, person))
  }
})

test('openid-client’s checks of max_age, nonce and signature hold, also by RS256', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const alg = 'RS256'
  const { app, config } = await client(server, person, 'client_secret_basic', {
    id_token_signed_response_alg: alg,
  })
  const old = await oidc.discovery(
    new URL(server.origin),
    app.client_id,
    { id_token_signed_response_alg: alg },
    oidc.ClientSecretBasic(app.client_secret ?? ''),
    insecure,
  )
  oidc.enableNonRepudiationChecks(old)
  const started = await attempt(old, { max_age: '600' })
  const back = await authorize(person, started.url)
  const checks = {
    pkceCodeVerifier: started.verifier,
    expectedState: started.state,
    expectedNonce: started.nonce,
    maxAge: 600,
  }
  await assert.rejects(
    oidc.authorizationCodeGrant(old, back, { ...checks, expectedState: 'another' }),
  )
  const tokens = await oidc.authorizationCodeGrant(old, back, checks)
  assert.equal(decodeProtectedHeader(tokens.id_token ?? '').alg, alg)
  assert.equal(typeof tokens.claims()?.auth_time, 'number')

  server.clock.advance(20 * 60_000)
  const late = await attempt(config, { max_age: '600' })
  assert.match(await arrive(person, late.url), /^\/sign-in/, 'the sign-in is too long ago')
})
