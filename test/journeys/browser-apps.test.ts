import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute } from '../../server/src/platform/clock/clock.ts'
import {
  assertAccessible,
  fillSignIn,
  noChromium,
  openBrowser,
  visitor,
} from '../harness/browser.ts'
import { callback, registerApp } from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { png } from '../harness/pictures.ts'
import { startServer } from '../harness/server.ts'

test('in the browser: an app gets a picture, people see it when it asks, and it is taken away again', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  const app = await registerApp(person, { name: 'Notes for teams', scope: 'openid' })
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await visitor(browser, server.origin)
  await open(`/sign-in?next=/apps/${app.client_id}`)
  await fillSignIn(page, email, password)

  const choose = async (name: string, bytes: Buffer) => {
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: /^(Choose|Change) picture$/ }).click()
    const file = { name, mimeType: 'image/png', buffer: bytes }
    await (await chooser).setFiles(file)
  }
  await choose('notes.png', Buffer.from('no picture at all'))
  await page.getByText('cannot be read as a picture').waitFor()
  // Far too large for the server: the page makes it small.
  await choose('logo.png', png(1_500, 1_200))
  await page.getByRole('button', { name: 'Change picture' }).waitFor()
  await page.locator('main img').waitFor()
  const drawn = await page.evaluate<number>("document.querySelector('main img').naturalWidth")
  assert.equal(drawn, 256)

  const query = new URLSearchParams({
    client_id: app.client_id,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  await page.goto(`/oauth/authorize?${query}`)
  await page.getByRole('heading', { name: 'Notes for teams wants to use your account' }).waitFor()
  const source = (await page.locator('main img').getAttribute('src')) ?? ''
  assert.ok(source.startsWith(`${server.origin}/oauth/logos/${app.client_id}/`))

  await open(`/apps/${app.client_id}`)
  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await page.getByRole('button', { name: 'Choose picture' }).waitFor()
  assert.equal((await fetch(source)).status, 404)
  assertQuiet()
})

test('in the browser: a wrong redirect address is refused with its reason; a new secret leaves the old one its time', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  const app = await registerApp(person, { name: 'Notes for teams', scope: 'openid' })
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await visitor(browser, server.origin, { width: 390 })
  await open(`/sign-in?next=/apps/${app.client_id}`)
  await fillSignIn(page, email, password)

  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  const addresses = page.getByLabel('Redirect addresses')
  // The one that is there twice does not move the reasons to another address.
  const wrong = [callback, callback, 'http://app.example/callback', 'https://app.example/cb#here']
  await addresses.fill(wrong.join('\n'))
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('http://app.example/callback: Use https').waitFor()
  await page.getByText('https://app.example/cb#here: Leave out everything').waitFor()
  await assertAccessible(page, 'refused addresses')
  await addresses.fill(callback)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog', { name: 'Edit app' }).waitFor({ state: 'detached' })

  await page.getByRole('button', { name: 'New secret' }).click()
  await page.getByLabel('Keep the old secret for').selectOption('1 hour')
  server.clock.advance(10 * minute) // the password again, and on from there
  await page.getByRole('button', { name: 'Make new secret' }).click()
  const proof = page.getByRole('dialog', { name: 'Your password, please' })
  await assertAccessible(page, 'the password again, over a dialog')
  await proof.getByLabel('Your password', { exact: true }).fill(password)
  await proof.getByRole('button', { name: 'Go on' }).click()
  await page.getByRole('button', { name: 'I have stored it' }).click()
  const row = (state: string) => page.getByRole('row').filter({ hasText: state })
  await row('In use').getByText('never').waitFor()
  await row('Being replaced')
    .getByText(/in (1 hour|59 minutes|60 minutes)/)
    .waitFor()
  assertQuiet()
})

test('in the browser: the switches of an app are kept, and shown as they are', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  const { client_id } = await registerApp(person)
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await visitor(browser, server.origin)
  await open(`/sign-in?next=/apps/${client_id}`)
  await fillSignIn(page, email, password)

  type Kept = { [member: string]: unknown }
  const kept = () => person.expect<Kept>(200, 'GET', `/api/apps/${client_id}`)
  const switches = {
    'Sign ID tokens with RS256': ['id_token_signed_response_alg', 'ES256', 'RS256'],
    'Name and mail address in the ID token': ['id_token_claims', 'with_scopes', 'minimal'],
    'Legacy confidential client': ['legacy_confidential', false, true],
  } as const
  const before = await kept()
  for (const [member, from] of Object.values(switches)) assert.equal(before[member], from)
  for (const back of [false, true]) {
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    const name = page.getByRole('textbox', { name: 'Name' })
    const dialog = page.getByRole('dialog').filter({ has: name })
    await name.waitFor()
    if (!back) await assertAccessible(page, 'the settings of an app')
    for (const [label, [member, from, to]] of Object.entries(switches)) {
      const box = dialog.getByRole('checkbox', { name: label })
      const on = member === 'id_token_claims' ? !back : back
      assert.equal(await box.isChecked(), on, `${label} shows ${back ? to : from}`)
      await box.click()
    }
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'hidden' })
    const now = await kept()
    for (const [member, from, to] of Object.values(switches))
      assert.equal(now[member], back ? from : to)
  }
  assertQuiet()
})
