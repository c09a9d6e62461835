import { z } from 'zod'
import { rfc3339 } from '#platform/clock/clock.ts'
import { operatorRoles } from '#platform/http/access.ts'
import type { Account } from './account.ts'
import type { AccountNeighbours } from './context.ts'

export const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  email_verified: z.boolean(),
  locale: z.enum(['en', 'zh']),
  state: z.enum(['unverified', 'active', 'limited', 'suspended', 'closed']),
  role: z.enum(operatorRoles).nullable(),
  created_at: z.string(),
  organizations: z.array(
    z.object({ id: z.string(), name: z.string(), role: z.enum(['owner', 'admin', 'member']) }),
  ),
})

export type AccountView = z.output<typeof accountSchema>

/** An account as its holder sees it. */
export async function presentAccount(
  account: Account,
  organizationsOf: AccountNeighbours['organizationsOf'],
): Promise<AccountView> {
  const organizations = await organizationsOf(account.id)
  return {
    id: account.id,
    name: account.name,
    email: account.email,
    email_verified: account.emailVerifiedAt !== null,
    locale: account.locale,
    state: account.state,
    role: account.role,
    created_at: rfc3339(account.createdAt),
    organizations: organizations.map(({ organization: { id, name }, role }) => ({
      id,
      name,
      role,
    })),
  }
}
