import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import {
  assertAccessible,
  fillSignIn,
  noChromium,
  openBrowser,
  visitor,
} from '../harness/browser.ts'
import { eventually } from '../harness/journey.ts'
import { callback, registerApp } from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

const scope = 'openid offline_access models:read chat:write'

async function signInAs(page: Page, email: string, password: string): Promise<void> {
  await fillSignIn(page, email, password)
  await page.getByRole('heading', { level: 1, name: /OAuth apps/ }).waitFor()
}

test('in the browser: an owner walks through a sign-in of their own app, makes mistakes and learns why', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  const app = await registerApp(person, { name: 'Notes for teams', scope })
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await visitor(browser, server.origin)
  await open('/sign-in?next=/apps')
  await signInAs(page, email, password)
  await page.getByRole('link', { name: 'Test Notes for teams' }).click()
  await page.getByRole('heading', { level: 1, name: 'Test Notes for teams' }).waitFor()
  await page.getByRole('button', { name: 'Start test' }).click()

  const send = page.getByRole('button', { name: 'Send request' })
  const exchange = (number: number) => page.locator(`#exchange-${number}`)
  const answered = async (number: number, status: string) => {
    await exchange(number).locator('summary').getByText(status, { exact: true }).waitFor()
    return exchange(number).innerText()
  }

  // Nobody is sent back from this one, so no window opens.
  await page.getByRole('button', { name: 'Other redirect address' }).click()
  assert.match(await answered(1, '400 invalid_redirect_uri'), /first differ at character \d+/)

  const opening = page.waitForEvent('popup')
  await page.getByRole('button', { name: 'Open the sign-in window' }).click()
  const window = await opening
  await window.getByRole('button', { name: 'Allow', exact: true }).click()
  assert.match(await answered(2, '303'), /state is the one it sent/)
  await window.waitForEvent('close').catch(() => assert.ok(window.isClosed()))

  await page.getByRole('button', { name: 'Wrong verifier' }).click()
  assert.match(await answered(3, '400 invalid_grant'), /does not belong to the challenge/)
  await send.click()
  assert.match(await answered(4, '200'), /nonce in the ID token is the one it sent/)
  await exchange(4).getByText('Inside access_token').click()
  await exchange(4).getByText(app.client_id).first().waitFor()

  const { secrets } = await person.expect<{ secrets: { temporary: boolean; hint: string }[] }>(
    200,
    'GET',
    `/api/apps/${app.client_id}`,
  )
  const lent = secrets.find(({ temporary }) => temporary) ?? assert.fail('a secret is lent')
  const shown = await page.getByRole('main').innerText()
  const hint = lent.hint.slice(1)
  assert.ok(!new RegExp(`sk-lk-client_\\w+${hint}`).test(shown), 'the secret is hidden')
  await exchange(4).getByRole('button', { name: 'Copy as curl' }).click()
  const command = await page.evaluate<string>('navigator.clipboard.readText()')
  assert.match(command, /^curl '.*\/oauth\/token'/)
  assert.ok(command.includes('"$CLIENT_SECRET"') && !command.includes('sk-lk-'))

  for (const [step, status] of [
    ['Read who signed in', '200'],
    ['List the models', '200'],
    ['Ask a model', '200'],
    ['Introspect the token', '200'],
    ['Refresh the token', '200'],
    ['Present the old refresh token again', '200'],
  ] as const) {
    await page.getByRole('heading', { name: `Next: ${step}` }).waitFor()
    const before = await page.locator('details[id^=exchange-]').count()
    await send.click()
    await answered(before + 1, status)
  }
  server.clock.advance(31_000)
  await page.getByRole('button', { name: 'Present the old refresh token again' }).click()
  assert.match(await answered(11, '400 invalid_grant'), /the whole grant has ended/)
  await page.getByRole('button', { name: 'List the models' }).click()
  assert.match(await answered(12, '401 token_revoked'), /permission was taken back/)
  await assertAccessible(page, 'after a run')
  const picture = page.getByRole('list', { name: 'Who talks to whom' })
  const told = await picture.getByRole('listitem').filter({ hasText: 'POST /oauth/token' }).first()
  assert.match((await told.textContent()) ?? '', /^Your app → Latchkey: .*, done$/)

  // Back on the app's page the lent secret is gone: leaving ends the test.
  await page.getByRole('link', { name: 'Notes for teams' }).click()
  await page.getByRole('heading', { level: 1, name: 'Notes for teams' }).waitFor()
  await eventually('the end of the lent secret', 5_000, async () => {
    const path = `/api/apps/${app.client_id}`
    const now = await person.expect<{ secrets: object[] }>(200, 'GET', path)
    return now.secrets.length === 1
  })
  assertQuiet()
})

test('in the browser: an app that proves itself by a key is played with one that never leaves the page, and signs out', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const app = await registerApp(person, {
    name: 'Notes for teams',
    scope,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [publicKey.export({ format: 'jwk' })] },
  })
  await using browser = await openBrowser()
  const { page, open } = await visitor(browser, server.origin, { width: 390 })
  await open('/sign-in?next=/apps')
  await signInAs(page, email, password)
  await open(`/apps/${app.client_id}/inspector`)
  await page.getByText('It works beside yours, cannot leave this page').waitFor()
  await assertAccessible(page, 'before the start')
  await page.getByRole('button', { name: 'Start test' }).press('Enter')
  const exchange = (number: number) => page.locator(`#exchange-${number}`)
  const answered = async (number: number, status: string) => {
    await exchange(number).locator('summary').getByText(status, { exact: true }).waitFor()
    return exchange(number).innerText()
  }
  /** Opens a window by the keyboard, and waits until it has closed itself. */
  const throughWindow = async (button: string, then?: (window: Page) => Promise<void>) => {
    const opening = page.waitForEvent('popup')
    await page.getByRole('button', { name: button }).press('Enter')
    const window = await opening
    await then?.(window)
    if (!window.isClosed()) await window.waitForEvent('close')
  }
  await throughWindow('Open the sign-in window', (window) =>
    window.getByRole('button', { name: 'Allow', exact: true }).press('Enter'),
  )
  await answered(1, '303')
  await page.getByRole('button', { name: 'Signed with another key' }).press('Enter')
  assert.match(await answered(2, '401 invalid_client'), /not signed by a key of this app/)
  await page.getByRole('button', { name: 'Send request' }).press('Enter')
  await answered(3, '200')
  await exchange(3).getByText('Inside client_assertion').press('Enter')
  await exchange(3).getByText('inspector-').first().waitFor()
  await page
    .getByRole('button', { name: 'The same assertion again' })
    .waitFor({ state: 'detached' })

  await page.getByRole('button', { name: 'Sign the person out' }).waitFor()
  await throughWindow('Sign the person out')
  await answered(4, '303')
  await page.getByText('You are signed out of the console, too').waitFor()
  await page.getByRole('button', { name: 'Refresh the token' }).press('Enter')
  assert.match(await answered(5, '400 invalid_grant'), /send the person to sign in again/)
  await assertAccessible(page, 'after signing out')
  await page.getByRole('link', { name: 'Sign in again' }).press('Enter')
  await page.getByLabel('Email', { exact: true }).waitFor()
})

test('in the browser: a link is checked, and the setting that is wrong is changed on the spot', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  const app = await registerApp(person, { name: 'Notes for teams', scope })
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await visitor(browser, server.origin, { width: 390 })
  await open('/sign-in?next=/apps')
  await signInAs(page, email, password)
  await open(`/apps/${app.client_id}/inspector`)
  await page.getByRole('radio', { name: 'Use mine' }).check()
  await page.getByLabel('Your client secret').fill(app.client_secret ?? '')
  await page.getByRole('button', { name: 'Start test' }).click()
  await page.getByRole('radio', { name: /Check my link/ }).check()
  await page.getByLabel(/Redirect address, or the whole/).fill(`${callback}/`)
  const check = page.getByRole('button', { name: 'Check', exact: true })
  await check.click()
  await page.getByText('One of them ends in a slash').waitFor()
  await assertAccessible(page, 'an address that differs')
  await page.getByRole('button', { name: 'Change the redirect addresses' }).click()
  await page.getByLabel('Redirect addresses').fill(`${callback}\n${callback}/`)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog', { name: 'Edit app' }).waitFor({ state: 'detached' })
  await check.click()
  await page.getByText('The server accepts it').waitFor()
  assertQuiet()
})

test('in the browser: nobody learns of somebody else’s app by its inspector', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, { name: 'Notes for teams' })
  const { email, password } = await signedUp(server.origin)
  await using browser = await openBrowser()
  const { page, open } = await visitor(browser, server.origin)
  await open('/sign-in?next=/apps')
  await signInAs(page, email, password)
  await page.goto(`/apps/${app.client_id}/inspector`)
  await page.getByRole('alert').waitFor()
  assert.ok(!(await page.getByRole('main').innerText()).includes('Notes for teams'))
})
