import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import type { EventOf } from '../platform/events/events.ts'

const actor = { kind: 'system', name: 'Test' } as const

for (const database of databases) {
  test(`${database}: standing and epoch move together, are kept with who and why, and are told after commit`, async () => {
    await using server = await startServer({ database })
    const { person, accountId, email, password } = await signedUp(server.origin)
    const told: EventOf<'account.changed'>[] = []
    server.platform.bus.subscribe('account.changed', (event) => told.push(event))
    const before = await server.accounts.standing(accountId)
    const change = { accountId, actor, reason: 'test', evidence: { points: 9 } }
    const moved = await server.accounts.changeStanding({ ...change, to: 'suspended' })
    assert.deepEqual(moved?.before, before)
    assert.equal(moved?.after.epoch, (before?.epoch ?? 0) + 1)
    assert.equal(await server.accounts.changeStanding({ ...change, to: 'suspended' }), null)
    assert.deepEqual(told, [
      { type: 'account.changed', accountId, epoch: moved?.after.epoch, allowed: false },
    ])
    // Suspended: in, reading and taking along work; the rest says so.
    await person.expect(200, 'GET', '/api/account')
    await person.expect(200, 'GET', '/api/account/export')
    const fresh = new Person(server.origin)
    await fresh.expect(201, 'POST', '/api/sessions', { email, password })
    await fresh.expect(403, 'POST', '/api/projects', { name: 'More' })
    const changes = await server.accounts.stateChanges(accountId)
    assert.deepEqual(
      changes.map(({ from, to, reason }) => [from, to, reason]),
      [
        ['unverified', 'active', 'email_verified'],
        ['active', 'suspended', 'test'],
      ],
    )
    assert.deepEqual(changes[1]?.evidence, { points: 9 })

    // A rolled-back change tells nobody.
    await assert.rejects(
      server.platform.database.transaction(async () => {
        await server.accounts.changeStanding({ ...change, to: 'active' })
        throw new Error('no')
      }),
    )
    assert.equal(told.length, 1)
    assert.equal((await server.accounts.standing(accountId))?.state, 'suspended')

    await server.accounts.changeStanding({ ...change, to: 'closed' })
    await person.expect(401, 'GET', '/api/account')
    await fresh.expect(401, 'POST', '/api/sessions', { email, password })
  })

  test(`${database}: of opposite changes at once every step is kept and none is lost`, async () => {
    await using server = await startServer({ database })
    const { accountId } = await signedUp(server.origin)
    const before = (await server.accounts.standing(accountId))?.epoch ?? 0
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        server.accounts.changeStanding({
          accountId,
          to: i % 2 ? 'active' : 'limited',
          actor,
          reason: 'race',
          evidence: {},
        }),
      ),
    )
    const moves = results.filter((result) => result !== null).length
    const after = await server.accounts.standing(accountId)
    assert.equal(after?.epoch, before + moves)
    const kept = await server.accounts.stateChanges(accountId)
    assert.equal(kept.filter(({ reason }) => reason === 'race').length, moves)
    assert.deepEqual(
      kept.slice(1).map(({ from }) => from),
      kept.slice(0, -1).map(({ to }) => to),
    )
  })

  test(`${database}: accounts are found by part of name or address, taken literally, page by page`, async () => {
    await using server = await startServer({ database })
    const names = ['Percy 100% Sure', 'Percy 1000 Sure', 'Under_score', 'Underxscore']
    const ids: string[] = []
    for (const [i, name] of names.entries()) {
      ids.push((await signedUp(server.origin, { name, email: `p${i}@search.example` })).accountId)
      server.clock.advance(1)
    }
    const find = async (search: string) =>
      (await server.accounts.list({ search, limit: 10 })).map(({ name }) => name)
    assert.deepEqual(await find('100%'), ['Percy 100% Sure'])
    assert.deepEqual(await find('under_'), ['Under_score'])
    assert.deepEqual(await find('\\'), [])
    assert.deepEqual(await find(ids[3] ?? ''), ['Underxscore'])
    assert.equal((await find('P1@SEARCH')).length, 1)
    const first = await server.accounts.list({ state: 'active', limit: 3 })
    const rest = await server.accounts.list({
      state: 'active',
      limit: 3,
      after: first[2]?.id ?? '',
    })
    assert.deepEqual(
      [...first, ...rest].map(({ id }) => id),
      ids.toReversed(),
    )
    assert.equal('passwordHash' in (first[0] ?? {}), false)
    assert.equal((await server.accounts.findAll([...ids.slice(0, 2), 'acct_none'])).length, 2)
  })

  test(`${database}: the last operator keeps the role, also when two demote each other at once`, async () => {
    await using server = await startServer({ database })
    const one = await signedUp(server.origin)
    const two = await signedUp(server.origin)
    const { accounts } = server
    assert.equal(await accounts.setRole(one.accountId, 'operator', actor), true)
    assert.equal(await accounts.setRole(one.accountId, null, actor), false)
    assert.equal(await accounts.setRole(two.accountId, 'operator', actor), true)
    const demoted = await Promise.all([
      accounts.setRole(one.accountId, 'support', actor),
      accounts.setRole(two.accountId, null, actor),
    ])
    assert.equal(demoted.filter(Boolean).length, 1)
    assert.equal(await accounts.countRole('operator'), 1)
    assert.equal(await accounts.setRole('acct_none', 'operator', actor), false)
  })
}
