import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { authorize, registerApp } from '../../test/harness/oauth-browser.ts'
import { signedUp } from '../../test/harness/person.ts'
import { startServer } from '../../test/harness/server.ts'

test('the example signs a person in and shows what the model said', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin, { name: 'Ada <Example>' })
  const port = await freePort()
  const app = await registerApp(person, {
    redirect_uris: [`http://127.0.0.1:${port}/callback`],
  })
  const running = spawn(process.execPath, [join(import.meta.dirname, 'app.js')], {
    env: {
      ...process.env,
      ISSUER: server.origin,
      CLIENT_ID: app.client_id,
      CLIENT_SECRET: app.client_secret,
      PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [line] = (await once(createInterface(running.stdout), 'line')) as [string]
    assert.equal(line, `open http://127.0.0.1:${port}`)
    const started = await fetch(`http://127.0.0.1:${port}/sign-in`, { redirect: 'manual' })
    const cookie = started.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const back = await authorize(person, started.headers.get('location') ?? '')
    const shown = await (await fetch(back, { headers: { cookie } })).text()
    assert.match(shown, /<h1>Hello, Ada &#60;Example&#62;<\/h1>/)
    assert.match(shown, /demo/i)
    const stranger = await fetch(back)
    assert.equal(stranger.status, 400, 'a callback without the cookie is not finished')
  } finally {
    running.kill()
    await once(running, 'exit')
  }
})

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  assert.ok(address && typeof address === 'object')
  return address.port
}
