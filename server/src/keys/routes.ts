import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Clock, rfc3339, rfc3339OrNull } from '#platform/clock/clock.ts'
import type { Principal } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import { label } from '#platform/http/label.ts'
import type { ProblemAnswer, ProblemSender } from '#platform/http/problem.ts'
import { idPattern } from '#platform/ids/ids.ts'
import type { Actor } from '../audit/index.ts'
import { gatewayScopes } from '../oauth/index.ts'
import type { MembershipRole, Organizations } from '../organizations/index.ts'
import { isNetwork } from './allowed-ips.ts'
import {
  type ApiKey,
  declaredUses,
  defaultKeyScopes,
  type KeySettings,
  keyTypes,
} from './api-key.ts'
import type { StateRefusal } from './change.ts'
import type { Keys } from './index.ts'
import { overlapSecondsMax } from './rotate.ts'

const count = z.int().min(1).max(1_000_000_000)

const limitsBody = z.strictObject({
  requests_per_minute: count.nullish(),
  tokens_per_minute: count.nullish(),
  concurrency: z.int().min(1).max(100_000).nullish(),
})
const budgetBody = z.strictObject({
  amount_micros: z.int().min(0),
  period: z.enum(['total', 'day', 'month']),
})

const settingsBody = {
  name: label(100),
  scopes: z.array(z.enum(gatewayScopes)).min(1).max(gatewayScopes.length),
  models: z.array(z.string().min(1).max(200)).min(1).max(200).nullable(),
  allowed_ips: z.array(z.string().max(60).refine(isNetwork)).min(1).max(100).nullable(),
  expires_at: z.iso.datetime({ offset: true }).nullable(),
  declared_use: z.enum(declaredUses).nullable(),
  limits: limitsBody.nullable(),
  budget: budgetBody.nullable(),
}

export const createKeyBody = z.strictObject({
  name: settingsBody.name,
  type: z.enum(keyTypes).optional(),
  scopes: settingsBody.scopes.optional(),
  models: settingsBody.models.optional(),
  allowed_ips: settingsBody.allowed_ips.optional(),
  expires_at: settingsBody.expires_at.optional(),
  declared_use: settingsBody.declared_use.optional(),
  limits: settingsBody.limits.optional(),
  budget: settingsBody.budget.optional(),
})

export const changeKeyBody = createKeyBody
  .omit({ type: true })
  .partial()
  .extend({
    state: z.enum(['active', 'disabled']).optional(),
  })

export const keyResponse = z.object({
  id: z.string(),
  project_id: z.string(),
  name: z.string(),
  type: z.enum(keyTypes),
  hint: z.string(),
  scopes: z.array(z.string()),
  models: z.array(z.string()).nullable(),
  allowed_ips: z.array(z.string()).nullable(),
  limits: z.object({
    requests_per_minute: z.number().nullable(),
    tokens_per_minute: z.number().nullable(),
    concurrency: z.number().nullable(),
  }),
  budget: z
    .object({ amount_micros: z.number(), period: z.enum(['total', 'day', 'month']) })
    .nullable(),
  declared_use: z.enum(declaredUses).nullable(),
  state: z.enum(['active', 'disabled', 'revoked']),
  state_reason: z.enum(['owner', 'operator', 'leaked']).nullable(),
  created_at: z.string(),
  expires_at: z.string().nullable(),
  last_used_at: z.string().nullable(),
  created_by: z.object({ id: z.string(), name: z.string() }),
})
const keyWithSecret = keyResponse.extend({ secret: z.string() })

type Refusal = StateRefusal | 'not_found' | 'not_yours' | 'expiry_past'

const refusals = {
  not_found: { status: 404, code: 'not_found' },
  gone: { status: 404, code: 'not_found' },
  not_yours: { status: 403, code: 'key_not_yours' },
  held_by_operator: { status: 403, code: 'key_held' },
  expiry_past: { status: 400, code: 'key_expiry_past' },
} as const satisfies Record<Refusal, ProblemAnswer>

export type KeysRoutes = {
  keys: Keys
  organizations: Pick<Organizations, 'projectFor'>
  /** Names of accounts, for `created_by`. */
  accountNames(ids: readonly string[]): Promise<Map<string, string>>
  problem: ProblemSender
  clock: Clock
}

/** Who owns or administers the organization may change every key in it, a member the own ones. */
const mayChange = (key: ApiKey, role: MembershipRole, accountId: string): boolean =>
  role !== 'member' || key.accountId === accountId

export function keysRoutes(app: App, rooms: KeysRoutes): void {
  const { keys, organizations, problem, clock } = rooms
  const access = { auth: 'session' } as const
  const tags = ['Keys']

  const present = async (list: readonly ApiKey[]) => {
    const names = await rooms.accountNames([...new Set(list.map((key) => key.accountId))])
    return list.map((key) => presentKey(key, names.get(key.accountId) ?? ''))
  }
  const presentOne = async (key: ApiKey) => {
    const names = await rooms.accountNames([key.accountId])
    return presentKey(key, names.get(key.accountId) ?? '')
  }
  /** A key of a project that the asker may see; anything else is as if it did not exist. */
  const keyFor = async (
    request: FastifyRequest,
    id: string,
  ): Promise<{ ok: true; key: ApiKey } | { ok: false; reason: Refusal }> => {
    const me = principalOf(request)
    const key = await keys.find(id)
    if (!key || key.state === 'revoked') return { ok: false, reason: 'not_found' }
    const project = await organizations.projectFor(me.accountId, key.projectId)
    if (!project) return { ok: false, reason: 'not_found' }
    const reading = request.method === 'GET'
    if (!reading && !mayChange(key, project.role, me.accountId))
      return { ok: false, reason: 'not_yours' }
    return { ok: true, key }
  }

  app.post(
    '/api/projects/:project_id/keys',
    {
      config: { access: { ...access, stepUp: true } },
      schema: {
        tags,
        summary: 'Create a key; its secret is in this answer and never again',
        params: z.object({ project_id: z.string().max(60) }),
        body: createKeyBody,
        response: { 201: keyWithSecret },
      },
    },
    async (request, reply) => {
      const me = principalOf(request)
      const project = await organizations.projectFor(me.accountId, request.params.project_id)
      if (!project) return problem(request, reply, refusals.not_found)
      const given = readSettings(request.body)
      if (isPast(given, clock)) return problem(request, reply, refusals.expiry_past)
      const { key, secret } = await keys.create({
        organizationId: project.organizationId,
        projectId: project.id,
        accountId: me.accountId,
        type: request.body.type ?? 'live',
        settings: { ...noSettings, ...given, name: request.body.name },
        actor: actorOf(me),
      })
      return reply.code(201).send({ ...presentKey(key, me.name), secret })
    },
  )

  app.get(
    '/api/projects/:project_id/keys',
    {
      config: { access: { auth: 'session', standing: 'any' } },
      schema: {
        tags,
        summary: 'Keys of a project, newest first',
        params: z.object({ project_id: z.string().max(60) }),
        querystring: z.strictObject({
          cursor: z.string().regex(idPattern('key')).optional(),
          limit: z.coerce.number().int().min(1).max(200).default(100),
        }),
        response: {
          200: z.object({ items: z.array(keyResponse), next_cursor: z.string().optional() }),
        },
      },
    },
    async (request, reply) => {
      const { cursor, limit } = request.query
      const project = await organizations.projectFor(
        principalOf(request).accountId,
        request.params.project_id,
      )
      if (!project) return problem(request, reply, refusals.not_found)
      const list = await keys.listOfProject(project.id, { after: cursor ?? null, limit })
      const last = list.length === limit ? list.at(-1) : undefined
      return { items: await present(list), ...(last ? { next_cursor: last.id } : {}) }
    },
  )

  app.get(
    '/api/keys/:id',
    {
      config: { access: { auth: 'session', standing: 'any' } },
      schema: {
        tags,
        summary: 'One key',
        params: z.object({ id: z.string().max(60) }),
        response: { 200: keyResponse },
      },
    },
    async (request, reply) => {
      const found = await keyFor(request, request.params.id)
      if (!found.ok) return problem(request, reply, refusals[found.reason])
      return presentOne(found.key)
    },
  )

  app.patch(
    '/api/keys/:id',
    {
      config: { access },
      schema: {
        tags,
        summary: 'Change settings, disable or enable; what is left out stays',
        params: z.object({ id: z.string().max(60) }),
        body: changeKeyBody,
        response: { 200: keyResponse },
      },
    },
    async (request, reply) => {
      const found = await keyFor(request, request.params.id)
      if (!found.ok) return problem(request, reply, refusals[found.reason])
      const actor = actorOf(principalOf(request))
      const settings = readSettings(request.body)
      if (isPast(settings, clock)) return problem(request, reply, refusals.expiry_past)
      if (request.body.state) {
        const moved = await keys.setState({
          keyId: found.key.id,
          to: request.body.state,
          reason: 'owner',
          actor,
        })
        if (!moved.ok) return problem(request, reply, refusals[moved.reason])
      }
      const key =
        Object.keys(settings).length > 0
          ? await keys.change({ key: found.key, settings, actor })
          : await keys.find(found.key.id)
      if (!key) return problem(request, reply, refusals.not_found)
      return presentOne(key)
    },
  )

  app.post(
    '/api/keys/:id/rotate',
    {
      config: { access: { ...access, stepUp: true } },
      schema: {
        tags,
        summary: 'A new secret for the same key; the old one lives for the overlap',
        params: z.object({ id: z.string().max(60) }),
        body: z.strictObject({
          overlap_seconds: z.int().min(0).max(overlapSecondsMax).default(0),
        }),
        response: { 201: keyWithSecret },
      },
    },
    async (request, reply) => {
      const found = await keyFor(request, request.params.id)
      if (!found.ok) return problem(request, reply, refusals[found.reason])
      const rotated = await keys.rotate({
        key: found.key,
        overlapSeconds: request.body.overlap_seconds,
        actor: actorOf(principalOf(request)),
      })
      if (!rotated) return problem(request, reply, refusals.gone)
      return reply.code(201).send({ ...(await presentOne(rotated.key)), secret: rotated.secret })
    },
  )

  app.delete(
    '/api/keys/:id',
    {
      config: { access },
      schema: {
        tags,
        summary: 'Revoke a key for good',
        params: z.object({ id: z.string().max(60) }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const found = await keyFor(request, request.params.id)
      if (!found.ok) return problem(request, reply, refusals[found.reason])
      const revoked = await keys.setState({
        keyId: found.key.id,
        to: 'revoked',
        reason: 'owner',
        actor: actorOf(principalOf(request)),
      })
      if (!revoked.ok) return problem(request, reply, refusals[revoked.reason])
      return reply.code(204).send(null)
    },
  )
}

const noSettings: Omit<KeySettings, 'name'> = {
  scopes: defaultKeyScopes,
  models: null,
  allowedIps: null,
  limits: {},
  budget: null,
  declaredUse: null,
  expiresAt: null,
}

/** Members that were given, in domain names. `null` takes a setting away. */
function readSettings(body: z.infer<typeof changeKeyBody>): Partial<KeySettings> {
  const limits = body.limits ?? {}
  return {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.scopes === undefined ? {} : { scopes: [...new Set(body.scopes)] }),
    ...(body.models === undefined ? {} : { models: body.models }),
    ...(body.allowed_ips === undefined ? {} : { allowedIps: body.allowed_ips }),
    ...(body.declared_use === undefined ? {} : { declaredUse: body.declared_use }),
    ...(body.expires_at === undefined
      ? {}
      : { expiresAt: body.expires_at === null ? null : Date.parse(body.expires_at) }),
    ...(body.budget === undefined
      ? {}
      : {
          budget: body.budget && {
            amountMicros: body.budget.amount_micros,
            period: body.budget.period,
          },
        }),
    ...(body.limits === undefined
      ? {}
      : {
          limits: {
            ...(limits.requests_per_minute
              ? { requestsPerMinute: limits.requests_per_minute }
              : {}),
            ...(limits.tokens_per_minute ? { tokensPerMinute: limits.tokens_per_minute } : {}),
            ...(limits.concurrency ? { concurrency: limits.concurrency } : {}),
          },
        }),
  }
}

const isPast = (settings: Partial<KeySettings>, clock: Clock): boolean =>
  typeof settings.expiresAt === 'number' && settings.expiresAt <= clock.now()

function presentKey(key: ApiKey, createdBy: string): z.infer<typeof keyResponse> {
  return {
    id: key.id,
    project_id: key.projectId,
    name: key.name,
    type: key.type,
    hint: key.hint,
    scopes: [...key.scopes],
    models: key.models && [...key.models],
    allowed_ips: key.allowedIps && [...key.allowedIps],
    limits: {
      requests_per_minute: key.limits.requestsPerMinute ?? null,
      tokens_per_minute: key.limits.tokensPerMinute ?? null,
      concurrency: key.limits.concurrency ?? null,
    },
    budget: key.budget && { amount_micros: key.budget.amountMicros, period: key.budget.period },
    declared_use: key.declaredUse,
    state: key.state,
    state_reason: key.stateReason,
    created_at: rfc3339(key.createdAt),
    expires_at: rfc3339OrNull(key.expiresAt),
    last_used_at: rfc3339OrNull(key.lastUsedAt),
    created_by: { id: key.accountId, name: createdBy },
  }
}

/** The choke point let only signed-in requests through, so there is a principal. */
function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new Error('a session route ran without a principal')
  return request.principal
}

const actorOf = (me: Principal): Actor => ({ kind: 'account', id: me.accountId, name: me.name })
