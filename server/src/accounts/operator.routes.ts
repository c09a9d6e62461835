import { z } from 'zod'
import type { App } from '#platform/http/app.ts'
import { claimOperatorLink } from './operator.ts'
import { accountSchema, presentAccount } from './present.ts'
import { refuse } from './refusals.ts'
import { type AccountRouteDeps, emailField, passwordField } from './routes.ts'

/** The one-time link that the first start or the command line prints, turned into an operator. */
export function operatorClaimRoutes(app: App, { context, problem }: AccountRouteDeps): void {
  const { organizationsOf, startSession } = context.neighbours

  app.post(
    '/api/operator/claim',
    {
      config: { access: { auth: 'public', rate: 'credential' } },
      schema: {
        tags: ['operator'],
        summary: 'Become an operator by a one-time link, and be signed in',
        body: z.strictObject({
          token: z.string().min(1).max(100),
          name: z.string().max(400),
          email: emailField,
          password: passwordField,
        }),
        response: { 201: accountSchema },
      },
    },
    async (request, reply) => {
      const result = await claimOperatorLink(context, { ...request.body, locale: request.locale })
      if (!result.ok) return refuse(problem, request, reply, result)
      await startSession(result.account, ['pwd'], request, reply)
      return reply.code(201).send(await presentAccount(result.account, organizationsOf))
    },
  )
}
