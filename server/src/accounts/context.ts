import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import type { Ids } from '#platform/ids/ids.ts'
import type { RateLimiter } from '#platform/limits/token-bucket.ts'
import type { Audit } from '../audit/index.ts'
import type { Mail } from '../mail/index.ts'
import type { Account } from './account.ts'
import type { Challenges } from './challenges.sql.ts'
import type { PasswordHasher } from './password-hasher.ts'
import type { PasswordTries } from './password-tries.ts'
import type { PendingCookie } from './pending-sign-up.ts'
import type { AccountStore } from './store.ts'

/** Why everything issued so far ends, though the account stays as it is. */
export type EpochReason =
  | 'password_reset'
  | 'password_changed'
  | 'revoked_all'
  | 'revoked_by_operator'

/**
 * What this room asks of the rooms built on it. They import accounts, so accounts cannot import
 * them; `compose.ts` hands these in.
 */
export type AccountNeighbours = {
  createPersonal(account: { id: string; name: string }): Promise<unknown>
  organizationsOf(
    accountId: string,
  ): Promise<{ organization: { id: string; name: string }; role: 'owner' | 'admin' | 'member' }[]>
  /** All but `except`, with their apps unless `endGrants` follows; joins the caller's transaction. */
  endSessions(
    accountId: string,
    except: string | null,
    reason: EpochReason | 'closed' | 'role_changed',
    apps?: 'ended by the caller',
  ): Promise<number>
  /**
   * The epoch moves: every grant of the account ends, and its sign-ins at apps are over. Joins the
   * caller's transaction.
   */
  endGrants(accountId: string, reason: EpochReason | 'closed' | 'account_changed'): Promise<void>
  /** Then: codes, refresh tokens and open authorizations of the account, a batch at a time. */
  endApps(accountId: string): Promise<void>
  startSession(
    account: Account,
    amr: readonly string[],
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown>
}

/** What the verbs of this room work with. */
export type AccountsContext = {
  origin: string
  database: Database
  clock: Clock
  ids: Ids
  bus: EventBus
  limiter: RateLimiter
  store: AccountStore
  challenges: Challenges
  tries: PasswordTries
  pendingCookie: PendingCookie
  hasher: PasswordHasher
  audit: Audit
  mail: Mail
  neighbours: AccountNeighbours
}
