import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import {
  buildInternet,
  type Internet,
  serverOnInternet,
} from '../../../../test/harness/internet.ts'
import { arrive, attempt, authorize, discover } from '../../../../test/harness/oauth-browser.ts'
import type { Person } from '../../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../../test/harness/server.ts'

const host = 'notes.example.test'
const clientId = `https://${host}/client.json`
const callback = `https://${host}/callback`
const day = 86_400_000

const described = (id = clientId, members: object = {}) => ({
  client_id: id,
  client_name: 'Notes',
  redirect_uris: [callback],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
  ...members,
})

type Reply = { status?: number; headers?: Record<string, string>; body?: unknown }

/** What each path of the app's host answers; how often it was asked is in `internet.requests`. */
function publish(internet: Internet, reply: Reply | ((url: string) => Reply)) {
  internet.serve((request, response) => {
    const url = `https://${request.headers.host}${request.url}`
    const {
      status = 200,
      headers = {},
      body = described(url),
    } = typeof reply === 'function' ? reply(url) : reply
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
}

const setUp = async (database?: 'sqlite' | 'postgres', env: Record<string, string> = {}) => {
  const internet = await buildInternet(host)
  publish(internet, {})
  return serverOnInternet(internet, { database, env })
}

const config = (server: TestServer, id = clientId) =>
  discover(server.origin, { client_id: id, redirect_uris: [callback], scope: '' })

const signIn = async (server: TestServer, person: Person, scope = 'openid chat:write') => {
  const client = await config(server)
  const started = await attempt(client, { redirect_uri: callback, scope })
  const back = await authorize(person, started.url)
  const tokens = await oidc.authorizationCodeGrant(client, back, {
    pkceCodeVerifier: started.verifier,
    expectedState: started.state,
    ...(scope.includes('openid') ? { expectedNonce: started.nonce } : {}),
  })
  return { client, tokens }
}

const authorizeUrl = (server: TestServer, id: string, redirectUri = callback) => {
  const url = new URL('/oauth/authorize', server.origin)
  url.search = String(
    new URLSearchParams({
      client_id: id,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'chat:write',
      state: 's',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    }),
  )
  return url
}

/** Asks for authorization and says what came of it: `asked`, or the text of the page that refuses. */
async function ask(server: TestServer, id = clientId, redirectUri = callback): Promise<string> {
  const response = await fetch(authorizeUrl(server, id, redirectUri), {
    redirect: 'manual',
    headers: { 'sec-fetch-site': 'none' },
  })
  const location = response.headers.get('location')
  if (response.status === 303 && location?.startsWith('/oauth/tx/')) return 'asked'
  assert.equal(location, null, 'nobody is sent anywhere')
  const page = await response.text()
  assert.ok(response.status === 400 || response.status === 503, page)
  return /<code>([^<]*)<\/code>/.exec(page)?.[1] ?? page
}

for (const database of databases) {
  test(`openid-client signs a person in with nothing but a URL for a client_id (${database})`, async () => {
    await using world = await setUp(database)
    const { server, person, internet } = world
    const { client, tokens } = await signIn(server, person)
    const metadata = client.serverMetadata() as { client_id_metadata_document_supported?: boolean }
    assert.equal(metadata.client_id_metadata_document_supported, true)
    const refreshed = await oidc.refreshTokenGrant(client, tokens.refresh_token ?? '')
    assert.ok(refreshed.access_token)
    const { items } = await person.expect<{ items: { client: object }[] }>(
      200,
      'GET',
      '/api/grants',
    )
    assert.deepEqual(items[0]?.client, {
      client_id: clientId,
      name: 'Notes',
      logo_uri: null,
      host,
    })
    assert.match(await arrive(person, authorizeUrl(server, clientId)), /^\/consent\?tx=/)
    assert.equal(internet.requests.length, 1, 'fresh for ten minutes')
  })

  test(`a redirect URI that leaves the document is refused from then on (${database})`, async () => {
    await using world = await setUp(database)
    const { server, internet } = world
    assert.equal(await ask(server), 'asked')
    const moved = `https://${host}/moved`
    publish(internet, { body: described(clientId, { redirect_uris: [moved] }) })
    assert.equal(await ask(server), 'asked', 'still fresh')
    server.clock.advance(601_000)
    assert.match(await ask(server), /redirect_uri/)
    assert.equal(await ask(server, clientId, moved), 'asked')
  })

  test(`of 50 first uses at once one reads the document (${database})`, async () => {
    await using world = await setUp(database)
    const { server, internet } = world
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(server)))
    assert.ok(answers.every((answer) => answer === 'asked'))
    assert.equal(internet.requests.length, 1)
  })

  test(`while the host of a document is away, sign-ins and refreshes go on for seven days (${database})`, async () => {
    await using world = await setUp(database)
    const { server, person, internet } = world
    let { client, tokens } = await signIn(server, person)
    publish(internet, { status: 503 })
    for (let days = 1; days < 7; days++) {
      server.clock.advance(day)
      tokens = { ...tokens, ...(await oidc.refreshTokenGrant(client, tokens.refresh_token ?? '')) }
      assert.equal(await ask(server), 'asked')
    }
    server.clock.advance(day)
    await assert.rejects(oidc.refreshTokenGrant(client, tokens.refresh_token ?? ''), {
      error: 'invalid_client',
    })
    assert.match(await ask(server), /status 503/)
    publish(internet, {})
    server.clock.advance(301_000)
    assert.equal(await ask(server), 'asked')
    assert.ok(await oidc.refreshTokenGrant(client, tokens.refresh_token ?? ''), 'nothing was lost')
  })
}

test('once a document is gone, nobody new signs in, and who is signed in stays for seven days', async () => {
  await using world = await setUp()
  const { server, person, internet } = world
  const { client, tokens } = await signIn(server, person)
  publish(internet, { status: 404 })
  server.clock.advance(601_000)
  assert.match(await ask(server), /status 404/)
  assert.ok(await oidc.refreshTokenGrant(client, tokens.refresh_token ?? ''))
})

test('a refresh never waits for the host of a document, and has it read again', async () => {
  await using world = await setUp()
  const { server, person, internet } = world
  const { client, tokens } = await signIn(server, person, 'chat:write')
  internet.serve(() => {}) // takes the request and is silent
  server.clock.advance(601_000)
  const before = performance.now()
  await oidc.refreshTokenGrant(client, tokens.refresh_token ?? '')
  assert.ok(performance.now() - before < 2_000, 'the document’s time-out is three seconds')
  while (internet.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
})

/** What is wrong with a document, and what its maker reads. */
const wrong: [name: string, reply: Reply, told: RegExp][] = [
  ['another client_id', { body: described(`https://${host}/other.json`) }, /client_id is not/],
  [
    'a client_id in another spelling',
    { body: described(`https://${host}:443/client.json`) },
    /client_id is not/,
  ],
  ['no client_id', { body: described(undefined, { client_id: undefined }) }, /client_id is not/],
  ['a secret', { body: described(undefined, { client_secret: 'x' }) }, /client_secret/],
  [
    'the end of a secret',
    { body: described(undefined, { client_secret_expires_at: 0 }) },
    /client_secret/,
  ],
  ...['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'tls_client_auth', 7].map(
    (method): [string, Reply, RegExp] => [
      `authentication by ${method}`,
      { body: described(undefined, { token_endpoint_auth_method: method }) },
      /token_endpoint_auth_method/,
    ],
  ),
  [
    'redirects to others alone',
    { body: described(undefined, { redirect_uris: ['https://evil.test/'] }) },
    /redirect_uris/,
  ],
  [
    'redirects to a sibling host',
    { body: described(undefined, { redirect_uris: [`https://a.${host}/`] }) },
    /redirect_uris/,
  ],
  [
    'redirects to another port',
    { body: described(undefined, { redirect_uris: [`https://${host}:8443/`] }) },
    /redirect_uris/,
  ],
  [
    'redirects to plain http',
    { body: described(undefined, { redirect_uris: [`http://${host}/`] }) },
    /redirect_uris/,
  ],
  [
    'redirects to a script',
    { body: described(undefined, { redirect_uris: ['javascript:alert(1)'] }) },
    /redirect_uris/,
  ],
  [
    'redirects to a foreign scheme',
    { body: described(undefined, { redirect_uris: ['com.evil.app:/cb'] }) },
    /redirect_uris/,
  ],
  [
    'redirects with a fragment',
    { body: described(undefined, { redirect_uris: [`${callback}#x`] }) },
    /redirect_uris/,
  ],
  ['no redirects', { body: described(undefined, { redirect_uris: [] }) }, /redirect_uris/],
  [
    'redirects that are no list',
    { body: described(undefined, { redirect_uris: callback }) },
    /redirect_uris/,
  ],
  [
    'a name that turns the text around',
    { body: described(undefined, { client_name: 'evil\u202e' }) },
    /client_name/,
  ],
  [
    'no code grant',
    { body: described(undefined, { grant_types: ['client_credentials'] }) },
    /grant_types/,
  ],
  [
    'the implicit flow',
    { body: described(undefined, { response_types: ['token'] }) },
    /response_types/,
  ],
  ['a list', { body: '[]' }, /not a JSON object/],
  ['nothing', { body: '' }, /not JSON/],
  ['another type', { headers: { 'content-type': 'text/html' } }, /application\/json/],
  ['compression', { headers: { 'content-encoding': 'gzip' } }, /application\/json/],
  [
    'more than 5 KB',
    { body: described(undefined, { software: 'x'.repeat(5_120) }) },
    /larger than 5120/,
  ],
  ['a redirect', { status: 302, headers: { location: clientId } }, /redirect/],
  ['an empty success', { status: 204, body: '' }, /status 204/],
  ['not found', { status: 404 }, /status 404/],
]

test('a document that is not what it must be makes no client, and its maker reads why', async () => {
  await using world = await setUp()
  const { server, internet } = world
  for (const [name, reply, told] of wrong) {
    publish(internet, reply)
    assert.match(await ask(server), told, name)
    server.clock.advance(600_000) // past every pause
  }
  assert.equal(internet.requests.length, wrong.length, 'no redirect was followed')
  publish(internet, {})
  assert.equal(await ask(server), 'asked')
})

/** client_ids that are no document's URL, or lead where nobody may be sent. */
const refusedIds = [
  'http://notes.example.test/client.json',
  'https://notes.example.test',
  'https://notes.example.test/a/../client.json',
  'https://notes.example.test/a/%2e%2e/client.json',
  'https://notes.example.test/./client.json',
  'https://notes.example.test/client.json#x',
  'https://me@notes.example.test/client.json',
  'https://me:pw@notes.example.test/client.json',
  'https://notes.example.test:443/client.json',
  'https://NOTES.example.test/client.json',
  'HTTPS://notes.example.test/client.json',
  'https://notes.example.test./client.json',
  'https://notes.example.test\\client.json',
  'https://notes.example.test/\tclient.json',
  ' https://notes.example.test/client.json',
  'https://notes.example.test:22/client.json',
  'https://notes.example.test:6379/client.json',
  `https://notes.example.test/${'a'.repeat(500)}`,
  'https://localhost/client.json',
  'https://localhost:4000/client.json',
  'https://intranet/client.json',
  'https://metadata.google.internal/client.json',
  'https://127.0.0.1/client.json',
  'https://127.1/client.json',
  'https://2130706433/client.json',
  'https://0x7f000001/client.json',
  'https://0177.0.0.1/client.json',
  'https://169.254.169.254/latest/meta-data',
  'https://10.0.0.1/client.json',
  'https://192.168.1.1/client.json',
  'https://100.64.0.1/client.json',
  'https://0.0.0.0/client.json',
  'https://[::1]/client.json',
  'https://[::ffff:127.0.0.1]/client.json',
  'https://[64:ff9b::7f00:1]/client.json',
  'https://[fd00::1]/client.json',
  'https://[fe80::1]/client.json',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:application/json,{}',
  'ftp://notes.example.test/client.json',
]

test('no client_id makes the server connect to a near address or ask for its name', async () => {
  await using world = await setUp()
  const { server, internet } = world
  for (const id of refusedIds) {
    const told = await ask(server, id)
    assert.match(told, /^invalid_client: client is invalid$/, id)
  }
  assert.deepEqual(internet.asked, [])
  for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', 'fd00::1', '::ffff:7f00:1']) {
    internet.name('near.example.test', [address])
    const id = `https://near.example.test/${encodeURIComponent(address)}`
    // The same words as for a host that does not answer: no map of what lies behind us.
    assert.match(await ask(server, id), /: it could not be fetched$/, address)
  }
  assert.match(await ask(server, 'https://nobody.example.test/x'), /: it could not be fetched$/)
  assert.deepEqual(internet.connected, [])
})

test('a failure is not tried again before its pause, which grows and ends', async () => {
  await using world = await setUp()
  const { server, internet } = world
  publish(internet, { status: 500 })
  const reads = async (seconds: number) => {
    server.clock.advance(seconds * 1_000)
    await ask(server)
    return internet.requests.length
  }
  assert.equal(await reads(0), 1)
  assert.equal(await reads(9), 1)
  assert.equal(await reads(1), 2)
  assert.equal(await reads(19), 2)
  assert.equal(await reads(1), 3)
  publish(internet, {})
  assert.equal(await reads(39), 3)
  assert.equal(await reads(1), 4)
  assert.equal(await ask(server), 'asked')
})

test('Cache-Control decides how long a document is fresh, within a minute and a day', async () => {
  await using world = await setUp()
  const { server, internet } = world
  const cases: [headers: Record<string, string>, seconds: number][] = [
    [{}, 600],
    [{ 'cache-control': 'no-store' }, 60],
    [{ 'cache-control': 'max-age=1' }, 60],
    [{ 'cache-control': 'public, max-age=3600' }, 3_600],
    [{ 'cache-control': 'max-age=3600', age: '600' }, 3_000],
    [{ 'cache-control': 'max-age=99999999' }, 86_400],
    [{ 'cache-control': 'private="max-age=5"' }, 600],
  ]
  for (const [i, [headers, seconds]] of cases.entries()) {
    const id = `https://${host}/${i}.json`
    publish(internet, (url) => ({ headers, body: described(url) }))
    const reads = () => internet.requests.filter(({ url }) => url === `/${i}.json`).length
    await ask(server, id)
    server.clock.advance((seconds - 2) * 1_000)
    await ask(server, id)
    assert.equal(reads(), 1, JSON.stringify(headers))
    server.clock.advance(4_000)
    await ask(server, id)
    assert.equal(reads(), 2, JSON.stringify(headers))
  }
})

test('documents nobody has seen are counted, and known ones are not held up by that', async () => {
  await using world = await setUp()
  const { server, internet } = world
  assert.equal(await ask(server), 'asked')
  const answers: string[] = []
  for (let i = 0; i < 25; i++) answers.push(await ask(server, `https://${host}/new-${i}.json`))
  assert.equal(answers.filter((answer) => answer === 'asked').length, 19)
  assert.equal(answers.filter((answer) => /unavailable/i.test(answer)).length, 6)
  assert.equal(internet.requests.length, 20)
  server.clock.advance(65_000)
  publish(internet, { headers: { 'cache-control': 'max-age=0' } })
  assert.equal(await ask(server), 'asked')
})

test('the token endpoint reads no document in a stranger’s name', async () => {
  await using world = await setUp()
  const { server, internet } = world
  for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
    const response = await fetch(server.origin + path, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: clientId,
        grant_type: 'refresh_token',
        refresh_token: 'x',
        token: 'x',
      }),
    })
    assert.equal(((await response.json()) as { error: string }).error, 'invalid_client')
  }
  assert.deepEqual(internet.asked, [])
})

test('the person sees whose document it is, and is warned where an app comes back to their own machine', async () => {
  await using world = await setUp()
  const { server, person, internet } = world
  const loopback = 'http://127.0.0.1:33418/callback'
  publish(internet, {
    body: described(clientId, { redirect_uris: [callback, 'http://127.0.0.1/callback'] }),
  })
  for (const [uri, isLoopback] of [
    [callback, false],
    [loopback, true],
  ] as const) {
    const where = await arrive(person, authorizeUrl(server, clientId, uri))
    const tx = /^\/consent\?tx=(.+)$/.exec(where)?.[1]
    const { client } = await person.expect<{ client: object }>(
      200,
      'GET',
      `/api/oauth/transactions/${tx}`,
    )
    assert.deepEqual(client, {
      client_id: clientId,
      name: 'Notes',
      logo_uri: null,
      redirect_host: new URL(uri).hostname,
      described_by: host,
      verified: false,
      loopback: isLoopback,
    })
  }
})

test('a document asks for no more than a client that registers itself', async () => {
  await using world = await setUp()
  const { server, internet } = world
  publish(internet, {
    body: described(clientId, {
      scope: 'chat:write keys:manage made:up',
      grant_types: ['authorization_code', 'client_credentials', 'implicit'],
    }),
  })
  assert.equal(await ask(server), 'asked')
  const stored = await server.platform.database
    .tables<{ oauth_clients: { id: string; metadata: string } }>()
    .query.selectFrom('oauth_clients')
    .select('metadata')
    .where('id', '=', clientId)
    .executeTakeFirstOrThrow()
  const metadata = JSON.parse(stored.metadata) as { scope: string; grant_types: string[] }
  assert.equal(metadata.scope, 'chat:write')
  assert.deepEqual(metadata.grant_types, ['authorization_code'])
})

test('a document has us tell its own server of sign-outs, and no other', async () => {
  for (const [uri, told] of [
    [`https://${host}/signed-out`, 1],
    ['https://elsewhere.example.test/signed-out', 0],
    [`https://${host}:8443/signed-out`, 0],
  ] as const) {
    await using set = await setUp()
    const { internet, server, person } = set
    publish(internet, (url) => ({ body: described(url, { backchannel_logout_uri: uri }) }))
    await signIn(server, person)
    const asked = internet.requests.length
    await person.expect(204, 'DELETE', '/api/sessions/current')
    await server.oauth.deliverLogouts()
    const posts = internet.requests.slice(asked).map(({ method, url }) => `${method} ${url}`)
    assert.deepEqual(posts, told ? ['POST /signed-out'] : [], uri)
  }
})

test('a native app may come back under a scheme made of the name of the host', async () => {
  await using world = await setUp()
  const { server, internet } = world
  const uris = ['test.example.notes:/cb', 'test.example.notes.desktop:/cb', 'test.example.note:/cb']
  publish(internet, { body: described(clientId, { redirect_uris: uris }) })
  assert.equal(await ask(server, clientId, uris[0]), 'asked')
  assert.equal(await ask(server, clientId, uris[1]), 'asked')
  assert.match(await ask(server, clientId, uris[2]), /redirect_uri/)
})

test('a program in a terminal gets a device code by its document', async () => {
  await using world = await setUp()
  const { server, person, internet } = world
  publish(internet, {
    body: described(clientId, {
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: [
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
    }),
  })
  const client = await config(server)
  const started = await oidc.initiateDeviceAuthorization(client, { scope: 'chat:write' })
  const claimed = await person.expect<{ client: { described_by: string } }>(
    200,
    'POST',
    '/api/oauth/device/claim',
    { user_code: started.user_code },
  )
  assert.equal(claimed.client.described_by, host)
})

test('a described client that nobody used for 30 days is gone, and comes back when it is read again', async () => {
  await using world = await setUp()
  const { server, person, internet } = world
  const { client, tokens } = await signIn(server, person)
  server.clock.advance(30 * day)
  await assert.rejects(oidc.refreshTokenGrant(client, tokens.refresh_token ?? ''), {
    error: 'invalid_client',
  })
  assert.equal(await ask(server), 'asked')
  assert.equal(internet.requests.length, 2)
})

test('documents on this machine are read where development allows it, and nowhere else', async () => {
  const app = createServer((request, response) => {
    const id = `http://${request.headers.host}${request.url}`
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(described(id, { redirect_uris: [new URL('/cb', id).href] })))
  })
  app.listen(0, '127.0.0.1')
  await once(app, 'listening')
  const { port } = app.address() as AddressInfo
  try {
    for (const near of ['localhost', '127.0.0.1']) {
      const id = `http://${near}:${port}/client.json`
      const cb = `http://${near}:${port}/cb`
      await using closed = await startServer()
      assert.match(await ask(closed, id, cb), /^invalid_client: client is invalid$/)
      await using open = await startServer({ env: { LATCHKEY_LOOPBACK_FETCH: 'allow' } })
      assert.equal(await ask(open, id, cb), 'asked')
    }
  } finally {
    app.close()
  }
})
