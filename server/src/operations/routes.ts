import { z } from 'zod'
import { rfc3339 } from '#platform/clock/clock.ts'
import type { Health } from '#platform/health/health.ts'
import type { App } from '#platform/http/app.ts'
import type { Audit, AuditEvent } from '../audit/index.ts'

/** A model server as operators see it: never its key. */
export type UpstreamView = {
  name: string
  models: readonly string[]
  healthy: boolean
  /** Why not, in a word or two; never an address with credentials. */
  detail: string | null
}

const auditEventSchema = z
  .object({
    seq: z.int(),
    id: z.string(),
    at: z.string(),
    actor: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string() }),
    action: z.string(),
    subject: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    detail: z.record(z.string(), z.unknown()),
    request_id: z.string().nullable(),
  })
  .meta({ id: 'AuditEvent' })

const presentEvent = (event: AuditEvent): z.infer<typeof auditEventSchema> => ({
  seq: event.seq,
  id: event.id,
  at: rfc3339(event.at),
  actor: {
    kind: event.actor.kind,
    id: event.actor.kind === 'system' ? null : event.actor.id,
    name: event.actor.name,
  },
  action: event.action,
  subject: event.subject,
  detail: event.detail ?? {},
  request_id: event.requestId ?? null,
})

export function operationsRoutes(
  app: App,
  deps: {
    audit: Audit
    health: Health
    upstreams(): readonly UpstreamView[]
    overdueAppeals(): Promise<number>
    /** Messages to apps about sign-outs that were given up in the last seven days. */
    undeliveredLogouts(): Promise<number>
    installation: { mode: string; database: string; redis: boolean }
  },
): void {
  const { audit, health, installation } = deps

  app.get(
    '/api/operator/audit',
    {
      config: { access: { auth: 'operator', roles: ['operator', 'auditor'] } },
      schema: {
        tags: ['operator'],
        summary: 'The audit log, newest first',
        querystring: z.strictObject({
          subject: z.string().max(64).optional(),
          cursor: z.coerce.number().int().positive().optional(),
          limit: z.coerce.number().int().min(1).max(200).default(50),
        }),
        response: {
          200: z.object({ items: z.array(auditEventSchema), next_cursor: z.string().optional() }),
        },
      },
    },
    async (request) => {
      const { subject, cursor, limit } = request.query
      const events = await audit.list({
        ...(subject ? { subjectId: subject } : {}),
        ...(cursor ? { before: cursor } : {}),
        limit: limit + 1,
      })
      const page = events.slice(0, limit)
      const last = events.length > limit ? page.at(-1) : undefined
      return { items: page.map(presentEvent), ...(last ? { next_cursor: String(last.seq) } : {}) }
    },
  )

  app.get(
    '/api/operator/upstreams',
    {
      config: { access: { auth: 'operator', roles: ['operator', 'support'] } },
      schema: {
        tags: ['operator'],
        summary: 'The model servers and whether they answer',
        response: {
          200: z.object({
            items: z.array(
              z.object({
                name: z.string(),
                models: z.array(z.string()),
                healthy: z.boolean(),
                detail: z.string().nullable(),
              }),
            ),
          }),
        },
      },
    },
    async () => ({
      items: deps.upstreams().map((one) => ({ ...one, models: [...one.models] })),
    }),
  )

  app.get(
    '/api/operator/health',
    {
      config: { access: { auth: 'operator', roles: ['operator', 'reviewer', 'support'] } },
      schema: {
        tags: ['operator'],
        summary: 'How this node is, part by part',
        response: {
          200: z.object({
            status: z.enum(['ready', 'degraded', 'down', 'draining']),
            checks: z.array(
              z.object({
                name: z.string(),
                weight: z.enum(['required', 'degrading']),
                ok: z.boolean(),
                detail: z.string().nullable(),
                duration_ms: z.number(),
              }),
            ),
            overdue_appeals: z.int(),
            undelivered_logouts: z.int(),
            node_version: z.string(),
            uptime_seconds: z.int(),
            mode: z.string(),
            database: z.string(),
            redis: z.boolean(),
          }),
        },
      },
    },
    async () => {
      const { status, checks } = await health.read()
      return {
        status,
        checks: checks.map(({ durationMs, ...check }) => ({ ...check, duration_ms: durationMs })),
        overdue_appeals: await deps.overdueAppeals(),
        undelivered_logouts: await deps.undeliveredLogouts(),
        node_version: process.versions.node,
        uptime_seconds: Math.floor(process.uptime()),
        ...installation,
      }
    },
  )
}
