import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import * as oidc from 'openid-client'
import { buildInternet } from '../../../test/harness/internet.ts'
import { type RegisteredApp, registerApp, signIn } from '../../../test/harness/oauth-browser.ts'
import { type Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'
import { minute, second } from '../platform/clock/clock.ts'

const pairs = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  Ed25519: () => generateKeyPairSync('ed25519'),
}
/** As the Web Crypto API calls them. */
const webCrypto = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' },
}
const publicOf = (key: KeyObject, members: object = {}) => ({
  ...key.export({ format: 'jwk' }),
  ...members,
})
const machine = { redirect_uris: [], grant_types: ['client_credentials'], scope: 'models:read' }

const registered = (person: Person, settings: object) =>
  registerApp(person, { token_endpoint_auth_method: 'private_key_jwt', ...settings })

type Claims = Record<string, unknown>

/** An assertion as RFC 7523 section 3 wants it, with whatever is to be wrong about it. */
const assertion = (
  app: RegisteredApp,
  server: TestServer,
  key: KeyObject,
  claims: Claims = {},
  header: { alg: string; typ?: string; kid?: string } = { alg: 'ES256' },
) => {
  const now = Math.floor(Date.now() / second)
  const all = {
    iss: app.client_id,
    sub: app.client_id,
    aud: server.origin,
    jti: randomUUID(),
    iat: now,
    exp: now + 60,
    ...claims,
  }
  return new SignJWT(JSON.parse(JSON.stringify(all)) as Claims).setProtectedHeader(header).sign(key)
}

const ask = async (server: TestServer, fields: Record<string, string>) => {
  const answer = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', ...fields }),
  })
  const { error } = (await answer.json()) as { error?: string }
  return error ?? answer.status
}
const by = (client_assertion: string) => ({
  client_assertion,
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
})

for (const database of databases) {
  test(`openid-client proves an app by its key, at every endpoint (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    for (const alg of ['ES256', 'RS256', 'Ed25519'] as const) {
      const { publicKey, privateKey } = pairs[alg]()
      const app = await registered(person, {
        redirect_uris: ['https://app.example/callback'],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        jwks: { keys: [publicOf(publicKey, { kid: 'one' })] },
      })
      assert.equal(app.client_secret, undefined, 'nothing secret is made')
      const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
      const key = await crypto.subtle.importKey('pkcs8', pkcs8, webCrypto[alg], false, ['sign'])
      const config = await oidc.discovery(
        new URL(server.origin),
        app.client_id,
        undefined,
        oidc.PrivateKeyJwt({ key, kid: 'one' }),
        { execute: [oidc.allowInsecureRequests] },
      )
      const tokens = await signIn(config, person)
      const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
      assert.equal((await oidc.tokenIntrospection(config, refreshed.access_token)).active, true)
      await oidc.tokenRevocation(config, refreshed.refresh_token ?? '')
      assert.ok((await oidc.clientCredentialsGrant(config, { scope: 'models:read' })).access_token)
    }
  })

  test(`of fifty uses of one assertion exactly one counts (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const { publicKey, privateKey } = pairs.ES256()
    const app = await registered(person, { ...machine, jwks: { keys: [publicOf(publicKey)] } })
    const one = await assertion(app, server, privateKey)
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(server, by(one))))
    assert.deepEqual([...new Set(answers)].sort(), [200, 'invalid_client'])
    assert.equal(answers.filter((answer) => answer === 200).length, 1)
    assert.equal(await ask(server, by(await assertion(app, server, privateKey))), 200)
  })
}

test('an assertion with anything wrong proves nothing', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const { publicKey, privateKey } = pairs.ES256()
  const keys = { jwks: { keys: [publicOf(publicKey)] } }
  const app = await registered(person, { ...machine, ...keys })
  const other = await registered(person, { ...machine, ...keys, name: 'Other' })
  const secret = await registerApp(person, { ...machine, name: 'With a secret' })
  const now = Math.floor(Date.now() / second)
  const hmac = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const wrong: Record<string, [Claims, Parameters<typeof assertion>[4]?, KeyObject?]> = {
    'the token endpoint as audience': [{ aud: `${server.origin}/oauth/token` }],
    'another server beside us': [{ aud: [server.origin, 'https://other.example'] }],
    'another server': [{ aud: 'https://other.example' }],
    'no audience': [{ aud: undefined }],
    'a life of an hour': [{ exp: now + 3_600 }],
    'no end': [{ exp: undefined }],
    expired: [{ iat: now - 120, exp: now - 60 }],
    'not valid yet': [{ nbf: now + 60 }],
    'no jti': [{ jti: undefined }],
    'another issuer': [{ iss: other.client_id }],
    'another subject': [{ sub: other.client_id }],
    'another key': [{}, { alg: 'ES256' }, hmac.privateKey],
    'a logout token': [{}, { alg: 'ES256', typ: 'logout+jwt' }],
    'an access token': [{}, { alg: 'ES256', typ: 'at+jwt' }],
    'a key with a name we do not know': [{}, { alg: 'ES256', kid: 'nobody' }],
  }
  for (const [what, [claims, header, key]] of Object.entries(wrong)) {
    const made = await assertion(app, server, key ?? privateKey, claims, header)
    assert.match(String(await ask(server, by(made))), /^invalid_(client|request)$/, what)
  }
  const good = () => assertion(app, server, privateKey)
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await good()).split('.')[1]}.`
  assert.equal(await ask(server, by(none)), 'invalid_client')
  const plain = { client_id: app.client_id }
  assert.equal(await ask(server, plain), 'invalid_client', 'no proof at all')
  assert.equal(await ask(server, { ...plain, client_secret: 'x' }), 'invalid_client')
  const foreign = await assertion(secret, server, privateKey)
  assert.equal(await ask(server, by(foreign)), 'invalid_client', 'registered for a secret')
  const both = { ...by(await good()), client_secret: secret.client_secret ?? '' }
  assert.equal(await ask(server, both), 'invalid_request', 'two ways at once')
  assert.equal(await ask(server, by(await good())), 200)
})

test('keys at an address are read through the checked door, kept, and taken over when they change', async () => {
  await using internet = await buildInternet('app.example.test')
  await using server = await startServer({ outbound: internet.edges })
  const { person } = await signedUp(server.origin)
  const uri = 'https://app.example.test/jwks'
  let pair = pairs.ES256()
  let status = 200
  internet.serve((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: [publicOf(pair.publicKey, { kid: 'k' })] }))
  })
  const app = await registered(person, { ...machine, jwks_uri: uri })
  const prove = async () =>
    ask(server, by(await assertion(app, server, pair.privateKey, {}, { alg: 'ES256', kid: 'k' })))
  assert.equal(await prove(), 200)
  assert.deepEqual(
    internet.requests.map(({ method, url, servername }) => [method, url, servername]),
    [['GET', '/jwks', 'app.example.test']],
  )
  assert.equal(await prove(), 200)
  assert.equal(internet.requests.length, 1, 'not for every request')

  status = 500
  await person.expect(200, 'PATCH', `/api/apps/${app.client_id}`, { name: 'Renamed' })
  server.clock.advance(minute)
  assert.equal(await prove(), 200, 'the last good keys stand in')

  status = 200
  pair = pairs.ES256()
  server.clock.advance(minute)
  await person.expect(200, 'PATCH', `/api/apps/${app.client_id}`, { name: 'Again' })
  assert.equal(await prove(), 200, 'the new key')

  const asked = internet.requests.length
  const wrong = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  for (let at = 0; at < 20; at++) {
    const made = await assertion(app, server, wrong, {}, { alg: 'ES256', kid: `x${at}` })
    assert.equal(await ask(server, by(made)), 'invalid_client')
  }
  assert.ok(internet.requests.length - asked <= 1, 'wrong ones do not knock at the app’s host')
})

test('a host that gives no keys is not a wrong assertion: come back while it is away, and no answer of it is taken for keys', async () => {
  await using internet = await buildInternet('app.example.test')
  await using server = await startServer({ outbound: internet.edges })
  const { person } = await signedUp(server.origin)
  const pair = pairs.ES256()
  const good = JSON.stringify({ keys: [publicOf(pair.publicKey, { kid: 'k' })] })
  let answer: [number, string] | 'cut' = [503, 'sorry']
  internet.serve((request, response) => {
    if (answer === 'cut') return request.socket.destroy()
    response.writeHead(answer[0], { 'content-type': 'application/json' }).end(answer[1])
  })
  const jwks_uri = 'https://app.example.test/jwks'
  const app = await registered(person, {
    redirect_uris: ['https://app.example/callback'],
    grant_types: ['authorization_code', 'client_credentials'],
    scope: 'models:read',
    jwks_uri,
  })
  const path = `/api/apps/${app.client_id}`
  const prove = async (endpoint = 'token', fields = {}) => {
    const response = await fetch(`${server.origin}/oauth/${endpoint}`, {
      method: 'POST',
      body: new URLSearchParams({
        ...by(await assertion(app, server, pair.privateKey, {}, { alg: 'ES256', kid: 'k' })),
        ...fields,
      }),
    })
    const { error, help } = (await response.json()) as { error?: string; help?: string }
    if (error) assert.match(help ?? '', /\/help\/oauth-apps$/)
    const wait = response.headers.get('retry-after')
    return [response.status, error ?? 'fine', ...(wait ? [wait] : [])].join(' ')
  }
  const machine = { grant_type: 'client_credentials' }
  const away = '503 temporarily_unavailable 10'
  /** After the rest that a host is given, and as a node that has just started. */
  const afresh = async (name: string) => {
    server.clock.advance(10 * second)
    await person.expect(200, 'PATCH', path, { name })
  }

  assert.equal(await prove('token', machine), away)
  for (const endpoint of ['introspect', 'revoke'])
    assert.equal(await prove(endpoint, { token: 'x' }), away, endpoint)
  const asks = { response_type: 'code', scope: 'models:read' }
  assert.equal(await prove('par', asks), away)
  assert.equal(internet.requests.length, 1, 'and the host is left in peace meanwhile')

  answer = 'cut'
  await afresh('Cut')
  assert.equal(await prove('token', machine), away)
  for (const [index, wrong] of (
    [
      [404, '{}'],
      [200, '<h1>Welcome</h1>'],
      [200, '{"keys":"none"}'],
      [302, ''],
    ] as const
  ).entries()) {
    answer = [...wrong]
    await afresh(`Wrong ${index}`)
    assert.equal(await prove('token', machine), '401 invalid_client', wrong.join(' '))
  }

  answer = [200, good]
  await afresh('Good')
  assert.equal(await prove('token', machine), '200 fine', 'nothing of that was kept')
  answer = [200, '<h1>We are rebuilding</h1>']
  await afresh('Rebuilding')
  assert.equal(await prove('token', machine), '200 fine', 'and replaces no good keys')
})

test('an app registers public keys that are good enough, or where they lie, and says which', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const good = publicOf(pairs.ES256().publicKey)
  const create = (settings: object) =>
    person.request<{ errors?: { field: string; code: string }[] }>('POST', '/api/apps', {
      body: { name: 'App', ...machine, token_endpoint_auth_method: 'private_key_jwt', ...settings },
    })
  const refused: [object, string, string][] = [
    [{}, 'jwks', 'keys_required'],
    [{ jwks: { keys: [] } }, 'jwks', 'keys_required'],
    [{ jwks: { keys: [good] }, jwks_uri: 'https://app.example/jwks' }, 'jwks', 'keys_twice'],
    [{ jwks: { keys: [good, publicOf(pairs.ES256().privateKey)] } }, 'jwks.1', 'private_key'],
    [{ jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }, 'jwks.0', 'private_key'],
    [
      { jwks: { keys: [publicOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)] } },
      'jwks.0',
      'key_unusable',
    ],
    [
      { jwks: { keys: [publicOf(generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey)] } },
      'jwks.0',
      'key_unusable',
    ],
    [{ jwks: { keys: [{ ...good, use: 'enc' }] } }, 'jwks.0', 'key_unusable'],
    [{ jwks: { keys: [{ ...good, alg: 'none' }] } }, 'jwks.0', 'key_unusable'],
    [{ jwks: { keys: [{ kty: 'EC' }] } }, 'jwks.0', 'key_unusable'],
    [{ jwks_uri: 'https://10.0.0.1/jwks' }, 'jwks_uri', 'unreachable'],
    [{ jwks_uri: 'http://app.example/jwks' }, 'jwks_uri', 'plain_http'],
  ]
  for (const [settings, field, code] of refused) {
    const answer = await create(settings)
    assert.equal(answer.status, 400, code)
    assert.deepEqual(
      answer.body.errors?.map((error) => [error.field, error.code]),
      [[field, code]],
    )
  }
  type View = { client_id: string; jwks: { keys: object[] } | null; secrets: unknown[] }
  const made = await person.expect<View>(201, 'POST', '/api/apps', {
    name: 'App',
    ...machine,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...good, kid: 'a', x5c: ['junk'], note: 'junk' }] },
  })
  assert.deepEqual(made.jwks, { keys: [{ ...good, kid: 'a' }] })
  assert.deepEqual(made.secrets, [])
  const path = `/api/apps/${made.client_id}`
  await person.expect(409, 'POST', `${path}/secrets`, {})
  assert.deepEqual((await person.expect<View>(200, 'GET', path)).jwks, made.jwks)

  const self = await fetch(`${server.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: ['https://app.example/cb'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://app.example/jwks',
    }),
  })
  assert.equal(self.status, 400, 'who registers itself has a secret or none')
  const metadata = (await (
    await fetch(`${server.origin}/.well-known/openid-configuration`)
  ).json()) as Record<string, string[]>
  assert.ok(metadata.token_endpoint_auth_methods_supported?.includes('private_key_jwt'))
  assert.deepEqual(metadata.token_endpoint_auth_signing_alg_values_supported?.sort(), [
    'ES256',
    'Ed25519',
    'EdDSA',
    'PS256',
    'RS256',
  ])
})
