import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { minute, second } from '#platform/clock/clock.ts'
import { createLog } from '#platform/log/log.ts'
import { redisReplays } from './redis-replay.ts'
import { memoryReplay, memoryReplays, type OneTime, type ReplayMemories } from './replay.ts'

const url = process.env.LATCHKEY_TEST_REDIS_URL
const skip = url ? false : 'needs LATCHKEY_TEST_REDIS_URL'

const clockAt = (at: number) => ({ at, now: () => clock.at })
const clock = clockAt(Date.now())
let ids = 0
const fresh = (more: Partial<OneTime> = {}): OneTime => ({
  id: `${process.pid}.${++ids}.${Math.random()}`,
  bornAt: clock.now(),
  until: clock.now() + minute,
  ...more,
})

const kinds: Record<string, { skip: string | false; open(): Promise<ReplayMemories> }> = {
  'in this process': { skip: false, open: async () => memoryReplays(clock) },
  'in Redis': {
    skip,
    async open() {
      const replays = redisReplays({ url: url ?? '', clock, log: createLog('silent', () => {}) })
      await replays.connect()
      return replays
    },
  },
}

for (const [kind, { skip, open }] of Object.entries(kinds))
  test(`${kind}: of 50 at once one is the first, and a name of its own is a memory of its own`, {
    skip,
  }, async () => {
    const replays = await open()
    const memory = replays.open('a')
    const one = fresh()
    const answers = await Promise.all(Array.from({ length: 50 }, () => memory.present(one)))
    assert.deepEqual(answers.sort(), ['first', ...Array.from({ length: 49 }, () => 'seen')])
    assert.equal(await memory.present({ ...one, until: one.until + minute }), 'seen')
    assert.equal(await replays.open('b').present(one), 'first')
    assert.equal(await memory.present(fresh()), 'first')
    assert.equal(await memory.present(fresh({ until: clock.now() })), 'too_old')
    replays.close()
  })

test('two nodes on one Redis take a thing once between them', { skip }, async () => {
  const replays = await Promise.all([kinds['in Redis']?.open(), kinds['in Redis']?.open()])
  const one = fresh()
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => replays[i % 2]?.open('nodes').present(one)),
  )
  assert.equal(answers.filter((answer) => answer === 'first').length, 1)
  for (const each of replays) each?.close()
})

test('while Redis is away or silent, each node still takes a thing once', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as { port: number }
  const lines: string[] = []
  const replays = redisReplays({
    url: `redis://127.0.0.1:${port}`,
    clock,
    log: createLog('info', (line) => lines.push(line)),
    answerMs: 50,
  })
  replays.connect().catch(() => {})
  const memory = replays.open('away')
  const one = fresh()
  assert.equal(await memory.present(one), 'first')
  assert.equal(await memory.present(one), 'seen')
  assert.equal(await memory.present(fresh()), 'first')
  assert.equal(lines.filter((line) => line.includes('redis is away')).length, 1)
  replays.close()
  silent.close()
})

test('what was made before the process began to remember counts as presented', async () => {
  const memory = memoryReplay(clock)
  assert.equal(memory.present(fresh({ bornAt: clock.now() - 1 })), 'too_old')
  assert.equal(memory.present(fresh()), 'first')
})

test('a full memory forgets the soonest to end and lets nothing of their age in again', () => {
  const memory = memoryReplay(clock, 100)
  const early = Array.from({ length: 60 }, () => fresh({ until: clock.now() + 20 * second }))
  const late = Array.from({ length: 60 }, () => fresh({ until: clock.now() + 5 * minute }))
  for (const one of [...early, ...late]) assert.equal(memory.present(one), 'first')
  for (const one of late) assert.equal(memory.present(one), 'seen')
  for (const one of early) assert.equal(memory.present(one), 'too_old')
  assert.equal(memory.present(fresh({ until: clock.now() + 20 * second })), 'too_old')
  assert.equal(memory.present(fresh({ until: clock.now() + 5 * minute })), 'first')
})

test('what has ended makes room', () => {
  const memory = memoryReplay(clock, 100)
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 100; i++) assert.equal(memory.present(fresh()), 'first')
    clock.at += minute + 10 * second
  }
})
