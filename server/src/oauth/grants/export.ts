import { rfc3339, rfc3339OrNull } from '#platform/clock/clock.ts'
import type { AppStore } from '../apps/store.ts'
import type { Grants } from './grants.ts'

/** The apps an account allowed, as it may take them along: never a token. */
export const grantExporter = (grants: Pick<Grants, 'listOf'>, apps: Pick<AppStore, 'findAll'>) => ({
  part: 'grants',
  async collect(accountId: string) {
    const list = await grants.listOf(accountId)
    const clients = await apps.findAll([...new Set(list.map(({ clientId }) => clientId))])
    return list.map((grant) => ({
      id: grant.id,
      client_id: grant.clientId,
      client_name: clients.find(({ clientId }) => clientId === grant.clientId)?.name ?? null,
      host: grant.redirectHost,
      scopes: grant.scopes,
      resource: grant.resource,
      created_at: rfc3339(grant.createdAt),
      last_used_at: rfc3339OrNull(grant.lastUsedAt),
    }))
  },
})
