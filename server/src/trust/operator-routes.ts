import { z } from 'zod'
import { type Clock, rfc3339 } from '#platform/clock/clock.ts'
import { operatorRoles, principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import { idParams } from '#platform/http/id-params.ts'
import type { ProblemAnswer, ProblemSender } from '#platform/http/problem.ts'
import { idPattern } from '#platform/ids/ids.ts'
import type { Locale } from '../../messages/messages.ts'
import type { Account, Accounts } from '../accounts/index.ts'
import { deciderOf } from './context.ts'
import type { DecideRefusal } from './decide.ts'
import { decisionReasons } from './decision.ts'
import type { EndRefusal } from './end.ts'
import type { Trust } from './index.ts'
import { type AppealView, caseSchema, presentCase } from './present.ts'

/** What other rooms know of an account; each is asked by its own door. */
export type AccountFigures = {
  keys(accountId: string): Promise<number>
  sessions(accountId: string): Promise<number>
  grants(accountId: string): Promise<number>
  /** Micro-units in the last 30 days. */
  spend30d(accountId: string): Promise<number>
}

const answers = {
  account_not_found: { status: 404, code: 'not_found' },
  own_account: { status: 403, code: 'own_account' },
  operator_protected: { status: 403, code: 'operator_protected' },
  last_operator: { status: 409, code: 'last_operator' },
  decision_in_force: { status: 409, code: 'decision_in_force' },
  until_invalid: { status: 400, code: 'until_invalid' },
  decision_not_found: { status: 404, code: 'not_found' },
  decision_ended: { status: 409, code: 'decision_ended' },
  cannot_reduce: { status: 409, code: 'cannot_reduce' },
} as const satisfies Record<DecideRefusal | EndRefusal, ProblemAnswer>

const states = ['unverified', 'active', 'limited', 'suspended', 'closed'] as const

const operatorAccountSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    email: z.string(),
    email_verified: z.boolean(),
    locale: z.enum(['en', 'zh']),
    state: z.enum(states),
    role: z.enum(operatorRoles).nullable(),
    created_at: z.string(),
  })
  .meta({ id: 'OperatorAccount' })

const presentAccount = (account: Account): z.infer<typeof operatorAccountSchema> => ({
  id: account.id,
  name: account.name,
  email: account.email,
  email_verified: account.emailVerifiedAt !== null,
  locale: account.locale,
  state: account.state,
  role: account.role,
  created_at: rfc3339(account.createdAt),
})

const accountDetailSchema = z
  .object({
    account: operatorAccountSchema,
    keys_count: z.int(),
    sessions_count: z.int(),
    grants_count: z.int(),
    spend_30d_micros: z.int(),
    cases: z.array(caseSchema),
    state_changes: z.array(
      z.object({
        from: z.enum(states),
        to: z.enum(states),
        actor_id: z.string().nullable(),
        reason: z.string(),
        at: z.string(),
      }),
    ),
  })
  .meta({ id: 'OperatorAccountDetail' })

const readers = ['operator', 'reviewer', 'support'] as const
const deciders = ['operator', 'reviewer'] as const

/** The operators' side: accounts, decisions about them, cases, roles. */
export function operatorRoutes(
  app: App,
  deps: {
    trust: Trust
    accounts: Accounts
    clock: Clock
    problem: ProblemSender
    figures: AccountFigures
    appealsOf(caseIds: readonly string[], locale: Locale): Promise<AppealView[]>
  },
): void {
  const { trust, accounts, clock, problem, figures, appealsOf } = deps
  const reader = (locale: 'en' | 'zh') => ({ locale, now: clock.now(), operator: true })

  app.post(
    '/api/operator/accounts/:id/revoke-all',
    {
      config: { access: { auth: 'operator', roles: readers, stepUp: true } },
      schema: {
        tags: ['operator'],
        summary:
          'End every session, connected app and token of an account, and tell its person; API keys stay',
        params: idParams,
        body: z.strictObject({ note: z.string().trim().min(1).max(500) }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { accountId, name, role } = principalOf(request)
      const account = await accounts.find(request.params.id)
      if (account && account.id !== accountId && account.role !== null && role !== 'operator')
        return problem(request, reply, answers.operator_protected)
      const actor = { kind: 'operator', id: accountId, name } as const
      const { note } = request.body
      if (!(account && (await accounts.revokeAll({ accountId: account.id, actor, note }))))
        return problem(request, reply, answers.account_not_found)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/api/operator/accounts',
    {
      config: { access: { auth: 'operator', roles: readers } },
      schema: {
        tags: ['operator'],
        summary: 'Accounts, newest first; search by part of name or address, or by id',
        querystring: z.strictObject({
          search: z.string().trim().max(200).optional(),
          state: z.enum(states).optional(),
          cursor: z.string().regex(idPattern('acct')).optional(),
          limit: z.coerce.number().int().min(1).max(100).default(50),
        }),
        response: {
          200: z.object({
            items: z.array(operatorAccountSchema),
            next_cursor: z.string().optional(),
          }),
        },
      },
    },
    async (request) => {
      const { search, state, cursor, limit } = request.query
      const found = await accounts.list({
        ...(search ? { search } : {}),
        ...(state ? { state } : {}),
        ...(cursor ? { after: cursor } : {}),
        limit: limit + 1,
      })
      const page = found.slice(0, limit)
      const last = found.length > limit ? page.at(-1) : undefined
      return { items: page.map(presentAccount), ...(last ? { next_cursor: last.id } : {}) }
    },
  )

  app.get(
    '/api/operator/accounts/:id',
    {
      config: { access: { auth: 'operator', roles: readers } },
      schema: {
        tags: ['operator'],
        summary: 'One account with what is known of it',
        params: idParams,
        response: { 200: accountDetailSchema },
      },
    },
    async (request, reply) => {
      const account = await accounts.find(request.params.id)
      if (!account) return problem(request, reply, { status: 404, code: 'not_found' })
      const files = await trust.caseFiles({ accountId: account.id, limit: 100 })
      const appeals = await appealsOf(
        files.map((file) => file.case.id),
        request.locale,
      )
      const [keys, sessions, grants, spend, changes] = await Promise.all([
        figures.keys(account.id),
        figures.sessions(account.id),
        figures.grants(account.id),
        figures.spend30d(account.id),
        accounts.stateChanges(account.id),
      ])
      return {
        account: presentAccount(account),
        keys_count: keys,
        sessions_count: sessions,
        grants_count: grants,
        spend_30d_micros: spend,
        cases: files.map((file) => presentCase(file, appeals, reader(request.locale))),
        state_changes: changes.map((change) => ({
          from: change.from,
          to: change.to,
          actor_id: change.actorId,
          reason: change.reason,
          at: rfc3339(change.at),
        })),
      }
    },
  )

  app.post(
    '/api/operator/accounts/:id/decisions',
    {
      config: { access: { auth: 'operator', roles: deciders } },
      schema: {
        tags: ['operator'],
        summary: 'Warn, limit, suspend or close an account',
        params: idParams,
        body: z.strictObject({
          kind: z.enum(['warn', 'limit', 'suspend', 'close']),
          reason: z.enum(decisionReasons),
          text: z.string().trim().max(2_000).optional(),
          until: z.iso.datetime({ offset: true }).optional(),
          evidence: z
            .array(
              z.strictObject({
                kind: z.enum(['note', 'signal', 'report']).default('note'),
                summary: z.string().trim().min(1).max(500),
                detail: z.record(z.string().max(100), z.unknown()).optional(),
              }),
            )
            .max(20)
            .optional(),
        }),
        response: { 201: caseSchema },
      },
    },
    async (request, reply) => {
      const { kind, reason, text, until, evidence } = request.body
      const decided = await trust.decide({
        actor: deciderOf(principalOf(request)),
        accountId: request.params.id,
        kind,
        reason,
        text: text ?? '',
        until: until === undefined ? null : Date.parse(until),
        evidence: (evidence ?? []).map((one) => ({ ...one, detail: one.detail ?? {} })),
        requestId: request.id,
      })
      if (!decided.ok) return problem(request, reply, answers[decided.reason])
      const file = await trust.caseFile(decided.decision.caseId)
      if (!file) throw new Error('a case vanished')
      const appeals = await appealsOf([file.case.id], request.locale)
      return reply.code(201).send(presentCase(file, appeals, reader(request.locale)))
    },
  )

  app.post(
    '/api/operator/decisions/:id/reverse',
    {
      config: { access: { auth: 'operator', roles: deciders } },
      schema: {
        tags: ['operator'],
        summary: 'Take a decision back without an appeal; restores the state before it',
        params: idParams,
        response: { 200: caseSchema },
      },
    },
    async (request, reply) => {
      const reversed = await trust.reverse({
        decisionId: request.params.id,
        actor: deciderOf(principalOf(request)),
        requestId: request.id,
      })
      if (!reversed.ok) return problem(request, reply, answers[reversed.reason])
      const file = await trust.caseFile(reversed.decision.caseId)
      if (!file) throw new Error('a case vanished')
      return presentCase(
        file,
        await appealsOf([file.case.id], request.locale),
        reader(request.locale),
      )
    },
  )

  app.post(
    '/api/operator/accounts/:id/role',
    {
      config: { access: { auth: 'operator', roles: ['operator'], stepUp: true } },
      schema: {
        tags: ['operator'],
        summary: 'Give or take an operator role; null takes it',
        params: idParams,
        body: z.strictObject({ role: z.enum(operatorRoles).nullable() }),
        response: { 200: operatorAccountSchema },
      },
    },
    async (request, reply) => {
      const account = await accounts.find(request.params.id)
      if (!account || account.state === 'closed')
        return problem(request, reply, { status: 404, code: 'not_found' })
      const { accountId, name } = principalOf(request)
      const actor = { kind: 'operator', id: accountId, name } as const
      if (!(await accounts.setRole(account.id, request.body.role, actor)))
        return problem(request, reply, { status: 409, code: 'last_operator' })
      return presentAccount({ ...account, role: request.body.role })
    },
  )

  app.get(
    '/api/operator/cases',
    {
      config: { access: { auth: 'operator', roles: deciders } },
      schema: {
        tags: ['operator'],
        summary: 'Cases, newest first',
        querystring: z.strictObject({
          state: z.enum(['open', 'decided', 'closed']).optional(),
          cursor: z.string().regex(idPattern('case')).optional(),
          limit: z.coerce.number().int().min(1).max(100).default(50),
        }),
        response: {
          200: z.object({ items: z.array(caseSchema), next_cursor: z.string().optional() }),
        },
      },
    },
    async (request) => {
      const { state, cursor, limit } = request.query
      const found = await trust.caseFiles({
        ...(state ? { state } : {}),
        ...(cursor ? { after: cursor } : {}),
        limit: limit + 1,
      })
      const page = found.slice(0, limit)
      const last = found.length > limit ? page.at(-1) : undefined
      const [appeals, people] = await Promise.all([
        appealsOf(
          page.map((file) => file.case.id),
          request.locale,
        ),
        accounts.findAll([...new Set(page.map((file) => file.case.accountId))]),
      ])
      return {
        items: page.map((file) => {
          const person = people.find((one) => one.id === file.case.accountId)
          return {
            ...presentCase(file, appeals, reader(request.locale)),
            ...(person
              ? { account: { id: person.id, name: person.name, email: person.email } }
              : {}),
          }
        }),
        ...(last ? { next_cursor: last.case.id } : {}),
      }
    },
  )
}
