import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  attempt,
  authorize,
  callback,
  discover,
  type RegisteredApp,
  registerApp,
  signIn,
} from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { raw, requestText } from '../harness/raw.ts'
import { startServer, type TestServer } from '../harness/server.ts'

/** One parameter or header, said twice or in two places: whoever checks one and uses the other is fooled. */
describe('nothing that is said twice or in two places is believed', () => {
  let server: TestServer
  let person: Person
  let app: RegisteredApp
  let other: RegisteredApp
  before(async () => {
    server = await startServer()
    ;({ person } = await signedUp(server.origin))
    app = await registerApp(person)
    other = await registerApp(person, { name: 'Other' })
  })
  after(() => server[Symbol.asyncDispose]())

  const request = () => ({
    client_id: app.client_id,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid',
    state: 's',
    nonce: 'n',
    prompt: 'consent',
    max_age: '60',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const credentials = () => ({
    client_id: app.client_id,
    client_secret: app.client_secret ?? '',
  })
  const post = async (
    path: string,
    form: URLSearchParams | Record<string, string>,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(server.origin + path, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
    })
    const body = (await response.json()) as { error?: string; access_token?: string }
    return { status: response.status, ...body }
  }
  const codeForm = async () => {
    const started = await attempt(await discover(server.origin, app))
    const back = await authorize(person, started.url)
    return {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: started.verifier,
    }
  }

  test('a parameter of an authorization request that comes twice is refused, in the query and in a form', async () => {
    for (const name of Object.keys(request()) as (keyof ReturnType<typeof request>)[])
      for (const second of [request()[name], 'x']) {
        const query = new URLSearchParams(request())
        query.append(name, second)
        const asked = await person.get<string>(`/oauth/authorize?${query}`)
        const posted = await fetch(`${server.origin}/oauth/authorize`, {
          method: 'POST',
          redirect: 'manual',
          body: query,
        })
        for (const [status, location] of [
          [asked.status, asked.headers.get('location')],
          [posted.status, posted.headers.get('location')],
        ] as const) {
          const what = `${name}=${second}: ${status} ${location}`
          if (location === null) assert.equal(status, 400, what)
          else
            assert.equal(
              new URL(location, server.origin).searchParams.get('error'),
              'invalid_request',
              what,
            )
          assert.ok(!location?.startsWith('/oauth/tx/'), what)
        }
      }
  })

  test('what comes in the query of a form is not read beside it', async () => {
    const query = new URLSearchParams({ ...request(), client_id: other.client_id })
    const posted = await fetch(`${server.origin}/oauth/authorize?${query}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'none' },
      body: new URLSearchParams(request()),
    })
    assert.equal(posted.status, 303)
    const stored = await server.platform.database
      .tables<{ oauth_artifacts: { model: string; client_id: string; created_at: number } }>()
      .query.selectFrom('oauth_artifacts')
      .select('client_id')
      .where('model', '=', 'Transaction')
      .orderBy('created_at', 'desc')
      .executeTakeFirst()
    assert.equal(stored?.client_id, app.client_id)
  })

  test('at the token endpoint a repeated parameter is refused and uses nothing up', async () => {
    const form = await codeForm()
    for (const name of [...Object.keys(form), 'client_id', 'client_secret']) {
      const twice = new URLSearchParams({ ...form, ...credentials() })
      twice.append(name, twice.get(name) ?? '')
      const { status, error } = await post('/oauth/token', twice)
      assert.deepEqual([status, error], [400, 'invalid_request'], name)
    }
    assert.equal((await post('/oauth/token', { ...form, ...credentials() })).status, 200)
  })

  test('at every other endpoint, too', async () => {
    const forms: Record<string, Record<string, string>> = {
      '/oauth/par': request(),
      '/oauth/introspect': { token: 'x', token_type_hint: 'access_token' },
      '/oauth/revoke': { token: 'x', token_type_hint: 'access_token' },
    }
    for (const [path, form] of Object.entries(forms))
      for (const name of Object.keys({ ...form, ...credentials() })) {
        const twice = new URLSearchParams({ ...form, ...credentials() })
        twice.append(name, twice.get(name) ?? '')
        const { status, error } = await post(path, twice)
        assert.deepEqual([status, error], [400, 'invalid_request'], `${path} ${name}`)
      }
  })

  test('credentials, codes and tokens in a query are not read', async () => {
    const form = await codeForm()
    const inQuery = new URLSearchParams({ ...form, ...credentials() })
    for (const body of [{}, { grant_type: 'authorization_code' }, credentials()]) {
      const { status } = await post(`/oauth/token?${inQuery}`, body)
      assert.ok(status === 400 || status === 401, JSON.stringify(body))
    }
    const { access_token = '' } = await post('/oauth/token', { ...form, ...credentials() })
    const asked = await fetch(`${server.origin}/oauth/userinfo?access_token=${access_token}`)
    assert.equal(asked.status, 401)
    const called = await fetch(`${server.origin}/v1/models?access_token=${access_token}`)
    assert.ok(called.status === 400 || called.status === 401)
    for (const path of ['/oauth/introspect', '/oauth/revoke'])
      assert.equal(
        (await post(`${path}?${new URLSearchParams(credentials())}`, { token: 'x' })).error !==
          undefined,
        true,
        path,
      )
  })

  test('a client that is named in two ways, or proves itself in two, is refused', async () => {
    const basic = (one: RegisteredApp) => ({
      authorization: `Basic ${Buffer.from(`${one.client_id}:${one.client_secret}`).toString('base64')}`,
    })
    const machine = await registerApp(person, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
    })
    const form = { grant_type: 'client_credentials' }
    assert.equal((await post('/oauth/token', form, basic(machine))).status, 200)
    const wrong: Record<string, string>[] = [
      { client_id: other.client_id },
      { client_secret: machine.client_secret ?? '' },
      { client_id: machine.client_id, client_secret: machine.client_secret ?? '' },
      { client_assertion: 'x.y.z', client_assertion_type: 'x' },
    ]
    for (const more of wrong) {
      const { status, access_token } = await post(
        '/oauth/token',
        { ...form, ...more },
        basic(machine),
      )
      assert.ok(status === 400 || status === 401, JSON.stringify(more))
      assert.equal(access_token, undefined)
    }
  })

  test('two Authorization headers, two lengths, or a length beside chunks reach no endpoint', async () => {
    const body = 'grant_type=client_credentials'
    const type = 'Content-Type: application/x-www-form-urlencoded\r\n'
    const start = `POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${type}`
    const length = `Content-Length: ${body.length}\r\n`
    for (const [what, text] of [
      ['two lengths', `${start}${length}Content-Length: 1\r\n\r\n${body}`],
      ['a length beside chunks', `${start}${length}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
      ['a folded header', `${start}X-A: b\r\n Authorization: Basic eA==\r\n${length}\r\n${body}`],
      ['a bare line feed', `${start}X-A: b\nAuthorization: Basic eA==\r\n${length}\r\n${body}`],
      ['a space before the colon', `${start}Authorization : Basic eA==\r\n${length}\r\n${body}`],
    ] as const) {
      const { status } = await raw(server.origin, text)
      assert.equal(status, 400, what)
    }
    const tokens = await signIn(await discover(server.origin, app), person)
    const twice = `Authorization: Bearer x\r\nAuthorization: Bearer ${tokens.access_token}\r\n`
    for (const path of ['/oauth/userinfo', '/v1/models']) {
      const { status } = await raw(
        server.origin,
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${twice}\r\n`,
      )
      assert.ok(status === 400 || status === 401, `${path} ${status}`)
    }
  })

  test('headers that name another path, method, host or person change nothing', async () => {
    const plain = await raw(server.origin, requestText('GET', '/api/account'))
    assert.equal(plain.status, 401)
    const signed = [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const mine = await raw(server.origin, requestText('GET', '/api/account', { Cookie: signed }))
    for (const headers of [
      { 'X-Original-URL': '/healthz' },
      { 'X-Rewrite-URL': '/healthz' },
      { 'X-HTTP-Method-Override': 'DELETE' },
      { 'X-Method-Override': 'DELETE' },
      { 'X-Forwarded-For': '127.0.0.1', 'X-Real-IP': '127.0.0.1' },
      { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' },
      { 'X-Forwarded-User': 'operator', 'X-User-Id': 'acct_1', 'Remote-User': 'operator' },
      { 'X-Middleware-Subrequest': 'middleware' },
      { 'X-Latchkey-Address': '127.0.0.1', 'X-Latchkey-Locale': 'zh' },
    ] as Record<string, string>[]) {
      const anybody = await raw(server.origin, requestText('GET', '/api/account', headers))
      assert.equal(anybody.status, 401, JSON.stringify(headers))
      const again = await raw(
        server.origin,
        requestText('GET', '/api/account', { Cookie: signed, ...headers }),
      )
      assert.deepEqual(
        [again.status, again.text],
        [mine.status, mine.text],
        JSON.stringify(headers),
      )
    }
  })
})
