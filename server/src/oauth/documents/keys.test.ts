import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import * as oidc from 'openid-client'
import {
  buildInternet,
  type Internet,
  serverOnInternet,
} from '../../../../test/harness/internet.ts'
import { attempt, authorize } from '../../../../test/harness/oauth-browser.ts'
import type { Person } from '../../../../test/harness/person.ts'
import { databases, type TestServer } from '../../../../test/harness/server.ts'

const host = 'notes.example.test'
const clientId = `https://${host}/client.json`
const keysAt = `https://${host}/keys.json`
const callback = `https://${host}/callback`

type Pair = { privateKey: CryptoKey; jwk: JWK }
async function pair(kid: string, alg = 'ES256'): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } }
}

/** The app's host: what stands at each path. */
function publish(internet: Internet, files: Record<string, object>) {
  internet.serve((request, response) => {
    const file = files[request.url ?? '']
    response.writeHead(file ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(file ?? {}))
  })
}
const described = (members: object) => ({
  client_id: clientId,
  redirect_uris: [callback],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'private_key_jwt',
  ...members,
})

const setUp = async (database?: 'sqlite' | 'postgres') =>
  serverOnInternet(await buildInternet(host), { database })

const configOf = (server: TestServer, { privateKey, jwk }: Pair) =>
  oidc.discovery(
    new URL(server.origin),
    clientId,
    undefined,
    oidc.PrivateKeyJwt({ key: privateKey, kid: jwk.kid ?? '' }),
    { execute: [oidc.allowInsecureRequests] },
  )

async function signIn(person: Person, config: oidc.Configuration, scope = 'chat:write') {
  const started = await attempt(config, { redirect_uri: callback, scope })
  return oidc.authorizationCodeGrant(config, await authorize(person, started.url), {
    pkceCodeVerifier: started.verifier,
    expectedState: started.state,
    ...(scope.includes('openid') ? { expectedNonce: started.nonce } : {}),
  })
}

for (const database of databases) {
  test(`openid-client signs in, refreshes and revokes by a key of its document (${database})`, async () => {
    await using world = await setUp(database)
    const { server, person, internet } = world
    const key = await pair('one')
    publish(internet, { '/client.json': described({ jwks: { keys: [key.jwk] } }) })
    const config = await configOf(server, key)
    const tokens = await signIn(person, config)
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    assert.ok((await server.oauth.verifier.verify(next.access_token)).ok)
    await oidc.tokenRevocation(config, next.access_token)
    assert.equal((await server.oauth.verifier.verify(next.access_token)).ok, false)
  })

  test(`an assertion passes once, of 20 at once exactly one (${database})`, async () => {
    await using world = await setUp(database)
    const { server, person, internet } = world
    const key = await pair('one')
    publish(internet, { '/client.json': described({ jwks: { keys: [key.jwk] } }) })
    await signIn(person, await configOf(server, key))
    const one = await assertion(server, key)
    const answers = await Promise.all(Array.from({ length: 20 }, () => introspect(server, one)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.notEqual((await introspect(server, one)).status, 200)
  })
}

const nowSeconds = () => Math.floor(Date.now() / 1_000)
const claimsFor = (server: TestServer, change: Record<string, unknown> = {}) => ({
  iss: clientId,
  sub: clientId,
  aud: server.origin,
  jti: randomUUID(),
  iat: nowSeconds(),
  exp: nowSeconds() + 60,
  ...change,
})
const assertion = (
  server: TestServer,
  key: Pair,
  change: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
) =>
  new SignJWT(claimsFor(server, change))
    .setProtectedHeader({ alg: 'ES256', kid: key.jwk.kid ?? '', ...header })
    .sign(key.privateKey)

async function introspect(
  server: TestServer,
  client_assertion?: string,
  more: Record<string, string> = {},
) {
  const response = await fetch(`${server.origin}/oauth/introspect`, {
    method: 'POST',
    body: new URLSearchParams({
      token: 'x',
      ...(client_assertion === undefined
        ? {}
        : {
            client_assertion,
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          }),
      ...more,
    }),
  })
  const { error } = (await response.json()) as { error?: string }
  return { status: response.status, error }
}

test('a forged, foreign, old or twisted assertion proves nothing', async () => {
  await using world = await setUp()
  const { server, person, internet } = world
  const key = await pair('one')
  const other = await pair('one')
  publish(internet, { '/client.json': described({ jwks: { keys: [key.jwk] } }) })
  const tokens = await signIn(person, await configOf(server, key), 'openid')
  const good = await assertion(server, key)
  assert.equal((await introspect(server, good)).status, 200)

  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${part({ alg: 'none' })}.${part(claimsFor(server))}.`
  const hs256 = (() => {
    const text = `${part({ alg: 'HS256', kid: 'one' })}.${part(claimsFor(server))}`
    return `${text}.${createHmac('sha256', JSON.stringify(key.jwk)).update(text).digest('base64url')}`
  })()
  const critical = await new CompactSign(Buffer.from(JSON.stringify(claimsFor(server))))
    .setProtectedHeader({ alg: 'ES256', kid: 'one', b64: true, crit: ['b64'] })
    .sign(key.privateKey)
  const forged: Record<string, string> = {
    empty: '',
    'no JWT': 'abc',
    'alg none': unsigned,
    'HS256 with the public key': hs256,
    'a critical header': critical,
    'another key': await assertion(server, other),
    'a key of its own in the header': await assertion(server, other, {}, { jwk: other.jwk }),
    'the right key, and one in the header': await assertion(server, key, {}, { jwk: key.jwk }),
    'a key address in the header': await assertion(server, key, {}, { jku: keysAt }),
    'the type of an access token': await assertion(server, key, {}, { typ: 'at+jwt' }),
    'the type of a logout token': await assertion(server, key, {}, { typ: 'logout+jwt' }),
    'the token endpoint as audience': await assertion(server, key, {
      aud: `${server.origin}/oauth/token`,
    }),
    'a list of audiences': await assertion(server, key, {
      aud: [server.origin, 'https://other.example'],
    }),
    'another audience': await assertion(server, key, { aud: 'https://other.example' }),
    'no audience': await assertion(server, key, { aud: undefined }),
    'another issuer': await assertion(server, key, { iss: 'https://other.example/client.json' }),
    'another subject': await assertion(server, key, { sub: 'app_other' }),
    'no expiry': await assertion(server, key, { exp: undefined }),
    'an hour to live': await assertion(server, key, { exp: nowSeconds() + 3_600 }),
    'a minute too old': await assertion(server, key, { exp: nowSeconds() - 60 }),
    'not valid yet': await assertion(server, key, { nbf: nowSeconds() + 600 }),
    'no jti': await assertion(server, key, { jti: undefined }),
    'a jti that is a list': await assertion(server, key, { jti: ['x'] }),
    'an ID token of ours': tokens.id_token ?? '',
    'an access token of ours': tokens.access_token,
    'a changed payload': good.replace(/\.[^.]+\./, `.${part(claimsFor(server))}.`),
  }
  for (const [what, text] of Object.entries(forged)) {
    const { status, error } = await introspect(server, text)
    assert.ok(status === 400 || status === 401, `${what}: ${status}`)
    assert.match(error ?? '', /^invalid_(client|request)$/, what)
  }
})

test('a client that signs is nobody without its signature, at the quick way of a refresh, too', async () => {
  await using world = await setUp()
  const { server, person, internet } = world
  const key = await pair('one')
  publish(internet, { '/client.json': described({ jwks: { keys: [key.jwk] } }) })
  const config = await configOf(server, key)
  const { refresh_token = '' } = await signIn(person, config)
  const basic = `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:x`).toString('base64')}`
  const tries: [Record<string, string>, Record<string, string>][] = [
    [{ client_id: clientId }, {}],
    [{ client_id: clientId, client_secret: 'compared-by-digest' }, {}],
    [{ client_id: clientId, client_secret: '' }, {}],
    [{}, { authorization: basic }],
  ]
  for (const [form, headers] of tries) {
    const response = await fetch(`${server.origin}/oauth/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token, ...form }),
    })
    const { error } = (await response.json()) as { error: string }
    assert.deepEqual([response.status, error], [401, 'invalid_client'], JSON.stringify(form))
  }
  assert.ok((await oidc.refreshTokenGrant(config, refresh_token)).access_token)
})

test('keys that lie apart on the same host are read from there, and a lost one counts no longer', async () => {
  await using world = await setUp()
  const { server, person, internet } = world
  const [old, fresh] = [await pair('old'), await pair('fresh')]
  const document = described({ jwks_uri: keysAt })
  publish(internet, { '/client.json': document, '/keys.json': { keys: [old.jwk] } })
  await signIn(person, await configOf(server, old))
  assert.equal((await introspect(server, await assertion(server, old))).status, 200)
  assert.notEqual((await introspect(server, await assertion(server, fresh))).status, 200)
  publish(internet, {
    '/client.json': { ...document, client_name: 'Renamed' },
    '/keys.json': { keys: [fresh.jwk] },
  })
  server.clock.advance(601_000)
  await signIn(person, await configOf(server, fresh))
  assert.notEqual((await introspect(server, await assertion(server, old))).status, 200)
})

test('a document that keeps no public key of its own where it says so makes no client', async () => {
  await using world = await setUp()
  const { server, internet } = world
  const { privateKey, jwk } = await pair('one')
  const ask = async () => {
    server.clock.advance(600_000)
    const query = new URLSearchParams({
      client_id: clientId,
      redirect_uri: callback,
      response_type: 'code',
      scope: 'chat:write',
    })
    const page = await fetch(`${server.origin}/oauth/authorize?${query}`, { redirect: 'manual' })
    return /<code>([^<]*)<\/code>/.exec(await page.text())?.[1] ?? 'asked'
  }
  const wrong: [members: object, told: RegExp][] = [
    [{}, /jwks: keys_required/],
    [{ jwks: { keys: [jwk] }, jwks_uri: keysAt }, /jwks: keys_twice/],
    [{ jwks: { keys: [] } }, /no list of 1 to 10 keys/],
    [{ jwks: [jwk] }, /no list of 1 to 10 keys/],
    [{ jwks: { keys: Array(11).fill({}) } }, /no list of 1 to 10 keys/],
    [{ jwks: { keys: [await exportJWK(privateKey)] } }, /jwks: private_key/],
    [{ jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }, /jwks: private_key/],
    [{ jwks: { keys: [{ ...jwk, alg: 'HS256' }] } }, /jwks: key_unusable/],
    [{ jwks_uri: 'https://other.example.test/keys.json' }, /jwks_uri: not on its own origin/],
    [{ jwks_uri: 'http://127.0.0.1/keys.json' }, /jwks_uri: not on its own origin/],
    [{ jwks_uri: 7 }, /jwks_uri: not on its own origin/],
  ]
  for (const [members, told] of wrong) {
    publish(internet, { '/client.json': described(members) })
    assert.match(await ask(), told, JSON.stringify(members).slice(0, 80))
  }
})
