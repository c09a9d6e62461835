import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillSignIn, noChromium, openBrowser, visitor } from '../harness/browser.ts'
import { createKey, hello, openai } from '../harness/journey.ts'
import { signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

test('in the browser: claim, suspend, read the reason, appeal, reverse', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  const name = 'Ada Example'
  const { person, email, password } = await signedUp(server.origin, { name })
  const client = openai(server, (await createKey(person)).secret)
  await using browser = await openBrowser()
  const operator = await visitor(browser, server.origin)
  const holder = await visitor(browser, server.origin)

  const link = server.welcome.operatorLink
  assert.ok(link, 'the first start mints an operator link')
  await operator.open(new URL(link).pathname + new URL(link).hash)
  await operator.page.getByLabel('Name', { exact: true }).fill('Olga Operator')
  await operator.page.getByLabel('Email', { exact: true }).fill('olga@example.com')
  await operator.page.getByLabel('Password', { exact: true }).fill('orchard granite whistle 77')
  await operator.page.getByRole('button', { name: 'Create operator account' }).click()
  await operator.page.getByRole('heading', { name: 'Hello, Olga' }).waitFor()

  await operator.page.getByRole('link', { name: 'Accounts', exact: true }).click()
  await operator.page.getByLabel('Name, address or id').fill(email)
  await operator.page.getByRole('rowheader', { name }).getByRole('link').click()
  await operator.page.getByRole('button', { name: 'Decide' }).click()
  const dialog = operator.page.getByRole('dialog')
  await dialog.getByLabel('Reason').selectOption('shared_key')
  await dialog.getByLabel('Explanation for the person').fill('Used from eleven networks at once.')
  await dialog.getByText('stop within a second').last().waitFor()
  await dialog.getByRole('button', { name: 'Suspend account' }).click()
  await operator.page.getByText('Suspended').first().waitFor()
  await assert.rejects(client.chat.completions.create(hello))

  await holder.open('/sign-in')
  await fillSignIn(holder.page, email, password)
  await holder.page.getByText('This account is suspended').waitFor()
  await holder.page.getByRole('link', { name: 'Read the reason and what you can do' }).click()
  await holder.page.getByRole('link', { name: 'Suspension' }).click()
  await holder.page.getByText('Used from eleven networks at once.').waitFor()
  await holder.page.getByLabel('Your statement').fill('These are our eleven offices.')
  await holder.page.getByRole('button', { name: 'Send appeal' }).click()
  await holder.page.getByText('Your appeal: Waiting for review').waitFor()

  await operator.page.getByRole('link', { name: 'Appeals', exact: true }).click()
  await operator.page.getByRole('rowheader', { name }).getByRole('link').click()
  await operator.page.getByText('These are our eleven offices.').waitFor()
  await operator.page.getByRole('button', { name: 'Answer' }).click()
  await operator.page.getByLabel('Outcome').selectOption('reverse')
  await operator.page.getByLabel('Answer to the person').fill('Confirmed. We are sorry.')
  await operator.page.getByRole('button', { name: 'Send answer' }).click()
  await operator.page.getByText('The decision was reversed').first().waitFor()

  await client.chat.completions.create(hello)
  await holder.open('/cases')
  await holder.page.getByRole('link', { name: 'Suspension' }).click()
  await holder.page.getByText('Confirmed. We are sorry.').waitFor()
  assert.equal(await holder.page.getByText('This account is suspended').count(), 0)
  operator.assertQuiet()
  holder.assertQuiet()
})
