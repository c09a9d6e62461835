import { z } from 'zod'
import type { App } from '#platform/http/app.ts'
import type { ProblemAnswer, ProblemSender } from '#platform/http/problem.ts'
import { logoProblemTexts } from '../../../messages/oauth.ts'
import { actorOf } from '../apps/routes.ts'
import { logoBytesMax } from './image.ts'
import { type Logos, logoUri, type SetResult } from './logos.ts'

/** Base64 takes four characters for three bytes; a little more, so that too large is told as such. */
const charactersMax = 2 * logoBytesMax
const Picture = z
  .strictObject({ data: z.base64().min(1).max(charactersMax) })
  .meta({ id: 'OAuthLogo' })
const LogoView = z.object({ logo_uri: z.string() }).meta({ id: 'OAuthLogoAddress' })
const params = z.object({ client_id: z.string().max(64) })

type Reason = Extract<SetResult, { ok: false }>['reason']
const invalid = { status: 400, code: 'invalid_request' } as const
const answers = {
  not_found: { status: 404, code: 'not_found' },
  not_allowed: { status: 403, code: 'role_insufficient' },
  too_large: invalid,
  not_a_picture: invalid,
  wrong_size: invalid,
  broken: invalid,
  animated: invalid,
} as const satisfies Record<Reason, ProblemAnswer>

/** An app's picture: set and removed by its owners, seen by everybody who is asked to allow it. */
export function logoRoutes(app: App, origin: string, logos: Logos, problem: ProblemSender): void {
  const access = { auth: 'session' } as const
  const tags = ['apps']

  app.put(
    '/api/apps/:client_id/logo',
    {
      config: { access },
      schema: {
        tags,
        summary: 'Set the logo: a PNG, JPEG or WebP of at most 64 KiB, as base64',
        params,
        body: Picture,
        response: { 200: LogoView },
      },
    },
    async (request, reply) => {
      const bytes = Buffer.from(request.body.data, 'base64')
      const result = await logos.set(actorOf(request.principal), request.params.client_id, bytes)
      if (result.ok) return { logo_uri: logoUri(origin, result.app) ?? '' }
      const { reason } = result
      if (reason === 'not_found' || reason === 'not_allowed')
        return problem(request, reply, answers[reason])
      const message = logoProblemTexts[request.locale][reason]
      return problem(request, reply, answers[reason], {
        errors: [{ field: 'data', code: reason, message }],
      })
    },
  )

  app.delete(
    '/api/apps/:client_id/logo',
    { config: { access }, schema: { tags, summary: 'Remove the logo', params } },
    async (request, reply) => {
      const result = await logos.remove(actorOf(request.principal), request.params.client_id)
      return result.ok ? reply.code(204).send() : problem(request, reply, answers[result.reason])
    },
  )

  app.get(
    '/oauth/logos/:client_id/:digest',
    {
      config: { access: { auth: 'public', standing: 'any' } },
      schema: { hide: true, params: params.extend({ digest: z.string().max(64) }) },
    },
    async (request, reply) => {
      const { client_id, digest } = request.params
      const logo = await logos.find(client_id, digest)
      if (!logo) return problem(request, reply, answers.not_found)
      // Somebody gave us these bytes: whatever they are, they run nothing and count as this type only.
      return reply
        .headers({
          'content-type': logo.mediaType,
          'content-security-policy': "default-src 'none'; sandbox",
          'cross-origin-resource-policy': 'same-origin',
          'cache-control': 'public, max-age=31536000, immutable',
        })
        .send(logo.bytes)
    },
  )
}
