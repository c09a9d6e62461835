import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createKey } from '../harness/journey.ts'
import {
  attempt,
  authorize,
  callback,
  discover,
  type RegisteredApp,
  registerApp,
  signIn,
} from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { startServer, type TestServer } from '../harness/server.ts'

/** Everything secret there is, presented everywhere: each opens its own door and no other. */
describe('no credential passes where another kind belongs', () => {
  let server: TestServer
  let person: Person
  let app: RegisteredApp
  let kinds: Record<string, string>

  before(async () => {
    server = await startServer()
    ;({ person } = await signedUp(server.origin))
    app = await registerApp(person)
    const config = await discover(server.origin, app)
    const tokens = await signIn(config, person)
    const pending = await attempt(config)
    const code = (await authorize(person, pending.url)).searchParams.get('code') ?? ''
    const registered = await fetch(`${server.origin}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [callback] }),
    })
    const registration = (await registered.json()) as { registration_access_token: string }
    const pushed = await fetch(`${server.origin}/oauth/par`, {
      method: 'POST',
      headers: { authorization: basic() },
      body: new URLSearchParams(pending.url.searchParams),
    })
    kinds = {
      access_token: tokens.access_token,
      id_token: tokens.id_token ?? '',
      refresh_token: tokens.refresh_token ?? '',
      code,
      session: person.cookies.get('lk_session') ?? '',
      api_key: (await createKey(person)).secret,
      client_secret: app.client_secret ?? '',
      registration: registration.registration_access_token,
      request_uri: ((await pushed.json()) as { request_uri: string }).request_uri,
      grant_id: 'grant_00000000000000000000000000',
    }
    for (const [kind, value] of Object.entries(kinds)) assert.ok(value, kind)
  })
  after(() => server[Symbol.asyncDispose]())

  const basic = () =>
    `Basic ${Buffer.from(`${app.client_id}:${app.client_secret}`).toString('base64')}`
  const bearer = (path: string) => async (value: string) =>
    (
      await fetch(server.origin + path, {
        headers: { authorization: `Bearer ${value}` },
        redirect: 'manual',
      })
    ).status === 200
  const form =
    (path: string, fields: (value: string) => Record<string, string>) => async (value: string) => {
      const response = await fetch(server.origin + path, {
        method: 'POST',
        headers: { authorization: basic() },
        body: new URLSearchParams(fields(value)),
      })
      const body = (await response.json()) as { active?: boolean }
      return response.status === 200 && body.active !== false
    }

  /** Each door, and what may open it. */
  const doors: Record<string, { opens: string[]; try: (value: string) => Promise<boolean> }> = {
    'the gateway': { opens: ['access_token', 'api_key'], try: bearer('/v1/models') },
    userinfo: { opens: ['access_token'], try: bearer('/oauth/userinfo') },
    'the API of the console, as bearer': { opens: [], try: bearer('/api/account') },
    'the API of the console, as cookie': {
      opens: ['session'],
      async try(value) {
        const answer = await fetch(`${server.origin}/api/account`, {
          headers: { cookie: `lk_session=${encodeURIComponent(value)}` },
        })
        return answer.status === 200
      },
    },
    'the management of a client': {
      opens: [],
      try: (value) => bearer(`/oauth/register/${app.client_id}`)(value),
    },
    introspection: {
      opens: ['access_token', 'refresh_token'],
      try: form('/oauth/introspect', (token) => ({ token })),
    },
    'a refresh': {
      opens: ['refresh_token'],
      try: form('/oauth/token', (value) => ({ grant_type: 'refresh_token', refresh_token: value })),
    },
    'a device code': {
      opens: [],
      try: form('/oauth/token', (value) => ({
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code: value,
      })),
    },
    'a code': {
      opens: [], // its own verifier is missing here
      try: form('/oauth/token', (value) => ({
        grant_type: 'authorization_code',
        code: value,
        redirect_uri: callback,
        code_verifier: 'a'.repeat(43),
      })),
    },
    'the secret of a client': {
      opens: ['client_secret'],
      async try(value) {
        const response = await fetch(`${server.origin}/oauth/introspect`, {
          method: 'POST',
          headers: {
            authorization: `Basic ${Buffer.from(`${app.client_id}:${encodeURIComponent(value)}`).toString('base64')}`,
          },
          body: new URLSearchParams({ token: 'x' }),
        })
        return response.status === 200
      },
    },
    'a hint of who is expected': {
      opens: ['id_token'],
      async try(value) {
        const url = (await attempt(await discover(server.origin, app), { id_token_hint: value }))
          .url
        const answer = await fetch(url, { redirect: 'manual' })
        const location = answer.headers.get('location') ?? ''
        return !location.includes('error=')
      },
    },
  }

  for (const [door, { opens, try: knock }] of Object.entries(doors))
    test(`${door}: ${opens.length > 0 ? `opened by ${opens.join(' and ')} alone` : 'opened by none of them'}`, async () => {
      // What opens it is tried last, so that what it uses up is not missed.
      for (const [kind, value] of Object.entries(kinds).filter(([name]) => !opens.includes(name)))
        assert.equal(await knock(value), false, kind)
      for (const kind of opens) assert.equal(await knock(kinds[kind] ?? ''), true, kind)
    })
})
