import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  arrive,
  attempt,
  authorize,
  callback,
  discover,
  follow,
  redeem,
  registerApp,
} from '../harness/oauth-browser.ts'
import { Person, signedUp } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

const txOf = (path: string) => /^\/consent\?tx=(.+)$/.exec(path)?.[1]
const other = 'https://other-host.example/callback'

for (const database of databases) {
  test(`a yes counts for that client, person, redirect host and those scopes alone (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const { person: stranger } = await signedUp(server.origin)
    const redirects = { redirect_uris: [callback, other] }
    const app = await registerApp(person, redirects)
    const twin = await registerApp(person, redirects) // the same name, the same addresses
    const config = await discover(server.origin, app)
    const scope = 'openid chat:write'
    await authorize(person, (await attempt(config, { scope })).url)

    const asks = async (who: Person, parameters: Record<string, string>, client = config) =>
      txOf(await arrive(who, (await attempt(client, { scope, ...parameters })).url)) !== undefined
    assert.equal(await asks(person, {}), false, 'allowed before')
    assert.equal(await asks(person, { scope: 'openid' }), false, 'less than was allowed')
    assert.equal(await asks(person, {}, await discover(server.origin, twin)), true)
    assert.equal(await asks(person, { redirect_uri: other }), true)
    assert.equal(await asks(person, { scope: `${scope} models:read` }), true)
    assert.equal(await asks(stranger, {}), true)
    assert.equal(await asks(person, { prompt: 'consent' }), true)
    const { items } = await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/grants')
    await person.expect(204, 'DELETE', `/api/grants/${items[0]?.id}`)
    assert.equal(await asks(person, {}), true, 'taken back')
  })

  test(`a yes is given once, and not by sending an old one again (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const config = await discover(server.origin, await registerApp(person))
    const first = txOf(await arrive(person, (await attempt(config)).url))
    const yes = (tx?: string) =>
      person.request('POST', `/api/oauth/transactions/${tx}/decision`, {
        body: { decision: 'allow' },
      })
    assert.equal((await yes(first)).status, 200)
    await follow(person, `/oauth/tx/${first}`)
    assert.equal((await yes(first)).status, 404)
    assert.equal(await follow(person, `/oauth/tx/${first}`), '400')
    const second = txOf(
      await arrive(person, (await attempt(config, { scope: 'openid keys:manage' })).url),
    )
    assert.equal(second, undefined, 'what the app may not have is refused, not asked')
  })
}

test('nothing sent with a later step changes what was asked at the first', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { redirect_uris: [callback, other] })
  const config = await discover(server.origin, app)
  const started = await attempt(config, { scope: 'openid' })
  const tx = txOf(await arrive(person, started.url))
  assert.ok(tx)
  const smuggled = new URLSearchParams({
    redirect_uri: other,
    scope: 'openid chat:write',
    state: 'of-somebody-else',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    client_id: 'app_other',
    prompt: 'none',
  })
  assert.equal(txOf(await follow(person, `/oauth/tx/${tx}?${smuggled}`)), tx)
  const decision = `/api/oauth/transactions/${tx}/decision`
  for (const extra of [
    { scope: 'chat:write' },
    { scopes: ['chat:write'] },
    { redirect_uri: other },
  ])
    await person.expect(400, 'POST', decision, { decision: 'allow', ...extra })
  await person.expect(200, 'POST', decision, { decision: 'allow' })
  const back = new URL(await follow(person, `/oauth/tx/${tx}?${smuggled}`))
  assert.equal(back.origin + back.pathname, callback)
  assert.equal(back.searchParams.get('state'), started.state)
  const { items } = await person.expect<{ items: { scopes: string[] }[] }>(
    200,
    'GET',
    '/api/grants',
  )
  assert.deepEqual(items[0]?.scopes, ['openid', 'offline_access'])
})

test('who will stay connected is told so, asked for or not, and is asked again when an app begins to', async () => {
  await using server = await startServer()
  const { person: owner } = await signedUp(server.origin)
  const { person } = await signedUp(server.origin)
  const app = await registerApp(owner, { grant_types: ['authorization_code'] })
  const config = await discover(server.origin, app)
  type Asked = { scopes: { name: string; title: string; description: string }[] }
  /** The lines of the page, or where the browser was sent without one. */
  const asked = async (scope: string, language = 'en') => {
    const where = await arrive(person, (await attempt(config, { scope })).url)
    const tx = txOf(where)
    if (!tx) return where
    const path = `/api/oauth/transactions/${tx}`
    await person.expect(200, 'PATCH', '/api/account', { locale: language })
    const { scopes } = await person.expect<Asked>(200, 'GET', path)
    return {
      scopes,
      allow: () =>
        person
          .expect(200, 'POST', `${path}/decision`, { decision: 'allow' })
          .then(() => follow(person, `/oauth/tx/${tx}`)),
    }
  }
  const lines = async (scope: string, language?: string) => {
    const page = await asked(scope, language)
    assert.ok(typeof page === 'object')
    return page
  }
  const without = await lines('openid offline_access')
  assert.deepEqual(
    without.scopes.map(({ name }) => name),
    ['openid'],
    'it gets no refresh token',
  )
  await without.allow()
  assert.match(String(await asked('openid')), /code=/)

  await owner.expect(200, 'PATCH', `/api/apps/${app.client_id}`, {
    grant_types: ['authorization_code', 'refresh_token'],
  })
  const texts = { en: /^Stay connected.*Connected apps/, zh: /^保持连接.*已授权的应用/ }
  for (const [language, text] of Object.entries(texts))
    for (const scope of ['openid', 'openid offline_access']) {
      const { scopes } = await lines(scope, language)
      assert.deepEqual(
        scopes.map(({ name }) => name),
        ['openid', 'offline_access'],
      )
      assert.match(`${scopes[1]?.title} ${scopes[1]?.description}`, text)
    }
  await (await lines('openid')).allow()
  assert.match(String(await asked('openid offline_access')), /code=/, 'and once is enough')
  const { items } = await person.expect<{ items: { scopes: string[] }[] }>(
    200,
    'GET',
    '/api/grants',
  )
  assert.deepEqual(items[0]?.scopes, ['openid', 'offline_access'])
})

test('an app that changes while a person decides gets nothing by its old registration', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const changes: [string, (path: string) => Promise<unknown>][] = [
    [
      'the redirect URI is taken away',
      (path) => person.expect(200, 'PATCH', path, { redirect_uris: [other] }),
    ],
    ['the scope is taken away', (path) => person.expect(200, 'PATCH', path, { scope: 'openid' })],
    [
      'the code grant is taken away',
      (path) => person.expect(200, 'PATCH', path, { grant_types: ['client_credentials'] }),
    ],
    ['the app is deleted', (path) => person.expect(204, 'DELETE', path)],
  ]
  for (const [what, change] of changes) {
    const app = await registerApp(person)
    const config = await discover(server.origin, app)
    const tx = txOf(await arrive(person, (await attempt(config)).url))
    await change(`/api/apps/${app.client_id}`)
    await person.request('POST', `/api/oauth/transactions/${tx}/decision`, {
      body: { decision: 'allow' },
    })
    const where = await follow(person, `/oauth/tx/${tx}`)
    assert.ok(!where.includes('code='), `${what}: ${where}`)
  }
})

test('a code for an address that was taken away since is worth nothing', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { redirect_uris: [callback, other] })
  const config = await discover(server.origin, app)
  const started = await attempt(config)
  const back = await authorize(person, started.url)
  await person.expect(200, 'PATCH', `/api/apps/${app.client_id}`, { redirect_uris: [other] })
  await assert.rejects(redeem(config, back, started), { error: 'invalid_grant' })
})

test('who signs in on the way gets a new session, and a planted one is not adopted', async () => {
  await using server = await startServer()
  const attacker = await signedUp(server.origin)
  const victim = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(attacker.person))
  const browser = new Person(server.origin)
  browser.cookies.set('lk_session', 'planted-by-somebody')
  const where = await arrive(browser, (await attempt(config)).url)
  assert.match(where, /^\/sign-in\?tx=/)
  await browser.expect(201, 'POST', '/api/sessions', {
    email: victim.email,
    password: victim.password,
  })
  assert.notEqual(browser.cookies.get('lk_session'), 'planted-by-somebody')
  const planted = new Person(server.origin)
  planted.cookies.set('lk_session', 'planted-by-somebody')
  await planted.expect(401, 'GET', '/api/account')
  // The transaction goes on in this browser for the one who signed in, and for nobody else.
  const tx = new URLSearchParams(where.split('?')[1]).get('tx')
  assert.equal(txOf(await follow(browser, `/oauth/tx/${tx}`)), tx)
  await attacker.person.expect(404, 'GET', `/api/oauth/transactions/${tx}`)
})
