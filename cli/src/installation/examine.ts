import { stat, statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import {
  type Config,
  insecurities,
  readConfig,
  type UpstreamSetting,
} from '../../../server/src/config.ts'
import { second } from '../../../server/src/platform/clock/clock.ts'
import { parseRootKey } from '../../../server/src/platform/crypto/root-key.ts'
import type { Database } from '../../../server/src/platform/db/database.ts'
import { pendingMigrations } from '../../../server/src/platform/db/migrate.ts'
import { openDatabase } from '../../../server/src/platform/db/open.ts'
import { explainStart, step } from '../../../server/src/start-trouble.ts'
import type { Observation } from '../doctor/finding.ts'
import { edges } from './configuration.ts'
import { resourceFinding } from './resource-finding.ts'

/** What `doctor` finds out about the server's folder. Changes nothing. */
export async function examineInstallation(environment: NodeJS.ProcessEnv): Promise<Observation[]> {
  const node: Observation = { part: 'Node', result: 'ok', what: process.versions.node }
  const read = readConfig(environment, availableParallelism())
  if (!read.ok)
    return [
      node,
      ...read.problems.map(
        (what): Observation => ({ part: 'configuration', result: 'fail', what }),
      ),
    ]
  const { config } = read
  const advice = insecurities(config).map((what): Observation => {
    return { part: 'configuration', result: 'warn', what: `before production: ${what}` }
  })
  return [
    node,
    { part: 'configuration', result: 'ok', what: `${config.mode}, ${config.origin}` },
    ...advice,
    ...(await folderFindings(config)),
    await rootKeyFinding(config),
    ...(await databaseFindings(config)),
    ...(config.redisUrl ? [await redisFinding(config, config.redisUrl.reveal())] : []),
    ...(await Promise.all(config.upstreams.map(upstreamFinding))),
    ...(config.upstreams.length === 0
      ? [
          {
            part: 'model servers',
            result: 'warn',
            what: 'none: the demo model answers. Set LATCHKEY_UPSTREAMS.',
          } as const,
        ]
      : []),
    ...(await Promise.all(config.resources.map((one) => resourceFinding(one, config.origin)))),
  ]
}

async function folderFindings({ dataDir }: Config): Promise<Observation[]> {
  const part = 'data folder'
  const found = await stat(dataDir).catch(() => null)
  if (!found)
    return [{ part, result: 'warn', what: `${dataDir} does not exist; the first start makes it` }]
  const open = found.mode & 0o077
  const { bavail, bsize } = await statfs(dataDir)
  const freeMb = Math.floor((bavail * bsize) / 1_048_576)
  return [
    open === 0
      ? { part, result: 'ok', what: dataDir }
      : { part, result: 'warn', what: `others may read ${dataDir}: chmod 700 "${dataDir}"` },
    {
      part: 'disk',
      result: freeMb < 100 ? 'fail' : freeMb < 1_024 ? 'warn' : 'ok',
      what: `${freeMb} MB free${freeMb < 1_024 ? ': make room, a full disk stops all writes' : ''}`,
    },
  ]
}

async function rootKeyFinding({ dataDir, rootKey }: Config): Promise<Observation> {
  const part = 'root key'
  if (rootKey) return { part, result: 'ok', what: 'from LATCHKEY_ROOT_KEY' }
  const path = join(dataDir, 'root.key')
  const found = await stat(path).catch(() => null)
  if (!found)
    return { part, result: 'warn', what: `${path} does not exist; the first start makes it` }
  try {
    const { readFile } = await import('node:fs/promises')
    parseRootKey(await readFile(path, 'utf8'), path)
  } catch (error) {
    return { part, result: 'fail', what: `${(error as Error).message}: put back your copy of it` }
  }
  if ((found.mode & 0o077) !== 0)
    return { part, result: 'fail', what: `others may read ${path}: chmod 600 "${path}"` }
  return { part, result: 'ok', what: `${path}, mode 0600` }
}

async function databaseFindings(config: Config): Promise<Observation[]> {
  const part = 'database'
  const embedded = config.databaseUrl === null
  if (embedded && !(await stat(join(config.dataDir, 'latchkey.db')).catch(() => null)))
    return [{ part, result: 'warn', what: 'no file yet; the first start makes it' }]
  let database: Database | undefined
  try {
    const url = config.databaseUrl?.reveal() ?? null
    const opened = await step('database', () => openDatabase({ url, dataDir: config.dataDir }))
    database = opened
    const waiting = await step('database', () => pendingMigrations(opened))
    return [
      { part, result: 'ok', what: embedded ? 'SQLite opens' : 'PostgreSQL answers' },
      waiting.length === 0
        ? { part: 'migrations', result: 'ok', what: 'nothing is pending' }
        : {
            part: 'migrations',
            result: 'warn',
            what: `pending: ${waiting.join(', ')}. Run "latchkey migrate" or start the server.`,
          },
      ...(embedded ? [] : [await clockFinding(opened)]),
    ]
  } catch (error) {
    return [{ part, result: 'fail', what: explainStart(error, config) }]
  } finally {
    await database?.close()
  }
}

/** Nodes judge expiry by their own clocks; the database's is the one they share. */
async function clockFinding(database: Database): Promise<Observation> {
  const { rows } = await sql<{ at: number }>`select extract(epoch from now()) * 1000 as at`.execute(
    database.tables<unknown>().query,
  )
  const apartMs = Math.abs(edges.clock.now() - Number(rows[0]?.at ?? 0))
  return apartMs > 2 * second
    ? {
        part: 'clock',
        result: 'warn',
        what: `${Math.round(apartMs / second)} s apart from the database's: set both by NTP`,
      }
    : { part: 'clock', result: 'ok', what: 'agrees with the database' }
}

async function redisFinding(config: Config, url: string): Promise<Observation> {
  const { Redis } = await import('ioredis')
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 3_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  redis.on('error', () => {}) // the rejection below tells
  try {
    await step('redis', async () => {
      await redis.connect()
      await redis.ping()
    })
    return { part: 'redis', result: 'ok', what: 'answers' }
  } catch (error) {
    return { part: 'redis', result: 'fail', what: explainStart(error, config) }
  } finally {
    redis.disconnect()
  }
}

async function upstreamFinding({ name, baseUrl, apiKey }: UpstreamSetting): Promise<Observation> {
  const part = `model server ${name}`
  try {
    const response = await fetch(`${baseUrl}/models`, {
      signal: AbortSignal.timeout(5 * second),
      headers: apiKey ? { authorization: `Bearer ${apiKey.reveal()}` } : {},
    })
    await response.body?.cancel()
    if (response.status === 401 || response.status === 403)
      return { part, result: 'fail', what: `refuses the key (${response.status}): check api_key` }
    if (response.status >= 500)
      return { part, result: 'fail', what: `answers ${response.status}: look at its own log` }
    return { part, result: 'ok', what: `answers ${response.status}` }
  } catch (error) {
    const { cause, name: kind } = error as { cause?: { code?: string }; name: string }
    const why = kind === 'TimeoutError' ? 'no answer within 5 s' : (cause?.code ?? 'no connection')
    return { part, result: 'fail', what: `${why}: is it running, and is base_url right?` }
  }
}
