import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { Passport } from 'passport'
import Strategy from 'passport-openidconnect'
import { authorize, registerApp } from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

type Visitor = { issuer: string; id: string; name?: string; email?: string; accessToken: string }
type Told = { visitor: Visitor | null; error?: string; info?: { message?: string } }

/** As Express and express-session leave it. */
type Request = IncomingMessage & { query?: Record<string, string>; session?: object }

/** A site that signs people in by passport, with one browser at it. */
async function openSite() {
  const passport = new Passport()
  const sessions = new Map<string, object>()
  const server = createServer((request: Request, response) => {
    const id = /sid=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? crypto.randomUUID()
    const session = sessions.get(id) ?? {}
    sessions.set(id, session)
    response.setHeader('set-cookie', `sid=${id}; HttpOnly; Path=/; SameSite=Lax`)
    const { searchParams } = new URL(request.url ?? '/', 'http://site')
    Object.assign(request, { session, query: Object.fromEntries(searchParams) })
    const tell = (told: Told) => response.end(JSON.stringify(told))
    const signIn = passport.authenticate(
      'openidconnect',
      { session: false },
      (error, user, info) =>
        error
          ? tell({ visitor: null, error: error.message })
          : tell({ visitor: (user as Visitor) || null, info: info as { message?: string } }),
    )
    passport.initialize()(request, response, () => signIn(request, response, () => {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address && typeof address === 'object')
  const callbackURL = `http://127.0.0.1:${address.port}/callback`
  let cookie = ''
  return {
    callbackURL,
    use(options: Record<string, unknown>) {
      passport.use(
        new Strategy(
          { ...options, callbackURL },
          (issuer, profile, _context, _idToken, accessToken, _refreshToken, done) =>
            done(null, {
              issuer,
              id: profile.id,
              name: profile.displayName,
              email: profile.emails?.[0]?.value,
              accessToken,
            }),
        ),
      )
    },
    async start(): Promise<URL> {
      const answer = await fetch(new URL('/sign-in', callbackURL), { redirect: 'manual' })
      cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
      return new URL(answer.headers.get('location') ?? '')
    },
    callback: async (back: URL, as = cookie): Promise<Told> =>
      (await (await fetch(back, { headers: { cookie: as } })).json()) as Told,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** It knows no discovery and no PKCE: endpoints by hand, and the switch of the older clients. */
async function settings(origin: string, person: Person, callbackURL: string, more: object = {}) {
  const app = await registerApp(person, {
    redirect_uris: [callbackURL],
    legacy_confidential: true, // and the secret, which it posts, may come either way
    ...more,
  })
  return {
    issuer: origin,
    authorizationURL: `${origin}/oauth/authorize`,
    tokenURL: `${origin}/oauth/token`,
    userInfoURL: `${origin}/oauth/userinfo`,
    clientID: app.client_id,
    clientSecret: app.client_secret,
    scope: ['profile', 'email', 'models:read'],
  }
}

for (const database of databases)
  test(`passport-openidconnect signs a person in, by the ID token or by userinfo (${database})`, async () => {
    await using server = await startServer({ database })
    await using site = await openSite()
    const { person, email, accountId } = await signedUp(server.origin, { name: 'Ada Example' })
    const base = await settings(server.origin, person, site.callbackURL)
    for (const more of [
      { skipUserProfile: true },
      { skipUserProfile: false },
      { nonce: true, maxAge: 600, prompt: 'consent', display: 'page', uiLocales: 'zh' },
    ]) {
      site.use({ ...base, ...more })
      const { visitor, error } = await site.callback(await authorize(person, await site.start()))
      assert.equal(error, undefined)
      assert.deepEqual(
        [visitor?.issuer, visitor?.id, visitor?.name, visitor?.email],
        [server.origin, accountId, 'Ada Example', email],
      )
      const models = await fetch(`${server.origin}/v1/models`, {
        headers: { authorization: `Bearer ${visitor?.accessToken}` },
      })
      assert.equal(models.status, 200)
      assert.equal(decodeJwt(visitor?.accessToken ?? '').scope, 'models:read')
    }
  })

test('passport-openidconnect tells a denial, a spent code and a wrong secret as such', async () => {
  await using server = await startServer()
  await using site = await openSite()
  const { person } = await signedUp(server.origin)
  const base = await settings(server.origin, person, site.callbackURL)
  site.use(base)
  const denied = await site.callback(await authorize(person, await site.start(), 'deny'))
  assert.deepEqual([denied.visitor, denied.error], [null, undefined])
  assert.ok(denied.info?.message)

  const back = await authorize(person, await site.start())
  const stranger = await site.callback(back, 'sid=another-browser')
  assert.match(stranger.info?.message ?? '', /Unable to verify authorization request state/)
  assert.ok((await site.callback(back)).visitor)
  const again = await authorize(person, await site.start())
  again.searchParams.set('code', back.searchParams.get('code') ?? '')
  assert.equal((await site.callback(again)).error, 'grant request is invalid')

  site.use({ ...base, clientSecret: 'wrong' })
  const unproven = await site.callback(await authorize(person, await site.start()))
  assert.equal(unproven.error, 'client authentication failed')
})

test('passport-openidconnect is refused without the switch, at its own redirect URI', async () => {
  await using server = await startServer()
  await using site = await openSite()
  const { person } = await signedUp(server.origin)
  const strict = { legacy_confidential: false }
  site.use(await settings(server.origin, person, site.callbackURL, strict))
  const start = await site.start()
  const refused = await person.get<string>(String(start), { 'sec-fetch-site': 'cross-site' })
  const told = await site.callback(new URL(refused.headers.get('location') ?? ''))
  assert.match(told.error ?? '', /PKCE/)
})
