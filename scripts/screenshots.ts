import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { compose } from '../server/src/compose.ts'
import { readConfig } from '../server/src/config.ts'
import { day, systemClock } from '../server/src/platform/clock/clock.ts'
import { systemRandom } from '../server/src/platform/ids/ids.ts'
import { createLog } from '../server/src/platform/log/log.ts'
import { openBrowser, visitor } from '../test/harness/browser.ts'
import { registerApp } from '../test/harness/oauth-browser.ts'
import { mailTo, Person } from '../test/harness/person.ts'

/**
 * `npm run screenshots`: renews docs/images from a real server that lived through two weeks of
 * calls in a few seconds, once in each language. Needs Chromium and a built console.
 */
const images = new URL('../docs/images/', import.meta.url).pathname
const ada = { email: 'ada@example.com', password: 'orchard granite whistle 77' }
const grace = { email: 'grace@example.com', password: 'velvet compass thunder 42' }
const callback = 'https://notes.example.com/callback'

const port = await freePort()
const origin = `http://localhost:${port}`
const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-screenshots-'))
const config = readConfig({ LATCHKEY_ORIGIN: origin, LATCHKEY_DATA_DIR: dataDir }, 2)
assert.ok(config.ok)
let behind = 13 * day
const clock = { now: () => systemClock.now() - behind }
const latchkey = await compose(config.config, {
  clock,
  random: systemRandom,
  log: createLog('silent', () => {}),
})
await latchkey.listen()
try {
  await claimOperator()
  const holder = await signUp()
  const secret = await liveTwoWeeks(holder)
  const app = await registerApp(await signIn(), {
    name: 'Notes for teams',
    redirect_uris: [callback],
    scope: 'openid email offline_access chat:write',
  })
  await using browser = await openBrowser()
  await mkdir(images, { recursive: true })
  const shoot = async (page: Page, name: string, language: string) => {
    await page.waitForLoadState('networkidle').catch(() => undefined)
    await page.waitForTimeout(800)
    await page.screenshot({ path: `${images}${name}.${language}.png` })
  }
  const look = async (language: 'en' | 'zh', paths: Record<string, string>) => {
    const { page, open } = await visitor(browser, origin, {
      locale: language === 'zh' ? 'zh-CN' : 'en-US',
    })
    page.setDefaultTimeout(20_000)
    // The language chosen in a browser wins over the account's.
    await page.addInitScript(`localStorage.setItem('latchkey.locale', '${language}')`)
    await open('/sign-in')
    await page.locator('input[type=email]').fill(ada.email)
    await page.locator('input[type=password]').fill(ada.password)
    await page.locator('button[type=submit]').click()
    await page.waitForURL(`${origin}/`)
    for (const [name, path] of Object.entries(paths)) {
      await open(path)
      if (name === 'inspector') await makeMistake(page)
      await shoot(page, name, language)
    }
  }
  const authorize = new URL('/oauth/authorize', origin)
  authorize.search = String(
    new URLSearchParams({
      client_id: app.client_id,
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid email chat:write',
      state: 'state-of-the-app',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    }),
  )
  const usual = {
    dashboard: '/',
    usage: '/usage',
    consent: authorize.href,
    inspector: `/apps/${app.client_id}/inspector`,
  }
  await look('en', usual)
  await look('zh', usual)
  const caseId = await suspend(secret)
  await look('en', { case: `/cases/${caseId}` })
  await look('zh', { case: `/cases/${caseId}` })
  console.log(`renewed ${images}`)
} finally {
  await latchkey.close()
  await rm(dataDir, { recursive: true, force: true })
}

/** In the flow inspector: signs in through the window, then sends another verifier, as its buttons offer. */
async function makeMistake(page: Page): Promise<void> {
  await page.locator('form button[type=submit]').click()
  const opening = page.waitForEvent('popup')
  await page.locator('button', { hasText: /^(Open the sign-in window|打开登录窗口)$/ }).click()
  const window = await opening
  const allow = window.getByRole('button', { name: /^(Allow|允许)$/ })
  // Allowed once, it is not asked again.
  await Promise.race([allow.click(), page.locator('#exchange-1').waitFor()]).catch(() => undefined)
  await page.locator('#exchange-1').waitFor()
  await page.locator('button', { hasText: /^(Wrong verifier|错误的验证器)$/ }).click()
  await page.locator('#exchange-2').waitFor()
}

async function signUp(): Promise<Person> {
  const person = new Person(origin)
  await person.expect(202, 'POST', '/api/accounts', { name: 'Ada Lovelace', ...ada })
  const { code } = await mailTo(origin, ada.email, 'verify_email')
  await person.expect(204, 'POST', '/api/accounts/verify', { email: ada.email, code })
  return signIn()
}

async function signIn(credentials = ada): Promise<Person> {
  const person = new Person(origin)
  await person.expect(201, 'POST', '/api/sessions', credentials)
  return person
}

/** Calls on each of fourteen days, the clock moving along; ends at the present. */
async function liveTwoWeeks(holder: Person): Promise<string> {
  const projects = await holder.expect<{ items: { id: string }[] }>(200, 'GET', '/api/projects')
  const { secret } = await holder.expect<{ secret: string }>(
    201,
    'POST',
    `/api/projects/${projects.items[0]?.id}/keys`,
    { name: 'website backend', declared_use: 'server' },
  )
  const perDay = [4, 7, 6, 9, 12, 3, 2, 11, 14, 13, 17, 19, 8, 15]
  for (const [index, calls] of perDay.entries()) {
    behind = (perDay.length - 1 - index) * day
    for (let call = 0; call < calls; call++) await ask(secret, 'word '.repeat(20 + call * 9))
  }
  return secret
}

async function ask(secret: string, content: string): Promise<void> {
  const response = await fetch(`${origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'latchkey-demo', messages: [{ role: 'user', content }] }),
  })
  assert.equal(response.status, 200, await response.text())
}

/** The link that the first start prints lives for a day, so this comes before the two weeks. */
async function claimOperator(): Promise<void> {
  const link = latchkey.welcome.operatorLink
  assert.ok(link)
  await new Person(origin).expect(201, 'POST', '/api/operator/claim', {
    token: new URL(link).hash.slice(1),
    name: 'Grace Hopper',
    ...grace,
  })
}

/** An operator suspends the account; answers the case's id. */
async function suspend(secret: string): Promise<string> {
  const operator = await signIn(grace)
  const { items } = await operator.expect<{ items: { id: string; email: string }[] }>(
    200,
    'GET',
    `/api/operator/accounts?search=${ada.email}`,
  )
  const decided = await operator.expect<{ id: string }>(
    201,
    'POST',
    `/api/operator/accounts/${items[0]?.id}/decisions`,
    {
      kind: 'suspend',
      reason: 'shared_key',
      text: `The key ending in ${secret.slice(-4)} was used from 41 networks within one hour.`,
      evidence: [
        { kind: 'signal', summary: '41 networks within 60 minutes; 2 are usual for this key.' },
        { kind: 'signal', summary: '7 different client programs at the same time.' },
      ],
    },
  )
  return decided.id
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
