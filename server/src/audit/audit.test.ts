import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import { createAudit } from './index.ts'

type Tables = { audit_events: { seq: number; actor_name: string; hash: string } }

for (const database of databases) {
  test(`${database}: lines appended at once form one chain, and any change to it is found`, async () => {
    await using server = await startServer({ database })
    const audit = createAudit(server.platform)
    const line = (i: number) => ({
      actor: { kind: 'system', name: 'test' } as const,
      action: 'test.happened',
      subject: { kind: 'test', id: `t${i}`, name: `Test ${i}` },
      detail: { i },
    })
    await Promise.all(Array.from({ length: 50 }, (_, i) => audit.append(line(i))))
    assert.deepEqual(await audit.verify(), { ok: true, events: 50 })
    const [event] = await audit.list({ subjectId: 't7', limit: 10 })
    assert.deepEqual(event?.detail, { i: 7 })
    const page = await audit.list({ before: 11, limit: 5 })
    assert.deepEqual(
      page.map(({ seq }) => seq),
      [10, 9, 8, 7, 6],
    )
    const { query } = server.platform.database.tables<Tables>()
    await query
      .updateTable('audit_events')
      .set({ actor_name: 'someone else' })
      .where('seq', '=', 20)
      .execute()
    assert.deepEqual(await audit.verify(), { ok: false, seq: 20 })
    await query.deleteFrom('audit_events').where('seq', '=', 20).execute()
    assert.deepEqual(await audit.verify(), { ok: false, seq: 21 })
  })

  test(`${database}: an act that does not commit leaves no line`, async () => {
    await using server = await startServer({ database })
    const audit = createAudit(server.platform)
    const before = await audit.verify()
    await assert.rejects(
      server.platform.database.transaction(async () => {
        await audit.append({
          actor: { kind: 'system', name: 'test' },
          action: 'test.happened',
          subject: { kind: 'test', id: 't', name: 't' },
        })
        throw new Error('no')
      }),
    )
    assert.deepEqual(await audit.verify(), before)
  })

  test(`${database}: names cannot turn or forge a line`, async () => {
    await using server = await startServer({ database })
    const audit = createAudit(server.platform)
    await audit.append({
      actor: { kind: 'account', id: 'acct_x', name: 'Ada\u202e\n2026 operator' },
      action: 'test.happened',
      subject: { kind: 'test', id: 't', name: 'a\u0000b' },
    })
    const [event] = await audit.list({ subjectId: 't', limit: 1 })
    assert.equal(event?.actor.name, 'Ada\ufffd\ufffd2026 operator')
    assert.equal(event?.subject.name, 'a\ufffdb')
    assert.equal((await audit.verify()).ok, true)
  })

  test(`${database}: sign-up and sign-in are on record and the chain holds`, async () => {
    await using server = await startServer({ database })
    const { accountId } = await signedUp(server.origin)
    const audit = createAudit(server.platform)
    const actions = (await audit.list({ limit: 10 })).map((event) => event.action)
    assert.deepEqual(actions, ['session.started', 'account.active'])
    assert.equal((await audit.list({ subjectId: accountId, limit: 10 })).length, 1)
    assert.equal((await audit.verify()).ok, true)
  })
}
