import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { type RunningProcess, startProcess } from './process.ts'
import { freePort, scratchPostgres } from './server.ts'

const main = join(import.meta.dirname, '../../server/src/main.ts')

/** How many real server processes stand behind one origin, and what they share. */
export const houses = {
  'one process, SQLite': { processes: 1, postgres: false, redis: false },
  'two processes, one PostgreSQL': { processes: 2, postgres: true, redis: false },
  'two nodes, PostgreSQL and Redis': { processes: 2, postgres: true, redis: true },
} as const
export type HouseName = keyof typeof houses

const { LATCHKEY_TEST_POSTGRES_URL: postgresUrl, LATCHKEY_TEST_REDIS_URL: redisUrl } = process.env

/** The houses this machine can build; `scripts/test.ts` names loudly what is missing. */
export const housesHere = (Object.keys(houses) as HouseName[]).filter((name) => {
  const { postgres, redis } = houses[name]
  return (!postgres || postgresUrl) && (!redis || redisUrl)
})

export type House = {
  name: HouseName
  /** Where the browser goes; the first process listens there. */
  origin: string
  /** One address a process. */
  addresses: readonly string[]
  shared: boolean
  /** Straight at the database, beside the servers: what is asserted is what is stored. */
  sql<T>(text: string): Promise<T[]>
  kill(index: number): Promise<void>
  start(index: number): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function buildHouse(
  name: HouseName,
  env: Record<string, string> = {},
): Promise<House> {
  const plan = houses[name]
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-house-'))
  const scratch = plan.postgres ? await scratchPostgres() : null
  const ports = await Promise.all(Array.from({ length: plan.processes }, freePort))
  const origin = `http://localhost:${ports[0]}`
  const rootKey = randomBytes(32).toString('base64')
  const running: RunningProcess[] = []
  const start = async (index: number) => {
    const server = startProcess(main, [], {
      LATCHKEY_ORIGIN: origin,
      LATCHKEY_PORT: String(ports[index]),
      LATCHKEY_DATA_DIR: join(folder, String(index)),
      LATCHKEY_LOG_LEVEL: 'warn',
      NODE_COMPILE_CACHE: join(tmpdir(), 'latchkey-compiled'), // they start and start again
      LATCHKEY_ROOT_KEY: rootKey,
      ...(scratch ? { LATCHKEY_DATABASE_URL: scratch.url } : {}),
      ...(plan.redis && redisUrl ? { LATCHKEY_REDIS_URL: redisUrl } : {}),
      ...env,
    })
    running[index] = server
    await server.saw('Latchkey is ready')
  }
  await Promise.all(ports.map((_port, index) => start(index)))

  const database = scratch
    ? new pg.Pool({ connectionString: scratch.url, max: 4 })
    : new DatabaseSync(join(folder, '0', 'latchkey.db'), { timeout: 5_000 })
  // `end` of a pool does not wait for its connections, and to drop a database under one that is about
  // to close makes it an error that nobody awaits: “terminating connection”.
  const closed: Promise<unknown>[] = []
  if (database instanceof pg.Pool)
    database.on('connect', (client) => {
      closed.push(new Promise((resolve) => client.once('end', resolve)))
    })
  return {
    name,
    origin,
    addresses: ports.map((port) => `http://127.0.0.1:${port}`),
    shared: scratch !== null,
    sql: async <T>(text: string) =>
      (database instanceof pg.Pool
        ? (await database.query(text)).rows
        : database.prepare(text).all()) as T[], // what the caller's statement selects
    async kill(index) {
      running[index]?.signal('SIGKILL')
      await running[index]?.ended
    },
    start,
    async [Symbol.asyncDispose]() {
      for (const server of running) server.signal('SIGKILL')
      await Promise.all(running.map((server) => server.ended))
      await (database instanceof pg.Pool ? database.end() : database.close())
      await Promise.all(closed)
      await scratch?.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
