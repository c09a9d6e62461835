import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyServiceError } from '../errors/errors.ts'
import { seededRandom, virtualClock } from '../testing/virtual-clock.ts'
import { alice } from './envelope.contract.ts'
import { envelopeSealer, type KeyService } from './envelope.ts'
import { credentialContext } from './sealing.ts'
import { binding } from './store.contract.ts'

/** A key service in this process that shows which bytes it handed out. */
function service() {
  const handed: Uint8Array<ArrayBuffer>[] = []
  const hand = (bytes: Uint8Array<ArrayBuffer>) => {
    handed.push(bytes)
    return bytes
  }
  const keys = new Map<string, Uint8Array<ArrayBuffer>>()
  const made: KeyService = {
    name: 'test',
    async generate() {
      const plain = crypto.getRandomValues(new Uint8Array(32))
      const wrapped = `key ${keys.size}`
      keys.set(wrapped, plain.slice())
      return { plain: hand(plain), wrapped }
    },
    async unwrap(wrapped) {
      const key = keys.get(wrapped)
      if (!key) throw new Error('unknown')
      return hand(key.slice())
    },
    rewrap: async (wrapped) => wrapped,
  }
  return { made, handed, keys }
}

test('plain key bytes are wiped as soon as the key is taken over', async () => {
  const { made, handed } = service()
  const sealed = await envelopeSealer(made).seal(alice(), 'text')
  await envelopeSealer(made).open(alice(), sealed)
  assert.equal(handed.length, 2)
  assert.ok(handed.every((bytes) => bytes.every((byte) => byte === 0)))
  const short: KeyService = {
    ...made,
    generate: async () => {
      const plain = new Uint8Array(16).fill(9)
      handed.push(plain)
      return { plain, wrapped: 'short' }
    },
  }
  await assert.rejects(envelopeSealer(short).seal(alice(), 'text'), /32 bytes/)
  assert.ok(
    handed.at(-1)?.every((byte) => byte === 0),
    'a key that is not taken is wiped, too',
  )
})

test('only so many data keys are kept, and the one unused for longest goes', async () => {
  const { made, handed } = service()
  const sealer = envelopeSealer(made, { maxKeys: 3 })
  const of = (name: string) => credentialContext(binding(name), 1)
  for (const name of ['a', 'b', 'c']) await sealer.seal(of(name), 'text')
  await sealer.seal(of('a'), 'text') // b is now the oldest
  await sealer.seal(of('d'), 'text')
  assert.equal(handed.length, 4)
  for (const name of ['a', 'c', 'd']) await sealer.seal(of(name), 'text')
  assert.equal(handed.length, 4)
  await sealer.seal(of('b'), 'text')
  assert.equal(handed.length, 5)
})

test('a key that comes after everything was forgotten serves those who wait, and is not kept', async () => {
  const { made, handed } = service()
  let release = () => {}
  let hold = true
  let asked = false
  const slow: KeyService = {
    ...made,
    async generate(owner) {
      asked = true
      if (hold) await new Promise<void>((resolve) => (release = resolve))
      return made.generate(owner)
    },
  }
  const sealer = envelopeSealer(slow)
  const waiting = [sealer.seal(alice(1), 'text'), sealer.seal(alice(2), 'text')]
  while (!asked) await new Promise((resolve) => setImmediate(resolve))
  sealer.forget()
  hold = false
  release()
  await Promise.all(waiting)
  assert.equal(handed.length, 1)
  await sealer.seal(alice(3), 'text')
  assert.equal(handed.length, 2)
})

test('a machine that slept, or a clock set forward, ages data keys by the stricter clock', async () => {
  const { made, handed } = service()
  const clock = virtualClock()
  const sealer = envelopeSealer(made, { clock, maxAgeMs: 60_000 })
  await sealer.seal(alice(), 'text')
  clock.jump(61_000)
  await sealer.seal(alice(), 'text')
  assert.equal(handed.length, 2)
  clock.jump(-3_600_000)
  await clock.advance(60_000)
  await sealer.seal(alice(), 'text')
  assert.equal(handed.length, 3, 'a clock set back gives a key no longer life')
})

test('a busy service is left alone for as long as it asks', async () => {
  const { made } = service()
  const clock = virtualClock()
  let asked = 0
  let busy = false
  const limited: KeyService = {
    ...made,
    async generate(owner) {
      asked++
      if (busy) throw new KeyServiceError('busy', { retryAt: clock.now() + 120_000 })
      return made.generate(owner)
    },
  }
  const random = seededRandom(1)
  const sealer = envelopeSealer(limited, { clock, random, maxAgeMs: 60_000 })
  await sealer.seal(alice(), 'text')
  busy = true
  await clock.advance(60_000)
  for (let i = 0; i < 10; i++) {
    await sealer.seal(alice(), 'text')
    await clock.advance(11_000)
  }
  assert.equal(asked, 2)
  await clock.advance(20_000)
  await sealer.seal(alice(), 'text')
  assert.equal(asked, 3)
})
