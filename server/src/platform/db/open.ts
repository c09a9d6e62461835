import { mkdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import pg from 'pg'
import { type Database, makeDatabase, type SqlValue } from './database.ts'

// 64-bit integers (milliseconds, micro-units, counts) stay below 2^53; sums come back as numeric.
const pgTypes = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === 20 || oid === 1700) return Number
    return pg.types.getTypeParser(oid, format as 'text')
  },
}

const statementMaxMs = 15_000

/**
 * PostgreSQL when a URL is given, otherwise the SQLite file in the data folder. A PostgreSQL that takes
 * a query and then says nothing for `silentMs` is away: its network may be, without a word.
 */
export function openDatabase(options: {
  url: string | null
  dataDir: string
  silentMs?: number
}): Database {
  const { url, dataDir, silentMs = statementMaxMs + 5_000 } = options
  return url ? openPostgres(url, silentMs) : openSqlite(join(dataDir, 'latchkey.db'))
}

function openPostgres(url: string, silentMs: number): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 5_000,
    statement_timeout: statementMaxMs,
    idle_in_transaction_session_timeout: statementMaxMs,
    types: pgTypes as never, // @types/pg wants overloads that no caller of ours uses
  })
  // A connection that is lost is replaced at its next use, and the query on it has failed. Unheard, the
  // events would end the process: the pool hears those of idle connections, nobody those of busy ones.
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    client.on('error', () => {})
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
    const silent = Object.assign(new Error('PostgreSQL says nothing'), { code: 'ETIMEDOUT' })
    stream.setTimeout(silentMs, () => stream.destroy(silent))
  })
  return makeDatabase(new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }), 'postgres')
}

function openSqlite(path: string): Database {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
  const file = new DatabaseSync(path, { timeout: 5_000 }) // node:sqlite waits 0 ms by default
  // FULL: an acknowledged write is on disk before the answer leaves.
  file.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on')
  // Indexes grow at as many places as there are keys: the pages between two drains stay in memory.
  file.exec('pragma cache_size = -65536')
  // 16 MB of log between check-points: pages that usage rewrites again and again are moved once.
  file.exec('pragma wal_autocheckpoint = 4000')
  // Texts come from code, so there are few; a list of values of unusual length may push one out.
  const statements = new Map<string, ReturnType<typeof wrap>>()
  const statementsMax = 1_000
  const wrap = (text: string) => {
    const statement = file.prepare(text)
    return {
      reader: statement.columns().length > 0,
      all: (values: readonly unknown[]) => statement.all(...(values as string[])),
      run: (values: readonly unknown[]) => {
        const { changes, lastInsertRowid } = statement.run(...(values as string[]))
        return { changes: BigInt(changes), lastInsertRowid: BigInt(lastInsertRowid) }
      },
      // Its own statement: another use of this one would end the loop.
      iterate: (values: readonly unknown[]) => file.prepare(text).iterate(...(values as string[])),
    }
  }
  const prepared = {
    prepare(text: string) {
      const known = statements.get(text)
      if (known) return known
      const made = wrap(text)
      const oldest = statements.keys().next()
      if (statements.size >= statementsMax && !oldest.done) statements.delete(oldest.value)
      statements.set(text, made)
      return made
    },
    close: () => file.close(),
  }
  const dialect = new SqliteDialect({ database: prepared as never }) // the better-sqlite3 shape kysely expects
  // Their texts are constants of the stores.
  const repeated = new Map<string, { statement: StatementSync; reads: boolean }>()
  const repeatable = (text: string) => {
    let known = repeated.get(text)
    if (!known) {
      const statement = file.prepare(text)
      known = { statement, reads: statement.columns().length > 0 }
      repeated.set(text, known)
    }
    return known
  }
  const changesOf = (statement: StatementSync, values: readonly SqlValue[]) =>
    Number(statement.run(...values).changes)
  // Where a transaction is open, the one connection is its: a statement needs no handle to be part of it.
  return makeDatabase(new Kysely<unknown>({ dialect }), 'sqlite', {
    runEach(text, lists) {
      const { statement } = repeatable(text)
      return lists.reduce((sum, values) => sum + changesOf(statement, values), 0)
    },
    execute(text, values) {
      const { statement, reads } = repeatable(text)
      return reads
        ? { rows: statement.all(...values), changes: 0 }
        : { rows: [], changes: changesOf(statement, values) }
    },
    inTransaction: () => file.isTransaction,
  })
}
