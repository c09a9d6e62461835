import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { noChromium, openBrowser } from '../../test/harness/browser.ts'
import type { Auth } from '../src/index.ts'
import { FakeProvider, type FakeProviderOptions } from '../src/testing/index.ts'

/** What the page below puts into `window`, as the functions given to `evaluate` see it. */
declare const auth: Auth
declare const signInThere: () => Promise<void>
declare const contract: () => Promise<{ name: string; error: string | null }[]>

const sources = join(import.meta.dirname, '../src')
const engine = join(import.meta.dirname, '../../node_modules/oauth4webapi/build/index.js')

// The same contract that every store shows in Node runs in the tab, on stand-ins for what Node has.
const shims: Record<string, string> = {
  '/shim/test.js': `export const tests = []
export const test = (name, run) => tests.push({ name, run })`,
  '/shim/assert.js': `const fail = (message) => { throw new Error(message ?? 'assertion failed') }
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)
export default {
  ok: (value, message) => value || fail(message),
  equal: (a, b, message) => Object.is(a, b) || fail(message ?? a + ' is not ' + b),
  deepEqual: (a, b, message) => same(a, b) || fail(message ?? JSON.stringify([a, b])),
  async rejects(promise, pattern) {
    const error = await promise.then(() => null, (error) => error)
    if (error === null) fail('it did not reject')
    if (!pattern.test(String(error))) fail('rejected with ' + error)
  },
}`,
}

const page = (settings: object) => `<!doctype html><title>tab</title>
<script type="importmap">${JSON.stringify({
  imports: {
    oauth4webapi: '/engine.js',
    'node:test': '/shim/test.js',
    'node:assert/strict': '/shim/assert.js',
  },
})}</script>
<script type="module">
import { createAuth, discover } from '/sdk/index.ts'
import { browserStore } from '/sdk/browser/index.ts'
globalThis.setImmediate = (run) => setTimeout(run, 0)
globalThis.auth = createAuth({
  provider: discover(location.origin), clientId: 'app', store: browserStore(),
  refresh: { background: false }, ...${JSON.stringify(settings)},
})
globalThis.contract = async () => {
  const { credentialStoreContract } = await import('/sdk/credentials/store.contract.ts')
  const { tests } = await import('/shim/test.js')
  credentialStoreContract('browser', () => browserStore({ name: 'contract' }))
  const results = []
  for (const { name, run } of tests)
    results.push({ name, error: await run().then(() => null, (error) => String(error)) })
  return results
}
document.title = 'ready'
</script>`

/** The page of the documentation, with the sources in place of the package, and what a test needs. */
function documentedPage(issuer: string): string {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/sdk.md'), 'utf8')
  const code = /\n### In a browser\n+```ts\n(.*?)```/s.exec(docs)?.[1] ?? ''
  const script = stripTypeScriptTypes(code)
    .replace("'@latchkey/sdk'", "'/sdk/index.ts'")
    .replace("'@latchkey/sdk/browser'", "'/sdk/browser/index.ts'")
    .replace('https://id.example.org', issuer)
  return `<!doctype html><title>tab</title>
<script type="importmap">{"imports":{"oauth4webapi":"/engine.js"}}</script>
<script type="module">${script}
Object.assign(globalThis, { auth, signInThere: signIn })
document.title = 'ready'
</script>`
}

let browser: Browser
before(async () => {
  if (!noChromium) browser = await openBrowser()
})
after(async () => {
  await browser?.close()
})

/** An origin that is provider and app at once, and a browser profile of its own. */
async function setUp(options: FakeProviderOptions = {}, settings: object = {}) {
  const provider = new FakeProvider(options)
  const server = createServer(async (incoming, outgoing) => {
    const path = normalize(new URL(incoming.url ?? '/', 'http://host').pathname)
    const script = (text: string) =>
      outgoing.writeHead(200, { 'content-type': 'text/javascript' }).end(text)
    const shim = shims[path]
    if (path === '/')
      return outgoing.writeHead(200, { 'content-type': 'text/html' }).end(page(settings))
    if (path === '/documented' || path === '/callback')
      return outgoing
        .writeHead(200, { 'content-type': 'text/html' })
        .end(documentedPage(provider.issuer))
    if (path === '/engine.js') return script(readFileSync(engine, 'utf8'))
    if (shim) return script(shim)
    if (path.startsWith('/sdk/'))
      return script(stripTypeScriptTypes(readFileSync(join(sources, path.slice(5)), 'utf8')))
    const chunks: Uint8Array[] = []
    for await (const chunk of incoming) chunks.push(chunk as Uint8Array)
    const headers = new Headers()
    for (const [name, value] of Object.entries(incoming.headers))
      if (typeof value === 'string') headers.set(name, value)
    const request = new Request(new URL(incoming.url ?? '/', provider.issuer), {
      method: incoming.method ?? 'GET',
      headers,
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    })
    try {
      const response = await provider.fetch(request)
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      outgoing.end(await response.text())
    } catch {
      outgoing.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  provider.issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  const profile = await browser.newContext()
  profile.setDefaultTimeout(15_000)
  return {
    provider,
    profile,
    tab: () => openTab(profile, provider.issuer),
    async [Symbol.asyncDispose]() {
      await profile.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

async function openTab(profile: BrowserContext, origin: string): Promise<Page> {
  const tab = await profile.newPage()
  await tab.goto(origin)
  await tab.waitForFunction(() => document.title === 'ready')
  return tab
}

const signIn = (tab: Page, provider: FakeProvider) =>
  tab.evaluate(async (code) => (await auth.signInByCode(code)).token(), provider.code())
const token = (tab: Page) => tab.evaluate(() => auth.account().token())
const results = (provider: FakeProvider) => provider.redemptions.map(({ result }) => result)

test('the store contract holds in a browser', { skip: noChromium }, async () => {
  await using all = await setUp()
  const told = await (await all.tab()).evaluate(() => contract())
  assert.ok(told.length >= 6)
  assert.deepEqual(
    told.filter(({ error }) => error !== null),
    [],
  )
})

test('the page of the documentation signs in by redirect, and shows no code', {
  skip: noChromium,
}, async () => {
  await using all = await setUp({ dpop: true })
  const tab = await all.profile.newPage()
  await tab.goto(`${all.provider.issuer}/documented`)
  await tab.waitForFunction(() => document.title === 'ready')
  await tab.evaluate(() => void signInThere())
  await tab.waitForURL((url) => url.pathname === '/' && url.search === '')
  await tab.waitForFunction(() => document.title === 'ready')
  assert.ok(all.provider.accepts(await token(tab)))
  const again = await all.profile.newPage()
  const refused = again.waitForEvent('pageerror')
  await again.goto(`${all.provider.issuer}/callback?code=x&state=y`)
  assert.match(String(await refused), /this browser did not begin it/)
  assert.ok(all.provider.accepts(await token(tab)))
})

test('five tabs with forty callers each redeem a refresh token once', {
  skip: noChromium,
}, async () => {
  await using all = await setUp()
  const tabs = await Promise.all(Array.from({ length: 5 }, all.tab))
  const [first] = tabs
  assert.ok(first)
  let stale = await signIn(first, all.provider)
  for (let round = 1; round <= 3; round++) {
    const tokens = await Promise.all(
      tabs.map((tab) =>
        tab.evaluate(
          (stale) => Promise.all(Array.from({ length: 40 }, () => auth.account().token({ stale }))),
          stale,
        ),
      ),
    )
    assert.equal(new Set(tokens.flat()).size, 1)
    assert.deepEqual(results(all.provider), Array(round).fill('rotated'))
    stale = tokens[0]?.[0] ?? ''
    assert.ok(all.provider.accepts(stale))
  }
})

test('a tab that is closed while its reply is on the way costs nobody the sign-in', {
  skip: noChromium,
}, async () => {
  await using all = await setUp({ replaySeconds: 30 })
  const [doomed, next] = await Promise.all([all.tab(), all.tab()])
  assert.ok(doomed && next)
  const stale = await signIn(doomed, all.provider)
  let closed: Promise<void> | null = null
  all.provider.options.beforeReply = () => {
    closed ??= doomed.close()
  }
  const asks = [doomed, next].map((tab) =>
    tab.evaluate((stale) => auth.account().token({ stale }), stale).catch(() => null),
  )
  const [, renewed] = await Promise.all(asks)
  await closed
  assert.ok(renewed && all.provider.accepts(renewed))
  assert.equal(results(all.provider).filter((result) => result === 'rotated').length, 1)
  assert.ok(results(all.provider).every((result) => result === 'rotated' || result === 'replayed'))
})

test('signing in, renewing and signing out in one tab does so in all', {
  skip: noChromium,
}, async () => {
  await using all = await setUp()
  const [one, two] = await Promise.all([all.tab(), all.tab()])
  assert.ok(one && two)
  const peek = (tab: Page) => tab.evaluate(() => auth.account().peek())
  const until = async (holds: () => Promise<boolean>) => {
    for (let tries = 0; !(await holds()); tries++)
      assert.ok(tries < 200, 'the tab never heard of it')
  }
  assert.equal(await peek(two), null)
  const first = await signIn(one, all.provider)
  await until(async () => (await peek(two)) === first)
  const renewed = await one.evaluate((stale) => auth.account().token({ stale }), first)
  await until(async () => (await peek(two)) === renewed)
  await two.evaluate(() => auth.account().signOut())
  await until(async () => (await peek(one)) === null)
  await assert.rejects(token(one), /Nobody is signed in/)
  assert.deepEqual(results(all.provider), ['rotated'])
})

test('a sign-in outlives its tab and no token is readable in the profile', {
  skip: noChromium,
}, async () => {
  await using all = await setUp()
  const first = await all.tab()
  const access = await signIn(first, all.provider)
  await first.close()
  const second = await all.tab()
  assert.equal(await token(second), access)
  const dump = await second.evaluate(async () => {
    const open = indexedDB.open('latchkey')
    await new Promise((resolve) => (open.onsuccess = resolve))
    const all = <T>(table: string) =>
      new Promise<T[]>((resolve) => {
        const asked = open.result.transaction(table).objectStore(table).getAll()
        asked.onsuccess = () => resolve(asked.result)
      })
    const keys = await all<CryptoKey>('keys')
    return {
      rows: JSON.stringify(await all('credentials')),
      extractable: keys.map((key) => key.extractable),
      elsewhere: localStorage.length + sessionStorage.length,
    }
  })
  assert.ok(dump.rows.includes('"revision":1'))
  assert.ok(!/(at|rt)-[0-9a-f]{24}/.test(dump.rows))
  assert.deepEqual(dump.extractable, [false])
  assert.equal(dump.elsewhere, 0)
})

test('tokens are bound to a key that the tabs share and nobody can read out', {
  skip: noChromium,
}, async () => {
  await using all = await setUp({ dpop: true, dpopNonce: 'first' }, { dpop: true })
  const [one, two] = await Promise.all([all.tab(), all.tab()])
  assert.ok(one && two)
  const access = await signIn(one, all.provider)
  all.provider.options.dpopNonce = 'second'
  const renewed = await two.evaluate((stale) => auth.account().token({ stale }), access)
  assert.notEqual(renewed, access)
  assert.deepEqual(results(all.provider), ['rotated'])
  const [headers, extractable] = await one.evaluate(async () => {
    const open = indexedDB.open('latchkey')
    await new Promise((resolve) => (open.onsuccess = resolve))
    const asked = open.result.transaction('keys').objectStore('keys').getAll()
    await new Promise((resolve) => (asked.onsuccess = resolve))
    const pair = asked.result.find((one) => 'privateKey' in one) as { privateKey: CryptoKey }
    return [
      await auth.account().headers({ url: 'https://api.test/v1' }),
      pair.privateKey.extractable,
    ] as const
  })
  assert.equal(headers.authorization, `DPoP ${renewed}`)
  assert.ok(headers.dpop)
  assert.equal(extractable, false)
  await one.evaluate(() => auth.account().signOut())
  const left = await one.evaluate(async () => {
    const open = indexedDB.open('latchkey')
    await new Promise((resolve) => (open.onsuccess = resolve))
    const asked = open.result.transaction('keys').objectStore('keys').getAllKeys()
    await new Promise((resolve) => (asked.onsuccess = resolve))
    return asked.result
  })
  assert.deepEqual(left, ['seal'], 'the key ends with the sign-in')
})
