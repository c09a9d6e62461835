import type { Ddl } from '../src/platform/db/migrate.ts'

/**
 * Devices that are no browser, and wrong passwords counted where every node and every restart finds
 * them. What was allowed by device code before becomes a device here; its name is its app's.
 */
export async function up(ddl: Ddl): Promise<void> {
  await ddl(`
-- sessions ---------------------------------------------------------------------------------------
-- browser | app: signed in by device code
alter table devices add column kind text not null default 'browser';

insert into devices
  (id, account_id, token_digest, name, user_agent, address, first_seen_at, last_seen_at, kind)
select 'dev_' || substr(id, 7), account_id, 'app ' || id, '', '', '', created_at,
  coalesce(last_used_at, created_at), 'app'
from oauth_grants where device_id = '' and revoked_at is null;

update oauth_grants set device_id = 'dev_' || substr(id, 7)
where device_id = '' and revoked_at is null;

-- oauth ------------------------------------------------------------------------------------------
-- how long the refresh token of the grant works, to the minute; null: it has none
alter table oauth_grants add column renews_until bigint;

-- accounts ---------------------------------------------------------------------------------------
-- wrong passwords by what they were tried at: an address, an address from one network, a network, a
-- known device; each with the account's epoch, so that a new password begins anew
create table password_failures (
  subject text primary key,             -- MAC
  in_a_row bigint not null,             -- a right password sets it to 0
  empty_at bigint not null,             -- when the bucket has run dry again
  last_at bigint not null
);
create index password_failures_last on password_failures (last_at);
`)
}
