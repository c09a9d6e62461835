import type { Clock } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { OperatorRole, Principal } from '#platform/http/access.ts'
import type { Ids } from '#platform/ids/ids.ts'
import type { Accounts } from '../accounts/index.ts'
import type { Audit } from '../audit/index.ts'
import type { Mail } from '../mail/index.ts'
import type { TrustStore } from './store.ts'

/** What the verbs of this room work with. */
export type TrustContext = {
  origin: string
  database: Database
  clock: Clock
  ids: Ids
  store: TrustStore
  accounts: Accounts
  audit: Audit
  mail: Mail
}

/** The operator who acts, as the session says. */
export type Decider = { id: string; name: string; role: OperatorRole }

export function deciderOf({ accountId, name, role }: Principal): Decider {
  if (role === null) throw new Error('this route asks for no role')
  return { id: accountId, name, role }
}
