import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { keySealer } from '../credentials/sealing.ts'
import { binding, credential, credentialStoreContract } from '../credentials/store.contract.ts'
import { createAuth, discover, StoreUnavailable } from '../index.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { FakeVault } from '../testing/fake-vault.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { vaultSealer } from '../vault/vault-sealer.ts'
import { ioredisClient, type RedisClient, redisStore } from './redis-store.ts'

const url = process.env.LATCHKEY_TEST_REDIS_URL
const sealer = keySealer(new Uint8Array(32).fill(7))
const prefix = `lk-sdk-test-${process.pid}-${Date.now()}`

if (url) {
  const redis = new Redis(url)
  const client = ioredisClient(redis)
  after(async () => {
    const keys = await redis.keys(`${prefix}*`)
    if (keys.length > 0) await redis.del(keys)
    redis.disconnect()
  })

  credentialStoreContract('redis', () => redisStore(client, { sealer, prefix: `${prefix}-a` }))

  test('no token is readable in Redis, and a moved value does not open', async () => {
    const store = redisStore(client, { sealer, prefix: `${prefix}-b` })
    await store.save(binding(), credential(), null)
    await store.save(binding('bob'), credential('bob'), null)
    const keys = await redis.keys(`${prefix}-b*credential*`)
    const bodies = await Promise.all(keys.map((key) => redis.hget(key, 'body')))
    assert.equal(bodies.length, 2)
    assert.ok(bodies.every((body) => body && !/[ar]t-(alice|bob)/.test(body)))
    await redis.hset(keys[0] ?? '', 'body', bodies[1] ?? '')
    await redis.hset(keys[1] ?? '', 'body', bodies[0] ?? '')
    for (const who of ['alice', 'bob'])
      assert.equal((await store.load(binding(who))).state, 'damaged')
    assert.ok(await store.save(binding(), credential(), null), 'signing in again repairs it')
  })

  test('rewrapping moves the seal of what lies in Redis, and a save in between wins', async () => {
    const vault = new FakeVault()
    vault.createKey('tokens')
    const seal = () =>
      vaultSealer({
        address: vault.address,
        key: 'tokens',
        token: vault.token,
        fetch: vault.fetch,
      })
    const open = () => redisStore(client, { sealer: seal(), prefix: `${prefix}-e` })
    await open().save(binding(), credential('alice', 1), null)
    vault.rotate('tokens')
    const racing = seal()
    const store = redisStore(client, {
      prefix: `${prefix}-e`,
      sealer: {
        ...racing,
        async rewrap(context, sealed) {
          await open().save(binding(), credential('alice', 2), 1)
          return racing.rewrap(context, sealed)
        },
      },
    })
    assert.equal(await store.rewrap?.(binding()), true)
    assert.equal(await open().rewrap?.(binding()), true)
    assert.equal(await open().rewrap?.(binding('nobody')), false)
    vault.retire('tokens', 2)
    const stored = await open().load(binding())
    assert.ok(stored.state === 'present' && stored.credential.generation === 2)
  })

  test('a node that died gives its turn up, and one that lost it unawares is fenced off', async () => {
    const open = (by = {}) =>
      redisStore(client, { sealer, prefix: `${prefix}-c`, leaseMs: 150, ...by })
    const frozen = open({ clock: virtualClock() }) // its extensions never come
    const revision = await frozen.save(binding(), credential('alice', 1), null)
    const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>()
    const { promise: held, resolve: hold } = Promise.withResolvers<void>()
    const late = frozen.exclusive(binding(), async () => {
      hold()
      await thawed
      return frozen.save(binding(), credential('alice', 2), revision)
    })
    await held // else the successor may be first, and the frozen clock waits for ever
    const successor = open()
    await successor.exclusive(binding(), async () => {
      assert.ok(await successor.save(binding(), credential('alice', 3), revision))
      thaw()
      assert.equal(await late, null, 'the late save changes nothing')
      await assert.rejects(
        open().exclusive(binding(), async () => {}, AbortSignal.timeout(30)),
        'giving the lost lease back did not free the successor’s',
      )
    })
    const stored = await successor.load(binding())
    assert.ok(stored.state === 'present' && stored.credential.generation === 3)
  })

  test('four nodes with 100 callers each redeem every refresh token once', async () => {
    const provider = new FakeProvider({ lifetimeSeconds: 3_600 })
    const nodes = Array.from({ length: 4 }, () =>
      createAuth({
        provider: discover(provider.issuer),
        clientId: 'app',
        store: redisStore(client, { sealer, prefix: `${prefix}-d` }),
        fetch: provider.fetch,
        refresh: { background: false },
      }),
    )
    await nodes[0]?.signInByCode(provider.code())
    for (let round = 0; round < 3; round++) {
      const stale = (await nodes[0]?.account().token()) ?? ''
      const tokens = await Promise.all(
        nodes.flatMap((node) => Array.from({ length: 100 }, () => node.account().token({ stale }))),
      )
      assert.equal(new Set(tokens).size, 1)
    }
    assert.deepEqual(
      provider.redemptions.map(({ result }) => result),
      ['rotated', 'rotated', 'rotated'],
    )
    await Promise.all(nodes.map((node) => node.close()))
  })
}

test('without Redis nothing is renewed, and nobody is signed out', async () => {
  const away: RedisClient = {
    eval: () => Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' })),
  }
  const provider = new FakeProvider()
  const account = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    store: redisStore(away, { sealer }),
    fetch: provider.fetch,
  }).account()
  await assert.rejects(account.token(), StoreUnavailable)
  assert.equal(provider.requests, 0)
})

test('what Redis refuses is told by its own word, without what was sent', async () => {
  const replica: RedisClient = {
    async eval(_script, keys, args) {
      if (args.length === 0) return [null, null]
      if (args.length < 4) return 1 // the turn
      const error = new Error("READONLY You can't write against a read only replica.")
      // As ioredis has it.
      throw Object.assign(error, {
        name: 'ReplyError',
        command: { name: 'eval', args: [...keys, ...args] },
      })
    },
  }
  const provider = new FakeProvider()
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    fetch: provider.fetch,
    store: redisStore(replica, { sealer: null, prefix }),
  })
  const error: unknown = await auth.signInByCode(provider.code()).catch((reason) => reason)
  assert.ok(error instanceof StoreUnavailable)
  assert.match(error.message, /READONLY/)
  assert.doesNotMatch(inspect(error, { depth: 20, showHidden: true }), /[ar]t-[0-9a-f]{8}/)
})
