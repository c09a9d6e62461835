import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { House } from '../harness/house.ts'
import { eventually } from '../harness/journey.ts'
import type { Family } from '../harness/refresh-family.ts'
import type { Dice } from '../harness/seed.ts'

// What a killed process leaves behind is a whole rotation or none. The first process is the one
// that dies; where there is a second one, it serves on.

/** The process holds the claimed row and is writing the successor; a lock of ours stops it there. */
export async function killedBetweenClaimAndCommit(
  house: House,
  family: Family,
  chance: Dice,
): Promise<void> {
  await house.sql(`create function hold() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(4242); return new; end $$`)
  await house.sql(`create trigger hold before insert on oauth_artifacts
    for each row when (new.model = 'RefreshToken') execute function hold()`)
  // A lock belongs to a session; this one is held by a statement that runs until it is cancelled.
  const holder = house.sql('select pg_advisory_lock(4242), pg_sleep(30)').catch(() => [])
  const waiting = (granted: boolean) =>
    house
      .sql(`select 1 from pg_locks where locktype = 'advisory' and objid = 4242
        and database = (select oid from pg_database where datname = current_database())
        and granted = ${granted}`)
      .then((rows) => rows.length > 0)
  await eventually('the lock', 5_000, () => waiting(true))

  const [doomed, ...survivors] = house.addresses
  const claimed = family.refresh(family.first, { address: doomed ?? '' })
  await eventually('the claim', 5_000, () => waiting(false))
  const losers = Promise.all(
    Array.from({ length: 2 + chance.below(6) }, () =>
      family.refresh(family.first, { address: chance.pick(survivors) }),
    ),
  )
  await house.kill(0)
  assert.equal(await claimed, null, 'nobody was told of this rotation')
  await house.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where query like '%pg_sleep(30)%' and pid <> pg_backend_pid() and datname = current_database()`,
  )
  await holder
  const answers = await losers
  assert.deepEqual(
    answers.filter((answer) => answer?.status !== 200),
    [],
  )
  assert.equal(new Set(answers.map((answer) => answer?.refresh_token)).size, 1)
  await house.sql('drop trigger hold on oauth_artifacts')
  await standsAndWorks(family, survivors[0])
  await house.start(0)
}

/** Wherever it strikes: what was answered is kept, and the same token finds its way on. */
export async function killedAtSomeMoment(
  house: House,
  family: Family,
  chance: Dice,
): Promise<void> {
  const sent = Promise.all(
    Array.from({ length: 8 }, () =>
      family.refresh(family.first, { address: chance.pick(house.addresses) }),
    ),
  )
  await sleep(chance.below(25))
  await house.kill(0)
  const before = (await sent).flatMap((answer) => answer?.refresh_token ?? [])
  await house.start(0)
  const after = await family.refresh(family.first)
  assert.equal(after?.status, 200)
  assert.equal(new Set([...before, after.refresh_token]).size, 1)
  await standsAndWorks(family)
}

/** Committed, and the answer never arrives: the retry is given the very rotation that was made. */
export async function killedBetweenCommitAndAnswer(house: House, family: Family): Promise<void> {
  const unread = family.refresh(family.first, { fate: 'lost at its head' })
  await eventually('the commit', 5_000, async () => (await family.stored()).used === 1)
  await house.kill(0)
  assert.equal(await unread, null)
  const survivor = house.addresses[1]
  if (!survivor) await house.start(0)
  const began = await family.refresh(family.first, survivor ? { address: survivor } : {})
  assert.equal(began?.status, 200)
  assert.deepEqual(await family.stored(), { living: 1, used: 1, revoked: false, reuseSeen: 0 })
  await standsAndWorks(family, survivor)
}

async function standsAndWorks(family: Family, address?: string): Promise<void> {
  const at = address === undefined ? {} : { address }
  const newest = await family.refresh(family.first, at)
  assert.equal((await family.refresh(newest?.refresh_token ?? '', at))?.status, 200)
  const { living, revoked, reuseSeen } = await family.stored()
  assert.deepEqual({ living, revoked, reuseSeen }, { living: 1, revoked: false, reuseSeen: 0 })
}
