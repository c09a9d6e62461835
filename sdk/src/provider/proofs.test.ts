import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import Provider from 'oidc-provider'
import { Agent, request } from 'undici'
import { type AuthOptions, createAuth } from '../auth.ts'
import { readCredential, writeCredential } from '../credentials/credential.ts'
import { memoryStore } from '../credentials/memory-store.ts'
import { binding, credential } from '../credentials/store.contract.ts'
import type { CredentialStore } from '../credentials/store.ts'
import { ProviderMisconfigured, SignInRequired } from '../errors/errors.ts'
import { fileStore } from '../node/file-store.ts'
import { undiciInterceptor } from '../node/undici-interceptor.ts'
import { person } from '../sign-in/person.fixture.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { discover } from './provider.ts'

// node-oidc-provider as an independent witness, which wants a nonce in every proof.
const server = createServer()
const callback = 'https://app.test/callback'
let issuer = ''
let wantsNonce = true
let seen: { path: string; dpop: boolean; status: number }[] = []

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const shown = console.warn
  console.warn = () => {} // its hints about production
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'app',
        token_endpoint_auth_method: 'none',
        redirect_uris: [callback],
        grant_types: ['authorization_code', 'refresh_token'],
      },
      {
        client_id: 'machine',
        client_secret: 'secret',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access'],
    features: {
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      dPoP: {
        enabled: true,
        nonceSecret: Buffer.alloc(32, 7),
        requireNonce: () => wantsNonce,
        allowReplay: false,
      },
    },
    cookies: { keys: ['a key for tests'] },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  })
  console.warn = shown
  const answer = provider.callback()
  server.on('request', (request, response) => {
    response.on('finish', () =>
      seen.push({
        path: request.url ?? '',
        dpop: 'dpop' in request.headers,
        status: response.statusCode,
      }),
    )
    return answer(request, response)
  })
})
after(() => {
  server.close()
  server.closeAllConnections()
})

const open = (store: CredentialStore, more: Partial<AuthOptions> = {}) =>
  createAuth({
    provider: discover(issuer),
    clientId: 'app',
    scopes: ['openid', 'offline_access'],
    store,
    dpop: true,
    refresh: { background: false },
    ...more,
  })

async function signedIn(store: CredentialStore = memoryStore(), more: Partial<AuthOptions> = {}) {
  const auth = open(store, more)
  const { url, transaction } = await auth.beginSignIn({ redirectUri: callback })
  const account = await auth.finishSignIn(transaction, (await person(url.href, callback)).url)
  seen = []
  return { auth, account, store }
}

const here = { clientId: 'app', account: 'default', resource: '' }
const stored = async (store: CredentialStore) => {
  const found = await store.load({ issuer, ...here })
  assert.ok(found.state === 'present')
  return found.credential.tokens
}
const posted = (form: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(form) })

test('tokens are bound from the sign-in on: code, userinfo, refresh, all with nonces', async () => {
  const { account, store } = await signedIn()
  const first = await stored(store)
  assert.equal(first.tokenType, 'dpop')
  assert.equal((await account.userInfo())?.sub, 'alice')
  const renewed = await account.token({ stale: await account.token() })
  assert.notEqual(renewed, first.accessToken.reveal())
  assert.equal((await stored(store)).proofKey?.thumbprint, first.proofKey?.thumbprint)
  assert.ok(seen.every(({ path, dpop }) => dpop || path.startsWith('/.well-known/')))
  assert.equal(await account.signOut().then(({ atProvider }) => atProvider), 'ended')
})

test('fetch proves every call, learns the nonce once, and the token alone is worth nothing', async () => {
  const { account } = await signedIn()
  const http = account.fetch({ origins: [issuer] })
  const answers = []
  for (let i = 0; i < 5; i++) answers.push(await http(`${issuer}/me?n=${i}`))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200],
  )
  assert.deepEqual(
    seen.map(({ status }) => status),
    [200, 200, 200, 200, 200],
    'the nonce of the token endpoint served here, too',
  )
  const authorization = `DPoP ${await account.token()}`
  assert.equal((await fetch(`${issuer}/me`, { headers: { authorization } })).status, 400)
  const bearer = { authorization: `Bearer ${await account.token()}` }
  assert.equal((await fetch(`${issuer}/me`, { headers: bearer })).status, 401)
  assert.equal((await open(memoryStore()).account().status()).state, 'signed-out')
})

test('a nonce that is wanted anew costs one more request, and none where the body cannot be sent again', async () => {
  const { account, store } = await signedIn()
  // Another process: it knows no nonce yet.
  const http = open(store)
    .account()
    .fetch({ origins: [issuer] })
  assert.equal((await http(`${issuer}/me`)).status, 200)
  assert.deepEqual(seen.map(({ status }) => status).slice(-2), [401, 200])
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('x=1'))
      controller.close()
    },
  })
  const another = open(store)
    .account()
    .fetch({ origins: [issuer] })
  const init = { method: 'POST', body: stream, duplex: 'half' } as RequestInit
  assert.equal((await another(`${issuer}/me`, init)).status, 401)
  assert.equal((await another(`${issuer}/me`, { method: 'POST' })).status, 200)
  assert.ok(await account.token())
})

test('a copied refresh token is refused without the key, and by another key', async () => {
  const { account, store } = await signedIn()
  const refreshToken = (await stored(store)).refreshToken?.reveal() ?? ''
  wantsNonce = false
  try {
    const form = { grant_type: 'refresh_token', client_id: 'app', refresh_token: refreshToken }
    assert.equal((await posted(form)).status, 400)
    const thief = await signedIn()
    const url = `${issuer}/token`
    const { dpop = '' } = await thief.account.headers({ url, method: 'POST' })
    const answer = await posted(form, { dpop })
    assert.equal(answer.status, 400)
    assert.equal(((await answer.json()) as { error: string }).error, 'invalid_grant')
  } finally {
    wantsNonce = true
  }
  assert.ok(await account.token({ stale: await account.token() }), 'the owner goes on')
})

test('headers of a request that another client sends, with the nonce its last answer asked for', async () => {
  const { store } = await signedIn()
  const account = open(store).account()
  const url = `${issuer}/me`
  const first = await fetch(url, { headers: await account.headers({ url }) })
  assert.equal(first.status, 401)
  const nonce = first.headers.get('dpop-nonce') ?? ''
  const second = await fetch(url, { headers: await account.headers({ url, nonce }) })
  assert.equal(second.status, 200)
  assert.equal((await fetch(url, { headers: await account.headers({ url }) })).status, 200)
  const other = await account.headers({ url, method: 'POST' })
  assert.equal((await fetch(url, { headers: other })).status, 401, 'a proof is for one method')
})

test('the undici interceptor proves every request, too', async () => {
  const { store } = await signedIn()
  const agent = new Agent()
  const account = open(store).account()
  const dispatcher = agent.compose(undiciInterceptor(account, { origins: [issuer] }))
  for (let i = 0; i < 3; i++) {
    const { statusCode, body } = await request(`${issuer}/me`, { dispatcher })
    assert.equal(statusCode, 200)
    assert.deepEqual(await body.json(), { sub: 'alice' })
  }
  assert.deepEqual(
    seen.filter(({ path }) => path === '/me').map(({ status }) => status),
    [401, 200, 200, 200],
    'the nonce is asked for once',
  )
  await agent.close()
})

test('in a file store the key is sealed with the tokens, and the next process has it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-dpop-'))
  try {
    const { account } = await signedIn(fileStore({ dir }))
    const kept = await stored(fileStore({ dir }))
    const jwk = JSON.parse(kept.proofKey?.jwk?.reveal() ?? '{}')
    assert.ok(jwk.d)
    for (const name of readdirSync(dir))
      assert.ok(!readFileSync(join(dir, name), 'utf8').includes(jwk.d), name)
    const next = open(fileStore({ dir })).account()
    assert.notEqual(await next.token({ stale: await account.token() }), await account.token())
    assert.equal((await next.userInfo())?.sub, 'alice')
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('where a store keeps keys itself, nobody can read them out; they end with their sign-in', async () => {
  const store = memoryStore()
  const { auth, account } = await signedIn(store)
  const keyOf = async () => (await stored(store)).proofKey
  const key = await keyOf()
  assert.ok(key && key.jwk === null)
  const pair = await store.proofKeys?.load(key.thumbprint)
  assert.equal(pair?.privateKey.extractable, false)
  const { url, transaction } = await auth.beginSignIn({ redirectUri: callback })
  await auth.finishSignIn(transaction, (await person(url.href, callback)).url)
  const next = await keyOf()
  assert.notEqual(next?.thumbprint, key.thumbprint, 'each sign-in has a key of its own')
  assert.equal(await store.proofKeys?.load(key.thumbprint), null)
  await account.signOut()
  assert.equal(await store.proofKeys?.load(next?.thumbprint ?? ''), null)
})

test('an app’s own token is bound, too, and keeps its key from one to the next', async () => {
  const store = memoryStore()
  const auth = open(store, { clientId: 'machine', clientSecret: 'secret', scopes: [] })
  const app = auth.app()
  const first = await app.token()
  const second = await app.token({ stale: first })
  assert.notEqual(first, second)
  const found = await store.load({ issuer, ...here, clientId: 'machine', account: '(app)' })
  assert.ok(found.state === 'present' && found.credential.tokens.tokenType === 'dpop')
  assert.match((await app.headers({ url: 'https://api.test/' })).authorization ?? '', /^DPoP /)
})

test('a provider that does not bind tokens is refused at sign-in, and nothing is kept', async () => {
  const provider = new FakeProvider()
  const store = memoryStore()
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    store,
    fetch: provider.fetch,
    dpop: true,
  })
  await assert.rejects(
    auth.signInByCode(provider.code()),
    (error) => error instanceof ProviderMisconfigured && /not bound/.test(error.message),
  )
  assert.deepEqual(await auth.accounts(), [])
  await assert.rejects(auth.account().token(), SignInRequired)
})

test('proofs carry the provider’s time, whatever this machine’s clock says', async () => {
  wantsNonce = false
  try {
    const clock = virtualClock(Date.now() - 3 * 3_600_000)
    const machine = { clientId: 'machine', clientSecret: 'secret', scopes: [], clock }
    const app = open(memoryStore(), machine).app()
    assert.ok(await app.token())
    const { dpop = '' } = await app.headers({ url: issuer })
    const [, payload = ''] = dpop.split('.')
    const { iat } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    assert.ok(Math.abs(iat * 1_000 - Date.now()) < 5_000)
  } finally {
    wantsNonce = true
  }
})

test('a credential of an earlier version, without a word about keys, is a bearer credential', () => {
  const { tokens, ...rest } = JSON.parse(writeCredential(credential()))
  const { proofKey: _, ...before } = tokens
  const text = JSON.stringify({ ...rest, tokens: before })
  assert.equal(readCredential(text, binding())?.tokens.proofKey, null)
  const broken = JSON.stringify({ ...rest, tokens: { ...before, proofKey: { jwk: 7 } } })
  assert.equal(readCredential(broken, binding()), null)
})
