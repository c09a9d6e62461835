import assert from 'node:assert/strict'
import { test } from 'node:test'
import { operatorOf } from '../../test/harness/journey.ts'
import { authorize, callback, registerApp } from '../../test/harness/oauth-browser.ts'
import { mailTo, Person, signedUp } from '../../test/harness/person.ts'
import { startServer, type TestServer } from '../../test/harness/server.ts'
import { type Revocation, revocations } from '../src/credentials/credential.ts'
import {
  type Account,
  type AuthEvent,
  createAuth,
  discover,
  memoryStore,
  SignInRequired,
} from '../src/index.ts'

const newPassword = 'velvet compass thunder 42'

/** A person with a laptop and a phone, and an app that the SDK has signed in on the phone. */
async function scene(server: TestServer, maker: Person) {
  const { person: laptop, email, password, accountId } = await signedUp(server.origin)
  const app = await registerApp(maker)
  const phone = new Person(server.origin)
  await phone.expect(201, 'POST', '/api/sessions', { email, password })
  const store = memoryStore()
  const events: AuthEvent[] = []
  const auth = createAuth({
    provider: discover(server.origin),
    clientId: app.client_id,
    clientSecret: app.client_secret ?? '',
    scopes: ['openid', 'offline_access', 'models:read'],
    store,
    refresh: { background: false },
  })
  auth.on((event) => events.push(event))
  const { url, transaction } = await auth.beginSignIn({ redirectUri: callback })
  const back = await authorize(phone, url)
  const account = await auth.finishSignIn(transaction, back)
  /** A call to the provider that the SDK knows nothing about. */
  const post = (path: string, form: Record<string, string>) =>
    fetch(`${server.origin}${path}`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${app.client_id}:${app.client_secret ?? ''}`)}` },
      body: new URLSearchParams(form),
    })
  const refreshToken = async () => {
    const clientId = app.client_id
    const binding = { issuer: server.origin, clientId, account: 'default', resource: '' }
    const stored = await store.load(binding)
    assert.ok(stored.state === 'present')
    return stored.credential.tokens.refreshToken?.reveal() ?? ''
  }
  return {
    server,
    laptop,
    phone,
    email,
    password,
    accountId,
    account,
    back,
    transaction,
    post,
    refreshToken,
    events,
  }
}
const renewed = async (account: Account) => account.token({ stale: await account.token() })
type Scene = Awaited<ReturnType<typeof scene>>

const devices = (person: Person) =>
  person.expect<{ items: { id: string; current: boolean }[] }>(200, 'GET', '/api/devices')

const ways: Record<Revocation, (scene: Scene) => Promise<unknown>> = {
  signed_out: ({ phone }) => phone.expect(204, 'DELETE', '/api/sessions/current'),
  signed_out_elsewhere: async ({ laptop }) => {
    const { items } = await devices(laptop)
    const other = items.find(({ current }) => !current)
    await laptop.expect(204, 'DELETE', `/api/devices/${other?.id}`)
  },
  device_limit: async ({ server, laptop, email, password }) => {
    server.clock.advance(120_000)
    await laptop.expect(200, 'GET', '/api/account') // the phone was seen longest ago
    await new Person(server.origin).expect(201, 'POST', '/api/sessions', { email, password })
  },
  not_me: async ({ server, email }) => {
    const { link = '' } = await mailTo(server.origin, email, 'new_device')
    const token = new URL(link).hash.slice(1)
    await new Person(server.origin).expect(204, 'POST', '/api/devices/not-me', { token })
  },
  password_changed: ({ laptop, password }) =>
    laptop.expect(204, 'PUT', '/api/account/password', {
      current: password,
      password: newPassword,
    }),
  password_reset: async ({ server, laptop, email }) => {
    await laptop.expect(202, 'POST', '/api/password/forgot', { email })
    const { code } = await mailTo(server.origin, email, 'reset_password')
    await laptop.expect(204, 'POST', '/api/password/reset', { email, code, password: newPassword })
  },
  revoked_all: ({ laptop }) => laptop.expect(204, 'POST', '/api/account/revoke-all', {}),
  revoked_by_operator: async ({ server, accountId }) => {
    const path = `/api/operator/accounts/${accountId}/revoke-all`
    await (await operatorOf(server)).expect(204, 'POST', path, { note: 'asked for by telephone' })
  },
  access_removed: async ({ laptop }) => {
    const { items } = await laptop.expect<{ items: { id: string }[] }>(200, 'GET', '/api/grants')
    await laptop.expect(204, 'DELETE', `/api/grants/${items[0]?.id}`)
  },
  client_request: async ({ post, refreshToken }) => {
    assert.equal((await post('/oauth/revoke', { token: await refreshToken() })).status, 200)
  },
  code_reused: async ({ post, back, transaction }) => {
    const { status } = await post('/oauth/token', {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: transaction.verifier,
    })
    assert.equal(status, 400)
  },
  token_reused: async ({ server, account, post, refreshToken }) => {
    const copied = await refreshToken()
    await renewed(account)
    server.clock.advance(10 * 60_000) // past the grace for lost replies
    const refused = await post('/oauth/token', {
      grant_type: 'refresh_token',
      refresh_token: copied,
    })
    assert.equal(refused.status, 400)
  },
  closed: ({ laptop, password }) => laptop.expect(204, 'DELETE', '/api/account', { password }),
}

test('whatever ends a sign-in at Latchkey, the app is told which it was, in both languages and with a link', async () => {
  await using server = await startServer({
    env: { LATCHKEY_DEVICE_LIMIT: '2', LATCHKEY_DEVICE_POLICY: 'end-oldest' },
  })
  const maker = await signedUp(server.origin)
  const told = new Set<string>()
  for (const because of revocations) {
    server.clock.advance(10 * 60_000) // another sign-up from this address, please
    const one = await scene(server, maker.person)
    await ways[because](one)
    const error = await renewed(one.account).catch((e: unknown) => e)
    assert.ok(error instanceof SignInRequired, because)
    assert.deepEqual([error.reason, error.revokedBecause], ['revoked', because])
    assert.equal(error.help, `${server.origin}/help/sign-in-required`)
    const article = error.help.replace('/help/', '/api/help/')
    assert.equal((await fetch(article)).status, 200)
    assert.match(error.words('zh').next, /\p{Script=Han}/u)
    told.add(error.message).add(error.words('zh').happened)
    const status = await one.account.status()
    assert.ok(status.state === 'signed-in' && status.dead?.revokedBecause === because)
    assert.equal(status.journal.at(-1)?.revokedBecause, because)
    const event = one.events.find(({ type }) => type === 'refresh_dead')
    assert.ok(event?.type === 'refresh_dead' && event.revokedBecause === because)
  }
  assert.equal(told.size, 2 * revocations.length, 'each in words of its own')
})
