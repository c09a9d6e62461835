import { z } from 'zod'
import { rfc3339, rfc3339OrNull } from '#platform/clock/clock.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import type { Locale } from '../../../messages/messages.ts'
import type { AppStore } from '../apps/store.ts'
import { logoUri } from '../logos/logos.ts'
import type { Resources } from '../resources/resources.ts'
import type { Grants } from './grants.ts'

const Resource = z
  .object({
    name: z.string(),
    host: z.string(),
    /** Its scopes in words. */
    scopes: z.record(z.string(), z.string()),
  })
  .meta({ id: 'OAuthGrantResource' })
const GrantView = z
  .object({
    id: z.string(),
    client: z.object({
      client_id: z.string(),
      name: z.string(),
      host: z.string(),
      logo_uri: z.string().nullable(),
    }),
    scopes: z.array(z.string()),
    resource: Resource.nullable(),
    created_at: z.string(),
    last_used_at: z.string().nullable(),
  })
  .meta({ id: 'OAuthGrant' })
const GrantList = z.object({ items: z.array(GrantView) }).meta({ id: 'OAuthGrantList' })

/** Apps I allowed. A suspended account may still look and end them. */
export function grantRoutes(
  app: App,
  origin: string,
  grants: Grants,
  apps: Pick<AppStore, 'findAll'>,
  resources: Pick<Resources, 'find' | 'describe'>,
  problem: ProblemSender,
): void {
  const access = { auth: 'session', standing: 'any' } as const
  /** Null for the gateway, whose scopes every console knows. */
  const presentResource = (at: string, granted: readonly string[], locale: Locale) => {
    const resource = resources.find(at)
    if (!resource?.shown) return null
    const words = granted
      .filter((scope) => resource.scopes.includes(scope))
      .map((scope) => [scope, resources.describe(at, scope, locale)?.title ?? scope])
    return { ...resource.shown, scopes: Object.fromEntries(words) as Record<string, string> }
  }
  app.get(
    '/api/grants',
    {
      config: { access },
      schema: { tags: ['apps'], summary: 'Apps I allowed', response: { 200: GrantList } },
    },
    async (request) => {
      const list = await grants.listOf(request.principal?.accountId ?? '')
      const clients = await apps.findAll([...new Set(list.map(({ clientId }) => clientId))])
      const clientOf = (id: string) => {
        const client = clients.find(({ clientId }) => clientId === id)
        return { name: client?.name ?? id, logo_uri: client ? logoUri(origin, client) : null }
      }
      return {
        items: list.map((grant) => ({
          id: grant.id,
          client: {
            client_id: grant.clientId,
            ...clientOf(grant.clientId),
            host: grant.redirectHost,
          },
          scopes: [...grant.scopes],
          resource: presentResource(grant.resource, grant.scopes, request.locale),
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
