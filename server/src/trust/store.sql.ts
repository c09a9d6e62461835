import { changed, type Database } from '#platform/db/database.ts'
import type { Case, CaseState, Decision, EndReason, Evidence, PriorState } from './case.ts'
import type { DecisionKind, DecisionReason } from './decision.ts'
import type { TrustStore } from './store.ts'

type CaseRow = {
  id: string
  account_id: string
  subject_kind: Case['subjectKind']
  subject_id: string
  source: Case['source']
  state: CaseState
  opened_at: number
  closed_at: number | null
}
type EvidenceRow = {
  id: string
  case_id: string
  kind: Evidence['kind']
  summary: string
  detail: string
  at: number
}
type DecisionRow = {
  id: string
  case_id: string
  account_id: string
  kind: DecisionKind
  reason: DecisionReason
  text: string
  until_at: number | null
  prior_state: string
  decided_by: string | null
  decided_by_name: string
  decided_at: number
  ended_at: number | null
  end_reason: EndReason | null
}
type TrustTables = { cases: CaseRow; evidence: EvidenceRow; decisions: DecisionRow }

export function sqlTrustStore(database: Database): TrustStore {
  const tables = database.tables<TrustTables>()
  const cases = () => tables.query.selectFrom('cases').selectAll()
  const decisions = () => tables.query.selectFrom('decisions').selectAll()
  return {
    async insertCase(value) {
      await tables.query
        .insertInto('cases')
        .values({
          id: value.id,
          account_id: value.accountId,
          subject_kind: value.subjectKind,
          subject_id: value.subjectId,
          source: value.source,
          state: value.state,
          opened_at: value.openedAt,
          closed_at: value.closedAt,
        })
        .execute()
    },
    async insertEvidence(value) {
      await tables.query
        .insertInto('evidence')
        .values({
          id: value.id,
          case_id: value.caseId,
          kind: value.kind,
          summary: value.summary,
          detail: JSON.stringify(value.detail),
          at: value.at,
        })
        .execute()
    },
    async insertDecision(value) {
      await tables.query
        .insertInto('decisions')
        .values({
          id: value.id,
          case_id: value.caseId,
          account_id: value.accountId,
          kind: value.kind,
          reason: value.reason,
          text: value.text,
          until_at: value.until,
          prior_state: JSON.stringify(value.prior),
          decided_by: value.decidedBy,
          decided_by_name: value.decidedByName,
          decided_at: value.decidedAt,
          ended_at: value.ending?.at ?? null,
          end_reason: value.ending?.reason ?? null,
        })
        .execute()
    },
    async livingCase(accountId) {
      const row = await cases()
        .where('account_id', '=', accountId)
        .where('state', '!=', 'closed')
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row ? fromCaseRow(row) : null
    },
    async setCaseState(id, state, closedAt) {
      await tables.query
        .updateTable('cases')
        .set({ state, closed_at: closedAt })
        .where('id', '=', id)
        .execute()
    },
    async findCase(id) {
      const row = await cases().where('id', '=', id).executeTakeFirst()
      return row ? fromCaseRow(row) : null
    },
    async listCases({ accountId, state, after, limit }) {
      let query = cases().orderBy('id', 'desc').limit(limit)
      if (accountId !== undefined) query = query.where('account_id', '=', accountId)
      if (state !== undefined) query = query.where('state', '=', state)
      if (after !== undefined) query = query.where('id', '<', after)
      return (await query.execute()).map(fromCaseRow)
    },
    async evidenceOf(caseIds) {
      if (caseIds.length === 0) return []
      const rows = await tables.query
        .selectFrom('evidence')
        .selectAll()
        .where('case_id', 'in', [...caseIds])
        .orderBy('id')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        caseId: row.case_id,
        kind: row.kind,
        summary: row.summary,
        detail: JSON.parse(row.detail),
        at: row.at,
      }))
    },
    async decisionsOf(caseIds) {
      if (caseIds.length === 0) return []
      const rows = await decisions()
        .where('case_id', 'in', [...caseIds])
        .orderBy('id')
        .execute()
      return rows.map(fromDecisionRow)
    },
    async findDecision(id) {
      const row = await decisions().where('id', '=', id).executeTakeFirst()
      return row ? fromDecisionRow(row) : null
    },
    async inForce(accountId) {
      const rows = await decisions()
        .where('account_id', '=', accountId)
        .where('ended_at', 'is', null)
        .orderBy('id')
        .execute()
      return rows.map(fromDecisionRow)
    },
    async endDecision(id, reason, at) {
      const result = await tables.query
        .updateTable('decisions')
        .set({ ended_at: at, end_reason: reason })
        .where('id', '=', id)
        .where('ended_at', 'is', null)
        .executeTakeFirst()
      return changed(result) === 1
    },
    async due(now, limit) {
      const rows = await decisions()
        .where('ended_at', 'is', null)
        .where('until_at', '<=', now)
        .orderBy('until_at')
        .limit(limit)
        .execute()
      return rows.map(fromDecisionRow)
    },
  }
}

const fromCaseRow = (row: CaseRow): Case => ({
  id: row.id,
  accountId: row.account_id,
  subjectKind: row.subject_kind,
  subjectId: row.subject_id,
  source: row.source,
  state: row.state,
  openedAt: row.opened_at,
  closedAt: row.closed_at,
})

const fromDecisionRow = (row: DecisionRow): Decision => ({
  id: row.id,
  caseId: row.case_id,
  accountId: row.account_id,
  kind: row.kind,
  reason: row.reason,
  text: row.text,
  until: row.until_at,
  prior: JSON.parse(row.prior_state) as PriorState, // written by insertDecision alone
  decidedBy: row.decided_by,
  decidedByName: row.decided_by_name,
  decidedAt: row.decided_at,
  ending:
    row.ended_at === null || row.end_reason === null
      ? null
      : { at: row.ended_at, reason: row.end_reason },
})
