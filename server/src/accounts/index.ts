/**
 * Accounts: who somebody is here, what proves it, and what is true of them now.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> unverified: sign-up
 *   unverified --> active: code from the mail
 *   active --> limited: decision
 *   active --> suspended: decision
 *   limited --> active: reversal
 *   suspended --> active: reversal
 *   active --> closed: by oneself or by decision
 * ```
 *
 * Invariants: an address is proven only by the code mailed to it; standing and epoch move through
 * one door (`changeStanding`), which tells everybody; password hashes never leave this room; known
 * and unknown addresses are answered alike, in content and in time.
 *
 * Neighbours: audit, mail. Rooms built on this one (sessions, organizations) are handed in as
 * `AccountNeighbours`. What it does not do: sessions, decisions about standing.
 */
import { type Clock, hour } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import type { Ids, Random } from '#platform/ids/ids.ts'
import { every, type Job, type Sweeper } from '#platform/jobs/every.ts'
import type { RateLimiter } from '#platform/limits/token-bucket.ts'
import type { Log } from '#platform/log/log.ts'
import type { Audit } from '../audit/index.ts'
import type { Mail } from '../mail/index.ts'
import type { Account, Accounts } from './account.ts'
import { sqlChallenges } from './challenges.sql.ts'
import type { AccountNeighbours, AccountsContext } from './context.ts'
import { forcePasswordReset, type PasswordProof, provePassword } from './password.ts'
import { argon2Hasher } from './password-hasher.ts'
import { sqlPasswordTries } from './password-tries.sql.ts'
import { makePendingCookie } from './pending-sign-up.ts'
import { type ProofRefusal, proveByPassword, withoutHash } from './prove.ts'
import { revokeAllByOperator } from './revoke-all.ts'
import { setRole } from './role.ts'
import { changeStanding } from './standing.ts'
import { sqlAccountStore } from './store.sql.ts'

export type { Account, AccountState, Accounts, Standing, StandingChange } from './account.ts'
export { mayCall } from './account.ts'
/** For `tools.ts`, which makes operator links beside a running server. */
export { sqlChallenges } from './challenges.sql.ts'
export type { AccountNeighbours } from './context.ts'
export { canonicalEmail } from './email-address.ts'
export { accountExporter, auditExporter, type Exporter } from './export.ts'
export { operatorClaimRoutes } from './operator.routes.ts'
export { firstOperator, mintOperatorLink } from './operator.ts'
export { passwordRoutes } from './password.routes.ts'
export type { PasswordProof } from './password.ts'
export { accountSchema, presentAccount } from './present.ts'
export { profileRoutes } from './profile.routes.ts'
export type { ProofRefusal } from './prove.ts'
export { accountRoutes } from './routes.ts'

const sweepBatch = 500

/** The door as `compose.ts` gets it: `accounts` for every room, `context` for this room's routes. */
export type AccountsRoom = {
  accounts: Accounts
  context: AccountsContext
  /** Removes challenges that ended long ago and tries that say nothing any more, once an hour. */
  sweeper: Sweeper
  /** For sessions: the password is known to a stranger. Part of the caller's transaction. */
  forcePasswordReset(accountId: string): Promise<void>
  /** For sessions: the holder of a session proves the password once more. */
  proveAgain(
    accountId: string,
    password: string,
  ): Promise<{ ok: true; account: Account } | PasswordProof>
  /** For sessions alone: proves a person by password, throttled and in constant time. */
  prove(
    input: Parameters<typeof proveByPassword>[1],
  ): Promise<{ ok: true; account: Account } | ProofRefusal>
}

export function createAccounts(deps: {
  database: Database
  clock: Clock
  ids: Ids
  random: Random
  keyring: Keyring
  bus: EventBus
  limiter: RateLimiter
  log: Log
  config: { origin: string; hashConcurrency: number }
  audit: Audit
  mail: Mail
  neighbours: AccountNeighbours
}): AccountsRoom {
  const store = sqlAccountStore(deps.database)
  const context: AccountsContext = {
    origin: deps.config.origin,
    database: deps.database,
    clock: deps.clock,
    ids: deps.ids,
    bus: deps.bus,
    limiter: deps.limiter,
    store,
    challenges: sqlChallenges(deps),
    tries: sqlPasswordTries(deps),
    pendingCookie: makePendingCookie({ ...deps, origin: deps.config.origin }),
    hasher: argon2Hasher(deps.config.hashConcurrency),
    audit: deps.audit,
    mail: deps.mail,
    neighbours: deps.neighbours,
  }
  const accounts: Accounts = {
    async find(id) {
      const found = await store.find(id)
      return found && withoutHash(found)
    },
    async findByEmail(email) {
      const found = await store.findByEmail(email)
      return found && withoutHash(found)
    },
    findAll: async (ids) => (await store.findAll(ids)).map(withoutHash),
    list: async (query) => (await store.list(query)).map(withoutHash),
    changeStanding: (change) => changeStanding(context, change),
    async standing(accountId) {
      const found = await store.find(accountId)
      return found && { state: found.state, epoch: found.epoch }
    },
    revokeAll: (input) => revokeAllByOperator(context, input),
    setRole: (accountId, role, actor) => setRole(context, accountId, role, actor),
    countRole: (role) => store.countRole(role),
    stateChanges: (accountId) => store.stateChanges(accountId),
  }
  const sweep = async () => {
    await context.challenges.sweep()
    while ((await context.tries.sweep(sweepBatch)) === sweepBatch);
  }
  let job: Job | undefined
  const sweeper = {
    start() {
      job = every(hour, 'challenges and tries', deps.log, sweep)
    },
    stop: async () => job?.stop(),
    sweep,
  }
  return {
    accounts,
    context,
    sweeper,
    forcePasswordReset: (accountId) => forcePasswordReset(context, accountId),
    async proveAgain(accountId, password) {
      const proof = await provePassword(context, accountId, password)
      return proof.ok ? { ok: true, account: withoutHash(proof.account) } : proof
    },
    prove: (input) => proveByPassword(context, input),
  }
}
