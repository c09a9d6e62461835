import type { Actor } from '../audit/index.ts'
import { type Decision, milder, standingAfter, standingOf } from './case.ts'
import type { Decider, TrustContext } from './context.ts'

export type EndRefusal = 'decision_not_found' | 'decision_ended' | 'cannot_reduce'

type Ended = { ok: true; decision: Decision } | { ok: false; reason: EndRefusal }

/**
 * Takes a decision back: in one transaction it ends as `reversed`, the state from before it is
 * restored, and its case closes when nothing else is in force. Of two at once, one succeeds.
 */
export const reverse = (
  context: TrustContext,
  input: { decisionId: string; actor: Decider; requestId: string },
): Promise<Ended> => end(context, input, 'reversed')

/**
 * Makes a decision milder by one step (suspended → limited → warned): the old one ends as `reduced`
 * and a new one takes its place in the same case, with the same reason and end. The new one is the
 * outcome of an appeal and takes no further one.
 */
export async function reduce(
  context: TrustContext,
  input: { decisionId: string; actor: Decider; text: string; requestId: string },
): Promise<Ended> {
  const { database, store, ids, clock } = context
  return database.transaction(async (): Promise<Ended> => {
    const found = await lockDecision(context, input.decisionId)
    if (!found) return { ok: false, reason: 'decision_not_found' }
    const kind = milder[found.kind]
    if (kind === null) return { ok: false, reason: 'cannot_reduce' }
    const next: Decision = {
      ...found,
      id: ids('dec'),
      kind,
      text: input.text,
      until: kind === 'warn' ? null : found.until,
      prior: { ...found.prior, reducedFrom: found.id },
      decidedBy: input.actor.id,
      decidedByName: input.actor.name,
      decidedAt: clock.now(),
      ending: null,
    }
    if (found.ending) return { ok: false, reason: 'decision_ended' }
    await store.insertDecision(next)
    const ended = await end(context, input, 'reduced') // standing follows what is then in force
    return ended.ok ? { ok: true, decision: next } : ended
  })
}

/** Ends what has run out; returns how many this caller ended. Safe to run on every node at once. */
export async function expireDue(context: TrustContext): Promise<number> {
  const due = await context.store.due(context.clock.now(), 100)
  let ended = 0
  for (const decision of due) if (await expire(context, decision)) ended++
  return ended
}

const expire = async (context: TrustContext, decision: Decision): Promise<boolean> =>
  (await end(context, { decisionId: decision.id, actor: null, requestId: null }, 'expired')).ok

async function end(
  context: TrustContext,
  input: { decisionId: string; actor: Decider | null; requestId: string | null },
  reason: 'reversed' | 'reduced' | 'expired',
): Promise<Ended> {
  const { database, store, accounts, audit, clock } = context
  const actor: Actor = input.actor
    ? { kind: 'operator', id: input.actor.id, name: input.actor.name }
    : { kind: 'system', name: 'end of the decision' }
  return database.transaction(async (): Promise<Ended> => {
    const decision = await lockDecision(context, input.decisionId)
    if (!decision) return { ok: false, reason: 'decision_not_found' }
    const now = clock.now()
    if (!(await store.endDecision(decision.id, reason, now)))
      return { ok: false, reason: 'decision_ended' }
    const inForce = await store.inForce(decision.accountId)
    const account = await accounts.find(decision.accountId)
    if (!account) return { ok: false, reason: 'decision_not_found' }
    if (!inForce.some((other) => other.caseId === decision.caseId))
      await store.setCaseState(decision.caseId, 'closed', now)
    // Whoever closed the own account meanwhile keeps it closed.
    const closedByOneself = account.state === 'closed' && decision.kind !== 'close'
    const to = standingAfter(decision, inForce)
    if (standingOf(decision.kind) !== null && !closedByOneself && to !== account.state)
      await accounts.changeStanding({
        accountId: account.id,
        to,
        actor,
        reason,
        evidence: { case: decision.caseId, decision: decision.id },
      })
    await audit.append({
      actor,
      action: `decision.${reason}`,
      subject: { kind: 'account', id: account.id, name: account.name },
      detail: { decision: decision.id, case: decision.caseId, kind: decision.kind, state: to },
      ...(input.requestId === null ? {} : { requestId: input.requestId }),
    })
    return { ok: true, decision: { ...decision, ending: { at: now, reason } } }
  })
}

/** The decision as it is once nobody else acts on its account. */
async function lockDecision(context: TrustContext, id: string): Promise<Decision | null> {
  const found = await context.store.findDecision(id)
  if (!found) return null
  await context.database.lock(`trust:${found.accountId}`)
  return context.store.findDecision(id)
}
