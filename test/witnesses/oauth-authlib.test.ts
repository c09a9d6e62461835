import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { without } from '../harness/debian.ts'
import { authorize, callback, registerApp } from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

type Token = {
  access_token: string
  refresh_token: string
  expires_in: number
  scope: string
  [member: string]: unknown
}

/** Debian's Python with its Authlib, one process for one client. */
function pythonClient(...args: string[]) {
  const child = spawn(
    '/usr/bin/python3',
    [join(import.meta.dirname, 'debian/authlib_client.py'), ...args],
    {
      env: { PATH: '/usr/bin', AUTHLIB_INSECURE_TRANSPORT: '1', NO_PROXY: '*' },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask<T>(...command: string[]): Promise<T> {
      child.stdin.write(`${JSON.stringify(command)}\n`)
      const { value, done } = await lines.next()
      assert.ok(!done, 'the client is alive')
      return JSON.parse(value) as T
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'close')
    },
  }
}

for (const database of databases)
  test(`Authlib signs in with PKCE, checks the ID token, refreshes, introspects and revokes (${database})`, {
    skip: without('authlib'),
  }, async () => {
    await using server = await startServer({ database })
    const { person, email } = await signedUp(server.origin)
    const app = await registerApp(person, {
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid email offline_access models:read',
    })
    await using client = pythonClient(
      server.origin,
      app.client_id,
      app.client_secret ?? '',
      callback,
    )
    const { url } = await client.ask<{ url: string }>('begin')
    const back = await authorize(person, url)
    const signedIn = await client.ask<{ sub: string; token: Token }>('finish', back.href)
    assert.equal(signedIn.token.expires_in, 600)
    assert.deepEqual(await client.ask('userinfo'), {
      sub: signedIn.sub,
      email,
      email_verified: true,
    })
    assert.deepEqual(await client.ask('models'), { status: 200 })

    const { token } = await client.ask<{ token: Token }>('refresh')
    assert.notEqual(token.refresh_token, signedIn.token.refresh_token)
    assert.deepEqual(await client.ask('models'), { status: 200 })
    const seen = await client.ask<{ active: boolean; client_id: string }>('introspect')
    assert.deepEqual([seen.active, seen.client_id], [true, app.client_id])

    assert.deepEqual(await client.ask('revoke'), { status: 200, body: {} })
    assert.equal((await client.ask<{ error: string }>('refresh')).error, 'invalid_grant')
    assert.deepEqual(await client.ask('models'), { status: 401 })
    assert.equal(
      (await client.ask<{ error: string }>('finish', back.href)).error,
      'invalid_grant',
      'a code works once',
    )
  })
