import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { binding, credential } from '../../credentials/store.contract.ts'
import type { Clock } from '../../platform/clock.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { fileStore } from '../file-store.ts'
import { fileSystemOf, type Probe } from './file-system.ts'
import { withLease } from './lease-lock.ts'
import { withFileLock } from './lock.ts'

const root = mkdtempSync(join(tmpdir(), 'latchkey-locks-'))
const children = new Set<ChildProcess>()
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(root, { recursive: true })
})
let folders = 0
const folder = () => {
  const dir = join(root, `f${++folders}`)
  mkdirSync(dir)
  return dir
}

const probe = (by: Partial<Probe>): Probe => ({
  system: 'linux',
  type: async () => 0,
  mounts: async () => '',
  real: async (path) => path,
  ...by,
})

test('network file systems are told from local ones, and what cannot be found out is local', async () => {
  const linux = (type: number) => fileSystemOf('/x', probe({ type: async () => type }))
  for (const type of [
    0x6969,
    0x517b,
    0xfe534d42,
    0xff534d42,
    0xff534d42 | 0,
    0x65735546,
    0x01021997,
  ])
    assert.equal(await linux(type), 'network', type.toString(16))
  for (const type of [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630])
    assert.equal(await linux(type), 'local', type.toString(16))
  assert.equal(await fileSystemOf(root), 'local', 'here, by the real statfs')

  const mounts = async () => `/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled)
//me@server/share on /Volumes/share (smbfs, nodev, nosuid, mounted by me)
server:/home on /Users/me/net home (nfs, nodev)`
  const mac = (path: string) => fileSystemOf(path, probe({ system: 'darwin', mounts }))
  assert.equal(await mac('/Volumes/share/app'), 'network')
  assert.equal(await mac('/Users/me/net home/app'), 'network')
  assert.equal(await mac('/Volumes/shared'), 'local')
  assert.equal(await mac('/Users/me/Library'), 'local')

  const windows = (real: string) =>
    fileSystemOf('Z:\\app', probe({ system: 'win32', real: async () => real }))
  assert.equal(await windows('\\\\server\\share\\app'), 'network')
  assert.equal(await windows('\\\\?\\UNC\\server\\share'), 'network')
  assert.equal(await windows('C:\\Users\\me'), 'local')
  assert.equal(await windows('\\\\?\\C:\\Users\\me'), 'local')

  const broken = probe({ type: () => Promise.reject(new Error('no')) })
  assert.equal(await fileSystemOf('/x', broken), 'local')
})

test('on a network file system turns are leases, elsewhere the kernel keeps them', async () => {
  const on = async (type: number) => {
    const dir = folder()
    const path = join(dir, 'one.lock')
    await withFileLock(path, async () => {}, undefined, {
      probe: probe({ type: async () => type }),
    })
    return readdirSync(dir)
  }
  assert.deepEqual(await on(0x6969), ['one.lock.1'])
  assert.deepEqual(await on(0xef53), ['one.lock'])
})

test('leases never overlap, pass on at once when given back, and leave one note behind', async () => {
  const dir = folder()
  const path = join(dir, 'one.lock')
  const leaseMs = 2_000
  let inside = 0
  let left = performance.now()
  let longest = 0
  await Promise.all(
    Array.from({ length: 20 }, () =>
      withLease(
        path,
        async () => {
          assert.equal(++inside, 1)
          longest = Math.max(longest, performance.now() - left)
          await new Promise((resolve) => setImmediate(resolve))
          inside--
          left = performance.now()
        },
        { leaseMs },
      ),
    ),
  )
  assert.ok(longest < leaseMs, 'nobody waited for a lease to run out')
  assert.deepEqual(readdirSync(dir), ['one.lock.20'])
  await assert.rejects(
    withLease(path, () => Promise.reject(new Error('boom'))),
    /boom/,
  )
  const gone = new AbortController()
  await withLease(path, async () => {
    const waiting = withLease(path, async () => {}, { signal: gone.signal })
    gone.abort(new Error('left'))
    await assert.rejects(waiting, /left/)
  })
})

test('a holder that lives keeps its lease for as long as it works, whatever is in its note', async () => {
  const path = join(folder(), 'one.lock')
  let taken = false
  const order: string[] = []
  await withLease(
    path,
    async () => {
      void withLease(path, async () => void order.push('second'), { leaseMs: 100 }).then(() => {
        taken = true
      })
      for (let stops = 0; stops < 4; stops++) {
        await new Promise((resolve) => setTimeout(resolve, 110))
        // The whole machine stands still for longer than the lease: that is no sign of death.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150)
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
      assert.equal(taken, false)
      order.push('first')
    },
    { leaseMs: 100 },
  )
  while (!taken) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(order, ['first', 'second'])
})

test('who slept between two looks waits a lease anew, and who is always late still gets it', async () => {
  const leaseMs = 1_000
  /** Each wait takes what `lag` says, for a waiter who looks at the note of somebody dead. */
  const takenAfter = async (lag: (looks: number, ms: number) => number) => {
    const path = join(folder(), 'one.lock')
    writeFileSync(`${path}.1`, JSON.stringify({ owner: '1@x', beat: 1 }))
    let now = 0
    let looks = 0
    const clock: Clock = {
      now: () => now,
      monotonic: () => now,
      timer(ms, fire) {
        now += lag(++looks, ms)
        const timer = setImmediate(fire)
        return () => clearImmediate(timer)
      },
    }
    let takenAt = 0
    const take = async () => {
      takenAt = now
    }
    await withLease(path, take, { leaseMs, clock })
    return takenAt
  }
  const hour = 3_600_000
  const afterSleep = (await takenAfter((looks, ms) => (looks === 5 ? hour : ms))) - hour
  assert.ok(afterSleep > 0.85 * leaseMs, `${afterSleep} ms after waking`)
  const starved = await takenAfter(() => 0.6 * leaseMs)
  assert.ok(starved > leaseMs && starved < 10 * leaseMs, `${starved}`)
})

test('a note that was torn, or that nobody finished, ends with its lease', async () => {
  const dir = folder()
  const path = join(dir, 'one.lock')
  for (const torn of ['', '{"owner":"1@x","be', 'null']) {
    writeFileSync(`${path}.7`, torn)
    let done = false
    const began = performance.now()
    const work = async () => {
      done = true
    }
    await withLease(path, work, { leaseMs: 100 })
    assert.ok(done && performance.now() - began >= 100)
    rmSync(dir, { recursive: true })
    mkdirSync(dir)
  }
})

test('whoever looked at an old list of notes takes nothing away from the holder', async () => {
  const dir = folder()
  const path = join(dir, 'one.lock')
  writeFileSync(`${path}.5`, JSON.stringify({ owner: '1@x', beat: 1 }))
  writeFileSync(`${path}.4`, JSON.stringify({ owner: null, beat: 9 }))
  const gone = AbortSignal.timeout(80)
  await assert.rejects(withLease(path, async () => {}, { leaseMs: 10_000, signal: gone }))
  assert.deepEqual(readdirSync(dir).sort(), ['one.lock.4', 'one.lock.5'])
})

test('a holder on a machine that sleeps tells that it was taken for dead', async () => {
  const path = join(folder(), 'one.lock')
  const asleep = virtualClock()
  let lost = false
  await withLease(
    path,
    async () => {
      await withLease(path, async () => {}, { leaseMs: 50 }) // meanwhile, on another machine
      await asleep.advance(10_000)
      while (!lost) await new Promise((resolve) => setImmediate(resolve))
    },
    {
      leaseMs: 10_000,
      clock: asleep,
      lost: () => {
        lost = true
      },
    },
  )
  assert.match(readFileSync(`${path}.2`, 'utf8'), /"owner":null/, 'and leaves its successor’s note')
})

/** A process that holds the turn of a store. */
async function holder(dir: string, leaseMs: number) {
  const child = spawn(
    process.execPath,
    [new URL('lease-holder.fixture.ts', import.meta.url).pathname, dir, String(leaseMs)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  children.add(child)
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const says = async () => (await lines.next()).value as string
  assert.equal(await says(), 'mine')
  return { child, says }
}

test('after kill -9 of the holder the next one gets the turn when the lease is over, not before', async () => {
  const dir = folder()
  const store = fileStore({ dir, lock: { kind: 'lease', leaseMs: 400 } })
  await store.save(binding(), credential('alice', 1), null)
  const { child } = await holder(dir, 400)
  child.kill('SIGKILL')
  const began = performance.now()
  await store.exclusive(binding(), async () => {})
  const waited = performance.now() - began
  assert.ok(waited >= 400, `${waited}`)
})

test('a holder that froze past its lease comes back to a store that refuses it', async () => {
  const dir = folder()
  const lock = { kind: 'lease' as const, leaseMs: 300 }
  const store = fileStore({ dir, lock })
  await store.save(binding(), credential('alice', 1), null)
  const { child, says } = await holder(dir, 300)
  child.kill('SIGSTOP')
  await store.exclusive(binding(), async () => {
    assert.equal(await store.save(binding(), credential('alice', 3), 1), 2)
  })
  child.kill('SIGCONT')
  child.stdin?.write('go\n')
  assert.equal(await says(), 'refused')
  assert.equal(await says(), 'knows')
  const stored = await store.load(binding())
  assert.ok(stored.state === 'present' && stored.credential.generation === 3)
})
