import { Redis } from 'ioredis'
import type { Clock } from '#platform/clock/clock.ts'
import type { Log } from '#platform/log/log.ts'
import { memoryReplay, type ReplayMemories } from './replay.ts'

/**
 * One memory for all nodes: `SET … NX PX` decides, and Redis forgets by itself.
 *
 * Redis away or silent for `answerMs`: this node's own memory decides alone, so a thing is presented
 * at most once a node instead of once. It has been written to all along, and what is older than this
 * process counts as presented.
 */
export function redisReplays(options: {
  url: string
  clock: Clock
  log: Log
  answerMs?: number
}): ReplayMemories & { connect(): Promise<void> } {
  const { clock, log } = options
  const redis = new Redis(options.url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    commandTimeout: options.answerMs ?? 500,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
  })
  let away = false
  const noteAway = (error: Error) => {
    if (!away)
      log.error({ code: error.name }, 'redis is away: replays are noticed on one node only')
    away = true
  }
  redis.on('error', noteAway)
  redis.on('ready', () => {
    away = false
  })

  return {
    connect: () => redis.connect(),
    open(name) {
      const own = memoryReplay(clock)
      return {
        async present(one) {
          const here = await own.present(one)
          if (here === 'seen') return here
          const lifeMs = one.until - clock.now()
          if (lifeMs <= 0) return 'too_old'
          try {
            const key = `latchkey:once:${name}:${one.id}`
            return (await redis.set(key, 1, 'PX', Math.ceil(lifeMs), 'NX')) === 'OK'
              ? 'first'
              : 'seen'
          } catch (error) {
            noteAway(error as Error)
            return here
          }
        },
      }
    },
    close: () => redis.disconnect(),
  }
}
