import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, chromium, type Page } from 'playwright-core'

const executablePath = process.env.LATCHKEY_TEST_CHROMIUM ?? '/usr/bin/chromium'

/** A reason to skip, or false: hand it to `test`'s `skip`, so that a skip names what is missing. */
export const noChromium: string | false = existsSync(executablePath)
  ? false
  : `Chromium is not at ${executablePath}`

/** Debian's Chromium, headless, quiet on the network, with nothing left over from another run. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

export type Visitor = {
  page: Page
  /** Goes to an own path and waits until the page says what it is. */
  open(path: string): Promise<void>
  /** Fails on script errors and on anything the Content-Security-Policy refused so far. */
  assertQuiet(): void
}

/** A person with an own browser profile. Pages may not complain: see `assertQuiet`. */
export async function visitor(
  browser: Browser,
  origin: string,
  options: { locale?: string; width?: number; dark?: boolean } = {},
): Promise<Visitor> {
  const context = await browser.newContext({
    baseURL: origin,
    locale: options.locale ?? 'en-US',
    viewport: { width: options.width ?? 1280, height: 860 },
    colorScheme: options.dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // A refused call is an answer here, and the browser reports each as an error of its own.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  return {
    page,
    async open(path) {
      await page.goto(path)
      await page.getByRole('heading', { level: 1 }).first().waitFor()
    },
    assertQuiet: () => assert.deepEqual(complaints, []),
  }
}

/** On the English sign-in page: fills it in and sends it. What comes next is the caller's to wait for. */
export async function fillSignIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('Email', { exact: true }).fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** WCAG 2.2 A and AA, and axe's best practices: nothing to report on what the page shows now. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze()
  assert.deepEqual(
    violations.map(({ id, nodes }) => ({ id, at: nodes.map((node) => node.html.slice(0, 160)) })),
    [],
    what,
  )
}
