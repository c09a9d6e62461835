import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { after, before, describe, test } from 'node:test'
import {
  discover,
  type RegisteredApp,
  registerApp,
  signIn,
} from '../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../test/harness/person.ts'
import { startServer, type TestServer } from '../../../test/harness/server.ts'

type Raw = { status: number; headers: Record<string, string | string[] | undefined>; body: string }

describe('the protocol endpoints', () => {
  let server: TestServer
  let app: RegisteredApp
  let accessToken: string
  let refreshToken: string
  before(async () => {
    server = await startServer()
    const { person } = await signedUp(server.origin)
    app = await registerApp(person)
    const tokens = await signIn(await discover(server.origin, app), person)
    accessToken = tokens.access_token
    refreshToken = tokens.refresh_token ?? ''
  })
  after(() => server[Symbol.asyncDispose]())

  /** By node:http, because fetch will not send a foreign Host or an absolute-form target. */
  const raw = (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body: string | Buffer = '',
  ) =>
    new Promise<Raw>((resolve, reject) => {
      const request = httpRequest(
        { host: 'localhost', port: new URL(server.origin).port, method, path, headers },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks).toString(),
            }),
          )
        },
      )
      request.on('error', reject)
      request.end(body)
    })
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const credentials = () => `client_id=${app.client_id}&client_secret=${app.client_secret}`
  const isOAuthError = ({ body, headers, status }: Raw, what: string) => {
    assert.match(String(headers['content-type']), /^application\/json/, what)
    const answer = JSON.parse(body) as { error?: string }
    assert.match(answer.error ?? '', /^[a-z_]+$/, what)
    assert.ok(status >= 400 && status < 500, `${what}: ${status}`)
    assert.match(String(headers['cache-control']), /no-store/, what)
    return answer.error
  }

  test('metadata names the configured origin, S256, iss and nothing of the old flows', async () => {
    for (const path of ['openid-configuration', 'oauth-authorization-server']) {
      const response = await fetch(`${server.origin}/.well-known/${path}`)
      assert.equal(response.headers.get('access-control-allow-origin'), '*')
      const metadata = (await response.json()) as Record<string, unknown>
      assert.equal(metadata.issuer, server.origin)
      assert.equal(metadata.token_endpoint, `${server.origin}/oauth/token`)
      assert.equal(metadata.userinfo_endpoint, `${server.origin}/oauth/userinfo`)
      assert.deepEqual(metadata.response_types_supported, ['code'])
      assert.deepEqual(metadata.response_modes_supported, ['query'])
      assert.deepEqual(metadata.code_challenge_methods_supported, ['S256'])
      for (const part of ['auth_methods', 'auth_signing_alg_values'])
        for (const endpoint of ['introspection', 'revocation'])
          assert.deepEqual(
            metadata[`${endpoint}_endpoint_${part}_supported`],
            metadata[`token_endpoint_${part}_supported`],
          )
      assert.deepEqual([...(metadata.grant_types_supported as string[])].sort(), [
        'authorization_code',
        'client_credentials',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
      ])
      assert.equal(metadata.device_authorization_endpoint, `${server.origin}/oauth/device`)
      assert.equal(metadata.pushed_authorization_request_endpoint, `${server.origin}/oauth/par`)
      assert.equal(metadata.authorization_response_iss_parameter_supported, true)
      assert.deepEqual(metadata.id_token_signing_alg_values_supported, ['ES256', 'RS256'])
      for (const [name, value] of Object.entries(metadata))
        if (name.endsWith('_endpoint') || name === 'jwks_uri') {
          assert.ok(String(value).startsWith(`${server.origin}/oauth/`), name)
          const { status } = await fetch(String(value), { redirect: 'manual' })
          assert.notEqual(status, 404, `${name} is advertised and not served`)
        }
    }
  })

  test('every claim that the metadata names is there for who asks', async () => {
    const { person } = await signedUp(server.origin)
    const config = await discover(server.origin, await registerApp(person))
    const tokens = await signIn(config, person, { max_age: '1000' })
    const { claims_supported = [] } = config.serverMetadata()
    const given = new Set(Object.keys(tokens.claims() ?? {}))
    assert.deepEqual(
      (claims_supported as string[]).filter((claim) => !given.has(claim)),
      [],
    )
  })

  test('the resource says where its tokens come from (RFC 9728)', async () => {
    for (const path of ['', '/v1']) {
      const answer = await fetch(`${server.origin}/.well-known/oauth-protected-resource${path}`)
      const body = (await answer.json()) as Record<string, unknown>
      assert.equal(body.resource, `${server.origin}/v1`)
      assert.deepEqual(body.authorization_servers, [server.origin])
      const question = await fetch(answer.url, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example',
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'mcp-protocol-version',
        },
      })
      assert.equal(question.status, 204)
      assert.match(question.headers.get('access-control-allow-headers') ?? '', /mcp-protocol-vers/)
    }
  })

  test('JWKS holds public keys alone, ES256 first, and may be cached', async () => {
    const response = await fetch(`${server.origin}/oauth/jwks`)
    const { keys } = (await response.json()) as { keys: Record<string, string>[] }
    assert.deepEqual(
      keys.map(({ alg }) => alg),
      ['ES256', 'RS256'],
    )
    for (const key of keys)
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'])
        assert.ok(!(member in key))
    assert.match(response.headers.get('cache-control') ?? '', /max-age/)
  })

  test('a foreign Host, forwarding headers or an absolute target change no URL', async () => {
    const plain = (await raw('GET', '/.well-known/openid-configuration')).body
    const hostile: Record<string, string>[] = [
      { host: 'evil.example' },
      { host: 'evil.example:443', 'x-forwarded-proto': 'https' },
      { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
      { forwarded: 'host=evil.example;proto=https' },
      { 'x-original-host': 'evil.example', 'x-forwarded-prefix': '/evil' },
    ]
    for (const headers of hostile)
      assert.equal((await raw('GET', '/.well-known/openid-configuration', headers)).body, plain)
    const absolute = await raw('GET', 'http://evil.example/.well-known/openid-configuration')
    assert.ok(!absolute.body.includes('evil'))
    const query = new URLSearchParams({
      client_id: app.client_id,
      redirect_uri: app.redirect_uris[0] ?? '',
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    for (const headers of hostile) {
      const answer = await raw('GET', `/oauth/authorize?${query}`, headers)
      assert.equal(answer.status, 200)
      assert.ok(!`${answer.body}${JSON.stringify(answer.headers)}`.includes('evil'))
      const failed = await raw('GET', '/oauth/authorize?client_id=nobody', headers)
      assert.ok(!`${failed.body}${JSON.stringify(failed.headers)}`.includes('evil'))
    }
  })

  test('malformed bodies get an OAuth error, whatever Accept says', async () => {
    const bad: [string, Record<string, string>, string | Buffer][] = [
      ['empty', form, ''],
      ['no content type', {}, 'grant_type=refresh_token'],
      ['JSON', { 'content-type': 'application/json' }, '{"grant_type":"refresh_token"}'],
      ['broken JSON', { 'content-type': 'application/json' }, '{'],
      ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }, '--x--'],
      ['bad UTF-8', form, Buffer.from([0x61, 0x3d, 0xff, 0xfe])],
      ['a null byte', form, 'grant_type=refresh_token&refresh_token=a\0b'],
      ['an encoded null byte', form, 'grant_type=refresh_token&refresh_token=a%00b'],
      ['broken escapes', form, `${'%zz'.repeat(10)}=1`],
      ['a repeated parameter', form, `${credentials()}&grant_type=refresh_token&grant_type=x`],
      ['a repeated secret', form, `${credentials()}&client_secret=x&grant_type=refresh_token`],
      ['a prototype', form, `__proto__=1&constructor=1&${credentials()}`],
      ['too many parameters', form, 'a=1&'.repeat(5_000)],
      ['an unknown grant', form, `${credentials()}&grant_type=password`],
      ['implicit', form, `${credentials()}&grant_type=implicit`],
      ['no grant', form, credentials()],
      [
        'a token that is not one',
        form,
        `${credentials()}&grant_type=refresh_token&refresh_token=x`,
      ],
      [
        'a very long token',
        form,
        `${credentials()}&grant_type=refresh_token&refresh_token=${'x'.repeat(40_000)}`,
      ],
      ['a client in the header twice', { ...form, authorization: 'Basic !!!' }, credentials()],
      [
        'a bearer where Basic belongs',
        { ...form, authorization: 'Bearer x' },
        'grant_type=refresh_token',
      ],
    ]
    for (const path of ['/oauth/token', '/v1/oauth/token', '/oauth/revoke', '/oauth/introspect'])
      for (const [name, headers, body] of bad) {
        if (!/token/.test(path) && /grant|implicit|token that|long token/.test(name)) continue
        for (const accept of ['application/json', 'text/html'])
          isOAuthError(await raw('POST', path, { ...headers, accept }, body), `${path}: ${name}`)
      }
  })

  test('an oversized body is refused with 413', async () => {
    const answer = await raw('POST', '/oauth/token', form, `x=${'a'.repeat(60_000)}`)
    assert.equal(answer.status, 413)
    isOAuthError(answer, 'oversized')
  })

  test('a wrong method is told which one works', async () => {
    for (const [method, path, allow] of [
      ['GET', '/oauth/token', 'POST'],
      ['PUT', '/oauth/token', 'POST'],
      ['DELETE', '/v1/oauth/token', 'POST'],
      ['GET', '/oauth/revoke', 'POST'],
      ['POST', '/oauth/jwks', 'GET, HEAD'],
      ['PATCH', '/oauth/authorize', 'GET, POST'],
    ] as const) {
      const answer = await raw(method, path)
      assert.equal(answer.status, 405, path)
      assert.equal(answer.headers.allow, allow)
      isOAuthError(answer, path)
    }
    assert.equal((await raw('HEAD', '/oauth/authorize')).status, 405)
    for (const path of ['/oauth/jwks', '/.well-known/oauth-authorization-server']) {
      const [head, get] = [await raw('HEAD', path), await raw('GET', path)]
      assert.deepEqual([head.status, head.body, head.headers.etag], [200, '', get.headers.etag])
    }
  })

  test('unknown paths below /oauth do not exist', async () => {
    for (const path of [
      '/oauth',
      '/oauth/',
      '/oauth/nothing',
      '/oauth/authorize/abc',
      '/oauth/token/',
    ])
      assert.equal((await raw('GET', path)).status, 404, path)
  })

  test('a browser app may call token, metadata and keys from elsewhere, without credentials', async () => {
    const origin = 'https://spa.example'
    for (const path of [
      '/oauth/token',
      '/oauth/jwks',
      '/.well-known/openid-configuration',
      '/oauth/userinfo',
    ]) {
      const preflight = await raw('OPTIONS', path, {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      })
      assert.equal(preflight.status, 204, path)
      assert.ok([origin, '*'].includes(String(preflight.headers['access-control-allow-origin'])))
      assert.equal(preflight.headers['access-control-allow-credentials'], undefined)
      assert.ok(Number(preflight.headers['access-control-max-age']) >= 3_600)
    }
    const readable = async (answer: Promise<{ headers: Record<string, unknown> }>) =>
      assert.ok(
        [origin, '*'].includes(String((await answer).headers['access-control-allow-origin'])),
      )
    await readable(raw('POST', '/oauth/token', { ...form, origin }, 'grant_type=x'))
    await readable(raw('GET', '/oauth/token', { origin })) // and why it was refused
    await readable(raw('POST', '/oauth/token', { ...form, origin }, 'x'.repeat(50_000)))
    const authorize = await raw('OPTIONS', '/oauth/authorize', { origin })
    assert.equal(authorize.headers['access-control-allow-origin'], undefined)
  })

  test('introspection tells a client about its own tokens alone', async () => {
    const { person } = await signedUp(server.origin)
    const stranger = await registerApp(person, { name: 'Stranger' })
    const ask = async (client: RegisteredApp, token: string) =>
      JSON.parse(
        (
          await raw(
            'POST',
            '/oauth/introspect',
            form,
            new URLSearchParams({
              token,
              client_id: client.client_id,
              client_secret: client.client_secret ?? '',
            }).toString(),
          )
        ).body,
      ) as Record<string, unknown>
    for (const token of [accessToken, refreshToken]) {
      assert.equal((await ask(app, token)).active, true)
      assert.deepEqual(await ask(stranger, token), { active: false })
    }
    for (const token of ['x', `${accessToken}x`, 'eyJhbGciOiJub25lIn0.e30.'])
      assert.deepEqual(await ask(app, token), { active: false })
  })

  test('revocation answers {} for every token, and ends only the own', async () => {
    const { person } = await signedUp(server.origin)
    const stranger = await registerApp(person, { name: 'Stranger' })
    const tokens = await signIn(await discover(server.origin, app), person)
    const revoke = async (client: RegisteredApp, token: string) => {
      const { status, body } = await raw(
        'POST',
        '/oauth/revoke',
        form,
        new URLSearchParams({
          token,
          client_id: client.client_id,
          client_secret: client.client_secret ?? '',
        }).toString(),
      )
      assert.deepEqual([status, body], [200, '{}'])
    }
    for (const token of ['x', tokens.access_token, tokens.refresh_token ?? ''])
      await revoke(stranger, token)
    assert.ok((await server.oauth.verifier.verify(tokens.access_token)).ok)
    await revoke(app, tokens.access_token)
    assert.deepEqual(await server.oauth.verifier.verify(tokens.access_token), {
      ok: false,
      reason: 'revoked',
    })
  })

  test('userinfo takes a bearer token that holds openid, and says what is wrong with others', async () => {
    const ask = (authorization?: string) =>
      raw('GET', '/oauth/userinfo', authorization === undefined ? {} : { authorization })
    assert.equal((await ask(`Bearer ${accessToken}`)).status, 200)
    for (const wrong of [
      undefined,
      'Bearer',
      'Bearer x',
      `Basic ${accessToken}`,
      `Bearer ${accessToken}x`,
    ]) {
      const answer = await ask(wrong)
      assert.equal(answer.status, 401, String(wrong))
      assert.match(String(answer.headers['www-authenticate']), /^Bearer/)
    }
    const { person } = await signedUp(server.origin)
    const bare = await registerApp(person, {
      redirect_uris: [],
      grant_types: ['client_credentials'],
    })
    const { body } = await raw(
      'POST',
      '/oauth/token',
      form,
      `client_id=${bare.client_id}&client_secret=${bare.client_secret}&grant_type=client_credentials`,
    )
    const { access_token } = JSON.parse(body) as { access_token: string }
    assert.equal((await ask(`Bearer ${access_token}`)).status, 403)
  })

  test('two nodes over one database would sign with the same keys', async () => {
    const { loadSigningKeys } = await import('./signing/signing-keys.ts')
    const { database, keyring, clock } = server.platform
    const loads = await Promise.all(
      Array.from({ length: 4 }, () => loadSigningKeys(database, keyring, clock)),
    )
    const kids = loads.map((keys) => keys.map(({ kid }) => kid).join())
    assert.equal(new Set(kids).size, 1)
  })
})

test('behind a TLS proxy every URL is https and the transaction cookie is __Host-', async () => {
  await using server = await startServer({
    env: { LATCHKEY_ORIGIN: 'https://ai.example', LATCHKEY_PORT: '0' },
  })
  const address = server.server.address()
  assert.ok(address && typeof address === 'object')
  const inside = `http://127.0.0.1:${address.port}`
  const metadata = (await (
    await fetch(`${inside}/.well-known/openid-configuration`)
  ).json()) as Record<string, unknown>
  assert.equal(metadata.issuer, 'https://ai.example')
  assert.equal(metadata.authorization_endpoint, 'https://ai.example/oauth/authorize')

  await server.platform.database
    .tables<{ oauth_clients: Record<string, unknown> }>()
    .query.insertInto('oauth_clients')
    .values({
      id: 'app_test',
      metadata: JSON.stringify({
        client_name: 'Test',
        redirect_uris: ['https://app.example/cb'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'none',
        application_type: 'web',
        scope: 'openid',
      }),
      settings: '{}',
      created_at: server.clock.now(),
      updated_at: 1,
    })
    .execute()
  const query = new URLSearchParams({
    client_id: 'app_test',
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const answer = await fetch(`${inside}/oauth/authorize?${query}`)
  assert.equal(answer.status, 200)
  assert.match(
    answer.headers.getSetCookie().join('\n'),
    /^__Host-lk_tx_[\w-]{8}=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/,
  )
  assert.match(answer.headers.get('strict-transport-security') ?? '', /max-age/)
})
