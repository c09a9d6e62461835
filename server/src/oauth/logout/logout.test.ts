import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as oidc from 'openid-client'
import {
  arrive,
  discover,
  follow,
  type RegisteredApp,
  registerApp,
  signIn,
} from '../../../../test/harness/oauth-browser.ts'
import { Person, signedUp } from '../../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../../test/harness/server.ts'
import { hour, minute } from '../../platform/clock/clock.ts'

const landing = 'https://app.example/signed-out'
const fromElsewhere = { 'sec-fetch-site': 'cross-site' }

/** Somebody signed in at an app that may have people back after a sign-out. */
async function connected(server: TestServer, settings: object = {}) {
  const owner = await signedUp(server.origin)
  const user = await signedUp(server.origin)
  const app = await registerApp(owner.person, {
    post_logout_redirect_uris: [landing, `${landing}?of=two`],
    ...settings,
  })
  const config = await discover(server.origin, app)
  const tokens = await signIn(config, user.person)
  return { owner, ...user, app, config, tokens, hint: tokens.id_token ?? '' }
}

const endSession = (server: TestServer, parameters: Record<string, string>) =>
  `${server.origin}/oauth/logout?${new URLSearchParams(parameters)}`

const isSignedIn = async (person: Person) => (await person.get('/api/account')).status === 200

const code = (page: string) => /<code>([a-z_]+)<\/code>/.exec(page)?.[1]

/** Where the question stands, once the browser is back on our own site. */
const askedAt = async (person: Person, url: string): Promise<string> => {
  const where = await arrive(person, url)
  const tx = /^\/sign-out\?tx=([\w-]+)$/.exec(where)?.[1]
  assert.ok(tx, where)
  return `/api/oauth/logouts/${tx}`
}

type View = {
  client: { client_id: string; name: string; redirect_host: string | null } | null
  account: { name: string; email: string } | null
  other_account: boolean
}

for (const database of databases) {
  test(`openid-client signs a person out: no question, back at the app, everything of the browser ended (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, email, password, accountId, config, tokens, hint } = await connected(server)
    const phone = new Person(server.origin)
    await phone.expect(201, 'POST', '/api/sessions', { email, password })
    const onPhone = await signIn(config, phone)

    const url = oidc.buildEndSessionUrl(config, {
      id_token_hint: hint,
      post_logout_redirect_uri: landing,
      state: 'a b&c=ü',
    })
    assert.equal(url.origin + url.pathname, `${server.origin}/oauth/logout`)
    const sessionId = String(decodeJwt(hint).sid)
    assert.equal(await arrive(person, url), `${landing}?state=a%20b%26c%3D%C3%BC`)

    assert.equal(await isSignedIn(person), false)
    assert.equal(person.cookies.has('lk_session'), false)
    const judged = await server.oauth.verifier.verify(tokens.access_token)
    assert.deepEqual(judged, { ok: false, reason: 'revoked' })
    await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token ?? ''), {
      error: 'invalid_grant',
    })
    assert.ok(await isSignedIn(phone), 'another device stays')
    assert.ok((await server.oauth.verifier.verify(onPhone.access_token)).ok)

    const { query } = server.platform.database.tables<{
      sessions: { id: string; end_reason: string | null }
    }>()
    const row = query.selectFrom('sessions').select('end_reason').where('id', '=', sessionId)
    assert.equal((await row.executeTakeFirst())?.end_reason, 'signed_out_by_app')
    const [line] = await server.audit.list({ subjectId: sessionId, limit: 1 })
    assert.equal(line?.action, 'session.ended')
    assert.equal(line?.actor.kind === 'account' && line.actor.id, accountId)
    assert.equal(line?.detail?.reason, 'signed_out_by_app')
  })

  test(`without an ID token the person is asked, may stay, and is asked again (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, email, app } = await connected(server)
    const url = endSession(server, {
      client_id: app.client_id,
      post_logout_redirect_uri: `${landing}?of=two`,
      state: 'x',
    })
    const first = await askedAt(person, url)
    const view = await person.expect<View>(200, 'GET', first)
    assert.deepEqual(view.client, {
      client_id: app.client_id,
      name: 'Example App',
      redirect_host: 'app.example',
    })
    assert.equal(view.account?.email, email)
    assert.equal(view.other_account, false)
    const stayed = await person.expect(200, 'POST', `${first}/decision`, { decision: 'stay' })
    assert.deepEqual(stayed, { redirect_to: null })
    assert.ok(await isSignedIn(person))
    await person.expect(404, 'POST', `${first}/decision`, { decision: 'sign_out' })
    assert.ok(await isSignedIn(person), 'what was answered is not answered again')

    const second = await askedAt(person, url)
    const left = await person.expect<{ redirect_to: string }>(200, 'POST', `${second}/decision`, {
      decision: 'sign_out',
    })
    assert.equal(await isSignedIn(person), false)
    assert.equal(await follow(person, left.redirect_to), `${landing}?of=two&state=x`)
    assert.equal(await follow(person, left.redirect_to), '400', 'once')
  })

  test(`of fifty arrivals at once one goes on to the app (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, hint } = await connected(server)
    const url = endSession(server, { id_token_hint: hint, post_logout_redirect_uri: landing })
    const start = await person.get<string>(url, fromElsewhere)
    const target = /content="0;url=([^"]+)"/.exec(start.body)?.[1] ?? ''
    const answers = await Promise.all(Array.from({ length: 50 }, () => follow(person, target)))
    assert.equal(answers.filter((where) => where === landing).length, 1)
    assert.ok(answers.every((where) => where === landing || where === '400'))
  })

  test(`an ID token knows its sign-in through a new proof, and no later sign-in (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, email, password, config, tokens, hint } = await connected(server)
    const parameters = { id_token_hint: hint, post_logout_redirect_uri: landing }
    await person.expect(204, 'POST', '/api/sessions/current/prove', { password })
    // As many clients do before they send the browser.
    await oidc.tokenRevocation(config, tokens.refresh_token ?? '')
    assert.equal(await arrive(person, endSession(server, parameters)), landing)
    assert.equal(await isSignedIn(person), false)

    await person.expect(201, 'POST', '/api/sessions', { email, password })
    await askedAt(person, endSession(server, parameters))
    assert.ok(await isSignedIn(person), 'that sign-in was over')
  })
}

test('an expired ID token of either algorithm will do', async () => {
  await using server = await startServer()
  for (const alg of ['ES256', 'RS256']) {
    const { person, hint } = await connected(server, { id_token_signed_response_alg: alg })
    assert.equal(decodeProtectedHeader(hint).alg, alg)
    server.clock.advance(26 * hour)
    const parameters = { id_token_hint: hint, post_logout_redirect_uri: landing }
    assert.equal(await arrive(person, endSession(server, parameters)), landing)
    assert.equal(await isSignedIn(person), false)
  }
})

test('an ID token of somebody else, of another device or without an address to go to asks first', async () => {
  await using server = await startServer()
  const { person, email, password, config, hint } = await connected(server)
  const parameters = { id_token_hint: hint, post_logout_redirect_uri: landing }

  const { person: other } = await signedUp(server.origin)
  const asked = await askedAt(other, endSession(server, parameters))
  assert.equal((await other.expect<View>(200, 'GET', asked)).other_account, true)
  assert.ok(await isSignedIn(other))

  const phone = new Person(server.origin)
  await phone.expect(201, 'POST', '/api/sessions', { email, password })
  await askedAt(phone, endSession(server, parameters))
  assert.ok(await isSignedIn(phone))

  await askedAt(person, endSession(server, { id_token_hint: hint }))
  await askedAt(person, endSession(server, {}))
  assert.ok(await isSignedIn(person))
  assert.ok((await signIn(config, person)).access_token)
})

test('where nobody is signed in, the app is reached by an ID token, or by a press', async () => {
  await using server = await startServer()
  const { hint, app } = await connected(server)
  const nobody = new Person(server.origin)
  const go = { post_logout_redirect_uri: landing }
  assert.equal(await arrive(nobody, endSession(server, { id_token_hint: hint, ...go })), landing)
  const asked = await askedAt(nobody, endSession(server, { client_id: app.client_id, ...go }))
  assert.equal((await nobody.expect<View>(200, 'GET', asked)).account, null)
  const { redirect_to } = await nobody.expect<{ redirect_to: string }>(
    200,
    'POST',
    `${asked}/decision`,
    { decision: 'sign_out' },
  )
  assert.equal(await follow(nobody, redirect_to), landing)
})

test('what is not an ID token of ours is refused by name, and nobody is signed out or sent on', async () => {
  await using server = await startServer()
  const { person, config, tokens, hint, owner } = await connected(server)
  const other = await registerApp(owner.person, { name: 'Other' })
  const [head = '', body = '', tail = ''] = hint.split('.')
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const by = (text: string) =>
    `${text}.${sign('sha256', Buffer.from(text), { key: stranger, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  const header = decodeProtectedHeader(hint)
  const claims = decodeJwt(hint)
  const forged = {
    'not a token': 'x',
    'no signature': `${head}.${body}.`,
    'alg none': `${encode({ alg: 'none' })}.${body}.`,
    'another key under our kid': by(`${head}.${body}`),
    'an unknown kid': by(`${encode({ ...header, kid: 'x' })}.${body}`),
    'a key in the header': by(`${encode({ ...header, jwk: { kty: 'EC' } })}.${body}`),
    HS256: `${encode({ ...header, alg: 'HS256' })}.${body}.${tail}`,
    'other claims': `${head}.${encode({ ...claims, sub: 'acct_other' })}.${tail}`,
    'an access token': tokens.access_token,
    'a refresh token': tokens.refresh_token ?? '',
    'far too long': `${hint}${'x'.repeat(16_384)}`,
  }
  const refused = async (parameters: [string, string][] | Record<string, string>, why: string) => {
    // By POST: some of these are longer than any request line.
    const answer = await fetch(`${server.origin}/oauth/logout`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams(parameters),
    })
    const text = await answer.text()
    assert.equal(answer.status, 400, why)
    assert.equal(answer.headers.get('location'), null, why)
    assert.equal(answer.headers.getSetCookie().length, 0, why)
    return code(text)
  }
  const go = { post_logout_redirect_uri: landing }
  for (const [why, id_token_hint] of Object.entries(forged))
    assert.equal(await refused({ id_token_hint, ...go }, why), 'id_token_hint_invalid', why)
  const mixed = { id_token_hint: hint, client_id: other.client_id }
  assert.equal(await refused(mixed, 'another app'), 'client_id_mismatch')
  assert.equal(await refused({ client_id: 'app_none' }, 'no such app'), 'client_unknown')
  const twice: [string, string][] = [
    ['id_token_hint', hint],
    ['post_logout_redirect_uri', landing],
    ['post_logout_redirect_uri', 'https://evil.example/'],
  ]
  assert.equal(await refused(twice, 'twice'), 'repeated_parameter')
  assert.ok(await isSignedIn(person))
  assert.ok((await oidc.fetchUserInfo(config, tokens.access_token, String(claims.sub))).sub)
})

test('nobody is sent to an address that its app has not registered to the letter', async () => {
  await using server = await startServer()
  const { person, app, hint, owner } = await connected(server)
  const other = await registerApp(owner.person, {
    name: 'Other',
    post_logout_redirect_uris: ['https://other.example/'],
  })
  const addresses = [
    'https://evil.example/',
    'https://other.example/',
    `${landing}/`,
    `${landing}?`,
    `${landing}#x`,
    `${landing}?of=one`,
    landing.toUpperCase(),
    'HTTPS://app.example/signed-out',
    'https://app.example:443/signed-out',
    'https://app.example/signed-out/../x',
    'https://app.example/%73igned-out',
    'https://app.example@evil.example/signed-out',
    'https://app.example/callback',
    '//app.example/signed-out',
    '/\\evil.example',
    'javascript:alert(1)',
    ` ${landing}`,
    `${landing}\n`,
  ]
  for (const uri of addresses)
    for (const known of [{ id_token_hint: hint }, { client_id: app.client_id }]) {
      const url = endSession(server, { ...known, post_logout_redirect_uri: uri })
      const answer = await person.get<string>(url, fromElsewhere)
      assert.equal(answer.status, 400, uri)
      assert.equal(answer.headers.get('location'), null, uri)
      assert.equal(code(answer.body), 'post_logout_redirect_uri_unregistered', uri)
    }
  const nobody = await person.get<string>(
    endSession(server, { post_logout_redirect_uri: 'https://other.example/' }),
    fromElsewhere,
  )
  assert.equal(code(nobody.body), 'client_id_missing')
  assert.ok(await isSignedIn(person))
  const good = { client_id: other.client_id, post_logout_redirect_uri: 'https://other.example/' }
  await askedAt(person, endSession(server, good))
})

test('a request belongs to the browser that brought it, and ends after ten minutes', async () => {
  await using server = await startServer()
  const { person, hint } = await connected(server)
  const { person: stranger } = await signedUp(server.origin)
  const url = endSession(server, { id_token_hint: hint, post_logout_redirect_uri: landing })
  const start = await stranger.get<string>(url, fromElsewhere)
  const target = /content="0;url=([^"]+)"/.exec(start.body)?.[1] ?? ''
  const id = target.split('/').at(-1)
  assert.equal(await follow(person, target), '400', 'opened in a victim’s browser')
  await person.expect(404, 'GET', `/api/oauth/logouts/${id}`)
  await person.expect(404, 'GET', '/api/oauth/logouts/cut-short')
  await person.expect(404, 'POST', `/api/oauth/logouts/${id}/decision`, { decision: 'sign_out' })
  assert.ok(await isSignedIn(person))

  const own = await person.get<string>(url, fromElsewhere)
  const back = /content="0;url=([^"]+)"/.exec(own.body)?.[1] ?? ''
  const still = await person.get<string>(back, fromElsewhere)
  assert.equal(still.status, 200)
  assert.ok(still.body.includes(`href="${back}"`) && !still.body.includes('http-equiv'))
  assert.ok(await isSignedIn(person), 'a page of another site signs nobody out')
  server.clock.advance(10 * minute)
  assert.equal(await follow(person, back), '400')
  assert.ok(await isSignedIn(person))
})

test('a decision comes from our own page alone', async () => {
  await using server = await startServer()
  const { person, app } = await connected(server)
  const asked = await askedAt(person, endSession(server, { client_id: app.client_id }))
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    const body = { decision: 'sign_out' }
    const answer = await person.request('POST', `${asked}/decision`, { body, headers })
    assert.equal(answer.status, 403)
  }
  assert.ok(await isSignedIn(person))
  await person.expect(200, 'POST', `${asked}/decision`, { decision: 'sign_out' })
  assert.equal(await isSignedIn(person), false)
})

test('a form works like a link, anything else is refused', async () => {
  await using server = await startServer()
  const { hint } = await connected(server)
  const parameters = { id_token_hint: hint, post_logout_redirect_uri: landing }
  const post = (body: string, type: string) =>
    fetch(`${server.origin}/oauth/logout`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': type, origin: 'https://app.example', ...fromElsewhere },
      body,
    })
  const form = 'application/x-www-form-urlencoded'
  const good = await post(String(new URLSearchParams(parameters)), form)
  assert.equal(good.status, 200)
  assert.match(await good.text(), /content="0;url=\/oauth\/logout\/[\w-]{22}"/)
  assert.match(good.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  for (const [body, type] of [
    [JSON.stringify(parameters), 'application/json'],
    ['state=%00', form],
    [`state=${'x'.repeat(50_000)}`, form],
  ] as const) {
    const answer = await post(body, type)
    assert.ok(answer.status === 400 || answer.status === 413, `${answer.status}`)
    assert.match(answer.headers.get('content-type') ?? '', /^text\/html/)
    assert.equal(answer.headers.get('location'), null)
  }
})

test('the pages speak the first language of ui_locales that we know', async () => {
  await using server = await startServer()
  const { person, app } = await connected(server)
  const page = async (ui_locales: string) =>
    (await person.get<string>(endSession(server, { client_id: 'none', ui_locales }), fromElsewhere))
      .body
  assert.match(await page('fr-CA zh-Hans-CN en'), /lang="zh".*退出登录/s)
  assert.match(await page('de'), /lang="en"/)
  const url = endSession(server, { client_id: app.client_id, ui_locales: 'fr zh-CN' })
  assert.match(await arrive(person, url), /^\/sign-out\?tx=[\w-]{22}&ui_locales=zh$/)
})

test('addresses to go back to obey the rules of redirect URIs, in the API and in registration', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const create = (uris: string[]) =>
    person.request<{ errors?: { field: string; code: string }[] }>('POST', '/api/apps', {
      body: {
        name: 'App',
        redirect_uris: ['https://app.example/cb'],
        post_logout_redirect_uris: uris,
      },
    })
  const refused = await create([landing, 'http://app.example/', 'https://*.app.example/', 'x'])
  assert.equal(refused.status, 400)
  assert.deepEqual(
    refused.body.errors?.map(({ field, code: reason }) => [field, reason]),
    [
      ['post_logout_redirect_uris.1', 'plain_http'],
      ['post_logout_redirect_uris.2', 'wildcard'],
      ['post_logout_redirect_uris.3', 'malformed'],
    ],
  )
  const app = await person.expect<RegisteredApp & { post_logout_redirect_uris: string[] }>(
    201,
    'POST',
    '/api/apps',
    { name: 'App', redirect_uris: ['https://app.example/cb'] },
  )
  assert.deepEqual(app.post_logout_redirect_uris, [])
  const changed = await person.expect<typeof app>(200, 'PATCH', `/api/apps/${app.client_id}`, {
    post_logout_redirect_uris: [landing, landing],
  })
  assert.deepEqual(changed.post_logout_redirect_uris, [landing])

  const register = async (uris: string[]) => {
    const answer = await fetch(`${server.origin}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: ['https://app.example/cb'],
        post_logout_redirect_uris: uris,
      }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const good = await register([landing])
  assert.equal(good.status, 201)
  assert.deepEqual(good.body.post_logout_redirect_uris, [landing])
  const bad = await register(['javascript:alert(1)'])
  assert.equal(bad.status, 400)
  assert.equal(bad.body.error, 'invalid_client_metadata')
  assert.equal(bad.body.error_description, 'post_logout_redirect_uris: scheme_refused')

  const metadata = await fetch(`${server.origin}/.well-known/openid-configuration`)
  const { end_session_endpoint } = (await metadata.json()) as Record<string, unknown>
  assert.equal(end_session_endpoint, `${server.origin}/oauth/logout`)
})
