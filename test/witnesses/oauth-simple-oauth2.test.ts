import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { AuthorizationCode, ClientCredentials } from 'simple-oauth2'
import { authorize, callback, registerApp } from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { databases, startServer, type TestServer } from '../harness/server.ts'

const scope = 'models:read chat:write'

const models = async (server: TestServer, token: string) =>
  (
    await fetch(`${server.origin}/v1/models`, {
      headers: { authorization: `Bearer ${token}` },
    })
  ).status

/** Its refusals are errors of its HTTP client, with the answer inside. */
const refused = (error: string) => (thrown: { data?: { payload?: { error?: string } } }) =>
  thrown.data?.payload?.error === error

async function code(person: Person, url: string): Promise<string> {
  const back = await authorize(person, url)
  assert.equal(back.searchParams.get('state'), 'of-the-app')
  return back.searchParams.get('code') ?? ''
}

for (const database of databases)
  for (const authorizationMethod of ['header', 'body'] as const)
    test(`simple-oauth2 signs in, refreshes and revokes with no setting but the host, secret in the ${authorizationMethod} (${database})`, async () => {
      await using server = await startServer({ database })
      const { person } = await signedUp(server.origin)
      const app = await registerApp(person, {
        token_endpoint_auth_method: `client_secret_${authorizationMethod === 'body' ? 'post' : 'basic'}`,
      })
      const client = new AuthorizationCode({
        client: { id: app.client_id, secret: app.client_secret ?? '' },
        auth: { tokenHost: server.origin },
        options: { authorizationMethod },
      })
      const verifier = randomBytes(32).toString('base64url')
      const url = client.authorizeURL({
        redirect_uri: callback,
        scope,
        state: 'of-the-app',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      })
      const asked = { redirect_uri: callback, code_verifier: verifier, scope }
      const first = await client.getToken({ ...asked, code: await code(person, url) })
      assert.equal(first.token.scope, scope)
      assert.equal(first.expired(), false)
      assert.equal(first.expired(601), true, 'ten minutes')
      assert.equal(await models(server, first.token.access_token), 200)

      const kept = client.createToken(JSON.parse(JSON.stringify(first.token)))
      const second = await kept.refresh()
      assert.notEqual(second.token.refresh_token, first.token.refresh_token)
      const third = await second.refresh({ scope: 'models:read' })
      assert.equal(third.token.scope, 'models:read')

      await third.revokeAll() // the second of the two finds nothing left, and that is no error
      assert.equal(await models(server, third.token.access_token), 401)
      await assert.rejects(third.refresh(), refused('invalid_grant'))
      await third.revoke('access_token')
    })

test('simple-oauth2 without PKCE is the plain code flow that an owner has to switch on', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const clientOf = ({
    client_id,
    client_secret = '',
  }: {
    client_id: string
    client_secret?: string
  }) =>
    new AuthorizationCode({
      client: { id: client_id, secret: client_secret },
      auth: { tokenHost: server.origin, tokenPath: '/v1/oauth/token' },
      options: { authorizationMethod: 'body' },
    })
  const settings = { token_endpoint_auth_method: 'client_secret_post' }
  const strict = clientOf(await registerApp(person, settings))
  const parameters = { redirect_uri: callback, scope, state: 'of-the-app' }
  const refusal = await person.get(strict.authorizeURL(parameters), {
    'sec-fetch-site': 'cross-site',
  })
  const location = new URL(refusal.headers.get('location') ?? '')
  assert.equal(location.searchParams.get('error'), 'invalid_request')

  const legacy = clientOf(await registerApp(person, { ...settings, legacy_confidential: true }))
  const tokens = await legacy.getToken({
    code: await code(person, legacy.authorizeURL(parameters)),
    redirect_uri: callback,
  })
  assert.equal(await models(server, tokens.token.access_token), 200)
  const bare = await legacy.getToken({ code: await code(person, legacy.authorizeURL(parameters)) })
  assert.equal(await models(server, bare.token.access_token), 200)
  assert.ok((await bare.refresh()).token.access_token)
})

test('simple-oauth2 gets a machine’s token, and hears what is wrong by name', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { redirect_uris: [], grant_types: ['client_credentials'] })
  const client = (secret: string) =>
    new ClientCredentials({
      client: { id: app.client_id, secret },
      auth: { tokenHost: server.origin },
    })
  const { token } = await client(app.client_secret ?? '').getToken({ scope: 'models:read' })
  assert.equal(await models(server, token.access_token), 200)
  await assert.rejects(client('wrong').getToken({}), refused('invalid_client'))
  await assert.rejects(
    client(app.client_secret ?? '').getToken({ scope: 'admin' }),
    refused('invalid_scope'),
  )
})
