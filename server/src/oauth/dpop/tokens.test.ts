import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import {
  askWithProof,
  type KeyHolder,
  keyHolder,
  type Tokens,
} from '../../../../test/harness/dpop.ts'
import {
  attempt,
  authorize,
  callback,
  discover,
  type RegisteredApp,
  registerApp,
} from '../../../../test/harness/oauth-browser.ts'
import { type Person, signedUp } from '../../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../../test/harness/server.ts'

const publicApp = { token_endpoint_auth_method: 'none' }
const scope = 'offline_access models:read chat:write'
const boundTo = ({ access_token }: Tokens) => decodeJwt(access_token).cnf

async function scene(server: TestServer, settings: object = {}) {
  const { person, accountId } = await signedUp(server.origin)
  const app = await registerApp(person, {
    name: 'Bound App',
    token_endpoint_auth_method: 'client_secret_post',
    ...settings,
  })
  const credentials = {
    client_id: app.client_id,
    ...(app.client_secret ? { client_secret: app.client_secret } : {}),
  }
  const ask = (
    holder: KeyHolder | null,
    form: Record<string, string>,
    options?: Parameters<typeof askWithProof>[3],
  ) => askWithProof(server.origin, holder, { ...credentials, ...form }, options)
  const refresh = (holder: KeyHolder | null, token: string | undefined) =>
    ask(holder, { grant_type: 'refresh_token', refresh_token: token ?? '' })
  const signIn = async (holder: KeyHolder | null, parameters: Record<string, string> = {}) => {
    const code = await codeFor(server, person, app, parameters)
    return ask(holder, code)
  }
  return { person, accountId, app, credentials, ask, refresh, signIn }
}

/** A code and what it takes to redeem it. */
async function codeFor(
  server: TestServer,
  person: Person,
  app: RegisteredApp,
  parameters: Record<string, string> = {},
) {
  const started = await attempt(await discover(server.origin, app), { scope, ...parameters })
  const back = await authorize(person, started.url)
  return {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    code_verifier: started.verifier,
    redirect_uri: callback,
  }
}

for (const database of databases)
  describe(`tokens bound to a key (${database})`, () => {
    let server: TestServer
    before(async () => {
      server = await startServer({ database })
    })
    after(() => server[Symbol.asyncDispose]())

    for (const openid of ['', ' openid'])
      test(`a public client’s refresh token works with its key alone, through every rotation${openid ? ' (with an ID token)' : ''}`, async () => {
        const { refresh, signIn } = await scene(server, publicApp)
        const [holder, thief] = [keyHolder(), keyHolder()]
        let tokens = await signIn(holder, { scope: scope + openid })
        for (let turn = 0; turn < 2; turn++) {
          assert.equal(tokens.token_type, 'DPoP')
          assert.deepEqual(boundTo(tokens), { jkt: holder.jkt })
          for (const other of [thief, null]) {
            const stolen = await refresh(other, tokens.refresh_token)
            assert.deepEqual([stolen.status, stolen.error], [400, 'invalid_grant'])
            assert.equal(stolen.reason, 'client_mismatch')
          }
          tokens = await refresh(holder, tokens.refresh_token)
        }
        assert.equal(tokens.status, 200)
      })

    test(`in the grace window the same key gets the same successor; another key and none get nothing and harm nothing`, async () => {
      for (const settings of [publicApp, {}]) {
        const { refresh, signIn } = await scene(server, settings)
        const [holder, thief] = [keyHolder(), keyHolder()]
        const { refresh_token: first } = await signIn(holder)
        const won = await refresh(holder, first)
        const again = await Promise.all(Array.from({ length: 10 }, () => refresh(holder, first)))
        for (const answer of again) {
          assert.equal(answer.refresh_token, won.refresh_token)
          assert.equal(answer.access_token, won.access_token)
          assert.equal(answer.token_type, 'DPoP')
        }
        const wrong = await Promise.all([thief, null].map((other) => refresh(other, first)))
        for (const answer of wrong)
          assert.deepEqual([answer.error, answer.reason], ['invalid_grant', 'client_mismatch'])
        assert.equal((await refresh(holder, won.refresh_token)).status, 200, 'the family lives')
      }
    })

    test(`after the window, a thief without the key ends nothing; the key’s holder is taken for one`, async () => {
      const { refresh, signIn } = await scene(server, publicApp)
      const [holder, thief] = [keyHolder(), keyHolder()]
      const { refresh_token: first } = await signIn(holder)
      const next = await refresh(holder, first)
      server.clock.advance(31_000)
      for (const other of [thief, null])
        assert.equal((await refresh(other, first)).reason, 'client_mismatch')
      assert.equal((await refresh(holder, next.refresh_token)).status, 200)
      assert.equal((await refresh(holder, first)).reason, 'reused')
    })

    test(`a code for a key is redeemed with that key alone, and a wrong one does not use it up`, async () => {
      const { person, app, ask } = await scene(server, publicApp)
      const [holder, thief] = [keyHolder(), keyHolder()]
      const code = await codeFor(server, person, app, { dpop_jkt: holder.jkt })
      for (const other of [thief, null]) {
        const refused = await ask(other, code)
        assert.deepEqual([refused.status, refused.error], [400, 'invalid_grant'])
      }
      assert.deepEqual(boundTo(await ask(holder, code)), { jkt: holder.jkt })
    })

    test(`an app that requires DPoP gets nothing without a proof, whatever it asks`, async () => {
      const all = {
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        dpop_bound_access_tokens: true,
      }
      const { person, app, ask, refresh, signIn, credentials } = await scene(server, all)
      const holder = keyHolder()
      const code = await codeFor(server, person, app)
      const refused = async (
        form: Record<string, string>,
        headers: Record<string, string> = {},
      ) => {
        const response = await fetch(`${server.origin}/oauth/token`, {
          method: 'POST',
          headers,
          body: new URLSearchParams({ ...credentials, ...form }),
        })
        const { error } = (await response.json()) as { error: string }
        assert.deepEqual([response.status, error], [400, 'invalid_dpop_proof'])
      }
      await refused(code)
      const tokens = await ask(holder, code)
      assert.equal(tokens.status, 200, 'the refusal used nothing up')
      const again = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' }
      for (const headers of [{}, { origin: 'https://page.example' }]) {
        await refused(again, headers)
        await refused({ grant_type: 'client_credentials' }, headers)
      }
      assert.equal((await refresh(holder, tokens.refresh_token)).status, 200)
      assert.equal((await ask(holder, { grant_type: 'client_credentials' })).token_type, 'DPoP')
      assert.equal((await signIn(holder)).token_type, 'DPoP')
    })
  })

describe('what comes with a proof', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
  })
  after(() => server[Symbol.asyncDispose]())

  test('a grant with a proof says the same whether it is answered directly or by the engine', async () => {
    const { ask, signIn, credentials } = await scene(server, {
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    })
    const holder = keyHolder()
    const byEngine = async (form: Record<string, string>) => {
      const { nonce } = await ask(holder, { grant_type: 'client_credentials' })
      const response = await fetch(`${server.origin}/oauth/token`, {
        method: 'POST',
        headers: {
          origin: 'https://page.example',
          dpop: holder.prove('POST', `${server.origin}/oauth/token`, { nonce }),
        },
        body: new URLSearchParams({ ...credentials, ...form }),
      })
      assert.match(response.headers.get('access-control-expose-headers') ?? '', /DPoP-Nonce/i)
      assert.ok(response.headers.get('dpop-nonce'))
      return { ...((await response.json()) as Tokens), status: response.status }
    }
    const said = (tokens: Tokens) => {
      const { jti, iat, exp, grant_id, ...claims } = decodeJwt(tokens.access_token)
      return { claims, type: tokens.token_type, members: Object.keys(tokens).sort().join() }
    }
    const machine = { grant_type: 'client_credentials', scope: 'models:read' }
    const [directly, indirectly] = [await ask(holder, machine), await byEngine(machine)]
    assert.deepEqual(said(directly).claims, said(indirectly).claims)
    assert.equal(said(directly).type, said(indirectly).type)
    const form = async () => ({
      grant_type: 'refresh_token',
      refresh_token: (await signIn(holder)).refresh_token ?? '',
    })
    const [ours, theirs] = [await ask(holder, await form()), await byEngine(await form())]
    assert.deepEqual(said(ours).claims, said(theirs).claims)
    assert.equal(said(ours).type, said(theirs).type)
  })

  test('an unbound family of a public client is bound from the first proof on', async () => {
    for (const openid of ['', ' openid']) {
      const { refresh, signIn } = await scene(server, publicApp)
      const holder = keyHolder()
      const { refresh_token: plain } = await signIn(null, { scope: scope + openid })
      const bound = await refresh(holder, plain)
      assert.deepEqual(boundTo(bound), { jkt: holder.jkt })
      assert.equal((await refresh(null, bound.refresh_token)).reason, 'client_mismatch')
      assert.equal((await refresh(holder, bound.refresh_token)).status, 200)
    }
  })

  test('a confidential client may change its key, and its tokens follow', async () => {
    const { refresh, signIn } = await scene(server)
    const [old, next] = [keyHolder(), keyHolder()]
    const first = await signIn(old)
    const second = await refresh(next, first.refresh_token)
    assert.deepEqual(boundTo(second), { jkt: next.jkt })
    assert.equal(boundTo(await refresh(null, second.refresh_token)), undefined)
  })

  test('a pushed request with a proof binds its code to the key, and a contradiction is refused', async () => {
    const { person, app, ask, credentials } = await scene(server, publicApp)
    const [holder, thief] = [keyHolder(), keyHolder()]
    const started = await attempt(await discover(server.origin, app), { scope })
    const push = async (more: Record<string, string>, nonce: string | null) => {
      const url = `${server.origin}/oauth/par`
      const response = await fetch(url, {
        method: 'POST',
        headers: { dpop: holder.prove('POST', url, { nonce }) },
        body: new URLSearchParams([
          ...Object.entries({ ...Object.fromEntries(started.url.searchParams), ...credentials }),
          ...Object.entries(more),
        ]),
      })
      const body = (await response.json()) as { error?: string; request_uri?: string }
      return { status: response.status, nonce: response.headers.get('dpop-nonce'), ...body }
    }
    const { error, nonce } = await push({}, null)
    assert.equal(error, 'use_dpop_nonce')
    assert.equal((await push({ dpop_jkt: thief.jkt }, nonce)).error, 'invalid_request')
    assert.equal((await push({ dpop_jkt: holder.jkt }, nonce)).status, 201)
    const { request_uri = '' } = await push({}, nonce)
    const url = new URL('/oauth/authorize', server.origin)
    url.search = String(new URLSearchParams({ client_id: app.client_id, request_uri }))
    const back = await authorize(person, url)
    const code = {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      code_verifier: started.verifier,
      redirect_uri: callback,
    }
    for (const other of [thief, null]) assert.equal((await ask(other, code)).error, 'invalid_grant')
    assert.deepEqual(boundTo(await ask(holder, code)), { jkt: holder.jkt })
  })

  test('from the moment an app requires DPoP, what it was given without a proof is refused', async () => {
    const { person, app, refresh, signIn } = await scene(server, publicApp)
    const plain = await signIn(null)
    const call = async () => {
      const headers = { authorization: `Bearer ${plain.access_token}` }
      return (await fetch(`${server.origin}/v1/models`, { headers })).status
    }
    assert.equal(await call(), 200)
    const path = `/api/apps/${app.client_id}`
    await person.expect(200, 'PATCH', path, { dpop_bound_access_tokens: true })
    assert.equal(await call(), 401)
    assert.equal((await refresh(null, plain.refresh_token)).error, 'invalid_dpop_proof')
    const holder = keyHolder()
    assert.deepEqual(boundTo(await refresh(holder, plain.refresh_token)), { jkt: holder.jkt })
  })

  test('introspection tells the own client which key a token is bound to', async () => {
    const { credentials, signIn } = await scene(server, publicApp)
    const stranger = await scene(server)
    const holder = keyHolder()
    const tokens = await signIn(holder)
    const tell = async (token: string | undefined, by: Record<string, string>) => {
      const response = await fetch(`${server.origin}/oauth/introspect`, {
        method: 'POST',
        body: new URLSearchParams({ ...by, token: token ?? '' }),
      })
      return (await response.json()) as Record<string, unknown>
    }
    const access = await tell(tokens.access_token, credentials)
    assert.deepEqual([access.active, access.token_type], [true, 'DPoP'])
    assert.deepEqual(access.cnf, { jkt: holder.jkt })
    const refresh = await tell(tokens.refresh_token, credentials)
    assert.deepEqual([refresh.active, refresh.cnf], [true, { jkt: holder.jkt }])
    assert.deepEqual(await tell(tokens.access_token, stranger.credentials), { active: false })
    const plain = await tell((await signIn(null)).access_token, credentials)
    assert.deepEqual([plain.token_type, plain.cnf], ['Bearer', undefined])
  })

  test('a page of another origin may send proofs and read nonces', async () => {
    for (const path of ['/oauth/token', '/oauth/par', '/oauth/userinfo']) {
      const answer = await fetch(server.origin + path, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://page.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'dpop,authorization',
        },
      })
      assert.ok(answer.ok, path)
      assert.match(answer.headers.get('access-control-allow-headers') ?? '', /dpop/i, path)
      assert.ok(answer.headers.get('access-control-allow-origin'), path)
    }
  })

  test('a device that waits proves its key at each question and gets bound tokens', async () => {
    const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
    const { person, app, ask, refresh } = await scene(server, {
      redirect_uris: [],
      grant_types: [grantType, 'refresh_token'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      dpop_bound_access_tokens: true,
    })
    const response = await fetch(`${server.origin}/oauth/device`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: app.client_id, scope }),
    })
    const { device_code, user_code } = (await response.json()) as Record<string, string>
    const form = { grant_type: grantType, device_code: device_code ?? '' }
    const holder = keyHolder()
    assert.equal((await ask(holder, form)).error, 'authorization_pending')
    await person.expect(200, 'POST', '/api/oauth/device/claim', { user_code })
    await person.expect(204, 'POST', '/api/oauth/device/decision', { user_code, decision: 'allow' })
    server.clock.advance(5_000)
    assert.equal((await ask(null, form)).error, 'invalid_dpop_proof')
    const tokens = await ask(holder, form)
    assert.deepEqual(boundTo(tokens), { jkt: holder.jkt })
    assert.equal((await refresh(keyHolder(), tokens.refresh_token)).reason, 'client_mismatch')
    assert.equal((await refresh(holder, tokens.refresh_token)).status, 200)
  })

  test('the token endpoint refuses proofs that are replayed, doubled, foreign or too large, before it looks at the grant', async () => {
    const { credentials } = await scene(server, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
    })
    const holder = keyHolder()
    const url = `${server.origin}/oauth/token`
    const ask = async (dpop: string | [string, string], path = '/oauth/token') => {
      const headers = new Headers({ origin: 'https://page.example' })
      for (const one of [dpop].flat()) headers.append('dpop', one)
      const response = await fetch(server.origin + path, {
        method: 'POST',
        headers,
        body: new URLSearchParams({ ...credentials, grant_type: 'client_credentials' }),
      })
      const { error } = (await response.json()) as { error?: string }
      return { status: response.status, error, headers: response.headers }
    }
    const challenged = await ask(holder.prove('POST', url))
    assert.deepEqual([challenged.status, challenged.error], [400, 'use_dpop_nonce'])
    assert.equal(challenged.headers.get('access-control-allow-origin'), '*')
    assert.match(challenged.headers.get('access-control-expose-headers') ?? '', /DPoP-Nonce/)
    assert.equal(challenged.headers.get('cache-control'), 'no-store')
    const nonce = challenged.headers.get('dpop-nonce')

    const once = holder.prove('POST', url, { nonce })
    assert.equal((await ask(once)).status, 200)
    const wrong: [string, string | [string, string]][] = [
      ['replayed', once],
      ['doubled', [holder.prove('POST', url, { nonce }), holder.prove('POST', url, { nonce })]],
      ['for another endpoint', holder.prove('POST', `${server.origin}/oauth/par`, { nonce })],
      ['for another host', holder.prove('POST', 'https://evil.example/oauth/token', { nonce })],
      ['for another method', holder.prove('GET', url, { nonce })],
      ['too large', holder.prove('POST', url, { nonce, claims: { note: 'x'.repeat(5_000) } })],
      ['unsigned', holder.prove('POST', url, { nonce, header: { alg: 'none' } })],
      ['empty', ''],
    ]
    for (const [what, dpop] of wrong) {
      const { status, error } = await ask(dpop)
      assert.deepEqual([status, error], [400, 'invalid_dpop_proof'], what)
    }
    const alias = '/v1/oauth/token'
    assert.equal(
      (await ask(holder.prove('POST', url, { nonce }), alias)).error,
      'invalid_dpop_proof',
    )
    const own = holder.prove('POST', server.origin + alias, { nonce })
    assert.equal((await ask(own, alias)).status, 200)
  })

  test('what an app requires is kept, changed by its owner, and registered by clients themselves', async () => {
    const { person, app } = await scene(server)
    const path = `/api/apps/${app.client_id}`
    type View = { dpop_bound_access_tokens: boolean }
    assert.equal((await person.expect<View>(200, 'GET', path)).dpop_bound_access_tokens, false)
    await person.expect(200, 'PATCH', path, { dpop_bound_access_tokens: true })
    assert.equal((await person.expect<View>(200, 'GET', path)).dpop_bound_access_tokens, true)
    await person.expect(400, 'PATCH', path, { dpop_bound_access_tokens: 'yes' })
    const register = async (dpop_bound_access_tokens?: unknown) => {
      const response = await fetch(`${server.origin}/oauth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: [callback], dpop_bound_access_tokens }),
      })
      return (await response.json()) as View & { error?: string }
    }
    assert.equal((await register()).dpop_bound_access_tokens, false)
    assert.equal((await register(true)).dpop_bound_access_tokens, true)
    assert.equal((await register('true')).error, 'invalid_client_metadata')
  })
})
