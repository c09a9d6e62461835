import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Auth, type AuthConfig } from '@auth/core'
import { decodeJwt } from 'jose'
import { authorize, registerApp } from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

const site = 'https://app.example'

/** A site on Auth.js and one browser at it: the cookies are its jar. */
function authSite(provider: AuthConfig['providers'][number], noted: Record<string, unknown> = {}) {
  const jar = new Map<string, string>()
  const complaints: string[] = []
  const config: AuthConfig = {
    basePath: '/auth',
    secret: 'a secret of the test, of no use to anybody',
    trustHost: true,
    providers: [provider],
    logger: {
      error(error) {
        complaints.push(String((error.cause as { err?: Error })?.err?.message ?? error.message))
      },
      warn() {},
      debug() {},
    },
    callbacks: {
      jwt({ token, account, profile }) {
        if (account) Object.assign(noted, { account, profile })
        return token
      },
    },
  }
  const ask = async (path: string, form?: Record<string, string>) => {
    const answer = await Auth(
      new Request(new URL(path, site), {
        headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
      }),
      config,
    )
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(line)) jar.delete(pair.slice(0, at))
      else jar.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return answer
  }
  return {
    noted,
    complaints,
    /** Where the button “Sign in” sends the browser. */
    async start(): Promise<URL> {
      const { csrfToken } = (await (await ask('/auth/csrf')).json()) as { csrfToken: string }
      const answer = await ask('/auth/signin/latchkey', { csrfToken })
      return new URL(answer.headers.get('location') ?? '')
    },
    ask,
    session: async () =>
      (await (await ask('/auth/session')).json()) as { user?: Record<string, string> } | null,
  }
}

const provider = (
  origin: string,
  app: { client_id: string; client_secret?: string },
  more: object = {},
) =>
  ({
    id: 'latchkey',
    name: 'Latchkey',
    type: 'oidc',
    issuer: origin,
    clientId: app.client_id,
    clientSecret: app.client_secret,
    ...more,
  }) as AuthConfig['providers'][number]

const register = (person: Person, settings: object = {}) =>
  registerApp(person, { redirect_uris: [`${site}/auth/callback/latchkey`], ...settings })

for (const database of databases)
  test(`Auth.js signs a person in by issuer, id and secret alone (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, email, accountId } = await signedUp(server.origin, { name: 'Ada Example' })
    const app = authSite(provider(server.origin, await register(person)))
    assert.equal(await app.session(), null)

    const url = await app.start()
    assert.equal(url.origin + url.pathname, `${server.origin}/oauth/authorize`)
    assert.equal(url.searchParams.get('code_challenge_method'), 'S256')
    const back = await authorize(person, url)
    const answer = await app.ask(`${back.pathname}${back.search}`)
    assert.equal(answer.headers.get('location'), site, 'no detour by its error page')
    const session = await app.session()
    assert.equal(session?.user?.email, email, 'read from the ID token')
    assert.equal(session?.user?.name, 'Ada Example')
    const { account } = app.noted as { account: Record<string, string> }
    assert.equal(account.providerAccountId, accountId)
    assert.equal(decodeJwt(account.access_token ?? '').sub, accountId)

    assert.deepEqual(app.complaints, [])
    const replayed = await app.ask(`${back.pathname}${back.search}`)
    assert.match(replayed.headers.get('location') ?? '', /error=/)
  })

test('Auth.js does as well with state and nonce, RS256, a posted secret, userinfo and scopes', async () => {
  await using server = await startServer()
  const { person, email } = await signedUp(server.origin)
  const cases: [what: string, settings: object, more: object][] = [
    ['every check', {}, { checks: ['pkce', 'state', 'nonce'] }],
    [
      'RS256',
      { id_token_signed_response_alg: 'RS256' },
      { client: { id_token_signed_response_alg: 'RS256' } },
    ],
    [
      'a posted secret',
      { token_endpoint_auth_method: 'client_secret_post' },
      { client: { token_endpoint_auth_method: 'client_secret_post' } },
    ],
    ['userinfo instead of the ID token', {}, { idToken: false }],
    [
      'scopes of the gateway',
      {},
      { authorization: { params: { scope: 'openid email offline_access chat:write' } } },
    ],
  ]
  for (const [what, settings, more] of cases) {
    const app = authSite(provider(server.origin, await register(person, settings), more))
    const back = await authorize(person, await app.start())
    await app.ask(`${back.pathname}${back.search}`)
    assert.equal((await app.session())?.user?.email, email, what)
    const { account } = app.noted as { account: Record<string, string> }
    assert.ok(account.refresh_token && account.access_token, what)
  }
})

test('Auth.js without discovery reads the profile from userinfo, and expects RS256', async () => {
  await using server = await startServer()
  const { person, email, accountId } = await signedUp(server.origin)
  const { origin } = server
  const byHand = {
    type: 'oauth',
    checks: ['pkce', 'state'],
    authorization: { url: `${origin}/oauth/authorize`, params: { scope: 'openid email' } },
    token: `${origin}/oauth/token`,
    userinfo: `${origin}/oauth/userinfo`,
    profile: (claims: { sub: string; email: string }) => ({ id: claims.sub, ...claims }),
  }
  const signIn = async (alg: string) => {
    const registered = await register(person, { id_token_signed_response_alg: alg })
    const app = authSite(provider(origin, registered, byHand))
    const back = await authorize(person, await app.start())
    await app.ask(`${back.pathname}${back.search}`)
    return app
  }
  const app = await signIn('RS256')
  assert.equal((await app.session())?.user?.email, email)
  assert.equal((app.noted.account as { providerAccountId: string }).providerAccountId, accountId)
  // OpenID Connect Registration section 2: who was told nothing takes RS256 for granted.
  const told = (await signIn('ES256')).complaints
  assert.deepEqual(told, ['unexpected JWT "alg" header parameter'])
})

test('Auth.js tells a denial, and lets nobody in by an answer that is not for its browser', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const settings = provider(server.origin, await register(person), { checks: ['pkce', 'state'] })
  const [app, other] = [authSite(settings), authSite(settings)]
  const denied = await authorize(person, await app.start(), 'deny')
  const told = await app.ask(`${denied.pathname}${denied.search}`)
  assert.match(told.headers.get('location') ?? '', /error=/)
  assert.equal(await app.session(), null)

  const back = await authorize(person, await app.start())
  await other.start()
  await other.ask(`${back.pathname}${back.search}`)
  assert.deepEqual(other.complaints, ['unexpected "state" response parameter value'])
  assert.equal(await other.session(), null)
  const mixed = new URL(back)
  mixed.searchParams.set('iss', 'https://evil.example')
  await app.ask(`${mixed.pathname}${mixed.search}`)
  assert.equal(app.complaints.at(-1), 'unexpected "iss" (issuer) response parameter value')
  assert.equal(await app.session(), null)
})
