import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import { locales } from '../../messages/messages.ts'
import { closeAccount } from './close.ts'
import { type Exporter, exportAccount } from './export.ts'
import { personName } from './person-name.ts'
import { accountSchema, presentAccount } from './present.ts'
import { refuse } from './refusals.ts'
import { revokeAll } from './revoke-all.ts'
import { type AccountRouteDeps, passwordField } from './routes.ts'

const signedOutReason = z.enum([
  'signed_out_elsewhere',
  'password_reset',
  'password_changed',
  'closed',
  'revoked_all',
  'revoked_by_operator',
  'role_changed',
  'not_me',
  'device_limit',
  'expired',
])

/** One's own account: read, change, take along, close; and what the console needs before it knows anybody. */
export function profileRoutes(
  app: App,
  deps: AccountRouteDeps & {
    exporters: readonly Exporter[]
    /** What the console shows about this installation; `demo`: the built-in model answers. */
    installation: {
      mode: 'development' | 'production'
      origin: string
      keyPrefix: string
      demo: boolean
    }
    forgetBrowser(reply: FastifyReply): void
    /** Why the session that the browser still holds a cookie of is over. */
    signedOutReason(request: FastifyRequest): Promise<z.output<typeof signedOutReason> | null>
  },
): void {
  const { context, problem, installation } = deps
  const { organizationsOf } = context.neighbours

  app.get(
    '/api/account',
    {
      config: { access: { auth: 'session', standing: 'any' } },
      schema: { tags: ['account'], summary: 'My account', response: { 200: accountSchema } },
    },
    async (request, reply) => {
      const account = await context.store.find(principalOf(request).accountId)
      if (!account) return problem(request, reply, { status: 401, code: 'sign_in_required' })
      return presentAccount(account, organizationsOf)
    },
  )

  app.patch(
    '/api/account',
    {
      config: { access: { auth: 'session', standing: 'any' } },
      schema: {
        tags: ['account'],
        summary: 'Change my name or language',
        body: z.strictObject({
          name: z.string().max(400).optional(),
          locale: z.enum(locales).optional(),
        }),
        response: { 200: accountSchema },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const { locale } = request.body
      const name = request.body.name === undefined ? undefined : personName(request.body.name)
      if (name === null) return refuse(problem, request, reply, { reason: 'name_invalid' })
      await context.store.update(
        accountId,
        { ...(name === undefined ? {} : { name }), ...(locale === undefined ? {} : { locale }) },
        context.clock.now(),
      )
      const account = await context.store.find(accountId)
      if (!account) return problem(request, reply, { status: 401, code: 'sign_in_required' })
      return presentAccount(account, organizationsOf)
    },
  )

  app.delete(
    '/api/account',
    {
      config: { access: { auth: 'session', rate: 'credential', stepUp: true } },
      schema: {
        tags: ['account'],
        summary: 'Close my account for good',
        body: z.strictObject({ password: passwordField }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const result = await closeAccount(context, {
        accountId: principalOf(request).accountId,
        password: request.body.password,
      })
      if (!result.ok)
        return refuse(problem, request, reply, {
          ...result,
          ...(result.reason === 'current_password_wrong' ? { field: 'password' } : {}),
        })
      deps.forgetBrowser(reply)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/account/revoke-all',
    {
      config: { access: { auth: 'session', standing: 'any', stepUp: true } },
      schema: {
        tags: ['account'],
        summary: 'End every session, connected app and token of my account; API keys stay',
        body: z.strictObject({ keep_current: z.boolean().optional() }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { accountId, sessionId } = principalOf(request)
      const keep = request.body.keep_current === true ? sessionId : null
      await revokeAll(context, { accountId, keep })
      if (keep === null) deps.forgetBrowser(reply)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/api/account/export',
    {
      config: { access: { auth: 'session', standing: 'any' } },
      schema: {
        tags: ['account'],
        summary: 'Everything kept about me, as JSON',
        response: { 200: z.record(z.string(), z.unknown()) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      reply.header('content-disposition', 'attachment; filename="latchkey-account.json"')
      return exportAccount(deps.exporters, accountId, context.clock.now())
    },
  )

  app.get(
    '/api/console',
    {
      config: { access: { auth: 'public' } },
      schema: {
        tags: ['console'],
        summary: 'What the console starts from: the installation, and who is signed in',
        response: {
          200: z.object({
            mode: z.enum(['development', 'production']),
            origin: z.string(),
            api_base: z.string(),
            key_prefix: z.string(),
            demo: z.boolean(),
            account: accountSchema.nullable(),
            signed_out_reason: signedOutReason.nullable(),
          }),
        },
      },
    },
    async (request) => {
      const { principal } = request
      const account = principal ? await context.store.find(principal.accountId) : null
      return {
        mode: installation.mode,
        origin: installation.origin,
        api_base: `${installation.origin}/v1`,
        key_prefix: installation.keyPrefix,
        demo: installation.demo,
        account: account ? await presentAccount(account, organizationsOf) : null,
        signed_out_reason: account ? null : await deps.signedOutReason(request),
      }
    },
  )
}
