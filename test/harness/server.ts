import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { compose, type Edges, type Latchkey } from '../../server/src/compose.ts'
import { readConfig } from '../../server/src/config.ts'
import { type Clock, systemClock } from '../../server/src/platform/clock/clock.ts'
import { systemRandom } from '../../server/src/platform/ids/ids.ts'
import { createLog } from '../../server/src/platform/log/log.ts'

/** The real clock plus whatever a test has moved it by, so that expiry is tested without sleeping. */
export type TestClock = Clock & { advance(ms: number): void }

export function testClock(): TestClock {
  let ahead = 0
  return { now: () => systemClock.now() + ahead, advance: (ms) => (ahead += ms) }
}

export type TestServer = Latchkey & {
  origin: string
  clock: TestClock
  /** Every line logged so far: the leak scan reads it. */
  logLines: string[]
  [Symbol.asyncDispose](): Promise<void>
}

/** The databases this machine can test on: SQLite always, PostgreSQL where its URL is given. */
export const databases: ('sqlite' | 'postgres')[] = process.env.LATCHKEY_TEST_POSTGRES_URL
  ? ['sqlite', 'postgres']
  : ['sqlite']

/**
 * A whole server on a free port with its own data folder (and its own PostgreSQL database), gone
 * when disposed.
 */
export async function startServer(
  options: {
    database?: 'sqlite' | 'postgres'
    env?: Record<string, string>
    outbound?: Edges['outbound']
  } = {},
): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-test-'))
  const scratch = options.database === 'postgres' ? await scratchPostgres() : null
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const result = readConfig(
    {
      LATCHKEY_ORIGIN: origin,
      LATCHKEY_DATA_DIR: dataDir,
      ...(scratch ? { LATCHKEY_DATABASE_URL: scratch.url } : {}),
      ...options.env,
    },
    2,
  )
  if (!result.ok) throw new Error(result.problems.join('; '))
  const clock = testClock()
  const logLines: string[] = []
  const log = createLog('debug', (line) => logLines.push(line))
  const latchkey = await compose(result.config, {
    clock,
    random: systemRandom,
    log,
    ...(options.outbound ? { outbound: options.outbound } : {}),
  })
  await latchkey.listen()
  return {
    ...latchkey,
    origin,
    clock,
    logLines,
    async [Symbol.asyncDispose]() {
      await latchkey.close()
      await scratch?.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** An empty database of its own on the test server named by LATCHKEY_TEST_POSTGRES_URL. */
export async function scratchPostgres(): Promise<{ url: string; drop(): Promise<void> }> {
  const base = process.env.LATCHKEY_TEST_POSTGRES_URL
  if (!base) throw new Error('LATCHKEY_TEST_POSTGRES_URL is not set')
  const name = `lk_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: base })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  await run(`create database ${name}`)
  const url = new URL(base)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => run(`drop database ${name} with (force)`) }
}
