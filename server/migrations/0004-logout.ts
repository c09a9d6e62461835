import type { Ddl } from '../src/platform/db/migrate.ts'

/** Signing out of apps. Conventions as in `0001-initial.ts`. */
export async function up(ddl: Ddl): Promise<void> {
  await ddl(`
-- oauth: when a sign-in at an app was over; null while it stands, whatever became of its tokens
alter table oauth_grants add column signed_out_at bigint;
`)
}
