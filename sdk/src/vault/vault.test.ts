import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  alice,
  type Bench,
  damaged,
  envelopeContract,
  troubled,
} from '../credentials/envelope.contract.ts'
import { KeyServiceError } from '../errors/errors.ts'
import { FakeVault } from '../testing/fake-vault.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { vaultToken } from './token.ts'
import { type VaultSealerOptions, vaultSealer } from './vault-sealer.ts'

function fixture(by: { namespace?: string } = {}) {
  const vault = new FakeVault(by)
  vault.createKey('tokens')
  const open = (more: Partial<VaultSealerOptions> = {}) =>
    vaultSealer({
      address: vault.address,
      key: 'tokens',
      token: vault.token,
      fetch: vault.fetch,
      ...more,
    })
  return { vault, open }
}

envelopeContract('Vault', (): Bench => {
  const { vault, open } = fixture()
  let seen = 0
  return {
    open,
    asked() {
      const paths = vault.calls.slice(seen).map(({ path }) => path)
      seen = vault.calls.length
      const count = (verb: string) =>
        paths.filter((path) => path === `transit/${verb}/tokens`).length
      return {
        generated: count('datakey/plaintext'),
        unwrapped: count('decrypt'),
        rewrapped: count('rewrap'),
      }
    },
    trouble(kind) {
      vault.away = kind === 'away'
      if (kind === 'denied') vault.denied.add('decrypt/tokens').add('datakey/plaintext/tokens')
      else vault.denied.clear()
    },
  }
})

test('sealed, throttled, denied, unmounted, unknown key: each told as what it is', async () => {
  const { vault, open } = fixture()
  const clock = virtualClock()
  const sealer = open({ clock })
  vault.sealed = true
  await assert.rejects(sealer.seal(alice(), 'text'), (error) => {
    assert.ok(troubled('away')(error))
    return /Vault is sealed/.test(String(error)) && /unseal/.test(String(error))
  })
  vault.sealed = false
  vault.throttle = 1
  await assert.rejects(sealer.seal(alice(), 'text'), (error) => {
    assert.ok(error instanceof KeyServiceError && error.trouble === 'busy')
    return error.retryAt === clock.now() + 7_000
  })
  vault.denied.add('datakey/plaintext/tokens')
  await assert.rejects(sealer.seal(alice(), 'text'), troubled('denied'))
  vault.denied.clear()
  vault.mounted = false
  await assert.rejects(sealer.seal(alice(), 'text'), troubled('unknown'))
  vault.mounted = true
  await assert.rejects(open({ key: 'nobody' }).seal(alice(), 'text'), troubled('unknown'))
  const portal = async () => new Response('<html>hotel</html>', { status: 200 })
  await assert.rejects(open({ fetch: portal }).seal(alice(), 'text'), troubled('misconfigured'))
  assert.ok(await sealer.seal(alice(), 'text'))
})

test('after a rotation old texts open, new ones use the new version, and rewrapped ones survive the end of the old', async () => {
  const { vault, open } = fixture()
  const sealed = await open().seal(alice(), 'text')
  vault.rotate('tokens')
  assert.equal(await open().open(alice(), sealed), 'text')
  const newer = await open().seal(alice(), 'newer')
  const moved = await open().rewrap(alice(), sealed)
  vault.retire('tokens', 2)
  assert.equal(await open().open(alice(), moved), 'text')
  assert.equal(await open().open(alice(), newer), 'newer')
  await assert.rejects(open().open(alice(), sealed), damaged, 'signing in again is the way out')
})

test('a key that is not derived still keeps accounts apart: the seal itself does', async () => {
  const { vault, open } = fixture()
  vault.createKey('plain', { derived: false })
  const sealed = await open({ key: 'plain' }).seal(alice(1), 'text')
  assert.equal(await open({ key: 'plain' }).open(alice(1), sealed), 'text')
  await assert.rejects(open({ key: 'plain' }).open(alice(2), sealed), damaged)
})

test('the namespace goes along, and its absence shows', async () => {
  const { vault, open } = fixture({ namespace: 'team-a' })
  await assert.rejects(open().seal(alice(), 'text'), troubled('unknown'))
  await open({ namespace: 'team-a' }).seal(alice(), 'text')
  assert.equal(vault.calls.at(-1)?.namespace, 'team-a')
})

test('a token file is read again when an agent has renewed it, also after a refusal', async () => {
  const { vault, open } = fixture()
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-vault-'))
  const file = join(dir, 'token')
  const sealer = open({ token: vaultToken({ file }), maxUses: 1 })
  try {
    await assert.rejects(sealer.seal(alice(), 'text'), troubled('denied'), 'no file yet')
    writeFileSync(file, `${vault.token}\n`)
    await sealer.seal(alice(), 'text')
    vault.token = 'hvs.renewed-by-the-agent'
    writeFileSync(file, vault.token)
    vault.calls.length = 0
    await sealer.seal(alice(), 'text')
    assert.deepEqual(
      vault.calls.map(({ status }) => status),
      [200],
      'the change of the file was seen without a refusal',
    )
    // Replaced between our reading and Vault's: one refusal, one more try, no third.
    const slow = vaultToken({ file })
    const racing = open({
      token: async (by) => {
        const token = await slow(by)
        if (!by.refused) {
          vault.token = 'hvs.another'
          writeFileSync(file, vault.token)
        }
        return token
      },
    })
    vault.calls.length = 0
    await racing.seal(alice(), 'text')
    assert.deepEqual(
      vault.calls.map(({ status }) => status),
      [403, 200],
    )
    writeFileSync(file, 'two words')
    await assert.rejects(sealer.seal(alice(), 'text'), troubled('denied'))
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('VAULT_TOKEN comes before the home directory’s file, and a named file before both', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-vault-'))
  const file = join(dir, 'token')
  writeFileSync(file, 'hvs.file')
  const env = { VAULT_TOKEN: 'hvs.env' }
  assert.equal(await vaultToken({ env })({ refused: false }), 'hvs.env')
  assert.equal(await vaultToken({ env, file })({ refused: false }), 'hvs.file')
  rmSync(dir, { recursive: true })
})

test('the token goes to https or this machine, and follows no redirect', async () => {
  const { vault, open } = fixture()
  assert.throws(() => open({ address: 'http://vault.example.org:8200' }), TypeError)
  const seen: string[] = []
  const redirecting = async (input: string | URL | Request, init?: RequestInit) => {
    seen.push(String(input))
    assert.equal(init?.redirect, 'manual')
    return new Response(null, { status: 307, headers: { location: 'https://evil.test/' } })
  }
  await assert.rejects(open({ fetch: redirecting }).seal(alice(), 'x'), troubled('misconfigured'))
  assert.deepEqual(seen, [`${vault.address}/v1/transit/datakey/plaintext/tokens`])
})
