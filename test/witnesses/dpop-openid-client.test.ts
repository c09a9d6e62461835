import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint, decodeJwt, exportJWK } from 'jose'
import * as oidc from 'openid-client'
import { hour, minute } from '../../server/src/platform/clock/clock.ts'
import { attempt, authorize, discover, registerApp } from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

for (const database of databases)
  test(`openid-client binds code, refresh and client credentials to its key, and calls with it, also by a slow clock (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, accountId } = await signedUp(server.origin)
    const app = await registerApp(person, {
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
    })
    const config = await discover(server.origin, app)
    assert.deepEqual(config.serverMetadata().dpop_signing_alg_values_supported, [
      'ES256',
      'Ed25519',
      'EdDSA',
    ])
    const keys = await oidc.randomDPoPKeyPair('ES256')
    const jkt = await calculateJwkThumbprint(await exportJWK(keys.publicKey))
    const DPoP = oidc.getDPoPHandle(config, keys)

    const redirect = 'http://127.0.0.1:7777/callback'
    const started = await attempt(config, { redirect_uri: redirect, dpop_jkt: jkt })
    const tokens = await oidc.authorizationCodeGrant(
      config,
      await authorize(person, started.url),
      {
        pkceCodeVerifier: started.verifier,
        expectedState: started.state,
        expectedNonce: started.nonce,
      },
      undefined,
      { DPoP },
    )
    assert.equal(tokens.token_type, 'dpop')
    assert.deepEqual(decodeJwt(tokens.access_token).cnf, { jkt })

    const models = await oidc.fetchProtectedResource(
      config,
      tokens.access_token,
      new URL(`${server.origin}/v1/models`),
      'GET',
      undefined,
      undefined,
      { DPoP },
    )
    assert.equal(models.status, 200)
    const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, accountId, { DPoP })
    assert.equal(userinfo.sub, accountId)

    // A clock that is an hour slow: the resource's own nonce puts it right.
    server.clock.advance(hour)
    const late = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, {
      DPoP,
    })
    server.clock.advance(3 * minute)
    for (const path of ['/v1/models', '/v1/key']) {
      const url = new URL(server.origin + path)
      const answer = await oidc.fetchProtectedResource(
        config,
        late.access_token,
        url,
        'GET',
        undefined,
        undefined,
        { DPoP },
      )
      assert.equal(answer.status, 200)
    }

    const refreshed = await oidc.refreshTokenGrant(config, late.refresh_token ?? '', undefined, {
      DPoP,
    })
    assert.equal(refreshed.token_type, 'dpop')
    assert.deepEqual(decodeJwt(refreshed.access_token).cnf, { jkt })
    await assert.rejects(oidc.refreshTokenGrant(config, refreshed.refresh_token ?? ''), {
      error: 'invalid_grant',
    })
    const known = await oidc.tokenIntrospection(config, refreshed.access_token)
    assert.deepEqual([known.active, known.token_type, known.cnf], [true, 'DPoP', { jkt }])

    const machine = await registerApp(person, {
      redirect_uris: [],
      grant_types: ['client_credentials'],
      scope: 'models:read',
      dpop_bound_access_tokens: true,
    })
    const machineConfig = await discover(server.origin, machine)
    const machineKey = oidc.getDPoPHandle(machineConfig, await oidc.randomDPoPKeyPair('Ed25519'))
    await assert.rejects(oidc.clientCredentialsGrant(machineConfig), {
      error: 'invalid_dpop_proof',
    })
    const granted = await oidc.clientCredentialsGrant(machineConfig, undefined, {
      DPoP: machineKey,
    })
    assert.equal(granted.token_type, 'dpop')
    const own = await oidc.fetchProtectedResource(
      machineConfig,
      granted.access_token,
      new URL(`${server.origin}/v1/key`),
      'GET',
      undefined,
      undefined,
      { DPoP: machineKey },
    )
    assert.equal(own.status, 200)
  })
