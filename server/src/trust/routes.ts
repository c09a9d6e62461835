import { z } from 'zod'
import type { Clock } from '#platform/clock/clock.ts'
import { principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import type { Locale } from '../../messages/messages.ts'
import type { Trust } from './index.ts'
import { type AppealView, caseSchema, presentCase } from './present.ts'

export type CaseRouteDeps = {
  trust: Trust
  clock: Clock
  problem: ProblemSender
  /** The appeals of these cases; the room that keeps them is built on this one. */
  appealsOf(caseIds: readonly string[], locale: Locale): Promise<AppealView[]>
}

/** What an account reads about itself, suspended or not. Somebody else's case is like a missing one. */
export function caseRoutes(app: App, { trust, clock, problem, appealsOf }: CaseRouteDeps): void {
  const access = { auth: 'session', standing: 'any' } as const

  app.get(
    '/api/cases',
    {
      config: { access },
      schema: {
        tags: ['cases'],
        summary: 'The cases about my account, newest first',
        response: { 200: z.object({ items: z.array(caseSchema) }) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const files = await trust.caseFiles({ accountId, limit: 100 })
      const appeals = await appealsOf(
        files.map((file) => file.case.id),
        request.locale,
      )
      const reader = { locale: request.locale, now: clock.now(), operator: false }
      return { items: files.map((file) => presentCase(file, appeals, reader)) }
    },
  )

  app.get(
    '/api/cases/:id',
    {
      config: { access },
      schema: {
        tags: ['cases'],
        summary: 'One case about my account',
        params: z.object({ id: z.string().max(64) }),
        response: { 200: caseSchema },
      },
    },
    async (request, reply) => {
      const file = await trust.caseFile(request.params.id)
      if (file?.case.accountId !== principalOf(request).accountId)
        return problem(request, reply, { status: 404, code: 'not_found' })
      const appeals = await appealsOf([file.case.id], request.locale)
      return presentCase(file, appeals, {
        locale: request.locale,
        now: clock.now(),
        operator: false,
      })
    },
  )
}
