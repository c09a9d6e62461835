import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import {
  arrive,
  attempt,
  authorize,
  callback,
  discover,
  type RegisteredApp,
  redeem,
  registerApp,
} from '../../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../../test/harness/server.ts'

const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const request = {
  response_type: 'code',
  redirect_uri: callback,
  scope: 'openid models:read',
  state: 'of-the-app',
  code_challenge: challenge,
  code_challenge_method: 'S256',
}

async function push(
  server: TestServer,
  app: RegisteredApp,
  fields: Record<string, string> = {},
): Promise<{ status: number; error?: string; request_uri?: string; expires_in?: number }> {
  const response = await fetch(`${server.origin}/oauth/par`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: app.client_id,
      ...(app.client_secret ? { client_secret: app.client_secret } : {}),
      ...request,
      ...fields,
    }),
  })
  assert.equal(response.headers.get('cache-control'), 'no-store')
  return { status: response.status, ...((await response.json()) as object) }
}

const at = (server: TestServer, app: RegisteredApp, requestUri = '', more = {}) => {
  const url = new URL('/oauth/authorize', server.origin)
  url.search = String(
    new URLSearchParams({ client_id: app.client_id, request_uri: requestUri, ...more }),
  )
  return url
}

for (const database of databases) {
  test(`openid-client pushes a request, and what was pushed is what is asked (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, accountId } = await signedUp(server.origin)
    const config = await discover(server.origin, await registerApp(person))
    const started = await attempt(config)
    const url = await oidc.buildAuthorizationUrlWithPAR(config, started.url.searchParams)
    assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
    const tokens = await redeem(config, await authorize(person, url), started)
    assert.equal(tokens.claims()?.sub, accountId)
    assert.deepEqual(tokens.claims()?.amr, ['pwd'])
  })

  test(`a pushed request is used once, by its own client, within a minute (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const app = await registerApp(person)
    const other = await registerApp(person, { name: 'Other' })
    const refusal = async (requestUri?: string) => {
      const answer = await person.get(String(at(server, app, requestUri)))
      const back = new URL(answer.headers.get('location') ?? '')
      assert.equal(back.origin + back.pathname, callback)
      assert.equal(back.searchParams.get('code'), null)
      return back.searchParams.get('error')
    }
    const first = await push(server, app)
    assert.equal(first.status, 201)
    assert.ok((first.expires_in ?? 0) <= 60)
    const stranger = await person.get(String(at(server, other, first.request_uri)))
    const told = new URL(stranger.headers.get('location') ?? '')
    assert.equal(told.origin + told.pathname, callback, 'its own address')
    assert.equal(told.searchParams.get('error'), 'invalid_request_object')
    const back = await authorize(person, at(server, app, first.request_uri))
    assert.ok(back.searchParams.get('code'))
    assert.equal(await refusal(first.request_uri), 'invalid_request_uri')
    const late = await push(server, app)
    server.clock.advance(61_000)
    assert.equal(await refusal(late.request_uri), 'invalid_request_uri')
  })
}

test('parameters beside a pushed request change nothing', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person)
  const { request_uri } = await push(server, app)
  const tampered = at(server, app, request_uri, {
    redirect_uri: 'https://evil.example/',
    scope: 'openid keys:manage',
    state: 'of-somebody-else',
  })
  const where = await arrive(person, tampered)
  const tx = /^\/consent\?tx=(.+)$/.exec(where)?.[1]
  const asked = await person.expect<{ scopes: { name: string }[]; client: object }>(
    200,
    'GET',
    `/api/oauth/transactions/${tx}`,
  )
  assert.deepEqual(
    asked.scopes.map(({ name }) => name),
    ['openid', 'models:read', 'offline_access'],
  )
  assert.equal((asked.client as { redirect_host: string }).redirect_host, 'app.example')
})

test('what would be refused at the authorization endpoint is refused when it is pushed', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person)
  const refused: [Record<string, string>, string][] = [
    [{ redirect_uri: 'https://evil.example/' }, 'invalid_request'],
    [{ code_challenge: '', code_challenge_method: '' }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ scope: 'openid keys:manage' }, 'invalid_scope'],
    [{ scope: 'openid nonsense' }, 'invalid_scope'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_mode: 'fragment' }, 'unsupported_response_mode'],
    [{ response_mode: 'form_post' }, 'unsupported_response_mode'],
    [{ resource: 'https://other.example/' }, 'invalid_target'],
    [{ request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'request_uri_not_supported'],
    [{ client_secret: 'wrong' }, 'invalid_client'],
  ]
  for (const [fields, error] of refused) {
    const answer = await push(server, app, fields)
    assert.ok(answer.status === 400 || answer.status === 401, JSON.stringify(fields))
    assert.equal(answer.error, error, JSON.stringify(fields))
    assert.equal(answer.request_uri, undefined)
  }
})
