import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePort, startServer } from '../harness/server.ts'

const operator = { email: 'op@example.com', password: 'orchard granite whistle 77' }

/** One of each kind of answer: pages, API, protocol, gateway, refusals of all of them. */
const kinds = [
  '/',
  '/sign-in',
  '/assets/nothing.js',
  '/api/console',
  '/api/account',
  '/api/nothing',
  '/api/%ff',
  '/healthz',
  '/readyz',
  '/metrics',
  '/oauth/jwks',
  '/oauth/token',
  '/oauth/userinfo',
  '/oauth/authorize?client_id=nobody',
  '/oauth/tx/tx_00000000000000000000000000',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-protected-resource/v1',
  '/v1/models',
  '/v1/nothing',
  '/nothing.php',
]
const mayBeKept = /^\/(oauth\/jwks|\.well-known)/

for (const origin of ['http://localhost', 'https://ai.example.com'])
  test(`every answer carries the security headers, every cookie its flags (${origin})`, async () => {
    const secure = origin.startsWith('https:')
    const port = String(await freePort())
    const ours = secure ? origin : `${origin}:${port}`
    await using server = await startServer({
      env: {
        LATCHKEY_ORIGIN: ours,
        LATCHKEY_PORT: port,
        LATCHKEY_HOST: '127.0.0.1',
        LATCHKEY_OPERATOR_EMAIL: operator.email,
        LATCHKEY_OPERATOR_PASSWORD: operator.password,
        ...(secure ? { LATCHKEY_MODE: 'production', LATCHKEY_SMTP_URL: 'smtp://127.0.0.1:1' } : {}),
      },
    })
    assert.equal(server.platform.config.mode, secure ? 'production' : 'development')
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual', ...init })

    for (const path of kinds) {
      const answer = await ask(path, { headers: { accept: 'text/html,*/*' } })
      const text = await answer.text()
      const get = (name: string) => answer.headers.get(name) ?? ''
      assert.match(get('x-request-id'), /^req_/, path)
      assert.equal(get('x-content-type-options'), 'nosniff', path)
      assert.equal(get('server') + get('x-powered-by'), '', path)
      if (mayBeKept.test(path)) assert.match(get('cache-control'), /^public, max-age=/, path)
      else assert.match(get('cache-control'), /^no-(store|cache)$/, path)
      assert.ok(!text.includes('127.0.0.1'), `${path}: URLs come from the origin, not from Host`)
      if (path.startsWith('/v1/')) continue // no browser opens these
      assert.match(get('content-security-policy'), /frame-ancestors 'none'/, path)
      assert.ok(!/unsafe|\*/.test(get('content-security-policy')), path)
      assert.equal(get('referrer-policy'), 'no-referrer', path)
      assert.equal(get('cross-origin-opener-policy'), 'same-origin', path)
      assert.equal(get('x-frame-options'), 'DENY', path)
      assert.equal(get('strict-transport-security') !== '', secure, path)
    }

    const signedIn = await ask('/api/sessions', {
      method: 'POST',
      headers: { origin: ours, 'content-type': 'application/json' },
      body: JSON.stringify(operator),
    })
    assert.equal(signedIn.status, 201)
    assert.equal(signedIn.headers.get('cache-control'), 'no-store')
    const cookies = signedIn.headers.getSetCookie()
    const prefix = secure ? '__Host-' : ''
    for (const name of ['lk_session', 'lk_device']) {
      const cookie = cookies.find((line) => line.startsWith(`${prefix}${name}=`)) ?? ''
      for (const flag of ['HttpOnly', 'SameSite=Strict', 'Path=/', ...(secure ? ['Secure'] : [])])
        assert.ok(cookie.split('; ').includes(flag), `${flag} in ${name}: ${cookie}`)
      assert.ok(!/domain=/i.test(cookie), name)
    }

    const headers = {
      origin: ours,
      'content-type': 'application/json',
      cookie: cookies.map((line) => line.split(';', 1)[0] ?? '').join('; '),
    }
    const app = await ask('/api/apps', {
      method: 'POST',
      headers,
      body: JSON.stringify({ name: 'App', redirect_uris: ['https://app.example/callback'] }),
    })
    const { client_id } = (await app.json()) as { client_id: string }
    const query = new URLSearchParams({
      client_id,
      response_type: 'code',
      redirect_uri: 'https://app.example/callback',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    const bounce = await ask(`/oauth/authorize?${query}`, {
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    assert.equal(bounce.status, 200)
    assert.equal(bounce.headers.get('cache-control'), 'no-store')
    assert.equal(bounce.headers.get('referrer-policy'), 'no-referrer')
    assert.match(bounce.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
    const [started = '', ...others] = bounce.headers.getSetCookie()
    assert.deepEqual(others, [], 'the engine’s own cookies stay inside')
    assert.ok(started.startsWith(`${prefix}lk_tx_`), started)
    assert.match(started, /; ?HttpOnly/i)
    assert.match(started, /; ?SameSite=Lax/i)
    assert.equal(/; ?Secure/i.test(started), secure)

    const outbox = await ask('/dev/outbox')
    assert.equal(outbox.status, secure ? 404 : 200, 'production has no outbox to read')
  })
