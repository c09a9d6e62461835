import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  alterCredential,
  older,
  openTerminal,
  signedInTerminal,
} from '../../../test/harness/cli.ts'
import { operatorOf } from '../../../test/harness/journey.ts'
import { startServer, type TestServer } from '../../../test/harness/server.ts'

let server: TestServer
before(async () => {
  server = await startServer()
})
after(() => server[Symbol.asyncDispose]())

const minute = 60_000

/** Somebody signed in whose stored tokens are so old. */
async function signedInSince(ageMs: number) {
  const signedIn = await signedInTerminal(server.origin)
  const { terminal, email } = signedIn
  const { client_id } = await terminal.json<{ client_id: string }>(0, ['whoami'])
  const binding = { issuer: server.origin, clientId: client_id, account: email }
  const before = await alterCredential(terminal, binding, older(ageMs))
  return { ...signedIn, binding, before: before.tokens.accessToken.reveal() }
}
const tokenRequests = () =>
  server.logLines.filter((line) => line.includes('"route":"/oauth/token"')).length

test('eight processes that ask at once for an expired token make one refresh', async () => {
  const { terminal, binding, before } = await signedInSince(11 * minute)
  await using _ = terminal
  const requests = tokenRequests()
  const ran = await Promise.all(Array.from({ length: 8 }, () => terminal.run(['token'])))
  assert.deepEqual([...new Set(ran.map(({ code }) => code))], [0])
  const tokens = new Set(ran.map(({ out }) => out.trim()))
  assert.equal(tokens.size, 1)
  assert.ok(!tokens.has(before))
  assert.equal(tokenRequests() - requests, 1)
  assert.equal((await alterCredential(terminal, binding)).generation, 2)
})

test('a token that would end soon is renewed first, a fresh one costs no request', async () => {
  const { terminal, before } = await signedInSince(6 * minute)
  await using _ = terminal
  const short = await terminal.run(['token', '--min-life', '60'])
  assert.equal(short.out.trim(), before, 'four minutes are enough for who says so')
  const answer = await terminal.json<{
    access_token: string
    expires_in: number
    expires_at: string
    token_type: string
    issuer: string
  }>(0, ['token'])
  assert.notEqual(answer.access_token, before)
  assert.ok(answer.expires_in > 500 && answer.expires_in <= 600)
  assert.ok(Date.parse(answer.expires_at) > Date.now())
  assert.deepEqual([answer.token_type, answer.issuer], ['Bearer', server.origin])
  const requests = tokenRequests()
  assert.equal((await terminal.run(['token'])).out.trim(), answer.access_token)
  assert.equal(tokenRequests(), requests)
  assert.equal((await terminal.run(['token', '--min-life', 'soon'])).code, 2)
})

test('with the provider away the living token serves, and after it exit code 4 says so', async () => {
  const own = await startServer()
  const { terminal, email } = await signedInTerminal(own.origin)
  await using _ = terminal
  const { client_id } = await terminal.json<{ client_id: string }>(0, ['whoami'])
  const binding = { issuer: own.origin, clientId: client_id, account: email }
  await own[Symbol.asyncDispose]()
  const old = await alterCredential(terminal, binding, older(8 * minute))
  const ran = await terminal.run(['token'])
  assert.equal(ran.out.trim(), old.tokens.accessToken.reveal(), ran.err)
  await alterCredential(terminal, binding, older(3 * minute))
  const { error } = await terminal.json<{ error: Record<string, unknown> }>(4, ['token'])
  assert.equal(error.code, 'provider_unavailable')
  assert.equal(error.exit_code, 4)
  assert.equal(error.help, `${own.origin}/help/provider-unavailable`)
  assert.equal((await terminal.run(['whoami'])).code, 0, 'nothing is lost')
})

test('a sign-in that was ended at the provider is exit code 3 with the command to run', async () => {
  const { terminal, person, email, binding } = await signedInSince(11 * minute)
  await using _ = terminal
  const { items } = await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/grants')
  for (const { id } of items) await person.expect(204, 'DELETE', `/api/grants/${id}`)
  const ran = await terminal.run(['token'])
  assert.equal(ran.code, 3)
  assert.equal(ran.out, '')
  assert.match(ran.err, /took back what this app was allowed/)
  assert.ok(ran.err.includes(`latchkey login --issuer ${server.origin} --account ${email}`))
  assert.ok(ran.err.includes(`${server.origin}/help/sign-in-required`))
  const zh = await terminal.run(['token'], { LC_ALL: 'zh_CN.UTF-8' })
  assert.match(zh.err, /已收回对本应用的授权/)
  type Ended = { reason: string; revoked_because: string }
  const { error } = await terminal.json<{ error: Ended }>(3, ['token'])
  const who = await terminal.json<{ state: string; ended: Ended }>(3, ['whoami'])
  for (const { reason, revoked_because } of [error, who.ended])
    assert.deepEqual([reason, revoked_because], ['revoked', 'access_removed'])
  assert.equal(who.state, 'ended')
  const doctor = await terminal.run(['doctor', '--client'])
  assert.equal(doctor.code, 1)
  assert.match(doctor.out, /fail account .* took back what this app was allowed \(20.* UTC\)\./)
  assert.match(doctor.out, /Seen by process \d+@/)
  const next = /→ Sign in again and allow it, if the app is still wanted\. Run: latchkey login .*$/
  assert.match(doctor.out.trimEnd(), next)
  assert.ok((await alterCredential(terminal, binding)).dead)
})

test('a suspended account is exit code 5, and the sign-in is kept', async () => {
  const own = await startServer()
  await using _ = own
  const { terminal, email, accountId } = await signedInTerminal(own.origin)
  await using __ = terminal
  const { client_id } = await terminal.json<{ client_id: string }>(0, ['whoami'])
  const operator = await operatorOf(own)
  await operator.expect(201, 'POST', `/api/operator/accounts/${accountId}/decisions`, {
    kind: 'suspend',
    reason: 'shared_key',
    text: 'Used from eleven networks at once.',
  })
  await alterCredential(
    terminal,
    { issuer: own.origin, clientId: client_id, account: email },
    older(11 * minute),
  )
  const { error } = await terminal.json<{ error: { code: string } }>(5, ['token'])
  assert.equal(error.code, 'account_suspended')
  assert.equal((await terminal.run(['whoami'])).code, 0)
})

test('a folder that cannot be used is exit code 6, and a damaged one says how to get out', async () => {
  const { terminal, email } = await signedInTerminal(server.origin)
  await using _ = terminal
  await writeFile(join(terminal.dir, 'accounts.json'), '{"v":1,')
  const { error } = await terminal.json<{ error: { code: string; next: string } }>(6, ['token'])
  assert.equal(error.code, 'accounts_damaged')
  assert.match(error.next, /latchkey login/)
  assert.equal((await terminal.run(['doctor', '--client', '--offline'])).code, 1)

  await using other = await openTerminal()
  await writeFile(other.dir, 'a file where the folder should be')
  assert.equal((await other.run(['login', '--issuer', server.origin])).code, 6)
  assert.ok(email)
  await using third = await openTerminal()
  await mkdir(third.dir)
  await chmod(third.dir, 0o777)
  const open = await third.run(['doctor', '--client', '--offline'])
  assert.match(open.out, /fail folder: others may look into/)
})
