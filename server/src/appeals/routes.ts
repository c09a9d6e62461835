import { z } from 'zod'
import type { Clock } from '#platform/clock/clock.ts'
import { principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import { idParams } from '#platform/http/id-params.ts'
import type { ProblemAnswer, ProblemSender } from '#platform/http/problem.ts'
import type { Accounts } from '../accounts/index.ts'
import { appealSchema, caseSchema, deciderOf, presentCase, type Trust } from '../trust/index.ts'
import { type Appeal, isOverdue, textMax } from './appeal.ts'
import type { FileRefusal } from './file.ts'
import type { Appeals } from './index.ts'
import { presentAppeal } from './present.ts'
import type { ReviewRefusal } from './review.ts'

const answers = {
  case_not_found: { status: 404, code: 'not_found' },
  appeal_not_found: { status: 404, code: 'not_found' },
  nothing_to_appeal: { status: 409, code: 'decision_ended' },
  decision_ended: { status: 409, code: 'decision_ended' },
  already_appealed: { status: 409, code: 'already_appealed' },
  appeal_too_late: { status: 409, code: 'appeal_too_late' },
  own_decision: { status: 403, code: 'own_decision' },
  own_appeal: { status: 403, code: 'own_account' },
  appeal_already_decided: { status: 409, code: 'appeal_already_decided' },
  cannot_reduce: { status: 409, code: 'cannot_reduce' },
} as const satisfies Record<FileRefusal | ReviewRefusal, ProblemAnswer>

const operatorAppealSchema = appealSchema
  .extend({
    overdue: z.boolean(),
    account: z.object({ id: z.string(), name: z.string(), email: z.string() }),
  })
  .meta({ id: 'OperatorAppeal' })

export function appealRoutes(
  app: App,
  deps: {
    appeals: Appeals
    trust: Trust
    accounts: Accounts
    clock: Clock
    problem: ProblemSender
  },
): void {
  const { appeals, trust, accounts, clock, problem } = deps
  const own = { auth: 'session', standing: 'any' } as const
  const reviewers = { auth: 'operator', roles: ['operator', 'reviewer'] } as const

  app.post(
    '/api/cases/:id/appeal',
    {
      config: { access: { ...own, rate: 'mail' } },
      schema: {
        tags: ['cases'],
        summary: 'Appeal against a decision, once',
        params: idParams,
        body: z.strictObject({
          text: z.string().trim().min(1).max(textMax),
          decision_id: z.string().max(64).optional(),
        }),
        response: { 201: appealSchema },
      },
    },
    async (request, reply) => {
      const filed = await appeals.file({
        accountId: principalOf(request).accountId,
        caseId: request.params.id,
        decisionId: request.body.decision_id ?? null,
        text: request.body.text,
        requestId: request.id,
      })
      if (!filed.ok) return problem(request, reply, answers[filed.reason])
      return reply.code(201).send(presentAppeal(filed.appeal, request.locale))
    },
  )

  app.get(
    '/api/appeals/:id',
    {
      config: { access: own },
      schema: {
        tags: ['cases'],
        summary: 'One appeal of mine',
        params: idParams,
        response: { 200: appealSchema },
      },
    },
    async (request, reply) => {
      const found = await appeals.find(request.params.id)
      if (found?.accountId !== principalOf(request).accountId)
        return problem(request, reply, { status: 404, code: 'not_found' })
      return presentAppeal(found, request.locale)
    },
  )

  const forOperators = async (list: readonly Appeal[], locale: 'en' | 'zh') => {
    const people = await accounts.findAll([...new Set(list.map((appeal) => appeal.accountId))])
    return list.map((appeal) => {
      const person = people.find((one) => one.id === appeal.accountId)
      return {
        ...presentAppeal(appeal, locale),
        overdue: isOverdue(appeal, clock.now()),
        account: { id: appeal.accountId, name: person?.name ?? '', email: person?.email ?? '' },
      }
    })
  }

  app.get(
    '/api/operator/appeals',
    {
      config: { access: reviewers },
      schema: {
        tags: ['operator'],
        summary: 'Appeals, due first',
        querystring: z.strictObject({
          state: z.enum(['pending', 'upheld', 'reduced', 'reversed']).optional(),
          limit: z.coerce.number().int().min(1).max(200).default(100),
        }),
        response: { 200: z.object({ items: z.array(operatorAppealSchema) }) },
      },
    },
    async (request) => {
      const { state, limit } = request.query
      const list = await appeals.list({ ...(state ? { state } : {}), limit })
      return { items: await forOperators(list, request.locale) }
    },
  )

  app.get(
    '/api/operator/appeals/:id',
    {
      config: { access: reviewers },
      schema: {
        tags: ['operator'],
        summary: 'One appeal with its case; the first look is recorded',
        params: idParams,
        response: { 200: operatorAppealSchema.extend({ case: caseSchema }) },
      },
    },
    async (request, reply) => {
      const found = await appeals.open({
        appealId: request.params.id,
        actor: deciderOf(principalOf(request)),
        requestId: request.id,
      })
      const file = found && (await trust.caseFile(found.caseId))
      const [view] = found ? await forOperators([found], request.locale) : []
      if (!found || !file || !view)
        return problem(request, reply, { status: 404, code: 'not_found' })
      const all = (await appeals.ofCases([file.case.id])).map((one) =>
        presentAppeal(one, request.locale),
      )
      const reader = { locale: request.locale, now: clock.now(), operator: true }
      return { ...view, case: presentCase(file, all, reader) }
    },
  )

  app.post(
    '/api/operator/appeals/:id/decision',
    {
      config: { access: reviewers },
      schema: {
        tags: ['operator'],
        summary: 'Uphold, reduce or reverse what was appealed against',
        params: idParams,
        body: z.strictObject({
          outcome: z.enum(['uphold', 'reduce', 'reverse']),
          text: z.string().trim().min(1).max(textMax),
        }),
        response: { 200: operatorAppealSchema },
      },
    },
    async (request, reply) => {
      const reviewed = await appeals.review({
        appealId: request.params.id,
        actor: deciderOf(principalOf(request)),
        outcome: request.body.outcome,
        text: request.body.text,
        requestId: request.id,
      })
      if (!reviewed.ok) return problem(request, reply, answers[reviewed.reason])
      const [view] = await forOperators([reviewed.appeal], request.locale)
      if (!view) throw new Error('an appeal vanished')
      return view
    },
  )
}
