import {
  type Binding,
  bindingText,
  readCredential,
  writeCredential,
} from '../credentials/credential.ts'
import { credentialContext, type Sealer } from '../credentials/sealing.ts'
import type { CredentialStore, Stored } from '../credentials/store.ts'
import { Turns } from '../credentials/turns.ts'
import { base64url, sha256 } from '../platform/bytes.ts'
import { type Clock, pause, systemClock } from '../platform/clock.ts'
import { type Random, systemRandom } from '../platform/random.ts'

/** All the store asks of a Redis client: to run a script. See `ioredisClient`, `nodeRedisClient`. */
export type RedisClient = {
  eval(script: string, keys: string[], args: string[]): Promise<unknown>
}

export const ioredisClient = (redis: {
  eval(script: string, keyCount: number, ...keysAndArgs: string[]): Promise<unknown>
}): RedisClient => ({
  eval: (script, keys, args) => redis.eval(script, keys.length, ...keys, ...args),
})

export const nodeRedisClient = (redis: {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}): RedisClient => ({
  eval: (script, keys, args) => redis.eval(script, { keys, arguments: args }),
})

export type RedisStoreOptions = {
  /** Seals what lies in Redis; null puts tokens there in plain text. */
  sealer: Sealer | null
  /** First part of every key. Default `latchkey`. */
  prefix?: string
  /** For how long a node that died keeps others out. Default 5 000; extended while it lives. */
  leaseMs?: number
  clock?: Clock
  random?: Random
}

const loadScript = "return redis.call('HMGET', KEYS[1], 'revision', 'body')"
// Compare-and-set on the revision: a node whose lease ran out cannot overwrite its successor.
const saveScript = `
local now = redis.call('HGET', KEYS[1], 'revision') or ''
if now ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'body', ARGV[3])
redis.call('SADD', KEYS[2], ARGV[4])
return 1`
const removeScript = `
local now = redis.call('HGET', KEYS[1], 'revision')
if not now or (ARGV[1] ~= 'any' and now ~= ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[2])
return 1`
const listScript = "return redis.call('SMEMBERS', KEYS[1])"
const lockScript = "return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])"
// Only the owner extends or gives back: a lease that ran out belongs to somebody else by now.
const extendScript =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
const unlockScript =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

/**
 * Credentials that several machines share. The turn is a lease with an owner, extended while its
 * node lives; should a node lose it unawares, saving by compare-and-set on the revision fences it
 * off, and it adopts what its successor saved. Without Redis nothing is renewed: the old token serves
 * until it expires.
 */
export function redisStore(redis: RedisClient, options: RedisStoreOptions): CredentialStore {
  const { sealer, prefix = 'latchkey', leaseMs = 5_000 } = options
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const turns = new Turns() // one line per process: only its head asks Redis

  /** All keys of one client share a hash tag, so that a script finds them in one cluster slot. */
  const keysOf = async (of: Omit<Binding, 'account'>, account = '') => {
    const group = (await sha256(JSON.stringify([of.issuer, of.clientId, of.resource]))).slice(0, 22)
    const name = (await sha256(account)).slice(0, 22)
    const key = (kind: string) => `${prefix}:{${group}}:${kind}`
    return {
      credential: key(`credential:${name}`),
      lock: key(`lock:${name}`),
      accounts: key('accounts'),
    }
  }
  const read = async (binding: Binding) => {
    const { credential } = await keysOf(binding, binding.account)
    const [revision, body] = (await redis.eval(loadScript, [credential], [])) as (string | null)[]
    return { revision: revision ?? null, body: body ?? null }
  }

  const load = async (binding: Binding): Promise<Stored> => {
    const found = await read(binding)
    if (found.revision === null || found.body === null) return { state: 'absent' }
    const revision = Number(found.revision)
    let text = found.body
    try {
      if (sealer) text = await sealer.open(credentialContext(binding, revision), found.body)
    } catch (error) {
      if (error instanceof Error && 'code' in error && typeof error.code === 'string') throw error
      return { state: 'damaged', detail: 'the seal does not open' }
    }
    const credential = readCredential(text, binding)
    return credential
      ? { state: 'present', credential, revision }
      : { state: 'damaged', detail: 'unreadable' }
  }

  const write = async (binding: Binding, found: string | null, next: number, body: string) => {
    const keys = await keysOf(binding, binding.account)
    const saved = await redis.eval(
      saveScript,
      [keys.credential, keys.accounts],
      [found ?? '', String(next), body, binding.account],
    )
    return Number(saved) === 1
  }
  const rewrap = async (binding: Binding): Promise<boolean> => {
    const { revision, body } = await read(binding)
    if (revision === null || body === null || !sealer?.rewrap) return false
    const moved = await sealer.rewrap(credentialContext(binding, Number(revision)), body)
    await write(binding, revision, Number(revision), moved) // overtaken: theirs is newly sealed
    return true
  }

  return {
    load,
    async save(binding, credential, revision) {
      const { revision: found } = await read(binding)
      if (revision !== null && found !== String(revision)) return null
      if (revision === null && found !== null && (await load(binding)).state === 'present')
        return null
      const next = Number(found ?? 0) + 1
      const text = writeCredential(credential)
      const body = sealer ? await sealer.seal(credentialContext(binding, next), text) : text
      return (await write(binding, found, next, body)) ? next : null
    },
    async remove(binding, revision) {
      const keys = await keysOf(binding, binding.account)
      const args = [String(revision), binding.account]
      return Number(await redis.eval(removeScript, [keys.credential, keys.accounts], args)) === 1
    },
    async list(of) {
      const { accounts } = await keysOf(of)
      return ((await redis.eval(listScript, [accounts], [])) as string[]).sort()
    },
    exclusive: (binding, work, signal) =>
      turns.take(
        bindingText(binding),
        async () => {
          const { lock } = await keysOf(binding, binding.account)
          const owner = base64url(random.bytes(16))
          while ((await redis.eval(lockScript, [lock], [owner, String(leaseMs)])) === null)
            await pause(clock, leaseMs / 100 + (leaseMs / 50) * random.fraction(), signal)
          let cancel = () => {}
          const extend = () => {
            cancel = clock.timer(leaseMs / 3, () => {
              // Failing here costs nothing: saving is fenced by the revision.
              redis.eval(extendScript, [lock], [owner, String(leaseMs)]).catch(() => {})
              extend()
            })
          }
          extend()
          try {
            return await work()
          } finally {
            cancel()
            await redis.eval(unlockScript, [lock], [owner]).catch(() => {})
          }
        },
        signal,
      ),
    ...(sealer?.rewrap ? { rewrap } : {}),
    ...(sealer?.watch ? { watch: (listener) => sealer.watch?.(listener) } : {}),
  }
}
