import type { Ddl } from '../src/platform/db/migrate.ts'

/**
 * The answer that a rotated refresh token repeats lies on the token's own row, so that a rotation
 * writes one new row and not two; and rows without `uid` or user code, which nearly all are, are in
 * no index of those. Replays of before, good for half a minute, go.
 */
export async function up(ddl: Ddl): Promise<void> {
  await ddl(`
-- sealed under a key derived from the token, which is not stored
alter table oauth_artifacts add column replay text;
alter table oauth_artifacts add column replay_until bigint;
create index oauth_artifacts_replay on oauth_artifacts (replay_until) where replay_until is not null;
delete from oauth_artifacts where model = 'RefreshReplay';

drop index oauth_artifacts_uid;
create index oauth_artifacts_uid on oauth_artifacts (uid) where uid is not null;
drop index oauth_artifacts_user_code;
create index oauth_artifacts_user_code on oauth_artifacts (user_code_digest) where user_code_digest is not null;
`)
}
