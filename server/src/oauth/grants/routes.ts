import { z } from 'zod'
import { rfc3339, rfc3339OrNull } from '#platform/clock/clock.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import type { AppStore } from '../apps/store.ts'
import type { Grants } from './grants.ts'

const GrantView = z
  .object({
    id: z.string(),
    client: z.object({ client_id: z.string(), name: z.string(), host: z.string() }),
    scopes: z.array(z.string()),
    created_at: z.string(),
    last_used_at: z.string().nullable(),
  })
  .meta({ id: 'OAuthGrant' })
const GrantList = z.object({ items: z.array(GrantView) }).meta({ id: 'OAuthGrantList' })

/** Apps I allowed. A suspended account may still look and end them. */
export function grantRoutes(
  app: App,
  grants: Grants,
  apps: Pick<AppStore, 'findAll'>,
  problem: ProblemSender,
): void {
  const access = { auth: 'session', standing: 'any' } as const
  app.get(
    '/api/grants',
    {
      config: { access },
      schema: { tags: ['apps'], summary: 'Apps I allowed', response: { 200: GrantList } },
    },
    async (request) => {
      const list = await grants.listOf(request.principal?.accountId ?? '')
      const clients = await apps.findAll([...new Set(list.map(({ clientId }) => clientId))])
      const nameOf = (id: string) => clients.find(({ clientId }) => clientId === id)?.name ?? id
      return {
        items: list.map((grant) => ({
          id: grant.id,
          client: {
            client_id: grant.clientId,
            name: nameOf(grant.clientId),
            host: grant.redirectHost,
          },
          scopes: [...grant.scopes],
          created_at: rfc3339(grant.createdAt),
          last_used_at: rfc3339OrNull(grant.lastUsedAt),
        })),
      }
    },
  )
  app.delete(
    '/api/grants/:id',
    {
      config: { access },
      schema: {
        tags: ['apps'],
        summary: 'End an app’s access to my account, with every token it holds',
        params: z.object({ id: z.string().max(64) }),
      },
    },
    async (request, reply) => {
      const { accountId = '', name = '' } = request.principal ?? {}
      const person = { kind: 'account', id: accountId, name } as const
      return (await grants.revokeApp(person, request.params.id))
        ? reply.code(204).send()
        : problem(request, reply, { status: 404, code: 'not_found' })
    },
  )
}
