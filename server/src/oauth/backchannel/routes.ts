import { z } from 'zod'
import { rfc3339, rfc3339OrNull } from '#platform/clock/clock.ts'
import { principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import type { Apps } from '../apps/apps.ts'
import type { Backchannel } from './backchannel.ts'

const DeliveryView = z
  .object({
    id: z.string(),
    at: z.string(),
    state: z.enum(['waiting', 'sending', 'sent', 'failed']),
    attempts: z.int(),
    last_error: z.string().nullable(),
    next_attempt_at: z.string().nullable(),
    settled_at: z.string().nullable(),
  })
  .meta({ id: 'OAuthLogoutDelivery' })
const DeliveryList = z
  .object({ items: z.array(DeliveryView) })
  .meta({ id: 'OAuthLogoutDeliveryList' })

const listed = 20

/** For the owner of an app: whether what we send arrives. Whom it was about stands in no line. */
export function deliveryRoutes(
  app: App,
  backchannel: Pick<Backchannel, 'ofClient'>,
  apps: Pick<Apps, 'find'>,
  problem: ProblemSender,
): void {
  app.get(
    '/api/apps/:client_id/logout-deliveries',
    {
      config: { access: { auth: 'session' } },
      schema: {
        tags: ['apps'],
        summary: 'The last messages to the app that a sign-in is over, and what came of them',
        params: z.object({ client_id: z.string().max(64) }),
        response: { 200: DeliveryList },
      },
    },
    async (request, reply) => {
      const found = await apps.find(principalOf(request).accountId, request.params.client_id)
      if (!found) return problem(request, reply, { status: 404, code: 'not_found' })
      const items = await backchannel.ofClient(found.clientId, listed)
      return {
        items: items.map((delivery) => ({
          id: delivery.id,
          at: rfc3339(delivery.createdAt),
          state: delivery.state,
          attempts: delivery.attempts,
          last_error: delivery.lastError,
          next_attempt_at: delivery.state === 'waiting' ? rfc3339(delivery.nextAttemptAt) : null,
          settled_at: rfc3339OrNull(delivery.settledAt),
        })),
      }
    },
  )
}
