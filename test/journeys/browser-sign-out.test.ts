import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { assertAccessible, noChromium, openBrowser, visitor } from '../harness/browser.ts'
import { discover, registerApp, signIn } from '../harness/oauth-browser.ts'
import { Person, signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

/** A page of an app, on an address of its own. */
async function appSite() {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<title>App</title><h1>The app</h1><p id="at">${request.url}</p>`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

const signInAs = async (page: Page, email: string, password: string) => {
  await page.goto('/sign-in')
  await page.locator('input[type=email]').fill(email)
  await page.locator('input[type=password]').fill(password)
  await page.locator('button[type=submit]').click()
  await page.waitForURL((url) => url.pathname === '/')
}

/** From a page of the app, as a button there would. */
const sendFrom = async (page: Page, site: string, url: URL | string) => {
  await page.goto(site)
  await page.evaluate<void>(`location.assign(${JSON.stringify(String(url))})`)
}

test('in the browser: an app asks to sign out, the person stays, then signs out and is back', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  await using site = await appSite()
  const { person, email, password } = await signedUp(server.origin)
  const app = await registerApp(person, {
    name: 'Notes for teams',
    post_logout_redirect_uris: [`${site.origin}/bye`],
  })
  const url = new URL('/oauth/logout', server.origin)
  url.search = String(
    new URLSearchParams({
      client_id: app.client_id,
      post_logout_redirect_uri: `${site.origin}/bye`,
      state: 'of the app',
    }),
  )
  await using browser = await openBrowser()
  const { page, assertQuiet } = await visitor(browser, server.origin)
  await signInAs(page, email, password)

  await sendFrom(page, site.origin, url)
  await page.getByRole('heading', { name: 'Notes for teams asks you to sign out' }).waitFor()
  const text = await page.getByRole('main').innerText()
  assert.ok(text.includes(email), 'says who is signed in')
  assert.ok(text.includes('127.0.0.1'), 'says where the browser goes next')
  await assertAccessible(page, 'asks to sign out')
  await page.getByRole('button', { name: 'Stay signed in' }).click()
  await page.waitForURL(`${server.origin}/`)
  await page.getByText(email).first().waitFor()

  await sendFrom(page, site.origin, url)
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await page.getByRole('heading', { name: 'The app' }).waitFor()
  assert.equal(page.url(), `${site.origin}/bye?state=of%20the%20app`)

  await page.goto('/devices')
  await page.waitForURL((at) => at.pathname === '/sign-in')
  await sendFrom(page, site.origin, url)
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  await assertAccessible(page, 'signed out')
  await page.getByRole('button', { name: 'Back to 127.0.0.1' }).click()
  await page.getByRole('heading', { name: 'The app' }).waitFor()
  assertQuiet()
})

test('in the browser: with its ID token an app signs the person out without a question', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  await using site = await appSite()
  const { person, email, password } = await signedUp(server.origin)
  const app = await registerApp(person, {
    post_logout_redirect_uris: [`${site.origin}/bye`],
  })
  await using browser = await openBrowser()
  const { page } = await visitor(browser, server.origin, { locale: 'zh-CN', width: 390 })
  await page.addInitScript("localStorage.setItem('latchkey.locale', 'zh')") // chosen in this browser
  await signInAs(page, email, password)
  // The same browser for the protocol part: it is this session that the ID token names.
  const same = new Person(server.origin)
  for (const { name, value } of await page.context().cookies()) same.cookies.set(name, value)
  const { id_token } = await signIn(await discover(server.origin, app), same)
  const url = new URL('/oauth/logout', server.origin)
  url.searchParams.set('post_logout_redirect_uri', `${site.origin}/bye`)

  await sendFrom(page, site.origin, url)
  await page.getByRole('heading', { name: '无法接受此应用的退出登录请求' }).waitFor()
  await page.getByText('client_id_missing').waitFor()
  await assertAccessible(page, 'refused')
  await page.getByRole('link', { name: '在此退出登录' }).click()
  await page.getByRole('heading', { name: '在此浏览器中退出登录' }).waitFor()
  await page.getByRole('button', { name: '保持登录' }).click()
  await page.waitForURL(`${server.origin}/`)

  url.searchParams.set('id_token_hint', id_token ?? '')
  await sendFrom(page, site.origin, url)
  await page.getByRole('heading', { name: 'The app' }).waitFor()
  assert.equal(page.url(), `${site.origin}/bye`)
  await page.goto('/devices')
  await page.waitForURL((at) => at.pathname === '/sign-in')
})
