import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { arrive, authorize, callback, registerApp } from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { databases, startServer, type TestServer } from '../harness/server.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
/** Plain http is for this machine; everything else is as strict as the library is. */
const local = { [oauth.allowInsecureRequests]: true }
type Client = { as: oauth.AuthorizationServer; client: oauth.Client; auth: oauth.ClientAuth }

async function discovered(
  { origin }: TestServer,
  algorithm: 'oidc' | 'oauth2' = 'oidc',
): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(origin)
  const response = await oauth.discoveryRequest(issuer, { ...local, algorithm })
  return oauth.processDiscoveryResponse(issuer, response)
}

async function setUp(server: TestServer, person: Person, settings: object = {}): Promise<Client> {
  const { client_id, client_secret = '' } = await registerApp(person, {
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', deviceGrant],
    ...settings,
  })
  const as = await discovered(server)
  return { as, client: { client_id }, auth: oauth.ClientSecretBasic(client_secret) }
}

const scope = 'openid email offline_access models:read'

async function signIn({ as, client, auth }: Client, person: Person, pushed = false) {
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const parameters = {
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: callback,
    scope,
    state,
    nonce,
    max_age: '3600',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const url = new URL(as.authorization_endpoint ?? '')
  if (pushed) {
    const par = await oauth.pushedAuthorizationRequest(as, client, auth, parameters, local)
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, par)
    url.search = String(new URLSearchParams({ client_id: client.client_id, request_uri }))
  } else url.search = String(new URLSearchParams(parameters))

  const back = await authorize(person, url)
  assert.throws(() => oauth.validateAuthResponse(as, client, back, 'another state'))
  const checked = oauth.validateAuthResponse(as, client, back, state)
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    auth,
    checked,
    callback,
    verifier,
    local,
  )
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    maxAge: 3600,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, response, local)
  return tokens
}

for (const database of databases)
  test(`oauth4webapi finds no fault with any answer of the code flow, pushed or not (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, accountId, email } = await signedUp(server.origin)
    const it = await setUp(server, person)
    const { as, client, auth } = it
    for (const pushed of [false, true]) {
      const tokens = await signIn(it, person, pushed)
      assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.sub, accountId)
      assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.email, email)

      const info = await oauth.userInfoRequest(as, client, tokens.access_token, local)
      const userinfo = await oauth.processUserInfoResponse(as, client, accountId, info)
      assert.equal(userinfo.email_verified, true)

      const refresh = async (token: string) =>
        oauth.processRefreshTokenResponse(
          as,
          client,
          await oauth.refreshTokenGrantRequest(as, client, auth, token, local),
        )
      const refreshed = await refresh(tokens.refresh_token ?? '')
      assert.equal(oauth.getValidatedIdTokenClaims(refreshed)?.sub, accountId)

      const asked = await oauth.introspectionRequest(
        as,
        client,
        auth,
        refreshed.access_token,
        local,
      )
      const known = await oauth.processIntrospectionResponse(as, client, asked)
      assert.deepEqual([known.active, known.sub, known.iss], [true, accountId, server.origin])
      const last = refreshed.refresh_token ?? ''
      const revoked = await oauth.revocationRequest(as, client, auth, last, local)
      await oauth.processRevocationResponse(revoked)
      await assert.rejects(refresh(last), { error: 'invalid_grant', status: 400 })
    }
  })

test('oauth4webapi judges our access tokens as RFC 9068 asks a resource server to', async () => {
  await using server = await startServer()
  const { person, accountId } = await signedUp(server.origin)
  const it = await setUp(server, person)
  const { access_token, id_token } = await signIn(it, person)
  const judge = (token: string, audience = `${server.origin}/v1`) =>
    oauth.validateJwtAccessToken(
      it.as,
      new Request(`${server.origin}/v1/models`, { headers: { authorization: `Bearer ${token}` } }),
      audience,
      local,
    )
  const claims = await judge(access_token)
  assert.deepEqual([claims.sub, claims.client_id], [accountId, it.client.client_id])
  await assert.rejects(judge(access_token, 'https://other.example/'))
  await assert.rejects(judge(id_token ?? ''))
})

test('oauth4webapi reads both discovery documents and the resource’s own', async () => {
  await using server = await startServer()
  const [oidc, plain] = [await discovered(server), await discovered(server, 'oauth2')]
  assert.equal(plain.token_endpoint, oidc.token_endpoint)
  const resource = new URL('/v1', server.origin)
  const found = await oauth.processResourceDiscoveryResponse(
    resource,
    await oauth.resourceDiscoveryRequest(resource, local),
  )
  assert.deepEqual(found.authorization_servers, [server.origin])
})

test('oauth4webapi registers a client, and gets tokens for a device and a machine', async () => {
  await using server = await startServer()
  const { person, accountId } = await signedUp(server.origin)
  const it = await setUp(server, person)
  const { as, client, auth } = it

  const machine = await oauth.processClientCredentialsResponse(
    as,
    client,
    await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: 'models:read' }, local),
  )
  assert.equal(machine.scope, 'models:read')

  const device = await oauth.processDeviceAuthorizationResponse(
    as,
    client,
    await oauth.deviceAuthorizationRequest(as, client, auth, { scope }, local),
  )
  const poll = async () =>
    oauth.processDeviceCodeResponse(
      as,
      client,
      await oauth.deviceCodeGrantRequest(as, client, auth, device.device_code, local),
    )
  await assert.rejects(poll(), { error: 'authorization_pending' })
  const { user_code } = device
  await person.expect(200, 'POST', '/api/oauth/device/claim', { user_code })
  const decision = { user_code, decision: 'allow' }
  await person.expect(204, 'POST', '/api/oauth/device/decision', decision)
  assert.equal(oauth.getValidatedIdTokenClaims(await poll())?.sub, accountId)

  for (const alg of ['ES256', 'RS256', undefined]) {
    const metadata = {
      client_name: 'Registered by itself',
      redirect_uris: [callback],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_basic',
      ...(alg ? { id_token_signed_response_alg: alg } : {}),
    }
    const registered = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(as, metadata, local),
    )
    // The library then expects just that algorithm, and by OpenID Connect's default RS256 where none is said.
    assert.equal(registered.id_token_signed_response_alg, alg ?? 'ES256')
    const secret = oauth.ClientSecretBasic(String(registered.client_secret))
    assert.ok(await signIn({ as, client: registered, auth: secret }, person))
  }
})

test('oauth4webapi is told what was refused in the words of the standards', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const it = await setUp(server, person)
  const { as, client } = it
  const wrong = oauth.ClientSecretBasic('wrong')
  const grant = async (auth: oauth.ClientAuth, parameters: Record<string, string>) =>
    oauth.processClientCredentialsResponse(
      as,
      client,
      await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, local),
    )
  // RFC 6749 section 5.2: whoever tried the header is challenged in the header.
  const challenged = { name: 'WWWAuthenticateChallengeError', status: 401 }
  await assert.rejects(grant(wrong, {}), challenged)
  const posted = await setUp(server, person, { token_endpoint_auth_method: 'client_secret_post' })
  await assert.rejects(
    async () =>
      oauth.processClientCredentialsResponse(
        as,
        posted.client,
        await oauth.clientCredentialsGrantRequest(
          as,
          posted.client,
          oauth.ClientSecretPost('wrong'),
          {},
          local,
        ),
      ),
    { error: 'invalid_client', status: 401 },
  )
  await assert.rejects(grant(it.auth, { scope: 'admin' }), { error: 'invalid_scope', status: 400 })
  await assert.rejects(
    async () =>
      oauth.processPushedAuthorizationResponse(
        as,
        client,
        await oauth.pushedAuthorizationRequest(as, client, it.auth, { scope }, local),
      ),
    { status: 400 },
  )
  const nobody = await oauth.userInfoRequest(as, client, 'nobodys', local)
  const asked = oauth.processUserInfoResponse(as, client, oauth.skipSubjectCheck, nobody)
  await assert.rejects(asked, challenged)
  const url = new URL(as.authorization_endpoint ?? '')
  url.search = String(
    new URLSearchParams({
      client_id: client.client_id,
      response_type: 'code',
      redirect_uri: callback,
      scope,
      state: 's',
    }),
  )
  const back = new URL(await arrive(person, url))
  assert.throws(() => oauth.validateAuthResponse(as, client, back, 's'), {
    name: 'AuthorizationResponseError',
    error: 'invalid_request',
  })
})
