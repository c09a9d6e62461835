/**
 * Appeals: an account's word against a decision, and what became of it. One appeal a decision,
 * 2,000 characters, 30 days; a first look within three working days, shown to the person and counted
 * for the operators.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> pending: filed
 *   pending --> upheld
 *   pending --> reduced: a milder decision takes its place
 *   pending --> reversed: the state before is restored
 * ```
 *
 * Neighbours: trust (asked to reverse or reduce), accounts, audit, mail. What it does not do: change
 * standing itself.
 */
import type { Clock } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Ids } from '#platform/ids/ids.ts'
import type { Metrics } from '#platform/metrics/metrics.ts'
import type { Accounts } from '../accounts/index.ts'
import type { Audit } from '../audit/index.ts'
import type { Mail } from '../mail/index.ts'
import type { Trust } from '../trust/index.ts'
import type { Appeal, AppealState } from './appeal.ts'
import type { AppealsContext } from './context.ts'
import { fileAppeal } from './file.ts'
import { lookAt, reviewAppeal } from './review.ts'
import { sqlAppealStore } from './store.sql.ts'

export { presentAppeal } from './present.ts'
export { appealRoutes } from './routes.ts'

export type Appeals = {
  file(input: Parameters<typeof fileAppeal>[1]): ReturnType<typeof fileAppeal>
  /** For operators: records the first look. */
  open(input: Parameters<typeof lookAt>[1]): Promise<Appeal | null>
  review(input: Parameters<typeof reviewAppeal>[1]): ReturnType<typeof reviewAppeal>
  find(id: string): Promise<Appeal | null>
  ofCases(caseIds: readonly string[]): Promise<Appeal[]>
  /** Due first. */
  list(query: { state?: AppealState; limit: number }): Promise<Appeal[]>
  countOverdue(): Promise<number>
}

export function createAppeals(deps: {
  config: { origin: string }
  database: Database
  clock: Clock
  ids: Ids
  metrics: Metrics
  accounts: Accounts
  trust: Trust
  audit: Audit
  mail: Mail
}): Appeals {
  const store = sqlAppealStore(deps.database)
  const context: AppealsContext = { ...deps, origin: deps.config.origin, store }
  const countOverdue = () => store.countOverdue(deps.clock.now())
  deps.metrics.gauge(
    'latchkey_appeals_overdue',
    'Appeals that nobody has looked at within three working days.',
    countOverdue,
  )
  return {
    file: (input) => fileAppeal(context, input),
    open: (input) => lookAt(context, input),
    review: (input) => reviewAppeal(context, input),
    find: (id) => store.find(id),
    ofCases: (caseIds) => store.ofCases(caseIds),
    list: (query) => store.list(query),
    countOverdue,
  }
}
