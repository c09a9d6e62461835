import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import * as oidc from 'openid-client'
import { buildInternet } from '../../../../test/harness/internet.ts'
import {
  authorize,
  callback,
  follow,
  type RegisteredApp,
  registerApp,
} from '../../../../test/harness/oauth-browser.ts'
import { Person, signedUp } from '../../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../../test/harness/server.ts'
import { minute } from '../../platform/clock/clock.ts'

type Inspection = { redirect_uri: string; expires_at: string; client_secret?: string }

const open = (person: Person, app: RegisteredApp, temporary_secret = false) =>
  person.expect<Inspection>(201, 'POST', `/api/apps/${app.client_id}/inspection`, {
    temporary_secret,
  })

const pageOf = (server: TestServer, app: RegisteredApp) =>
  `${server.origin}/apps/${app.client_id}/inspector/callback`

async function request(server: TestServer, app: RegisteredApp, fields: object = {}) {
  const verifier = oidc.randomPKCECodeVerifier()
  const url = new URL('/oauth/authorize', server.origin)
  url.search = String(
    new URLSearchParams({
      client_id: app.client_id,
      redirect_uri: pageOf(server, app),
      response_type: 'code',
      scope: 'models:read',
      state: 'of-the-inspector',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...fields,
    }),
  )
  return { url, verifier }
}

async function token(server: TestServer, app: RegisteredApp, form: Record<string, string>) {
  const secret = app.client_secret
  const response = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    headers: secret
      ? { authorization: `Basic ${Buffer.from(`${app.client_id}:${secret}`).toString('base64')}` }
      : {},
    body: new URLSearchParams({ ...(secret ? {} : { client_id: app.client_id }), ...form }),
  })
  return {
    status: response.status,
    body: (await response.json()) as { access_token?: string; error?: string },
  }
}

/** Where a browser of this person ends: the address, or the status of a page of ours. */
async function endOf(person: Person, url: URL): Promise<string> {
  const start = await person.get(String(url), { 'sec-fetch-site': 'same-origin' })
  return start.status === 303
    ? follow(person, start.headers.get('location') ?? '')
    : `${start.status}`
}

for (const database of databases) {
  test(`an owner who has the inspector open gets a code there and redeems it with the lent secret (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const app = await registerApp(person)
    const inspection = await open(person, app, true)
    assert.equal(inspection.redirect_uri, pageOf(server, app))
    const { url, verifier } = await request(server, app)
    const back = await authorize(person, url)
    assert.equal(back.origin + back.pathname, inspection.redirect_uri)
    const redeemed = await token(
      server,
      { ...app, client_secret: inspection.client_secret ?? '' },
      {
        grant_type: 'authorization_code',
        code: back.searchParams.get('code') ?? '',
        code_verifier: verifier,
        redirect_uri: inspection.redirect_uri,
      },
    )
    assert.equal(redeemed.status, 200, JSON.stringify(redeemed.body))
    assert.ok((await server.oauth.verifier.verify(redeemed.body.access_token ?? '')).ok)
  })

  test(`a lent secret ends with its inspection, and no other secret does (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const app = await registerApp(person, { redirect_uris: [] })
    const works = async (client_secret = '') =>
      (await token(server, { ...app, client_secret }, { grant_type: 'client_credentials' }))
        .status === 200
    const path = `/api/apps/${app.client_id}`
    const listed = async () =>
      (await person.expect<{ secrets: { temporary: boolean }[] }>(200, 'GET', path)).secrets.map(
        ({ temporary }) => temporary,
      )

    const first = await open(person, app, true)
    assert.ok(await works(first.client_secret))
    assert.deepEqual((await listed()).sort(), [false, true])
    const second = await open(person, app, true)
    assert.ok(!(await works(first.client_secret)), 'opening anew ends the one before')
    await person.expect(204, 'DELETE', `${path}/inspection`)
    assert.ok(!(await works(second.client_secret)))
    assert.deepEqual(await listed(), [false])
    await person.expect(204, 'DELETE', `${path}/inspection`)

    const third = await open(person, app, true)
    server.clock.advance(30 * minute)
    assert.ok(!(await works(third.client_secret)), 'and left alone it ends by itself')
    assert.deepEqual(await listed(), [false])
    assert.ok(await works(app.client_secret))
    const lines = await server.audit.list({ subjectId: app.client_id, limit: 10 })
    assert.equal(lines.filter(({ action }) => action === 'app.inspection_opened').length, 3)
    assert.ok(!JSON.stringify(lines).includes(third.client_secret ?? '-'))
    assert.ok(!server.logLines.some((line) => line.includes(third.client_secret ?? '-')))
  })

  test(`nobody but who opened the inspector is ever sent to it (${database})`, async () => {
    await using server = await startServer({ database })
    const { person: owner, email, password } = await signedUp(server.origin)
    const app = await registerApp(owner)
    const { url } = await request(server, app)
    const refused = async (who: Person) => assert.equal(await endOf(who, url), '403')

    await refused(owner) // who has not opened it
    await open(owner, app)
    const { person: victim } = await signedUp(server.origin)
    await refused(victim)
    const elsewhere = new Person(server.origin)
    await elsewhere.expect(201, 'POST', '/api/sessions', { email, password })
    await refused(elsewhere) // the owner at another device
    assert.match(await endOf(owner, url), /^\/consent/)

    const other = await registerApp(owner, { name: 'Another' })
    assert.equal(await endOf(owner, (await request(server, other)).url), '403')
    server.clock.advance(30 * minute)
    await refused(owner)
    await open(owner, app)
    await owner.expect(204, 'DELETE', `/api/apps/${app.client_id}/inspection`)
    await refused(owner)
  })
}

test('consent given while the inspector was open does not carry a code there after it was closed', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person)
  await open(person, app)
  const where = await endOf(person, (await request(server, app)).url)
  const tx = where.replace('/consent?tx=', '')
  const decided = await person.expect<{ redirect_to: string }>(
    200,
    'POST',
    `/api/oauth/transactions/${tx}/decision`,
    { decision: 'allow' },
  )
  await person.expect(204, 'DELETE', `/api/apps/${app.client_id}/inspection`)
  assert.equal(await follow(person, decided.redirect_to), '403')
})

test('an open inspector makes no other address acceptable, and changes nothing for the app', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { legacy_confidential: true })
  const other = await registerApp(person)
  await open(person, app)
  await open(person, other)
  const page = pageOf(server, app)
  for (const redirect_uri of [
    pageOf(server, other),
    `${page}/`,
    `${page}?x=1`,
    `${page}/..`,
    `${page}%2f`,
    page.replace('callback', 'CALLBACK'),
    page.replace('localhost', '127.0.0.1'),
    page.replace(/:\d+/, ':1'),
    page.replace('http:', 'https:'),
    page.replace('/apps', '//apps'),
    `${server.origin}/apps`,
    `${server.origin}/`,
    `${callback}/`,
  ])
    assert.equal(await endOf(person, (await request(server, app, { redirect_uri })).url), '400')
  // RFC 6749 section 3.1.2.3: there still is one registered address, so it may be left out.
  const bare = new URLSearchParams({
    client_id: app.client_id,
    response_type: 'code',
    scope: 'models:read',
  })
  const back = await authorize(person, `${server.origin}/oauth/authorize?${bare}`)
  assert.equal(back.origin + back.pathname, callback)
  const code = back.searchParams.get('code') ?? ''
  const redeemed = await token(server, app, { grant_type: 'authorization_code', code })
  assert.equal(redeemed.status, 200)
})

test('a client that registered itself has no inspector', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const registered = await fetch(`${server.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [callback], scope: 'models:read' }),
  })
  assert.equal(registered.status, 201)
  const app = (await registered.json()) as RegisteredApp
  await person.expect(404, 'POST', `/api/apps/${app.client_id}/inspection`, {})
  assert.equal(await endOf(person, (await request(server, app)).url), '400')
})

test('the inspector is opened by those who may change the app, and a public client is lent no secret', async () => {
  await using server = await startServer()
  const owner = await signedUp(server.origin)
  const app = await registerApp(owner.person)
  const path = `/api/apps/${app.client_id}/inspection`
  const stranger = await signedUp(server.origin)
  await stranger.person.expect(404, 'POST', path, { temporary_secret: true })
  await stranger.person.expect(404, 'DELETE', path)
  await new Person(server.origin).expect(401, 'POST', path, {})

  type Memberships = {
    memberships: { organization_id: string; account_id: string; role: string; created_at: number }
  }
  const { query } = server.platform.database.tables<Memberships>()
  const theirs = await query
    .selectFrom('memberships')
    .selectAll()
    .where('account_id', '=', owner.accountId)
    .executeTakeFirstOrThrow()
  await query
    .insertInto('memberships')
    .values({ ...theirs, account_id: stranger.accountId, role: 'member' })
    .execute()
  await stranger.person.expect(200, 'GET', `/api/apps/${app.client_id}`)
  const refused = await stranger.person.expect<{ code: string }>(403, 'POST', path, {})
  assert.equal(refused.code, 'role_insufficient')

  const native = await registerApp(owner.person, {
    application_type: 'native',
    token_endpoint_auth_method: 'none',
  })
  const none = `/api/apps/${native.client_id}/inspection`
  const answer = await owner.person.expect<{ code: string }>(409, 'POST', none, {
    temporary_secret: true,
  })
  assert.equal(answer.code, 'public_client')
  assert.equal((await open(owner.person, native)).client_secret, undefined)
})

const newPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid })
const programWith = (keys: object) => ({
  redirect_uris: [],
  grant_types: ['client_credentials'],
  scope: 'models:read',
  token_endpoint_auth_method: 'private_key_jwt',
  ...keys,
})

/** Whether a program proves itself by this key. */
async function proves(server: TestServer, app: RegisteredApp, key: KeyObject, kid: string) {
  const id = app.client_id
  const client_assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer(id)
    .setSubject(id)
    .setAudience(server.origin)
    .setExpirationTime('60s')
    .sign(key)
  const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  const form = { grant_type: 'client_credentials', client_assertion, client_assertion_type }
  const { status } = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  assert.ok(status === 200 || status === 401, `${status}`)
  return status === 200
}

const lend = (person: Person, app: RegisteredApp, temporary_key: object) =>
  person.expect<Inspection>(201, 'POST', `/api/apps/${app.client_id}/inspection`, { temporary_key })

for (const database of databases)
  test(`a lent key counts beside the app's own for its test alone, whichever way those are registered (${database})`, async () => {
    await using internet = await buildInternet('app.example.test')
    await using server = await startServer({ database, outbound: internet.edges })
    const { person } = await signedUp(server.origin)
    const own = newPair()
    internet.serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ keys: [jwkOf(own.publicKey, 'own')] }))
    })
    for (const keys of [
      { jwks: { keys: [jwkOf(own.publicKey, 'own')] } },
      { jwks_uri: 'https://app.example.test/jwks' },
    ]) {
      const app = await registerApp(person, programWith(keys))
      const other = await registerApp(person, programWith(keys))
      const [first, second] = [newPair(), newPair()]
      const works = (pair = first) => proves(server, app, pair.privateKey, 'lent')
      assert.ok(!(await works()))

      const inspection = await lend(person, app, jwkOf(first.publicKey, 'lent'))
      assert.equal(inspection.client_secret, undefined)
      assert.ok(await works())
      assert.ok(await proves(server, app, own.privateKey, 'own'), 'the app itself goes on')
      assert.ok(!(await proves(server, other, first.privateKey, 'lent')), 'for this app alone')
      const { jwks } = await person.expect<{ jwks: { keys: object[] } | null }>(
        200,
        'GET',
        `/api/apps/${app.client_id}`,
      )
      assert.ok(!JSON.stringify(jwks).includes('lent'), 'it is no setting')

      await lend(person, app, jwkOf(second.publicKey, 'lent'))
      assert.deepEqual([await works(first), await works(second)], [false, true])
      await person.expect(204, 'DELETE', `/api/apps/${app.client_id}/inspection`)
      assert.ok(!(await works(second)))
      await lend(person, app, jwkOf(first.publicKey, 'lent'))
      server.clock.advance(30 * minute)
      assert.ok(!(await works()), 'and left alone it ends by itself')
      assert.ok(await proves(server, app, own.privateKey, 'own'))
      const lines = await server.audit.list({ subjectId: app.client_id, limit: 10 })
      assert.equal(lines.filter(({ detail }) => detail?.key_lent === true).length, 3)
    }
    assert.ok(
      internet.requests.every(({ url }) => url === '/jwks'),
      'nothing of it travels',
    )
  })

test('a lent key is a public one that is good enough, for an app that proves itself by keys', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const { publicKey, privateKey } = newPair()
  const byKey = await registerApp(
    person,
    programWith({ jwks: { keys: [jwkOf(publicKey, 'own')] } }),
  )
  const bySecret = await registerApp(person)
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  for (const [app, key, code] of [
    [byKey, jwkOf(privateKey, 'x'), 'private_key'],
    [byKey, jwkOf(weak, 'x'), 'key_unusable'],
    [byKey, { kty: 'oct', k: 'c2VjcmV0' }, 'private_key'],
    [byKey, {}, 'key_unusable'],
    [bySecret, jwkOf(publicKey, 'x'), 'not_by_key'],
  ] as const) {
    const path = `/api/apps/${app.client_id}/inspection`
    const answer = await person.expect<{ errors: { field: string; code: string }[] }>(
      400,
      'POST',
      path,
      { temporary_key: key },
    )
    assert.deepEqual(
      answer.errors.map((error) => [error.field, error.code]),
      [['temporary_key', code]],
    )
  }
  const { person: stranger } = await signedUp(server.origin)
  const path = `/api/apps/${byKey.client_id}/inspection`
  await stranger.expect(404, 'POST', path, { temporary_key: jwkOf(publicKey, 'x') })
})

test('of an app’s own page in the inspector the browser comes back from signing out, and of no other', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const [app, other] = [await registerApp(person), await registerApp(person)]
  const end = async (page: string) => {
    const url = new URL('/oauth/logout', server.origin)
    url.search = String(
      new URLSearchParams({ client_id: app.client_id, post_logout_redirect_uri: page }),
    )
    return endOf(person, url)
  }
  assert.match(await end(pageOf(server, app)), /^\/oauth\/logout\/|^\/sign-out/)
  for (const page of [pageOf(server, other), `${pageOf(server, app)}?x=1`, `${server.origin}/`])
    assert.equal(await end(page), '400', page)
})
