import type { Case, CaseState, Decision, EndReason, Evidence } from './case.ts'

/** Cases, evidence and decisions. Nothing is ever deleted; a decision ends once. */
export type TrustStore = {
  insertCase(value: Case): Promise<void>
  insertEvidence(value: Evidence): Promise<void>
  insertDecision(value: Decision): Promise<void>
  /** The account's newest case that is not closed. */
  livingCase(accountId: string): Promise<Case | null>
  setCaseState(id: string, state: CaseState, closedAt: number | null): Promise<void>
  findCase(id: string): Promise<Case | null>
  /** Newest first; `after` is the last id of the page before. */
  listCases(query: {
    accountId?: string
    state?: CaseState
    after?: string
    limit: number
  }): Promise<Case[]>
  /** Oldest first. */
  evidenceOf(caseIds: readonly string[]): Promise<Evidence[]>
  decisionsOf(caseIds: readonly string[]): Promise<Decision[]>
  findDecision(id: string): Promise<Decision | null>
  /** Decisions of the account that have not ended. */
  inForce(accountId: string): Promise<Decision[]>
  /** Ends a decision that has not ended; false when it had: of several callers one succeeds. */
  endDecision(id: string, reason: EndReason, at: number): Promise<boolean>
  /** Decisions not ended whose time is over, soonest first. */
  due(now: number, limit: number): Promise<Decision[]>
}
