import { z } from 'zod'
import { rfc3339 } from '#platform/clock/clock.ts'
import { principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemAnswer, ProblemSender } from '#platform/http/problem.ts'
import type { Locale } from '../../../messages/messages.ts'
import { appProblemTexts, notByKeyText } from '../../../messages/oauth.ts'
import type { Inspections, OpenResult } from './inspections.ts'

const Opening = z
  .strictObject({
    temporary_secret: z.boolean().optional(),
    /** A public key as a JWK; its private half stays where it was made. */
    temporary_key: z.record(z.string().max(32), z.unknown()).optional(),
  })
  .meta({ id: 'OAuthInspectionOpening' })
const InspectionView = z
  .object({
    redirect_uri: z.string(),
    expires_at: z.string(),
    client_secret: z.string().optional(),
  })
  .meta({ id: 'OAuthInspection' })
const params = z.object({ client_id: z.string().max(64) })

type Reason = Extract<OpenResult, { ok: false }>['reason']
const answers = {
  not_found: { status: 404, code: 'not_found' },
  not_allowed: { status: 403, code: 'role_insufficient' },
  public_client: { status: 409, code: 'public_client' },
  private_key: { status: 400, code: 'invalid_request' },
  key_unusable: { status: 400, code: 'invalid_request' },
  not_by_key: { status: 400, code: 'invalid_request' },
} as const satisfies Record<Reason, ProblemAnswer>

/** `/api/apps/{client_id}/inspection`: what the console's flow inspector needs of the server. */
export function inspectorRoutes(app: App, inspections: Inspections, problem: ProblemSender): void {
  const tags = ['apps']

  app.post(
    '/api/apps/:client_id/inspection',
    {
      config: { access: { auth: 'session', stepUp: true } },
      schema: {
        tags,
        summary:
          'Open the flow inspector for half an hour; a secret lent for it is shown this once, a key of the page counts as long',
        params,
        body: Opening,
        response: { 201: InspectionView },
      },
    },
    async (request, reply) => {
      const result = await inspections.open(principalOf(request), request.params.client_id, {
        lendSecret: request.body.temporary_secret ?? false,
        lendKey: request.body.temporary_key ?? null,
      })
      if (!result.ok) {
        const message = keyProblem(result.reason, request.locale)
        const errors = message && [{ field: 'temporary_key', code: result.reason, message }]
        return problem(request, reply, answers[result.reason], errors ? { errors } : {})
      }
      const { redirectUri, expiresAt, secret } = result.inspection
      return reply.code(201).send({
        redirect_uri: redirectUri,
        expires_at: rfc3339(expiresAt),
        ...(secret ? { client_secret: secret.reveal() } : {}),
      })
    },
  )

  app.delete(
    '/api/apps/:client_id/inspection',
    {
      config: { access: { auth: 'session' } },
      schema: { tags, summary: 'Close the flow inspector and end its secret or key', params },
    },
    async (request, reply) => {
      const result = await inspections.end(principalOf(request), request.params.client_id)
      return result.ok ? reply.code(204).send() : problem(request, reply, answers[result.reason])
    },
  )
}

/** Null for what is not about the key. */
const keyProblem = (reason: Reason, locale: Locale): string | null =>
  reason === 'private_key' || reason === 'key_unusable'
    ? appProblemTexts[locale][reason]
    : reason === 'not_by_key'
      ? notByKeyText[locale]
      : null
