import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAccessible, noChromium, openBrowser, visitor } from '../harness/browser.ts'
import { createKey, hello, openai, operatorOf } from '../harness/journey.ts'
import { registerApp } from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

const forEverybody = [
  '/',
  '/sign-in',
  '/sign-up',
  '/verify?email=ada@example.com',
  '/recover',
  '/recover/reset?email=ada@example.com',
  '/operator/claim#nothing',
  '/sign-out?tx=nothing-of-this-kind',
  '/help',
  '/help/api-keys',
  '/nothing-here',
]
const forHolders = [
  '/',
  '/keys',
  '/usage',
  '/apps',
  '/connected-apps',
  '/devices',
  '/device',
  '/device?user_code=BCDF-GHJK',
  '/security',
  '/cases',
  '/help/appeals',
]
const forOperators = [
  '/operator/accounts',
  '/operator/cases',
  '/operator/appeals',
  '/operator/audit',
  '/operator/health',
]

for (const [look, options] of Object.entries({
  'wide and light': {},
  'phone width, dark, Chinese': { width: 360, dark: true, locale: 'zh-CN' },
}))
  test(`every page, ${look}: no axe violation, no script error, no sideways scrolling`, {
    skip: noChromium,
  }, async () => {
    await using server = await startServer()
    const operator = await operatorOf(server)
    const subject = await signedUp(server.origin)
    const decided = await operator.expect<{ id: string }>(
      201,
      'POST',
      `/api/operator/accounts/${subject.accountId}/decisions`,
      { kind: 'suspend', reason: 'shared_key', text: 'From eleven networks.' },
    )
    const appeal = await subject.person.expect<{ id: string }>(
      201,
      'POST',
      `/api/cases/${decided.id}/appeal`,
      { text: 'Eleven offices.' },
    )
    const key = await createKey(operator)
    const app = await registerApp(operator)
    await openai(server, key.secret).chat.completions.create(hello)

    await using browser = await openBrowser()
    const check = async (email: string | null, password: string, paths: readonly string[]) => {
      const { page, open, assertQuiet } = await visitor(browser, server.origin, options)
      // A language chosen in the browser stays after signing in, whatever the account says.
      if ('locale' in options)
        await page.addInitScript("localStorage.setItem('latchkey.locale', 'zh')")
      if (email) {
        await open('/sign-in')
        await page.locator('input[type=email]').fill(email)
        await page.locator('input[type=password]').fill(password)
        await page.locator('button[type=submit]').click()
        await page.waitForURL(`${server.origin}/`)
      }
      for (const path of paths) {
        await open(path)
        // A locator and not a function in the page: the content security policy forbids eval there.
        const loading = page.locator('[role=status]').filter({ hasText: '…' })
        await loading.first().waitFor({ state: 'detached' })
        await assertAccessible(page, path)
        const sideways = await page.evaluate<number>(
          'document.documentElement.scrollWidth - innerWidth',
        )
        assert.ok(sideways <= 0, `${path} scrolls sideways by ${sideways} px`)
      }
      assertQuiet()
    }
    await check(null, '', forEverybody)
    await check('olga@example.com', 'orchard granite whistle 77', [
      ...forHolders,
      ...forOperators,
      `/keys/${key.id}`,
      `/apps/${app.client_id}`,
      `/apps/${app.client_id}/inspector`,
      `/apps/${app.client_id}/inspector/callback`,
      `/operator/accounts/${subject.accountId}`,
      `/operator/appeals/${appeal.id}`,
    ])
    await check(subject.email, subject.password, ['/', '/keys', '/apps', `/cases/${decided.id}`])
  })
