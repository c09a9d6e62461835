import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KMSClient } from '@aws-sdk/client-kms'
import { Redis } from 'ioredis'
import {
  type CredentialStore,
  createAuth,
  endpoints,
  keySealer,
  memoryStore,
  type Sealer,
} from '../../sdk/src/index.ts'
import { kmsSealer } from '../../sdk/src/kms/index.ts'
import { fileStore } from '../../sdk/src/node/index.ts'
import { ioredisClient, redisStore } from '../../sdk/src/redis/index.ts'
import { FakeKms } from '../../sdk/src/testing/index.ts'
import { median } from '../median.ts'
import { far, interval, keep, round, versionOf } from './measure.ts'

/**
 * Claim 2. What a token costs per API call, with the token kept nowhere, in memory, in a file and in
 * Redis, sealed and not. A server holds its token in memory and pays once a lifetime; a CLI starts
 * anew each time, and what a shared store saves it is A/(A + N·C): A to get a token, N calls of C.
 */
const tokenMs = 100
const apiMs = 50
const kmsMs = 10
const redisUrl = process.env.LATCHKEY_TEST_REDIS_URL ?? 'redis://127.0.0.1:6379'

const work = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
const redis = new Redis(redisUrl, { lazyConnect: true, maxRetriesPerRequest: 1 })
await redis.connect().catch(() => {
  throw new Error(`no Redis at ${redisUrl}: set LATCHKEY_TEST_REDIS_URL`)
})
const prefix = `lk-bench-${process.pid}`
const kms = new FakeKms()
await kms.listen()
const keyId = kms.createKey()
const client = new KMSClient(kms.config())
// Stands for the way to the service.
client.middlewareStack.add(
  (next) => async (by) => {
    await new Promise((resolve) => setTimeout(resolve, kmsMs))
    return next(by)
  },
  { step: 'initialize' },
)
const plain: Sealer = { seal: async (_, text) => text, open: async (_, sealed) => sealed }
const local = keySealer(new Uint8Array(32).fill(9))
let folders = 0
const folder = () => join(work, `${++folders}`)

/** A store as a process of its own opens it: on the same place, with nothing in memory. */
type Open = () => CredentialStore
const stores: Record<string, () => Open> = {
  'file, plain': () => {
    const dir = folder()
    return () => fileStore({ dir, sealer: plain })
  },
  'file, local key': () => {
    const dir = folder()
    return () => fileStore({ dir })
  },
  'file, KMS': () => {
    const dir = folder()
    return () => fileStore({ dir, sealer: kmsSealer({ keyId, client }) })
  },
  'Redis, plain': () => {
    const at = `${prefix}-${++folders}`
    return () => redisStore(ioredisClient(redis), { sealer: null, prefix: at })
  },
  'Redis, local key': () => {
    const at = `${prefix}-${++folders}`
    return () => redisStore(ioredisClient(redis), { sealer: local, prefix: at })
  },
}

const app = (origin: string, store: CredentialStore) =>
  createAuth({
    provider: endpoints({ issuer: origin, token: `${origin}/token` }),
    clientId: 'bench',
    clientSecret: 'secret',
    store,
    refresh: { background: false },
  })

/** A CLI that runs again and again: each time a new instance, one token, N calls. */
async function burst(origin: string, open: Open | null, calls: number, runs: number) {
  const ms: number[] = []
  const once = async () => {
    const began = performance.now()
    const auth = app(origin, open ? open() : memoryStore())
    const token = await auth.app().token()
    for (let n = 0; n < calls; n++)
      await (await fetch(`${origin}/api`, { headers: { authorization: `Bearer ${token}` } })).text()
    ms.push(performance.now() - began)
    await auth.close()
  }
  await once() // connections, and the first token into the store
  ms.length = 0
  for (let n = 0; n < runs; n += 4) await Promise.all([once(), once(), once(), once()])
  return median(ms)
}

/**
 * A server: one instance, calls one after another, a token that expires now and then. Each call has an
 * anonymous one of the same kind beside it, first or second in turn: what the token costs is the difference.
 */
async function server(origin: string, open: Open | 'none', pairs: number) {
  const auth = app(origin, open === 'none' ? memoryStore() : open())
  const account = auth.app()
  await account.token()
  const send = async (path: string, headers: Record<string, string> = {}) =>
    void (await (await fetch(`${origin}${path}`, { headers })).text())
  const calls = {
    anonymous: () => send('/open'),
    authorized: async () => {
      const source = open === 'none' ? app(origin, memoryStore()).app() : account
      await send('/api', { authorization: `Bearer ${await source.token()}` })
    },
  }
  for (let n = 0; n < 200; n++) await calls.anonymous() // warm
  await fetch(`${origin}/stats`)
  const ms = { anonymous: [] as number[], authorized: [] as number[] }
  const cpu = { anonymous: 0, authorized: 0 }
  for (let n = 0; n < pairs; n++)
    for (const kind of n % 2 === 0
      ? (['anonymous', 'authorized'] as const)
      : (['authorized', 'anonymous'] as const)) {
      const before = process.cpuUsage()
      const began = performance.now()
      await calls[kind]()
      ms[kind].push(performance.now() - began)
      const { user, system } = process.cpuUsage(before)
      cpu[kind] += (user + system) / 1_000
    }
  const { tokenCalls } = (await (await fetch(`${origin}/stats`)).json()) as { tokenCalls: number }
  await auth.close()
  const mean = (some: readonly number[]) => some.reduce((sum, one) => sum + one, 0) / some.length
  const costs = ms.authorized.map((one, n) => one - (ms.anonymous[n] ?? Number.NaN))
  return {
    pairs,
    anonymous_mean_ms: round(mean(ms.anonymous)),
    auth_ms_per_call: round(mean(costs)),
    auth_ms_95: interval(costs, mean),
    auth_cpu_ms_per_call: round((cpu.authorized - cpu.anonymous) / pairs),
    token_calls_per_1000: round((tokenCalls / pairs) * 1_000),
  }
}

// 1. The server.
const servers: Record<string, object> = {}
{
  const options = JSON.stringify({ lifetimeSeconds: 4, delayMs: tokenMs })
  await using at = await far('provider-server.ts', [options], { API_MS: '2' })
  const arms: Record<string, [Open | 'none', number]> = {
    'kept nowhere': ['none', 100],
    memory: [memoryStore, 1_500],
    ...Object.fromEntries(
      Object.entries(stores).map(([name, make]) => [name, [make(), 1_500] as [Open, number]]),
    ),
  }
  for (const [name, [open, calls]] of Object.entries(arms)) {
    servers[name] = await server(at.origin, open, calls)
    console.log(`server, ${name}:`, JSON.stringify(servers[name]))
  }
}

// 2. The CLI.
const bursts = []
{
  const options = JSON.stringify({ lifetimeSeconds: 3_600, delayMs: tokenMs })
  await using at = await far('provider-server.ts', [options], { API_MS: String(apiMs) })
  for (const N of [1, 2, 4, 8]) {
    const none = await burst(at.origin, null, N, 24)
    const row: Record<string, number> = { N, 'kept nowhere': round(none, 4) }
    for (const [name, make] of Object.entries(stores)) {
      const ms = await burst(at.origin, make(), N, 24)
      row[name] = round(ms, 4)
      row[`${name} saves %`] = round((1 - ms / none) * 100)
    }
    row['model %'] = round((tokenMs / (tokenMs + N * apiMs)) * 100)
    bursts.push(row)
    console.log('cli', JSON.stringify(row))
  }
}

// 3. One look into a store, as each start of a process takes one.
const looks: Record<string, number> = {}
{
  const options = JSON.stringify({ lifetimeSeconds: 3_600 })
  await using at = await far('provider-server.ts', [options])
  const binding = { issuer: at.origin, clientId: 'bench', account: '(app)', resource: '' }
  const dir = folder()
  const measured: Record<string, Open> = {
    ...Object.fromEntries(Object.entries(stores).map(([name, make]) => [name, make()])),
    'file, KMS without cache': () =>
      fileStore({ dir, sealer: kmsSealer({ keyId, client, maxUses: 1 }) }),
  }
  for (const [name, open] of Object.entries(measured)) {
    const store = open()
    await app(at.origin, store).app().token()
    const ms: number[] = []
    for (let n = 0; n < 100; n++) {
      const began = performance.now()
      await store.load(binding)
      ms.push(performance.now() - began)
    }
    looks[name] = round(median(ms))
  }
  console.log('one look, ms:', JSON.stringify(looks))
}

const keys = await redis.keys(`${prefix}*`)
if (keys.length > 0) await redis.del(keys)
redis.disconnect()
client.destroy()
await kms.close()
rmSync(work, { recursive: true })
keep(
  'token-cache',
  {
    '@aws-sdk/client-kms': versionOf(
      join(import.meta.dirname, '../../node_modules/@aws-sdk/client-kms'),
    ),
    ioredis: versionOf(join(import.meta.dirname, '../../node_modules/ioredis')),
  },
  {
    times_ms: { token: tokenMs, api: apiMs, kms: kmsMs },
    twenty_percent_at: 'N·C = 4·A',
    servers,
    bursts,
    looks_ms: looks,
  },
)
