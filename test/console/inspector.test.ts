import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { OAuthApp } from '../../console/src/api/schema.ts'
import {
  assertionHeld,
  newAppKey,
  registeredPart,
  withAssertion,
} from '../../console/src/pages/inspector/assertion.ts'
import { compare, compareNearest } from '../../console/src/pages/inspector/compare.ts'
import { curl } from '../../console/src/pages/inspector/curl.ts'
import { checksOf, diagnose } from '../../console/src/pages/inspector/diagnose.ts'
import { proofHeld, withProof } from '../../console/src/pages/inspector/dpop.ts'
import { type FlowId, nextStep, planOf, whyNot } from '../../console/src/pages/inspector/flows.ts'
import { bodyText, requestText } from '../../console/src/pages/inspector/http-text.ts'
import { decodeJwt } from '../../console/src/pages/inspector/jwt.ts'
import { readPasted } from '../../console/src/pages/inspector/pasted.ts'
import { freshAttempt } from '../../console/src/pages/inspector/pkce.ts'
import {
  deviceGrant,
  type Held,
  type Mistake,
  type Setup,
} from '../../console/src/pages/inspector/requests.ts'
import { answerAt, send } from '../../console/src/pages/inspector/send.ts'
import { arrowsOf } from '../../console/src/pages/inspector/sequence.ts'
import { steps } from '../../console/src/pages/inspector/steps.ts'
import { fullUrl, refusalOf, type StepId } from '../../console/src/pages/inspector/wire.ts'
import { authorize } from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { startServer, type TestServer } from '../harness/server.ts'

const scope = 'openid email offline_access models:read chat:write'

/** An app of this person with the inspector open, as the page holds it. */
async function opened(server: TestServer, person: Person, settings: object): Promise<Setup> {
  const app = await person.expect<OAuthApp>(201, 'POST', '/api/apps', {
    name: 'Example App',
    scope,
    ...settings,
  })
  const method = app.token_endpoint_auth_method
  const key = method === 'private_key_jwt' ? await newAppKey() : null
  const test = await person.expect<{ redirect_uri: string; client_secret?: string }>(
    201,
    'POST',
    `/api/apps/${app.client_id}/inspection`,
    {
      temporary_secret: method.startsWith('client_secret'),
      ...(key && { temporary_key: registeredPart(key) }),
    },
  )
  return {
    app,
    origin: server.origin,
    redirectUri: test.redirect_uri,
    secret: test.client_secret ?? '',
    key,
    scopes: app.scope.split(' '),
    push: false,
    legacy: false,
    dpop: app.dpop_bound_access_tokens,
    model: 'latchkey-demo',
  }
}

/** The page without the page: sends one request of the table and keeps what it brings. */
function runner(setup: Setup, person: Person) {
  let held: Held | null = null
  return {
    begin: async () => {
      held = await freshAttempt()
    },
    get held(): Held {
      return held ?? assert.fail('begin first')
    },
    async run(step: StepId, mistake: Mistake | null = null, more: Partial<Held> = {}) {
      const before = { ...this.held, ...more }
      const plain = steps[step].request(setup, before, mistake)
      const asserted = await withAssertion(plain, setup, before, mistake)
      const request = await withProof(step, asserted, setup, before, mistake)
      const response =
        request.navigates && mistake !== 'wrong_redirect'
          ? answerAt((await authorize(person, fullUrl(request))).search)
          : (await send(request)).response
      const exchanged = { step, request, response }
      const diagnosis = diagnose(exchanged, setup, before)
      const checks = checksOf(exchanged, setup, before)
      held = {
        ...before,
        ...proofHeld(request, response, before),
        ...assertionHeld(request, before),
      }
      if (!refusalOf(response))
        held = { ...held, ...steps[step].absorb(before, response, Date.now()) }
      return { ...exchanged, diagnosis, checks, finding: diagnosis?.finding ?? null }
    },
  }
}

const callback = 'https://app.example/callback'
const ownKeys = () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [publicKey.export({ format: 'jwk' })] },
  }
}
const kinds: Record<string, [FlowId, object]> = {
  'a website with a key': ['code', { redirect_uris: [callback], ...ownKeys() }],
  'a program with a key': [
    'machine',
    { grant_types: ['client_credentials'], scope: 'models:read chat:write', ...ownKeys() },
  ],
  'a website, secret in the header': ['code', { redirect_uris: [callback] }],
  'a website, secret in the form': [
    'code',
    { redirect_uris: [callback], token_endpoint_auth_method: 'client_secret_post' },
  ],
  'a page in the browser': [
    'code',
    { redirect_uris: [callback], token_endpoint_auth_method: 'none' },
  ],
  'a native app': ['code', { redirect_uris: ['http://127.0.0.1/cb'], application_type: 'native' }],
  'an older client': ['code', { redirect_uris: [callback], legacy_confidential: true }],
  'a program': [
    'machine',
    { grant_types: ['client_credentials'], scope: 'models:read chat:write' },
  ],
}

test('every request of a plan is answered as an app would want it, for every kind of app', async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  for (const [kind, [flow, settings]] of Object.entries(kinds))
    for (const push of flow === 'code' ? [false, true] : [false]) {
      server.clock.advance(60_000) // more sign-ins than a person makes in one minute
      await person.expect(201, 'POST', '/api/sessions', { email, password })
      const setup = { ...(await opened(server, person, settings)), push }
      setup.legacy = setup.app.legacy_confidential
      assert.equal(whyNot(flow, setup.app), null)
      const run = runner(setup, person)
      await run.begin()
      const done = new Set<StepId>()
      const { core, uses } = planOf(flow, setup)
      for (let next = nextStep(flow, setup, run.held, done); next; ) {
        const { response, finding, checks } = await run.run(next)
        assert.equal(finding, null, `${kind}, ${next}: ${JSON.stringify(response.body)}`)
        assert.ok(response.status < 400 && checks.every(({ ok }) => ok), `${kind}, ${next}`)
        done.add(next)
        next = nextStep(flow, setup, run.held, done)
      }
      assert.deepEqual([...done], [...core, ...uses], kind)
      // The last of the plan gave everything back, and ended the session.
      if (flow === 'code') assert.equal((await run.run('models')).finding, 'grant_revoked')
      const signedIn = (await person.get('/api/account')).status === 200
      assert.equal(signedIn, flow !== 'code', kind)
    }
})

test('the device flow is told what it is waiting for until the person has decided', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const setup = await opened(server, person, {
    grant_types: [deviceGrant, 'refresh_token'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  })
  const run = runner(setup, person)
  await run.begin()
  assert.equal((await run.run('device')).finding, null)
  const waiting = await run.run('poll')
  assert.deepEqual([waiting.finding, waiting.diagnosis?.tone], ['pending', 'info'])
  assert.equal((await run.run('poll')).finding, 'slow_down')
  const user_code = run.held.userCode
  await person.expect(200, 'POST', '/api/oauth/device/claim', { user_code })
  await person.expect(204, 'POST', '/api/oauth/device/decision', { user_code, decision: 'allow' })
  const given = await run.run('poll')
  assert.equal(given.finding, null)
  assert.deepEqual(
    given.checks.map(({ name }) => name),
    ['aud'],
  )
  assert.equal((await run.run('models')).finding, null)
})

test('every mistake on purpose is refused, and the page knows why', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const setup = await opened(server, person, { redirect_uris: [callback] })
  const run = runner(setup, person)
  const seen: Record<string, string | null> = {}
  const tryAll = async (step: StepId, only: readonly Mistake[] | null = null) => {
    for (const mistake of only ?? steps[step].mistakes(setup, run.held)) {
      const { diagnosis, response } = await run.run(step, mistake)
      seen[`${step} ${mistake}`] = diagnosis?.finding ?? null
      if (mistake === 'wrong_redirect') {
        assert.equal(diagnosis?.difference?.kind, 'trailing_slash', step)
        assert.equal(diagnosis?.difference?.agree, setup.redirectUri.length)
      }
      if (mistake === 'unknown_scope') assert.deepEqual(diagnosis?.scopes, ['everything'])
      assert.ok(diagnosis?.help.startsWith('/help/'), JSON.stringify(response))
    }
  }
  await run.begin()
  await tryAll('push')
  await tryAll('authorize')
  assert.equal((await run.run('authorize')).finding, null)
  await tryAll('token')
  assert.equal((await run.run('token')).finding, null)
  for (const step of ['userinfo', 'models', 'introspect', 'refresh', 'revoke'] as const)
    await tryAll(step)
  await tryAll('token', ['code_again'])
  assert.deepEqual(seen, {
    'push wrong_redirect': 'redirect_mismatch',
    'push unknown_scope': 'scope_refused',
    'push no_pkce': 'pkce_missing',
    'push plain_pkce': 'pkce_plain',
    'push wrong_secret': 'client_refused',
    'authorize wrong_redirect': 'redirect_mismatch',
    'authorize unknown_scope': 'scope_refused',
    'authorize no_pkce': 'pkce_missing',
    'authorize plain_pkce': 'pkce_plain',
    'token wrong_verifier': 'verifier_mismatch',
    'token no_verifier': 'verifier_missing',
    'token wrong_redirect': 'token_redirect_mismatch',
    'token wrong_secret': 'client_refused',
    'userinfo broken_token': 'token_invalid',
    'models broken_token': 'token_invalid',
    'introspect broken_token': 'inactive',
    'introspect wrong_secret': 'client_refused',
    'refresh broken_token': 'grant_revoked',
    'refresh wrong_secret': 'client_refused',
    'revoke wrong_secret': 'client_refused',
    'token code_again': 'code_reused',
  })
  assert.equal((await run.run('models')).finding, 'grant_revoked', 'the reused code ended them')
})

test('what is wrong with an assertion is told apart, and where to sign out to is compared', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const setup = await opened(server, person, { redirect_uris: [callback], ...ownKeys() })
  const run = runner(setup, person)
  await run.begin()
  assert.deepEqual(steps.push.mistakes(setup, run.held).slice(-2), ['wrong_key', 'wrong_audience'])
  await run.run('authorize')
  assert.equal((await run.run('token', 'wrong_key')).finding, 'assertion_key')
  assert.equal((await run.run('token', 'wrong_audience')).finding, 'assertion_audience')
  const { request, finding } = await run.run('token')
  assert.equal(finding, null)
  const jwt = decodeJwt(run.held.lastAssertion ?? '')
  assert.equal(jwt?.claims.aud, server.origin)
  const shown = [requestText(request, { reveal: false }), curl(request, { reveal: false })].join()
  assert.ok(
    !shown.includes(run.held.lastAssertion ?? '-'),
    'it is good once, and not to be read off',
  )
  assert.ok(steps.introspect.mistakes(setup, run.held).includes('old_assertion'))
  const again = await run.run('introspect', 'old_assertion')
  assert.deepEqual([again.finding, again.diagnosis?.help], ['assertion_reused', '/help/oauth-apps'])

  const elsewhere = await run.run('logout', 'wrong_redirect')
  assert.equal(elsewhere.finding, 'logout_redirect_mismatch')
  assert.equal(elsewhere.diagnosis?.difference?.kind, 'trailing_slash')
  assert.equal(elsewhere.diagnosis?.help, '/help/app-sign-out')
  await person.expect(200, 'GET', '/api/account')
  assert.equal((await run.run('logout')).finding, null)
  await person.expect(401, 'GET', '/api/account')
  assert.equal((await run.run('refresh')).finding, 'grant_revoked')

  const answer = (status: number, members: object) => ({
    status,
    headers: [],
    members: Object.entries(members).map(([name, value]) => ({ name, value: String(value) })),
    body: members,
  })
  for (const [status, error] of [
    [503, 'temporarily_unavailable'],
    [401, 'invalid_client'],
  ] as const) {
    const error_description = 'the jwks_uri of this client gives no keys'
    const response = answer(status, { error, error_description })
    const told = diagnose({ step: 'token', request, response }, setup, run.held)
    assert.deepEqual([told?.finding, told?.setting], ['keys_away', 'keys'])
  }
})

test('an old refresh token gets the same answer within the grace and is told why after it', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const setup = await opened(server, person, { redirect_uris: [callback] })
  const run = runner(setup, person)
  await run.begin()
  for (const step of ['authorize', 'token', 'refresh'] as const)
    assert.equal((await run.run(step)).finding, null)
  const newest = run.held.refreshToken
  assert.equal((await run.run('present_again')).finding, null)
  assert.equal(run.held.refreshToken, newest)
  server.clock.advance(31_000)
  assert.equal((await run.run('present_again')).finding, 'refresh_reused')
  assert.equal((await run.run('refresh')).finding, 'grant_revoked')
})

test('a token without the scope, no server, and a person who says no are told apart', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const setup = await opened(server, person, { redirect_uris: [callback] })
  const run = runner({ ...setup, scopes: ['models:read'] }, person)
  await run.begin()
  await run.run('authorize')
  await run.run('token')
  const lacking = await run.run('chat')
  assert.equal(lacking.finding, 'scope_missing')
  assert.equal(lacking.diagnosis?.help, '/help/scopes')
  assert.equal(steps.userinfo.ready(run.held), false)

  const request = steps.authorize.request(setup, run.held, null)
  const denied = answerAt(
    (await authorize(person, `${fullUrl(request)}&prompt=consent`, 'deny')).search,
  )
  assert.equal(
    diagnose({ step: 'authorize', request, response: denied }, setup, run.held)?.finding,
    'access_denied',
  )
  const foreign = answerAt('?code=x&state=of-another')
  assert.equal(
    diagnose({ step: 'authorize', request, response: foreign }, setup, run.held)?.finding,
    'state_mismatch',
  )
  const nobody = { ...steps.models.request(setup, run.held, null), url: 'http://127.0.0.1:1/' }
  const { response } = await send(nobody)
  assert.equal(
    diagnose({ step: 'models', request: nobody, response }, setup, run.held)?.finding,
    'network',
  )
})

test('what an app really sends is judged by the server, from its link or its redirect address', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const setup = await opened(server, person, { redirect_uris: [callback, `${callback}/two`] })
  const run = runner(setup, person)
  await run.begin()
  const check = async (text: string) => {
    const pasted = readPasted(text, setup, run.held)
    assert.ok(pasted.ok, text)
    return (await run.run('check', null, { pasted: pasted.parameters })).diagnosis
  }
  assert.equal(await check(callback), null)
  const slash = await check(`${callback}/`)
  assert.deepEqual([slash?.finding, slash?.setting], ['redirect_mismatch', 'redirects'])
  assert.deepEqual(
    { ...slash?.difference },
    { registered: callback, sent: `${callback}/`, agree: callback.length, kind: 'trailing_slash' },
  )
  assert.equal((await check(callback.replace('https', 'http')))?.difference?.kind, 'scheme')
  const link = new URL('/oauth/authorize', server.origin)
  link.search = `response_type=code&client_id=${setup.app.client_id}&scope=openid&redirect_uri=${callback}`
  assert.equal((await check(link.href))?.finding, 'pkce_missing')
  assert.deepEqual(readPasted('callback', setup, run.held), { ok: false, reason: 'not_an_address' })
  link.searchParams.set('client_id', 'app_other')
  assert.deepEqual(readPasted(link.href, setup, run.held), { ok: false, reason: 'other_client' })
})

test('addresses are compared with the one that was meant, and the kind of difference is named', () => {
  const registered = ['https://app.example/callback', 'https://app.example/auth/google']
  const kindOf = (sent: string) => compareNearest(registered, sent)?.kind
  assert.equal(kindOf('https://app.example/callback'), undefined)
  assert.equal(kindOf('https://app.example/callback/'), 'trailing_slash')
  assert.equal(kindOf('http://app.example/callback'), 'scheme')
  assert.equal(kindOf('https://www.app.example/callback'), 'host')
  assert.equal(kindOf('https://app.example:8443/callback'), 'port')
  assert.equal(kindOf('https://app.example/callback?x=1'), 'query')
  assert.equal(kindOf('https://app.example/Callback'), 'case')
  assert.equal(kindOf('https%3A%2F%2Fapp.example%2Fcallback'), 'encoding')
  assert.equal(
    compareNearest(registered, 'https://app.example/auth/gogle')?.registered,
    registered[1],
  )
  assert.equal(compare('abc', 'abd')?.agree, 2)
  assert.equal(compareNearest([], 'x'), null)
})

test('tokens are bound to a key that the page holds, and what is wrong with a proof is told', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  for (const dpop_bound_access_tokens of [true, false]) {
    const setup = await opened(server, person, {
      redirect_uris: [callback],
      dpop_bound_access_tokens,
    })
    setup.dpop = true
    const run = runner(setup, person)
    await run.begin()
    await run.run('authorize')
    if (dpop_bound_access_tokens) {
      const bare = await run.run('token', 'no_proof')
      assert.deepEqual([bare.finding, bare.diagnosis?.setting], ['proof_needed', 'dpop'])
    }
    const first = await run.run('token')
    assert.deepEqual([first.finding, first.diagnosis?.tone], ['proof_nonce', 'info'])
    assert.equal((await run.run('token')).finding, null)
    for (const step of ['userinfo', 'models', 'chat', 'introspect', 'refresh', 'models'] as const)
      assert.equal((await run.run(step)).finding, null, step)
    assert.ok(decodeJwt(run.held.accessToken ?? '')?.claims.cnf)
    const refused = await run.run('models', 'old_proof')
    assert.deepEqual([refused.finding, refused.diagnosis?.help], ['proof_refused', '/help/dpop'])
    assert.equal((await run.run('models', 'no_proof')).finding, 'proof_needed')
    assert.equal((await run.run('userinfo', 'no_proof')).finding, 'proof_needed')
    assert.ok(
      curl(refused.request, { reveal: false }).includes('authorization: DPoP $ACCESS_TOKEN'),
    )
  }
})

test('what is hidden stands nowhere: not in the text, not in the command', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  for (const method of ['client_secret_basic', 'client_secret_post']) {
    const setup = await opened(server, person, {
      redirect_uris: [callback],
      token_endpoint_auth_method: method,
    })
    const run = runner(setup, person)
    await run.begin()
    await run.run('authorize')
    const redeemed = await run.run('token')
    const { accessToken = '', refreshToken = '', verifier } = run.held
    const refreshed = steps.refresh.request(setup, run.held, null)
    const listed = steps.models.request(setup, run.held, null)
    const texts = [
      ...[redeemed.request, refreshed, listed].flatMap((request) => [
        requestText(request, { reveal: false }),
        curl(request, { reveal: false }),
      ]),
      bodyText(redeemed.response, { reveal: false }),
    ].join('\n')
    const basic = btoa(`${setup.app.client_id}:${setup.secret}`)
    for (const secret of [setup.secret, basic, accessToken, refreshToken, verifier])
      assert.ok(secret.length > 20 && !texts.includes(secret), method)
    assert.ok(requestText(refreshed, { reveal: true }).includes(refreshToken))
    assert.match(decodeJwt(accessToken)?.claims.scope as string, /chat:write/)
    assert.equal(decodeJwt('not.a.jwt'), null)
  }
})

test('the command to copy is read by a shell as the very request, whatever stands in it', async () => {
  const json = { model: "it's", messages: [{ content: '$(id) `id` "x" \\ \n $HOME' }] }
  const request = {
    method: 'POST' as const,
    url: 'https://example.com/v1/x',
    query: [{ name: 'q', value: "a'b $HOME" }],
    headers: [{ name: 'content-type', value: 'application/json' }],
    form: null,
    json,
    navigates: false,
  }
  const words = async (command: string) => {
    const script = `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }\n${command}`
    const { stdout } = await promisify(execFile)('sh', ['-c', script], {
      env: { CLIENT_SECRET: 's3', REFRESH_TOKEN: 'r 1', ACCESS_TOKEN: 'a1' },
    })
    return stdout.split('\0').slice(0, -1)
  }
  assert.deepEqual(await words(curl(request, { reveal: true })), [
    'https://example.com/v1/x?q=a%27b+%24HOME',
    '-H',
    'content-type: application/json',
    '-d',
    JSON.stringify(json),
  ])
  const form = {
    ...request,
    query: [],
    headers: [{ name: 'authorization', value: `Basic ${btoa('app_1:secret')}` }],
    form: [
      { name: 'grant_type', value: 'refresh_token' },
      { name: 'refresh_token', value: "it's" },
    ],
    json: null,
  }
  const parts = (secret: string, token: string) => [
    'https://example.com/v1/x',
    '-u',
    `app_1:${secret}`,
    '--data-urlencode',
    'grant_type=refresh_token',
    '--data-urlencode',
    `refresh_token=${token}`,
  ]
  assert.deepEqual(await words(curl(form, { reveal: true })), parts('secret', "it's"))
  assert.deepEqual(await words(curl(form, { reveal: false })), parts('s3', 'r 1'))
})

test('the picture lights up as messages go out, and shows the way ahead', () => {
  const app = { grant_types: ['authorization_code'], scope: 'models:read' } as OAuthApp
  const setup = { app, scopes: ['models:read'], push: false } as unknown as Setup
  const states = (...input: Parameters<typeof arrowsOf>) =>
    arrowsOf(...input).map(({ state, from, to }) => `${from}>${to} ${state}`)
  assert.deepEqual(states('code', setup, [], 'authorize').slice(0, 5), [
    'app>browser waiting',
    'browser>latchkey waiting',
    'latchkey>browser waiting',
    'browser>app planned',
    'app>latchkey planned',
  ])
  const happened = [
    { id: 1, step: 'authorize', outcome: 'ok', answer: '303' },
    { id: 2, step: 'token', outcome: 'failed', answer: '400 invalid_grant' },
  ] as const
  assert.deepEqual(states('code', setup, happened, null).slice(3), [
    'browser>app done',
    'app>latchkey done',
    'latchkey>app failed',
    'app>latchkey planned',
    'latchkey>app planned',
    'app>gateway planned',
    'gateway>app planned',
  ])
  const asked = { id: 1, step: 'device', outcome: 'ok', answer: '200' } as const
  const pending = { id: 2, step: 'poll', outcome: 'waiting', answer: '400 pending' } as const
  const given = { id: 3, step: 'poll', outcome: 'ok', answer: '200' } as const
  assert.deepEqual(states('device', setup, [asked, pending], null).slice(0, 5), [
    'app>latchkey done',
    'latchkey>app done',
    'browser>latchkey waiting',
    'app>latchkey done',
    'latchkey>app done',
  ])
  assert.equal(states('device', setup, [asked, given], null)[2], 'browser>latchkey done')
})
