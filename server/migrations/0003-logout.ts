import type { Ddl } from '../src/platform/db/migrate.ts'

/** Signing out of apps. Conventions as in `0001-initial.ts`. */
export async function up(ddl: Ddl): Promise<void> {
  await ddl(`
-- oauth: when a sign-in at an app was over; null while it stands, whatever became of its tokens
alter table oauth_grants add column signed_out_at bigint;

-- oauth: which app is to be told that a sign-in is over; an outbox
create table logout_deliveries (
  id text primary key,
  client_id text not null,
  account_id text not null,
  session_id text not null,             -- sid of the ID tokens
  state text not null,                  -- waiting | sending | sent | failed
  attempts bigint not null,
  next_attempt_at bigint not null,
  claimed_until bigint,
  last_error text,
  created_at bigint not null,
  settled_at bigint
);
create index logout_deliveries_due on logout_deliveries (state, next_attempt_at);
create index logout_deliveries_client on logout_deliveries (client_id, created_at);
`)
}
