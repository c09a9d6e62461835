import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { type AuthOptions, createAuth } from '../auth.ts'
import { memoryStore } from '../credentials/memory-store.ts'
import type { CredentialStore } from '../credentials/store.ts'
import {
  AccountSuspended,
  ProviderMisconfigured,
  ProviderUnavailable,
  SignInRequired,
} from '../errors/errors.ts'
import type { AuthEvent } from '../events.ts'
import { discover, endpoints } from '../provider/provider.ts'
import { FakeProvider, type FakeProviderOptions } from '../testing/fake-provider.ts'
import { seededRandom, virtualClock } from '../testing/virtual-clock.ts'

const minute = 60_000

async function signedIn(by: FakeProviderOptions = {}, options: Partial<AuthOptions> = {}) {
  const clock = virtualClock()
  const provider = new FakeProvider({ clock, ...by })
  const store = memoryStore()
  const events: AuthEvent[] = []
  const another = (more: Partial<AuthOptions> = {}) => {
    const auth = createAuth({
      provider: discover(provider.issuer),
      clientId: 'app',
      store,
      fetch: provider.fetch,
      clock,
      random: seededRandom(1),
      refresh: { background: false },
      ...options,
      ...more,
    })
    auth.on((event) => events.push(event))
    return auth
  }
  const auth = another()
  const account = await auth.signInByCode(provider.code())
  provider.requests = 0
  return { clock, provider, store, events, auth, account, another }
}

const rotations = (provider: FakeProvider) =>
  provider.redemptions.map(({ result }) => result).join(' ')

/** A store that notes what it is about to redeem, and while it is full takes no new set. */
function fillableDisk() {
  const inner = memoryStore()
  const store: CredentialStore = {
    ...inner,
    save: (binding, credential, revision) =>
      disk.full && credential.intent === null
        ? Promise.reject(Object.assign(new Error('disk full'), { code: 'ENOSPC' }))
        : inner.save(binding, credential, revision),
  }
  const disk = { store, full: false }
  return disk
}

test('a fresh token is handed out without asking anybody', async () => {
  const { provider, account } = await signedIn()
  const token = await account.token()
  assert.equal(account.peek(), token)
  assert.ok(provider.accepts(token))
  assert.equal(provider.requests, 0)
})

test('in the early window the old token is handed out at once and one renewal runs behind', async () => {
  const { clock, provider, account } = await signedIn()
  provider.options = { ...provider.options, delayMs: 2_000 }
  const old = await account.token()
  await clock.advance(50 * minute)
  const during = await Promise.all(Array.from({ length: 100 }, () => account.token()))
  assert.deepEqual(new Set(during), new Set([old]), 'nobody waits')
  await clock.advance(2_000)
  assert.notEqual(await account.token(), old)
  assert.equal(provider.requests, 1)
})

test('1,000 callers on an expired token make one request', async () => {
  const { clock, provider, account } = await signedIn()
  await clock.advance(61 * minute)
  assert.equal(account.peek(), null)
  const tokens = await Promise.all(Array.from({ length: 1_000 }, () => account.token()))
  assert.equal(new Set(tokens).size, 1)
  assert.equal(provider.requests, 1)
})

test('the timer renews although nobody asks, before the token expires', async () => {
  const { clock, provider, account } = await signedIn({}, { refresh: { background: true } })
  await clock.advance(10 * 60 * minute)
  assert.ok(provider.accepts(account.peek() ?? ''))
  assert.ok(provider.requests >= 10 && provider.requests <= 16, `${provider.requests}`)
  assert.equal(new Set(rotations(provider).split(' ')).size, 1, 'every redemption rotated')
})

test('refresh_in of the provider opens the window', async () => {
  const { clock, provider, account } = await signedIn({ refreshInSeconds: 60 })
  await clock.advance(70_000)
  account.peek()
  await clock.settle()
  assert.equal(provider.requests, 1)
})

test('the new set is handed out only once it is durably saved', async () => {
  const inner = memoryStore()
  let release = () => {}
  let holding = false
  const store: CredentialStore = {
    ...inner,
    async save(binding, credential, revision) {
      if (holding && credential.intent === null) await new Promise<void>((r) => (release = r))
      return inner.save(binding, credential, revision)
    },
  }
  const { clock, provider, account } = await signedIn({}, { store })
  const old = await account.token()
  holding = true
  await clock.advance(50 * minute)
  account.peek()
  await clock.settle()
  assert.equal(provider.requests, 1, 'the provider has rotated')
  assert.equal(await account.token(), old)
  assert.equal(account.peek(), old)
  release()
  await clock.settle()
  assert.notEqual(account.peek(), old)
})

test('while the provider is away the old token serves until it expires, with few tries', async () => {
  const { clock, provider, account, events } = await signedIn({}, { refresh: { background: true } })
  for (let i = 0; i < 200; i++) provider.faults.push({ kind: 'refuse-connection' })
  for (let at = 0; at < 59; at++) {
    await clock.advance(minute)
    assert.ok(provider.accepts(await account.token()))
  }
  assert.ok(provider.requests > 1 && provider.requests <= 20, `${provider.requests}`)
  await clock.advance(2 * minute)
  await assert.rejects(account.token(), (error: unknown) => {
    assert.ok(error instanceof ProviderUnavailable)
    return error.outcome === 'not-sent'
  })
  provider.faults.length = 0
  await clock.advance(2 * minute)
  assert.ok(provider.accepts(await account.token()), 'it recovers by itself')
  assert.equal(rotations(provider), 'rotated')
  assert.ok(events.some((event) => event.type === 'refresh_deferred'))
})

test('a lost reply is asked for again and costs nothing where the provider replays', async () => {
  const { clock, provider, account } = await signedIn({ replaySeconds: 30 })
  provider.faults.push({ kind: 'lose-reply' })
  await clock.advance(61 * minute)
  const token = account.token()
  await clock.advance(2_000)
  assert.ok(provider.accepts(await token))
  assert.equal(rotations(provider), 'rotated replayed')
})

test('a process killed between redemption and save is recovered by the next one', async () => {
  const { clock, provider, store, events, another } = await signedIn({ replaySeconds: 30 })
  await clock.advance(61 * minute)
  const doomed: CredentialStore = {
    ...store,
    save: (binding, credential, revision) =>
      credential.intent === null
        ? new Promise(() => {}) // killed: the set it got is never saved
        : store.save(binding, credential, revision),
  }
  const killed = another({ store: { ...doomed, exclusive: (_, work) => work() } })
  void killed.account().token()
  await clock.settle()
  assert.equal(rotations(provider), 'rotated')
  const next = another()
  assert.equal((await next.account().status()).state, 'signed-in')
  assert.ok(provider.accepts(await next.account().token()))
  assert.equal(rotations(provider), 'rotated replayed')
  assert.ok(events.some((event) => event.type === 'refresh_done' && event.recovered))
})

test('an open intent is resolved at once although the token still lives', async () => {
  const { clock, provider, store, another } = await signedIn({ replaySeconds: 30 })
  const stored = await store.load(bindingFor(provider))
  assert.ok(stored.state === 'present')
  const intent = { attempt: 'x', at: clock.now() }
  await store.save(bindingFor(provider), { ...stored.credential, intent }, stored.revision)
  const account = another().account()
  await account.token()
  await clock.settle()
  assert.equal(rotations(provider), 'rotated')
})

test('without a replay window a cut-off renewal is reported as exactly that', async () => {
  const { clock, provider, account } = await signedIn()
  provider.faults.push({ kind: 'lose-reply' })
  await clock.advance(61 * minute)
  const token = account.token()
  token.catch(() => {})
  await clock.advance(2_000)
  await assert.rejects(
    token,
    (error) => error instanceof SignInRequired && error.reason === 'interrupted',
  )
})

test('a refused refresh token that is no longer the stored one means: adopt the stored one', async () => {
  const { clock, provider, store, another, events } = await signedIn()
  // A store whose lock does not hold, as on a network file system.
  const leaky: CredentialStore = { ...store, exclusive: (_, work) => work() }
  await clock.advance(61 * minute)
  let winner: string | null = null
  const loser = another({
    store: leaky,
    fetch: async (input, init) => {
      // Just before the loser's request leaves, another process redeems the same token.
      if (String(input).endsWith('/token') && winner === null) {
        winner = ''
        winner = await another({ store: leaky }).account().token()
      }
      return provider.fetch(input, init)
    },
  })
  assert.equal(await loser.account().token(), winner)
  assert.equal(rotations(provider), 'rotated reused')
  assert.ok(events.some((event) => event.type === 'refresh_adopted'))
  const stored = await store.load(bindingFor(provider))
  assert.ok(stored.state === 'present' && stored.credential.dead === null, 'the winner’s is intact')
})

test('a dead refresh token is marked, not deleted; its access token serves on', async () => {
  const { clock, provider, account, auth, store } = await signedIn()
  const token = await account.token()
  provider.end(await refreshTokenOf(store, provider), 'expired')
  await clock.advance(50 * minute)
  assert.equal(await account.token(), token)
  await clock.settle()
  const status = await account.status()
  assert.ok(status.state === 'signed-in' && status.dead?.reason === 'expired')
  for (let i = 0; i < 5; i++) assert.equal(await account.token(), token)
  assert.equal(provider.requests, 1, 'a dead token is not posted again')
  await clock.advance(15 * minute)
  await assert.rejects(
    account.token(),
    (error) => error instanceof SignInRequired && error.reason === 'expired',
  )
  assert.equal(provider.requests, 1)
  await auth.signInByCode(provider.code())
  assert.ok(provider.accepts(await account.token()))
})

test('a suspended account is neither signed out nor asked about again and again', async () => {
  const { clock, provider, account, store } = await signedIn()
  provider.end(await refreshTokenOf(store, provider), 'suspended')
  await clock.advance(61 * minute)
  for (let i = 0; i < 5; i++) await assert.rejects(account.token(), AccountSuspended)
  assert.equal(provider.requests, 1)
  const status = await account.status()
  assert.ok(status.state === 'signed-in' && status.dead === null)
})

test('a reply without refresh token keeps the old one', async () => {
  const { clock, provider, account } = await signedIn({ rotation: 'silent' })
  for (let i = 0; i < 3; i++) {
    await clock.advance(61 * minute)
    assert.ok(provider.accepts(await account.token()))
  }
  assert.equal(new Set(provider.redemptions.map(({ refreshToken }) => refreshToken)).size, 1)
})

test('a reply without a lifetime is used until it is refused', async () => {
  const { clock, provider, account } = await signedIn({ lifetimeSeconds: null })
  const token = await account.token()
  await clock.advance(1_000 * minute)
  assert.equal(await account.token(), token)
  assert.equal(provider.requests, 0)
  assert.notEqual(await account.token({ stale: token }), token)
})

test('clocks that disagree by ten minutes change nothing', async () => {
  for (const skewSeconds of [-600, 600]) {
    const { clock, provider, account } = await signedIn({ skewSeconds, lifetimeSeconds: 600 })
    await clock.advance(5 * minute)
    assert.ok(provider.accepts(await account.token()))
    assert.equal(provider.requests, 0)
    clock.jump(-8 * minute)
    await clock.advance(6 * minute)
    assert.ok(account.peek() === null, 'a clock set back does not revive an expired token')
    assert.ok(provider.accepts(await account.token()))
    assert.equal(provider.requests, 1)
  }
})

test('a token that cannot be renewed does not outlive a clock set back either', async () => {
  const { clock, provider, another, store } = await signedIn()
  const stored = await store.load(bindingFor(provider))
  assert.ok(stored.state === 'present')
  const { credential, revision } = stored
  const tokens = { ...credential.tokens, refreshToken: null }
  await store.save(bindingFor(provider), { ...credential, tokens }, revision)
  const account = another().account()
  await account.token()
  await clock.advance(30 * minute)
  clock.jump(-25 * minute)
  await clock.advance(31 * minute)
  assert.equal(account.peek(), null)
  await assert.rejects(
    account.token(),
    (error) => error instanceof SignInRequired && error.reason === 'expired',
  )
})

test('429 from the token endpoint is obeyed', async () => {
  const { clock, provider, account } = await signedIn()
  provider.faults.push({ kind: 'status', status: 429, headers: { 'retry-after': '600' } })
  await clock.advance(46 * minute)
  for (let at = 0; at < 9; at++) {
    await account.token()
    await clock.advance(minute)
  }
  assert.equal(provider.requests, 1)
  await clock.advance(3 * minute)
  await account.token()
  await clock.settle()
  assert.equal(provider.requests, 2)
})

test('invalid_client is not a reason to sign out', async () => {
  const { clock, provider, account } = await signedIn()
  provider.faults.push({ kind: 'status', status: 401, body: { error: 'invalid_client' } })
  await clock.advance(61 * minute)
  await assert.rejects(account.token(), ProviderMisconfigured)
  await clock.advance(2 * minute)
  assert.ok(provider.accepts(await account.token()))
})

test('a captive portal’s page is not a token', async () => {
  const { clock, provider, account } = await signedIn({ replaySeconds: 30 })
  for (let i = 0; i < 3; i++) provider.faults.push({ kind: 'portal' })
  await clock.advance(50 * minute)
  assert.ok(provider.accepts(await account.token()))
  await clock.advance(4 * minute)
  await clock.advance(7 * minute)
  assert.ok(provider.accepts(await account.token()))
})

test('a caller who gives up leaves the shared renewal alone', async () => {
  const { clock, provider, account } = await signedIn()
  provider.options = { ...provider.options, delayMs: 1_000 }
  await clock.advance(61 * minute)
  const impatient = new AbortController()
  const gone = account.token({ signal: impatient.signal })
  const patient = account.token()
  await clock.settle()
  impatient.abort(new Error('enough'))
  await assert.rejects(gone, /enough/)
  await clock.advance(1_000)
  assert.ok(provider.accepts(await patient))
  assert.equal(provider.requests, 1)
})

test('a hanging token endpoint is given up in time', async () => {
  const { clock, provider, account } = await signedIn({ replaySeconds: 60 })
  provider.faults.push({ kind: 'hang' })
  await clock.advance(61 * minute)
  const token = account.token()
  await clock.advance(12_000)
  assert.ok(provider.accepts(await token))
})

test('callers who name the same refused token share one refresh, and refusals cannot storm', async () => {
  const { provider, account } = await signedIn()
  const refused = await account.token()
  const renewed = await Promise.all(
    Array.from({ length: 50 }, () => account.token({ stale: refused })),
  )
  assert.equal(new Set(renewed).size, 1)
  assert.notEqual(renewed[0], refused)
  assert.equal(provider.requests, 1)
  for (let i = 0; i < 20; i++) await account.token({ stale: await account.token() })
  assert.equal(provider.requests, 3, 'an API that refuses everything gets three a minute')
})

test('a set that could not be saved is saved as soon as that works, at the latest by close', async () => {
  for (const at of ['soon', 'close'] as const) {
    const disk = fillableDisk()
    const { clock, provider, account, auth, another } = await signedIn({}, { store: disk.store })
    disk.full = true
    const token = account.token({ stale: await account.token() })
    await clock.advance(5_000)
    await token
    disk.full = false
    if (at === 'soon') await clock.advance(5_000)
    else await auth.close()
    provider.requests = 0
    const next = another().account()
    assert.equal(await next.token(), await token)
    const status = await next.status()
    assert.ok(status.state === 'signed-in' && !status.interrupted && status.generation === 2)
    assert.equal(provider.requests, 0)
  }
})

test('an account that was let go is not renewed behind, and opens again where it was', async () => {
  const { clock, provider, auth, account } = await signedIn({}, { refresh: { background: true } })
  const token = await account.token()
  await auth.release()
  await clock.advance(50 * minute)
  assert.equal(provider.requests, 0)
  assert.equal(await auth.account().token(), token)
  await clock.advance(11 * minute)
  assert.ok(provider.accepts(await auth.account().token()))
  await auth.release('nobody')
  await auth.close()
})

test('a provider that answers a refresh with the same token ends no sign-in', async () => {
  const { account } = await signedIn(
    {},
    {
      provider: endpoints({ token: 'https://old.test/token' }),
      fetch: async () =>
        Response.json({ access_token: 'at', token_type: 'bearer', refresh_token: 'rt' }),
    },
  )
  assert.equal(await account.token({ stale: 'at' }), 'at')
})

test('a set that could not be saved is not lost, and its predecessor is not spent twice', async () => {
  const disk = fillableDisk()
  const { clock, provider, account, events } = await signedIn({}, { store: disk.store })
  await clock.advance(61 * minute)
  disk.full = true
  const token = account.token()
  await clock.advance(5_000)
  assert.ok(provider.accepts(await token), 'the old one is gone, so the unsaved one serves')
  assert.ok(events.some((event) => event.type === 'save_failed'))
  disk.full = false
  await clock.advance(10_000)
  await account.token()
  await clock.settle()
  await clock.advance(61 * minute)
  assert.ok(provider.accepts(await account.token()))
  assert.equal(rotations(provider), 'rotated rotated')
})

test('a store that breaks under a living token is read seldom, and signing in repairs it', async () => {
  const inner = memoryStore()
  let broken = false
  let loads = 0
  const store: CredentialStore = {
    ...inner,
    load: (binding) => {
      loads++
      return broken ? Promise.resolve({ state: 'damaged', detail: 'torn' }) : inner.load(binding)
    },
    save: async (binding, credential, revision) => {
      const now = await inner.load(binding)
      return inner.save(
        binding,
        credential,
        revision ?? (now.state === 'present' ? now.revision : null),
      )
    },
  }
  const { clock, provider, account, auth } = await signedIn({}, { store })
  const token = await account.token()
  broken = true
  loads = 0
  await clock.advance(50 * minute)
  for (let i = 0; i < 20; i++) {
    assert.equal(await account.token(), token)
    await clock.settle()
  }
  assert.ok(loads <= 2, `${loads} reads`)
  await clock.advance(12 * minute)
  await assert.rejects(
    account.token(),
    (error) => error instanceof SignInRequired && error.reason === 'damaged',
  )
  await auth.signInByCode(provider.code())
  broken = false
  assert.ok(provider.accepts(await account.token()))
})

test('a line slower than the tokens live is no reason to sign in again', async () => {
  const { clock, provider, account } = await signedIn({ lifetimeSeconds: 2 })
  await clock.advance(3_000)
  provider.options = { ...provider.options, delayMs: 3_000 }
  const asked = account.token()
  await clock.advance(3_000)
  assert.equal(typeof (await asked), 'string')
  assert.equal(rotations(provider), 'rotated')
})

test('a caller who left before a failure does not end the process', async () => {
  const { clock, provider, account } = await signedIn()
  await clock.advance(61 * minute)
  provider.faults.push({ kind: 'refuse-connection' })
  const gone = new AbortController()
  const asked = account.token({ signal: gone.signal })
  gone.abort(new Error('left'))
  await assert.rejects(asked, /left/)
  await clock.advance(5_000) // an unhandled rejection would fail this test file
})

test('who needs a longer life gets it before the early window, by one renewal for all', async () => {
  const { clock, provider, account } = await signedIn({ lifetimeSeconds: 600 })
  const first = await account.token()
  await clock.advance(5 * minute + 1_000) // the window opens after seven and a half
  assert.equal(await account.token(), first)
  const wanted = { minLifeMs: 5 * minute }
  const tokens = await Promise.all(Array.from({ length: 100 }, () => account.token(wanted)))
  assert.equal(new Set(tokens).size, 1)
  assert.notEqual(tokens[0], first)
  assert.equal(provider.redemptions.length, 1)
  assert.equal(await account.token({ minLifeMs: 60 * minute }), tokens[0], 'half a life at most')
})

test('the app’s own token comes and is renewed by client credentials', async () => {
  const { clock, provider, another } = await signedIn()
  const auth = another({ clientSecret: 's3cret' })
  const app = auth.app()
  const first = await app.token()
  assert.ok(provider.accepts(first))
  await clock.advance(61 * minute)
  const tokens = await Promise.all(Array.from({ length: 20 }, () => app.token()))
  assert.equal(new Set(tokens).size, 1)
  assert.notEqual(tokens[0], first)
  assert.deepEqual(await auth.accounts(), ['default'])
})

test('signing out forgets, revokes, and says so afterwards', async () => {
  const { provider, account } = await signedIn()
  const token = await account.token()
  assert.deepEqual(await account.signOut(), { atProvider: 'ended' })
  assert.equal(account.peek(), null)
  assert.ok(!provider.accepts(token), 'revoked at the provider')
  assert.deepEqual(await account.signOut(), { atProvider: 'nothing-to-end' })
  await assert.rejects(
    account.token(),
    (error) => error instanceof SignInRequired && error.reason === 'signed_out',
  )
})

test('signing out works offline, and says that the provider does not know', async () => {
  const { account, provider, another } = await signedIn()
  const token = await account.token()
  const offline = another({
    fetch: async (input, init) => {
      if (String(input).endsWith('/revoke'))
        throw Object.assign(new TypeError('fetch failed'), {
          cause: Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }),
        })
      return provider.fetch(input, init)
    },
  }).account()
  assert.deepEqual(await offline.signOut(), { atProvider: 'unreachable', detail: 'ECONNREFUSED' })
  await assert.rejects(offline.token(), SignInRequired)
  assert.ok(provider.accepts(token))
})

test('nothing that can be printed holds a token', async () => {
  const { clock, provider, store, account, auth, events } = await signedIn()
  const secrets = [await account.token(), await refreshTokenOf(store, provider)]
  provider.end(secrets[1] ?? '', 'revoked')
  await clock.advance(61 * minute)
  const error = await account.token().catch((e: unknown) => e)
  const stored = await store.load(bindingFor(provider))
  const shown = [account, auth, events, error, stored, await account.status()]
    .map((value) => inspect(value, { depth: 12, showHidden: true }) + JSON.stringify(value))
    .join('\n')
  for (const secret of secrets) assert.ok(!shown.includes(secret))
})

function bindingFor(provider: FakeProvider) {
  return { issuer: provider.issuer, clientId: 'app', account: 'default', resource: '' }
}

async function refreshTokenOf(store: CredentialStore, provider: FakeProvider): Promise<string> {
  const stored = await store.load(bindingFor(provider))
  assert.ok(stored.state === 'present')
  return stored.credential.tokens.refreshToken?.reveal() ?? ''
}
