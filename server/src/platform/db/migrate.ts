import { type Kysely, sql } from 'kysely'
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration'
import * as initial from '../../../migrations/0001-initial.ts'
import * as clientMetadata from '../../../migrations/0002-client-metadata.ts'
import * as logout from '../../../migrations/0003-logout.ts'
import * as appLogo from '../../../migrations/0004-app-logo.ts'
import * as devices from '../../../migrations/0005-devices.ts'
import * as refreshReplays from '../../../migrations/0006-refresh-replays.ts'
import type { Database, DatabaseKind } from './database.ts'

/**
 * One list for both databases. A released migration is never edited; a new one is appended here.
 */
const migrations: Record<string, { up(ddl: Ddl): Promise<void> }> = {
  '0001-initial': initial,
  '0002-client-metadata': clientMetadata,
  '0003-logout': logout,
  '0004-app-logo': appLogo,
  '0005-devices': devices,
  '0006-refresh-replays': refreshReplays,
}

/** Runs SQL written for PostgreSQL's types; on SQLite `bigint` becomes `integer` and tables STRICT. */
export type Ddl = (text: string) => Promise<void>

const ddl =
  (db: Kysely<unknown>, kind: DatabaseKind): Ddl =>
  async (text) => {
    const local =
      kind === 'sqlite'
        ? text.replaceAll(/\bbigint\b/g, 'integer').replaceAll(/^\);$/gm, ') strict;')
        : text
    for (const statement of local.split(/;\s*$/m))
      if (statement.replaceAll(/--.*$/gm, '').trim() !== '') await sql.raw(statement).execute(db)
  }

/**
 * Brings the database to this version and returns the names applied. On PostgreSQL kysely takes a
 * lock first, so of several nodes that start together one migrates and the others carry on.
 */
export async function migrate(database: Database): Promise<string[]> {
  const { results, error } = await migrator(database).migrateToLatest()
  if (error) throw error
  return (results ?? []).map((result) => result.migrationName)
}

/** Names not applied yet: what a node that may not migrate checks before it starts. */
export async function pendingMigrations(database: Database): Promise<string[]> {
  const all = await migrator(database).getMigrations()
  return all.filter((migration) => !migration.executedAt).map((migration) => migration.name)
}

function migrator(database: Database): Migrator {
  const provider: MigrationProvider = {
    getMigrations: async () =>
      Object.fromEntries(
        Object.entries(migrations).map(([name, { up }]): [string, Migration] => [
          name,
          { up: (db) => up(ddl(db, database.kind)) },
        ]),
      ),
  }
  return new Migrator({ db: database.tables<unknown>().query, provider })
}
