import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  attempt,
  authorize,
  codeGrant,
  discover,
  signIn as openidSignIn,
  registerApp,
} from '../../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../../test/harness/person.ts'
import { databases, startServer } from '../../../../test/harness/server.ts'

type Answer = Record<string, unknown> & { access_token: string; refresh_token?: string }

const decoded = (part: string | undefined) =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Record<string, unknown>
const withoutMoment = ({ jti: _jti, iat: _iat, exp: _exp, ...rest }: Record<string, unknown>) =>
  rest
const readable = ({ access_token }: Answer) => {
  const [head, claims] = access_token.split('.')
  return { head: decoded(head), claims: withoutMoment(decoded(claims)) }
}

for (const database of databases)
  test(`a grant says the same whether it is answered directly or by the engine (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const app = await registerApp(person, {
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      token_endpoint_auth_method: 'client_secret_post',
    })
    const config = await discover(server.origin, app)
    const ask = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
      const response = await fetch(`${server.origin}/oauth/token`, {
        method: 'POST',
        headers,
        body: new URLSearchParams({
          client_id: app.client_id,
          client_secret: app.client_secret ?? '',
          ...form,
        }),
      })
      assert.equal(response.headers.get('cache-control'), 'no-store')
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
      return (await response.json()) as Answer
    }
    /** A page of another origin is answered by the engine, for it knows CORS. */
    const byEngine = { origin: 'https://app.example' }

    const machine = { grant_type: 'client_credentials', scope: 'models:read chat:write' }
    const [directly, indirectly] = [await ask(machine), await ask(machine, byEngine)]
    assert.deepEqual(readable(directly), readable(indirectly))
    assert.deepEqual(Object.keys(directly).sort(), Object.keys(indirectly).sort())
    for (const { refresh_in } of [directly, indirectly])
      assert.ok(Number(refresh_in) > 420 && Number(refresh_in) < 480, `${refresh_in}`)
    assert.equal((await server.oauth.verifier.verify(directly.access_token)).ok, true)

    const refreshed = async (headers: Record<string, string>) => {
      const started = await attempt(config, { scope: 'offline_access models:read chat:write' })
      const back = await authorize(person, started.url)
      const { refresh_token = '' } = await ask(codeGrant(back, started))
      const first = await ask({ grant_type: 'refresh_token', refresh_token }, headers)
      const again = await ask({ grant_type: 'refresh_token', refresh_token }, headers)
      assert.equal(again.refresh_token, first.refresh_token)
      return first
    }
    const [ours, theirs] = [await refreshed({}), await refreshed(byEngine)]
    const { grant_id: _ours, ...ourClaims } = readable(ours).claims
    const { grant_id: _theirs, ...theirClaims } = readable(theirs).claims
    assert.deepEqual(ourClaims, theirClaims)
    assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort())
    // Each takes up the other's tokens.
    const mixed = await ask(
      { grant_type: 'refresh_token', refresh_token: ours.refresh_token ?? '' },
      byEngine,
    )
    const back = await ask({
      grant_type: 'refresh_token',
      refresh_token: mixed.refresh_token ?? '',
    })
    assert.equal((await server.oauth.verifier.verify(back.access_token)).ok, true)
    assert.deepEqual(
      server.logLines.filter((line) => line.includes('left to the engine')),
      [],
    )
  })

test('what is said twice is refused the quick way, too, and uses nothing up', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, {
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'client_secret_post',
  })
  const scope = 'offline_access models:read chat:write'
  const { refresh_token = '' } = await openidSignIn(await discover(server.origin, app), person, {
    scope,
  })
  const client = { client_id: app.client_id, client_secret: app.client_secret ?? '' }
  const send = async (body: URLSearchParams) => {
    const response = await fetch(`${server.origin}/oauth/token`, { method: 'POST', body })
    return { status: response.status, ...((await response.json()) as { error?: string }) }
  }
  for (const form of [
    { ...client, grant_type: 'client_credentials', scope: 'models:read' },
    { ...client, grant_type: 'refresh_token', refresh_token },
  ]) {
    for (const [name, value] of Object.entries(form))
      for (const second of [value, 'x']) {
        const twice = new URLSearchParams(form)
        twice.append(name, second)
        const { status, error } = await send(twice)
        assert.deepEqual([status, error], [400, 'invalid_request'], `${name} ${second}`)
      }
    assert.equal((await send(new URLSearchParams(form))).status, 200)
  }
})
