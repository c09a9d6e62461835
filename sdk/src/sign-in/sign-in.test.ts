import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuthOptions, createAuth } from '../auth.ts'
import { memoryStore } from '../credentials/memory-store.ts'
import { keySealer } from '../credentials/sealing.ts'
import {
  ClockSkew,
  ProviderMisconfigured,
  ProviderUnavailable,
  SignInFailed,
} from '../errors/errors.ts'
import { discover, endpoints } from '../provider/provider.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import type { DevicePrompt } from './device.ts'
import { transactionCookies } from './transaction-cookie.ts'

const redirectUri = 'https://app.test/callback'

function fixture(options: Partial<AuthOptions> = {}) {
  const clock = virtualClock()
  const provider = new FakeProvider({ clock })
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    fetch: provider.fetch,
    clock,
    refresh: { background: false },
    ...options,
  })
  /** What the browser comes back with after the person allowed it. */
  const allowed = (url: URL, more: Record<string, string> = {}) => {
    const callback = new URL(redirectUri)
    const challenge = url.searchParams.get('code_challenge') ?? ''
    const parameters = {
      code: provider.code({ challenge }),
      state: url.searchParams.get('state') ?? '',
      iss: provider.issuer,
      ...more,
    }
    for (const [name, value] of Object.entries(parameters)) callback.searchParams.set(name, value)
    return callback
  }
  return { clock, provider, auth, allowed }
}

const failsWith = (code: string, detail?: RegExp) => (error: unknown) =>
  error instanceof SignInFailed && error.code === code && (!detail || detail.test(error.message))

test('a redirect sign-in asks with state and S256 and ends signed in', async () => {
  const { provider, auth, allowed } = fixture({ scopes: ['chat:write'] })
  const { url, transaction } = await auth.beginSignIn({ redirectUri, account: 'alice' })
  assert.equal(url.searchParams.get('code_challenge_method'), 'S256')
  assert.ok((url.searchParams.get('state') ?? '').length >= 43)
  assert.ok(!url.href.includes(transaction.verifier))
  const account = await auth.finishSignIn(transaction, allowed(url))
  assert.equal(account.name, 'alice')
  assert.ok(provider.accepts(await account.token()))
  assert.deepEqual(await auth.accounts(), ['alice'])
})

test('another state, another issuer, no issuer, an old transaction: refused before the code is spent', async () => {
  const { clock, provider, auth, allowed } = fixture()
  const { url, transaction } = await auth.beginSignIn({ redirectUri })
  const finish = (more: Record<string, string>) =>
    auth.finishSignIn(transaction, allowed(url, more))
  await assert.rejects(finish({ state: 'x' }), failsWith('sign_in_invalid'))
  await assert.rejects(finish({ iss: 'https://evil.test' }), failsWith('sign_in_invalid'))
  const without = allowed(url)
  without.searchParams.delete('iss')
  await assert.rejects(auth.finishSignIn(transaction, without), failsWith('sign_in_invalid'))
  await assert.rejects(finish({ error: 'access_denied', code: '' }), failsWith('sign_in_denied'))
  const elsewhere = { ...transaction, issuer: 'https://evil.test' }
  await assert.rejects(
    auth.finishSignIn(elsewhere, allowed(url)),
    failsWith('sign_in_invalid', /provider/),
  )
  assert.equal(provider.requests, 0)
  await clock.advance(601_000)
  await assert.rejects(finish({}), failsWith('sign_in_timeout'))
})

test('a swapped code is refused and leaves the account as it was', async () => {
  const { provider, auth, allowed } = fixture()
  const before = await (await auth.signInByCode(provider.code())).token()
  const { url, transaction } = await auth.beginSignIn({ redirectUri })
  const swapped = allowed(url, { code: provider.code({ challenge: 'somebody-else' }) })
  await assert.rejects(auth.finishSignIn(transaction, swapped), failsWith('sign_in_code_refused'))
  assert.equal(await auth.account().token(), before)
})

test('a person’s visit to the fake provider ends signed in, with an id_token that is checked', async () => {
  for (const clientSecret of [undefined, 's:1']) {
    const { provider, auth } = fixture({ scopes: ['openid', 'offline_access'], clientSecret })
    const { url, transaction } = await auth.beginSignIn({ redirectUri })
    const account = await auth.finishSignIn(transaction, provider.visit(url))
    const status = await account.status()
    assert.equal(status.state === 'signed-in' && status.subject, 'person-1')
    assert.deepEqual(await account.userInfo(), { sub: 'person-1' })
    const denied = await auth.beginSignIn({ redirectUri })
    await assert.rejects(
      auth.finishSignIn(denied.transaction, provider.visit(denied.url, 'deny')),
      failsWith('sign_in_denied'),
    )
    const mixed = await auth.beginSignIn({ redirectUri })
    const other = await auth.beginSignIn({ redirectUri })
    await assert.rejects(
      auth.finishSignIn(
        { ...mixed.transaction, nonce: other.transaction.nonce },
        provider.visit(mixed.url),
      ),
      failsWith('sign_in_invalid', /id_token/),
    )
  }
})

test('a clock that is an hour off signs in all the same; a provider that hides its own is told about', async () => {
  for (const skewSeconds of [3_600, -3_600]) {
    const { provider, auth } = fixture({ scopes: ['openid'] })
    provider.options = { ...provider.options, skewSeconds }
    const { url, transaction } = await auth.beginSignIn({ redirectUri })
    assert.ok(await auth.finishSignIn(transaction, provider.visit(url)))
  }
  const clock = virtualClock()
  const provider = new FakeProvider({ clock, skewSeconds: -3_600 })
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    scopes: ['openid'],
    clock,
    fetch: async (input, init) => {
      const response = await provider.fetch(input, init)
      response.headers.delete('date')
      return response
    },
  })
  const { url, transaction } = await auth.beginSignIn({ redirectUri })
  await assert.rejects(auth.finishSignIn(transaction, provider.visit(url)), (error) => {
    assert.ok(error instanceof ClockSkew)
    assert.match(error.message, /is 3(600|599) s away/)
    return true
  })
})

test('a sign-in that cannot be kept is ended at the provider, and the one before stays', async () => {
  const inner = memoryStore()
  let full = false
  const save: typeof inner.save = (...by) =>
    full ? Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) : inner.save(...by)
  const { provider, auth } = fixture({ store: { ...inner, save } })
  const account = await auth.signInByCode(provider.code())
  const before = await account.token()
  const issued: string[] = []
  const grant = provider.grant.bind(provider)
  provider.grant = (thumbprint) => {
    const reply = grant(thumbprint)
    issued.push(String(reply.access_token))
    return reply
  }
  full = true
  await assert.rejects(auth.signInByCode(provider.code()), /ENOSPC/)
  assert.deepEqual(
    issued.map((token) => provider.accepts(token)),
    [false],
  )
  assert.equal(await account.token(), before)
  assert.ok(provider.accepts(before))
})

test('a setting that is missing is told at once, and by its name', () => {
  const provider = discover('https://id.test')
  const cases: [object | undefined, RegExp][] = [
    [undefined, /provider/],
    [{ provider: 'https://id.test', clientId: 'app' }, /discover/],
    [{ provider, clientId: undefined }, /clientId.*environment/],
    [{ provider, clientId: '' }, /clientId/],
    [{ provider, clientId: 'app', clientSecret: '' }, /clientSecret/],
  ]
  for (const [options, wanted] of cases)
    assert.throws(
      () => createAuth(options as AuthOptions),
      (error: Error) => error instanceof TypeError && wanted.test(error.message),
    )
})

test('metadata of another issuer is refused', async () => {
  const provider = new FakeProvider()
  const fetch: typeof provider.fetch = (input, init) => provider.fetch(input, init)
  const auth = createAuth({ provider: discover('https://other.test'), clientId: 'app', fetch })
  await assert.rejects(auth.beginSignIn({ redirectUri }), ProviderMisconfigured)
})

test('plain http is refused unless it stays on this machine', async () => {
  const insecure = createAuth({
    provider: endpoints({ token: 'http://id.example.org/token' }),
    clientId: 'app',
    fetch: () => assert.fail('nothing may leave'),
  })
  await assert.rejects(insecure.signInByCode('c'), ProviderMisconfigured)
})

test('discovery that failed is asked again', async () => {
  const provider = new FakeProvider()
  let calls = 0
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    fetch: (input, init) => {
      if (++calls === 1) throw new TypeError('fetch failed')
      return provider.fetch(input, init)
    },
  })
  await assert.rejects(auth.beginSignIn({ redirectUri }), ProviderUnavailable)
  await auth.beginSignIn({ redirectUri })
})

test('the plain confidential client: base URL, id and secret, code in, token out', async () => {
  let seen = new URLSearchParams()
  const auth = createAuth({
    provider: endpoints({ token: 'https://old.test/v1/oauth/token' }),
    clientId: 'app',
    clientSecret: 's3cret',
    fetch: async (_, init) => {
      seen = new URLSearchParams(String(init?.body))
      return Response.json({ access_token: 'at', token_type: 'bearer', expires_in: 3600 })
    },
  })
  const account = await auth.signInByCode('the-code')
  assert.equal(await account.token(), 'at')
  assert.deepEqual(Object.fromEntries(seen), {
    grant_type: 'authorization_code',
    code: 'the-code',
    client_id: 'app',
    client_secret: 's3cret',
  })
})

test('a device sign-in waits at the provider’s pace, slower after slow_down', async () => {
  const { clock, provider, auth } = fixture()
  let prompt: DevicePrompt | null = null
  const account = auth.signInByDevice({ onPrompt: (shown) => (prompt = shown) })
  await clock.settle()
  assert.equal((prompt as DevicePrompt | null)?.code, 'WDJB-MJHT')
  await clock.advance(10_000) // pending at 5 s, slow_down at 10 s
  assert.equal(provider.requests, 2)
  await clock.advance(9_000)
  assert.equal(provider.requests, 2, 'five seconds more from now on')
  provider.decideDevices(true)
  await clock.advance(1_000)
  assert.ok(provider.accepts(await (await account).token()))
})

test('a device sign-in survives lost replies and 429, ends when denied, out of time or given up', async () => {
  const { clock, provider, auth } = fixture()
  provider.faults.push({ kind: 'refuse-connection' }, { kind: 'status', status: 429 })
  const quiet = { onPrompt: () => {} }
  const denied = auth.signInByDevice(quiet)
  denied.catch(() => {})
  await clock.advance(16_000)
  provider.decideDevices(false)
  await clock.advance(60_000)
  await assert.rejects(denied, failsWith('sign_in_denied'))
  const late = auth.signInByDevice(quiet)
  late.catch(() => {})
  await clock.advance(600_000)
  await assert.rejects(late, failsWith('sign_in_timeout'))
  const gone = new AbortController()
  const given = auth.signInByDevice({ ...quiet, signal: gone.signal })
  given.catch(() => {})
  await clock.settle()
  gone.abort(new Error('given up'))
  await assert.rejects(given, /given up/)
})

test('a device prompt that would steer the terminal is not shown', async () => {
  const esc = String.fromCharCode(27)
  for (const evil of [{ user_code: `${esc}]0;x` }, { verification_uri: 'javascript:alert(1)' }]) {
    const provider = new FakeProvider()
    const auth = createAuth({
      provider: discover(provider.issuer),
      clientId: 'app',
      fetch: async (input, init) => {
        const response = await provider.fetch(input, init)
        return String(input).endsWith('/device')
          ? Response.json({ ...((await response.json()) as object), ...evil })
          : response
      },
    })
    const shown = auth.signInByDevice({ onPrompt: () => assert.fail('shown') })
    await assert.rejects(shown, ProviderMisconfigured)
  }
})

test('the transaction cookie is Lax, sealed, for one attempt of this browser', async () => {
  const { auth, allowed } = fixture()
  const cookies = transactionCookies(keySealer(new Uint8Array(32)))
  const [one, two] = [
    await auth.beginSignIn({ redirectUri }),
    await auth.beginSignIn({ redirectUri }),
  ]
  const set = await cookies.begin(one.transaction)
  assert.match(set, /^__Host-lk_signin_[\w-]{8}=v1\./)
  assert.match(set, /; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600; Secure$/)
  assert.ok(!set.includes(one.transaction.verifier))
  const jar = [set, await cookies.begin(two.transaction)].map((c) => c.split(';')[0]).join('; ')
  const { transaction, clear } = await cookies.finish(jar, allowed(one.url))
  assert.deepEqual(transaction, one.transaction)
  assert.match(clear, /Max-Age=0/)
  await assert.rejects(cookies.finish('', allowed(one.url)), failsWith('sign_in_invalid'))
  const forged = jar.replace(one.transaction.id, two.transaction.id)
  await assert.rejects(cookies.finish(forged, allowed(two.url)), failsWith('sign_in_invalid'))
})
