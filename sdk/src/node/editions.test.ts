import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { binding, credential } from '../credentials/store.contract.ts'
import { readEdition, removeEditions, writeEdition } from './editions.ts'
import { fileStore } from './file-store.ts'

const root = mkdtempSync(join(tmpdir(), 'latchkey-editions-'))
after(() => rmSync(root, { recursive: true }))
let files = 0

function fixture() {
  const name = `file${++files}`
  const path = join(root, name)
  const write = (
    before: number | null,
    text: string,
    place?: (draft: string, target: string) => Promise<void>,
  ) => writeEdition(path, text, before, place)
  const left = () => readdirSync(root).filter((one) => one.startsWith(`${name}.`))
  const now = async () => {
    const found = await readEdition(path)
    return found && `${found.number} ${found.read.state === 'present' ? found.read.text : ''}`
  }
  return { path, write, left, now }
}
const noLinks = () => Promise.reject(Object.assign(new Error('no links'), { code: 'EPERM' }))

for (const place of [undefined, noLinks])
  test(`of fifty writers of one edition, without any lock, one succeeds${place ? ', hard links or not' : ''}`, async () => {
    const { path, write, left, now } = fixture()
    assert.equal(await now(), null)
    for (let round = 0; round < 5; round++) {
      const before = round === 0 ? null : round
      const asked = Array.from({ length: 50 }, (_, i) => write(before, `by ${i}`, place))
      const done = await Promise.all(asked)
      assert.equal(done.filter(Boolean).length, 1)
      assert.equal(await now(), `${round + 1} by ${done.indexOf(true)}`)
    }
    assert.equal(left().length, 1, 'no draft and no older edition is left')
    assert.equal(statSync(`${path}.5.credential`).mode & 0o777, 0o600)
  })

test('a writer that was frozen while others went on changes nothing', async () => {
  const { write, now } = fixture()
  await write(null, 'one')
  const frozen = async (draft: string, target: string) => {
    await write(1, 'two')
    await write(2, 'three')
    const { link } = await import('node:fs/promises')
    await link(draft, target) // its number is free again, and behind
  }
  assert.equal(await write(1, 'late', frozen), false)
  assert.equal(await now(), '3 three')
})

test('a writer that was frozen while the file was removed does not bring it back', async () => {
  const { path, write, left } = fixture()
  await write(null, 'one')
  const frozen = async (draft: string, target: string) => {
    await removeEditions(path)
    const { link } = await import('node:fs/promises')
    await link(draft, target)
  }
  assert.equal(await write(1, 'late', frozen), false)
  assert.deepEqual(left(), [])
})

test('an edition whose writer was killed before it swept up counts, and older ones go with the next', async () => {
  const { path, write, left, now } = fixture()
  await write(null, 'one')
  writeFileSync(`${path}.2.credential`, 'two')
  assert.equal(await now(), '2 two')
  assert.equal(await write(1, 'late'), false)
  assert.equal(await write(2, 'three'), true)
  assert.equal(left().length, 1)
})

test('drafts of killed writers are swept away, those of living ones are not', async () => {
  const { path, write, left } = fixture()
  writeFileSync(`${path}.aaaa.draft`, 'dead')
  utimesSync(`${path}.aaaa.draft`, 1, 1)
  writeFileSync(`${path}.bbbb.draft`, 'alive')
  await write(null, 'one')
  assert.deepEqual(left().length, 2)
})

test('a store saves by edition: fifty saves at once, one wins, and the losers are told', async () => {
  const dir = join(root, 'store')
  const stores = Array.from({ length: 50 }, () => fileStore({ dir }))
  const first = stores[0]
  assert.ok(first)
  await first.save(binding(), credential('alice', 1), null)
  const saved = await Promise.all(
    stores.map((store, i) => store.save(binding(), credential('alice', i + 2), 1)),
  )
  assert.deepEqual(
    saved.filter((one) => one !== null),
    [2],
  )
  const stored = await first.load(binding())
  assert.ok(stored.state === 'present')
  assert.equal(stored.credential.generation, saved.indexOf(2) + 2)
})
