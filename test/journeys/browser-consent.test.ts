import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { fillSignIn, noChromium, openBrowser, visitor } from '../harness/browser.ts'
import { buildInternet } from '../harness/internet.ts'
import { discover, registerApp } from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

/** An app of somebody else's, on an address of its own; resolves with where the browser came back. */
async function clientApp() {
  let arrived: (url: URL) => void = () => {}
  const back = new Promise<URL>((resolve) => {
    arrived = resolve
  })
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
    response.setHeader('content-type', 'text/html')
    response.end('<title>App</title><h1>Back at the app</h1>')
    if (url.pathname === '/callback') arrived(url)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    callback: `http://127.0.0.1:${address.port}/callback`,
    back,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

test('in the browser: an app sends a person to sign in, they allow, it gets tokens', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  await using client = await clientApp()
  const app = await registerApp(person, {
    name: 'Notes for teams',
    redirect_uris: [client.callback],
    scope: 'openid email chat:write',
  })
  const config = await discover(server.origin, app)
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: client.callback,
    scope: 'openid email chat:write',
    state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })

  await using browser = await openBrowser()
  const { page } = await visitor(browser, server.origin)
  await page.goto(url.href)
  await fillSignIn(page, email, password)

  await page.getByRole('heading', { name: 'Notes for teams wants to use your account' }).waitFor()
  const text = await page.getByRole('main').innerText()
  assert.ok(text.includes(email), 'says who answers')
  assert.ok(text.includes('127.0.0.1'), 'says where the browser goes next')
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  const tokens = await oidc.authorizationCodeGrant(config, await client.back, {
    pkceCodeVerifier: verifier,
    expectedState: state,
  })
  assert.match(tokens.scope ?? '', /chat:write/)

  await page.goto(`${server.origin}/connected-apps`)
  await page.getByRole('button', { name: 'Take back' }).click()
  await page.getByRole('button', { name: 'Take back access' }).click()
  await page.getByText('No app has access').waitFor()

  // Another browser: the app says which language and which address it expects.
  const { page: other } = await visitor(browser, server.origin)
  await other.goto(`${url.href}&ui_locales=zh-CN&login_hint=${encodeURIComponent(email)}`)
  await other.locator('html[lang=zh-CN]').waitFor()
  assert.equal(await other.locator('input[type=email]').inputValue(), email)
  await other.locator('input[type=password]').fill(password)
  await other.getByRole('button', { name: '登录', exact: true }).click()
  await other.getByRole('heading', { name: 'Notes for teams 想使用您的账户' }).waitFor()
})

test('in the browser: denied, the app learns it and gets nothing', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  await using client = await clientApp()
  const app = await registerApp(person, { redirect_uris: [client.callback] })
  const config = await discover(server.origin, app)
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: client.callback,
    scope: 'openid',
    state: oidc.randomState(),
    code_challenge: await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
  })
  await using browser = await openBrowser()
  const { page } = await visitor(browser, server.origin)
  await page.goto(url.href)
  await fillSignIn(page, email, password)
  await page.getByRole('button', { name: 'Deny', exact: true }).click()
  const back = await client.back
  assert.equal(back.searchParams.get('error'), 'access_denied')
  assert.equal(back.searchParams.get('code'), null)
})

test('in the browser: of an app that describes itself, the host of its document is named', {
  skip: noChromium,
}, async () => {
  await using internet = await buildInternet('notes.example.test')
  const clientId = 'https://notes.example.test/client.json'
  internet.serve((_request, response) => {
    response.setHeader('content-type', 'application/json')
    const redirect_uris = ['http://127.0.0.1/callback']
    response.end(
      JSON.stringify({ client_id: clientId, client_name: 'Claims a lot', redirect_uris }),
    )
  })
  await using server = await startServer({ outbound: internet.edges })
  const { email, password } = await signedUp(server.origin)
  const url = new URL('/oauth/authorize', server.origin)
  url.search = String(
    new URLSearchParams({
      client_id: clientId,
      redirect_uri: 'http://127.0.0.1:4321/callback',
      response_type: 'code',
      scope: 'chat:write',
      code_challenge: await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
    }),
  )
  await using browser = await openBrowser()
  const { page, assertQuiet } = await visitor(browser, server.origin)
  await page.goto(url.href)
  await fillSignIn(page, email, password)
  await page.getByText('by a document on notes.example.test').waitFor()
  await page.getByText('runs on your own computer').waitFor()
  assertQuiet()
})
