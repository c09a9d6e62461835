import { AsyncLocalStorage } from 'node:async_hooks'
import { CompiledQuery, type Kysely, sql, type Transaction } from 'kysely'

export type DatabaseKind = 'sqlite' | 'postgres'

/**
 * One database behind the rooms' stores. A room declares the tables it owns and asks for a typed
 * view with `tables<MyTables>()`; nobody else's tables are in sight.
 *
 * `query` is the connection to use now: inside `transaction` it is the transaction, also for code
 * several calls away, so that two rooms can write in one commit without handing a handle around.
 */
export type Database = {
  readonly kind: DatabaseKind
  tables<T>(): { readonly query: Kysely<T> }
  /**
   * Runs `work` in one transaction; nested calls join the outer one. SQLite has one connection and
   * everybody waits for it: no network call and no hashing inside.
   */
  transaction<R>(work: () => Promise<R>): Promise<R>
  /** Runs `task` once the current transaction has committed, or at once outside of one. Not run on rollback. */
  afterCommit(task: () => void): void
  /** Holds a named lock to the end of the transaction (PostgreSQL); SQLite has one writer anyway. */
  lock(name: string): Promise<void>
  /**
   * Runs one statement for each list of values, inside a transaction, and returns how many rows
   * changed: thousands of inserts without a query built for each. Null on PostgreSQL, where each
   * would be a round trip.
   */
  runEach(statement: string, lists: readonly (readonly SqlValue[])[]): number | null
  /**
   * A statement whose text is made once, with `?` for each value: for the few that every request
   * runs, where building a query costs as much as running it.
   */
  statement<Row = never>(text: string): Statement<Row>
  ping(): Promise<void>
  close(): Promise<void>
}

export type Statement<Row> = (
  values: readonly SqlValue[],
) => Promise<{ rows: Row[]; changes: number }>

export type SqlValue = string | number | null

/** A database in this very process, whose statements are plain calls. */
export type LocalConnection = {
  runEach(text: string, lists: readonly (readonly SqlValue[])[]): number
  execute(text: string, values: readonly SqlValue[]): { rows: unknown[]; changes: number }
  inTransaction(): boolean
}

type Scope = { trx: Transaction<unknown>; open: boolean; afterCommit: (() => void)[] }

export function makeDatabase(
  root: Kysely<unknown>,
  kind: DatabaseKind,
  connection: LocalConnection | null = null,
): Database {
  const scopes = new AsyncLocalStorage<Scope>()
  const current = () => scopes.getStore()?.trx ?? root
  /** Whether the one connection is ours to use now, without a wait for somebody's transaction. */
  const free = (local: LocalConnection): boolean => {
    const scope = scopes.getStore()
    return scope ? scope.open : !local.inTransaction()
  }
  return {
    kind,
    tables: <T>() => ({
      get query() {
        return current() as unknown as Kysely<T>
      },
    }),
    async transaction(work) {
      if (scopes.getStore()) return work()
      const afterCommit: (() => void)[] = []
      const result = await root.transaction().execute(async (trx) => {
        const scope: Scope = { trx, open: true, afterCommit }
        try {
          return await scopes.run(scope, work)
        } finally {
          scope.open = false
        }
      })
      for (const task of afterCommit) task()
      return result
    },
    afterCommit(task) {
      const scope = scopes.getStore()
      if (scope) scope.afterCommit.push(task)
      else task()
    },
    async lock(name) {
      if (kind === 'sqlite') return
      await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(current())
    },
    runEach(statement, lists) {
      if (!connection) return null
      if (!scopes.getStore()) throw new Error('runEach belongs inside a transaction')
      return connection.runEach(statement, lists)
    },
    statement<Row>(text: string): Statement<Row> {
      let place = 0
      const local = kind === 'postgres' ? text.replaceAll('?', () => `$${++place}`) : text
      return async (values) => {
        if (connection && free(connection))
          return connection.execute(text, values) as { rows: Row[]; changes: number }
        const result = await current().executeQuery<Row>(CompiledQuery.raw(local, [...values]))
        return { rows: result.rows, changes: Number(result.numAffectedRows ?? 0n) }
      }
    },
    async ping() {
      await sql`select 1`.execute(root)
    },
    close: () => root.destroy(),
  }
}

/** Rows changed by an update or delete, as a number on both databases. */
export const changed = (result: {
  numUpdatedRows?: bigint
  numDeletedRows?: bigint
  numInsertedOrUpdatedRows?: bigint | undefined
}): number =>
  Number(result.numUpdatedRows ?? result.numDeletedRows ?? result.numInsertedOrUpdatedRows ?? 0n)
