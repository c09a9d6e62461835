import { z } from 'zod'
import { minute } from '#platform/clock/clock.ts'
import { principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import { networkOf } from '#platform/http/network-of.ts'
import { errorText } from '../../messages/messages.ts'
import { changePassword, forgotPassword, resetPassword } from './password.ts'
import { judgePassword } from './password-policy.ts'
import { refuse } from './refusals.ts'
import { type AccountRouteDeps, codeField, emailField, passwordField } from './routes.ts'

/** Forgotten, reset, changed, and how good a new one would be. */
export function passwordRoutes(app: App, { context, problem }: AccountRouteDeps): void {
  app.post(
    '/api/password/forgot',
    {
      config: { access: { auth: 'public', rate: 'mail' } },
      schema: {
        tags: ['password'],
        summary: 'Mail a code for a new password. The answer is always the same',
        body: z.strictObject({ email: emailField }),
        response: { 202: z.object({}) },
      },
    },
    async (request, reply) => {
      const { email } = request.body
      await forgotPassword(context, { email, address: request.ip, locale: request.locale })
      return reply.code(202).send({})
    },
  )

  app.post(
    '/api/password/reset',
    {
      config: { access: { auth: 'public', rate: 'credential' } },
      schema: {
        tags: ['password'],
        summary: 'Set a new password by the mailed code; ends every session and token',
        body: z.strictObject({ email: emailField, code: codeField, password: passwordField }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const result = await resetPassword(context, request.body)
      return result.ok ? reply.code(204).send(null) : refuse(problem, request, reply, result)
    },
  )

  app.put(
    '/api/account/password',
    {
      config: { access: { auth: 'session', standing: 'any', rate: 'credential', stepUp: true } },
      schema: {
        tags: ['password'],
        summary: 'Change my password; ends every other session and all tokens',
        body: z.strictObject({ current: passwordField, password: passwordField }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { accountId, sessionId } = principalOf(request)
      const result = await changePassword(context, { accountId, sessionId, ...request.body })
      return result.ok ? reply.code(204).send(null) : refuse(problem, request, reply, result)
    },
  )

  app.post(
    '/api/password/strength',
    {
      config: { access: { auth: 'public' } },
      schema: {
        tags: ['password'],
        summary: 'How hard a password is to guess, and whether it is accepted',
        body: z.strictObject({
          password: z.string().max(1024),
          name: z.string().max(400).optional(),
          email: emailField.optional(),
        }),
        response: {
          200: z.object({
            score: z.int().min(0).max(4),
            acceptable: z.boolean(),
            reason: z.string().nullable(),
            message: z.string().nullable(),
          }),
        },
      },
    },
    async (request, reply) => {
      // Estimating costs milliseconds of the event loop: more than typing needs is refused.
      const limit = context.limiter.take(`strength:${networkOf(request.ip)}`, {
        burst: 120,
        perMs: minute,
      })
      if (!limit.allowed)
        return refuse(problem, request, reply, {
          reason: 'rate_limited',
          retryAfterSeconds: limit.retryAfterSeconds,
        })
      const {
        password,
        name = request.principal?.name,
        email = request.principal?.email,
      } = request.body
      const { score, reason } = await judgePassword(password, {
        ...(name === undefined ? {} : { name }),
        ...(email === undefined ? {} : { email }),
      })
      const message = reason && errorText(reason, request.locale).detail
      return { score, acceptable: reason === null, reason, message }
    },
  )
}
