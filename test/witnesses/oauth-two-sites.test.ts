import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import type * as oidc from 'openid-client'
import type { Browser, BrowserContext, Page, Request } from 'playwright-core'
import { noChromium, openBrowser } from '../harness/browser.ts'
import {
  type Attempt,
  attempt,
  authorize,
  discover,
  redeem,
  registerApp,
} from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { startServer, type TestServer } from '../harness/server.ts'

/**
 * A real browser and two sites: ours on `localhost`, the app on `127.0.0.1`. The session cookie is
 * Strict and is not sent on the arrival from the app; single sign-on works all the same.
 */
describe('single sign-on from another site in a real browser', { skip: noChromium }, () => {
  let server: TestServer
  let browser: Browser
  let person: Person
  let config: oidc.Configuration
  let appOrigin: string
  /** What the app's page at `/` holds; set by each test. */
  let appPage = ''
  let authorizeUrl = ''

  const site = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://app')
    if (pathname === '/go') return response.writeHead(302, { location: authorizeUrl }).end()
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(pathname === '/callback' ? '<h1>back at the app</h1>' : appPage)
  })

  before(async () => {
    server = await startServer()
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    const address = site.address()
    assert.ok(address && typeof address === 'object')
    appOrigin = `http://127.0.0.1:${address.port}`
    ;({ person } = await signedUp(server.origin))
    // The second address keeps the app out of the class that is asked about every time.
    const redirects = [`${appOrigin}/callback`, 'https://app.example/callback']
    config = await discover(server.origin, await registerApp(person, { redirect_uris: redirects }))
    await authorize(person, (await start()).url)
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    site.close()
    await server?.[Symbol.asyncDispose]()
  })

  const start = (parameters: Record<string, string> = {}): Promise<Attempt> =>
    attempt(config, { redirect_uri: `${appOrigin}/callback`, ...parameters })

  /** A browser that holds the person's session, exactly as the server set it. */
  async function signedInBrowser(javaScriptEnabled = true): Promise<BrowserContext> {
    const context = await browser.newContext({ javaScriptEnabled })
    const session = [...person.cookies].filter(([name]) => !name.startsWith('lk_tx_'))
    await context.addCookies(
      session.map(([name, value]) => ({
        name,
        value,
        url: server.origin,
        httpOnly: true,
        sameSite: 'Strict' as const,
      })),
    )
    return context
  }

  async function arrivesWithCode(page: Page, started: Attempt) {
    await page.waitForURL(`${appOrigin}/callback?**`, { timeout: 15_000 })
    const tokens = await redeem(config, new URL(page.url()), started)
    assert.ok(tokens.access_token)
  }

  for (const javaScript of [true, false]) {
    const how = javaScript ? 'with JavaScript' : 'without JavaScript'

    test(`a link at the app leads to a code without a page (${how})`, async () => {
      const started = await start()
      appPage = `<a href="${started.url.href.replaceAll('&', '&amp;')}">Sign in</a>`
      await using context = await signedInBrowser(javaScript)
      const page = await context.newPage()
      await page.goto(appOrigin)
      const arrival = page.waitForRequest(/\/oauth\/authorize/)
      const onOurSite = page.waitForRequest(/\/oauth\/tx\//)
      await page.click('a')
      await arrivesWithCode(page, started)
      const session = person.cookies.get('lk_session') ?? 'none'
      const sent = async (request: Promise<Request>) =>
        ((await (await request).allHeaders()).cookie ?? '').includes(session)
      assert.equal(await sent(arrival), false, 'the Strict session is not sent across sites')
      assert.equal(await sent(onOurSite), true, 'and is sent by our own page')
    })

    test(`so does a redirect of the app (${how})`, async () => {
      const started = await start()
      authorizeUrl = started.url.href
      appPage = '<a href="/go">Sign in</a>'
      await using context = await signedInBrowser(javaScript)
      const page = await context.newPage()
      await page.goto(appOrigin)
      await page.click('a')
      await arrivesWithCode(page, started)
    })

    test(`so does a form that posts the request (${how})`, async () => {
      const started = await start()
      const fields = [...started.url.searchParams].map(
        ([name, value]) => `<input type="hidden" name="${name}" value="${value}">`,
      )
      appPage = `<form method="post" action="${server.origin}/oauth/authorize">${fields.join('')}<button>Sign in</button></form>`
      await using context = await signedInBrowser(javaScript)
      const page = await context.newPage()
      await page.goto(appOrigin)
      await page.click('button')
      await arrivesWithCode(page, started)
    })
  }

  test('without a session the person is sent to sign in', async () => {
    const started = await start()
    appPage = `<a href="${started.url.href.replaceAll('&', '&amp;')}">Sign in</a>`
    await using context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(appOrigin)
    await page.click('a')
    await page.waitForURL(`${server.origin}/sign-in?tx=*`, { timeout: 15_000 })
  })

  test('signed out: the person signs in and allows on our pages, and lands at the app', async () => {
    const { email, password } = await signedUp(server.origin)
    const started = await start()
    appPage = `<a href="${started.url.href.replaceAll('&', '&amp;')}">Sign in</a>`
    await using context = await browser.newContext({ locale: 'en-US' })
    const page = await context.newPage()
    await page.goto(appOrigin)
    await page.click('a')
    await page.getByLabel('Email').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: /Example App/ }).waitFor()
    assert.match(await page.locator('body').innerText(), /127\.0\.0\.1/)
    await page.getByRole('button', { name: 'Allow' }).click()
    await arrivesWithCode(page, started)
  })

  test('a hidden frame is told login_required and learns nothing', async () => {
    const started = await start({ prompt: 'none' })
    appPage = `<iframe src="${started.url.href.replaceAll('&', '&amp;')}"></iframe>`
    await using context = await signedInBrowser()
    const page = await context.newPage()
    await page.goto(appOrigin)
    const frame = await page.waitForSelector('iframe').then((element) => element.contentFrame())
    await frame?.waitForURL(`${appOrigin}/callback?**`, { timeout: 15_000 })
    const answer = new URL(frame?.url() ?? '')
    assert.equal(answer.searchParams.get('error'), 'login_required')
    assert.equal(answer.searchParams.get('code'), null)
  })

  test('the back button leads out, not round in circles', async () => {
    const started = await start()
    appPage = `<a href="${started.url.href.replaceAll('&', '&amp;')}">Sign in</a>`
    await using context = await signedInBrowser()
    const page = await context.newPage()
    await page.goto(appOrigin)
    await page.click('a')
    await arrivesWithCode(page, started)
    await page.goBack()
    assert.equal(new URL(page.url()).origin, appOrigin)
  })
})
