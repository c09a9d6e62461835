import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { authorize, registerApp } from '../../test/harness/oauth-browser.ts'
import { type Person, signedUp } from '../../test/harness/person.ts'
import { type RunningProcess, startProcess } from '../../test/harness/process.ts'
import { startServer, type TestServer } from '../../test/harness/server.ts'

const work = mkdtempSync(join(tmpdir(), 'latchkey-web-'))
const cleaning: (() => unknown)[] = [() => rmSync(work, { recursive: true })]
after(async () => {
  for (const clean of cleaning.reverse()) await clean()
})

let server: TestServer
let app: RunningProcess
let origin: string
let ada: { person: Person; accountId: string }
before(async () => {
  server = await startServer()
  cleaning.push(() => server[Symbol.asyncDispose]())
  origin = `http://127.0.0.1:${await freePort()}`
  ada = await signedUp(server.origin)
  const client = await registerApp(ada.person, { redirect_uris: [`${origin}/callback`] })
  const file = join(work, 'server.ts')
  writeFileSync(file, program())
  app = startProcess(file, [], {
    ORIGIN: origin,
    ISSUER: server.origin,
    CLIENT_ID: client.client_id,
    CLIENT_SECRET: client.client_secret ?? '',
    XDG_STATE_HOME: work,
    HOME: work,
  })
  cleaning.push(() => app.signal('SIGKILL'))
  while (!(await fetch(origin, { redirect: 'manual' }).catch(() => null)))
    await new Promise((resolve) => setTimeout(resolve, 50))
})

/** The program of the documentation, as it stands there, with the sources in place of the package. */
function program(): string {
  const docs = readFileSync(new URL('../../docs/sdk.md', import.meta.url), 'utf8')
  const code = /\n### A web server\n[^`]*(?:`[^`]+`[^`]*)*?```ts\n(.*?)```/s.exec(docs)?.[1]
  assert.ok(code, 'there is one')
  return code
    .replace("'@latchkey/sdk'", `'${new URL('../src/index.ts', import.meta.url).href}'`)
    .replace("'@latchkey/sdk/node'", `'${new URL('../src/node/index.ts', import.meta.url).href}'`)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise<void>((resolve) => probe.close(() => resolve()))
  return port
}

const cookiesOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .filter((cookie) => !cookie.includes('Max-Age=0'))
    .map((cookie) => cookie.split(';')[0])
    .join('; ')

async function signIn(person: Person): Promise<string> {
  const begun = await fetch(`${origin}/sign-in`, { redirect: 'manual' })
  const back = await authorize(person, begun.headers.get('location') ?? '')
  const done = await fetch(back, { redirect: 'manual', headers: { cookie: cookiesOf(begun) } })
  assert.equal(done.status, 303, app.err())
  return cookiesOf(done)
}

test('the web server of the documentation signs people in, each as themselves, and out', async () => {
  const bob = await signedUp(server.origin)
  const sessions = [await signIn(ada.person), await signIn(bob.person)]
  const hello = (cookie: string) => fetch(origin, { headers: { cookie }, redirect: 'manual' })
  for (const cookie of sessions)
    assert.match(await (await hello(cookie)).text(), /^Hello, .+\. Models: 200$/, app.err())
  const [first = '', second = ''] = sessions
  const gone = await fetch(`${origin}/sign-out`, { method: 'POST', headers: { cookie: first } })
  assert.equal(await gone.text(), 'Goodbye.')
  assert.equal((await hello(first)).status, 303)
  assert.equal((await hello(second)).status, 200)
})

test('a callback in another browser is refused, and says what to do', async () => {
  const begun = await fetch(`${origin}/sign-in`, { redirect: 'manual' })
  const back = await authorize(ada.person, begun.headers.get('location') ?? '')
  const stranger = await fetch(back, { redirect: 'manual' })
  assert.equal(stranger.status, 400)
  assert.match(await stranger.text(), /did not begin it\. Start the sign-in again/)
})
