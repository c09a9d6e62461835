import { trustTexts } from '../../messages/messages.ts'
import type { Decider, Decision } from '../trust/index.ts'
import { type Appeal, type Outcome, stateOf } from './appeal.ts'
import type { AppealsContext } from './context.ts'

export type ReviewRefusal =
  | 'appeal_not_found'
  | 'own_decision'
  | 'own_appeal'
  | 'appeal_already_decided'
  | 'decision_ended'
  | 'cannot_reduce'

/** Leaves the transaction, so that nothing of a refused review stays. */
class Refused extends Error {
  readonly reason: ReviewRefusal
  constructor(reason: ReviewRefusal) {
    super(reason)
    this.reason = reason
  }
}

/** Opening an appeal is the first look: the time is kept, once. */
export async function lookAt(
  context: AppealsContext,
  input: { appealId: string; actor: Decider; requestId: string },
): Promise<Appeal | null> {
  const { database, store, accounts, audit, clock } = context
  const found = await store.find(input.appealId)
  if (!found || found.firstLookAt !== null || found.state !== 'pending') return found
  await database.transaction(async () => {
    if (!(await store.markLook(found.id, clock.now()))) return
    const account = await accounts.find(found.accountId)
    await audit.append({
      actor: { kind: 'operator', id: input.actor.id, name: input.actor.name },
      action: 'appeal.first_look',
      subject: { kind: 'account', id: found.accountId, name: account?.name ?? '' },
      detail: { appeal: found.id },
      requestId: input.requestId,
    })
  })
  return store.find(found.id)
}

/**
 * Decides an appeal once. The reviewer is not the person who took the decision; where nobody else
 * may review, that person may, and the outcome says so. Outcome, restored state, audit line and mail
 * commit together.
 */
export async function reviewAppeal(
  context: AppealsContext,
  input: { appealId: string; actor: Decider; outcome: Outcome; text: string; requestId: string },
): Promise<{ ok: true; appeal: Appeal } | { ok: false; reason: ReviewRefusal }> {
  const { database, store } = context
  try {
    const appeal = await database.transaction(async () => {
      await settle(context, input)
      return store.find(input.appealId)
    })
    if (!appeal) throw new Error('an appeal vanished')
    return { ok: true, appeal }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, reason: error.reason }
    throw error
  }
}

async function settle(
  context: AppealsContext,
  input: { appealId: string; actor: Decider; outcome: Outcome; text: string; requestId: string },
): Promise<void> {
  const { store, accounts, trust, audit, mail, clock, origin } = context
  const { actor, outcome } = input
  const appeal = await store.find(input.appealId)
  const decision = appeal && (await trust.findDecision(appeal.decisionId))
  const account = appeal && (await accounts.find(appeal.accountId))
  if (!appeal || !decision || !account) throw new Refused('appeal_not_found')
  if (appeal.accountId === actor.id) throw new Refused('own_appeal')
  const byDecider = decision.decidedBy === actor.id
  if (byDecider && !(await isOnlyReviewer(context))) throw new Refused('own_decision')
  const at = clock.now()
  const state = stateOf[outcome]
  // The claim comes first: of two reviewers at once one goes on.
  const settled = { at, reviewerId: actor.id, byDecider, text: input.text }
  if (!(await store.decide(appeal.id, state, settled))) throw new Refused('appeal_already_decided')
  await store.markLook(appeal.id, at)
  await carryOut(context, input, decision)
  const note = byDecider ? `\n\n${trustTexts(account.locale).sameReviewer}` : ''
  await mail.send({
    kind: 'appeal_decided',
    to: account.email,
    locale: account.locale,
    values: { outcome: state, text: input.text + note },
    link: `${origin}/cases/${appeal.caseId}`,
  })
  await audit.append({
    actor: { kind: 'operator', id: actor.id, name: actor.name },
    action: `appeal.${state}`,
    subject: { kind: 'account', id: account.id, name: account.name },
    detail: { appeal: appeal.id, decision: decision.id, case: appeal.caseId, byDecider },
    requestId: input.requestId,
  })
}

async function carryOut(
  { trust }: AppealsContext,
  input: { actor: Decider; outcome: Outcome; text: string; requestId: string },
  decision: Decision,
): Promise<void> {
  const { actor, text, requestId } = input
  if (input.outcome === 'uphold') return
  const done =
    input.outcome === 'reverse'
      ? await trust.reverse({ decisionId: decision.id, actor, requestId })
      : await trust.reduce({ decisionId: decision.id, actor, text, requestId })
  if (done.ok) return
  // It ran out while the appeal waited: there is nothing left to restore, and the outcome stands.
  if (done.reason === 'decision_ended' && input.outcome === 'reverse') return
  throw new Refused(done.reason === 'decision_not_found' ? 'appeal_not_found' : done.reason)
}

async function isOnlyReviewer({ accounts }: AppealsContext): Promise<boolean> {
  const [operators, reviewers] = await Promise.all([
    accounts.countRole('operator'),
    accounts.countRole('reviewer'),
  ])
  return operators + reviewers <= 1
}
