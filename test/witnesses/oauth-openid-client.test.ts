import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as oidc from 'openid-client'
import {
  arrive,
  attempt,
  authorize,
  discover,
  redeem,
  registerApp,
  signIn,
} from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

for (const database of databases) {
  test(`openid-client signs a person in, refreshes, reads userinfo and revokes (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, email, accountId } = await signedUp(server.origin)
    const app = await registerApp(person)
    const config = await discover(server.origin, app)

    const started = await attempt(config)
    const consentAt = await arrive(person, started.url)
    assert.match(consentAt, /^\/consent\?tx=/)
    const tx = consentAt.split('tx=')[1]
    const view = await person.expect<{
      client: { name: string; redirect_host: string; verified: boolean }
      scopes: { name: string }[]
      account: { email: string }
    }>(200, 'GET', `/api/oauth/transactions/${tx}`)
    assert.equal(view.client.name, 'Example App')
    assert.equal(view.client.redirect_host, 'app.example')
    assert.equal(view.account.email, email)
    assert.ok(view.scopes.some(({ name }) => name === 'chat:write'))

    const tokens = await signIn(config, person)
    assert.equal(tokens.token_type, 'bearer')
    assert.equal(tokens.expires_in, 600)
    assert.ok(Number(tokens.refresh_in) > 400 && Number(tokens.refresh_in) < 480)
    const header = decodeProtectedHeader(tokens.access_token)
    assert.equal(header.alg, 'ES256')
    assert.equal(header.typ, 'at+jwt')
    const claims = decodeJwt(tokens.access_token)
    assert.equal(claims.iss, server.origin)
    assert.equal(claims.aud, `${server.origin}/v1`)
    assert.equal(claims.sub, accountId)
    assert.equal(claims.client_id, app.client_id)
    assert.equal(claims.scope, 'models:read chat:write')
    assert.match(String(claims.sid), /^sess_/)
    assert.match(String(claims.org_id), /^org_/)
    assert.equal(tokens.claims()?.email, email)

    const judged = await server.oauth.verifier.verify(tokens.access_token)
    assert.ok(judged.ok)
    assert.deepEqual(judged.token.scopes, ['models:read', 'chat:write'])

    const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, accountId)
    assert.equal(userinfo.email, email)
    assert.equal(userinfo.email_verified, true)

    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    assert.notEqual(refreshed.refresh_token, tokens.refresh_token)
    assert.equal(decodeJwt(refreshed.access_token).scope, 'models:read chat:write')

    const known = await oidc.tokenIntrospection(config, refreshed.access_token)
    assert.equal(known.active, true)
    await oidc.tokenRevocation(config, refreshed.refresh_token ?? '')
    await assert.rejects(oidc.refreshTokenGrant(config, refreshed.refresh_token ?? ''), {
      error: 'invalid_grant',
    })
    assert.deepEqual(await server.oauth.verifier.verify(refreshed.access_token), {
      ok: false,
      reason: 'revoked',
    })
  })

  test(`consent is given once, and single sign-on needs no page after that (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const config = await discover(server.origin, await registerApp(person))
    await signIn(config, person)
    const again = await attempt(config, { prompt: 'none' })
    const back = new URL(await arrive(person, again.url))
    assert.equal(back.searchParams.get('iss'), server.origin)
    assert.ok((await redeem(config, back, again)).access_token)
    const more = await attempt(config, { scope: 'openid usage:read' })
    assert.match(await arrive(person, more.url), /^\/consent/)
  })

  test(`a denial goes back to the app as access_denied with state and iss (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const config = await discover(server.origin, await registerApp(person))
    const started = await attempt(config)
    const back = await authorize(person, started.url, 'deny')
    assert.equal(back.searchParams.get('error'), 'access_denied')
    assert.equal(back.searchParams.get('state'), started.state)
    assert.equal(back.searchParams.get('iss'), server.origin)
  })
}

test('client credentials act for the account that made the app', async () => {
  await using server = await startServer()
  const { person, accountId } = await signedUp(server.origin)
  const app = await registerApp(person, {
    redirect_uris: [],
    grant_types: ['client_credentials'],
    scope: 'models:read chat:write',
  })
  const config = await discover(server.origin, app)
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'models:read' })
  const judged = await server.oauth.verifier.verify(tokens.access_token)
  assert.ok(judged.ok)
  assert.equal(judged.token.accountId, accountId)
  assert.deepEqual(judged.token.scopes, ['models:read'])
  assert.equal(judged.token.grantId, null)
  await assert.rejects(oidc.clientCredentialsGrant(config, { scope: 'usage:read' }), {
    error: 'invalid_scope',
  })
})
