import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'
import { hour } from '../platform/clock/clock.ts'

const password = 'quiet harbour lantern 42'
const tokenOf = (link: string | null) => link?.split('#')[1] ?? ''
type Account = { id: string; role: string | null; email_verified: boolean }

const claim = (server: TestServer, token: string, email: string, secret = password) =>
  new Person(server.origin).post<Account & { code: string }>('/api/operator/claim', {
    token,
    name: 'Olga',
    email,
    password: secret,
  })

for (const database of databases) {
  test(`${database}: of racing claims of the first link one becomes the operator`, async () => {
    await using server = await startServer({ database })
    assert.match(server.welcome.operatorLink ?? '', /\/operator\/claim#[\w-]{43}$/)
    const token = tokenOf(server.welcome.operatorLink)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => claim(server, token, `op${i}@example.com`)),
    )
    const won = answers.filter((answer) => answer.status === 201)
    assert.equal(won.length, 1)
    assert.equal(won[0]?.body.role, 'operator')
    assert.equal(won[0]?.body.email_verified, true)
    for (const answer of answers)
      if (answer.status !== 201) assert.equal(answer.body.code, 'operator_link_invalid')
  })

  test(`${database}: a link is bound to its address and role, lives a day, and a newer one ends it`, async () => {
    await using server = await startServer({ database })
    const mint = async () => {
      const minted = await server.mintOperatorLink({ email: 'Rev@Example.com', role: 'reviewer' })
      assert.ok(minted.ok)
      return tokenOf(minted.link)
    }
    const older = await mint()
    const token = await mint()
    assert.equal((await claim(server, older, 'rev@example.com')).status, 403)
    assert.equal((await claim(server, token, 'else@example.com')).status, 403)
    assert.equal((await claim(server, token, 'rev@example.com', 'short')).status, 400)
    const made = await claim(server, token, 'rev@example.com')
    assert.equal(made.body.role, 'reviewer')
    assert.equal((await claim(server, token, 'rev@example.com')).status, 403)
    const late = await mint()
    server.clock.advance(25 * hour)
    assert.equal((await claim(server, late, 'rev@example.com')).status, 403)
  })

  test(`${database}: an existing account becomes operator only with its own password`, async () => {
    await using server = await startServer({ database })
    const { email, accountId } = await signedUp(server.origin)
    const token = tokenOf(server.welcome.operatorLink)
    const stranger = await claim(server, token, email, 'some other password 9')
    assert.equal(stranger.status, 409)
    const actor = { kind: 'system', name: 'Test' } as const
    const change = { accountId, actor, reason: 'test', evidence: {} }
    for (const to of ['suspended', 'closed'] as const) {
      await server.accounts.changeStanding({ ...change, to })
      assert.equal((await claim(server, token, email)).status, 409)
    }
    await server.accounts.changeStanding({ ...change, to: 'active' })
    const owner = await claim(server, token, email)
    assert.equal(owner.body.id, accountId)
    assert.equal(owner.body.role, 'operator')
  })

  test(`${database}: an unattended start makes the operator; the only one can neither leave nor be demoted`, async () => {
    await using server = await startServer({
      database,
      env: {
        LATCHKEY_OPERATOR_EMAIL: 'root@example.com',
        LATCHKEY_OPERATOR_PASSWORD: password,
      },
    })
    assert.equal(server.welcome.operatorLink, null)
    const person = new Person(server.origin)
    const account = await person.expect<Account>(201, 'POST', '/api/sessions', {
      email: 'root@example.com',
      password,
    })
    assert.equal(account.role, 'operator')
    const problem = await person.expect<{ code: string }>(409, 'DELETE', '/api/account', {
      password,
    })
    assert.equal(problem.code, 'last_operator')
  })
}
