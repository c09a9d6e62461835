import assert from 'node:assert/strict'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  alterCredential,
  openTerminal,
  signedInTerminal,
  type Terminal,
} from '../../../test/harness/cli.ts'
import { startServer } from '../../../test/harness/server.ts'
import { avoidsProxy } from './environment.ts'
import type { Finding } from './finding.ts'

const examine = async (
  terminal: Terminal,
  args: string[] = [],
  env: Record<string, string> = {},
) => {
  const ran = await terminal.run(['doctor', '--client', '--json', ...args], env)
  return { code: ran.code, findings: JSON.parse(ran.out) as Finding[], text: ran.out }
}
const find = (findings: Finding[], part: string, result: Finding['result']) =>
  findings.find((one) => one.part === part && one.result === result)

/** A provider made of what `answer` says about `/.well-known/openid-configuration`. */
async function pretender(
  answer: (issuer: string) => { headers?: Record<string, string>; body: unknown },
) {
  const server: Server = createServer((_, response) => {
    const { headers, body } = answer(issuer)
    response.writeHead(200, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    issuer,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('a healthy sign-in is all ok, and says where the key is', async () => {
  await using server = await startServer()
  const { terminal, email } = await signedInTerminal(server.origin)
  await using _ = terminal
  const { code, findings } = await examine(terminal)
  assert.equal(code, 0)
  assert.deepEqual([...new Set(findings.map(({ result }) => result))], ['ok'])
  for (const part of ['folder', `account ${email}`, 'proxy', 'provider', 'clock', 'client', 'API'])
    assert.ok(find(findings, part, 'ok'), part)
  assert.ok(findings.some(({ what }) => what.includes('local.key')))
  assert.ok(findings.every(({ side }) => side === 'client'))
  const both = await terminal.run(['doctor', '--json'], {
    LATCHKEY_DATA_DIR: join(terminal.dir, 'x'),
  })
  const sides = new Set((JSON.parse(both.out) as Finding[]).map(({ side }) => side))
  assert.deepEqual([...sides], ['client', 'server'])
})

test('what others could read is found before it is mended', async () => {
  await using server = await startServer()
  const { terminal } = await signedInTerminal(server.origin)
  await using _ = terminal
  const [file = ''] = (await readdir(terminal.dir)).filter((name) => name.endsWith('.credential'))
  await chmod(join(terminal.dir, file), 0o644)
  const { code, findings } = await examine(terminal, ['--offline'])
  assert.equal(code, 1)
  assert.match(find(findings, 'files', 'fail')?.what ?? '', new RegExp(file))
  assert.match(find(findings, 'files', 'fail')?.next ?? '', /chmod/)
})

test('offline it still tells what it knows, and with the provider away where the way ends', async () => {
  const server = await startServer()
  const { terminal, email } = await signedInTerminal(server.origin)
  await using _ = terminal
  await server[Symbol.asyncDispose]()
  const away = await examine(terminal)
  assert.equal(away.code, 1)
  assert.match(find(away.findings, 'provider', 'fail')?.what ?? '', /ECONNREFUSED/)
  assert.ok(find(away.findings, `account ${email}`, 'ok'))
  const offline = await examine(terminal, ['--offline'])
  assert.equal(offline.code, 0)
  assert.ok(!offline.findings.some(({ part }) => part === 'provider'))
})

test('another issuer, a wrong clock and something that is no provider are told apart', async () => {
  await using terminal = await openTerminal()
  await using other = await pretender(() => ({ body: { issuer: 'https://other.example' } }))
  const named = find(
    (await examine(terminal, ['--issuer', other.issuer])).findings,
    'provider',
    'fail',
  )
  assert.match(named?.what ?? '', /calls itself https:\/\/other\.example/)

  await using late = await pretender((issuer) => ({
    body: { issuer },
    headers: { date: new Date(Date.now() + 600_000).toUTCString() },
  }))
  const clock = find((await examine(terminal, ['--issuer', late.issuer])).findings, 'clock', 'fail')
  assert.match(clock?.what ?? '', /(599|600|601) s behind the provider/)
  assert.match(clock?.next ?? '', /NTP/)

  await using portal = await pretender(() => ({ body: 'Welcome to the hotel' }))
  const hotel = find(
    (await examine(terminal, ['--issuer', portal.issuer])).findings,
    'provider',
    'fail',
  )
  assert.match(hotel?.what ?? '', /not as a provider/)
  const plain = await examine(terminal, ['--issuer', 'http://id.example.org'])
  assert.match(find(plain.findings, 'TLS', 'fail')?.what ?? '', /plain http/)
})

test('proxies show without their password, and unsafe TLS settings are a failure', async () => {
  await using terminal = await openTerminal()
  const env = {
    HTTPS_PROXY: 'http://user:hidden@proxy.example:3128',
    NODE_EXTRA_CA_CERTS: '/nonexistent.pem',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
  }
  const at = ['--offline', '--issuer', 'https://id.example.org']
  const { code, findings, text } = await examine(terminal, at, env)
  assert.equal(code, 1)
  assert.match(find(findings, 'proxy', 'ok')?.what ?? '', /through proxy\.example:3128/)
  assert.ok(!text.includes('hidden'))
  assert.equal(findings.filter(({ part, result }) => part === 'TLS' && result === 'fail').length, 2)
  assert.ok(avoidsProxy('https://id.example.org', '.example.org'))
  assert.ok(avoidsProxy('https://id.example.org', 'a.b, id.example.org'))
  assert.ok(avoidsProxy('https://id.example.org:8443', '*'))
  assert.ok(!avoidsProxy('https://notexample.org', 'example.org'))
})

test('what is broken before any network is a finding, not the end of the doctor', async () => {
  await using terminal = await openTerminal()
  const issuer = ['--issuer', 'https://127.0.0.1:1'] // an address is no name for TLS
  const malformed = await examine(terminal, issuer, { https_proxy: 'user:hidden@proxy' })
  assert.equal(malformed.code, 1)
  assert.match(find(malformed.findings, 'proxy', 'fail')?.what ?? '', /HTTPS_PROXY/)
  assert.ok(!malformed.text.includes('hidden'))
  const { findings } = await examine(terminal, issuer)
  assert.ok(find(findings, 'provider', 'fail'))
  assert.match(find(findings, 'account', 'warn')?.next ?? '', /login --issuer https:/)
  const login = await terminal.json<{ error: { code: string; message: string } }>(
    2,
    ['login', ...issuer],
    { HTTPS_PROXY: 'nonsense' },
  )
  assert.match(login.error.message, /HTTPS_PROXY/)
  const file = join(terminal.dir, '..', 'file')
  await writeFile(file, '')
  const foreign = await examine(terminal, ['--offline'], { LATCHKEY_CLI_DIR: file })
  assert.match(find(foreign.findings, 'folder', 'fail')?.what ?? '', /not a folder/)
})

test('why the last sign-in ended stays readable after the next one, and nothing shown is a secret', async () => {
  await using server = await startServer()
  const { terminal, email } = await signedInTerminal(server.origin)
  await using _ = terminal
  const { client_id } = await terminal.json<{ client_id: string }>(0, ['whoami'])
  const binding = { issuer: server.origin, clientId: client_id, account: email }
  const at = Date.now() - 60_000
  const { tokens } = await alterCredential(terminal, binding, (credential) => ({
    ...credential,
    dead: { reason: 'reused', revokedBecause: null, help: null, at },
    journal: [
      ...credential.journal,
      { generation: 1, event: 'dead', at, by: '4711@desk', refreshHash: null, reason: 'reused' },
    ],
  }))
  const dead = await examine(terminal, ['--offline'])
  assert.equal(dead.code, 1)
  const why = dead.findings.find(({ what }) => what.includes('used twice'))
  assert.equal(why?.result, 'fail')
  assert.match(why?.what ?? '', /Seen by process 4711@desk/)
  assert.match(why?.next ?? '', /Stop whatever uses a copy/)
  for (const secret of [tokens.accessToken, tokens.refreshToken])
    assert.ok(secret && !dead.text.includes(secret.reveal()))

  await alterCredential(terminal, binding, (credential) => ({ ...credential, dead: null }))
  const healed = await examine(terminal, ['--offline'])
  assert.equal(healed.code, 0)
  assert.ok(healed.findings.some(({ what }) => /earlier sign-in ended: .*used twice/i.test(what)))
})
