import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noChromium, openBrowser, visitor } from '../harness/browser.ts'
import { hello, openai } from '../harness/journey.ts'
import { startServer } from '../harness/server.ts'

const password = 'orchard granite whistle 77'

test('in the browser: sign up, verify, sign in, create a key, call, see it in usage', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await visitor(browser, server.origin)

  await open('/')
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByLabel('Name', { exact: true }).fill('Ada Lovelace')
  await page.getByLabel('Email', { exact: true }).fill('ada@example.com')
  await page.getByLabel('Password', { exact: true }).fill('password')
  await page.getByRole('button', { name: 'Sign up', exact: true }).click()
  await page.getByRole('alert').first().waitFor()
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByText('Good enough to use').waitFor()
  await page.getByRole('button', { name: 'Sign up', exact: true }).click()

  await page.getByRole('button', { name: 'Use this code' }).click()
  assert.match(await page.getByLabel('Code', { exact: true }).inputValue(), /^\d{6}$/)
  await page.getByRole('button', { name: 'Continue', exact: true }).click()

  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor()
  await page.getByText('1 of 5 done').waitFor()

  await page.getByRole('link', { name: 'Create key' }).click()
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByLabel('Name', { exact: true }).fill('Laptop')
  await page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click()
  const secret = await page.getByRole('dialog').locator('code').first().innerText()
  assert.match(secret, /^sk-lk-live_[0-9A-Za-z]{49}$/)
  await page.getByRole('dialog').getByRole('button', { name: 'Copy' }).first().click()
  assert.equal(await page.evaluate('navigator.clipboard.readText()'), secret)
  await page.getByRole('button', { name: 'I have stored it' }).click()
  await page.getByRole('link', { name: 'Laptop' }).waitFor()
  assert.ok(!(await page.content()).includes(secret), 'the secret is gone with its dialog')

  await page.getByRole('link', { name: 'Usage', exact: true }).click()
  await page.getByRole('heading', { name: 'Usage', level: 1 }).waitFor()
  await openai(server, secret).chat.completions.create(hello)
  const began = performance.now()
  await page.getByRole('cell', { name: 'latchkey-demo' }).first().waitFor()
  assert.ok(performance.now() - began < 2_000, 'a call shows within two seconds')
  await page.getByRole('cell', { name: 'Laptop' }).first().waitFor()
  assertQuiet()
})

test('in the browser: a session that ended elsewhere leads to sign-in and back', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  await using browser = await openBrowser()
  const { page, open } = await visitor(browser, server.origin)
  await open('/devices?x=1')
  assert.equal(new URL(page.url()).pathname, '/sign-in')
  assert.equal(new URL(page.url()).searchParams.get('next'), '/devices?x=1')
  await open('/sign-in?next=//example.com')
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
  assert.equal(new URL(page.url()).origin, server.origin)
})
