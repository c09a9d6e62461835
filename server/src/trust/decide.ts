import { day } from '#platform/clock/clock.ts'
import { trustTexts } from '../../messages/messages.ts'
import { type Account, mayCall } from '../accounts/index.ts'
import { type Case, type Decision, type Evidence, isStronger, standingOf } from './case.ts'
import type { Decider, TrustContext } from './context.ts'
import type { DecisionKind, DecisionReason } from './decision.ts'

export type DecideInput = {
  actor: Decider
  accountId: string
  kind: DecisionKind
  reason: DecisionReason
  /** The decider's own words to the person; may be empty. */
  text: string
  /** When the decision ends by itself; limits and suspensions only. */
  until: number | null
  evidence: readonly Pick<Evidence, 'kind' | 'summary' | 'detail'>[]
  requestId: string
}

export type DecideRefusal =
  | 'account_not_found'
  | 'own_account'
  | 'operator_protected'
  | 'last_operator'
  | 'decision_in_force'
  | 'until_invalid'

export const untilDaysMax = 3_660

/**
 * Takes a decision in one transaction: case, evidence, decision with the state before it, standing,
 * audit line and mail commit together or not at all. A decision no stronger than one in force is
 * refused, so that a double click decides once; a warning always stands beside others.
 *
 * Nobody decides about the own account; about an account with an operator role only an operator
 * decides, and never so that no operator is left.
 */
export async function decide(
  context: TrustContext,
  input: DecideInput,
): Promise<{ ok: true; decision: Decision } | { ok: false; reason: DecideRefusal }> {
  const { database, accounts, clock } = context
  const now = clock.now()
  if (input.actor.id === input.accountId) return { ok: false, reason: 'own_account' }
  if (input.until !== null && !untilFits(input.kind, input.until, now))
    return { ok: false, reason: 'until_invalid' }
  return database.transaction(async () => {
    // Order of locks everywhere: roles, then the account, then (by the audit line) the log.
    await database.lock('operator-roles')
    await database.lock(`trust:${input.accountId}`)
    const [account, actor] = await Promise.all([
      accounts.find(input.accountId),
      accounts.find(input.actor.id),
    ])
    if (!account) return { ok: false, reason: 'account_not_found' }
    const refusal = await judge(context, input, account, actor)
    if (refusal) return { ok: false, reason: refusal }
    return { ok: true, decision: await carryOut(context, input, account, now) }
  })
}

const untilFits = (kind: DecisionKind, until: number, now: number) =>
  (kind === 'limit' || kind === 'suspend') && until > now && until <= now + untilDaysMax * day

async function judge(
  { accounts, store }: TrustContext,
  { kind }: DecideInput,
  account: Account,
  actorNow: Account | null,
): Promise<DecideRefusal | null> {
  // Read again under the lock: two operators who suspend each other at once leave one.
  if (!actorNow?.role || !mayCall(actorNow.state)) return 'operator_protected'
  if (account.role !== null && actorNow.role !== 'operator') return 'operator_protected'
  const cutsOff = kind === 'suspend' || kind === 'close'
  if (account.role === 'operator' && cutsOff && (await accounts.countRole('operator')) <= 1)
    return 'last_operator'
  if (kind === 'warn') return null
  if (account.state === 'closed') return 'decision_in_force'
  const inForce = await store.inForce(account.id)
  const outdone = inForce.some((other) => other.kind !== 'warn' && !isStronger(kind, other.kind))
  return outdone ? 'decision_in_force' : null
}

async function carryOut(
  context: TrustContext,
  input: DecideInput,
  account: Account,
  now: number,
): Promise<Decision> {
  const { store, ids, audit } = context
  const inForce = await store.inForce(account.id)
  const base = inForce.find((other) => standingOf(other.kind) !== null)?.prior.base ?? account.state
  const living = await joinOrOpenCase(context, account.id, now)
  for (const { kind, summary, detail } of input.evidence)
    await store.insertEvidence({
      id: ids('evi'),
      caseId: living.id,
      kind,
      summary,
      detail,
      at: now,
    })
  const decision: Decision = {
    id: ids('dec'),
    caseId: living.id,
    accountId: account.id,
    kind: input.kind,
    reason: input.reason,
    text: input.text,
    until: input.until,
    prior: { state: account.state, base },
    decidedBy: input.actor.id,
    decidedByName: input.actor.name,
    decidedAt: now,
    ending: null,
  }
  await store.insertDecision(decision)
  await tell(context, decision, account)
  await moveStanding(context, decision, input.actor)
  await audit.append({
    actor: { kind: 'operator', id: input.actor.id, name: input.actor.name },
    action: 'decision.taken',
    subject: { kind: 'account', id: account.id, name: account.name },
    detail: {
      decision: decision.id,
      case: living.id,
      kind: decision.kind,
      reason: decision.reason,
      until: decision.until,
    },
    requestId: input.requestId,
  })
  return decision
}

async function joinOrOpenCase(
  { store, ids }: TrustContext,
  accountId: string,
  now: number,
): Promise<Case> {
  const living = await store.livingCase(accountId)
  if (living) {
    await store.setCaseState(living.id, 'decided', null)
    return { ...living, state: 'decided' }
  }
  const opened: Case = {
    id: ids('case'),
    accountId,
    subjectKind: 'account',
    subjectId: accountId,
    source: 'operator',
    state: 'decided',
    openedAt: now,
    closedAt: null,
  }
  await store.insertCase(opened)
  return opened
}

/** Standing follows the decision; the account's own room tells everybody after commit. */
async function moveStanding(
  { accounts }: TrustContext,
  decision: Decision,
  actor: { id: string; name: string },
): Promise<void> {
  const to = standingOf(decision.kind)
  if (to === null) return
  await accounts.changeStanding({
    accountId: decision.accountId,
    to,
    actor: { kind: 'operator', id: actor.id, name: actor.name },
    reason: decision.reason,
    evidence: { case: decision.caseId, decision: decision.id },
  })
}

/** The person is told in the own language, with the reason and the way to the case. */
async function tell(
  { mail, origin }: TrustContext,
  decision: Decision,
  account: Account,
): Promise<void> {
  const texts = trustTexts(account.locale)
  await mail.send({
    kind: 'decision',
    to: account.email,
    locale: account.locale,
    values: {
      decision: decision.kind,
      reason: texts.reasons[decision.reason],
      text: decision.text || texts.noText,
    },
    link: `${origin}/cases/${decision.caseId}`,
  })
}
