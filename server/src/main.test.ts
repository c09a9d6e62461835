import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type RunningProcess, startProcess } from '../../test/harness/process.ts'

const main = fileURLToPath(import.meta.resolve('./main.ts'))
let scratch: string
let folders = 0
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'latchkey-main-'))
})
after(() => rm(scratch, { recursive: true, force: true }))

const freshFolder = () => join(scratch, `data-${++folders}`)

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

async function start(env: Record<string, string> = {}) {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const dataDir = env.LATCHKEY_DATA_DIR ?? freshFolder()
  const running = startProcess(main, [], {
    LATCHKEY_ORIGIN: origin,
    LATCHKEY_DATA_DIR: dataDir,
    ...env,
  })
  return { running, origin, port, dataDir }
}

/** The whole of what a failed start says: lines on stderr, nothing on stdout, exit code 1. */
async function refusal(running: RunningProcess): Promise<string[]> {
  const { code } = await running.ended
  assert.equal(code, 1, running.out() + running.err())
  assert.equal(running.out(), '')
  return running.err().trimEnd().split('\n')
}

test('all problems of the configuration come in one block, without values', async () => {
  const { running } = await start({
    LATCHKEY_ORIGIN: 'ftp://very-secret',
    LATCHKEY_DRAIN_SECONDS: 'soon',
    LATCHKEY_COLOUR: 'red',
  })
  const lines = await refusal(running)
  assert.equal(lines.length, 4)
  for (const name of ['LATCHKEY_ORIGIN', 'LATCHKEY_DRAIN_SECONDS', 'LATCHKEY_COLOUR'])
    assert.ok(lines.some((line) => line.includes(name)))
  assert.ok(!lines.join().includes('very-secret'))
})

test('production refuses to start on insecure settings and says which', async () => {
  const { running } = await start({ LATCHKEY_MODE: 'production' })
  const text = (await refusal(running)).join('\n')
  assert.match(text, /LATCHKEY_ORIGIN must be https/)
  assert.match(text, /LATCHKEY_SMTP_URL must be set/)
})

test('a port in use is one clear line', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  const { running } = await start({ LATCHKEY_PORT: String(port) })
  const lines = await refusal(running)
  other.close()
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', new RegExp(`Port ${port} is in use`))
})

test('a data folder that cannot be written is one clear line', async () => {
  const { running } = await start({ LATCHKEY_DATA_DIR: '/proc/latchkey' })
  const lines = await refusal(running)
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /data folder \/proc\/latchkey cannot be written/)
})

test('a damaged database file and a damaged root key are one clear line each, and stay as they are', async () => {
  const dataDir = freshFolder()
  await mkdir(dataDir)
  await writeFile(join(dataDir, 'latchkey.db'), 'not a database '.repeat(500))
  const broken = await refusal((await start({ LATCHKEY_DATA_DIR: dataDir })).running)
  assert.equal(broken.length, 1)
  assert.match(broken[0] ?? '', /is damaged/)

  const second = freshFolder()
  await mkdir(second)
  await writeFile(join(second, 'root.key'), 'short')
  const keyless = await refusal((await start({ LATCHKEY_DATA_DIR: second })).running)
  assert.equal(keyless.length, 1)
  assert.match(keyless[0] ?? '', /root key is damaged/)
})

test('an unreachable database or Redis is one clear line, without the password', async () => {
  const database = await refusal(
    (await start({ LATCHKEY_DATABASE_URL: 'postgres://me:hidden@127.0.0.1:1/x' })).running,
  )
  assert.equal(database.length, 1)
  assert.match(
    database[0] ?? '',
    /database at 127\.0\.0\.1:1\/x cannot be reached \(ECONNREFUSED\)/,
  )
  const redis = await refusal(
    (await start({ LATCHKEY_REDIS_URL: 'redis://:hidden@127.0.0.1:1' })).running,
  )
  assert.equal(redis.length, 1)
  assert.match(redis[0] ?? '', /Redis at 127\.0\.0\.1:1 cannot be reached/)
  assert.ok(!`${database}${redis}`.includes('hidden'))
})

test('a start tells people where everything is; a second process on the same folder is refused', async () => {
  const { running, origin, dataDir } = await start()
  await running.saw('Ctrl-C')
  for (const part of [origin, dataDir, '/dev/outbox', 'MUST', 'LATCHKEY_SMTP_URL'])
    assert.ok(running.out().includes(part), part)
  assert.equal((await fetch(`${origin}/healthz`)).status, 200)

  const second = await refusal((await start({ LATCHKEY_DATA_DIR: dataDir })).running)
  assert.equal(second.length, 1)
  assert.match(second[0] ?? '', /in use by another Latchkey/)

  running.signal('SIGTERM')
  assert.deepEqual(await running.ended, { code: 0, signal: null })
})

test('after kill -9 the next start comes up on the same folder', async () => {
  const first = await start()
  await first.running.saw('Ctrl-C')
  first.running.signal('SIGKILL')
  await first.running.ended
  const again = await start({ LATCHKEY_DATA_DIR: first.dataDir })
  await again.running.saw('Ctrl-C')
  again.running.signal('SIGINT')
  assert.equal((await again.running.ended).code, 0)
})
