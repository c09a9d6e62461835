import { rfc3339, rfc3339OrNull } from '#platform/clock/clock.ts'
import type { Audit } from '../audit/index.ts'
import type { AccountsContext } from './context.ts'

/**
 * One room's part of what an account may take along. `compose.ts` lists them; a room adds its part
 * by exporting one. Wire names, RFC 3339 times, no secrets and no digests.
 */
export type Exporter = { part: string; collect(accountId: string): Promise<unknown> }

export const accountExporter = ({ store }: Pick<AccountsContext, 'store'>): Exporter => ({
  part: 'account',
  async collect(accountId) {
    const account = await store.find(accountId)
    if (!account) return null
    const changes = await store.stateChanges(accountId)
    return {
      id: account.id,
      name: account.name,
      email: account.email,
      email_verified_at: rfc3339OrNull(account.emailVerifiedAt),
      locale: account.locale,
      state: account.state,
      role: account.role,
      created_at: rfc3339(account.createdAt),
      // Evidence belongs to the case, which says what of it the person may see.
      state_changes: changes.map(({ from, to, reason, at }) => ({
        from,
        to,
        reason,
        at: rfc3339(at),
      })),
    }
  },
})

/** What the audit log says about the account itself; who acted is named only where it was the person. */
export const auditExporter = (audit: Audit): Exporter => ({
  part: 'audit',
  async collect(accountId) {
    const events = await audit.list({ subjectId: accountId, limit: 1_000 })
    return events.map((event) => ({
      at: rfc3339(event.at),
      action: event.action,
      by_me: event.actor.kind !== 'system' && event.actor.id === accountId,
    }))
  },
})

export async function exportAccount(
  exporters: readonly Exporter[],
  accountId: string,
  now: number,
): Promise<Record<string, unknown>> {
  const exported: Record<string, unknown> = { exported_at: rfc3339(now) }
  for (const { part, collect } of exporters) exported[part] = await collect(accountId)
  return exported
}
