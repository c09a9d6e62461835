import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  arrive,
  attempt,
  authorize,
  callback,
  discover,
  follow,
  registerApp,
  signIn,
} from '../../../test/harness/oauth-browser.ts'
import { Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'

const errorAt = (url: string) => new URL(url).searchParams.get('error')
const txOf = (path: string) => path.replace(/^.*[?&]tx=([^&]+).*$/, '$1')

for (const database of databases)
  test(`an attacker's pending request opened in a victim's browser is refused (${database})`, async () => {
    await using server = await startServer({ database })
    const { person: attacker } = await signedUp(server.origin)
    const { person: victim } = await signedUp(server.origin)
    const config = await discover(server.origin, await registerApp(attacker))
    const started = await attempt(config)
    const tx = txOf(await arrive(attacker, started.url))

    const opened = await victim.get<string>(`/oauth/tx/${tx}`, { 'sec-fetch-site': 'same-origin' })
    assert.equal(opened.status, 400)
    assert.match(opened.body, /start again/i)
    await victim.expect(404, 'GET', `/api/oauth/transactions/${tx}`)
    await victim.expect(404, 'POST', `/api/oauth/transactions/${tx}/decision`, {
      decision: 'allow',
    })
    // Nor does planting the attacker's cookie help: an account has seen it.
    for (const [name, value] of attacker.cookies)
      if (name.startsWith('lk_tx_')) victim.cookies.set(name, value)
    const planted = await victim.get<string>(`/oauth/tx/${tx}`, { 'sec-fetch-site': 'none' })
    assert.equal(planted.status, 403)
    await victim.expect(404, 'POST', `/api/oauth/transactions/${tx}/decision`, {
      decision: 'allow',
    })
  })

test('the authorization endpoint never looks at the session and shows a page that runs nothing', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const { url } = await attempt(config)
  const bodies: string[] = []
  for (const browser of [person, new Person(server.origin)]) {
    const answer = await browser.get<string>(String(url), { 'sec-fetch-site': 'cross-site' })
    assert.equal(answer.status, 200)
    assert.match(answer.body, /<meta http-equiv="refresh" content="0;url=\/oauth\/tx\/[\w-]+">/)
    assert.match(answer.body, /Continue \/ 继续/)
    const policy = answer.headers.get('content-security-policy')
    assert.match(policy ?? '', /^default-src 'none'; frame-ancestors 'none'/)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.equal(answer.headers.get('referrer-policy'), 'no-referrer')
    const cookies = answer.headers.getSetCookie()
    assert.equal(cookies.length, 1, 'one cookie and none of the engine')
    assert.match(
      cookies[0] ?? '',
      /^lk_tx_[\w-]{8}=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/,
    )
    bodies.push(answer.body.replaceAll(/\/oauth\/tx\/[\w-]+/g, '/oauth/tx/_'))
  }
  assert.equal(bodies[0], bodies[1])
})

test('no parameter decides where the bounce goes', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const { url } = await attempt(config)
  const hostile = [
    '//evil.example',
    '/\\evil.example',
    '"><meta http-equiv=refresh content="0;url=//evil">',
    '%0d%0aLocation:%20//evil',
  ]
  for (const name of [
    'next',
    'return_to',
    'state',
    'nonce',
    'login_hint',
    'ui_locales',
    'url',
    'tx',
  ])
    for (const value of hostile) {
      url.searchParams.set(name, value)
      const answer = await person.get<string>(String(url), { 'sec-fetch-site': 'cross-site' })
      assert.equal(answer.status, 200)
      const targets = [...answer.body.matchAll(/(?:url=|href=")([^"]+)/g)].map((match) => match[1])
      assert.equal(new Set(targets).size, 1)
      assert.match(targets[0] ?? '', /^\/oauth\/tx\/[\w-]+$/)
      assert.ok(!answer.body.includes('evil'))
    }
})

test('an arrival that is still cross-site gets a link, not a loop', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const tx = txOf(await arrive(person, (await attempt(config)).url))
  for (const site of ['cross-site', 'same-site']) {
    const answer = await person.get<string>(`/oauth/tx/${tx}`, { 'sec-fetch-site': site })
    assert.equal(answer.status, 200)
    assert.match(answer.body, /Continue/)
    assert.doesNotMatch(answer.body, /http-equiv/)
  }
})

test('who comes from our own page needs no bounce', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  for (const site of ['same-origin', 'none']) {
    const { url } = await attempt(config)
    const answer = await person.get(String(url), { 'sec-fetch-site': site })
    assert.equal(answer.status, 303)
    assert.match(answer.headers.get('location') ?? '', /^\/oauth\/tx\//)
  }
})

test('POST to the authorization endpoint means the same as GET', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const { url } = await attempt(config)
  const answer = await fetch(`${server.origin}/oauth/authorize`, {
    method: 'POST',
    body: url.searchParams,
    redirect: 'manual',
    headers: { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' },
  })
  assert.equal(answer.status, 200)
  assert.match(await answer.text(), /\/oauth\/tx\//)
})

test('at most eight pending requests are kept in a browser; the oldest go', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const first = txOf(await arrive(person, (await attempt(config)).url))
  for (let i = 0; i < 9; i++) {
    server.clock.advance(1_000)
    await arrive(person, (await attempt(config)).url)
  }
  assert.equal([...person.cookies.keys()].filter((name) => name.startsWith('lk_tx_')).length, 8)
  const answer = await person.get(`/oauth/tx/${first}`, { 'sec-fetch-site': 'same-origin' })
  assert.equal(answer.status, 400)
})

test('two tabs finish their own requests, each once, in any order', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const [one, two] = [await attempt(config), await attempt(config)]
  const [first, second] = [await arrive(person, one.url), await arrive(person, two.url)]
  for (const [path, { state }] of [
    [second, two],
    [first, one],
  ] as const) {
    const tx = txOf(path)
    const { redirect_to } = await person.expect<{ redirect_to: string }>(
      200,
      'POST',
      `/api/oauth/transactions/${tx}/decision`,
      { decision: 'allow' },
    )
    const cookies = new Map(person.cookies)
    const back = new URL(await follow(person, redirect_to))
    assert.equal(back.searchParams.get('state'), state)
    for (const [name, value] of cookies) person.cookies.set(name, value)
    assert.equal(await follow(person, redirect_to), '400', 'finished once')
  }
})

test('of many simultaneous finishes exactly one gets a code', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  await signIn(config, person)
  const { url } = await attempt(config)
  const start = await person.get<string>(String(url), { 'sec-fetch-site': 'cross-site' })
  const path = /url=([^"]+)/.exec(start.body)?.[1] ?? ''
  const ends = await Promise.all(Array.from({ length: 20 }, () => follow(person, path)))
  assert.equal(ends.filter((end) => end.startsWith(callback)).length, 1)
})

test('prompt=none never shows a page', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const silent = async (browser: Person, parameters: Record<string, string> = {}) =>
    errorAt(await arrive(browser, (await attempt(config, { prompt: 'none', ...parameters })).url))
  assert.equal(await silent(new Person(server.origin)), 'login_required')
  assert.equal(await silent(person), 'consent_required')
  await signIn(config, person)
  assert.equal(await silent(person), null)
  server.clock.advance(120_000)
  for (const max_age of ['60', '0'])
    assert.equal(await silent(person, { max_age }), 'login_required', max_age)
  const { url } = await attempt(config, { prompt: 'none' })
  const framed = await person.get(String(url), {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-dest': 'iframe',
  })
  assert.equal(errorAt(framed.headers.get('location') ?? ''), 'login_required')
})

test('prompt=login and max_age ask for a sign-in that is younger than the request', async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  await signIn(config, person)
  server.clock.advance(120_000)
  for (const parameters of [{ prompt: 'login' }, { prompt: 'select_account' }, { max_age: '60' }]) {
    const where = await arrive(person, (await attempt(config, parameters)).url)
    assert.match(where, /^\/sign-in\?tx=[\w-]+&fresh=1$/, JSON.stringify(parameters))
    await person.expect(201, 'POST', '/api/sessions', { email, password })
    const back = await follow(person, `/oauth/tx/${txOf(where)}`)
    assert.ok(back.startsWith(callback), back)
    server.clock.advance(120_000)
  }
})

test('prompt=consent asks again; a loopback-only app is asked about every time', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  await signIn(config, person)
  assert.match(
    await arrive(person, (await attempt(config, { prompt: 'consent' })).url),
    /^\/consent/,
  )

  const native = await registerApp(person, {
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/callback'],
  })
  assert.equal(native.client_secret, undefined)
  const local = await discover(server.origin, native)
  for (const port of [50_001, 50_002]) {
    const { url } = await attempt(local, { redirect_uri: `http://127.0.0.1:${port}/callback` })
    const where = await arrive(person, url)
    assert.match(where, /^\/consent/)
    const view = await person.expect<{ client: { loopback: boolean; verified: boolean } }>(
      200,
      'GET',
      `/api/oauth/transactions/${txOf(where)}`,
    )
    assert.deepEqual([view.client.loopback, view.client.verified], [true, false])
    const started = await attempt(local, { redirect_uri: `http://127.0.0.1:${port}/callback` })
    const back = await authorize(person, started.url)
    assert.equal(back.port, String(port))
  }
  const elsewhere = await attempt(local, { redirect_uri: 'http://127.0.0.1:50001/other' })
  const refused = await person.get<string>(String(elsewhere.url))
  assert.equal(refused.status, 400)
})

test('an id that was never one gets the page of an expired one', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  for (const id of ['x', 'a'.repeat(150), '%00', '..%2f..', '<script>']) {
    const answer = await person.get<string>(`/oauth/tx/${id}`, { 'sec-fetch-site': 'none' })
    assert.equal(answer.status, 400, id)
    assert.match(answer.body, /start again/)
  }
})

test('a pending request lives ten minutes', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const tx = txOf(await arrive(person, (await attempt(config)).url))
  server.clock.advance(600_001)
  await person.expect(404, 'GET', `/api/oauth/transactions/${tx}`)
  await person.expect(404, 'GET', '/api/oauth/transactions/cut-short')
  assert.equal(await follow(person, `/oauth/tx/${tx}`), '400')
})

test('what is not registered is answered by our own page, never by a redirect', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { redirect_uris: [callback, 'https://app.example/two'] })
  const uris = [
    'https://evil.example/cb',
    `${callback}/`,
    `${callback}?x=1`,
    `${callback}#x`,
    callback.toUpperCase(),
    callback.replace('https', 'http'),
    callback.replace('app.example', 'app.example.evil.example'),
    callback.replace('app.example', 'app.example:8443'),
    callback.replace('app.example', 'user@app.example'),
    callback.replace('app.example', 'app.example%2eevil'),
    `${callback}/../evil`,
    `${callback}%2f..`,
    ` ${callback}`,
    `${callback}\n`,
    'javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    '//app.example/callback',
    '/callback',
    'http://127.0.0.1/callback',
    '',
    '"><script>alert(1)</script>',
  ]
  const base = {
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    state: '<script>',
  }
  for (const prompt of ['', 'none'])
    for (const redirect_uri of uris) {
      const query = new URLSearchParams({ ...base, client_id: app.client_id, redirect_uri, prompt })
      const answer = await person.get<string>(`/oauth/authorize?${query}`)
      assert.equal(answer.status, 400, redirect_uri)
      assert.equal(answer.headers.get('location'), null)
      assert.match(answer.headers.get('content-type') ?? '', /^text\/html/)
      assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/)
      assert.ok(!answer.body.includes('<script'), redirect_uri)
      assert.match(answer.body, /\/help\/oauth-apps/)
    }
  for (const client_id of ['', 'app_nobody', '<script>', 'https://evil.example/client.json']) {
    const query = new URLSearchParams({ ...base, client_id, redirect_uri: callback })
    const answer = await person.get<string>(`/oauth/authorize?${query}`)
    assert.equal(answer.status, 400, client_id)
    assert.equal(answer.headers.get('location'), null)
  }
  const repeated = new URLSearchParams({
    ...base,
    client_id: app.client_id,
    redirect_uri: callback,
  })
  repeated.append('redirect_uri', 'https://evil.example/cb')
  const twice = await person.get<string>(`/oauth/authorize?${repeated}`)
  assert.equal(twice.status, 400)
  const chinese = await new Person(server.origin).get<string>(`/oauth/authorize?client_id=x`, {
    'accept-language': 'zh-CN',
  })
  assert.match(chinese.body, /无法接受此应用的请求/)
})

test('other flows and modes are refused at the verified redirect URI', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const cases: [Record<string, string>, string][] = [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: 'id_token' }, 'unsupported_response_type'],
    [{ response_type: 'code id_token' }, 'unsupported_response_type'],
    [{ response_mode: 'form_post' }, 'unsupported_response_mode'],
    [{ response_mode: 'fragment' }, 'unsupported_response_mode'],
    [{ response_mode: 'web_message' }, 'unsupported_response_mode'],
    [{ scope: 'openid admin' }, 'invalid_scope'],
    [{ scope: 'openid keys:manage' }, 'invalid_scope'],
    [{ resource: 'https://other.example/v1' }, 'invalid_target'],
    [{ request: 'x.y.z' }, 'request_not_supported'],
    [{ request_uri: 'https://evil.example/r' }, 'request_uri_not_supported'],
    [{ prompt: 'none login' }, 'invalid_request'],
    [{ max_age: 'soon' }, 'invalid_request'],
  ]
  for (const [parameters, error] of cases) {
    const { url } = await attempt(config, parameters)
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    const answer = await person.get<string>(String(url), { 'sec-fetch-site': 'cross-site' })
    assert.equal(answer.status, 303, `${JSON.stringify(parameters)} ${answer.body}`)
    const back = new URL(answer.headers.get('location') ?? '')
    assert.equal(back.origin + back.pathname, callback)
    // Answers of the flows that used the fragment go back there (OAuth 2.0 Multiple Response Types).
    const answered = back.hash === '' ? back.searchParams : new URLSearchParams(back.hash.slice(1))
    assert.equal(answered.get('error'), error, JSON.stringify(parameters))
    assert.equal(answered.get('iss'), server.origin)
    assert.equal(answered.get('code'), null)
  }
})

test('the pages speak the language the app asked for, and the address it expects is filled in', async () => {
  await using server = await startServer()
  const { person, email } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const wishes = { ui_locales: 'fr zh-Hant en', login_hint: 'ada+1@example.com' }
  const stranger = new Person(server.origin)
  const where = new URL(await arrive(stranger, (await attempt(config, wishes)).url), server.origin)
  assert.equal(where.pathname, '/sign-in')
  assert.equal(where.searchParams.get('ui_locales'), 'zh')
  assert.equal(where.searchParams.get('email'), wishes.login_hint)
  const asked = await arrive(person, (await attempt(config, wishes)).url)
  assert.match(asked, /^\/consent\?tx=[\w-]+&ui_locales=zh$/)

  const unknown = await attempt(config, { ...wishes, ui_locales: 'fr', login_hint: email })
  assert.match(await arrive(person, unknown.url), /^\/consent\?tx=[\w-]+$/)
  const broken = await stranger.get<string>('/oauth/authorize?client_id=x&ui_locales=zh')
  assert.match(broken.body, /<html lang="zh">.*无法接受此应用的请求/s)
})

test('an app that names its person by an ID token gets that person or nobody', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const { person: other } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(person))
  const elsewhere = await discover(server.origin, await registerApp(person, { name: 'Other' }))
  const { id_token = '', access_token } = await signIn(config, person)
  await signIn(config, other)
  const ask = async (browser: Person, parameters: Record<string, string>) =>
    arrive(browser, (await attempt(config, parameters)).url)
  const hint = { id_token_hint: id_token }
  const silent = { ...hint, prompt: 'none' }
  for (const parameters of [hint, silent])
    assert.equal(errorAt(await ask(person, parameters)), null)
  assert.match(await ask(other, hint), /^\/sign-in\?tx=[\w-]+&fresh=1$/)
  assert.equal(errorAt(await ask(other, silent)), 'login_required')
  server.clock.advance(2 * 60 * 60_000) // an ID token lives an hour; as a hint it does longer
  assert.equal(errorAt(await ask(person, silent)), null)
  const foreign = (await signIn(elsewhere, person)).id_token ?? ''
  for (const id_token_hint of [foreign, access_token, `${id_token}x`, 'x'])
    assert.equal(errorAt(await ask(person, { id_token_hint })), 'invalid_request')
})
