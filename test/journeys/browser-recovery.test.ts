import { test } from 'node:test'
import { noChromium, openBrowser, visitor } from '../harness/browser.ts'
import { mailTo, signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

const newPassword = 'velvet compass thunder 42'

test('in the browser: a forgotten password is replaced and the other session ends', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const { person, email, password } = await signedUp(server.origin)
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await visitor(browser, server.origin)
  await open('/sign-in')
  await page.getByRole('link', { name: 'Forgot your password?' }).click()
  await page.getByLabel('Email', { exact: true }).fill(email)
  await page.getByRole('button', { name: 'Continue', exact: true }).click()
  await page.getByLabel('Code', { exact: true }).waitFor()
  const mail = await mailTo(server.origin, email, 'reset_password')
  await page.getByLabel('Code', { exact: true }).fill(mail.code ?? '')
  await page.getByLabel('Password', { exact: true }).fill(newPassword)
  await page.getByRole('button', { name: 'Change password' }).click()

  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Password', { exact: true }).fill(newPassword)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: /^Hello/ }).waitFor()
  await person.expect(401, 'GET', '/api/account')
  assertQuiet()
})
