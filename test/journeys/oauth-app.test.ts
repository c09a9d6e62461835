import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import * as oidc from 'openid-client'
import { hello, openai } from '../harness/journey.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { databases, startServer, type TestServer } from '../harness/server.ts'

const redirectUri = 'https://app.example.com/callback'

/** Registers an app and returns what a standard client needs to speak for it. */
async function registeredApp(server: TestServer, owner: Person) {
  const app = await owner.expect<{ client_id: string; client_secret: string }>(
    201,
    'POST',
    '/api/apps',
    { name: 'Notebook', redirect_uris: [redirectUri] },
  )
  const config = await oidc.discovery(
    new URL(server.origin),
    app.client_id,
    app.client_secret,
    undefined,
    { execute: [oidc.allowInsecureRequests] },
  )
  return { ...app, config }
}

async function authorizationUrl(config: oidc.Configuration, scope: string) {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    prompt: 'consent',
  })
  return { url, checks: { pkceCodeVerifier: verifier, expectedState: state } }
}

/** Follows what a browser would: our bounce page and our own redirects, up to a page or the client. */
async function follow(person: Person, start: URL): Promise<URL> {
  let at = start
  for (let step = 0; step < 8; step++) {
    const { status, headers, body } = await person.get<string>(at.pathname + at.search)
    const target =
      status === 200
        ? /http-equiv="?refresh"?[^>]*url=([^"'>\s]+)/i.exec(body)?.[1]?.replaceAll('&amp;', '&')
        : headers.get('location')
    if (!target) return at
    const next = new URL(target, at)
    if (next.origin !== start.origin) return next
    if (/^\/(sign-in|consent)$/.test(next.pathname)) return next
    at = next
  }
  assert.fail(`no end of redirects from ${start.pathname}`)
}

async function allow(person: Person, consentPage: URL): Promise<URL> {
  assert.equal(consentPage.pathname, '/consent')
  const id = consentPage.searchParams.get('tx')
  const view = await person.expect<{ client: { name: string; redirect_host: string } }>(
    200,
    'GET',
    `/api/oauth/transactions/${id}`,
  )
  assert.deepEqual([view.client.name, view.client.redirect_host], ['Notebook', 'app.example.com'])
  const { redirect_to } = await person.expect<{ redirect_to: string }>(
    200,
    'POST',
    `/api/oauth/transactions/${id}/decision`,
    { decision: 'allow' },
  )
  return follow(person, new URL(redirect_to, consentPage))
}

for (const database of databases)
  test(`an app sends the person to us, gets tokens and calls the model (${database})`, async () => {
    await using server = await startServer({ database })
    const { person: owner } = await signedUp(server.origin)
    const app = await registeredApp(server, owner)
    const { person, email } = await signedUp(server.origin, { name: 'Uma User' })

    const full = await authorizationUrl(app.config, 'openid email offline_access chat:write')
    const callback = await allow(person, await follow(person, full.url))
    assert.equal(callback.origin + callback.pathname, redirectUri)
    const tokens = await oidc.authorizationCodeGrant(app.config, callback, full.checks)
    assert.ok(tokens.refresh_token)
    const claims = tokens.claims()
    assert.ok(claims)
    const info = await oidc.fetchUserInfo(app.config, tokens.access_token, claims.sub)
    assert.equal(info.email, email)

    const completion = await openai(server, tokens.access_token).chat.completions.create(hello)
    assert.match(completion.choices[0]?.message.content ?? '', /demo/i)

    const renewed = await oidc.refreshTokenGrant(app.config, tokens.refresh_token)
    assert.notEqual(renewed.refresh_token, tokens.refresh_token)
    await openai(server, renewed.access_token).chat.completions.create(hello)

    const narrow = await authorizationUrl(app.config, 'openid models:read')
    const narrowCallback = await allow(person, await follow(person, narrow.url))
    const reading = await oidc.authorizationCodeGrant(app.config, narrowCallback, narrow.checks)
    await openai(server, reading.access_token).models.list()
    await assert.rejects(
      openai(server, reading.access_token).chat.completions.create(hello),
      (error: unknown) =>
        error instanceof OpenAI.PermissionDeniedError &&
        error.code === 'insufficient_scope' &&
        /chat:write/.test(error.message) &&
        /scope="chat:write"/.test(error.headers.get('www-authenticate') ?? ''),
    )

    // The person takes it back: both tokens end.
    const { items } = await person.expect<{ items: { id: string; client: { name: string } }[] }>(
      200,
      'GET',
      '/api/grants',
    )
    assert.ok(items.length > 0 && items.every((grant) => grant.client.name === 'Notebook'))
    for (const grant of items) await person.expect(204, 'DELETE', `/api/grants/${grant.id}`)
    await assert.rejects(
      openai(server, renewed.access_token).chat.completions.create(hello),
      OpenAI.AuthenticationError,
    )
    await assert.rejects(oidc.refreshTokenGrant(app.config, renewed.refresh_token ?? ''), {
      error: 'invalid_grant',
    })
  })

for (const database of databases)
  test(`signed out, the person is sent to sign in first; denying tells the app (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, email, password } = await signedUp(server.origin)
    const app = await registeredApp(server, person)
    await person.expect(204, 'DELETE', '/api/sessions/current')
    const { url } = await authorizationUrl(app.config, 'openid chat:write')
    const page = await follow(person, url)
    assert.equal(page.pathname, '/sign-in')
    const id = page.searchParams.get('tx') ?? ''
    await person.expect(201, 'POST', '/api/sessions', { email, password })
    const consent = await follow(person, new URL(`/oauth/tx/${id}`, server.origin))
    assert.equal(consent.pathname, '/consent')
    const { redirect_to } = await person.expect<{ redirect_to: string }>(
      200,
      'POST',
      `/api/oauth/transactions/${id}/decision`,
      { decision: 'deny' },
    )
    const back = await follow(person, new URL(redirect_to, server.origin))
    assert.equal(back.searchParams.get('error'), 'access_denied')
    assert.equal(back.searchParams.get('iss'), server.origin)
  })
