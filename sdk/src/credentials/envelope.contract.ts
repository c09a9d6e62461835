import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyServiceError, type KeyTrouble } from '../errors/errors.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import type { EnvelopeOptions, EnvelopeSealer } from './envelope.ts'
import { credentialContext } from './sealing.ts'
import { binding } from './store.contract.ts'

/** A fake key service as the contract sees it. */
export type Bench = {
  /** A new process with a sealer of its own over the same service. */
  open(by: EnvelopeOptions): EnvelopeSealer
  /** What was asked of the service since the last call. */
  asked(): { generated: number; unwrapped: number; rewrapped: number }
  /** Puts the service into trouble, and out of it again. */
  trouble(kind: KeyTrouble | null): void
}

export const alice = (revision = 1) => credentialContext(binding('alice'), revision)
const bob = credentialContext(binding('bob'), 1)
const minute = 60_000

/** Trouble of the service says which; damage is an error without a code, so stores can tell. */
export const troubled = (trouble: KeyTrouble) => (error: unknown) =>
  error instanceof KeyServiceError && error.trouble === trouble && error.nextStep !== ''
export const damaged = (error: unknown) =>
  error instanceof Error && typeof (error as { code?: unknown }).code !== 'string'

/** What sealing by any key service must show. */
export function envelopeContract(name: string, start: () => Bench): void {
  const begin = (by: EnvelopeOptions = {}) => {
    const bench = start()
    bench.asked()
    const clock = virtualClock(Date.now()) // signatures need today's date
    return { ...bench, clock, sealer: bench.open({ clock, ...by }) }
  }

  test(`${name}: what was sealed opens in another process, which asks once for all its callers`, async () => {
    const { open, clock, sealer, asked } = begin()
    const sealed = await sealer.seal(alice(), 'rt-secret')
    assert.ok(!sealed.includes('rt-secret') && !sealed.includes('alice'))
    assert.equal(await sealer.open(alice(), sealed), 'rt-secret')
    assert.deepEqual(
      asked(),
      { generated: 1, unwrapped: 0, rewrapped: 0 },
      'its own key is at hand',
    )
    const another = open({ clock })
    const texts = await Promise.all(Array.from({ length: 50 }, () => another.open(alice(), sealed)))
    assert.deepEqual(new Set(texts), new Set(['rt-secret']))
    assert.deepEqual(asked(), { generated: 0, unwrapped: 1, rewrapped: 0 })
  })

  test(`${name}: another account, another revision, any changed byte: nothing opens, and it is damage`, async () => {
    const { open, clock, sealer } = begin()
    const sealed = await sealer.seal(alice(1), 'rt-secret')
    for (const context of [bob, alice(2)])
      await assert.rejects(open({ clock }).open(context, sealed), damaged)
    // One character in each part: kind, wrapped key, iv, body. The last one of a part may be padding.
    let at = 0
    for (const part of sealed.split('.')) {
      const place = at + Math.floor(part.length / 2)
      const other = sealed[place] === 'A' ? 'B' : 'A'
      const changed = `${sealed.slice(0, place)}${other}${sealed.slice(place + 1)}`
      await assert.rejects(open({ clock }).open(alice(1), changed), damaged, changed)
      at += part.length + 1
    }
    for (const text of ['', 'v2', 'v1.a.b', `${sealed}.x`, sealed.slice(0, -30)])
      await assert.rejects(open({ clock }).open(alice(1), text), damaged, text)
  })

  test(`${name}: a data key is used only so often and so long, and each owner has its own`, async () => {
    const { clock, sealer, asked } = begin({ maxUses: 10, maxAgeMs: 5 * minute })
    await Promise.all(Array.from({ length: 10 }, (_, i) => sealer.seal(alice(i), 'text')))
    assert.equal(asked().generated, 1)
    await sealer.seal(alice(), 'text')
    assert.equal(asked().generated, 1, 'the eleventh use is another key’s first')
    await clock.advance(5 * minute)
    await sealer.seal(alice(), 'text')
    assert.equal(asked().generated, 1)
    await sealer.seal(bob, 'text')
    assert.equal(asked().generated, 1)
  })

  test(`${name}: with the service away, keys at hand serve for the stale time, and it is told once`, async () => {
    const { clock, sealer, asked, trouble } = begin({ maxAgeMs: minute, staleMs: 10 * minute })
    const warnings: string[] = []
    sealer.watch?.((warning) => warnings.push(warning.code))
    const sealed = await sealer.seal(alice(), 'text')
    trouble('away')
    asked()
    await clock.advance(2 * minute)
    for (let i = 0; i < 20; i++) {
      assert.equal(await sealer.open(alice(), sealed), 'text')
      await sealer.seal(alice(), 'more')
    }
    const { generated, unwrapped } = asked()
    assert.ok(generated + unwrapped <= 1, 'the service is left alone')
    assert.deepEqual(warnings, ['key_service_away'])
    await assert.rejects(sealer.seal(bob, 'text'), troubled('away'), 'no key of bob’s is at hand')
    await clock.advance(10 * minute)
    await assert.rejects(sealer.open(alice(), sealed), troubled('away'), 'the stale time is over')
    trouble(null)
    await clock.advance(minute)
    assert.equal(await sealer.open(alice(), sealed), 'text')
    trouble('away')
    await clock.advance(2 * minute)
    assert.equal(await sealer.open(alice(), sealed), 'text')
    assert.equal(warnings.length, 2, 'a second outage is told again')
  })

  test(`${name}: without a stale time the service has to be there`, async () => {
    const { clock, sealer, trouble } = begin({ maxAgeMs: minute, staleMs: 0 })
    const sealed = await sealer.seal(alice(), 'text')
    trouble('away')
    assert.equal(await sealer.open(alice(), sealed), 'text')
    await clock.advance(minute)
    await assert.rejects(sealer.open(alice(), sealed), troubled('away'))
  })

  test(`${name}: a service that says no ends every cached key at once`, async () => {
    const { clock, sealer, trouble } = begin({ maxAgeMs: minute, staleMs: 60 * minute })
    const sealed = await sealer.seal(alice(), 'text')
    const other = await sealer.seal(bob, 'text')
    trouble('denied')
    await clock.advance(30_000)
    await sealer.seal(alice(), 'still fresh')
    await clock.advance(30_000)
    await assert.rejects(sealer.open(alice(), sealed), troubled('denied'))
    trouble('away')
    await assert.rejects(sealer.open(alice(), sealed), troubled('away'), 'nothing is left to serve')
    await assert.rejects(sealer.open(bob, other), troubled('away'))
    trouble(null)
    assert.equal(await sealer.open(bob, other), 'text')
  })

  test(`${name}: rewrapping moves the data key alone, and forgetting asks again`, async () => {
    const { open, clock, sealer, asked } = begin()
    const sealed = await sealer.seal(alice(), 'text')
    const moved = await sealer.rewrap(alice(), sealed)
    assert.notEqual(moved, sealed)
    assert.deepEqual(moved.split('.').slice(-2), sealed.split('.').slice(-2))
    assert.equal(asked().rewrapped, 1)
    assert.equal(await open({ clock }).open(alice(), moved), 'text')
    await assert.rejects(sealer.rewrap(bob, 'v1.a.b'), damaged)
    asked()
    sealer.forget()
    await sealer.open(alice(), sealed)
    assert.equal(asked().unwrapped, 1)
  })
}
