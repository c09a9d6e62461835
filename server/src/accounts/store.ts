import type { OperatorRole } from '#platform/http/access.ts'
import type { Account, AccountState, StateChange } from './account.ts'

/** An account with what proves it; leaves this room never. */
export type StoredAccount = Account & { passwordHash: string }

export type AccountStore = {
  insert(account: StoredAccount): Promise<void>
  find(id: string): Promise<StoredAccount | null>
  findByEmail(email: string): Promise<StoredAccount | null>
  findAll(ids: readonly string[]): Promise<StoredAccount[]>
  /** Newest first; `search` is a part of name or address, or a whole id. */
  list(query: {
    search?: string
    state?: AccountState
    after?: string
    limit: number
  }): Promise<StoredAccount[]>
  update(id: string, values: Partial<Omit<StoredAccount, 'id'>>, at: number): Promise<void>
  /** Moves state and epoch together, only from `from`; null when the state is another by now. */
  moveState(
    id: string,
    from: AccountState,
    to: AccountState,
    at: number,
  ): Promise<{ epoch: number } | null>
  /** Returns the new epoch; null without such an account. */
  moveEpoch(id: string, at: number): Promise<number | null>
  countRole(role: OperatorRole): Promise<number>
  insertStateChange(change: StateChange): Promise<void>
  /** Oldest first. */
  stateChanges(accountId: string): Promise<StateChange[]>
}
