import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { assertAccessible, noChromium, openBrowser, visitor } from '../harness/browser.ts'
import { discover, registerApp } from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

for (const [look, options] of Object.entries({
  'wide, English': { allow: 'Allow', submit: 'Continue', code: 'Code on the device' },
  'phone width, dark, Chinese': {
    width: 360,
    dark: true,
    locale: 'zh-CN',
    allow: '允许',
    submit: '继续',
    code: '设备上的代码',
  },
}))
  test(`in the browser (${look}): a link fills the code in, the person looks, allows, the device goes on`, {
    skip: noChromium,
  }, async () => {
    await using server = await startServer()
    const { person, email, password } = await signedUp(server.origin)
    const app = await registerApp(person, {
      name: 'Living-room box',
      redirect_uris: [],
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      token_endpoint_auth_method: 'none',
      scope: 'openid chat:write',
    })
    const config = await discover(server.origin, app)
    const device = await oidc.initiateDeviceAuthorization(config, { scope: 'openid chat:write' })

    await using browser = await openBrowser()
    const { page, assertQuiet } = await visitor(browser, server.origin, options)
    if ('locale' in options)
      await page.addInitScript("localStorage.setItem('latchkey.locale', 'zh')")
    const shot = process.env.LATCHKEY_TEST_SHOTS
    const look = async (name: string) => {
      await assertAccessible(page, name)
      const sideways = await page.evaluate<number>(
        'document.documentElement.scrollWidth - innerWidth',
      )
      assert.ok(sideways <= 0, `${name} scrolls sideways by ${sideways} px`)
      if (shot)
        await page.screenshot({ path: `${shot}/${options.allow}-${name}.png`, fullPage: true })
    }
    await page.goto(device.verification_uri_complete ?? '')
    await page.locator('input[type=email]').fill(email)
    await page.locator('input[type=password]').fill(password)
    await page.locator('button[type=submit]').click()
    const code = page.getByLabel(options.code)
    await code.waitFor()
    assert.equal(await code.inputValue(), device.user_code)
    await look('entry')
    await page.getByRole('button', { name: options.submit, exact: true }).click()
    const allow = page.getByRole('button', { name: options.allow, exact: true })
    await allow.waitFor()
    assert.match((await page.textContent('main')) ?? '', /Living-room box/)
    await look('request')
    await allow.click()
    await allow.waitFor({ state: 'detached' })
    await look('done')
    const tokens = await oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 0.01 })
    assert.ok(tokens.access_token)
    assertQuiet()
  })
