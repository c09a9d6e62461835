import assert from 'node:assert/strict'
import { absoluteMs, idleMs } from './session.ts'
import type { SessionStore } from './store.ts'

type Subject = { store: SessionStore; accountId: string; otherAccountId: string }

const start = 1_000_000

async function withDevice({ store }: Subject, accountId: string, name: string): Promise<void> {
  await store.insertDevice({
    id: `dev_${name}`,
    kind: 'browser',
    accountId,
    tokenDigest: `device ${name}`,
    name: 'Chrome on macOS',
    userAgent: '',
    alarm: { digest: `alarm ${name}`, until: start + 10 },
    address: '192.0.2.1',
    firstSeenAt: start,
    lastSeenAt: start,
  })
}

async function withSession(
  { store }: Subject,
  accountId: string,
  device: string,
  name: string,
  lastSeenAt = start,
): Promise<void> {
  await store.insertSession({
    id: `sess_${name}`,
    accountId,
    deviceId: `dev_${device}`,
    tokenDigest: `token ${name}`,
    amr: ['pwd'],
    createdAt: start,
    authenticatedAt: start,
    lastSeenAt,
    expiresAt: start + absoluteMs,
  })
}

/** What every keeper of sessions must do. */
export const sessionContract: Record<string, (subject: Subject) => Promise<void>> = {
  async 'an ended session is found by nobody, and ends once'(subject) {
    const { store, accountId, otherAccountId } = subject
    await withDevice(subject, accountId, 'a')
    await withSession(subject, accountId, 'a', 'one')
    assert.equal((await store.findByToken('token one'))?.id, 'sess_one')
    const only = { only: 'sess_one' }
    assert.deepEqual(await store.end(otherAccountId, only, 'signed_out', start), [])
    const ends = await Promise.all(
      Array.from({ length: 20 }, () => store.end(accountId, only, 'signed_out', start)),
    )
    assert.deepEqual(ends.flat(), [{ id: 'sess_one', deviceId: 'dev_a' }])
    assert.equal(await store.findByToken('token one'), null)
  },
  async 'all but one end, and another account’s stay'(subject) {
    const { store, accountId, otherAccountId } = subject
    await withDevice(subject, accountId, 'a')
    await withDevice(subject, otherAccountId, 'b')
    for (const name of ['one', 'two', 'three']) await withSession(subject, accountId, 'a', name)
    await withSession(subject, otherAccountId, 'b', 'theirs')
    const ended = await store.end(accountId, { except: 'sess_two' }, 'password_changed', start)
    assert.deepEqual(ended.map(({ id }) => id).sort(), ['sess_one', 'sess_three'])
    assert.equal((await store.findByToken('token two'))?.id, 'sess_two')
    assert.equal((await store.findByToken('token theirs'))?.id, 'sess_theirs')
    assert.equal((await store.end(accountId, { except: null }, 'closed', start)).length, 1)
  },
  async 'the list holds what lives, the most recently used first'(subject) {
    const { store, accountId } = subject
    await withDevice(subject, accountId, 'a')
    await withSession(subject, accountId, 'a', 'old', start)
    await withSession(subject, accountId, 'a', 'new', start + 10)
    const ids = async (now: number) => (await store.living(accountId, now)).map(({ id }) => id)
    assert.deepEqual(await ids(start + 20), ['sess_new', 'sess_old'])
    assert.deepEqual(await ids(start + idleMs), ['sess_new'])
    assert.deepEqual(await ids(start + idleMs + 10), [])
  },
  async 'of many uses in one minute one is written'(subject) {
    const { store, accountId } = subject
    await withDevice(subject, accountId, 'a')
    await withSession(subject, accountId, 'a', 'busy')
    const now = start + 61_000
    const written = await Promise.all(
      Array.from({ length: 20 }, () => store.touch('sess_busy', now, now - 60_000)),
    )
    assert.equal(written.filter(Boolean).length, 1)
  },
  async 'a device is known to its account alone'(subject) {
    const { store, accountId, otherAccountId } = subject
    assert.equal(await store.hasDevices(otherAccountId), false)
    await withDevice(subject, accountId, 'a')
    assert.equal((await store.findDevice(accountId, 'device a'))?.id, 'dev_a')
    assert.equal(await store.findDevice(otherAccountId, 'device a'), null)
  },
  async 'an ended device is a stranger, and its sessions end with it'(subject) {
    const { store, accountId, otherAccountId } = subject
    await withDevice(subject, accountId, 'a')
    await withDevice(subject, accountId, 'b')
    await withSession(subject, accountId, 'a', 'one')
    await withSession(subject, accountId, 'b', 'two')
    assert.deepEqual(await store.endDevices(otherAccountId, ['dev_a'], start), [])
    const ends = await Promise.all(
      Array.from({ length: 20 }, () => store.endDevices(accountId, ['dev_a'], start)),
    )
    assert.deepEqual(ends.flat(), ['dev_a'])
    assert.equal(await store.findDevice(accountId, 'device a'), null)
    assert.deepEqual(
      (await store.devices(accountId, ['dev_a', 'dev_b'])).map(({ id }) => id),
      ['dev_b'],
    )
    const ended = await store.end(accountId, { devices: ['dev_a'] }, 'signed_out_elsewhere', start)
    assert.deepEqual(
      ended.map(({ id }) => id),
      ['sess_one'],
    )
    assert.equal((await store.findEnd('token one'))?.reason, 'signed_out_elsewhere')
    assert.equal((await store.findEnd('token two'))?.reason, null)
    assert.equal(await store.findEnd('token none'), null)
  },
  async 'an alarm is used up by one of 20 callers, and not after its time'(subject) {
    const { store, accountId } = subject
    await withDevice(subject, accountId, 'a')
    await withDevice(subject, accountId, 'b')
    assert.equal(await store.takeAlarm('alarm b', start + 10), null)
    const taken = await Promise.all(
      Array.from({ length: 20 }, () => store.takeAlarm('alarm a', start)),
    )
    assert.deepEqual(
      taken.flatMap((device) => (device ? [device.id] : [])),
      ['dev_a'],
    )
  },
}
