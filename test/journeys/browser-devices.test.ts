import { test } from 'node:test'
import type { Browser } from 'playwright-core'
import { entry as en } from '../../console/src/messages/en/entry.ts'
import { entry as zh } from '../../console/src/messages/zh/entry.ts'
import { hour } from '../../server/src/platform/clock/clock.ts'
import {
  assertAccessible,
  fillSignIn,
  noChromium,
  openBrowser,
  visitor,
} from '../harness/browser.ts'
import { mailTo, Person, signedUp } from '../harness/person.ts'
import { startServer, type TestServer } from '../harness/server.ts'

/** Signed in, on the first page. */
async function atHome(browser: Browser, { origin }: TestServer, email: string, password: string) {
  const arrived = await visitor(browser, origin)
  await arrived.open('/sign-in')
  await fillSignIn(arrived.page, email, password)
  await arrived.page.getByRole('heading', { name: /^Hello/ }).waitFor()
  return arrived
}

test('in the browser: a device is signed out from another, and is told so', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await atHome(browser, server, email, password)
  await open('/devices')
  await page.getByText('This device', { exact: true }).waitFor()
  await assertAccessible(page, 'devices')

  await person.expect(204, 'DELETE', '/api/devices')
  await open('/keys')
  await page.getByText('This device was signed out from another one.').waitFor()
  await assertAccessible(page, 'sign-in with a reason')
  assertQuiet()
})

test('in the browser: the link of the mail shows a button, and the button leads to a new password', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { email, password } = await signedUp(server.origin)
  const stranger = new Person(server.origin)
  await stranger.expect(201, 'POST', '/api/sessions', { email, password })
  const { link = '' } = await mailTo(server.origin, email, 'new_device')
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await visitor(browser, server.origin)
  await open(link)
  await assertAccessible(page, 'not me')
  await stranger.expect(200, 'GET', '/api/account')
  await page.getByRole('button', { name: 'This wasn’t me' }).click()
  await page.getByRole('heading', { name: 'That device is signed out' }).waitFor()
  await stranger.expect(401, 'GET', '/api/account')
  await page.getByRole('link', { name: 'Choose a new password' }).click()
  await page.getByLabel('Code', { exact: true }).waitFor()
  assertQuiet()
})

test('in the browser: a sign-in beyond the device limit asks which device to sign out', {
  skip: noChromium,
}, async () => {
  await using server = await startServer({ env: { LATCHKEY_DEVICE_LIMIT: '1' } })
  const { person, email, password } = await signedUp(server.origin)
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await visitor(browser, server.origin)
  await open('/sign-in')
  await fillSignIn(page, email, password)
  await page.getByRole('heading', { name: 'Which device should sign out?' }).waitFor()
  await assertAccessible(page, 'choose a device')
  await page.getByRole('button', { name: /^Sign out/ }).click()
  await page.getByRole('heading', { name: /^Hello/ }).waitFor()
  await person.expect(401, 'GET', '/api/account')
  assertQuiet()
})

test('in the browser: a sign-in that is refused for its device says what helps, in both languages', {
  skip: noChromium,
}, async () => {
  const env = { LATCHKEY_DEVICE_LIMIT: '1', LATCHKEY_DEVICE_POLICY: 'refuse' }
  await using server = await startServer({ env })
  const { email, password } = await signedUp(server.origin)
  await using browser = await openBrowser()
  for (const [locale, words, label] of [
    ['en-US', en, 'reset your password'],
    ['zh-CN', zh, '请重置密码'],
  ] as const) {
    const { page, open, assertQuiet } = await visitor(browser, server.origin, { locale })
    await open('/sign-in')
    await page.getByLabel(words.fields.email, { exact: true }).fill(email)
    await page.getByLabel(words.fields.password, { exact: true }).fill(password)
    await page.getByRole('button', { name: words.signIn.submit, exact: true }).click()
    await page.getByRole('alert').getByText(label).waitFor()
    await assertAccessible(page, 'refused')
    assertQuiet()
  }
})

test('in the browser: an old session is asked for the password, and the key is made after it', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { email, password } = await signedUp(server.origin)
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await atHome(browser, server, email, password)
  server.clock.advance(hour)
  await open('/keys')
  await page.getByRole('button', { name: 'Create key' }).first().click()
  await page.getByLabel('Name', { exact: true }).fill('late key')
  await page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click()
  await page.getByRole('heading', { name: 'Your password, please' }).waitFor()
  await assertAccessible(page, 'the password once more')
  await page.getByLabel('Your password', { exact: true }).fill('wrong wrong wrong')
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Your password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Go on' }).click()
  await page
    .getByText(/sk-lk-/)
    .first()
    .waitFor()
  assertQuiet()
})

test('in the browser: signing out everywhere says what ends and what stays, asks for the password, and does it', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await atHome(browser, server, email, password)
  server.clock.advance(hour)
  await open('/devices')
  const button = page.getByRole('button', { name: 'Sign out everywhere' })
  await button.click()
  const dialog = page.getByRole('dialog', { name: 'Sign out everywhere?' })
  await dialog.getByRole('heading', { name: 'This stays' }).waitFor()
  await dialog.getByText('API keys: disable those yourself').waitFor()
  await assertAccessible(page, 'sign out everywhere')
  await dialog.getByRole('button', { name: 'Sign out everywhere' }).click()
  const proof = page.getByRole('dialog', { name: 'Your password, please' })
  await proof.getByLabel('Your password', { exact: true }).fill(password)
  await proof.getByRole('button', { name: 'Go on' }).click()
  await page.getByText('Everything but this browser is signed out.').waitFor()
  await person.expect(401, 'GET', '/api/account')

  await button.click()
  await dialog.getByLabel('Sign out in this browser, too').check()
  await dialog.getByRole('button', { name: 'Sign out everywhere' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.reload()
  await page.getByLabel('Email', { exact: true }).waitFor()
  assertQuiet()
})

test('in the browser: every reason of an end is told in both languages', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  await using browser = await openBrowser()
  for (const [locale, words] of Object.entries({ 'en-US': en.signedOut, 'zh-CN': zh.signedOut })) {
    const { page, open, assertQuiet } = await visitor(browser, server.origin, { locale })
    for (const [reason, text] of Object.entries(words)) {
      // What the server says after each end is tested there, by each end.
      await page.route('**/api/console', async (route) => {
        const answer = await route.fetch()
        const json = { ...(await answer.json()), signed_out_reason: reason }
        await route.fulfill({ response: answer, json })
      })
      await open('/sign-in')
      await page.getByText(text, { exact: true }).waitFor()
      await page.unroute('**/api/console')
    }
    assertQuiet()
  }
})
