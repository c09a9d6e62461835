import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { keyTypes, mintKey } from '../../../server/src/keys/api-key.ts'
import { systemRandom } from '../../../server/src/platform/ids/ids.ts'
import { openTerminal } from '../../../test/harness/cli.ts'
import { sightings } from './key-text.ts'
import { sightingsIn } from './scan.ts'

const key = (prefix = 'sk-lk', type: (typeof keyTypes)[number] = 'live') =>
  mintKey(prefix, type, systemRandom)
type Scanned = {
  found: { path: string; line: number; kind: string; hint: string }[]
  files: number
  unreadable: string[]
}

test('a key the server makes is found under every prefix and type, whatever stands around it', () => {
  for (const prefix of ['sk-lk', 'ac', 'my-own-prefix-20chars'])
    for (const type of keyTypes) {
      const secret = key(prefix, type)
      for (const [before, behind] of [
        ['', ''],
        ['KEY=', '\n'],
        ['"', '",'],
        ['https://u:', '@host/'],
        ['export-', ' '],
        ['x9-', 'tail'],
      ]) {
        const [one, ...more] = sightings(`${before}${secret}${behind}`)
        assert.deepEqual([one?.offset, one?.kind], [before?.length, 'api_key'], `${before}…`)
        assert.deepEqual(more, [])
        assert.ok(one && !secret.startsWith(one.hint) && one.hint.endsWith(secret.slice(-4)))
      }
    }
})

test('what has no valid checksum is no key', () => {
  const secret = key()
  const flipped = secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0')
  for (const text of [
    flipped,
    secret.slice(0, -1),
    secret.replace('_', '-'),
    `sk-lk-live_${'A'.repeat(49)}`,
  ])
    assert.deepEqual([...sightings(text)], [], text.length.toString())
  const client = `sk-lk-client_${'b'.repeat(43)}`
  assert.equal([...sightings(client)][0]?.kind, 'client_secret')
  assert.equal([...sightings(`sk-lk-reg_${'c'.repeat(43)}`)][0]?.kind, 'registration_token')
})

test('keys are found across chunks of a stream, each once, with their lines, in UTF-16 as well', async () => {
  const secrets = Array.from({ length: 40 }, () => key())
  const text = secrets.map((secret, i) => `${'\n'.repeat(i % 4)}line ${i} ${secret} end\n`).join('')
  const lines = secrets.map((secret) => text.slice(0, text.indexOf(secret)).split('\n').length)
  const encodings = [Buffer.from(text), Buffer.from(`\ufeff${text}`, 'utf16le')]
  for (const bytes of encodings)
    for (const size of [1, 7, 64, 1_000, bytes.length]) {
      async function* chunks() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
      }
      const found = []
      for await (const one of sightingsIn(chunks())) found.push(one)
      assert.deepEqual(
        found.map(({ line, hint }) => [line, hint.slice(-4)]),
        secrets.map((secret, i) => [lines[i], secret.slice(-4)]),
        `${size} bytes a chunk`,
      )
    }
})

test('a tree is looked through, other people’s code and links are not, and no key is shown', async () => {
  await using terminal = await openTerminal()
  const root = join(terminal.dir, '..', 'tree')
  const [one, two, three] = [key(), key('sk-lk', 'test'), key()]
  await mkdir(join(root, 'src'), { recursive: true })
  await mkdir(join(root, 'node_modules'))
  await writeFile(join(root, 'src', 'app.py'), `import openai\nopenai.api_key = "${one}"\n`)
  await writeFile(
    join(root, 'photo.bin'),
    Buffer.concat([Buffer.alloc(5_000, 0xff), Buffer.from(two)]),
  )
  await writeFile(join(root, 'node_modules', 'dependency.js'), three)
  await symlink(root, join(root, 'src', 'loop'))
  await writeFile(join(root, 'clean.txt'), 'nothing here\n')
  const scanned = await terminal.json<Scanned>(1, ['scan', root])
  assert.deepEqual(
    scanned.found.map(({ path, line, kind }) => [path.slice(root.length + 1), line, kind]),
    [
      ['photo.bin', 1, 'api_key'],
      [join('src', 'app.py'), 2, 'api_key'],
    ],
  )
  assert.equal(scanned.files, 3)
  const shown = await terminal.run(['scan', root])
  assert.equal(shown.code, 1)
  assert.match(shown.out, /app\.py:2: sk-lk-live_….{4} API key/)
  for (const secret of [one, two]) assert.ok(!shown.out.includes(secret.slice(11, 30)))
  assert.equal((await terminal.json<Scanned>(1, ['scan', root, '--all'])).found.length, 3)
  assert.equal((await terminal.run(['scan', join(root, 'clean.txt')])).code, 0)
  const missing = await terminal.json<Scanned>(0, ['scan', join(root, 'missing')])
  assert.match(missing.unreadable[0] ?? '', /missing \(ENOENT\)/)
  if (process.getuid?.() !== 0) {
    await chmod(join(root, 'clean.txt'), 0o000)
    assert.match((await terminal.run(['scan', root])).err, /not read: .*clean\.txt \(EACCES\)/)
  }

  const piped = await terminal.run(['scan', '-', '--json'], {}, `+ token: ${one}\n`)
  assert.equal(piped.code, 1)
  assert.equal((JSON.parse(piped.out) as Scanned).found[0]?.path, '-')
})

test('--tracked looks at what git would publish, and at nothing else', async () => {
  await using terminal = await openTerminal()
  const root = join(terminal.dir, '..', 'repository')
  await mkdir(root)
  const git = (...args: string[]) => execFileSync('git', ['-C', root, ...args], { stdio: 'ignore' })
  git('init', '-q')
  await writeFile(join(root, '.env'), `KEY=${key()}\n`)
  await writeFile(join(root, 'config.js'), `export default '${key()}'\n`)
  git('add', 'config.js')
  const { found } = await terminal.json<Scanned>(1, ['scan', '--tracked', root])
  assert.deepEqual(
    found.map(({ path }) => path),
    [join(root, 'config.js')],
  )
  assert.equal((await terminal.json<Scanned>(1, ['scan', root])).found.length, 2)
  assert.equal((await terminal.run(['scan', '--tracked', join(terminal.dir, '..')])).code, 2)
})
