import type { Ddl } from '../src/platform/db/migrate.ts'

/**
 * Clients that are described by a document at their client_id. Both columns are null for all others:
 * when the document was last read, and until when that needs no second look.
 */
export async function up(ddl: Ddl): Promise<void> {
  await ddl(`
alter table oauth_clients add column document_read_at bigint;
alter table oauth_clients add column document_fresh_until bigint;
`)
}
