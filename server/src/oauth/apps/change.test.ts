import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { callback, registerApp } from '../../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../../test/harness/person.ts'
import { databases, startServer } from '../../../../test/harness/server.ts'
import { minute } from '../../platform/clock/clock.ts'

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey

for (const database of databases)
  test(`who finds an open console gets no way to act as an app without the password (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, password } = await signedUp(server.origin)
    const dpop = { dpop_bound_access_tokens: true }
    const app = await registerApp(person, dpop)
    const jwks = { keys: [newKey().export({ format: 'jwk' })] }
    const own = { token_endpoint_auth_method: 'private_key_jwt', jwks }
    const keyed = await registerApp(person, { ...own, name: 'With a key' })
    person.password = null // nothing proves it by itself
    const change = async (client_id: string, settings: object) =>
      (
        await person.request<{ code?: string }>('PATCH', `/api/apps/${client_id}`, {
          body: settings,
        })
      ).body.code ?? 'changed'

    const [first, second] = [app.client_id, keyed.client_id]
    const lettingIn: [string, object][] = [
      [first, { redirect_uris: [callback, 'https://evil.example/'] }],
      [first, own],
      [first, { legacy_confidential: true }],
      [first, { dpop_bound_access_tokens: false }],
      [first, { name: 'Renamed', token_endpoint_auth_method: 'client_secret_post' }],
      [second, { jwks: { keys: [newKey().export({ format: 'jwk' })] } }],
      [second, { jwks: null, jwks_uri: 'https://evil.example/jwks' }],
    ]
    server.clock.advance(10 * minute)
    for (const [id, settings] of lettingIn)
      assert.equal(await change(id, settings), 'reauth_required', JSON.stringify(settings))
    const made = (path: string) => person.request<{ code?: string }>('POST', path, { body: {} })
    for (const path of ['/api/apps', `/api/apps/${first}/secrets`])
      assert.equal((await made(path)).body.code, 'reauth_required', path)

    // What lets nobody in is asked for nothing, and neither is sending the same again.
    const harmless = [
      { name: 'Renamed', scope: 'openid', refresh_idle_seconds: 600 },
      { redirect_uris: [callback], token_endpoint_auth_method: 'client_secret_basic', ...dpop },
    ]
    for (const settings of harmless) assert.equal(await change(first, settings), 'changed')
    assert.equal(await change(second, own), 'changed')
    assert.equal(await change(first, { redirect_uris: [] }), 'invalid_request', 'and not in vain')

    await person.expect(204, 'POST', '/api/sessions/current/prove', { password })
    for (const [id, settings] of lettingIn)
      assert.equal(await change(id, settings), 'changed', JSON.stringify(settings))
  })
