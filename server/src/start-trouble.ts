import { BadRootKey } from '#platform/crypto/root-key.ts'
import { DataFolderInUse } from '#platform/data-folder/data-folder.ts'
import type { Config } from './config.ts'

/** Which step of the start did not work. The cause stays attached for the log. */
export class StartTrouble extends Error {
  readonly part: StartPart

  constructor(part: StartPart, cause: unknown) {
    super(`the start failed at: ${part}`, { cause })
    this.part = part
  }
}

export type StartPart = 'data folder' | 'root key' | 'database' | 'redis' | 'address'

/** Runs one step of the start, so that what it throws can be told in one line. */
export async function step<T>(part: StartPart, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new StartTrouble(part, error)
  }
}

/**
 * One line for the person at the terminal: what is wrong and what to do. Never holds a password: of
 * the URLs only host, port and database name are shown.
 */
export function explainStart(error: unknown, config: Config): string {
  if (!(error instanceof StartTrouble))
    return `Latchkey could not start: ${error instanceof Error ? error.message : String(error)}`
  const { code, message, errcode } = causeOf(error)
  switch (error.part) {
    case 'address':
      if (code === 'EADDRINUSE')
        return `Port ${config.port} is in use by another program. Stop it, or set LATCHKEY_PORT and LATCHKEY_ORIGIN.`
      if (code === 'EACCES')
        return `Port ${config.port} may not be opened by this user. Choose one above 1023 with LATCHKEY_PORT.`
      return `Cannot listen on ${config.host} port ${config.port} (${code ?? message}). Check LATCHKEY_HOST and LATCHKEY_PORT.`
    case 'data folder':
      if (error.cause instanceof DataFolderInUse)
        return `The data folder ${config.dataDir} is in use by another Latchkey. Stop it, or set LATCHKEY_DATA_DIR.`
      return `The data folder ${config.dataDir} cannot be written (${code ?? message}). Give this user the right to, or set LATCHKEY_DATA_DIR.`
    case 'root key':
      if (error.cause instanceof BadRootKey)
        return `The root key is damaged: ${message}. Put back your copy of it; with another key no API key and no sealed value would open.`
      return `The root key in ${config.dataDir} cannot be read (${code ?? message}). It belongs to the user that runs Latchkey, mode 0600.`
    case 'redis':
      return `Redis at ${hostOf(config.redisUrl?.reveal())} cannot be reached (${code ?? message}). Start it, or unset LATCHKEY_REDIS_URL to run one node.`
    case 'database':
      return config.databaseUrl
        ? `The database at ${hostOf(config.databaseUrl.reveal())} ${postgresTrouble(code, message)}`
        : `The database file in ${config.dataDir} ${sqliteTrouble(errcode, message)}`
  }
}

function postgresTrouble(code: string | undefined, message: string): string {
  switch (code) {
    case '28P01':
    case '28000':
      return 'refuses the user or password of LATCHKEY_DATABASE_URL.'
    case '3D000':
      return 'does not exist: create it, or correct the name in LATCHKEY_DATABASE_URL.'
    case '42501':
      return 'does not let this user create tables: grant it the rights on its schema.'
    default:
      return `cannot be reached (${code ?? message}). Start PostgreSQL, or correct LATCHKEY_DATABASE_URL.`
  }
}

function sqliteTrouble(errcode: number | undefined, message: string): string {
  if (errcode === 26 || errcode === 11)
    return 'is damaged (latchkey.db is not a whole SQLite database). Put back a backup; the damaged file is left as it is.'
  if (errcode === 13) return 'cannot grow: the disk is full.'
  return `cannot be opened (${message}).`
}

/** AggregateError: Node tried several addresses of one name. */
function causeOf(error: StartTrouble) {
  const cause = error.cause as {
    code?: string
    message?: string
    errcode?: number
    errors?: { code?: string }[]
  }
  return {
    code: cause.code === 'ERR_SQLITE_ERROR' ? undefined : (cause.code ?? cause.errors?.[0]?.code),
    message: (cause.message ?? 'unknown').split('\n', 1)[0] ?? '',
    errcode: cause.errcode,
  }
}

function hostOf(url: string | undefined): string {
  const parsed = URL.parse(url ?? '')
  return parsed ? `${parsed.host}${parsed.pathname === '/' ? '' : parsed.pathname}` : 'unknown'
}
