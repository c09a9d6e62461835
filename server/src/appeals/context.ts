import type { Clock } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Ids } from '#platform/ids/ids.ts'
import type { Accounts } from '../accounts/index.ts'
import type { Audit } from '../audit/index.ts'
import type { Mail } from '../mail/index.ts'
import type { Trust } from '../trust/index.ts'
import type { AppealStore } from './store.ts'

export type AppealsContext = {
  origin: string
  database: Database
  clock: Clock
  ids: Ids
  store: AppealStore
  accounts: Accounts
  trust: Trust
  audit: Audit
  mail: Mail
}
