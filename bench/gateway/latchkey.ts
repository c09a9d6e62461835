import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { signedUp } from '../../test/harness/person.ts'
import { start } from './processes.ts'

/** Limits far above what wrk can send: all of admission runs, nothing is refused. */
const limits = {
  limits: { requests_per_minute: 1e9, tokens_per_minute: 1e9, concurrency: 100_000 },
  budget: { amount_micros: 1e15, period: 'month' },
}

/**
 * The real server with all of its path on: key check, limits, budget, durable metering into SQLite.
 * Returns its process and the secrets of `keys` keys.
 */
export async function startLatchkey(
  core: number,
  port: number,
  stub: string,
  keys: number,
): Promise<{ pid: number; secrets: string[] }> {
  const origin = `http://localhost:${port}`
  const main = join(import.meta.dirname, '../../server/src/main.ts')
  // As `npm start` runs it.
  const flags = (process.env.NODE_FLAGS ?? '--min-semi-space-size=32 --max-semi-space-size=32')
    .split(' ')
    .filter(Boolean)
  const pid = start(core, [process.execPath, ...flags, main], {
    LATCHKEY_ORIGIN: origin,
    LATCHKEY_DATA_DIR: mkdtempSync(join(tmpdir(), 'latchkey-bench-')),
    LATCHKEY_LOG_LEVEL: 'warn',
    LATCHKEY_UPSTREAMS: JSON.stringify([
      {
        name: 'stub',
        base_url: `${stub}/v1`,
        models: ['stub-1'],
        prices: { 'stub-1': { input: 2_000_000, cached_input: 500_000, output: 4_000_000 } },
      },
    ]),
  })
  await untilUp(`${origin}/readyz`)
  const { person } = await signedUp(origin)
  const { items } = await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/projects')
  const secrets: string[] = []
  for (let i = 0; i < keys; i++) {
    const key = await person.expect<{ secret: string }>(
      201,
      'POST',
      `/api/projects/${items[0]?.id}/keys`,
      { name: `bench ${i}`, ...limits },
    )
    secrets.push(key.secret)
  }
  return { pid, secrets }
}

export async function untilUp(url: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    try {
      const answer = await fetch(url)
      await answer.text()
      return
    } catch {
      await sleep(50)
    }
  }
  throw new Error(`${url} did not come up`)
}
