import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { keySealer } from '../credentials/sealing.ts'
import { createAuth, discover } from '../index.ts'
import { ioredisClient, redisStore } from '../redis/index.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { fileStore } from './file-store.ts'

const url = process.env.LATCHKEY_TEST_REDIS_URL
const fixture = new URL('stampede-process.fixture.ts', import.meta.url).pathname
const rounds = 3

for (const kind of ['file', 'lease', 'redis'] as const)
  test(`a hundred callers in each of four processes on an expired token: one redemption (${kind})`, {
    skip: kind === 'redis' && !url && 'LATCHKEY_TEST_REDIS_URL is not set',
  }, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'latchkey-stampede-'))
    const redis = kind === 'redis' ? new Redis(url ?? '') : null
    const where = redis ? `lk-sdk-stampede-${process.pid}-${Date.now()}` : dir
    const provider = new FakeProvider({ delayMs: 50 }) // time enough for everybody to ask
    await provider.listen()
    const auth = createAuth({
      provider: discover(provider.issuer),
      clientId: 'app',
      store: redis
        ? redisStore(ioredisClient(redis), {
            sealer: keySealer(new Uint8Array(32)),
            prefix: where,
          })
        : fileStore({ dir, lock: kind === 'lease' ? { kind } : {} }),
      refresh: { background: false },
    })
    const processes = Array.from({ length: 4 }, () => {
      const args = [fixture, provider.issuer, kind, where, url ?? '']
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
      const ended = new Promise((resolve) => child.once('exit', resolve))
      return { child, ended, says: async () => (await lines.next()).value as string }
    })
    try {
      await Promise.all(processes.map(({ says }) => says()))
      for (let round = 1; round <= rounds; round++) {
        const account = `round-${round}`
        provider.options.lifetimeSeconds = 0.05
        await auth.signInByCode(provider.code(), { account })
        await new Promise((resolve) => setTimeout(resolve, 60))
        provider.options.lifetimeSeconds = 3_600
        for (const { child } of processes) child.stdin.write(`${account}\n`)
        const told = await Promise.all(processes.map(({ says }) => says()))
        assert.equal(new Set(told).size, 1, told.join(' | '))
        assert.ok(provider.accepts(told[0] ?? ''))
        assert.deepEqual(
          provider.redemptions.map(({ result }) => result),
          Array(round).fill('rotated'),
        )
      }
    } finally {
      for (const { child } of processes) child.stdin.end()
      await Promise.all(processes.map(({ ended }) => ended))
      await auth.close()
      await provider.close()
      if (redis) {
        const keys = await redis.keys(`${where}*`)
        if (keys.length > 0) await redis.del(keys)
        redis.disconnect()
      }
      rmSync(dir, { recursive: true })
    }
  })
