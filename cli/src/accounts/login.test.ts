import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  beginLogin,
  commandLines,
  finishLogin,
  openTerminal,
  signedInTerminal,
} from '../../../test/harness/cli.ts'
import { eventually } from '../../../test/harness/journey.ts'
import { registerApp } from '../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../test/harness/person.ts'
import { startServer, type TestServer } from '../../../test/harness/server.ts'

let server: TestServer
before(async () => {
  server = await startServer()
})
after(() => server[Symbol.asyncDispose]())

type Who = { account: string; state: string; subject: string; client_id: string; scopes: string[] }
const grants = async (person: Awaited<ReturnType<typeof signedUp>>['person']) =>
  (await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/grants')).items

test('a person signs in by the browser, a script calls a model, and whoami says who it is', async () => {
  const { terminal, email, accountId } = await signedInTerminal(server.origin)
  await using _ = terminal
  const who = await terminal.json<Who>(0, ['whoami', '--verify'])
  assert.deepEqual([who.account, who.subject, who.state], [email, accountId, 'signed_in'])
  assert.ok(who.scopes.includes('chat:write') && !who.scopes.includes('keys:manage'))
  const { code, out, err } = await terminal.run(['token'])
  assert.equal(code, 0)
  assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/, 'the token and nothing else')
  assert.equal(err, '')
  const models = await fetch(`${server.origin}/v1/models`, {
    headers: { authorization: `Bearer ${out.trim()}` },
  })
  assert.equal(models.status, 200)
  assert.equal((await stat(terminal.dir)).mode & 0o777, 0o700)
  for (const name of await readdir(terminal.dir)) {
    const path = join(terminal.dir, name)
    assert.equal((await stat(path)).mode & 0o777, 0o600, name)
    assert.ok(!(await readFile(path, 'utf8')).includes(out.trim()), 'nothing lies there readable')
  }
})

test('without a browser a code is shown, and entering it elsewhere signs the terminal in', async () => {
  await using terminal = await openTerminal({ SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' })
  const running = terminal.start(['login', '--issuer', server.origin])
  await running.saw('/device', 'err')
  const [user_code] = /[B-Z]{4}-[B-Z]{4}/.exec(running.err()) ?? []
  const { person, email } = await signedUp(server.origin)
  await person.expect(200, 'POST', '/api/oauth/device/claim', { user_code })
  await person.expect(204, 'POST', '/api/oauth/device/decision', { user_code, decision: 'allow' })
  assert.equal((await running.ended).code, 0, running.err())
  assert.equal((await terminal.json<Who>(0, ['whoami'])).account, email)
})

test('who presses Deny is told so by exit code 5, and what was there stays', async () => {
  const { terminal, person } = await signedInTerminal(server.origin)
  await using _ = terminal
  const before = await terminal.json<{ access_token: string }>(0, ['token'])
  const login = await beginLogin(terminal, server.origin)
  const denied = await finishLogin(login, person, 'deny')
  assert.equal(denied.code, 5, denied.err)
  assert.match(denied.err, /refused the sign-in: access_denied/)
  const after = await terminal.json<{ access_token: string }>(0, ['token'])
  assert.equal(after.access_token, before.access_token)
})

test('a sign-in that nobody finishes ends in time, Ctrl-C ends it at once, kill -9 breaks nothing', async () => {
  const { terminal, person } = await signedInTerminal(server.origin)
  await using _ = terminal
  const { access_token: kept } = await terminal.json<{ access_token: string }>(0, ['token'])
  const late = await terminal.run([
    ...['login', '--browser', '--no-open', '--timeout', '1', '--json'],
    ...['--issuer', server.origin],
  ])
  assert.equal(late.code, 5)
  assert.equal((JSON.parse(late.out) as { error: { code: string } }).error.code, 'sign_in_timeout')
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGKILL', null],
  ] as const) {
    const { running } = await beginLogin(terminal, server.origin)
    running.signal(signal)
    assert.equal((await running.ended).code, code, running.err())
    const now = await terminal.json<{ access_token: string }>(0, ['token'])
    assert.equal(now.access_token, kept)
  }
  // Killed while the code is being redeemed, too: the old sign-in or the new one, never neither.
  for (let i = 0; i < 3; i++) {
    const login = await beginLogin(terminal, server.origin)
    const finished = finishLogin(login, person).catch(() => null)
    setTimeout(() => login.running.signal('SIGKILL'), i * 40)
    await finished
    await login.running.ended
    assert.equal((await terminal.run(['token'])).code, 0)
  }
  assert.equal((await finishLogin(await beginLogin(terminal, server.origin), person)).code, 0)
})

test('signing in again replaces the sign-in here and ends the old one at the provider', async () => {
  const { terminal, person } = await signedInTerminal(server.origin)
  await using _ = terminal
  const [first] = await grants(person)
  const { access_token: old } = await terminal.json<{ access_token: string }>(0, ['token'])
  assert.equal((await finishLogin(await beginLogin(terminal, server.origin), person)).code, 0)
  const left = await grants(person)
  assert.equal(left.length, 1)
  assert.notEqual(left[0]?.id, first?.id)
  const { accounts } = await terminal.json<{ accounts: unknown[] }>(0, ['accounts'])
  assert.equal(accounts.length, 1)
  const { access_token: fresh } = await terminal.json<{ access_token: string }>(0, ['token'])
  const status = async (token: string) =>
    (await fetch(`${server.origin}/v1/models`, { headers: { authorization: `Bearer ${token}` } }))
      .status
  assert.equal(await status(fresh), 200)
  await eventually('the old token ends', 3_000, async () => (await status(old)) === 401)
})

test('several people and names live side by side, and use says who is meant', async () => {
  const { terminal, email } = await signedInTerminal(server.origin)
  await using _ = terminal
  const second = await signedUp(server.origin)
  const work = await beginLogin(terminal, server.origin, ['--account', 'work'])
  assert.equal((await finishLogin(work, second.person)).code, 0)
  const current = async () => (await terminal.json<Who>(0, ['whoami'])).account
  assert.equal(await current(), 'work')
  assert.equal((await terminal.run(['use', email])).code, 0)
  assert.equal(await current(), email)
  assert.equal((await terminal.json<Who>(0, ['whoami', '--profile', 'work'])).account, 'work')
  const env = { LATCHKEY_ACCOUNT: 'work' }
  assert.equal((await terminal.json<Who>(0, ['whoami'], env)).subject, second.accountId)
  assert.equal(
    (await terminal.json<{ accounts: Who[] }>(0, ['whoami', '--all'])).accounts.length,
    2,
  )
  assert.equal((await terminal.run(['use', 'nobody'])).code, 3)
  assert.deepEqual((await terminal.run(['accounts', '--names'])).out.split('\n').sort(), [
    '',
    email,
    'work',
  ])
})

test('an app signs in by its own credentials, which come by stdin or environment, never by argument', async () => {
  await using terminal = await openTerminal()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, {
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: 'models:read',
  })
  const secret = app.client_secret ?? ''
  const login = ['login', '--client-credentials', '--issuer', server.origin]
  const named = [...login, '--client-id', app.client_id]
  assert.equal((await terminal.run([...named, `--client-secret=${secret}`])).code, 2)
  const shown = await terminal.run([...named, '--client-secret', secret])
  assert.ok(!(shown.out + shown.err).includes(secret))
  assert.equal((await terminal.run(named)).code, 2, 'no secret, no sign-in')
  const wrong = await terminal.run([...named, '--secret-stdin'], {}, 'sk-lk-client_wrong\n')
  assert.equal(wrong.code, 5, wrong.err)

  const running = terminal.start([...named, '--secret-stdin'], {}, `${secret}\n`)
  const seen: string[] = []
  while (
    !(await Promise.race([running.ended, commandLines().then((text) => void seen.push(text))]))
  ) {}
  assert.equal((await running.ended).code, 0, running.err())
  assert.ok(seen.length > 0 && !seen.join('').includes(secret))
  assert.match((await terminal.run(['token'])).out, /^ey/)
  for (const name of await readdir(terminal.dir))
    assert.ok(!(await readFile(join(terminal.dir, name), 'utf8')).includes(secret), name)

  // From the environment it is not kept: it has to be there each time, and no sign-in is needed.
  await using ci = await openTerminal()
  const env = {
    LATCHKEY_ISSUER: server.origin,
    LATCHKEY_CLIENT_ID: app.client_id,
    LATCHKEY_CLIENT_SECRET: secret,
  }
  assert.match((await ci.run(['token'], env)).out, /^ey/)
  const program = 'console.log(process.env.OPENAI_BASE_URL, process.env.LATCHKEY_CLIENT_SECRET)'
  const ran = await ci.run(['exec', '--', process.execPath, '-e', program], env)
  assert.match(ran.out, /^http:\/\/127\.0\.0\.1:\d+\/v1 undefined\n$/, ran.err)
  assert.equal((await ci.run(['token'])).code, 3)
  const doctor = await ci.run(['doctor', '--client'], env)
  assert.equal(doctor.code, 0, doctor.out)
  assert.match(doctor.out, new RegExp(`^ok {3}account ${app.client_id}: signed in`, 'm'))
})

test('logout ends the grant at the provider, and says when the provider could not be reached', async () => {
  const { terminal, person, email } = await signedInTerminal(server.origin)
  await using _ = terminal
  assert.equal((await grants(person)).length, 1)
  const { signed_out } = await terminal.json<{ signed_out: unknown[] }>(0, ['logout'])
  assert.deepEqual(signed_out, [
    { account: email, issuer: server.origin, at_provider: 'ended', detail: null },
  ])
  assert.deepEqual(await grants(person), [])
  assert.equal((await terminal.run(['token'])).code, 3)
  assert.equal((await terminal.run(['logout'])).code, 3)

  await finishLogin(await beginLogin(terminal, server.origin), person)
  const away = await terminal.run(['logout'], { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '' })
  assert.equal(away.code, 0, 'loopback never goes through a proxy')

  const other = await startServer()
  const gone = await signedInTerminal(other.origin)
  await using __ = gone.terminal
  await other[Symbol.asyncDispose]()
  const offline = await gone.terminal.run(['logout'])
  assert.equal(offline.code, 4)
  assert.match(offline.out, /could not be reached \(ECONNREFUSED\)/)
  assert.equal((await gone.terminal.run(['whoami'])).code, 3, 'forgotten here all the same')
})

test('logout --all ends every account and takes the registration back', async () => {
  const { terminal } = await signedInTerminal(server.origin)
  await using _ = terminal
  const second = await signedUp(server.origin)
  await finishLogin(await beginLogin(terminal, server.origin), second.person)
  const { client_id } = await terminal.json<Who>(0, ['whoami'])
  const { signed_out } = await terminal.json<{ signed_out: unknown[] }>(0, ['logout', '--all'])
  assert.equal(signed_out.length, 2)
  assert.deepEqual(await grants(second.person), [])
  const known = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id }),
  })
  assert.equal(((await known.json()) as { error: string }).error, 'invalid_client')
  assert.deepEqual(
    (await readdir(terminal.dir)).filter((name) => name.endsWith('.credential')),
    [],
  )
})

test('a registration that lapsed is a sign-in to do, and the next login registers anew', async () => {
  const own = await startServer()
  await using _ = own
  const { terminal, person } = await signedInTerminal(own.origin)
  await using __ = terminal
  const { client_id } = await terminal.json<Who>(0, ['whoami'])
  own.clock.advance(31 * 86_400_000)
  const { person: again } = await signedUp(own.origin)
  const ran = await finishLogin(await beginLogin(terminal, own.origin), again)
  assert.equal(ran.code, 0, ran.err)
  assert.notEqual((await terminal.json<Who>(0, ['whoami'])).client_id, client_id)
  assert.ok(person)
})

test('a port that is taken is told, with the way around it', async () => {
  await using terminal = await openTerminal()
  const { port } = new URL(server.origin)
  const args = ['login', '--issuer', server.origin, '--browser', '--no-open', '--port', port]
  const { error } = await terminal.json<{ error: { code: string; message: string } }>(2, args)
  assert.equal(error.code, 'usage')
  assert.ok(error.message.includes(port))
})

test('a provider that is away is exit code 4, something else that answers is 5', async () => {
  await using terminal = await openTerminal()
  const gone = await terminal.json<{ error: { code: string; exit_code: number } }>(4, [
    ...['login', '--issuer', 'http://127.0.0.1:1'],
  ])
  assert.equal(gone.error.code, 'provider_unavailable')
  const portal = createServer((_, response) => response.end('<h1>Welcome to the hotel</h1>'))
  await new Promise<void>((resolve) => portal.listen(0, '127.0.0.1', resolve))
  const { port } = portal.address() as AddressInfo
  const wrong = await terminal.run(['login', '--issuer', `127.0.0.1:${port}`])
  portal.close()
  assert.equal(wrong.code, 5, wrong.err)
  assert.match(wrong.err, /no usable metadata/)
  assert.equal((await terminal.run(['login', '--issuer', 'ftp://x'])).code, 2)
  assert.equal((await terminal.run(['login', '--issuer', 'http://id.example.org'])).code, 5)
})
