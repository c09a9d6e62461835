import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { rfc3339 } from '#platform/clock/clock.ts'
import { principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemAnswer, ProblemSender } from '#platform/http/problem.ts'
import type { Places } from '#platform/places/places.ts'
import { placeSchema, presentPlace } from '#platform/places/present.ts'
import { refuseDevice } from '../../sessions/index.ts'
import { saidYesTo } from '../apps/app.ts'
import { documentHost } from '../documents/document-url.ts'
import { logoUri } from '../logos/logos.ts'
import type { Resources } from '../resources/resources.ts'
import type { DeviceRefusal, DeviceRequests } from './device-requests.ts'

const UserCode = z.string().min(1).max(64)
const Entry = z.strictObject({ user_code: UserCode }).meta({ id: 'DeviceCodeEntry' })
const DeviceView = z
  .object({
    client: z.object({
      client_id: z.string(),
      name: z.string(),
      described_by: z.string().nullable(),
      logo_uri: z.string().nullable(),
      verified: z.boolean(),
    }),
    scopes: z.array(z.object({ name: z.string(), title: z.string(), description: z.string() })),
    resource: z.object({ name: z.string(), host: z.string() }).nullable(),
    account: z.object({ name: z.string(), email: z.string() }),
    address: z.string(),
    place: placeSchema,
    same_network: z.boolean(),
    requested_at: z.string(),
    expires_at: z.string(),
  })
  .meta({ id: 'DeviceRequest' })
const Decision = z
  .strictObject({
    user_code: UserCode,
    decision: z.enum(['allow', 'deny']),
    end_device_id: z.string().max(64).optional(),
  })
  .meta({ id: 'DeviceDecision' })

const answers = {
  code_unknown: { status: 404, code: 'device_code_unknown' },
  too_many_codes: { status: 429, code: 'rate_limited' },
} as const satisfies Record<DeviceRefusal, ProblemAnswer>

/** What the page `/device` asks for: the code a person typed, and their yes or no. */
export function deviceRoutes(
  app: App,
  origin: string,
  requests: DeviceRequests,
  resources: Pick<Resources, 'describe' | 'find'>,
  places: Places,
  problem: ProblemSender,
): void {
  const access = { auth: 'session' } as const

  app.post(
    '/api/oauth/device/claim',
    {
      config: { access },
      schema: {
        tags: ['apps'],
        summary: 'Enter the code a device shows; this session alone may then decide',
        body: Entry,
        response: { 200: DeviceView },
      },
    },
    async (request, reply) => {
      const person = principalOf(request)
      const result = await requests.claim(person, request.body.user_code, request.ip)
      if (!result.ok) return refuse(request, reply, result)
      const { app, address, sameNetwork, requestedAt, expiresAt, scopes, resource } = result.request
      return {
        client: {
          client_id: app.clientId,
          name: app.name,
          described_by: app.document && documentHost(app.clientId),
          logo_uri: logoUri(origin, app),
          verified: app.organizationId !== null,
        },
        scopes: saidYesTo(app, scopes).flatMap(
          (scope) => resources.describe(resource, scope, request.locale) ?? [],
        ),
        resource: resources.find(resource)?.shown ?? null,
        account: { name: person.name, email: person.email },
        address,
        place: presentPlace(await places.of(address)),
        same_network: sameNetwork,
        requested_at: rfc3339(requestedAt),
        expires_at: rfc3339(expiresAt),
      }
    },
  )

  app.post(
    '/api/oauth/device/decision',
    {
      config: { access },
      schema: {
        tags: ['apps'],
        summary:
          'Allow or deny the device whose code this session entered; beyond the device limit, end one for it',
        body: Decision,
      },
    },
    async (request, reply) => {
      const { user_code, decision, end_device_id: endDeviceId } = request.body
      const result = await requests.decide(principalOf(request), user_code, {
        kind: decision,
        endDeviceId,
      })
      if (result.ok) return reply.code(204).send()
      if (result.reason === 'device_limit_reached' || result.reason === 'device_limit_refused')
        return refuseDevice({ places, problem }, request, reply, result)
      return refuse(request, reply, result)
    },
  )

  const refuse = (
    request: FastifyRequest,
    reply: FastifyReply,
    refusal: { reason: DeviceRefusal; retryAfterSeconds?: number },
  ) => {
    const { reason, retryAfterSeconds } = refusal
    const extras = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
    return problem(request, reply, answers[reason], extras)
  }
}
