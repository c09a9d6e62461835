import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import * as oidc from 'openid-client'
import {
  attempt,
  authorize,
  callback,
  discover,
  type RegisteredApp,
  registerApp,
  signIn,
} from '../../../test/harness/oauth-browser.ts'
import { type Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'

type TokenAnswer = {
  status: number
  body: {
    access_token?: string
    refresh_token?: string
    error?: string
    reason?: string
    help?: string
  }
}

/** A token request as a client writes it by hand. */
async function post(
  server: TestServer,
  app: RegisteredApp,
  form: Record<string, string>,
  path = '/oauth/token',
): Promise<TokenAnswer> {
  const response = await fetch(server.origin + path, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: app.client_id,
      ...(app.client_secret ? { client_secret: app.client_secret } : {}),
      ...form,
    }),
  })
  assert.equal(response.headers.get('cache-control'), 'no-store')
  return { status: response.status, body: (await response.json()) as TokenAnswer['body'] }
}

async function codeFor(server: TestServer, person: Person, app: RegisteredApp) {
  const config = await discover(server.origin, app)
  const started = await attempt(config)
  const back = await authorize(person, started.url)
  const code = back.searchParams.get('code') ?? ''
  assert.notEqual(code, '')
  return {
    form: {
      grant_type: 'authorization_code',
      code,
      redirect_uri: callback,
      code_verifier: started.verifier,
    },
    verifier: started.verifier,
  }
}

for (const database of databases) {
  test(`of 50 simultaneous redemptions of one code exactly one succeeds (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const app = await registerApp(person)
    const { form } = await codeFor(server, person, app)
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(server, app, form)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    for (const { status, body } of answers.filter((answer) => answer.status !== 200)) {
      assert.equal(status, 400)
      assert.equal(body.error, 'invalid_grant')
    }
  })

  test(`a code presented twice ends what it had issued (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const app = await registerApp(person)
    const { form } = await codeFor(server, person, app)
    const first = await post(server, app, form)
    assert.equal(first.status, 200)
    const token = first.body.access_token ?? ''
    assert.ok((await server.oauth.verifier.verify(token)).ok)
    const second = await post(server, app, form)
    assert.deepEqual([second.status, second.body.error], [400, 'invalid_grant'])
    assert.equal(second.body.reason, 'reused')
    assert.deepEqual(await server.oauth.verifier.verify(token), { ok: false, reason: 'revoked' })
    const refreshed = await post(server, app, {
      grant_type: 'refresh_token',
      refresh_token: first.body.refresh_token ?? '',
    })
    assert.equal(refreshed.body.error, 'invalid_grant')
  })

  test(`a code is bound to its client, redirect URI and verifier, and lives a minute (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const app = await registerApp(person)
    const other = await registerApp(person, { name: 'Other' })
    const { form } = await codeFor(server, person, app)
    const verifier = oidc.randomPKCECodeVerifier()
    const wrong: [RegisteredApp, Record<string, string>][] = [
      [other, form],
      [app, { ...form, redirect_uri: `${callback}/` }],
      [app, { ...form, redirect_uri: 'https://evil.example/cb' }],
      [app, { ...form, code_verifier: verifier }],
      [app, { ...form, code_verifier: 'short' }],
      [app, { ...form, code_verifier: '' }],
      [app, { ...form, code: `${form.code}x` }],
    ]
    for (const [client, fields] of wrong) {
      const { status, body } = await post(server, client, fields)
      assert.equal(status, 400, JSON.stringify(fields))
      assert.ok(['invalid_grant', 'invalid_request'].includes(body.error ?? ''))
    }
    const { code_verifier: _, ...bare } = form
    assert.equal((await post(server, app, bare)).body.error, 'invalid_grant')
    server.clock.advance(61_000)
    const late = await post(server, app, form)
    assert.deepEqual([late.body.error, late.body.reason], ['invalid_grant', 'expired'])
  })
}

test('PKCE with S256 is asked of everyone', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const apps = [
    await registerApp(person),
    await registerApp(person, { token_endpoint_auth_method: 'none' }),
    await registerApp(person, { token_endpoint_auth_method: 'client_secret_post' }),
  ]
  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
  const refused: Record<string, string>[] = [
    {},
    { code_challenge: challenge },
    { code_challenge: challenge, code_challenge_method: 'plain' },
    { code_challenge: challenge, code_challenge_method: 's256' },
    { code_challenge: challenge, code_challenge_method: 'S512' },
    { code_challenge_method: 'S256' },
    { code_challenge: 'short', code_challenge_method: 'S256' },
    { code_challenge: `${challenge.slice(1)}!`, code_challenge_method: 'S256' },
    { code_challenge: 'a'.repeat(129), code_challenge_method: 'S256' },
  ]
  for (const app of apps)
    for (const parameters of refused) {
      const query = new URLSearchParams({
        client_id: app.client_id,
        redirect_uri: callback,
        response_type: 'code',
        scope: 'models:read',
        state: 's',
        ...parameters,
      })
      const answer = await person.get(`/oauth/authorize?${query}`)
      assert.equal(answer.status, 303, JSON.stringify(parameters))
      const back = new URL(answer.headers.get('location') ?? '')
      assert.equal(back.searchParams.get('error'), 'invalid_request')
      assert.equal(back.searchParams.get('iss'), server.origin)
    }
})

test('a legacy confidential client needs neither PKCE nor redirect_uri; a verifier out of nowhere is refused', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { legacy_confidential: true })
  const go = async () => {
    const query = new URLSearchParams({
      client_id: app.client_id,
      response_type: 'code',
      scope: 'models:read',
    })
    const back = await authorize(person, `${server.origin}/oauth/authorize?${query}`)
    return { grant_type: 'authorization_code', code: back.searchParams.get('code') ?? '' }
  }
  const plain = await post(server, app, await go(), '/v1/oauth/token')
  assert.equal(plain.status, 200)
  assert.ok(plain.body.access_token)
  const downgraded = await post(server, app, {
    ...(await go()),
    code_verifier: oidc.randomPKCECodeVerifier(),
  })
  assert.equal(downgraded.body.error, 'invalid_grant')
  const problem = await person.post<{ errors: { field: string; code: string }[] }>('/api/apps', {
    name: 'Public',
    redirect_uris: [callback],
    token_endpoint_auth_method: 'none',
    legacy_confidential: true,
  })
  assert.equal(problem.status, 400)
  assert.deepEqual(
    problem.body.errors.map(({ field, code }) => [field, code]),
    [['legacy_confidential', 'secret_required']],
  )
})

test('a client authenticates with its own living secret, and with nothing else', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { grant_types: ['client_credentials'], redirect_uris: [] })
  const form = { grant_type: 'client_credentials', scope: 'models:read' }
  const secret = app.client_secret ?? ''
  assert.equal((await post(server, app, form)).status, 200)
  for (const wrong of ['', 'x', `${secret}x`, secret.slice(0, -1), 'compared-by-digest']) {
    const { status, body } = await post(server, { ...app, client_secret: wrong }, form)
    assert.ok(status === 401 || status === 400, `${status}`)
    assert.ok(['invalid_client', 'invalid_request'].includes(body.error ?? ''), wrong)
  }
  const path = `/api/apps/${app.client_id}/secrets`
  const rotated = await person.expect<RegisteredApp>(200, 'POST', path, { overlap_seconds: 60 })
  assert.equal((await post(server, rotated, form)).status, 200)
  assert.equal((await post(server, app, form)).status, 200)
  server.clock.advance(61_000)
  assert.equal((await post(server, app, form)).status, 401)
  assert.equal((await post(server, rotated, form)).status, 200)
  await person.expect(204, 'DELETE', `/api/apps/${app.client_id}`)
  assert.equal((await post(server, rotated, form)).status, 401)
})

test('an app alone gets scopes of the resource: those it names, all of its own, or a refusal', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, {
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: 'openid profile models:read chat:write',
  })
  const answered = async (scope: string) =>
    (await post(server, app, { grant_type: 'client_credentials', scope })).body
  const ask = async (scope: string) => ((await answered(scope)) as { scope?: string }).scope
  assert.equal(await ask('models:read'), 'models:read')
  assert.equal(await ask('openid models:read'), 'models:read')
  assert.equal(await ask(''), 'models:read chat:write')
  for (const scope of ['openid', 'openid profile', 'keys:manage', 'models:read made:up'])
    assert.equal((await answered(scope)).error, 'invalid_scope', scope)
})

test('a client that asks for RS256 gets ID tokens signed so, and access tokens as ever', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { id_token_signed_response_alg: 'RS256' })
  const config = await discover(server.origin, app)
  const tokens = await signIn(config, person)
  assert.equal(decodeProtectedHeader(tokens.id_token ?? '').alg, 'RS256')
  assert.equal(decodeProtectedHeader(tokens.access_token).alg, 'ES256')
})

test('an app and a grant know when they were last used', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person)
  type Used = { last_used_at: string | null }
  const read = () => person.expect<Used>(200, 'GET', `/api/apps/${app.client_id}`)
  assert.equal((await read()).last_used_at, null)
  const config = await discover(server.origin, app)
  const tokens = await signIn(config, person)
  const first = (await read()).last_used_at
  assert.ok(first)
  server.clock.advance(120_000)
  await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
  assert.ok(String((await read()).last_used_at) > first)
  const { items } = await person.expect<{ items: Used[] }>(200, 'GET', '/api/grants')
  assert.ok(String(items[0]?.last_used_at) > first)
})
