/**
 * `@latchkey/sdk/redis`: credentials that several machines share. Brings no Redis client; hand yours
 * over by `ioredisClient` or `nodeRedisClient`.
 */
export {
  ioredisClient,
  nodeRedisClient,
  type RedisClient,
  type RedisStoreOptions,
  redisStore,
} from './redis-store.ts'
