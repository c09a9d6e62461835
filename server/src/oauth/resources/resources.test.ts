import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import * as oidc from 'openid-client'
import {
  arrive,
  attempt,
  authorize,
  callback,
  discover,
  redeem,
  registerApp,
  signIn,
} from '../../../../test/harness/oauth-browser.ts'
import { type Person, signedUp } from '../../../../test/harness/person.ts'
import { databases, freePort, startServer } from '../../../../test/harness/server.ts'

const notes = 'https://notes.example/mcp'
const bare = 'https://bare.example'
const env = {
  LATCHKEY_RESOURCES: JSON.stringify([
    {
      resource: notes,
      name: 'Notes',
      scopes: {
        'notes:read': { en: 'Read your notes', zh: '读取您的笔记' },
        'notes:write': 'Write notes',
      },
    },
    { resource: bare, name: 'Bare', scopes: { 'notes:read': 'Read the other notes' } },
  ]),
}
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

async function setUp(database?: 'sqlite' | 'postgres') {
  const server = await startServer({ env, ...(database ? { database } : {}) })
  const { person, accountId } = await signedUp(server.origin)
  const app = await registerApp(person, { scope: 'openid email chat:write' })
  return { server, person, accountId, app, config: await discover(server.origin, app) }
}

const models = async (origin: string, token: string) =>
  (await fetch(`${origin}/v1/models`, { headers: { authorization: `Bearer ${token}` } })).status

/** What the client hears back at its redirect URI, without a page in between. */
async function refusal(person: Person, url: URL) {
  const { status, headers, body } = await person.get<string>(String(url), {
    'sec-fetch-site': 'cross-site',
  })
  assert.equal(status, 303, body)
  return new URL(headers.get('location') ?? '').searchParams.get('error')
}

for (const database of databases) {
  test(`a token for a resource names it alone, and the gateway lets it in nowhere (${database})`, async () => {
    const { server, person, accountId, app, config } = await setUp(database)
    await using _ = server
    const scope = 'openid email notes:read'
    const tokens = await signIn(config, person, { resource: notes, scope })
    const claims = decodeJwt(tokens.access_token)
    assert.deepEqual(
      [claims.aud, claims.scope, claims.sub, claims.client_id],
      [notes, 'notes:read', accountId, app.client_id],
    )
    assert.ok(tokens.claims()?.email, 'identity comes in the ID token')
    assert.equal(await models(server.origin, tokens.access_token), 401)
    await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, accountId))
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    assert.equal((await fetch(`${server.origin}/api/account`, { headers })).status, 401)

    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', {
      resource: notes,
    })
    assert.equal(decodeJwt(refreshed.access_token).aud, notes)
    const unsaid = await oidc.refreshTokenGrant(config, refreshed.refresh_token ?? '')
    assert.equal(decodeJwt(unsaid.access_token).aud, notes)
    assert.equal(decodeJwt(unsaid.access_token).scope, 'notes:read')
    for (const resource of [`${server.origin}/v1`, bare])
      await assert.rejects(
        oidc.refreshTokenGrant(config, unsaid.refresh_token ?? '', { resource }),
        { error: 'invalid_target' },
      )
    const kept = await oidc.refreshTokenGrant(config, unsaid.refresh_token ?? '')
    assert.ok(kept.access_token, 'a refused resource costs nothing')

    const gateways = await signIn(config, person, { scope: 'openid chat:write' })
    assert.equal(decodeJwt(gateways.access_token).aud, `${server.origin}/v1`)
  })

  test(`a code is redeemed for the resource it was asked for, or not at all (${database})`, async () => {
    const { server, person, config } = await setUp(database)
    await using _ = server
    const started = await attempt(config, { resource: notes, scope: 'notes:read' })
    const back = await authorize(person, started.url)
    await assert.rejects(
      oidc.authorizationCodeGrant(
        config,
        back,
        { pkceCodeVerifier: started.verifier, expectedState: started.state },
        { resource: `${server.origin}/v1` },
      ),
      { error: 'invalid_target' },
    )
    const tokens = await redeem(config, back, started)
    assert.equal(decodeJwt(tokens.access_token).aud, notes)
  })
}

test('scopes belong to their resource, and one request names one', async () => {
  const { server, person, config } = await setUp()
  await using _ = server
  const cases: [Record<string, string>, string[], string][] = [
    [{ scope: 'chat:write' }, [notes], 'invalid_scope'],
    [{ scope: 'notes:read chat:write' }, [notes], 'invalid_scope'],
    [{ scope: 'notes:admin' }, [notes], 'invalid_scope'],
    [{ scope: 'notes:write' }, [bare], 'invalid_scope'],
    [{ scope: 'notes:read phone' }, [notes], 'invalid_scope'], // the app may not have it
    [{ scope: 'notes:read' }, [], 'invalid_scope'],
    [{ scope: 'notes:read' }, [notes, bare], 'invalid_target'],
    [{ scope: 'notes:read' }, [bare, notes], 'invalid_target'],
    [{ scope: 'notes:read chat:write' }, [notes, `${server.origin}/v1`], 'invalid_target'],
    [{ scope: 'notes:read' }, [`${notes}/`], 'invalid_target'],
    [{ scope: 'notes:read' }, [`${notes}#top`], 'invalid_target'],
    [{ scope: 'notes:read' }, [`${notes}?a=1`], 'invalid_target'],
    [{ scope: 'notes:read' }, ['https://NOTES.example/mcp'], 'invalid_target'],
    [{ scope: 'notes:read' }, ['https://notes.example/mcp/../mcp'], 'invalid_target'],
    [{ scope: 'notes:read' }, ['notes.example/mcp'], 'invalid_target'],
  ]
  for (const [parameters, resources, error] of cases) {
    const { url } = await attempt(config, parameters)
    for (const resource of resources) url.searchParams.append('resource', resource)
    assert.equal(await refusal(person, url), error, JSON.stringify([parameters, resources]))
  }
  const { url } = await attempt(config, { scope: 'notes:read' })
  for (const resource of [notes, notes]) url.searchParams.append('resource', resource)
  assert.match(await arrive(person, url), /^\/consent/, 'the same one twice is one')
})

test('a bare origin is the same resource with and without its slash', async () => {
  const { server, person, config } = await setUp()
  await using _ = server
  for (const resource of [bare, `${bare}/`]) {
    const tokens = await signIn(config, person, { resource, scope: 'notes:read' })
    assert.equal(decodeJwt(tokens.access_token).aud, bare)
  }
})

test('people are asked for each resource, in its words and their language', async () => {
  const { server, person, config } = await setUp()
  await using _ = server
  const asked = async (resource: string) => {
    const { url } = await attempt(config, { resource, scope: 'openid notes:read' })
    return arrive(person, url)
  }
  const tx = (await asked(notes)).split('tx=')[1] ?? ''
  const path = `/api/oauth/transactions/${tx}`
  type View = {
    scopes: { name: string; title: string; description: string }[]
    resource: { name: string; host: string } | null
  }
  const view = (await person.get<View>(path)).body
  assert.deepEqual(view.resource, { name: 'Notes', host: 'notes.example' })
  const english = view.scopes[1]
  assert.deepEqual(english, {
    name: 'notes:read',
    title: 'Read your notes',
    description: 'At Notes (notes.example), and nowhere else.',
  })
  await person.expect(200, 'PATCH', '/api/account', { locale: 'zh' })
  const chinese = (await person.get<View>(path)).body.scopes[1]
  assert.equal(chinese?.title, '读取您的笔记')
  assert.equal(chinese?.description, '仅限于 Notes（notes.example）。')

  await signIn(config, person, { resource: notes, scope: 'openid notes:read' })
  assert.match(await asked(notes), /^https:\/\/app\.example/, 'said yes already')
  assert.match(await asked(bare), /^\/consent/, 'a yes at one resource is none at another')

  type Grants = { items: { scopes: string[]; resource: object | null }[] }
  const { items } = await person.expect<Grants>(200, 'GET', '/api/grants')
  assert.deepEqual(
    items.map(({ resource }) => resource),
    [{ name: 'Notes', host: 'notes.example', scopes: { 'notes:read': '读取您的笔记' } }],
  )
})

test('its own client may ask about and end a token for a resource; others learn nothing', async () => {
  const { server, person, config } = await setUp()
  await using _ = server
  const tokens = await signIn(config, person, { resource: notes, scope: 'notes:read' })
  const known = await oidc.tokenIntrospection(config, tokens.access_token)
  assert.deepEqual([known.active, known.aud, known.scope], [true, notes, 'notes:read'])
  const stranger = await discover(server.origin, await registerApp(person))
  const unknown = await oidc.tokenIntrospection(stranger, tokens.access_token)
  assert.deepEqual({ ...unknown }, { active: false })
  await oidc.tokenRevocation(stranger, tokens.access_token)
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, true)
  await oidc.tokenRevocation(config, tokens.access_token)
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, false)
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token ?? ''), {
    error: 'invalid_grant',
  })
})

test('the server a token is for hears about it, at once also of its end, and may not end it', async () => {
  const origin = `http://localhost:${await freePort()}`
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-test-'))
  const at = (clientId?: string) =>
    startServer({
      env: {
        LATCHKEY_ORIGIN: origin,
        LATCHKEY_DATA_DIR: dataDir,
        LATCHKEY_RESOURCES: JSON.stringify([
          { resource: notes, name: 'Notes', scopes: { read: 'Read' }, client_id: clientId },
          { resource: bare, name: 'Bare', scopes: { read: 'Read' } },
        ]),
      },
    })
  const machine = { redirect_uris: [], grant_types: ['client_credentials'] }
  const before = await at()
  const { person, accountId } = await signedUp(origin)
  const serverApp = await registerApp(person, machine)
  const open = await registerApp(person, { token_endpoint_auth_method: 'none' })
  await before[Symbol.asyncDispose]()

  const running = await at(serverApp.client_id)
  const config = await discover(origin, await registerApp(person))
  const asServer = await discover(origin, serverApp)
  const asked = { resource: notes, scope: 'read' }
  const tokens = await signIn(config, person, asked)
  const known = await oidc.tokenIntrospection(asServer, tokens.access_token)
  assert.deepEqual(
    [known.active, known.sub, known.scope, known.aud],
    [true, accountId, 'read', notes],
  )
  for (const [what, token] of [
    ['the gateway’s', (await signIn(config, person)).access_token],
    ['another server’s', (await signIn(config, person, { ...asked, resource: bare })).access_token],
    ['a refresh token', tokens.refresh_token ?? ''],
  ] as const)
    assert.deepEqual(
      { ...(await oidc.tokenIntrospection(asServer, token)) },
      { active: false },
      what,
    )
  await oidc.tokenRevocation(asServer, tokens.access_token)
  assert.equal((await oidc.tokenIntrospection(asServer, tokens.access_token)).active, true)

  const { items } = await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/grants')
  for (const { id } of items) await person.request('DELETE', `/api/grants/${id}`)
  assert.equal((await oidc.tokenIntrospection(asServer, tokens.access_token)).active, false)
  await running[Symbol.asyncDispose]()

  // A name without a secret is known to everybody.
  await using _ = await at(open.client_id)
  const again = await signIn(config, person, asked)
  const asOpen = await discover(origin, open)
  assert.equal((await oidc.tokenIntrospection(asOpen, again.access_token)).active, false)
  await rm(dataDir, { recursive: true, force: true })
})

test('machines, devices and pushed requests name a resource as browsers do', async () => {
  const { server, person, accountId, app, config } = await setUp()
  await using _ = server
  const machine = await discover(
    server.origin,
    await registerApp(person, { redirect_uris: [], grant_types: ['client_credentials'] }),
  )
  for (const asked of [{ resource: notes, scope: 'notes:write' }, { resource: notes }]) {
    const { access_token } = await oidc.clientCredentialsGrant(machine, asked)
    const claims = decodeJwt(access_token)
    assert.deepEqual([claims.aud, claims.act_for], [notes, accountId])
    assert.equal(claims.scope, 'scope' in asked ? 'notes:write' : 'notes:read notes:write')
    assert.equal(await models(server.origin, access_token), 401)
  }
  for (const [asked, error] of [
    [{ resource: notes, scope: 'chat:write' }, 'invalid_scope'],
    [{ scope: 'notes:read' }, 'invalid_scope'],
    [{ resource: 'https://nobody.example/', scope: 'notes:read' }, 'invalid_target'],
  ] as [Record<string, string>, string][])
    await assert.rejects(oidc.clientCredentialsGrant(machine, asked), { error })

  const box = await discover(
    server.origin,
    await registerApp(person, {
      redirect_uris: [],
      grant_types: [deviceGrant, 'refresh_token'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    }),
  )
  const started = await oidc.initiateDeviceAuthorization(box, {
    scope: 'openid notes:read',
    resource: notes,
  })
  const user_code = started.user_code
  type Claimed = { scopes: { title: string }[] }
  const claimed = await person.expect<Claimed>(200, 'POST', '/api/oauth/device/claim', {
    user_code,
  })
  assert.equal(claimed.scopes[1]?.title, 'Read your notes')
  const decision = { user_code, decision: 'allow' }
  await person.expect(204, 'POST', '/api/oauth/device/decision', decision)
  const got = await oidc.pollDeviceAuthorizationGrant(box, { ...started, interval: 0 })
  assert.equal(decodeJwt(got.access_token).aud, notes)
  assert.equal(decodeJwt(got.access_token).scope, 'notes:read')

  const verifier = oidc.randomPKCECodeVerifier()
  const pushed = await oidc.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: callback,
    scope: 'notes:write',
    resource: notes,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const back = await authorize(person, pushed)
  const tokens = await oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier })
  assert.deepEqual(
    [decodeJwt(tokens.access_token).aud, decodeJwt(tokens.access_token).client_id],
    [notes, app.client_id],
  )
})

test('what a resource loses in the configuration, no refresh gives back', async () => {
  const origin = `http://localhost:${await freePort()}`
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-test-'))
  const at = (resources: object[]) =>
    startServer({
      env: {
        LATCHKEY_ORIGIN: origin,
        LATCHKEY_DATA_DIR: dataDir,
        ...(resources.length > 0 ? { LATCHKEY_RESOURCES: JSON.stringify(resources) } : {}),
      },
    })
  const whole = { 'notes:read': 'Read', 'notes:write': 'Write' }
  const before = await at([{ resource: notes, name: 'Notes', scopes: whole }])
  const { person } = await signedUp(origin)
  const config = await discover(origin, await registerApp(person))
  const asked = { resource: notes, scope: 'notes:read notes:write' }
  const first = await signIn(config, person, asked)
  await before[Symbol.asyncDispose]()

  const narrower = { resource: notes, name: 'Notes', scopes: { 'notes:read': 'Read' } }
  const after = await at([narrower])
  const second = await oidc.refreshTokenGrant(config, first.refresh_token ?? '')
  assert.equal(decodeJwt(second.access_token).scope, 'notes:read')
  await after[Symbol.asyncDispose]()

  await using _ = await at([])
  await assert.rejects(oidc.refreshTokenGrant(config, second.refresh_token ?? ''), {
    error: 'invalid_target',
  })
  assert.equal(await models(origin, second.access_token), 401)
  await rm(dataDir, { recursive: true, force: true })
})
