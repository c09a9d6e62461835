import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { KMSClient } from '@aws-sdk/client-kms'
import { createAuth } from '../auth.ts'
import {
  alice,
  type Bench,
  damaged,
  envelopeContract,
  troubled,
} from '../credentials/envelope.contract.ts'
import { keySealer } from '../credentials/sealing.ts'
import { binding, credential } from '../credentials/store.contract.ts'
import type { KeyTrouble } from '../errors/errors.ts'
import { KeyServiceError } from '../errors/errors.ts'
import type { AuthEvent } from '../events.ts'
import { fileStore } from '../node/file-store.ts'
import { discover } from '../provider/provider.ts'
import { FakeKms } from '../testing/fake-kms.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { kmsSealer } from './kms-sealer.ts'

// The real AWS client throughout; the fake checks each of its signatures.
const kms = new FakeKms()
await kms.listen()
const clients: KMSClient[] = []
after(async () => {
  for (const client of clients) client.destroy()
  await kms.close()
})

/** One try, so that an outage is over quickly. */
const client = (more: object = {}) => {
  const made = new KMSClient({ ...kms.config(), maxAttempts: 1, ...more })
  clients.push(made)
  return made
}

envelopeContract('KMS', (): Bench => {
  const keyId = kms.createKey()
  let seen = kms.calls.length
  let dead: KMSClient | undefined
  const real = client()
  const away = () => (dead ??= client({ endpoint: 'http://127.0.0.1:1' }))
  let now: KMSClient = real
  return {
    open: (by) =>
      kmsSealer({
        keyId,
        // Stands for the network between client and service.
        client: {
          send: (...args: Parameters<KMSClient['send']>) => now.send(...args),
        } as KMSClient,
        ...by,
      }),
    asked() {
      const calls = kms.calls.slice(seen)
      seen = kms.calls.length
      const count = (operation: string) => calls.filter((one) => one.operation === operation).length
      return {
        generated: count('GenerateDataKey'),
        unwrapped: count('Decrypt'),
        rewrapped: count('ReEncrypt'),
      }
    },
    trouble(kind) {
      now = kind === 'away' ? away() : real
      kms.refuses = () => kind === 'denied'
    },
  }
})

test('the encryption context names issuer, client and account, the account not readable', async () => {
  const keyId = kms.createKey()
  await kmsSealer({ keyId, client: client() }).seal(alice(), 'text')
  const context = kms.calls.at(-1)?.context ?? {}
  assert.deepEqual(Object.keys(context).sort(), [
    'latchkey:account',
    'latchkey:client',
    'latchkey:issuer',
  ])
  assert.equal(context['latchkey:issuer'], 'https://id.test')
  assert.ok(!JSON.stringify(context).includes('alice'))
})

test('every refusal of KMS is told as what it is and says what to do', async () => {
  const keyId = kms.createKey()
  const sealer = kmsSealer({ keyId, client: client(), maxUses: 1 })
  const expected: Record<string, KeyTrouble> = {
    ThrottlingException: 'busy',
    LimitExceededException: 'busy',
    KMSInternalException: 'away',
    DependencyTimeoutException: 'away',
    KeyUnavailableException: 'away',
    AccessDeniedException: 'denied',
    ExpiredTokenException: 'denied',
    InvalidKeyUsageException: 'misconfigured',
    SomethingOfTomorrow: 'misconfigured',
  }
  for (const [error, trouble] of Object.entries(expected)) {
    kms.faults.push({ error })
    await assert.rejects(sealer.seal(alice(), 'text'), troubled(trouble), error)
  }
  kms.faults.push({ error: 'WhateverItIs', status: 503 }, { error: 'WhateverItIs', status: 429 })
  await assert.rejects(sealer.seal(alice(), 'text'), troubled('away'))
  await assert.rejects(sealer.seal(alice(), 'text'), troubled('busy'))
  kms.faults.push('reset')
  await assert.rejects(sealer.seal(alice(), 'text'), troubled('away'))
  const sealed = await sealer.seal(alice(), 'text')
  for (const [state, trouble] of [
    ['Disabled', 'disabled'],
    ['PendingDeletion', 'pending'],
  ] as const) {
    kms.setState(keyId, state)
    await assert.rejects(sealer.open(alice(), sealed), troubled(trouble))
    await assert.rejects(sealer.seal(alice(), 'text'), troubled(trouble))
  }
  kms.setState(keyId, 'Enabled')
  assert.equal(await sealer.open(alice(), sealed), 'text', 'enabled again, all is well')
  const nowhere = kmsSealer({ keyId: 'alias/nobody', client: client() })
  await assert.rejects(nowhere.seal(alice(), 'text'), troubled('unknown'))
})

test('a wrong secret, a wrong region and no credentials are refused, not taken for damage', async () => {
  const keyId = kms.createKey()
  const open = (more: object) => kmsSealer({ keyId, client: client(more) })
  const sealed = await open({}).seal(alice(), 'text')
  const credentials = { ...kms.credentials, secretAccessKey: 'not it' }
  await assert.rejects(open({ credentials }).open(alice(), sealed), troubled('denied'))
  await assert.rejects(open({ region: 'us-east-1' }).open(alice(), sealed), troubled('denied'))
  const none = () => Promise.reject(new Error('no credentials'))
  await assert.rejects(open({ credentials: none }).open(alice(), sealed), troubled('misconfigured'))
})

test('a KMS that never answers is given up in time', async () => {
  kms.faults.push('hang')
  const sealer = kmsSealer({ keyId: kms.createKey(), client: client(), timeoutMs: 60 })
  await assert.rejects(sealer.seal(alice(), 'text'), troubled('away'))
})

test('by ARN only that key opens; behind an alias the key may change, and rewrapping moves on', async () => {
  const first = kms.createKey('tokens')
  const behind = () => kmsSealer({ keyId: 'alias/tokens', client: client() })
  const sealed = await behind().seal(alice(), 'text')
  const second = kms.createKey('tokens')
  assert.equal(await behind().open(alice(), sealed), 'text')
  const pinned = kmsSealer({ keyId: second, client: client() })
  await assert.rejects(pinned.open(alice(), sealed), damaged)
  const moved = await behind().rewrap(alice(), sealed)
  kms.setState(first, 'PendingDeletion')
  assert.equal(await pinned.open(alice(), moved), 'text')
})

test('a store sealed by KMS: with KMS away nothing is spent, and afterwards everything goes on', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-kms-'))
  const clock = virtualClock(Date.now())
  const provider = new FakeProvider({ clock })
  const keyId = kms.createKey()
  const open = () => {
    const sealer = kmsSealer({ keyId, client: client(), clock, staleMs: 0 })
    const auth = createAuth({
      provider: discover(provider.issuer),
      clientId: 'app',
      store: fileStore({ dir, sealer }),
      fetch: provider.fetch,
      clock,
      refresh: { background: false },
    })
    return auth
  }
  try {
    await open().signInByCode(provider.code())
    const account = open().account()
    const old = await account.token()
    await clock.advance(50 * 60_000) // the early window, and the data keys are too old
    kms.setState(keyId, 'Disabled')
    assert.equal(await account.token(), old)
    await clock.settle()
    assert.equal(provider.redemptions.length, 0, 'the refresh token never left')
    await clock.advance(11 * 60_000)
    await assert.rejects(account.token(), (error) => {
      assert.ok(error instanceof KeyServiceError)
      return error.trouble === 'disabled' && /Enable it again/.test(error.message)
    })
    kms.setState(keyId, 'Enabled')
    await clock.advance(60_000)
    assert.ok(provider.accepts(await account.token()))
    assert.equal(await open().rewrap(), 1)
    assert.ok(provider.accepts(await open().account().token()))
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('stale keys are told as an event, in the language of the app', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-kms-'))
  const clock = virtualClock(Date.now())
  const store = fileStore({
    dir,
    sealer: kmsSealer({ keyId: kms.createKey(), client: client(), clock }),
  })
  const events: AuthEvent[] = []
  const auth = createAuth({
    provider: discover('https://id.test'),
    clientId: 'app',
    store,
    clock,
    locale: 'zh',
  })
  auth.on((event) => events.push(event))
  try {
    await store.save(binding(), credential(), null)
    await clock.advance(10 * 60_000)
    kms.faults.push({ error: 'KMSInternalException', status: 500 })
    assert.equal((await store.load(binding())).state, 'present')
    const [event] = events
    assert.ok(event?.type === 'store_warning' && event.code === 'key_service_away')
    assert.match(event.message, /密钥服务/)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('what the local key sealed still opens after moving to KMS, and is moved by rewrapping', async () => {
  const before = keySealer(new Uint8Array(32).fill(3))
  const sealed = await before.seal(alice(), 'text')
  const sealer = kmsSealer({ keyId: kms.createKey(), client: client(), before })
  assert.equal(await sealer.open(alice(), sealed), 'text')
  const moved = await sealer.rewrap(alice(), sealed)
  assert.match(moved, /^v2\.kms\./)
  assert.equal(await sealer.open(alice(), moved), 'text')
})
