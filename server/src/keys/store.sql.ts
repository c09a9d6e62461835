import { sql } from 'kysely'
import { changed, type Database } from '#platform/db/database.ts'
import type { ApiKey, KeySettings } from './api-key.ts'
import type { KeyStore } from './store.ts'

type Tables = {
  api_keys: {
    id: string
    organization_id: string
    project_id: string
    account_id: string
    name: string
    type: string
    hint: string
    scopes: string
    models: string | null
    allowed_ips: string | null
    limits: string
    budget: string | null
    declared_use: string | null
    state: string
    state_reason: string | null
    created_at: number
    updated_at: number
    expires_at: number | null
    last_used_at: number | null
  }
  api_key_secrets: {
    digest: string
    pepper_version: number
    key_id: string
    created_at: number
    valid_until: number | null
  }
}
type Row = Tables['api_keys']

export function sqlKeyStore(database: Database): KeyStore {
  const db = database.tables<Tables>()
  return {
    async insert(key, secret) {
      await db.query
        .insertInto('api_keys')
        .values({
          id: key.id,
          organization_id: key.organizationId,
          project_id: key.projectId,
          account_id: key.accountId,
          type: key.type,
          hint: key.hint,
          state: key.state,
          state_reason: key.stateReason,
          created_at: key.createdAt,
          updated_at: key.createdAt,
          last_used_at: key.lastUsedAt,
          ...(settingsRow(key) as Pick<Row, 'name' | 'scopes' | 'limits'>),
        })
        .execute()
      await db.query
        .insertInto('api_key_secrets')
        .values({
          digest: secret.digest,
          pepper_version: secret.pepperVersion,
          key_id: key.id,
          created_at: secret.createdAt,
          valid_until: null,
        })
        .execute()
    },
    async find(id) {
      const row = await db.query
        .selectFrom('api_keys')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row ? fromRow(row) : null
    },
    async findByDigest(digests) {
      const row = await db.query
        .selectFrom('api_key_secrets as secret')
        .innerJoin('api_keys as key', 'key.id', 'secret.key_id')
        .selectAll('key')
        .select(['secret.digest', 'secret.valid_until'])
        .where('secret.digest', 'in', digests)
        .executeTakeFirst()
      return row
        ? { key: fromRow(row), digest: row.digest, secretValidUntil: row.valid_until }
        : null
    },
    async listOfProject(projectId, { after, limit }) {
      const rows = await db.query
        .selectFrom('api_keys')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('state', '!=', 'revoked')
        .$if(after !== null, (query) => query.where('id', '<', after))
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()
      return rows.map(fromRow)
    },
    async listOfAccount(accountId) {
      const rows = await db.query
        .selectFrom('api_keys')
        .selectAll()
        .where('account_id', '=', accountId)
        .where('state', '!=', 'revoked')
        .orderBy('id', 'desc')
        .execute()
      return rows.map(fromRow)
    },
    async names(ids) {
      if (ids.length === 0) return new Map()
      const rows = await db.query
        .selectFrom('api_keys')
        .select(['id', 'name'])
        .where('id', 'in', ids)
        .execute()
      return new Map(rows.map((row) => [row.id, row.name]))
    },
    async update(id, settings, at) {
      const result = await db.query
        .updateTable('api_keys')
        .set({ ...settingsRow(settings), updated_at: at })
        .where('id', '=', id)
        .where('state', '!=', 'revoked')
        .executeTakeFirst()
      return changed(result) > 0
    },
    async setState(id, to, at) {
      const result = await db.query
        .updateTable('api_keys')
        .set({ state: to.state, state_reason: to.reason, updated_at: at })
        .where('id', '=', id)
        .where('state', '!=', 'revoked')
        .executeTakeFirst()
      return changed(result) > 0
    },
    async replaceSecret(id, hint, secret, oldUntil) {
      const result = await db.query
        .updateTable('api_keys')
        .set({ hint, updated_at: secret.createdAt })
        .where('id', '=', id)
        .where('state', '!=', 'revoked')
        .executeTakeFirst()
      if (changed(result) === 0) return false
      await db.query
        .updateTable('api_key_secrets')
        .set({ valid_until: oldUntil })
        .where('key_id', '=', id)
        .where((where) =>
          where.or([where('valid_until', 'is', null), where('valid_until', '>', oldUntil)]),
        )
        .execute()
      await db.query
        .insertInto('api_key_secrets')
        .values({
          digest: secret.digest,
          pepper_version: secret.pepperVersion,
          key_id: id,
          created_at: secret.createdAt,
          valid_until: null,
        })
        .execute()
      return true
    },
    async touch(uses) {
      if (uses.size === 0) return
      const list = JSON.stringify([...uses].map(([id, at]) => ({ id, at })))
      const rows =
        database.kind === 'sqlite'
          ? sql`select value ->> '$.id' as id, value ->> '$.at' as at from json_each(${list})`
          : sql`select id, at from json_to_recordset(${list}::json) as u(id text, at bigint)`
      // The comparison keeps a replayed batch from moving a time backwards.
      await sql`update api_keys set last_used_at = used.at from (${rows}) as used
        where api_keys.id = used.id and (api_keys.last_used_at is null or api_keys.last_used_at < used.at)`.execute(
        db.query,
      )
    },
  }
}

function settingsRow(settings: Partial<KeySettings>): Partial<Row> {
  const row: Partial<Row> = {}
  if (settings.name !== undefined) row.name = settings.name
  if (settings.scopes !== undefined) row.scopes = JSON.stringify(settings.scopes)
  if (settings.models !== undefined) row.models = jsonOrNull(settings.models)
  if (settings.allowedIps !== undefined) row.allowed_ips = jsonOrNull(settings.allowedIps)
  if (settings.limits !== undefined) {
    const { requestsPerMinute, tokensPerMinute, concurrency } = settings.limits
    row.limits = JSON.stringify({
      requests_per_minute: requestsPerMinute,
      tokens_per_minute: tokensPerMinute,
      concurrency,
    })
  }
  if (settings.budget !== undefined)
    row.budget = settings.budget
      ? JSON.stringify({
          amount_micros: settings.budget.amountMicros,
          period: settings.budget.period,
        })
      : null
  if (settings.declaredUse !== undefined) row.declared_use = settings.declaredUse
  if (settings.expiresAt !== undefined) row.expires_at = settings.expiresAt
  return row
}

const jsonOrNull = (value: unknown): string | null =>
  value === null ? null : JSON.stringify(value)

/** The columns hold what `settingsRow` wrote, so their types are known. */
function fromRow(row: Row): ApiKey {
  const limits = JSON.parse(row.limits) as {
    requests_per_minute?: number
    tokens_per_minute?: number
    concurrency?: number
  }
  const budget =
    row.budget === null
      ? null
      : (JSON.parse(row.budget) as { amount_micros: number; period: 'total' | 'day' | 'month' })
  return {
    id: row.id,
    organizationId: row.organization_id,
    projectId: row.project_id,
    accountId: row.account_id,
    name: row.name,
    type: row.type as ApiKey['type'],
    hint: row.hint,
    scopes: JSON.parse(row.scopes) as string[],
    models: row.models === null ? null : (JSON.parse(row.models) as string[]),
    allowedIps: row.allowed_ips === null ? null : (JSON.parse(row.allowed_ips) as string[]),
    limits: {
      ...(limits.requests_per_minute === undefined
        ? {}
        : { requestsPerMinute: limits.requests_per_minute }),
      ...(limits.tokens_per_minute === undefined
        ? {}
        : { tokensPerMinute: limits.tokens_per_minute }),
      ...(limits.concurrency === undefined ? {} : { concurrency: limits.concurrency }),
    },
    budget: budget && { amountMicros: budget.amount_micros, period: budget.period },
    declaredUse: row.declared_use as ApiKey['declaredUse'],
    state: row.state as ApiKey['state'],
    stateReason: row.state_reason as ApiKey['stateReason'],
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  }
}
