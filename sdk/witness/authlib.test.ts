import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { without } from '../../test/harness/debian.ts'
import {
  type Auth,
  type AuthOptions,
  createAuth,
  endpoints,
  memoryStore,
  SignInFailed,
  SignInRequired,
} from '../src/index.ts'
import { virtualClock } from '../src/testing/index.ts'

// A bare authorization server of Debian's Authlib and Flask: no metadata, nothing of it knows the SDK.
const skip = without('authlib') || without('flask')
const redirectUri = 'https://app.test/callback'
let python: ChildProcess | undefined
let origin = ''

before(async () => {
  if (skip) return
  const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'authlib/server.py')], {
    env: { PATH: '/usr/bin', AUTHLIB_INSECURE_TRANSPORT: '1', NO_PROXY: '*' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  python = child
  for await (const line of createInterface(child.stdout)) {
    origin = line
    break
  }
  assert.match(origin, /^http:/)
})
after(async () => {
  if (!python) return
  python.kill()
  await once(python, 'exit')
})

const open = (by: Partial<AuthOptions> = {}) =>
  createAuth({
    provider: endpoints({
      token: `${origin}/token`,
      authorize: `${origin}/authorize`,
      device: `${origin}/device`,
      revoke: `${origin}/revoke`,
    }),
    clientId: 'cli',
    scopes: ['read'],
    refresh: { background: false },
    ...by,
  })

const control = async (order: object): Promise<string[]> => {
  const answer = await fetch(`${origin}/control`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  })
  return ((await answer.json()) as { seen: string[] }).seen
}

/** alice allows at once; the browser comes back with the code. */
async function signIn(auth: Auth) {
  const { url, transaction } = await auth.beginSignIn({ redirectUri })
  const answer = await fetch(url, { redirect: 'manual' })
  return auth.finishSignIn(transaction, answer.headers.get('location') ?? '')
}

test('a public client signs in with PKCE, calls, refreshes by rotation and signs out', {
  skip,
}, async () => {
  const account = await signIn(open())
  const http = account.fetch({ origins: [origin] })
  assert.deepEqual(await (await http(`${origin}/me`)).json(), { user: 'alice', client: 'cli' })
  const first = await account.token()
  const before = (await control({})).length
  const renewed = await Promise.all(
    Array.from({ length: 20 }, () => account.token({ stale: first })),
  )
  assert.equal(new Set(renewed).size, 1)
  assert.deepEqual((await control({})).slice(before), ['rotated'])
  const refused = await fetch(`${origin}/me`, { headers: { authorization: 'Bearer nobodys' } })
  assert.equal(refused.status, 401)
  assert.equal((await http(`${origin}/me`)).status, 200)
  assert.deepEqual(await account.signOut(), { atProvider: 'ended' })
  const authorization = `Bearer ${renewed[0]}`
  assert.equal((await fetch(`${origin}/me`, { headers: { authorization } })).status, 401)
})

test('tokens that live for a second reach the API alive, and two instances spend each refresh token once', {
  skip,
}, async () => {
  await control({ life: { seconds: 1 } })
  try {
    const store = memoryStore()
    const account = await signIn(open({ store }))
    const neighbour = open({ store }).account()
    const before = (await control({})).length
    const seen = new Set<string>()
    const until = Date.now() + 2_500
    while (Date.now() < until)
      for (const one of [account, neighbour]) {
        const authorization = `Bearer ${await one.token({ minLifeMs: 500 })}`
        seen.add(authorization)
        const answer = await fetch(`${origin}/me`, { headers: { authorization } })
        assert.equal(answer.status, 200)
        await answer.text()
      }
    const rotations = (await control({})).slice(before)
    assert.ok(seen.size >= 3 && rotations.length >= seen.size - 1)
    assert.deepEqual(new Set(rotations), new Set(['rotated']))
  } finally {
    await control({ life: { seconds: 3_600 } })
  }
})

test('an access token ended at the server is renewed behind one 401; an ended sign-in is told', {
  skip,
}, async () => {
  const account = await signIn(open())
  const http = account.fetch({ origins: [origin] })
  const first = await account.token()
  await control({ end: 'access' })
  assert.equal((await http(`${origin}/me`)).status, 200)
  assert.notEqual(await account.token(), first)
  await control({ end: 'all' })
  await assert.rejects(
    http(`${origin}/me`),
    (error) => error instanceof SignInRequired && error.reason === 'refused',
  )
})

test('a confidential client: redirect, and its own token by client credentials', {
  skip,
}, async () => {
  for (const clientAuth of ['client_secret_basic', 'client_secret_post'] as const) {
    const auth = open({ clientId: 'web', clientSecret: 'secret', clientAuth })
    const account = await signIn(auth)
    assert.ok(await account.token({ stale: await account.token() }))
    const own = auth.app().fetch({ origins: [origin] })
    assert.deepEqual(await (await own(`${origin}/me`)).json(), { user: null, client: 'web' })
  }
  await assert.rejects(signIn(open({ clientId: 'web', clientSecret: 'wrong' })), /invalid_client/)
})

test('a device signs in at the server’s pace', { skip }, async () => {
  const clock = virtualClock()
  const auth = open({ clock })
  let code = ''
  const waiting = auth.signInByDevice({
    onPrompt: (prompt) => {
      code = prompt.code
      assert.equal(prompt.link, `${origin}/activate`)
    },
  })
  const until = async (holds: () => boolean) => {
    for (let tries = 0; !holds(); tries++) {
      assert.ok(tries < 500)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  await until(() => code !== '')
  await clock.advance(5_000) // pending
  await control({ approve: true })
  let done = false
  void waiting.then(() => {
    done = true
  })
  for (let polls = 0; !done && polls < 50; polls++) {
    await clock.advance(5_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const http = (await waiting).fetch({ origins: [origin] })
  assert.deepEqual(await (await http(`${origin}/me`)).json(), { user: 'alice', client: 'cli' })
})

test('a code of somebody else’s attempt is refused', { skip }, async () => {
  const auth = open()
  const mine = await auth.beginSignIn({ redirectUri })
  const theirs = await open().beginSignIn({ redirectUri })
  const answer = await fetch(theirs.url, { redirect: 'manual' })
  const back = new URL(answer.headers.get('location') ?? '')
  await assert.rejects(auth.finishSignIn(mine.transaction, back), SignInFailed)
  back.searchParams.set('state', mine.transaction.state)
  await assert.rejects(auth.finishSignIn(mine.transaction, back), SignInFailed, 'PKCE')
})
