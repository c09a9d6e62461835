import type { OperatorRole } from '#platform/http/access.ts'
import type { Locale } from '../../messages/messages.ts'
import type { Actor } from '../audit/index.ts'

/**
 * `unverified → active → limited → suspended → closed`. `limited` still works, with less;
 * `suspended` keeps sign-in, usage, export and appeal; `closed` keeps nothing.
 */
export type AccountState = 'unverified' | 'active' | 'limited' | 'suspended' | 'closed'

export type Account = {
  id: string
  name: string
  email: string
  emailVerifiedAt: number | null
  locale: Locale
  state: AccountState
  /** Moves when everything issued before must stop: suspension, closure, password reset, revoke-all. */
  epoch: number
  role: OperatorRole | null
  createdAt: number
}

/** What is true of an account now, for those who only read it. */
export type Standing = { state: AccountState; epoch: number }

/** Whether keys and tokens of an account in this state are served at the gateway. */
export const mayCall = (state: AccountState): boolean => state === 'active' || state === 'limited'

export type StandingChange = {
  accountId: string
  to: AccountState
  actor: Actor
  reason: string
  evidence: Record<string, unknown>
}

/** One move of standing, as it is kept. */
export type StateChange = {
  id: string
  accountId: string
  from: AccountState
  to: AccountState
  /** Null: the system itself. */
  actorId: string | null
  reason: string
  evidence: Record<string, unknown>
  at: number
}

export type Accounts = {
  find(id: string): Promise<Account | null>
  findByEmail(email: string): Promise<Account | null>
  /** Several at once, for lists; missing ids are left out. */
  findAll(ids: readonly string[]): Promise<Account[]>
  list(query: {
    search?: string
    state?: AccountState
    after?: string
    limit: number
  }): Promise<Account[]>
  /**
   * Moves standing and epoch in one statement, writes who, why and evidence, and after commit tells
   * every room by `account.changed`. Joins the caller's transaction. Returns the standing before.
   */
  changeStanding(change: StandingChange): Promise<{ before: Standing; after: Standing } | null>
  standing(accountId: string): Promise<Standing | null>
  /**
   * False without such an account, and for taking the role from the only operator: nobody could give
   * it back.
   */
  setRole(accountId: string, role: OperatorRole | null, actor: Actor): Promise<boolean>
  /**
   * An operator ends every session, connected app and token of the account; API keys stay. False
   * without such an account.
   */
  revokeAll(input: { accountId: string; actor: Actor; note: string }): Promise<boolean>
  /** How many accounts hold this role. */
  countRole(role: OperatorRole): Promise<number>
  /** Who moved the standing, why and when; oldest first. */
  stateChanges(accountId: string): Promise<StateChange[]>
}
