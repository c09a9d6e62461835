import { z } from 'zod'
import { rfc3339, rfc3339OrNull } from '#platform/clock/clock.ts'
import { type Locale, trustTexts } from '../../messages/messages.ts'
import { appealDeadline, appealObstacle, type CaseFile, type Decision, stillWorks } from './case.ts'

export const appealSchema = z
  .object({
    id: z.string(),
    case_id: z.string(),
    decision_id: z.string(),
    state: z.enum(['pending', 'upheld', 'reduced', 'reversed']),
    text: z.string(),
    created_at: z.string(),
    first_look_due_at: z.string(),
    first_look_at: z.string().nullable(),
    decided_at: z.string().nullable(),
    outcome_text: z.string().nullable(),
    reviewer_note: z.string().optional(),
  })
  .meta({ id: 'Appeal' })

/** An appeal as its author and the operators read it. */
export type AppealView = z.infer<typeof appealSchema>

const decisionSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['warn', 'limit', 'suspend', 'close']),
    reason: z.string(),
    reason_text: z.string(),
    text: z.string(),
    until: z.string().nullable(),
    decided_at: z.string(),
    decided_by_name: z.string().optional(),
    ended_at: z.string().nullable(),
    end_reason: z.string().nullable(),
    still_works: z.array(z.string()),
    appeal: appealSchema.nullable(),
    appeal_deadline: z.string(),
    may_appeal: z.boolean(),
  })
  .meta({ id: 'Decision' })

const evidenceSchema = z
  .object({
    id: z.string(),
    kind: z.string(),
    summary: z.string(),
    at: z.string(),
    detail: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Evidence' })

export const caseSchema = z
  .object({
    id: z.string(),
    state: z.enum(['open', 'decided', 'closed']),
    subject_kind: z.string(),
    subject_id: z.string(),
    source: z.string(),
    opened_at: z.string(),
    closed_at: z.string().nullable(),
    account: z.object({ id: z.string(), name: z.string(), email: z.string() }).optional(),
    decisions: z.array(decisionSchema),
    evidence: z.array(evidenceSchema),
  })
  .meta({ id: 'Case' })

export type Reader = {
  locale: Locale
  now: number
  /** Operators see who decided and what the evidence holds; its subject sees neither. */
  operator: boolean
}

/** A case as this reader may see it. Decisions and evidence oldest first. */
export function presentCase(
  file: CaseFile,
  appeals: readonly AppealView[],
  reader: Reader,
): z.infer<typeof caseSchema> {
  return {
    id: file.case.id,
    state: file.case.state,
    subject_kind: file.case.subjectKind,
    subject_id: file.case.subjectId,
    source: file.case.source,
    opened_at: rfc3339(file.case.openedAt),
    closed_at: rfc3339OrNull(file.case.closedAt),
    decisions: file.decisions.map((decision) => presentDecision(decision, appeals, reader)),
    evidence: file.evidence.map(({ id, kind, summary, at, detail }) => ({
      id,
      kind,
      summary,
      at: rfc3339(at),
      ...(reader.operator ? { detail } : {}),
    })),
  }
}

function presentDecision(
  decision: Decision,
  appeals: readonly AppealView[],
  { locale, now, operator }: Reader,
): z.infer<typeof decisionSchema> {
  const appeal = appeals.find((one) => one.decision_id === decision.id) ?? null
  const mayAppeal = appeal === null && appealObstacle(decision, now) === null
  return {
    id: decision.id,
    kind: decision.kind,
    reason: decision.reason,
    reason_text: trustTexts(locale).reasons[decision.reason],
    text: decision.text,
    until: rfc3339OrNull(decision.until),
    decided_at: rfc3339(decision.decidedAt),
    ...(operator ? { decided_by_name: decision.decidedByName } : {}),
    ended_at: rfc3339OrNull(decision.ending?.at ?? null),
    end_reason: decision.ending?.reason ?? null,
    still_works: stillWorks(decision, mayAppeal),
    appeal,
    appeal_deadline: rfc3339(appealDeadline(decision)),
    may_appeal: mayAppeal,
  }
}
