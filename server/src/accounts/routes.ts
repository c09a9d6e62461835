import { z } from 'zod'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import { locales } from '../../messages/messages.ts'
import type { AccountsContext } from './context.ts'
import { refuse } from './refusals.ts'
import { signUp } from './sign-up.ts'
import { resendCode, verifyEmail } from './verify.ts'

export type AccountRouteDeps = { context: AccountsContext; problem: ProblemSender }

export const emailField = z.string().max(320)
/** Longer than the policy allows, so that the policy names the reason; bounded, so that nobody is kept busy. */
export const passwordField = z.string().min(1).max(1024)
export const codeField = z.string().trim().max(20)

/** Signing up and confirming the address. */
export function accountRoutes(app: App, { context, problem }: AccountRouteDeps): void {
  app.post(
    '/api/accounts',
    {
      config: { access: { auth: 'public', rate: 'mail' } },
      schema: {
        tags: ['account'],
        summary: 'Sign up; a code is mailed. The answer is the same for known addresses',
        body: z.strictObject({
          name: z.string().max(400),
          email: emailField,
          password: passwordField,
          locale: z.enum(locales).optional(),
        }),
        response: { 202: z.object({}) },
      },
    },
    async (request, reply) => {
      const { name, email, password, locale } = request.body
      const result = await signUp(context, {
        name,
        email,
        password,
        locale: locale ?? request.locale,
        address: request.ip,
      })
      if (!result.ok) return refuse(problem, request, reply, result)
      await context.pendingCookie.set(reply, result.pending)
      return reply.code(202).send({})
    },
  )

  app.post(
    '/api/accounts/verify',
    {
      config: { access: { auth: 'public', rate: 'credential' } },
      schema: {
        tags: ['account'],
        summary: 'Confirm the address with the six digits from the mail',
        body: z.strictObject({ email: emailField, code: codeField }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const result = await verifyEmail(context, {
        ...request.body,
        pending: (email) => context.pendingCookie.read(request, email),
      })
      if (!result.ok) return refuse(problem, request, reply, result)
      context.pendingCookie.clear(reply)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/accounts/verify/resend',
    {
      config: { access: { auth: 'public', rate: 'mail' } },
      schema: {
        tags: ['account'],
        summary: 'Mail a new code where one is due',
        body: z.strictObject({ email: emailField }),
        response: { 202: z.object({}) },
      },
    },
    async (request, reply) => {
      const result = await resendCode(context, { email: request.body.email, address: request.ip })
      return result.ok ? reply.code(202).send({}) : refuse(problem, request, reply, result)
    },
  )
}
