import { randomBytes } from 'node:crypto'
import { freePort, scratchPostgres, startServer, type TestServer } from './server.ts'

export type Nodes = {
  /** Where browsers go; the first node listens there. */
  origin: string
  /** Each with the address it listens at itself, and a clock of its own; the last started last. */
  all: readonly (TestServer & { address: string })[]
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Several servers behind one origin, with one PostgreSQL database; `redisUrl` is the channel their
 * events take, null: they hear nothing of each other. In this process, so that they start quickly and
 * each has its clock; `house.ts` has real processes that can be killed.
 */
export async function startNodes(
  count: number,
  { redisUrl, env = {} }: { redisUrl: string | null; env?: Record<string, string> },
): Promise<Nodes> {
  const scratch = await scratchPostgres()
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  const origin = `http://localhost:${ports[0]}`
  const shared = {
    LATCHKEY_ORIGIN: origin,
    LATCHKEY_DATABASE_URL: scratch.url,
    LATCHKEY_ROOT_KEY: randomBytes(32).toString('base64'),
    ...(redisUrl === null ? {} : { LATCHKEY_REDIS_URL: redisUrl }),
    ...env,
  }
  const all: Nodes['all'][number][] = []
  for (const port of ports) {
    const node = await startServer({ env: { ...shared, LATCHKEY_PORT: String(port) } })
    all.push({ ...node, origin, address: `http://localhost:${port}` })
  }
  return {
    origin,
    all,
    async [Symbol.asyncDispose]() {
      for (const node of all) await node[Symbol.asyncDispose]()
      await scratch.drop()
    },
  }
}
