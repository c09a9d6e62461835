import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKey, eventually, hello, openai } from '../harness/journey.ts'
import { discover, registerApp, signIn } from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

type Exported = {
  account: { id: string }
  keys: { id: string }[]
  grants: { client_id: string; client_name: string; scopes: string[] }[]
  usage: { requests: number; output_tokens: number; cost_micros: number }[]
}

for (const database of databases)
  test(`what one takes along holds usage, keys and allowed apps, and no secret (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, accountId } = await signedUp(server.origin)
    const other = await signedUp(server.origin)
    const key = await createKey(person)
    const app = await registerApp(other.person, { name: 'Notebook' })
    const tokens = await signIn(await discover(server.origin, app), person)
    await openai(server, key.secret).chat.completions.create(hello)
    const exported = await eventually('the call in the export', 2_000, async () => {
      const found = await person.expect<Exported>(200, 'GET', '/api/account/export')
      return found.usage.length > 0 && found
    })
    assert.equal(exported.account.id, accountId)
    assert.deepEqual(
      exported.usage.map(({ requests }) => requests),
      [1],
    )
    assert.ok((exported.usage[0]?.output_tokens ?? 0) > 0)
    assert.deepEqual(
      exported.grants.map((grant) => [grant.client_id, grant.client_name]),
      [[app.client_id, 'Notebook']],
    )
    assert.deepEqual(
      exported.keys.map(({ id }) => id),
      [key.id],
    )
    const text = JSON.stringify(exported)
    for (const secret of [key.secret, tokens.access_token, tokens.refresh_token ?? '-'])
      assert.ok(!text.includes(secret))
    const others = await other.person.expect<Exported>(200, 'GET', '/api/account/export')
    assert.deepEqual([others.usage, others.grants, others.keys], [[], [], []])
  })
