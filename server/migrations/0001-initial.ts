import type { Ddl } from '../src/platform/db/migrate.ts'

/**
 * Conventions: text ids with a prefix, instants as integer milliseconds, JSON as text, booleans as
 * 0/1, money in micro-units. Bearer secrets are stored as digests, anything that must be read back
 * is sealed. Each table belongs to one room, named above it.
 */
export async function up(ddl: Ddl): Promise<void> {
  await ddl(`
-- accounts ---------------------------------------------------------------------------------------
create table accounts (
  id text primary key,
  name text not null,
  email text not null,                  -- canonical address
  email_verified_at bigint,
  password_hash text not null,          -- PHC string
  locale text not null,
  state text not null,                  -- unverified | active | limited | suspended | closed
  epoch bigint not null,                -- moves when everything issued before must stop
  role text,                            -- operator | reviewer | auditor | support
  created_at bigint not null,
  updated_at bigint not null
);
create unique index accounts_email on accounts (email);
create index accounts_state on accounts (state, id);

-- who, why, when, evidence of every change of standing
create table account_state_changes (
  id text primary key,
  account_id text not null references accounts (id),
  from_state text not null,
  to_state text not null,
  actor_id text,                        -- null: the system itself
  reason text not null,
  evidence text not null,               -- JSON
  at bigint not null
);
create index account_state_changes_account on account_state_changes (account_id, at);

-- short codes and one-time links; single use by one conditional update
create table challenges (
  id text primary key,
  kind text not null,                   -- verify_email | reset_password | operator_link
  account_id text references accounts (id),
  address text not null,
  digest text not null,
  attempts_left bigint not null,
  role text,                            -- operator_link: the role that the claim gives
  created_at bigint not null,
  expires_at bigint not null,
  consumed_at bigint
);
create index challenges_open on challenges (kind, address, created_at);
create index challenges_digest on challenges (digest);
create index challenges_expiry on challenges (expires_at);

-- sessions ---------------------------------------------------------------------------------------
create table devices (
  id text primary key,
  account_id text not null references accounts (id),
  token_digest text not null,           -- long-lived device cookie
  name text not null,
  user_agent text not null,
  address text not null,                -- last network address seen
  first_seen_at bigint not null,
  last_seen_at bigint not null,
  ended_at bigint,                      -- ended by its owner: not recognised again
  alarm_digest text,                    -- "this wasn't me" of the new-device mail; null once used
  alarm_until bigint
);
create unique index devices_alarm on devices (alarm_digest);
create unique index devices_token on devices (account_id, token_digest) where ended_at is null;

create table sessions (
  id text primary key,
  account_id text not null references accounts (id),
  device_id text not null references devices (id),
  token_digest text not null,
  amr text not null,                    -- JSON list, RFC 8176
  created_at bigint not null,
  authenticated_at bigint not null,
  last_seen_at bigint not null,
  expires_at bigint not null,
  ended_at bigint,
  end_reason text                       -- signed_out | signed_out_elsewhere | password_reset | password_changed | closed | replaced | revoked_all | not_me | device_limit
);
create unique index sessions_token on sessions (token_digest);
create index sessions_account on sessions (account_id, ended_at);
create index sessions_expiry on sessions (expires_at);
create index sessions_ended on sessions (ended_at);
create index sessions_device on sessions (device_id);

-- somebody has proven who they are and has to end a device first; single use by one delete
create table sign_in_tickets (
  digest text primary key,
  account_id text not null references accounts (id),
  device_digest text not null,          -- the browser that asked, by its device cookie
  epoch bigint not null,                -- of the account at the proof
  amr text not null,                    -- JSON list, RFC 8176
  expires_at bigint not null
);
create index sign_in_tickets_expiry on sign_in_tickets (expires_at);

-- organizations ----------------------------------------------------------------------------------
create table organizations (
  id text primary key,
  name text not null,
  created_at bigint not null
);

create table memberships (
  organization_id text not null references organizations (id),
  account_id text not null references accounts (id),
  role text not null,                   -- owner | admin | member
  created_at bigint not null,
  primary key (organization_id, account_id)
);
create index memberships_account on memberships (account_id);

create table projects (
  id text primary key,
  organization_id text not null references organizations (id),
  name text not null,
  created_at bigint not null
);
create index projects_organization on projects (organization_id);

-- keys -------------------------------------------------------------------------------------------
create table api_keys (
  id text primary key,
  organization_id text not null references organizations (id),
  project_id text not null references projects (id),
  account_id text not null references accounts (id), -- who answers for it
  name text not null,
  type text not null,
  hint text not null,                   -- prefix and last four characters
  scopes text not null,                 -- JSON list
  models text,                          -- JSON list; null: all
  allowed_ips text,                     -- JSON list of CIDR; null: all
  limits text not null,                 -- JSON {requests_per_minute?, tokens_per_minute?, concurrency?}
  budget text,                          -- JSON {amount_micros, period}; null: none
  declared_use text,                    -- server | team | ci | mobile | serverless
  state text not null,                  -- active | disabled | revoked
  state_reason text,                    -- owner | operator | leaked
  created_at bigint not null,
  updated_at bigint not null,
  expires_at bigint,
  last_used_at bigint
);
create index api_keys_project on api_keys (project_id, id);
create index api_keys_account on api_keys (account_id);

-- one key may have two living secrets while a rotation overlaps
create table api_key_secrets (
  digest text primary key,              -- HMAC-SHA-256 under the pepper of that version
  pepper_version bigint not null,
  key_id text not null references api_keys (id),
  created_at bigint not null,
  valid_until bigint
);
create index api_key_secrets_key on api_key_secrets (key_id);

-- oauth ------------------------------------------------------------------------------------------
create table oauth_clients (
  id text primary key,                  -- client_id
  organization_id text references organizations (id),
  created_by text references accounts (id),
  metadata text not null,               -- JSON, RFC 7591 names, no secret
  settings text not null,               -- JSON {legacy_confidential?, refresh_grace_seconds?}
  created_at bigint not null,
  updated_at bigint not null,
  last_used_at bigint,
  expires_at bigint
);
create index oauth_clients_organization on oauth_clients (organization_id, id);

-- two living secrets while a rotation overlaps
create table oauth_client_secrets (
  client_id text not null references oauth_clients (id),
  digest text not null,
  hint text not null,
  created_at bigint not null,
  expires_at bigint,
  primary key (client_id, digest)
);

-- codes, refresh tokens, transactions, library sessions: everything the protocol engine keeps
create table oauth_artifacts (
  model text not null,
  id_digest text not null,              -- the value itself is never stored
  account_id text,
  client_id text,
  grant_id text,
  session_uid text,
  uid text,
  user_code_digest text,
  payload text not null,                -- sealed JSON
  created_at bigint not null,
  expires_at bigint,
  consumed_at bigint,
  primary key (model, id_digest)
);
create index oauth_artifacts_account on oauth_artifacts (account_id);
create index oauth_artifacts_grant on oauth_artifacts (grant_id);
create index oauth_artifacts_uid on oauth_artifacts (model, uid);
create index oauth_artifacts_user_code on oauth_artifacts (user_code_digest);
create index oauth_artifacts_expiry on oauth_artifacts (expires_at);

-- what an account allowed to a client; id is the engine's grant id
create table oauth_grants (
  id text primary key,
  account_id text not null references accounts (id),
  client_id text not null,
  session_id text,
  device_id text,
  scopes text not null,                 -- JSON list
  resource text,
  redirect_host text not null,
  created_at bigint not null,
  last_used_at bigint,
  expires_at bigint not null,
  revoked_at bigint,
  revoke_reason text
);
create index oauth_grants_account on oauth_grants (account_id, client_id);
create index oauth_grants_session on oauth_grants (session_id);
create index oauth_grants_device on oauth_grants (device_id);
create index oauth_grants_revoked on oauth_grants (revoked_at);

create table oauth_signing_keys (
  kid text primary key,
  alg text not null,
  state text not null,                  -- pending | active | retiring
  public_jwk text not null,
  private_jwk text not null,            -- sealed
  created_at bigint not null,
  activated_at bigint,
  retired_at bigint
);

-- usage ------------------------------------------------------------------------------------------
create table usage_records (
  request_id text primary key,          -- exactly one record per request
  at bigint not null,
  organization_id text not null,
  project_id text,
  account_id text not null,
  credential_kind text not null,        -- key | token
  credential_id text not null,          -- key id or client id
  endpoint text not null,
  model text not null,
  upstream text not null,
  status bigint not null,
  outcome text not null,                -- complete | client_gone | upstream_cut | cut_off | refused_upstream
  streamed bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  output_tokens bigint not null,
  estimated bigint not null,            -- 1: counted by us, the upstream did not say
  cost_micros bigint not null,
  first_byte_ms bigint,
  duration_ms bigint not null
);
create index usage_records_organization on usage_records (organization_id, at);
create index usage_records_credential on usage_records (credential_id, at);

create table usage_days (
  day text not null,                    -- UTC, YYYY-MM-DD
  organization_id text not null,
  project_id text not null,             -- '' for tokens
  credential_id text not null,
  model text not null,
  requests bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  output_tokens bigint not null,
  cost_micros bigint not null,
  primary key (organization_id, day, project_id, credential_id, model)
);
create index usage_days_credential on usage_days (credential_id, day);

-- trust and appeals ------------------------------------------------------------------------------
create table cases (
  id text primary key,
  account_id text not null references accounts (id),
  subject_kind text not null,           -- account | key
  subject_id text not null,
  source text not null,                 -- operator | rule | report
  state text not null,                  -- open | decided | closed
  opened_at bigint not null,
  closed_at bigint
);
create index cases_account on cases (account_id, opened_at);
create index cases_state on cases (state, opened_at);

create table evidence (
  id text primary key,
  case_id text not null references cases (id),
  kind text not null,                   -- note | signal | report
  summary text not null,                -- a sentence its subject may read
  detail text not null,                 -- JSON, operators only
  at bigint not null
);
create index evidence_case on evidence (case_id, at);

create table decisions (
  id text primary key,
  case_id text not null references cases (id),
  account_id text not null references accounts (id),
  kind text not null,                   -- warn | limit | suspend | close
  reason text not null,                 -- stable code
  text text not null,                   -- what the person reads
  until_at bigint,
  prior_state text not null,            -- JSON snapshot that a reversal restores
  decided_by text,                      -- null: a rule
  decided_by_name text not null,
  decided_at bigint not null,
  ended_at bigint,
  end_reason text                       -- reversed | reduced | expired | superseded
);
create index decisions_account on decisions (account_id, decided_at);
create index decisions_case on decisions (case_id, decided_at);
create index decisions_until on decisions (ended_at, until_at);

create table appeals (
  id text primary key,
  decision_id text not null references decisions (id),
  case_id text not null references cases (id),
  account_id text not null references accounts (id),
  text text not null,
  state text not null,                  -- pending | upheld | reduced | reversed
  created_at bigint not null,
  first_look_due_at bigint not null,
  first_look_at bigint,
  decided_at bigint,
  reviewer_id text,
  reviewer_decided_case bigint,         -- 1: the only operator reviewed the own decision, and the outcome says so
  outcome_text text
);
create unique index appeals_decision on appeals (decision_id); -- one appeal per decision
create index appeals_state on appeals (state, first_look_due_at);
create index appeals_account on appeals (account_id);

-- audit ------------------------------------------------------------------------------------------
create table audit_events (
  seq bigint primary key,
  id text not null,
  at bigint not null,
  actor_kind text not null,             -- account | operator | system
  actor_id text,
  actor_name text not null,             -- copied: survives deletion
  action text not null,
  subject_kind text not null,
  subject_id text not null,
  subject_name text not null,
  detail text not null,                 -- JSON
  request_id text,
  previous_hash text not null,
  hash text not null
);
create index audit_events_subject on audit_events (subject_id, seq);
create index audit_events_actor on audit_events (actor_id, seq);

-- mail -------------------------------------------------------------------------------------------
create table outbox (
  id text primary key,
  channel text not null,                -- mail | sms
  kind text not null,                   -- template name
  recipient text not null,
  payload text not null,                -- sealed JSON: subject, text, html, code, link
  state text not null,                  -- waiting | sending | sent | failed
  attempts bigint not null,
  next_attempt_at bigint not null,
  claimed_until bigint,
  last_error text,
  created_at bigint not null,
  sent_at bigint
);
create index outbox_due on outbox (state, next_attempt_at);
create index outbox_created on outbox (created_at)
`)
}
