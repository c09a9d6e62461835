import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { discover, registerApp, signIn } from '../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'
import { minute } from '../platform/clock/clock.ts'

type Claims = Record<string, unknown>

const userinfo = async (
  server: TestServer,
  init: { method?: string; headers?: Record<string, string>; body?: URLSearchParams },
) => {
  const answer = await fetch(`${server.origin}/oauth/userinfo`, init)
  return {
    status: answer.status,
    challenge: answer.headers.get('www-authenticate'),
    type: answer.headers.get('content-type'),
    cache: answer.headers.get('cache-control'),
    body: (await answer.json()) as Claims,
  }
}
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

/** What an ID token says besides when and how. */
const person = (claims: Claims | undefined) =>
  Object.fromEntries(
    Object.entries(claims ?? {}).filter(([name]) =>
      ['sub', 'name', 'locale', 'email', 'email_verified'].includes(name),
    ),
  )

for (const database of databases) {
  test(`the scopes decide what userinfo and the ID token tell (${database})`, async () => {
    await using server = await startServer({ database })
    const { person: user, email, accountId } = await signedUp(server.origin, { name: 'Ada Byron' })
    const config = await discover(server.origin, await registerApp(user))
    const sub = accountId
    const told: Record<string, Claims> = {
      openid: { sub },
      'openid profile': { sub, name: 'Ada Byron', locale: 'en' },
      'openid email': { sub, email, email_verified: true },
      'openid profile email models:read': {
        sub,
        name: 'Ada Byron',
        locale: 'en',
        email,
        email_verified: true,
      },
    }
    for (const [scope, expected] of Object.entries(told)) {
      // The narrower one is what counts, also after more was allowed.
      for (const asked of [scope, `${scope} chat:write`]) {
        const tokens = await signIn(config, user, { scope: asked, prompt: 'consent' })
        assert.deepEqual(person(tokens.claims()), expected, asked)
        for (const method of ['GET', 'POST']) {
          const answer = await userinfo(server, { method, ...bearer(tokens.access_token) })
          assert.equal(answer.status, 200)
          assert.match(String(answer.type), /^application\/json/)
          assert.equal(answer.cache, 'no-store')
          assert.deepEqual(answer.body, expected, `${method} ${asked}`)
        }
      }
    }
  })

  test(`an app that wants a minimal ID token reads the rest from userinfo (${database})`, async () => {
    await using server = await startServer({ database })
    const { person: user, email, accountId } = await signedUp(server.origin)
    const app = await registerApp(user, { id_token_claims: 'minimal' })
    const config = await discover(server.origin, app)
    const tokens = await signIn(config, user)
    assert.deepEqual(person(tokens.claims()), { sub: accountId })
    assert.deepEqual(tokens.claims()?.amr, ['pwd'])
    assert.match(String(tokens.claims()?.sid), /^sess_/)
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    assert.deepEqual(person(refreshed.claims()), { sub: accountId })
    const info = await oidc.fetchUserInfo(config, refreshed.access_token, accountId)
    assert.equal(info.email, email)
    assert.equal(info.email_verified, true)

    // A library that reads nothing else has its owner switch it back.
    await user.expect(200, 'PATCH', `/api/apps/${app.client_id}`, {
      id_token_claims: 'with_scopes',
    })
    const again = await signIn(config, user)
    assert.equal(again.claims()?.email, email)
    const next = await oidc.refreshTokenGrant(config, again.refresh_token ?? '')
    assert.equal(next.claims()?.email, email)
  })
}

test('what is wrong with a token at userinfo is said in WWW-Authenticate', async () => {
  await using server = await startServer()
  const { person: user, accountId } = await signedUp(server.origin)
  const app = await registerApp(user)
  const config = await discover(server.origin, app)
  const good = await signIn(config, user)
  const unnamed = await signIn(config, user, { scope: 'models:read', prompt: 'consent' })
  const refused = async (
    init: Parameters<typeof userinfo>[1],
    status: number,
    error: string,
    challenge: RegExp,
  ) => {
    const answer = await userinfo(server, init)
    assert.equal(answer.status, status)
    assert.equal(answer.body.error, error)
    assert.match(answer.challenge ?? '', challenge)
    assert.equal(answer.body.sub, undefined)
  }
  await refused({}, 401, 'invalid_token', /^Bearer(?:,|$)/)
  const inBody = new URLSearchParams({ access_token: good.access_token })
  await refused({ method: 'POST', body: inBody }, 401, 'invalid_token', /^Bearer/)
  await refused(bearer(good.id_token ?? ''), 401, 'invalid_token', /^Bearer error="invalid_token"/)
  await refused(bearer(good.refresh_token ?? ''), 401, 'invalid_token', /error="invalid_token"/)
  await refused(bearer(unnamed.access_token), 403, 'insufficient_scope', /insufficient_scope/)
  const query = await fetch(`${server.origin}/oauth/userinfo?${inBody}`)
  assert.equal(query.status, 401, 'a token in the address is not looked at')

  server.clock.advance(11 * minute)
  await refused(bearer(good.access_token), 401, 'invalid_token', /expired/)
  const fresh = await signIn(config, user)
  await server.accounts.changeStanding({
    accountId,
    to: 'suspended',
    actor: { kind: 'system', name: 'test' },
    reason: 'test',
    evidence: {},
  })
  await refused(bearer(fresh.access_token), 401, 'invalid_token', /suspended/)
})
