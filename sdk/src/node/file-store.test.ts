import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { platform, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { after, test } from 'node:test'
import { createAuth } from '../auth.ts'
import { keySealer } from '../credentials/sealing.ts'
import { binding, credential, credentialStoreContract } from '../credentials/store.contract.ts'
import { StoreUnavailable } from '../errors/errors.ts'
import { discover } from '../provider/provider.ts'
import { fileStore } from './file-store.ts'
import { stateDirectory } from './private-files.ts'

const root = mkdtempSync(join(tmpdir(), 'latchkey-sdk-'))
after(() => rmSync(root, { recursive: true }))

credentialStoreContract('file', () => fileStore({ dir: join(root, 'contract') }))
credentialStoreContract('file with leases', () =>
  fileStore({ dir: join(root, 'leases'), lock: { kind: 'lease' } }),
)

let folders = 0
async function saved() {
  const dir = join(root, `f${++folders}`)
  const store = fileStore({ dir })
  await store.save(binding(), credential(), null)
  const name = readdirSync(dir).find((one) => one.endsWith('.credential')) ?? ''
  return { dir, store, path: join(dir, name) }
}

test('folder 0700, files 0600, whatever the umask', async () => {
  const before = process.umask(0)
  try {
    const { dir, store } = await saved()
    await store.exclusive(binding(), async () => {})
    assert.equal(statSync(dir).mode & 0o777, 0o700)
    assert.equal(readdirSync(dir).length, 3, 'credential, lock, key; no draft is left')
    for (const name of readdirSync(dir))
      assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name)
  } finally {
    process.umask(before)
  }
})

test('modes that were opened up are closed again', async () => {
  const { dir, store, path } = await saved()
  chmodSync(path, 0o644)
  chmodSync(dir, 0o755)
  await fileStore({ dir }).load(binding())
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal((await store.load(binding())).state, 'present')
})

test('no token is readable in the files', async () => {
  const { path } = await saved()
  const text = readFileSync(path, 'utf8')
  assert.ok(!text.includes('rt-alice') && !text.includes('at-alice'))
})

test('a file torn at any byte is damage, and signing in again repairs it', async () => {
  const { store, path } = await saved()
  const whole = readFileSync(path)
  for (let length = 0; length < whole.length - 1; length++) {
    writeFileSync(path, whole.subarray(0, length))
    assert.equal((await store.load(binding())).state, 'damaged', `${length} bytes`)
  }
  assert.ok(await store.save(binding(), credential(), null))
  assert.equal((await store.load(binding())).state, 'present')
})

test('any changed byte of the seal, another key or another place is damage', async () => {
  const { dir, store, path } = await saved()
  const whole = readFileSync(path, 'utf8')
  const at = whole.indexOf('v1.') + 30
  writeFileSync(path, `${whole.slice(0, at)}${whole[at] === 'A' ? 'B' : 'A'}${whole.slice(at + 1)}`)
  assert.equal((await store.load(binding())).state, 'damaged')
  writeFileSync(path, whole.replace('"revision":1', '"revision":2'))
  assert.equal((await store.load(binding())).state, 'damaged')
  writeFileSync(path, whole)
  const otherKey = fileStore({ dir, sealer: keySealer(new Uint8Array(32)) })
  assert.equal((await otherKey.load(binding())).state, 'damaged')
  await store.save(binding('bob'), credential('bob'), null)
  const bobs = readdirSync(dir).map((one) => join(dir, one))
  const bob = bobs.find((one) => one.endsWith('.credential') && one !== path) ?? ''
  copyFileSync(bob, path)
  assert.equal((await store.load(binding())).state, 'damaged', 'bob’s credential is not alice’s')
})

test('links are not followed, and saving replaces the link itself', async () => {
  const { dir, store, path } = await saved()
  const elsewhere = join(root, `elsewhere${folders}`)
  renameSync(path, elsewhere)
  symlinkSync(elsewhere, path)
  assert.equal((await store.load(binding())).state, 'damaged')
  const before = readFileSync(elsewhere, 'utf8')
  await store.save(binding(), credential('alice', 3), null)
  assert.equal(readFileSync(elsewhere, 'utf8'), before)
  const linked = join(root, `linked${folders}`)
  symlinkSync(dir, linked)
  await assert.rejects(fileStore({ dir: linked }).load(binding()), /not a directory/)
})

test('a key service that is away is an error, not damage', async () => {
  const { dir } = await saved()
  const away = {
    seal: () => Promise.reject(new Error('away')),
    open: () => Promise.reject(Object.assign(new Error('away'), { code: 'ETIMEDOUT' })),
  }
  await assert.rejects(fileStore({ dir, sealer: away }).load(binding()), /away/)
})

test('a key file without a key in it counts as damage, and signing in again repairs it', async () => {
  const { dir, store } = await saved()
  writeFileSync(join(dir, 'local.key'), 'not a key')
  const stores = [fileStore({ dir }), fileStore({ dir })]
  for (const { state } of await Promise.all(stores.map((one) => one.load(binding()))))
    assert.equal(state, 'damaged')
  assert.equal(await stores[0]?.save(binding(), credential(), null), 2)
  for (const one of [...stores, fileStore({ dir })])
    assert.equal((await one.load(binding())).state, 'present')
  assert.equal(readFileSync(join(dir, 'local.key.damaged'), 'utf8'), 'not a key')
  assert.equal((await store.load(binding())).state, 'damaged', 'the old key opens nothing new')
})

test('without a home folder nothing is kept where the program happens to stand', {
  skip: platform() !== 'linux',
}, () => {
  const { HOME, XDG_STATE_HOME } = process.env
  try {
    process.env.XDG_STATE_HOME = 'relative'
    process.env.HOME = ''
    assert.ok(isAbsolute(stateDirectory('app')))
    process.env.HOME = '/home/somebody'
    assert.equal(stateDirectory('app'), '/home/somebody/.local/state/app')
    process.env.XDG_STATE_HOME = '/state'
    assert.equal(stateDirectory('app'), '/state/app')
  } finally {
    for (const [name, value] of Object.entries({ HOME, XDG_STATE_HOME }))
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  }
})

test('what is wrong with the folder is said by its name, in the language of the app', async () => {
  const file = join(root, 'file')
  writeFileSync(file, '')
  const link = join(root, 'link')
  symlinkSync(mkdtempSync(join(root, 'target-')), link)
  for (const [dir, english] of [
    [file, `EEXIST ${file}`],
    [link, `${link} is not a directory`],
  ] as const) {
    const provider = discover('https://id.test')
    const auth = createAuth({ provider, clientId: 'a', locale: 'zh', store: fileStore({ dir }) })
    await assert.rejects(auth.account().token(), (error) => {
      assert.ok(error instanceof StoreUnavailable)
      assert.ok(error.message.includes(`无法读写凭据存储（${english}）`), error.message)
      assert.ok(error.stack?.includes(error.message), 'a console shows the same')
      assert.ok(error.words('en').happened.includes(english))
      return true
    })
  }
})
