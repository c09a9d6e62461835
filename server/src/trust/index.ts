/**
 * Trust: what was decided about an account, on which evidence, for how long, and what was true
 * before. A decision moves the account's standing; the accounts room tells everybody.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> in_force: decide
 *   in_force --> expired: until is over
 *   in_force --> reversed: taken back, state restored
 *   in_force --> reduced: a milder one takes its place
 * ```
 *
 * Invariants: decision, evidence, standing, audit line and mail commit together; a decision ends
 * once; the standing is that of the strongest decision in force, else what it was before any; nobody
 * decides about the own account.
 *
 * Neighbours: accounts, audit, mail. Appeals ask this room to take back or reduce. What it does not
 * do: appeals, and signals that suggest a decision by themselves.
 */
import type { Clock } from '#platform/clock/clock.ts'
import { second } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Ids } from '#platform/ids/ids.ts'
import { every, type Job } from '#platform/jobs/every.ts'
import type { Log } from '#platform/log/log.ts'
import type { Accounts } from '../accounts/index.ts'
import type { Audit } from '../audit/index.ts'
import type { Mail } from '../mail/index.ts'
import type { CaseFile, CaseState, Decision } from './case.ts'
import type { Decider, TrustContext } from './context.ts'
import { type DecideInput, type DecideRefusal, decide } from './decide.ts'
import { type EndRefusal, expireDue, reduce, reverse } from './end.ts'
import { sqlTrustStore } from './store.sql.ts'

export { appealDeadline, appealObstacle, type CaseFile, type Decision } from './case.ts'
export { type Decider, deciderOf } from './context.ts'
export { caseExporter } from './export.ts'
export { type AccountFigures, operatorRoutes } from './operator-routes.ts'
export { type AppealView, appealSchema, caseSchema, presentCase } from './present.ts'
export { caseRoutes } from './routes.ts'

export type Trust = {
  decide(
    input: DecideInput,
  ): Promise<{ ok: true; decision: Decision } | { ok: false; reason: DecideRefusal }>
  /** Joins the caller's transaction, as the appeal and its outcome commit together. */
  reverse(input: {
    decisionId: string
    actor: Decider
    requestId: string
  }): Promise<{ ok: true; decision: Decision } | { ok: false; reason: EndRefusal }>
  reduce(input: {
    decisionId: string
    actor: Decider
    text: string
    requestId: string
  }): Promise<{ ok: true; decision: Decision } | { ok: false; reason: EndRefusal }>
  findDecision(id: string): Promise<Decision | null>
  /** Whose time is over has ended before this answers, whether or not a job has run. */
  caseFile(id: string): Promise<CaseFile | null>
  /** Newest first. */
  caseFiles(query: {
    accountId?: string
    state?: CaseState
    after?: string
    limit: number
  }): Promise<CaseFile[]>
  expireDue(): Promise<number>
  start(): void
  stop(): Promise<void>
}

export function createTrust(deps: {
  config: { origin: string }
  database: Database
  clock: Clock
  ids: Ids
  log: Log
  accounts: Accounts
  audit: Audit
  mail: Mail
}): Trust {
  const context: TrustContext = {
    ...deps,
    origin: deps.config.origin,
    store: sqlTrustStore(deps.database),
  }
  const { store } = context
  let job: Job | undefined

  const files = async (cases: Awaited<ReturnType<typeof store.listCases>>): Promise<CaseFile[]> => {
    const ids = cases.map((one) => one.id)
    const [evidence, decisions] = await Promise.all([store.evidenceOf(ids), store.decisionsOf(ids)])
    return cases.map((one) => ({
      case: one,
      evidence: evidence.filter((item) => item.caseId === one.id),
      decisions: decisions.filter((item) => item.caseId === one.id),
    }))
  }

  return {
    decide: (input) => decide(context, input),
    reverse: (input) => reverse(context, input),
    reduce: (input) => reduce(context, input),
    findDecision: (id) => store.findDecision(id),
    async caseFile(id) {
      await expireDue(context)
      const found = await store.findCase(id)
      return found ? ((await files([found]))[0] ?? null) : null
    },
    async caseFiles(query) {
      await expireDue(context)
      return files(await store.listCases(query))
    },
    expireDue: () => expireDue(context),
    start() {
      job ??= every(5 * second, 'decisions that end', deps.log, () => expireDue(context))
    },
    stop: async () => job?.stop(),
  }
}
