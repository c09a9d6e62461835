import { setImmediate as breathe } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import type { Database, DatabaseKind, SqlValue } from '#platform/db/database.ts'
import { type RecordRow, recordJson } from './record-line.ts'
import type { UsageGroup, UsageStore } from './store.ts'
import { dayOf, type UsageRecord, type UsageTotals } from './usage-record.ts'

type DaysTable = {
  day: string
  organization_id: string
  project_id: string
  credential_id: string
  model: string
  requests: number
  input_tokens: number
  cached_input_tokens: number
  output_tokens: number
  cost_micros: number
}
type Tables = { usage_records: RecordRow; usage_days: DaysTable }

const recordColumns = {
  request_id: 'text',
  at: 'bigint',
  organization_id: 'text',
  project_id: 'text',
  account_id: 'text',
  credential_kind: 'text',
  credential_id: 'text',
  endpoint: 'text',
  model: 'text',
  upstream: 'text',
  status: 'bigint',
  outcome: 'text',
  streamed: 'bigint',
  input_tokens: 'bigint',
  cached_input_tokens: 'bigint',
  output_tokens: 'bigint',
  estimated: 'bigint',
  cost_micros: 'bigint',
  first_byte_ms: 'bigint',
  duration_ms: 'bigint',
} as const satisfies Record<keyof RecordRow, string>

const insertRecord = `insert into usage_records (${Object.keys(recordColumns).join(', ')})
  values (${Object.keys(recordColumns)
    .map(() => '?')
    .join(', ')})`
/** SQLite holds the loop while it inserts: some 2 ms for this many, then calls go on. */
const insertsInOneGo = 200

const dayColumns = {
  day: 'text',
  organization_id: 'text',
  project_id: 'text',
  credential_id: 'text',
  model: 'text',
  requests: 'bigint',
  input_tokens: 'bigint',
  cached_input_tokens: 'bigint',
  output_tokens: 'bigint',
  cost_micros: 'bigint',
} as const satisfies Record<keyof DaysTable, string>

/** The rows of a JSON list as a table: one parameter and one statement, however many rows. */
function rowsOf(
  kind: DatabaseKind,
  columns: Record<string, string>,
  list: string,
): RawBuilder<unknown> {
  const names = Object.keys(columns)
  if (kind === 'postgres') {
    const typed = names.map((name) => `${name} ${columns[name]}`).join(', ')
    return sql`select ${sql.raw(names.join(', '))} from json_to_recordset(${list}::json) as row(${sql.raw(typed)})`
  }
  const read = names.map((name) => `value ->> '$.${name}'`).join(', ')
  // jsonb: each row is parsed once and not once a column. `where true` keeps SQLite from reading ON
  // CONFLICT as a join condition.
  return sql`select ${sql.raw(read)} from jsonb_each(${list}) where true`
}

const groupColumn = {
  day: 'day',
  model: 'model',
  key: 'credential_id',
  project: 'project_id',
} as const satisfies Record<UsageGroup, keyof DaysTable>

// sum() of nothing is null; a plain number comes back from both databases (openPostgres maps numeric).
const sums = sql`coalesce(sum(requests), 0) as "requests", coalesce(sum(input_tokens), 0) as "inputTokens",
  coalesce(sum(cached_input_tokens), 0) as "cachedInputTokens", coalesce(sum(output_tokens), 0) as "outputTokens",
  coalesce(sum(cost_micros), 0) as "costMicros"`

export function sqlUsageStore(database: Database): UsageStore {
  const db = database.tables<Tables>()
  const names = sql.raw(Object.keys(recordColumns).join(', '))
  const addToDays = (days: readonly DaysTable[]) =>
    sql`
      insert into usage_days (${sql.raw(Object.keys(dayColumns).join(', '))})
      ${rowsOf(database.kind, dayColumns, JSON.stringify(days))}
      on conflict (organization_id, day, project_id, credential_id, model) do update set
        requests = usage_days.requests + excluded.requests,
        input_tokens = usage_days.input_tokens + excluded.input_tokens,
        cached_input_tokens = usage_days.cached_input_tokens + excluded.cached_input_tokens,
        output_tokens = usage_days.output_tokens + excluded.output_tokens,
        cost_micros = usage_days.cost_micros + excluded.cost_micros`.execute(db.query)
  const insertJson = async (records: readonly UsageRecord[]) => {
    const list = `[${records.map(recordJson).join(',')}]`
    const { numAffectedRows } = await sql`
      insert into usage_records (${names})
      ${rowsOf(database.kind, recordColumns, list)}`.execute(db.query)
    return Number(numAffectedRows)
  }
  return {
    save: (rows) =>
      database.transaction(async () => {
        const inserted = await sql<{ request_id: string }>`
          insert into usage_records (${names}) ${rowsOf(database.kind, recordColumns, JSON.stringify(rows))}
          on conflict (request_id) do nothing returning request_id`.execute(db.query)
        // The common case is that all are new; after a crash some were there already.
        const fresh =
          inserted.rows.length === rows.length
            ? [...rows]
            : (() => {
                const ids = new Set(inserted.rows.map((row) => row.request_id))
                return rows.filter((row) => ids.delete(row.request_id))
              })()
        if (fresh.length > 0) await addToDays(daySums(fresh))
        return fresh
      }),
    saveNew: (records) =>
      database.transaction(async () => {
        let added = 0
        for (let start = 0; start < records.length; start += insertsInOneGo) {
          const some = records.slice(start, start + insertsInOneGo)
          const rows =
            database.runEach(insertRecord, some.map(valuesOf)) ?? (await insertJson(some))
          added += rows
          await breathe()
        }
        if (added !== records.length) throw new Error('a usage record was left out')
        await addToDays(daySums(records.map(rowOf)))
      }),
    async totals(credential, fromDay) {
      const { rows } = await sql<UsageTotals>`select ${sums} from usage_days
        where credential_id = ${credential.id} and organization_id = ${credential.organizationId}
          and day >= ${fromDay ?? ''}`.execute(db.query)
      return plainTotals(rows[0])
    },
    async grouped(query, by) {
      if (query.organizationIds.length === 0) return []
      const { rows } = await sql<UsageTotals & { value: string }>`
        select ${sql.ref(groupColumn[by])} as "value", ${sums} from usage_days
        where organization_id in (${sql.join(query.organizationIds)})
          and day >= ${query.fromDay} and day <= ${query.toDay}
        group by ${sql.ref(groupColumn[by])}
        order by ${by === 'day' ? sql`1` : sql`6 desc, 2 desc, 1`}`.execute(db.query)
      return rows.map((row) => ({ value: row.value, ...plainTotals(row) }))
    },
    async days(query) {
      if (query.organizationIds.length === 0) return []
      const rows = await db.query
        .selectFrom('usage_days')
        .selectAll()
        .where('organization_id', 'in', query.organizationIds)
        .where('day', '>=', query.fromDay)
        .where('day', '<=', query.toDay)
        .orderBy('day')
        .orderBy('project_id')
        .orderBy('credential_id')
        .orderBy('model')
        .execute()
      return rows.map((row) => ({
        day: row.day,
        projectId: row.project_id || null,
        credentialId: row.credential_id,
        model: row.model,
        requests: row.requests,
        inputTokens: row.input_tokens,
        cachedInputTokens: row.cached_input_tokens,
        outputTokens: row.output_tokens,
        costMicros: row.cost_micros,
      }))
    },
    async calls({ organizationIds, credentialId, before, limit }) {
      if (organizationIds.length === 0) return []
      return db.query
        .selectFrom('usage_records')
        .selectAll()
        .where('organization_id', 'in', organizationIds)
        .$if(credentialId !== null, (query) => query.where('credential_id', '=', credentialId))
        .$if(before !== null, (query) =>
          query.where((where) =>
            where.or([
              where('at', '<', before?.at ?? 0),
              where.and([
                where('at', '=', before?.at ?? 0),
                where('request_id', '<', before?.requestId ?? ''),
              ]),
            ]),
          ),
        )
        .orderBy('at', 'desc')
        .orderBy('request_id', 'desc')
        .limit(limit)
        .execute()
    },
  }
}

/** The values of a record in the order of `recordColumns`. */
const valuesOf = (r: UsageRecord): SqlValue[] => [
  r.requestId,
  r.at,
  r.organizationId,
  r.projectId,
  r.accountId,
  r.credentialKind,
  r.credentialId,
  r.endpoint,
  r.model,
  r.upstream,
  r.status,
  r.outcome,
  r.streamed ? 1 : 0,
  r.inputTokens,
  r.cachedInputTokens,
  r.outputTokens,
  r.estimated ? 1 : 0,
  r.costMicros,
  r.firstByteMs,
  r.durationMs,
]

type SummedRow = Pick<
  RecordRow,
  | 'at'
  | 'organization_id'
  | 'project_id'
  | 'credential_id'
  | 'model'
  | 'input_tokens'
  | 'cached_input_tokens'
  | 'output_tokens'
  | 'cost_micros'
>

const rowOf = (record: UsageRecord): SummedRow => ({
  at: record.at,
  organization_id: record.organizationId,
  project_id: record.projectId,
  credential_id: record.credentialId,
  model: record.model,
  input_tokens: record.inputTokens,
  cached_input_tokens: record.cachedInputTokens,
  output_tokens: record.outputTokens,
  cost_micros: record.costMicros,
})

/** One row for each day, project, credential and model among the records. */
function daySums(rows: readonly SummedRow[]): DaysTable[] {
  const sums = new Map<string, DaysTable>()
  for (const row of rows) {
    const day = dayOf(row.at)
    const projectId = row.project_id ?? ''
    const name = `${row.organization_id}\n${day}\n${projectId}\n${row.credential_id}\n${row.model}`
    const sum = sums.get(name)
    if (sum) {
      sum.requests += 1
      sum.input_tokens += row.input_tokens
      sum.cached_input_tokens += row.cached_input_tokens
      sum.output_tokens += row.output_tokens
      sum.cost_micros += row.cost_micros
    } else
      sums.set(name, {
        day,
        organization_id: row.organization_id,
        project_id: projectId,
        credential_id: row.credential_id,
        model: row.model,
        requests: 1,
        input_tokens: row.input_tokens,
        cached_input_tokens: row.cached_input_tokens,
        output_tokens: row.output_tokens,
        cost_micros: row.cost_micros,
      })
  }
  return [...sums.values()]
}

const plainTotals = (row: UsageTotals | undefined): UsageTotals => ({
  requests: row?.requests ?? 0,
  inputTokens: row?.inputTokens ?? 0,
  cachedInputTokens: row?.cachedInputTokens ?? 0,
  outputTokens: row?.outputTokens ?? 0,
  costMicros: row?.costMicros ?? 0,
})
