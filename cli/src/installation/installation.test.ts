import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../../../test/harness/process.ts'
import { startServer } from '../../../test/harness/server.ts'

const bin = fileURLToPath(import.meta.resolve('../../bin/latchkey.mjs'))
let scratch: string
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'latchkey-cli-'))
})
after(() => rm(scratch, { recursive: true, force: true }))

async function latchkey(args: string[], env: Record<string, string> = {}) {
  const running = startProcess(bin, args, {
    LATCHKEY_DATA_DIR: join(scratch, 'data'),
    LATCHKEY_CLI_DIR: join(scratch, 'cli'),
    ...env,
  })
  const { code } = await running.ended
  return { code, out: running.out(), err: running.err() }
}

test('help, version and wrong usage say so by their exit code', async () => {
  const help = await latchkey(['--help'])
  assert.equal(help.code, 0)
  for (const name of ['serve', 'migrate', 'doctor', 'operator create', 'audit verify'])
    assert.match(help.out, new RegExp(`^ {2}${name} `, 'm'))
  assert.match((await latchkey(['--version'])).out, /^\d+\.\d+\.\d+\n$/)
  assert.equal((await latchkey(['frobnicate'])).code, 2)
  assert.equal((await latchkey(['doctor', '--colour'])).code, 2)
  assert.equal((await latchkey(['operator', 'create'])).code, 2)
  assert.equal(
    (await latchkey(['operator', 'create', '--email', 'a@b.c', '--role', 'king'])).code,
    2,
  )
})

test('a fresh folder is migrated once, and doctor finds what others could read', async () => {
  const early = await latchkey(['audit', 'verify'])
  assert.equal(early.code, 1)
  assert.match(early.err, /latchkey migrate/)
  assert.equal((await latchkey(['migrate', '--status'])).code, 3)
  const migrated = JSON.parse((await latchkey(['migrate', '--json'])).out) as { applied: string[] }
  assert.ok(migrated.applied.length > 0)
  assert.deepEqual(JSON.parse((await latchkey(['migrate', '--json'])).out), { applied: [] })
  assert.equal((await latchkey(['migrate', '--status'])).code, 0)

  const made = await latchkey(['operator', 'create', '--email', 'op@example.com', '--json'])
  assert.equal(made.code, 0, made.err)
  assert.match((JSON.parse(made.out) as { link: string }).link, /\/operator\/claim#\S{20,}$/)

  const healthy = await latchkey(['doctor'])
  assert.equal(healthy.code, 0, healthy.out)
  assert.match(healthy.out, /^ok {3}root key: .*0600$/m)
  assert.match(healthy.out, /^ok {3}migrations:/m)
  await chmod(join(scratch, 'data', 'root.key'), 0o644)
  const open = await latchkey(['doctor', '--json'])
  assert.equal(open.code, 1)
  const findings = JSON.parse(open.out) as { part: string; result: string; what: string }[]
  const rootKey = findings.find(({ part }) => part === 'root key')
  assert.equal(rootKey?.result, 'fail')
  assert.match(rootKey?.what ?? '', /chmod 600/)
})

test('doctor names what cannot be reached, without the password', async () => {
  const { code, out } = await latchkey(['doctor'], {
    LATCHKEY_DATABASE_URL: 'postgres://me:hidden@127.0.0.1:1/x',
    LATCHKEY_REDIS_URL: 'redis://:hidden@127.0.0.1:1',
    LATCHKEY_UPSTREAMS: JSON.stringify([
      { name: 'gone', base_url: 'http://127.0.0.1:1/v1', models: ['m'] },
    ]),
  })
  assert.equal(code, 1)
  for (const part of ['database', 'redis', 'model server gone'])
    assert.match(out, new RegExp(`^fail ${part}:`, 'm'))
  assert.ok(!out.includes('hidden'))
  const wrong = await latchkey(['doctor'], { LATCHKEY_PORT: 'many' })
  assert.equal(wrong.code, 1)
  assert.match(wrong.out, /^fail configuration: LATCHKEY_PORT/m)
})

test('doctor asks each server of LATCHKEY_RESOURCES whether it says the same of itself', async () => {
  const origin = 'http://localhost:1'
  const said = (url: string, more: object = {}) => ({
    resource: url,
    authorization_servers: [origin],
    scopes_supported: ['read'],
    ...more,
  })
  const answers: Record<string, (url: string) => object> = {
    good: (url) => said(url),
    renamed: () => said('https://another.example/'),
    elsewhere: (url) => said(url, { authorization_servers: ['https://another.example'] }),
    wider: (url) => said(url, { scopes_supported: ['read', 'write'] }),
    strange: () => [],
  }
  const http = createServer((request, response) => {
    const path = request.url?.replace('/.well-known/oauth-protected-resource', '') ?? ''
    const answer = answers[path.slice(1)]?.(`http://${request.headers.host}${path}`)
    response.writeHead(answer ? 200 : 404).end(answer ? JSON.stringify(answer) : '')
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = http.address() as AddressInfo
    const entry = (name: string, at = port) => ({
      resource: `http://127.0.0.1:${at}/${name}`,
      name,
      scopes: { read: 'Read' },
    })
    const names = [...Object.keys(answers), 'silent']
    const { code, out } = await latchkey(['doctor'], {
      LATCHKEY_ORIGIN: origin,
      LATCHKEY_RESOURCES: JSON.stringify([...names.map((name) => entry(name)), entry('away', 1)]),
    })
    assert.equal(code, 1)
    for (const [name, line] of Object.entries({
      good: /^ok {3}resource good: names us$/m,
      renamed: /^fail resource renamed: calls itself https:\/\/another\.example/m,
      elsewhere: /^fail resource elsewhere: does not name http:\/\/localhost:1 /m,
      wider: /^fail resource wider: asks for scopes that are not listed: write$/m,
      strange: /^fail resource strange: .* is no RFC 9728 metadata$/m,
      silent: /^warn resource silent: .* answers 404/m,
      away: /^fail resource away: .*is it running/m,
    }))
      assert.match(out, line, name)
  } finally {
    http.close()
  }
})

test('beside a running server links are made and the log is verified, but nothing is migrated', async () => {
  await using server = await startServer()
  const env = {
    LATCHKEY_DATA_DIR: server.platform.config.dataDir,
    LATCHKEY_ORIGIN: server.origin,
  }
  const made = await latchkey(['operator', 'create', '--email', 'new@example.com', '--json'], env)
  const token = (JSON.parse(made.out) as { link: string }).link.split('#')[1]
  const claimed = await fetch(`${server.origin}/api/operator/claim`, {
    method: 'POST',
    headers: { origin: server.origin, 'content-type': 'application/json' },
    body: JSON.stringify({
      token,
      name: 'New Operator',
      email: 'new@example.com',
      password: 'quiet harbour lantern 42',
    }),
  })
  assert.equal(claimed.status, 201)
  const verified = await latchkey(['audit', 'verify', '--json'], env)
  assert.equal((JSON.parse(verified.out) as { ok: boolean }).ok, true)
  const migrated = await latchkey(['migrate'], env)
  assert.equal(migrated.code, 1)
  assert.match(migrated.err, /in use by another Latchkey/)
})
