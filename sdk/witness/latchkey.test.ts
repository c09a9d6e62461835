import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { operatorOf } from '../../test/harness/journey.ts'
import { authorize, callback, registerApp } from '../../test/harness/oauth-browser.ts'
import { signedUp } from '../../test/harness/person.ts'
import { startServer, type TestServer } from '../../test/harness/server.ts'
import {
  type Account,
  AccountSuspended,
  type Auth,
  createAuth,
  discover,
  endpoints,
  type Fetch,
  memoryStore,
  openaiOptions,
  ProviderMisconfigured,
  registerClient,
  registrationState,
  SignInRequired,
  unregister,
} from '../src/index.ts'

let server: TestServer
before(async () => {
  server = await startServer()
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

const scopes = ['openid', 'offline_access', 'models:read', 'chat:write']

/** A person with an account at Latchkey, and an app that signed in with it by the SDK. */
async function connected(fetch?: Fetch, by: { dpop?: boolean } = {}) {
  const { person, accountId } = await signedUp(server.origin)
  const app = await registerApp(person, { dpop_bound_access_tokens: by.dpop ?? false })
  const store = memoryStore()
  const open = (): Auth =>
    createAuth({
      provider: discover(server.origin),
      clientId: app.client_id,
      ...(app.client_secret === undefined ? {} : { clientSecret: app.client_secret }),
      scopes,
      store,
      refresh: { background: false },
      ...by,
      ...(fetch ? { fetch } : {}),
    })
  const auth = open()
  const { url, transaction } = await auth.beginSignIn({ redirectUri: callback, account: accountId })
  const account = await auth.finishSignIn(transaction, await authorize(person, url))
  return { person, accountId, app, auth, account, open }
}

const renewed = async (account: Account) => account.token({ stale: await account.token() })

test('an app signs in at Latchkey, calls a model through the openai package, and stays signed in', async () => {
  const { account, accountId, open } = await connected()
  const status = await account.status()
  assert.ok(status.state === 'signed-in' && status.canRefresh && status.subject)
  const client = new OpenAI(
    openaiOptions(account, { baseURL: `${server.origin}/v1`, idempotency: 'honoured' }),
  )
  const { data } = await client.models.list()
  const model = data[0]?.id ?? ''
  const ask = () =>
    client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] })
  assert.ok((await ask()).choices[0]?.message.content)
  const tokens = await Promise.all(Array.from({ length: 20 }, async () => renewed(account)))
  assert.equal(new Set(tokens).size, 1)
  assert.ok((await ask()).choices[0]?.message.content)
  assert.equal(await open().account(accountId).token(), tokens[0], 'the next process has it, too')
})

test('a refresh reply lost on the way costs nothing: Latchkey answers with the same successor', async () => {
  let lose = 0
  const { account } = await connected(async (input, init) => {
    const response = await fetch(input, init)
    if (lose === 0 || !String(input).endsWith('/oauth/token')) return response
    lose--
    await response.text()
    const cause = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    throw Object.assign(new TypeError('fetch failed'), { cause })
  })
  lose = 2
  const token = await renewed(account)
  assert.equal(lose, 0)
  const http = account.fetch({ origins: [server.origin] })
  assert.equal((await http(`${server.origin}/v1/models`)).status, 200)
  assert.equal(await account.token(), token)
})

test('bound to a key: models are called with proofs, a lost reply costs nothing, a copied token is refused', async () => {
  let lose = 0
  const { account, open, accountId } = await connected(
    async (input, init) => {
      const response = await fetch(input, init)
      if (lose === 0 || !String(input).endsWith('/oauth/token')) return response
      lose--
      await response.text()
      const cause = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
      throw Object.assign(new TypeError('fetch failed'), { cause })
    },
    { dpop: true },
  )
  const url = `${server.origin}/v1/models`
  const client = new OpenAI(openaiOptions(account, { baseURL: `${server.origin}/v1` }))
  assert.ok((await client.models.list()).data[0]?.id)
  lose = 1
  const token = await renewed(account)
  assert.equal(lose, 0)
  assert.ok((await client.models.list()).data[0]?.id)
  assert.equal((await account.userInfo())?.sub, accountId)
  const next = open().account(accountId)
  assert.equal((await next.fetch({ origins: [server.origin] })(url)).status, 200)
  for (const scheme of ['Bearer', 'DPoP']) {
    const copied = await fetch(url, { headers: { authorization: `${scheme} ${token}` } })
    assert.equal(copied.status, 401, scheme)
  }
})

test('signing out at Latchkey is told as what it is, and nothing is asked twice', async () => {
  const { person, account } = await connected()
  const first = await account.token()
  const { items } = await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/grants')
  for (const { id } of items) await person.expect(204, 'DELETE', `/api/grants/${id}`)
  await assert.rejects(
    account.token({ stale: first }),
    (error) => error instanceof SignInRequired && error.reason === 'revoked',
  )
})

test('a suspended account is told apart from a sign-out', async () => {
  const { account, accountId } = await connected()
  const operator = await operatorOf(server)
  await operator.expect(201, 'POST', `/api/operator/accounts/${accountId}/decisions`, {
    kind: 'suspend',
    reason: 'shared_key',
    text: 'Used from eleven networks at once.',
  })
  const http = account.fetch({ origins: [server.origin] })
  const response = await http(`${server.origin}/v1/models`)
  assert.ok((await account.errorOf(response)) instanceof AccountSuspended)
  const refused = await account.token({ stale: await account.token() }).catch((e: unknown) => e)
  assert.ok(refused instanceof AccountSuspended, String(refused))
  assert.equal(refused.code, 'account_suspended')
})

test('a client registers itself, signs in, knows who it is, signs out and leaves', async () => {
  const { person, email, accountId } = await signedUp(server.origin)
  const provider = discover(server.origin)
  const redirectUri = 'http://127.0.0.1/callback'
  const registration = await registerClient(provider, {
    client_name: 'A terminal',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  })
  assert.ok(registration.manage)
  assert.equal(await registrationState(registration.manage), 'registered')
  const auth = createAuth({
    provider,
    clientId: registration.clientId,
    scopes: ['openid', 'email', 'offline_access', 'models:read'],
  })
  const { url, transaction } = await auth.beginSignIn({ redirectUri })
  const account = await auth.finishSignIn(transaction, await authorize(person, url))
  const info = await account.userInfo()
  assert.deepEqual([info?.sub, info?.email], [accountId, email])
  assert.deepEqual(await account.signOut(), { atProvider: 'ended' })
  const { items } = await person.expect<{ items: unknown[] }>(200, 'GET', '/api/grants')
  assert.deepEqual(items, [], 'the grant is over, not only the token')
  assert.equal(await unregister(registration.manage), true)
  assert.equal(await registrationState(registration.manage), 'gone')
  await assert.rejects(
    registerClient(provider, { redirect_uris: ['http://elsewhere.example/'] }),
    (error) => error instanceof ProviderMisconfigured && error.detail === 'invalid_redirect_uri',
  )
})

test('the plain confidential client of the tutorials: base URL, id, secret, code', async () => {
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { legacy_confidential: true })
  const url = new URL('/oauth/authorize', server.origin)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: app.client_id,
    redirect_uri: callback,
    state: 'theirs',
    scope: 'models:read',
  }).toString()
  const code = (await authorize(person, url)).searchParams.get('code') ?? ''
  const auth = createAuth({
    provider: endpoints({ token: `${server.origin}/v1/oauth/token` }),
    clientId: app.client_id,
    clientSecret: app.client_secret ?? '',
  })
  const account = await auth.signInByCode(code)
  const http = account.fetch({ origins: [server.origin] })
  assert.equal((await http(`${server.origin}/v1/models`)).status, 200)
  await auth.close()
})
