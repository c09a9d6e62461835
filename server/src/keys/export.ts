import { rfc3339, rfc3339OrNull } from '#platform/clock/clock.ts'
import type { ApiKey } from './api-key.ts'

/** The keys an account answers for, as it may take them along: never a secret. */
export const keyExporter = (keys: {
  listOfAccount(accountId: string): Promise<readonly ApiKey[]>
}) => ({
  part: 'keys',
  async collect(accountId: string) {
    return (await keys.listOfAccount(accountId)).map((key) => ({
      id: key.id,
      project_id: key.projectId,
      name: key.name,
      hint: key.hint,
      scopes: key.scopes,
      state: key.state,
      created_at: rfc3339(key.createdAt),
      expires_at: rfc3339OrNull(key.expiresAt),
      last_used_at: rfc3339OrNull(key.lastUsedAt),
    }))
  },
})
