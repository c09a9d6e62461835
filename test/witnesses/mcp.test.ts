import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as next from '@modelcontextprotocol/client'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { decodeJwt } from 'jose'
import * as oidc from 'openid-client'
import { buildInternet } from '../harness/internet.ts'
import { type Kept, keeper, mcpCallback, type NotesServer, notesServer } from '../harness/mcp.ts'
import { authorize, discover, registerApp, signIn } from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

const minute = 60_000

async function setUp(options: Pick<Parameters<typeof startServer>[0] & {}, 'outbound'> = {}) {
  const notes = await notesServer()
  const server = await startServer({
    ...options,
    env: { LATCHKEY_RESOURCES: JSON.stringify([notes.setting]) },
  })
  await notes.start(server.origin)
  return { notes, server, ...(await signedUp(server.origin)) }
}

type Generation = {
  name: string
  /** Connects and calls; `refused` is thrown where the person has to be asked first. */
  call(
    notes: NotesServer,
    provider: ReturnType<typeof keeper>,
    tool: string,
    options?: { input?: Record<string, unknown>; fetch?: typeof fetch },
  ): Promise<string>
  /** Redeems what the browser brought to the redirect URI. */
  finish(notes: NotesServer, provider: ReturnType<typeof keeper>, back: URL): Promise<void>
  refused: new (...input: never[]) => Error
  /** Whether it asks for more although it has a refresh token. */
  steps: boolean
}

const text = (result: object) => (result as { content: { text: string }[] }).content[0]?.text ?? ''

/** Without the one that version 2 adds where it may have refresh tokens. */
const scopesOf = (url: URL | undefined) =>
  (url?.searchParams.get('scope') ?? '').split(' ').filter((scope) => scope !== 'offline_access')

const generations: Generation[] = [
  {
    name: 'SDK 1',
    async call({ resource }, authProvider, name, { input = {}, ...options } = {}) {
      const client = new Client({ name: 'witness', version: '1' })
      await client.connect(
        new StreamableHTTPClientTransport(new URL(resource), { authProvider, ...options }) as never,
      )
      return text(await client.callTool({ name, arguments: input }).finally(() => client.close()))
    },
    async finish({ resource }, authProvider, back) {
      const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider })
      await transport.finishAuth(back.searchParams.get('code') ?? '')
    },
    refused: UnauthorizedError,
    steps: false,
  },
  {
    name: 'SDK 2',
    async call({ resource }, authProvider, name, { input = {}, ...options } = {}) {
      const client = new next.Client({ name: 'witness', version: '1' })
      await client.connect(
        new next.StreamableHTTPClientTransport(new URL(resource), { authProvider, ...options }),
      )
      return text(await client.callTool({ name, arguments: input }).finally(() => client.close()))
    },
    async finish({ resource }, authProvider, back) {
      const transport = new next.StreamableHTTPClientTransport(new URL(resource), { authProvider })
      await transport.finishAuth(back.searchParams)
    },
    refused: next.UnauthorizedError,
    steps: true,
  },
]

for (const { name, call, finish, refused, steps } of generations) {
  /** Signs in where that is asked, as often as it is asked, and returns what the tool said. */
  const through = async (notes: NotesServer, person: Person, kept: Kept, tool: string) => {
    const provider = keeper(kept)
    await assert.rejects(call(notes, provider, tool), refused)
    assert.ok(kept.browser)
    const back = await authorize(person, kept.browser)
    assert.equal(back.searchParams.get('state'), kept.state)
    await finish(notes, provider, back)
    return call(notes, provider, tool)
  }

  test(`${name} signs in with nothing but the address of the MCP server`, async () => {
    const { notes, server, person, accountId } = await setUp()
    await using _ = notes
    await using __ = server
    const asked: string[] = []
    const watched: typeof fetch = async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input)
      const answer = await fetch(input, init)
      asked.push(`${init?.method ?? 'GET'} ${url.pathname} ${answer.status}`)
      return answer
    }
    const kept: Kept = {}
    const provider = keeper(kept)
    await assert.rejects(call(notes, provider, 'list_notes', { fetch: watched }), refused)
    assert.deepEqual(asked, [
      'POST /mcp 401',
      'GET /.well-known/oauth-protected-resource/mcp 200',
      'GET /.well-known/oauth-authorization-server 200',
      'POST /oauth/register 201',
    ])
    const url = kept.browser ?? new URL('about:blank')
    assert.equal(url.origin + url.pathname, `${server.origin}/oauth/authorize`)
    assert.equal(url.searchParams.get('resource'), notes.resource)
    assert.deepEqual(scopesOf(url), ['notes:read'])
    assert.equal(url.searchParams.get('code_challenge_method'), 'S256')

    const back = await authorize(person, url)
    assert.equal(back.origin + back.pathname, mcpCallback)
    assert.equal(back.searchParams.get('iss'), server.origin)
    await finish(notes, provider, back)
    assert.equal(await call(notes, provider, 'list_notes'), 'No notes yet.')

    const claims = decodeJwt(kept.tokens?.access_token ?? '')
    assert.deepEqual(
      [claims.iss, claims.aud, claims.sub, claims.client_id, claims.scope],
      [server.origin, notes.resource, accountId, kept.client?.client_id, 'notes:read'],
    )
    const models = await fetch(`${server.origin}/v1/models`, {
      headers: { authorization: `Bearer ${kept.tokens?.access_token}` },
    })
    assert.equal(models.status, 401, 'the gateway lets nobody in by it')
  })

  test(`${name} refreshes when its token has run out, and nobody is asked`, async () => {
    const { notes, server, person } = await setUp()
    await using _ = notes
    await using __ = server
    const kept: Kept = {}
    server.clock.advance(-15 * minute)
    await assert.rejects(through(notes, person, kept, 'list_notes'), 'expired when issued')
    server.clock.advance(15 * minute)
    const [old] = [kept.tokens]
    assert.ok(old?.refresh_token)
    delete kept.browser
    assert.equal(await call(notes, keeper(kept), 'list_notes'), 'No notes yet.')
    assert.equal(kept.browser, undefined)
    assert.notEqual(kept.tokens?.refresh_token, old.refresh_token)
    assert.equal(decodeJwt(kept.tokens?.access_token ?? '').aud, notes.resource)
  })

  test(`${name} asks the person anew when access was taken back or the client is gone`, async () => {
    const { notes, server, person, email, password } = await setUp()
    await using _ = notes
    await using __ = server
    const kept: Kept = {}
    await through(notes, person, kept, 'list_notes')
    const first = kept.client?.client_id
    const { items } = await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/grants')
    await person.expect(204, 'DELETE', `/api/grants/${items[0]?.id}`)
    if (kept.tokens) kept.tokens.access_token = 'not-a-token' // it has run out
    assert.equal(await through(notes, person, kept, 'list_notes'), 'No notes yet.')
    assert.equal(kept.client?.client_id, first)

    server.clock.advance(31 * 24 * 60 * minute) // nobody used the registration for a month
    if (kept.tokens) kept.tokens.access_token = 'not-a-token'
    await person.expect(201, 'POST', '/api/sessions', { email, password })
    assert.equal(await through(notes, person, kept, 'list_notes'), 'No notes yet.')
    assert.notEqual(kept.client?.client_id, first, 'it has registered again by itself')
  })

  test(`${name} registers nowhere when it has a document that describes it`, async () => {
    const clientId = 'https://notes-client.example.test/client.json'
    await using internet = await buildInternet('notes-client.example.test')
    internet.serve((_request, response) => {
      response.setHeader('content-type', 'application/json')
      const described = { client_id: clientId, ...keeper({}).clientMetadata }
      response.end(JSON.stringify(described))
    })
    const { notes, server, person, accountId } = await setUp({ outbound: internet.edges })
    await using _ = notes
    await using __ = server
    const kept: Kept = {}
    const provider = keeper(kept, undefined, clientId)
    const asked: string[] = []
    const watched: typeof fetch = (input, init) => {
      asked.push(new URL(input instanceof Request ? input.url : input).pathname)
      return fetch(input, init)
    }
    await assert.rejects(call(notes, provider, 'list_notes', { fetch: watched }), refused)
    assert.ok(!asked.includes('/oauth/register'))
    assert.equal(kept.browser?.searchParams.get('client_id'), clientId)
    await finish(notes, provider, await authorize(person, kept.browser ?? ''))
    assert.equal(await call(notes, provider, 'list_notes'), 'No notes yet.')
    const claims = decodeJwt(kept.tokens?.access_token ?? '')
    assert.deepEqual(
      [claims.client_id, claims.aud, claims.sub],
      [clientId, notes.resource, accountId],
    )
    const [old] = [kept.tokens]
    if (kept.tokens) kept.tokens.access_token = 'not-a-token' // it has run out
    assert.equal(await call(notes, provider, 'list_notes'), 'No notes yet.')
    assert.notEqual(kept.tokens?.refresh_token, old?.refresh_token)
    assert.equal(internet.requests.length, 1)
  })

  test(`${name} steps up when a tool takes more than was allowed`, async () => {
    const { notes, server, person } = await setUp()
    await using _ = notes
    await using __ = server
    const kept: Kept = {}
    // Version 1 answers 403 by a refresh when it can, which gets no wider token, and gives up.
    const provider = keeper(kept, ['authorization_code', ...(steps ? ['refresh_token'] : [])])
    const input = { text: 'Buy milk' }
    await assert.rejects(call(notes, provider, 'list_notes'), refused)
    await finish(notes, provider, await authorize(person, kept.browser ?? ''))
    await call(notes, provider, 'list_notes')
    await assert.rejects(call(notes, provider, 'add_note', { input }), refused)
    assert.deepEqual(scopesOf(kept.browser), ['notes:read', 'notes:write'])
    const denied = await authorize(person, kept.browser ?? '', 'deny')
    assert.equal(denied.searchParams.get('error'), 'access_denied')
    assert.equal(await call(notes, provider, 'list_notes'), 'No notes yet.', 'a no costs nothing')

    await assert.rejects(call(notes, provider, 'add_note', { input }), refused)
    await finish(notes, provider, await authorize(person, kept.browser ?? ''))
    assert.equal(await call(notes, provider, 'add_note', { input }), 'Kept. You have 1.')
    assert.equal(await call(notes, provider, 'list_notes'), 'Buy milk')
  })
}

test('SDK 2 redeems no code that another issuer, or none, says it sent', async () => {
  const { notes, server, person } = await setUp()
  await using _ = notes
  await using __ = server
  const [next2] = generations.slice(1)
  assert.ok(next2)
  const kept: Kept = {}
  const provider = keeper(kept)
  await assert.rejects(next2.call(notes, provider, 'list_notes'), next2.refused)
  const back = await authorize(person, kept.browser ?? '')
  for (const iss of ['https://evil.example', null]) {
    const mixed = new URL(back)
    if (iss === null) mixed.searchParams.delete('iss')
    else mixed.searchParams.set('iss', iss)
    await assert.rejects(next2.finish(notes, provider, mixed))
  }
  await next2.finish(notes, provider, back)
  assert.equal(await next2.call(notes, provider, 'list_notes'), 'No notes yet.')
})

test('a machine signs in to the MCP server by client credentials', async () => {
  const { notes, server, person } = await setUp()
  await using _ = notes
  await using __ = server
  const app = await registerApp(person, { redirect_uris: [], grant_types: ['client_credentials'] })
  const authProvider = new ClientCredentialsProvider({
    clientId: app.client_id,
    clientSecret: app.client_secret ?? '',
    expectedIssuer: server.origin,
    scope: 'notes:read notes:write',
  })
  const client = new Client({ name: 'machine', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(notes.resource), { authProvider })
  await client.connect(transport as never)
  const kept = await client.callTool({ name: 'add_note', arguments: { text: 'Oil the hinge' } })
  assert.equal(text(kept), 'Kept. You have 1.')
  await client.close()
})

test('the MCP server lets in tokens for itself alone, and says where they come from', async () => {
  const { notes, server, person } = await setUp()
  await using _ = notes
  await using __ = server
  const config = await discover(server.origin, await registerApp(person))
  const gateway = await signIn(config, person)
  const bound = await discover(
    server.origin,
    await registerApp(person, { redirect_uris: [], grant_types: ['client_credentials'] }),
  )
  const key = oidc.getDPoPHandle(bound, await oidc.randomDPoPKeyPair('ES256'))
  const asked = { resource: notes.resource, scope: 'notes:read' }
  const proven = await oidc.clientCredentialsGrant(bound, asked, { DPoP: key })
  const own = await signIn(config, person, { resource: notes.resource, scope: 'openid notes:read' })
  const post = (authorization?: string, body: object | string = {}) =>
    fetch(notes.resource, {
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...(authorization ? { authorization } : {}),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const metadata = notes.resource.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')
  const [head = '', payload = '', signature = ''] = own.access_token.split('.')
  const widened = Buffer.from(
    JSON.stringify({ ...decodeJwt(own.access_token), scope: 'notes:read notes:write' }),
  ).toString('base64url')
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
  for (const [what, authorization] of Object.entries({
    nothing: undefined,
    'another scheme': `Basic ${own.access_token}`,
    'a token for the gateway': `Bearer ${gateway.access_token}`,
    'an ID token': `Bearer ${own.id_token}`,
    'a refresh token': `Bearer ${own.refresh_token}`,
    'a token bound to a key, without the proof': `Bearer ${proven.access_token}`,
    'a changed token': `Bearer ${head}.${widened}.${signature}`,
    'a token without signature': `Bearer ${none}.${payload}.`,
  })) {
    const answer = await post(authorization)
    assert.equal(answer.status, 401, what)
    const challenge = answer.headers.get('www-authenticate') ?? ''
    assert.match(challenge, what.includes('bound to a key') ? /^DPoP / : /^Bearer /, what)
    assert.ok(challenge.includes(`resource_metadata="${metadata}"`), what)
    assert.ok(challenge.includes('scope="notes:read"'), what)
  }
  const bearer = `Bearer ${own.access_token}`
  const call = (name: string) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } })
  for (const body of [call('add_note'), [call('list_notes'), call('add_note')]]) {
    const answer = await post(bearer, body)
    assert.equal(answer.status, 403)
    const challenge = answer.headers.get('www-authenticate') ?? ''
    assert.match(challenge, /error="insufficient_scope".*scope="notes:read notes:write"/)
  }
  assert.equal((await post(bearer, call('list_notes'))).status, 200)
  assert.notEqual((await post(bearer, call('constructor'))).status, 500)
  assert.equal((await post(bearer, '{')).status, 400)
  const rebound = await fetch(notes.resource.replace('localhost', '127.0.0.1'), { method: 'POST' })
  assert.equal(rebound.status, 403, 'another Host is another server')
})
