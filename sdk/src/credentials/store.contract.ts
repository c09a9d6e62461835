import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../platform/secret.ts'
import type { Binding, Credential } from './credential.ts'
import type { CredentialStore } from './store.ts'

export const binding = (account = 'alice'): Binding => ({
  issuer: 'https://id.test',
  clientId: 'app',
  account,
  resource: '',
})

export const credential = (account = 'alice', generation = 1): Credential => ({
  binding: binding(account),
  generation,
  tokens: {
    accessToken: new Secret(`at-${account}-${generation}`),
    tokenType: 'bearer',
    refreshToken: new Secret(`rt-${account}-${generation}`),
    idToken: null,
    scope: 'a b',
    obtainedAt: 1,
    lifetimeMs: 3_600_000,
    refreshInMs: null,
    subject: null,
    proofKey: null,
  },
  intent: { attempt: 'x', at: 2 },
  dead: null,
  journal: [],
})

/** What every store must show. `open` opens the same storage again, as another process would. */
export function credentialStoreContract(name: string, open: () => CredentialStore): void {
  test(`${name}: what was saved is loaded again, secrets included`, async () => {
    assert.equal(await open().save(binding(), credential(), null), 1)
    const stored = await open().load(binding())
    assert.ok(stored.state === 'present')
    assert.equal(stored.credential.tokens.refreshToken?.reveal(), 'rt-alice-1')
    assert.deepEqual(stored.credential.intent, { attempt: 'x', at: 2 })
    assert.equal(stored.revision, 1)
  })

  test(`${name}: a save over a revision that is gone changes nothing`, async () => {
    const store = open()
    assert.equal(await store.save(binding(), credential('alice', 9), null), null)
    assert.equal(await store.save(binding(), credential('alice', 9), 7), null)
    assert.equal(await store.save(binding(), credential('alice', 2), 1), 2)
    assert.equal(await store.save(binding(), credential('alice', 9), 1), null)
    const stored = await store.load(binding())
    assert.ok(stored.state === 'present' && stored.credential.generation === 2)
  })

  test(`${name}: another account, client, issuer or resource sees nothing of it`, async () => {
    for (const other of [
      binding('bob'),
      { ...binding(), clientId: 'other' },
      { ...binding(), issuer: 'https://evil.test' },
      { ...binding(), resource: 'https://api.test' },
    ])
      assert.equal((await open().load(other)).state, 'absent')
  })

  test(`${name}: accounts are listed by issuer and client`, async () => {
    await open().save(binding('bob'), credential('bob'), null)
    assert.deepEqual(await open().list(binding()), ['alice', 'bob'])
    assert.deepEqual(await open().list({ ...binding(), clientId: 'other' }), [])
  })

  test(`${name}: turns never overlap, and who leaves the line does not get one`, async () => {
    let inside = 0
    const work = async () => {
      assert.equal(++inside, 1)
      await new Promise((resolve) => setImmediate(resolve))
      inside--
    }
    const gone = new AbortController()
    const results = Promise.all([
      ...Array.from({ length: 20 }, () => open().exclusive(binding(), work)),
      assert.rejects(open().exclusive(binding(), work, gone.signal), /left/),
      assert.rejects(
        open().exclusive(binding(), () => Promise.reject(new Error('boom'))),
        /boom/,
      ),
    ])
    gone.abort(new Error('left'))
    await results
  })

  test(`${name}: removing takes the revision that was seen, or any`, async () => {
    const store = open()
    assert.equal(await store.remove(binding(), 1), false)
    assert.equal(await store.remove(binding(), 2), true)
    assert.equal(await store.remove(binding('bob'), 'any'), true)
    assert.equal(await store.remove(binding('bob'), 'any'), false)
    assert.equal((await store.load(binding())).state, 'absent')
  })
}
