import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createAuth } from '../../auth.ts'
import { binding, credential, credentialStoreContract } from '../../credentials/store.contract.ts'
import { StoreLocked } from '../../errors/errors.ts'
import type { AuthEvent } from '../../events.ts'
import { discover } from '../../provider/provider.ts'
import { FakeProvider } from '../../testing/fake-provider.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { fileStore } from '../file-store.ts'
import type { Entry } from './keychain.ts'
import { type KeychainOptions, keychainSealer } from './keychain-sealer.ts'
import { macKeychain } from './macos.ts'
import { secretService } from './secret-service.ts'
import { windowsProtection } from './windows.ts'

const root = mkdtempSync(join(tmpdir(), 'latchkey-keychain-'))
after(() => rmSync(root, { recursive: true, force: true }))
let fixtures = 0

/** A program that behaves like `secret-tool`, remembers its arguments, and hangs or is locked on demand. */
function fixture(by: Partial<KeychainOptions> = {}) {
  const home = join(root, `f${++fixtures}`)
  const dir = join(home, 'state')
  mkdirSync(dir, { recursive: true })
  const at = (name: string) => join(home, name)
  writeFileSync(at('mode'), 'open')
  writeFileSync(
    at('secret-tool'),
    `#!/bin/sh
echo "$@" >> ${at('arguments')}
case $(cat ${at('mode')}) in
  hang) sleep 20 ;;
  locked) echo 'secret-tool: Cannot get secret of a locked object' >&2; exit 1 ;;
esac
case $1 in
  lookup) [ -f ${at('secret')} ] || exit 1; cat ${at('secret')} ;;
  store) cat > ${at('secret')}.$$; mv ${at('secret')}.$$ ${at('secret')} ;;
esac
`,
    { mode: 0o755 },
  )
  const keychain = secretService({ timeoutMs: by.timeoutMs ?? 3_000, program: at('secret-tool') })
  const sealer = () => keychainSealer({ app: 'test-app', dir, keychain, ...by })
  return {
    dir,
    sealer,
    store: () => fileStore({ dir, sealer: sealer() }),
    mode: (mode: 'open' | 'locked' | 'hang') => writeFileSync(at('mode'), mode),
    secretPath: at('secret'),
    asked: () => (existsSync(at('arguments')) ? readFileSync(at('arguments'), 'utf8') : ''),
  }
}

const sealedWith = (dir: string) => {
  const name = readdirSync(dir).find((one) => one.endsWith('.credential')) ?? ''
  return JSON.parse(readFileSync(join(dir, name), 'utf8')).sealed as string
}

const contract = fixture()
credentialStoreContract('file sealed by keychain', contract.store)

test('the key is in the keychain alone: in no file, and never among a program’s arguments', async () => {
  const { dir, store, asked, secretPath } = fixture()
  await store().save(binding(), credential(), null)
  assert.equal((await store().load(binding())).state, 'present', 'another process opens it')
  const key = readFileSync(secretPath, 'utf8')
  assert.equal(Buffer.from(key, 'base64').length, 32)
  assert.ok(!asked().includes(key))
  assert.match(asked(), /store --label=test-app credential key service test-app/)
  for (const name of readdirSync(dir)) {
    assert.ok(!name.endsWith('.key'), name)
    assert.ok(!readFileSync(join(dir, name), 'utf8').includes(key), name)
  }
})

test('processes that start together agree on one key', async () => {
  const { store } = fixture()
  const accounts = Array.from({ length: 8 }, (_, i) => `a${i}`)
  await Promise.all(accounts.map((name) => store().save(binding(name), credential(name), null)))
  for (const name of accounts)
    assert.equal((await store().load(binding(name))).state, 'present', name)
})

test('a keychain that hangs is given up in time, told about, and replaced by a key file', async () => {
  const { dir, store, mode, asked } = fixture({ timeoutMs: 250 })
  mode('hang')
  const provider = new FakeProvider()
  const events: AuthEvent[] = []
  const auth = createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    store: store(),
    fetch: provider.fetch,
    refresh: { background: false },
  })
  auth.on((event) => events.push(event))
  const began = performance.now()
  const account = await auth.signInByCode(provider.code())
  assert.ok(performance.now() - began < 2_000)
  assert.ok(provider.accepts(await account.token()))
  const warnings = events.filter((event) => event.type === 'store_warning')
  assert.equal(warnings.length, 1)
  assert.equal(warnings[0]?.code, 'keychain_fallback')
  assert.match(warnings[0]?.message ?? '', /gave no answer within 0\.25 s.*local\.key/)
  assert.equal(statSync(join(dir, 'local.key')).mode & 0o777, 0o600)
  for (let i = 0; i < 3; i++) await account.token({ stale: account.peek() ?? '' })
  assert.equal(asked().trim().split('\n').length, 1, 'it is left alone for a while')
})

test('a keychain of somebody else’s that never answers is given up in time as well', async () => {
  const dir = join(root, `f${++fixtures}`)
  const silent = () => new Promise<never>(() => {})
  const keychain = { name: 'silent', get: silent, set: silent }
  const sealer = keychainSealer({ app: 'test-app', dir, keychain, timeoutMs: 20 })
  const told: string[] = []
  sealer.watch?.((warning) => told.push(warning.detail ?? ''))
  const store = fileStore({ dir, sealer })
  assert.equal(await store.save(binding(), credential(), null), 1)
  assert.equal((await store.load(binding())).state, 'present')
  assert.deepEqual(told, ['silent: gave no answer within 0.02 s'])
})

test('where nobody listens, the fallback is printed', async (t) => {
  const { dir, sealer } = fixture({
    keychain: secretService({ timeoutMs: 500, program: 'no-such' }),
  })
  const printed = t.mock.method(console, 'warn', () => {})
  await fileStore({ dir, sealer: sealer() }).save(binding(), credential(), null)
  assert.match(String(printed.mock.calls[0]?.arguments[0]), /no-such is not installed.*libsecret/s)
})

test('with the keychain back, the next save uses it again, and what the file sealed still opens', async (t) => {
  t.mock.method(console, 'warn', () => {})
  const clock = virtualClock()
  const { dir, store, mode } = fixture({ clock })
  mode('locked')
  const one = store()
  assert.equal(await one.save(binding(), credential(), null), 1)
  const byFile = sealedWith(dir).split('.')[1]
  mode('open')
  assert.equal((await store().load(binding())).state, 'present')
  assert.equal(await one.save(binding(), credential(), 1), 2)
  assert.equal(sealedWith(dir).split('.')[1], byFile, 'it is left alone for a while')
  assert.equal(await one.heldBy?.(binding()), 'file')
  await clock.advance(60_000)
  assert.equal(await one.save(binding(), credential(), 2), 3)
  assert.notEqual(sealedWith(dir).split('.')[1], byFile)
  assert.equal(await one.heldBy?.(binding()), 'keychain')
  assert.equal((await store().load(binding())).state, 'present')
})

test('what waits for a locked keychain is not damage; signing in anew is a way out', async (t) => {
  const printed = t.mock.method(console, 'warn', () => {})
  const { store, mode } = fixture()
  const provider = new FakeProvider()
  const open = () =>
    createAuth({
      provider: discover(provider.issuer),
      clientId: 'app',
      store: store(),
      fetch: provider.fetch,
      refresh: { background: false },
    })
  const token = await (await open().signInByCode(provider.code())).token()
  mode('locked')
  await assert.rejects(open().account().token(), (error) => {
    assert.ok(error instanceof StoreLocked && error.code === 'keychain_away')
    return /Unlock the keychain/.test(error.message)
  })
  mode('open')
  assert.equal(await open().account().token(), token, 'nothing was lost')
  mode('locked')
  const anew = await open().signInByCode(provider.code())
  assert.notEqual(await anew.token(), token)
  assert.equal(await open().account().token(), await anew.token())
  assert.equal(printed.mock.callCount(), 1)
  await open().account().signOut()
  assert.equal((await open().account().status()).state, 'signed-out')
})

test('a key that is gone from the keychain, or is another one now, is damage', async () => {
  const { store, secretPath } = fixture()
  const one = store()
  await one.save(binding(), credential(), null)
  rmSync(secretPath)
  assert.equal((await store().load(binding())).state, 'damaged')
  writeFileSync(secretPath, Buffer.alloc(32, 7).toString('base64'))
  assert.equal((await store().load(binding())).state, 'damaged')
  assert.equal(await store().save(binding(), credential(), null), 2, 'signing in again repairs it')
  assert.equal((await one.load(binding())).state, 'present', 'a running process finds the new key')
})

test('an entry that does not hold a key is not used and not overwritten', async (t) => {
  t.mock.method(console, 'warn', () => {})
  const { dir, store, secretPath } = fixture()
  writeFileSync(secretPath, 'something of somebody')
  await store().save(binding(), credential(), null)
  assert.equal(readFileSync(secretPath, 'utf8'), 'something of somebody')
  assert.ok(existsSync(join(dir, 'local.key')))
})

test('what the file store’s own key sealed opens after the keychain is switched on', async () => {
  const { dir, store } = fixture()
  await fileStore({ dir }).save(binding(), credential(), null)
  assert.equal((await store().load(binding())).state, 'present')
  await store().save(binding(), credential(), 1)
  assert.match(sealedWith(dir), /^v3\./)
})

const entry: Entry = { service: 'test "app"', account: 'credential-key', label: 'a \\ label' }

/** A program in JavaScript, for behaviour that a few lines of shell cannot show. */
function program(name: string, source: string) {
  const home = join(root, `p${++fixtures}`)
  mkdirSync(home)
  const path = join(home, name)
  const text = `#!${process.execPath}
const { readFileSync, writeFileSync, existsSync, appendFileSync } = require('node:fs')
const at = (name) => ${JSON.stringify(home)} + '/' + name
const args = process.argv.slice(2)
appendFileSync(at('arguments'), JSON.stringify(args) + '\\n')
${source}
`
  writeFileSync(path, text, { mode: 0o755 })
  return { home, path, asked: () => readFileSync(join(home, 'arguments'), 'utf8') }
}

test('macOS: the secret goes to `security -i` by stdin and is read back', async () => {
  const { path, asked } = program(
    'security',
    `const name = (words) => words[words.indexOf('-s') + 1] + '/' + words[words.indexOf('-a') + 1]
const file = (words) => at(Buffer.from(name(words)).toString('hex'))
if (args[0] === '-i') {
  const line = readFileSync(0, 'utf8').trim()
  const words = [...line.matchAll(/"((?:[^"\\\\]|\\\\.)*)"|(\\S+)/g)]
    .map(([, quoted, bare]) => bare ?? quoted.replace(/\\\\(.)/g, '$1'))
  if (words[0] !== 'add-generic-password' || !words.includes('-U')) process.exit(2)
  writeFileSync(file(words), words[words.indexOf('-w') + 1])
} else if (existsSync(at('locked'))) {
  console.error('security: SecKeychainSearchCopyNext: User interaction is not allowed.')
  process.exit(36)
} else if (!existsSync(file(args))) process.exit(44)
else console.log(readFileSync(file(args), 'utf8'))`,
  )
  const keychain = macKeychain({ timeoutMs: 5_000, program: path })
  assert.equal(await keychain.get(entry), null)
  await keychain.set(entry, 'c2VjcmV0')
  assert.equal(await keychain.get(entry), 'c2VjcmV0')
  assert.ok(!asked().includes('c2VjcmV0'))
  await assert.rejects(keychain.set(entry, 'two\nlines'), /one line/)
  writeFileSync(join(path, '..', 'locked'), '')
  await assert.rejects(keychain.get(entry), /User interaction is not allowed/)
})

test('Windows: the secret goes to PowerShell by stdin and only its protected form is kept', async () => {
  const { home, path, asked } = program(
    'powershell.exe',
    `const script = args.at(-1)
if (!script.includes('CurrentUser') || args[0] !== '-NoProfile') process.exit(2)
const input = Buffer.from(readFileSync(0, 'utf8'), 'base64')
const turned = Buffer.from(input.map((byte) => byte ^ 0x5a))
process.stdout.write(turned.toString('base64'))`,
  )
  const keychain = windowsProtection({ directory: home, timeoutMs: 5_000, program: path })
  assert.equal(await keychain.get(entry), null)
  await keychain.set(entry, 'c2VjcmV0')
  assert.equal(await keychain.get(entry), 'c2VjcmV0')
  assert.ok(!asked().includes('c2VjcmV0'))
  const kept = join(home, 'credential-key.protected')
  assert.ok(!readFileSync(kept, 'utf8').includes('c2VjcmV0'))
  assert.equal(statSync(kept).mode & 0o777, 0o600)
  writeFileSync(path, `#!${process.execPath}\nconsole.error('no'); process.exit(1)`, {
    mode: 0o755,
  })
  await assert.rejects(keychain.get(entry), /powershell: no/)
})

const real = ['secret-tool', 'gnome-keyring-daemon', 'dbus-run-session'].filter(
  (name) => spawnSync('which', [name]).status !== 0,
)
const unavailable = real.length > 0 && `${real.join(', ')} not installed`

/** A desktop session of its own, with nothing of ours or the machine's in it. */
function inSession(script: string): string {
  const home = join(root, `s${++fixtures}`)
  for (const name of ['home/.cache', 'run']) mkdirSync(join(home, name), { recursive: true })
  const env = {
    PATH: process.env.PATH,
    HOME: join(home, 'home'),
    XDG_RUNTIME_DIR: join(home, 'run'),
    DIR: join(home, 'state'),
    NODE: process.execPath,
    FIXTURE: new URL('keychain-process.fixture.ts', import.meta.url).pathname,
  }
  return execFileSync('dbus-run-session', ['--', 'sh', '-c', script], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 60_000,
  })
}

test('the real Secret Service keeps the key from one process to the next', {
  skip: unavailable,
}, () => {
  const told = inSession(`
    printf 'pw\\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null
    $NODE $FIXTURE save $DIR 3000; $NODE $FIXTURE load $DIR 3000; ls $DIR`)
  assert.match(told, /^saved\nloaded rt-alice-1\n/)
  assert.ok(!told.includes('local.key'), told)
})

test('a real Secret Service that nobody unlocked does not stop the app', {
  skip: unavailable,
}, () => {
  const told = inSession('$NODE $FIXTURE save $DIR 1000; $NODE $FIXTURE load $DIR 1000; ls $DIR')
  assert.match(told, /keychain cannot be used.*local\.key.*\nsaved\nloaded rt-alice-1\n/)
  assert.ok(told.includes('local.key\n'), told)
})
