import type { Appeal, AppealState } from './appeal.ts'

export type AppealStore = {
  /** False when the decision has an appeal already: of several at once, one is kept. */
  insert(appeal: Appeal): Promise<boolean>
  find(id: string): Promise<Appeal | null>
  ofCases(caseIds: readonly string[]): Promise<Appeal[]>
  /** Due first. */
  list(query: { state?: AppealState; limit: number }): Promise<Appeal[]>
  /** Only the first look counts; false afterwards. */
  markLook(id: string, at: number): Promise<boolean>
  /** Settles a pending appeal; false when it is settled already. */
  decide(
    id: string,
    state: Exclude<AppealState, 'pending'>,
    outcome: NonNullable<Appeal['outcome']>,
  ): Promise<boolean>
  countOverdue(now: number): Promise<number>
}
