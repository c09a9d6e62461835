import { day } from '#platform/clock/clock.ts'

/** `pending → upheld | reduced | reversed`; decided once, by somebody who did not take the decision. */
export type AppealState = 'pending' | 'upheld' | 'reduced' | 'reversed'
export type Outcome = 'uphold' | 'reduce' | 'reverse'

export const stateOf = { uphold: 'upheld', reduce: 'reduced', reverse: 'reversed' } as const

export type Appeal = {
  id: string
  decisionId: string
  caseId: string
  accountId: string
  text: string
  state: AppealState
  createdAt: number
  firstLookDueAt: number
  firstLookAt: number | null
  outcome: {
    at: number
    reviewerId: string
    /** The only reviewer there is had taken the decision as well, and the outcome says so. */
    byDecider: boolean
    text: string
  } | null
}

export const textMax = 2_000
export const firstLookWorkingDays = 3

/** `days` working days (Monday to Friday, UTC) later, at the same time of day. */
export function addWorkingDays(at: number, days: number): number {
  let result = at
  for (let left = days; left > 0; ) {
    result += day
    const weekday = new Date(result).getUTCDay()
    if (weekday !== 0 && weekday !== 6) left--
  }
  return result
}

export const isOverdue = (appeal: Appeal, now: number): boolean =>
  appeal.state === 'pending' && appeal.firstLookAt === null && now > appeal.firstLookDueAt
