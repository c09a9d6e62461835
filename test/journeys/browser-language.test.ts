import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noChromium, openBrowser, visitor } from '../harness/browser.ts'
import { signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

test('in the browser: the page speaks the language of the browser, and another when asked', {
  skip: noChromium,
}, async () => {
  await using server = await startServer()
  await using browser = await openBrowser()
  const chinese = await visitor(browser, server.origin, { locale: 'zh-CN' })
  await chinese.open('/sign-in')
  await chinese.page.getByRole('button', { name: '登录', exact: true }).waitFor()
  assert.equal(await chinese.page.locator('html').getAttribute('lang'), 'zh-CN')

  const { page, open, assertQuiet } = await visitor(browser, server.origin)
  await open('/sign-in')
  await page.getByRole('button', { name: 'Language: English' }).click()
  await page.getByRole('menuitemradio', { name: '简体中文' }).click()
  await page.getByRole('heading', { name: '登录' }).waitFor()
  await page.getByLabel('邮箱').fill('nobody@example.com')
  await page.getByLabel('密码', { exact: true }).fill('wrong password here')
  await page.getByRole('button', { name: '登录', exact: true }).click()
  const refusal = await page.getByRole('alert').innerText()
  assert.match(refusal, /\p{Script=Han}/u, 'what the server says is in the same language')
  await page.reload()
  await page.getByRole('heading', { name: '登录' }).waitFor()
  assertQuiet()
})

test('in the browser: signing in works by keyboard alone', { skip: noChromium }, async () => {
  await using server = await startServer()
  const { email, password } = await signedUp(server.origin)
  await using browser = await openBrowser()
  const { page, open, assertQuiet } = await visitor(browser, server.origin)
  await open('/sign-in')
  const focusedName = () =>
    page.evaluate<string>(
      '(document.activeElement?.labels?.[0] ?? document.activeElement)?.textContent ?? ""',
    )
  const tabTo = async (name: string) => {
    for (let presses = 0; presses < 20; presses++) {
      if ((await focusedName()) === name) return
      await page.keyboard.press('Tab')
    }
    assert.fail(`${name} cannot be reached with the Tab key`)
  }
  await page.keyboard.press('Tab')
  assert.equal(await focusedName(), 'Skip to content')
  await tabTo('Email')
  await page.keyboard.type(email)
  await tabTo('Password')
  await page.keyboard.type(password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /^Hello/ }).waitFor()
  assertQuiet()
})
