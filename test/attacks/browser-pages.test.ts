import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { noChromium, openBrowser, visitor } from '../harness/browser.ts'
import { createKey, operatorOf } from '../harness/journey.ts'
import { attempt, discover, registerApp, signIn } from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { startServer, type TestServer } from '../harness/server.ts'

/** Texts that would do something if a page took them for anything but text. */
const payloads = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '\'"--><svg/onload=alert(1)>',
  '<iframe srcdoc="<script>alert(1)</script>">',
  '{{constructor.constructor("alert(1)")()}}',
  '<%= 7*7 %>#{7*7}{alert(1)}',
  '<a href="javascript:alert(1)">click</a>',
  '</title></script><style>*{display:none}</style>',
  '<form action=//evil.example><input name=x>',
  '=HYPERLINK("//evil.example","x")',
]

describe('pages in a real browser', { skip: noChromium, concurrency: false }, () => {
  let server: TestServer
  let browser: Browser
  before(async () => {
    server = await startServer()
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })

  const enter = async (email: string, password: string) => {
    const visit = await visitor(browser, server.origin)
    await visit.open('/sign-in')
    await visit.page.locator('input[type=email]').fill(email)
    await visit.page.locator('input[type=password]').fill(password)
    await visit.page.locator('button[type=submit]').click()
    await visit.page.waitForURL(`${server.origin}/`)
    return visit
  }

  test('no page of ours is shown inside a frame of another site', async () => {
    const paths = ['/', '/sign-in', '/consent?tx=x', '/device', '/oauth/tx/x', '/api/docs', '/help']
    const authorize = '/oauth/authorize?client_id=nobody'
    const site = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      const frames = [...paths, authorize].map(
        (path) => `<iframe name="${path}" src="${server.origin}${path}"></iframe>`,
      )
      response.end(`<h1>Another site</h1>${frames.join('')}`)
    })
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    try {
      const { page } = await visitor(browser, server.origin)
      await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`)
      await page.waitForLoadState('networkidle')
      const frames = page.frames().filter((frame) => frame !== page.mainFrame())
      assert.equal(frames.length, paths.length + 1)
      for (const frame of frames)
        assert.ok(!frame.url().startsWith(server.origin), `${frame.name()} is ${frame.url()}`)
    } finally {
      site.close()
    }
  })

  test('what people wrote is text wherever it is shown: names, apps, keys, appeals, browsers', async () => {
    const operator = await operatorOf(server)
    const author = await signedUp(server.origin, { name: payloads[1] ?? '' })
    const { person } = author
    for (const [i, payload] of payloads.entries()) {
      const name = payload.slice(0, 80)
      if (i < 5) await createKey(person, { name })
      if (i < 5) await registerApp(person, { name })
      await person.expect(201, 'POST', '/api/projects', { name })
    }
    const app = await registerApp(person, { name: payloads[0] ?? '' })
    const config = await discover(server.origin, app)
    await signIn(config, person)
    const decided = await operator.expect<{ id: string }>(
      201,
      'POST',
      `/api/operator/accounts/${author.accountId}/decisions`,
      { kind: 'warn', reason: 'shared_key', text: payloads.join('\n') },
    )
    const appeal = await person.expect<{ id: string }>(
      201,
      'POST',
      `/api/cases/${decided.id}/appeal`,
      { text: payloads.join('\n') },
    )
    await signInAs(person, author, payloads[2] ?? '')

    const look = async (visit: Awaited<ReturnType<typeof enter>>, paths: readonly string[]) => {
      let dialogs = 0
      visit.page.on('dialog', (dialog) => {
        dialogs++
        void dialog.dismiss()
      })
      for (const path of paths) {
        await visit.open(path)
        const loading = visit.page.locator('[role=status]').filter({ hasText: '…' })
        await loading.first().waitFor({ state: 'detached' })
        assert.equal(
          await visit.page.locator('img[src="x"], iframe, form[action*="evil"]').count(),
          0,
        )
      }
      assert.equal(dialogs, 0)
      visit.assertQuiet()
    }
    const visit = await enter(author.email, author.password)
    await visit.page.goto(String((await attempt(config, { prompt: 'consent' })).url))
    await visit.page.getByRole('heading', { name: payloads[0] ?? '' }).waitFor()
    await look(visit, [
      '/',
      '/keys',
      '/apps',
      `/apps/${app.client_id}`,
      '/connected-apps',
      '/devices',
      `/cases/${decided.id}`,
    ])
    await look(await enter('olga@example.com', 'orchard granite whistle 77'), [
      '/operator/accounts',
      `/operator/accounts/${author.accountId}`,
      '/operator/cases',
      `/operator/appeals/${appeal.id}`,
      '/operator/audit',
    ])
  })

  test('after signing out, the back button shows nothing of the account', async () => {
    const { email, password } = await signedUp(server.origin)
    const { page, open } = await enter(email, password)
    await open('/security')
    await page.getByText(email).first().waitFor()
    const signedOut = await page.evaluate<number>(
      `fetch('/api/sessions/current', { method: 'DELETE' }).then(({ status }) => status)`,
    )
    assert.equal(signedOut, 204)
    await page.goto(`${server.origin}/help`)
    await page.goBack()
    await page.waitForURL(/\/sign-in/)
    assert.ok(!(await page.content()).includes(email))
  })
})

/** One more sign-in of the same person, by a browser that calls itself something. */
async function signInAs(person: Person, known: { email: string; password: string }, agent: string) {
  const answer = await person.request('POST', '/api/sessions', {
    body: { email: known.email, password: known.password },
    headers: { 'user-agent': agent },
  })
  assert.equal(answer.status, 201)
}
