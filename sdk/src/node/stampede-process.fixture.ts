import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { keySealer } from '../credentials/sealing.ts'
import { createAuth, discover } from '../index.ts'
import { ioredisClient, redisStore } from '../redis/index.ts'
import { fileStore } from './index.ts'

/**
 * One of several processes on one store: for each account named on stdin, a hundred callers want its
 * token at once, and what they got is told in one line.
 */
const [issuer = '', kind, where = '', url = ''] = process.argv.slice(2)
const redis = kind === 'redis' ? new Redis(url) : null
const auth = createAuth({
  provider: discover(issuer),
  clientId: 'app',
  store: redis
    ? redisStore(ioredisClient(redis), { sealer: keySealer(new Uint8Array(32)), prefix: where })
    : fileStore({ dir: where, lock: kind === 'lease' ? { kind } : {} }),
  refresh: { background: false },
})
console.log('ready')
for await (const name of createInterface(process.stdin)) {
  const account = auth.account(name)
  const tokens = await Promise.all(Array.from({ length: 100 }, () => account.token()))
  console.log([...new Set(tokens)].join(' '))
}
redis?.disconnect()
