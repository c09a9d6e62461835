import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import Provider from 'oidc-provider'
import { createAuth, discover, memoryStore, SignInFailed, SignInRequired } from '../index.ts'
import { person } from '../sign-in/person.fixture.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { browserCommand, hasBrowser } from './browser.ts'
import { signInAtTerminal, signInByLoopback } from './loopback.ts'

// node-oidc-provider as an independent witness: nothing of it knows our SDK.
const server = createServer()
let issuer = ''
const scopes = ['openid', 'offline_access']

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const shown = console.warn
  console.warn = () => {} // its hints about production
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'cli',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    rotateRefreshToken: true,
    scopes,
    features: { revocation: { enabled: true } },
    cookies: { keys: ['a key for tests'] },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  })
  console.warn = shown
  server.on('request', provider.callback())
})
after(() => {
  server.close()
  server.closeAllConnections()
})

const signIn = (auth: ReturnType<typeof createAuth>, account = 'alice') => {
  let browser = Promise.resolve({ status: 0, text: '', url: '' })
  return signInByLoopback(auth, {
    account,
    onLink: () => {},
    open: (link) => {
      browser = person(link)
    },
  }).then(async (signedIn) => ({ account: signedIn, page: await browser }))
}

test('a CLI signs in at node-oidc-provider on any port, id_token checked, and keeps rotating', async () => {
  const store = memoryStore()
  const open = () =>
    createAuth({
      provider: discover(issuer),
      clientId: 'cli',
      scopes,
      store,
      refresh: { background: false },
    })
  const auth = open()
  const { account, page } = await signIn(auth)
  assert.equal(page.status, 200)
  assert.match(page.text, /You are signed in/)
  const status = await account.status()
  assert.ok(status.state === 'signed-in' && status.subject === 'alice' && status.canRefresh)

  const first = await account.token()
  const renewed = await Promise.all(
    Array.from({ length: 20 }, () => account.token({ stale: first })),
  )
  assert.equal(new Set(renewed).size, 1)
  assert.notEqual(renewed[0], first)
  // A neighbour that still holds the first one adopts, and does not spend the old refresh token.
  const neighbour = open().account('alice')
  assert.equal(await neighbour.token({ stale: first }), renewed[0])
  assert.notEqual(await account.token({ stale: renewed[0] ?? '' }), renewed[0])
  await account.signOut()
  await assert.rejects(account.token(), SignInRequired)
})

test('a copied credential is the documented trap: one copy is refused, and the way out works', async () => {
  const stores = [memoryStore(), memoryStore()] as const
  const open = (store: (typeof stores)[number]) =>
    createAuth({ provider: discover(issuer), clientId: 'cli', scopes, store })
  const auth = open(stores[0])
  const { account } = await signIn(auth)
  const binding = { issuer, clientId: 'cli', account: 'alice', resource: '' }
  const stored = await stores[0].load(binding)
  assert.ok(stored.state === 'present')
  await stores[1].save(binding, stored.credential, null)
  const copy = open(stores[1]).account('alice')
  await copy.token({ stale: await copy.token() })
  await assert.rejects(
    account.token({ stale: await account.token() }),
    (error) => error instanceof SignInRequired && error.reason === 'refused',
  )
  const again = await signIn(auth)
  assert.ok(await again.account.token())
  await auth.close()
})

test('strangers at the port get nothing and disturb nothing', async () => {
  const auth = createAuth({ provider: discover(issuer), clientId: 'cli', scopes: ['openid'] })
  const statuses: number[] = []
  const account = await signInByLoopback(auth, {
    onLink: () => {},
    open: async (link) => {
      const redirect = new URL(new URL(link).searchParams.get('redirect_uri') ?? '')
      const state = new URL(link).searchParams.get('state') ?? ''
      for (const [path, method] of [
        ['/', 'GET'],
        ['/callback', 'GET'],
        ['/callback?state=wrong&code=x', 'GET'],
        [`/callback?state=${state}&code=x`, 'POST'],
      ])
        statuses.push((await fetch(new URL(path ?? '', redirect), { method: method ?? '' })).status)
      await person(link)
    },
  })
  assert.deepEqual(statuses, [404, 404, 404, 404])
  assert.ok(await account.token())
})

test('nobody comes: it ends in time, and the port is free again', async () => {
  const auth = createAuth({ provider: discover(issuer), clientId: 'cli' })
  let redirect = ''
  const waiting = signInByLoopback(auth, {
    onLink: (link) => {
      redirect = new URL(link).searchParams.get('redirect_uri') ?? ''
    },
    open: () => {},
    timeoutMs: 1,
  })
  await assert.rejects(
    waiting,
    (error) => error instanceof SignInFailed && error.code === 'sign_in_timeout',
  )
  await assert.rejects(fetch(redirect))
})

test('page and errors speak the language of the app', async () => {
  const provider = new FakeProvider()
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'cli',
    locale: 'zh',
    fetch: provider.fetch,
  })
  let page = Promise.resolve('')
  await signInByLoopback(auth, {
    onLink: (link) => {
      page = fetch(provider.visit(link)).then((response) => response.text())
    },
    open: () => {},
  })
  assert.match(await page, /登录成功/)
  await assert.rejects(
    signInByLoopback(auth, { onLink: () => {}, open: () => {}, timeoutMs: 1 }),
    /登录未在规定时间内完成/,
  )
})

test('without a browser the device code is tried, and the link is the fallback', async () => {
  const auth = createAuth({ provider: discover(issuer), clientId: 'cli', scopes: ['openid'] })
  const account = await signInAtTerminal(auth, {
    browser: false, // this provider offers no device code
    open: () => {},
    onPrompt: ({ link }) => void person(link),
  })
  assert.ok(await account.token())
})

test('only web pages are opened, never through a shell', () => {
  for (const url of [
    'javascript:alert(1)',
    'file:///etc/passwd',
    'x-apple.systempreferences:',
    '-a Calculator',
    '',
    'data:text/html,x',
  ])
    assert.equal(browserCommand(url), null, url)
  for (const system of ['linux', 'darwin', 'win32'] as const) {
    const command = browserCommand('https://id.test/?a=$(touch /tmp/x)&b="c"`d`', system)
    assert.equal(command?.args.at(-1), 'https://id.test/?a=$(touch%20/tmp/x)&b=%22c%22`d`')
    assert.ok(!['sh', 'cmd', 'cmd.exe', 'powershell'].includes(command?.program ?? ''))
  }
  assert.equal(hasBrowser({ DISPLAY: ':0', SSH_CONNECTION: 'x' }, 'linux'), false)
  assert.equal(hasBrowser({ DISPLAY: ':0' }, 'linux'), true)
  assert.equal(hasBrowser({}, 'linux'), false)
})
