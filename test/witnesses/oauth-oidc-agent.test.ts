import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { without } from '../harness/debian.ts'
import { eventually } from '../harness/journey.ts'
import { authorize, registerApp } from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { freePort, startServer } from '../harness/server.ts'

const run = promisify(execFile)

/** A home in which oidc-agent keeps its accounts, encrypted, and the agent that serves them. */
async function agentHome() {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-oidc-agent-'))
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: folder,
    TMPDIR: folder,
    OIDC_CONFIG_DIR: folder,
    OIDC_SOCK: join(folder, 'agent.sock'),
    OIDC_ENCRYPTION_PW: 'only for this test',
  }
  const start = async () => {
    const child = spawn('/usr/bin/oidc-agent', ['-d', '-a', env.OIDC_SOCK, '--no-scheme'], {
      env,
      stdio: 'ignore',
    })
    await eventually('the agent', 5_000, async () => existsSync(env.OIDC_SOCK))
    return child
  }
  let agent = await start()
  const end = async () => {
    const closed = once(agent, 'close')
    agent.kill('SIGKILL')
    await closed
    await rm(env.OIDC_SOCK, { force: true })
  }
  return {
    env,
    async restart() {
      await end()
      agent = await start()
    },
    async token(...args: string[]): Promise<string> {
      return (await run('/usr/bin/oidc-token', [...args, 'latchkey'], { env })).stdout.trim()
    },
    async [Symbol.asyncDispose]() {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

test('oidc-agent gets an account by code, hands out fresh tokens, survives a restart, and revokes it', {
  skip: without('oidcAgent'),
}, async () => {
  await using server = await startServer()
  await using home = await agentHome()
  const { person } = await signedUp(server.origin)
  const redirectUri = `http://localhost:${await freePort()}`
  const app = await registerApp(person, {
    redirect_uris: [redirectUri],
    application_type: 'native',
    token_endpoint_auth_method: 'client_secret_basic',
    scope: 'openid offline_access models:read',
  })
  const generating = spawn(
    '/usr/bin/oidc-gen',
    [
      'latchkey',
      `--iss=${server.origin}`,
      `--client-id=${app.client_id}`,
      `--client-secret=${app.client_secret}`,
      `--redirect-uri=${redirectUri}`,
      '--scope=openid offline_access models:read',
      '--flow=code',
      '--no-url-call',
      '--no-scheme',
      '--confirm-default',
      '--prompt=none',
      '--pw-env',
    ],
    { env: home.env, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  generating.stdout.on('data', (data) => (said += data))
  generating.stderr.on('data', (data) => (said += data))
  const generated = once(generating, 'close')
  const url = await eventually(
    'the link',
    10_000,
    async () => /http:\/\/localhost:\d+\/oauth\/authorize\S+/.exec(said)?.[0] ?? false,
  )
  const back = await authorize(person, String(url))
  assert.match(await (await fetch(back)).text(), /Successfully performed code exchange/)
  assert.deepEqual(await generated, [0, null], said)

  const works = async (token: string) =>
    (
      await fetch(`${server.origin}/v1/models`, {
        headers: { authorization: `Bearer ${token}` },
      })
    ).status
  const first = await home.token()
  assert.equal(await works(first), 200)
  assert.equal(await home.token(), first, 'kept while it lives')
  const fresh = await Promise.all(Array.from({ length: 4 }, () => home.token('--force-new')))
  for (const token of fresh) assert.equal(await works(token), 200)
  assert.equal(new Set([first, ...fresh]).size, 5)

  await home.restart()
  await run('/usr/bin/oidc-add', ['--pw-env', 'latchkey'], { env: home.env })
  const afterwards = await home.token()
  assert.equal(await works(afterwards), 200)

  await run('/usr/bin/oidc-gen', ['--delete', '--confirm-yes', '--pw-env', 'latchkey'], {
    env: home.env,
  })
  assert.equal(await works(afterwards), 401, 'its grant has ended')
})
