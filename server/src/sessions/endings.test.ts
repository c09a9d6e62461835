import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discover, registerApp, signIn } from '../../../test/harness/oauth-browser.ts'
import { mailTo, Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'
import { day } from '../platform/clock/clock.ts'

const newPassword = 'velvet compass thunder 42'

/** A person with a laptop, and a stranger who knows the password; both have allowed an app. */
async function intruded(server: TestServer) {
  const { person: owner, email, password, accountId } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(owner))
  const stranger = new Person(server.origin)
  await stranger.expect(201, 'POST', '/api/sessions', { email, password })
  const { link = '' } = await mailTo(server.origin, email, 'new_device')
  const tokens = { owner: await signIn(config, owner), stranger: await signIn(config, stranger) }
  const verdict = async (whose: 'owner' | 'stranger') => {
    const judged = await server.oauth.verifier.verify(tokens[whose].access_token)
    return judged.ok ? 'good' : judged.reason
  }
  const artifacts = async () => {
    type Row = { model: string; account_id: string; payload: string }
    const { query } = server.platform.database.tables<{ oauth_artifacts: Row }>()
    const rows = query.selectFrom('oauth_artifacts').selectAll()
    return await rows.where('account_id', '=', accountId).execute()
  }
  const token = new URL(link).hash.slice(1)
  return { owner, stranger, email, password, token, link, verdict, artifacts }
}

const reasonTold = async (person: Person) =>
  (await person.expect<{ signed_out_reason: string | null }>(200, 'GET', '/api/console'))
    .signed_out_reason

for (const database of databases) {
  test(`${database}: “this wasn’t me” ends that device and the password, and nothing else`, async () => {
    await using server = await startServer({ database })
    const { owner, stranger, email, password, token, link, verdict } = await intruded(server)
    const url = new URL(link)
    assert.equal(url.origin + url.pathname, `${server.origin}/devices/not-me`)
    const page = await new Person(server.origin).get(url.pathname, { accept: 'text/html' })
    assert.equal(page.status, 200)
    await stranger.expect(200, 'GET', '/api/account') // looking changes nothing

    const anybody = new Person(server.origin)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => anybody.post('/api/devices/not-me', { token })),
    )
    assert.equal(answers.filter(({ status }) => status === 204).length, 1)
    assert.equal(answers.filter(({ status }) => status === 400).length, 19)
    await stranger.expect(401, 'GET', '/api/account')
    assert.equal(await reasonTold(stranger), 'not_me')
    assert.equal(await verdict('stranger'), 'revoked')
    assert.equal(await verdict('owner'), 'good')
    await owner.expect(200, 'GET', '/api/account')

    await stranger.expect(401, 'POST', '/api/sessions', { email, password })
    await owner.expect(401, 'POST', '/api/sessions', { email, password })
    const { code } = await mailTo(server.origin, email, 'reset_password')
    await anybody.expect(204, 'POST', '/api/password/reset', { email, code, password: newPassword })
    await owner.expect(201, 'POST', '/api/sessions', { email, password: newPassword })
  })

  test(`${database}: the link of the mail works for seven days`, async () => {
    await using server = await startServer({ database })
    const { stranger, token } = await intruded(server)
    await stranger.expect(400, 'POST', '/api/devices/not-me', { token: 'x'.repeat(43) })
    server.clock.advance(7 * day)
    await stranger.expect(400, 'POST', '/api/devices/not-me', { token })
    await stranger.expect(200, 'GET', '/api/account')
  })

  test(`${database}: revoke-all ends sessions, apps and tokens, and leaves nothing that opens anything`, async () => {
    await using server = await startServer({ database })
    const { owner, stranger, email, password, verdict, artifacts } = await intruded(server)
    const other = await intruded(server)
    assert.ok((await artifacts()).length > 0)
    await owner.expect(204, 'POST', '/api/account/revoke-all', {})
    for (const person of [owner, stranger]) await person.expect(401, 'GET', '/api/account')
    assert.equal(await reasonTold(stranger), 'revoked_all')
    assert.deepEqual([await verdict('owner'), await verdict('stranger')], ['revoked', 'revoked'])
    // The names of refresh tokens are left, so that their apps can be told why.
    for (const { model, payload } of await artifacts())
      assert.deepEqual([model, payload], ['RefreshToken', ''])
    await owner.expect(201, 'POST', '/api/sessions', { email, password })
    assert.equal(await other.verdict('owner'), 'good')
    assert.ok((await other.artifacts()).some(({ payload }) => payload !== ''))
  })

  test(`${database}: revoke-all keeps the session that asked only where it says so`, async () => {
    await using server = await startServer({ database })
    const { owner, stranger, verdict } = await intruded(server)
    await owner.expect(204, 'POST', '/api/account/revoke-all', { keep_current: true })
    await owner.expect(200, 'GET', '/api/account')
    await stranger.expect(401, 'GET', '/api/account')
    assert.deepEqual([await verdict('owner'), await verdict('stranger')], ['revoked', 'revoked'])
  })
}
