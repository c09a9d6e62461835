import type { Clock } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import type { Ids, Random } from '#platform/ids/ids.ts'
import type { Places } from '#platform/places/places.ts'
import type { Accounts } from '../accounts/index.ts'
import type { Audit } from '../audit/index.ts'
import type { Mail } from '../mail/index.ts'
import type { Cookies } from './cookies.ts'
import type { SessionNeighbours } from './session.ts'
import type { SessionStore } from './store.ts'

/** What the verbs of this room work with. */
export type SessionsContext = {
  origin: string
  deviceLimit: number
  devicePolicy: 'ask' | 'end-oldest' | 'refuse'
  database: Database
  clock: Clock
  ids: Ids
  bus: EventBus
  keyring: Keyring
  store: SessionStore
  cookies: Cookies
  accounts: Accounts
  audit: Audit
  mail: Mail
  random: Random
  places: Places
  forcePasswordReset(accountId: string): Promise<void>
  neighbours: SessionNeighbours
}

/** Both cookies are looked up by their MAC; the values themselves are stored nowhere. */
export const tokenDigest = (keyring: Keyring, token: string): string =>
  keyring.mac('session', token).digest
