import { day } from '#platform/clock/clock.ts'
import type { AccountState } from '../accounts/index.ts'
import type { DecisionKind, DecisionReason } from './decision.ts'

/**
 * `open` (evidence, nothing decided) → `decided` (a decision is in force) → `closed` (none is any
 * more). Later decisions about the same account join its case while that is not closed.
 */
export type CaseState = 'open' | 'decided' | 'closed'

export type Case = {
  id: string
  accountId: string
  subjectKind: 'account' | 'key'
  subjectId: string
  source: 'operator' | 'rule' | 'report'
  state: CaseState
  openedAt: number
  closedAt: number | null
}

export type Evidence = {
  id: string
  caseId: string
  kind: 'note' | 'signal' | 'report'
  /** A sentence its subject may read. */
  summary: string
  /** For operators alone. */
  detail: Record<string, unknown>
  at: number
}

export type EndReason = 'reversed' | 'reduced' | 'expired'

export type Decision = {
  id: string
  caseId: string
  accountId: string
  kind: DecisionKind
  reason: DecisionReason
  /** The decider's own words; may be empty. */
  text: string
  until: number | null
  prior: PriorState
  /** Null: a rule. */
  decidedBy: string | null
  decidedByName: string
  decidedAt: number
  ending: { at: number; reason: EndReason } | null
}

/** The snapshot that a reversal restores. */
export type PriorState = {
  /** The standing just before. */
  state: AccountState
  /** The standing without any decision: what is restored when no other one is in force. */
  base: AccountState
  /** The stronger decision that an appeal turned into this one. */
  reducedFrom?: string
}

export type CaseFile = { case: Case; evidence: Evidence[]; decisions: Decision[] }

const strength: Record<DecisionKind, number> = { warn: 0, limit: 1, suspend: 2, close: 3 }

const standingUnder = { limit: 'limited', suspend: 'suspended', close: 'closed' } as const

/** The standing that a decision asks for; null: it leaves standing alone. */
export const standingOf = (kind: DecisionKind): AccountState | null =>
  kind === 'warn' ? null : standingUnder[kind]

export const isStronger = (kind: DecisionKind, than: DecisionKind): boolean =>
  strength[kind] > strength[than]

/** What a reduction makes of a decision; a warning cannot be reduced. */
export const milder: Record<DecisionKind, DecisionKind | null> = {
  close: 'suspend',
  suspend: 'limit',
  limit: 'warn',
  warn: null,
}

/**
 * The standing once `ended` no longer counts: the strongest decision still in force, else what was
 * true before any. A decision that has passed meanwhile is therefore not brought back with it.
 */
export function standingAfter(ended: Decision, inForce: readonly Decision[]): AccountState {
  const others = inForce.filter((other) => other.id !== ended.id && standingOf(other.kind) !== null)
  const strongest = others.reduce<Decision | null>(
    (best, other) => (best === null || isStronger(other.kind, best.kind) ? other : best),
    null,
  )
  return (strongest && standingOf(strongest.kind)) ?? ended.prior.base
}

export const appealDays = 30
export const appealDeadline = (decision: Decision): number => decision.decidedAt + appealDays * day

/** Why a decision takes no appeal; null: it takes one. The outcome of an appeal is final. */
export function appealObstacle(
  decision: Decision,
  now: number,
): 'decision_ended' | 'appeal_too_late' | null {
  if (decision.ending || decision.prior.reducedFrom !== undefined) return 'decision_ended'
  return now > appealDeadline(decision) ? 'appeal_too_late' : null
}

export type StillWorks = 'sign_in' | 'export' | 'usage' | 'appeal' | 'calls'

/** What its subject can go on doing under a decision in force. */
export function stillWorks(decision: Decision, mayAppeal: boolean): StillWorks[] {
  if (decision.kind === 'close') return []
  return [
    'sign_in',
    'export',
    'usage',
    ...(mayAppeal ? (['appeal'] as const) : []),
    ...(decision.kind === 'suspend' ? [] : (['calls'] as const)),
  ]
}
