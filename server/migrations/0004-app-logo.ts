import type { Ddl } from '../src/platform/db/migrate.ts'

/** Logos of apps, and client secrets that are lent for a test. */
export async function up(ddl: Ddl): Promise<void> {
  await ddl(`
alter table oauth_client_secrets add column temporary bigint not null default 0;

alter table oauth_clients add column logo_digest text;

create table oauth_client_logos (
  client_id text primary key references oauth_clients (id) on delete cascade,
  digest text not null,                 -- SHA-256 of the bytes, a part of the address
  media_type text not null,             -- image/png | image/jpeg | image/webp
  data text not null,                   -- base64
  created_at bigint not null
);
`)
}
