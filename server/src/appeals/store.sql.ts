import { changed, type Database } from '#platform/db/database.ts'
import type { Appeal, AppealState } from './appeal.ts'
import type { AppealStore } from './store.ts'

type AppealRow = {
  id: string
  decision_id: string
  case_id: string
  account_id: string
  text: string
  state: AppealState
  created_at: number
  first_look_due_at: number
  first_look_at: number | null
  decided_at: number | null
  reviewer_id: string | null
  reviewer_decided_case: number | null
  outcome_text: string | null
}
type AppealTables = { appeals: AppealRow }

export function sqlAppealStore(database: Database): AppealStore {
  const tables = database.tables<AppealTables>()
  const appeals = () => tables.query.selectFrom('appeals').selectAll()
  return {
    async insert(appeal) {
      const result = await tables.query
        .insertInto('appeals')
        .values({
          id: appeal.id,
          decision_id: appeal.decisionId,
          case_id: appeal.caseId,
          account_id: appeal.accountId,
          text: appeal.text,
          state: appeal.state,
          created_at: appeal.createdAt,
          first_look_due_at: appeal.firstLookDueAt,
          first_look_at: null,
          decided_at: null,
          reviewer_id: null,
          reviewer_decided_case: null,
          outcome_text: null,
        })
        // The unique index decides; a violation would end PostgreSQL's transaction.
        .onConflict((conflict) => conflict.column('decision_id').doNothing())
        .executeTakeFirst()
      return changed(result) === 1
    },
    async find(id) {
      const row = await appeals().where('id', '=', id).executeTakeFirst()
      return row ? fromRow(row) : null
    },
    async ofCases(caseIds) {
      if (caseIds.length === 0) return []
      const rows = await appeals()
        .where('case_id', 'in', [...caseIds])
        .orderBy('id')
        .execute()
      return rows.map(fromRow)
    },
    async list({ state, limit }) {
      let query = appeals().orderBy('first_look_due_at').orderBy('id').limit(limit)
      if (state !== undefined) query = query.where('state', '=', state)
      return (await query.execute()).map(fromRow)
    },
    async markLook(id, at) {
      const result = await tables.query
        .updateTable('appeals')
        .set({ first_look_at: at })
        .where('id', '=', id)
        .where('first_look_at', 'is', null)
        .executeTakeFirst()
      return changed(result) === 1
    },
    async decide(id, state, outcome) {
      const result = await tables.query
        .updateTable('appeals')
        .set({
          state,
          decided_at: outcome.at,
          reviewer_id: outcome.reviewerId,
          reviewer_decided_case: outcome.byDecider ? 1 : 0,
          outcome_text: outcome.text,
        })
        .where('id', '=', id)
        .where('state', '=', 'pending')
        .executeTakeFirst()
      return changed(result) === 1
    },
    async countOverdue(now) {
      const { count } = await tables.query
        .selectFrom('appeals')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('state', '=', 'pending')
        .where('first_look_due_at', '<', now)
        .where('first_look_at', 'is', null)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
  }
}

const fromRow = (row: AppealRow): Appeal => ({
  id: row.id,
  decisionId: row.decision_id,
  caseId: row.case_id,
  accountId: row.account_id,
  text: row.text,
  state: row.state,
  createdAt: row.created_at,
  firstLookDueAt: row.first_look_due_at,
  firstLookAt: row.first_look_at,
  outcome:
    row.decided_at === null || row.reviewer_id === null
      ? null
      : {
          at: row.decided_at,
          reviewerId: row.reviewer_id,
          byDecider: row.reviewer_decided_case === 1,
          text: row.outcome_text ?? '',
        },
})
