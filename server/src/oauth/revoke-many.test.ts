import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { discover, registerApp, signIn } from '../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'

type GrantRow = Record<string, string | number | null>
type Tables = { oauth_grants: GrantRow; oauth_artifacts: GrantRow }
const grantCount = 2_000

/** As after years: grants on one device, each with its record, a used and an unused refresh token. */
async function grown(server: TestServer, accountId: string, deviceId: string, clientId: string) {
  const { database, clock } = server.platform
  const tables = database.tables<Tables>()
  const now = clock.now()
  for (let from = 0; from < grantCount; from += 200) {
    const ids = Array.from({ length: 200 }, (_, index) => `grant_${accountId}_${from + index}`)
    const grants = ids.map((id) => ({
      id,
      account_id: accountId,
      client_id: clientId,
      session_id: `sess_old_${id}`,
      device_id: deviceId,
      scopes: '["openid","models:read"]',
      resource: `${server.origin}/v1`,
      redirect_host: 'app.example',
      created_at: now,
      expires_at: now + 1e9,
    }))
    const artifact = (
      model: string,
      grant_id: string,
      nth: number,
      consumed_at: number | null,
    ) => ({
      model,
      id_digest: `${grant_id}-${nth}`,
      account_id: accountId,
      client_id: clientId,
      grant_id,
      payload: 'sealed'.repeat(100),
      created_at: now,
      expires_at: now + 1e9,
      consumed_at,
    })
    const artifacts = ids.flatMap((id) => [
      artifact('Grant', id, 0, null),
      artifact('RefreshToken', id, 1, now),
      artifact('RefreshToken', id, 2, null),
    ])
    await database.transaction(async () => {
      await tables.query.insertInto('oauth_grants').values(grants).execute()
      await tables.query.insertInto('oauth_artifacts').values(artifacts).execute()
    })
  }
}

for (const database of databases)
  for (const way of ['revoke-all', 'the end of its device'] as const)
    test(`${database}: ${way} with ${grantCount} grants and ${grantCount * 3} artifacts lets others work meanwhile`, async () => {
      await using server = await startServer({ database })
      const { person, accountId } = await signedUp(server.origin)
      const other = await signedUp(server.origin)
      const app = await registerApp(other.person)
      const config = await discover(server.origin, app)
      const kept = await signIn(config, other.person)
      const mine = await signIn(config, person)
      const { items } = await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/devices')
      await grown(server, accountId, items[0]?.id ?? '', app.client_id)

      const delay = monitorEventLoopDelay({ resolution: 5 })
      delay.enable()
      let over = false
      const began = performance.now()
      const ending = (
        way === 'revoke-all'
          ? person.expect(204, 'POST', '/api/account/revoke-all', {})
          : person.expect(204, 'DELETE', `/api/devices/${items[0]?.id}`)
      ).finally(() => {
        over = true
      })
      let [answered, longest] = [0, 0]
      while (!over) {
        const asked = performance.now()
        await other.person.expect(200, 'GET', '/api/account')
        longest = Math.max(longest, performance.now() - asked)
        answered++
      }
      await ending
      const total = performance.now() - began
      delay.disable()
      const held = delay.max / 1e6
      const figures = JSON.stringify({ total, answered, longest, held })
      assert.ok(held < total / 2, `one turn took half of it: ${figures}`)
      if (way === 'revoke-all') assert.ok(answered >= 4, `others waited for it: ${figures}`)

      const judged = await server.oauth.verifier.verify(mine.access_token)
      assert.deepEqual(judged, { ok: false, reason: 'revoked' })
      const { query } = server.platform.database.tables<Tables>()
      const left = await query
        .selectFrom('oauth_artifacts')
        .select(['model', 'payload'])
        .where('account_id', '=', accountId)
        .where('grant_id', 'is not', null)
        .execute()
      assert.ok(left.every(({ model, payload }) => model === 'RefreshToken' && payload === ''))
      assert.equal(left.length, grantCount + 1, 'what tells why')
      const standing = await query
        .selectFrom('oauth_grants')
        .select('id')
        .where('account_id', '=', accountId)
        .where('revoked_at', 'is', null)
        .execute()
      assert.deepEqual(standing, [])
      assert.ok((await server.oauth.verifier.verify(kept.access_token)).ok)
      assert.ok((await other.person.get('/api/account')).status === 200)
    })
