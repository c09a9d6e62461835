import { rfc3339, rfc3339OrNull } from '#platform/clock/clock.ts'
import { type Locale, trustTexts } from '../../messages/messages.ts'
import type { AppealView } from '../trust/index.ts'
import type { Appeal } from './appeal.ts'

/** As its author and the operators read it; says so where the decider was the only reviewer. */
export const presentAppeal = (appeal: Appeal, locale: Locale): AppealView => ({
  id: appeal.id,
  case_id: appeal.caseId,
  decision_id: appeal.decisionId,
  state: appeal.state,
  text: appeal.text,
  created_at: rfc3339(appeal.createdAt),
  first_look_due_at: rfc3339(appeal.firstLookDueAt),
  first_look_at: rfc3339OrNull(appeal.firstLookAt),
  decided_at: rfc3339OrNull(appeal.outcome?.at ?? null),
  outcome_text: appeal.outcome
    ? appeal.outcome.text +
      (appeal.outcome.byDecider ? `\n\n${trustTexts(locale).sameReviewer}` : '')
    : null,
})
