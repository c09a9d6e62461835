import { z } from 'zod'
import { type Clock, day, rfc3339 } from '#platform/clock/clock.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import type { Organizations } from '../organizations/index.ts'
import { csv } from './csv.ts'
import type { Usage } from './index.ts'
import type { RecordRow } from './record-line.ts'
import type { DayRow, UsageGroup, UsageQuery } from './store.ts'
import { dayOf, type UsageTotals } from './usage-record.ts'

const moment = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })])
  .transform((text) => Date.parse(text))
const range = { from: moment.optional(), to: moment.optional() }

const usageGroup = z.enum(['day', 'model', 'key', 'project'])

const totalsResponse = z.object({
  requests: z.number(),
  input_tokens: z.number(),
  cached_input_tokens: z.number(),
  output_tokens: z.number(),
  cost_micros: z.number(),
})
const usageResponse = z.object({
  items: z.array(
    totalsResponse.extend({
      day: z.string().optional(),
      model: z.string().optional(),
      key_id: z.string().optional(),
      key_name: z.string().nullable().optional(),
      project_id: z.string().nullable().optional(),
    }),
  ),
  total: totalsResponse,
})
const callsResponse = z.object({
  items: z.array(
    z.object({
      request_id: z.string(),
      at: z.string(),
      model: z.string(),
      endpoint: z.string(),
      key_id: z.string(),
      key_name: z.string().nullable(),
      credential_kind: z.enum(['key', 'token']),
      project_id: z.string().nullable(),
      status: z.number(),
      outcome: z.string(),
      streamed: z.boolean(),
      input_tokens: z.number(),
      cached_input_tokens: z.number(),
      output_tokens: z.number(),
      estimated: z.boolean(),
      cost_micros: z.number(),
      first_byte_ms: z.number().nullable(),
      duration_ms: z.number(),
    }),
  ),
  next_cursor: z.string().optional(),
})

export type UsageRoutes = {
  usage: Pick<Usage, 'grouped' | 'days' | 'calls'>
  organizations: Pick<Organizations, 'of'>
  /** Names of keys and of OAuth clients, by id; ids without a name are left out. */
  credentialNames(ids: readonly string[]): Promise<ReadonlyMap<string, string>>
  problem: ProblemSender
  clock: Clock
}

/** What was used, by everybody of the organizations the asker belongs to. Suspended accounts may read it. */
export function usageRoutes(app: App, rooms: UsageRoutes): void {
  const { usage, organizations, problem, clock } = rooms
  const access = { auth: 'session', standing: 'any' } as const
  const tags = ['Usage']

  const organizationIds = async (accountId: string) =>
    (await organizations.of(accountId)).map(({ organization }) => organization.id)
  const queryFor = async (
    accountId: string,
    { from, to }: { from?: number | undefined; to?: number | undefined },
  ): Promise<UsageQuery> => {
    const until = to ?? clock.now()
    return {
      organizationIds: await organizationIds(accountId),
      fromDay: dayOf(from ?? until - 29 * day),
      toDay: dayOf(until),
    }
  }

  const dayTable = async (rows: readonly DayRow[]) => {
    const names = await rooms.credentialNames([...new Set(rows.map((row) => row.credentialId))])
    const head = ['day', 'project_id', 'key_id', 'key_name', 'model', ...sumNames]
    return [
      head,
      ...rows.map((row) => [
        row.day,
        row.projectId ?? '',
        row.credentialId,
        names.get(row.credentialId) ?? '',
        row.model,
        ...sumCells(row),
      ]),
    ]
  }
  const groupTable = async (
    group: UsageGroup,
    rows: readonly (UsageTotals & { value: string })[],
  ) => {
    if (group !== 'key')
      return [
        [group === 'project' ? 'project_id' : group, ...sumNames],
        ...rows.map((row) => [row.value, ...sumCells(row)]),
      ]
    const names = await rooms.credentialNames(rows.map((row) => row.value))
    return [
      ['key_id', 'key_name', ...sumNames],
      ...rows.map((row) => [row.value, names.get(row.value) ?? '', ...sumCells(row)]),
    ]
  }

  app.get(
    '/api/usage',
    {
      config: { access },
      schema: {
        tags,
        summary: 'Usage by day, model, key or project; the last 30 days unless said otherwise',
        querystring: z.strictObject({
          ...range,
          group: usageGroup.default('day'),
        }),
        response: { 200: usageResponse },
      },
    },
    async (request) => {
      const accountId = request.principal?.accountId ?? ''
      const { group } = request.query
      const rows = await usage.grouped(await queryFor(accountId, request.query), group)
      const names =
        group === 'key' ? await rooms.credentialNames(rows.map((row) => row.value)) : null
      return {
        items: rows.map((row) => ({
          ...presentTotals(row),
          ...groupFields(group, row.value, names),
        })),
        total: presentTotals(sum(rows)),
      }
    },
  )

  app.get(
    '/api/usage.csv',
    {
      config: { access },
      schema: {
        tags,
        summary: 'Usage as CSV: by day, project, key and model, or by one of them',
        querystring: z.strictObject({ ...range, group: usageGroup.optional() }),
      },
    },
    async (request, reply) => {
      const accountId = request.principal?.accountId ?? ''
      const query = await queryFor(accountId, request.query)
      const { group } = request.query
      const table = group
        ? await groupTable(group, await usage.grouped(query, group))
        : await dayTable(await usage.days(query))
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', 'attachment; filename="usage.csv"')
        .send(csv(table))
    },
  )

  app.get(
    '/api/calls',
    {
      config: { access },
      schema: {
        tags,
        summary: 'The call log, newest first',
        querystring: z.strictObject({
          key_id: z.string().max(200).optional(),
          cursor: z.string().max(80).optional(),
          limit: z.coerce.number().int().min(1).max(200).default(50),
        }),
        response: { 200: callsResponse },
      },
    },
    async (request, reply) => {
      const { key_id, cursor, limit } = request.query
      const before = cursor === undefined ? null : readCursor(cursor)
      if (cursor !== undefined && before === null)
        return problem(request, reply, { status: 400, code: 'invalid_request' })
      const rows = await usage.calls({
        organizationIds: await organizationIds(request.principal?.accountId ?? ''),
        credentialId: key_id ?? null,
        before,
        limit,
      })
      const names = await rooms.credentialNames([...new Set(rows.map((row) => row.credential_id))])
      const last = rows.length === limit ? rows.at(-1) : undefined
      return {
        items: rows.map((row) => presentCall(row, names.get(row.credential_id) ?? null)),
        ...(last ? { next_cursor: `${last.at}.${last.request_id}` } : {}),
      }
    },
  )
}

const sumNames = ['requests', 'input_tokens', 'cached_input_tokens', 'output_tokens', 'cost_micros']
const sumCells = (row: UsageTotals) => [
  row.requests,
  row.inputTokens,
  row.cachedInputTokens,
  row.outputTokens,
  row.costMicros,
]

function readCursor(text: string): { at: number; requestId: string } | null {
  const match = /^(\d{1,15})\.(req_[0-9a-z]{26})$/.exec(text)
  return match?.[1] && match[2] ? { at: Number(match[1]), requestId: match[2] } : null
}

function groupFields(
  group: UsageGroup,
  value: string,
  names: ReadonlyMap<string, string> | null,
): Record<string, string | null> {
  switch (group) {
    case 'day':
      return { day: value }
    case 'model':
      return { model: value }
    case 'key':
      return { key_id: value, key_name: names?.get(value) ?? null }
    case 'project':
      return { project_id: value || null }
  }
}

const sum = (rows: readonly UsageTotals[]): UsageTotals =>
  rows.reduce<UsageTotals>(
    (total, row) => ({
      requests: total.requests + row.requests,
      inputTokens: total.inputTokens + row.inputTokens,
      cachedInputTokens: total.cachedInputTokens + row.cachedInputTokens,
      outputTokens: total.outputTokens + row.outputTokens,
      costMicros: total.costMicros + row.costMicros,
    }),
    { requests: 0, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, costMicros: 0 },
  )

const presentTotals = (totals: UsageTotals): z.infer<typeof totalsResponse> => ({
  requests: totals.requests,
  input_tokens: totals.inputTokens,
  cached_input_tokens: totals.cachedInputTokens,
  output_tokens: totals.outputTokens,
  cost_micros: totals.costMicros,
})

const presentCall = (
  row: RecordRow,
  keyName: string | null,
): z.infer<typeof callsResponse>['items'][number] => ({
  request_id: row.request_id,
  at: rfc3339(row.at),
  model: row.model,
  endpoint: row.endpoint,
  key_id: row.credential_id,
  key_name: keyName,
  credential_kind: row.credential_kind === 'token' ? 'token' : 'key',
  project_id: row.project_id,
  status: row.status,
  outcome: row.outcome,
  streamed: row.streamed === 1,
  input_tokens: row.input_tokens,
  cached_input_tokens: row.cached_input_tokens,
  output_tokens: row.output_tokens,
  estimated: row.estimated === 1,
  cost_micros: row.cost_micros,
  first_byte_ms: row.first_byte_ms,
  duration_ms: row.duration_ms,
})
