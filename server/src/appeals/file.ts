import { appealObstacle, type Decision } from '../trust/index.ts'
import { type Appeal, addWorkingDays, firstLookWorkingDays } from './appeal.ts'
import type { AppealsContext } from './context.ts'

export type FileRefusal =
  | 'case_not_found'
  | 'nothing_to_appeal'
  | 'already_appealed'
  | 'decision_ended'
  | 'appeal_too_late'

/**
 * One appeal a decision, within 30 days of it. Without `decisionId` it is about the newest decision
 * of the case that is in force. Of many at once one is kept: the unique index decides.
 */
export async function fileAppeal(
  context: AppealsContext,
  input: {
    accountId: string
    caseId: string
    decisionId: string | null
    text: string
    requestId: string
  },
): Promise<{ ok: true; appeal: Appeal } | { ok: false; reason: FileRefusal }> {
  const { database, store, accounts, trust, audit, mail, clock, ids, origin } = context
  const file = await trust.caseFile(input.caseId)
  const account = await accounts.find(input.accountId)
  if (!account || file?.case.accountId !== account.id)
    return { ok: false, reason: 'case_not_found' }
  const decision = choose(file.decisions, input.decisionId)
  if (!decision) return { ok: false, reason: 'nothing_to_appeal' }
  const now = clock.now()
  const known = await store.ofCases([file.case.id])
  if (known.some((appeal) => appeal.decisionId === decision.id))
    return { ok: false, reason: 'already_appealed' }
  const obstacle = appealObstacle(decision, now)
  if (obstacle) return { ok: false, reason: obstacle }
  const appeal: Appeal = {
    id: ids('apl'),
    decisionId: decision.id,
    caseId: file.case.id,
    accountId: account.id,
    text: input.text,
    state: 'pending',
    createdAt: now,
    firstLookDueAt: addWorkingDays(now, firstLookWorkingDays),
    firstLookAt: null,
    outcome: null,
  }
  return database.transaction(async () => {
    if (!(await store.insert(appeal))) return { ok: false, reason: 'already_appealed' }
    await mail.send({
      kind: 'appeal_received',
      to: account.email,
      locale: account.locale,
      values: { firstLookDueAt: appeal.firstLookDueAt },
      link: `${origin}/cases/${appeal.caseId}`,
    })
    await audit.append({
      actor: { kind: 'account', id: account.id, name: account.name },
      action: 'appeal.filed',
      subject: { kind: 'account', id: account.id, name: account.name },
      detail: { appeal: appeal.id, decision: decision.id, case: appeal.caseId },
      requestId: input.requestId,
    })
    return { ok: true, appeal }
  })
}

const choose = (decisions: readonly Decision[], wanted: string | null): Decision | undefined =>
  wanted !== null
    ? decisions.find((decision) => decision.id === wanted)
    : (decisions.findLast((decision) => decision.ending === null) ?? decisions.at(-1))
