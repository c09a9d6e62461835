import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import {
  arrive,
  attempt,
  authorize,
  callback,
  discover,
  registerApp,
} from '../harness/oauth-browser.ts'
import { Person, signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

test('every answer at a redirect URI names the issuer and brings the state back byte for byte', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const states = [
    'plain',
    'a b+c%20d',
    '<script>alert(1)</script>',
    '"\'`;--',
    'ünïcode 状态 🔑',
    'a=b&c=d#e?f',
    '{"json":[1,2]}',
    '\\r\\n%0d%0aLocation:%20https://evil.example',
    'x'.repeat(500),
  ]
  const told = (where: URL | string, state: string, error: string | null) => {
    const back = new URL(where)
    assert.equal(back.origin + back.pathname, callback)
    assert.equal(back.searchParams.get('state'), state)
    assert.equal(back.searchParams.get('iss'), server.origin)
    assert.equal(back.searchParams.get('error'), error)
    assert.equal(back.searchParams.has('code'), error === null)
  }
  for (const state of states) {
    told(await authorize(person, (await attempt(config, { state })).url), state, null)
    const denied = await attempt(config, { state, prompt: 'consent' })
    told(await authorize(person, denied.url, 'deny'), state, 'access_denied')
    const silent = (await attempt(config, { state, prompt: 'none' })).url
    told(await arrive(new Person(server.origin), silent), state, 'login_required')
    const wrong = (await attempt(config, { state, scope: 'openid no:such' })).url
    told(await arrive(person, wrong), state, 'invalid_scope')
  }
})

test('a client that talks to another server finds out before it redeems the code', async () => {
  await using honest = await startServer()
  await using another = await startServer()
  const here = await signedUp(honest.origin)
  const there = await signedUp(another.origin)
  const config = await discover(honest.origin, await registerApp(here.person))
  const confused = await discover(another.origin, await registerApp(there.person))
  const started = await attempt(config)
  const back = await authorize(here.person, started.url)
  const expected = { pkceCodeVerifier: started.verifier, expectedState: started.state }
  const byIssuer = (error: Error) => /iss/.test(String(error.cause))
  await assert.rejects(oidc.authorizationCodeGrant(confused, back, expected), byIssuer)
  const stripped = new URL(back)
  stripped.searchParams.delete('iss')
  await assert.rejects(oidc.authorizationCodeGrant(config, stripped, expected), byIssuer)
  const forged = new URL(back)
  forged.searchParams.set('iss', `${honest.origin}/`)
  await assert.rejects(oidc.authorizationCodeGrant(config, forged, expected), byIssuer)
  // Nothing of this has used the code up.
  assert.ok(
    await oidc.authorizationCodeGrant(config, back, {
      ...expected,
      expectedNonce: started.nonce,
    }),
  )
})

test('tokens of one server are nothing at another', async () => {
  await using honest = await startServer()
  await using another = await startServer()
  const { person } = await signedUp(honest.origin)
  const config = await discover(honest.origin, await registerApp(person))
  const started = await attempt(config)
  const tokens = await oidc.authorizationCodeGrant(config, await authorize(person, started.url), {
    pkceCodeVerifier: started.verifier,
    expectedState: started.state,
    expectedNonce: started.nonce,
  })
  for (const [origin, status] of [
    [honest.origin, 200],
    [another.origin, 401],
  ] as const)
    for (const path of ['/oauth/userinfo', '/v1/models']) {
      const answer = await fetch(origin + path, {
        headers: { authorization: `Bearer ${tokens.access_token}` },
      })
      assert.equal(answer.status, status, `${origin}${path}`)
    }
})
