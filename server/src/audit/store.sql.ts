import type { Database } from '#platform/db/database.ts'
import type { AuditRow } from './chain.ts'

type AuditTables = { audit_events: AuditRow }

/** Appends and reads; there is no update and no delete. */
export type AuditStore = {
  last(): Promise<{ seq: number; hash: string } | null>
  insert(row: AuditRow): Promise<void>
  /** Newest first. */
  list(query: { subjectId?: string; before?: number; limit: number }): Promise<AuditRow[]>
  /** Oldest first, after `seq`. */
  following(seq: number, limit: number): Promise<AuditRow[]>
}

export function sqlAuditStore(database: Database): AuditStore {
  const tables = database.tables<AuditTables>()
  return {
    async last() {
      const row = await tables.query
        .selectFrom('audit_events')
        .select(['seq', 'hash'])
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row ?? null
    },
    async insert(row) {
      await tables.query.insertInto('audit_events').values(row).execute()
    },
    list({ subjectId, before, limit }) {
      let select = tables.query.selectFrom('audit_events').selectAll()
      if (subjectId !== undefined) select = select.where('subject_id', '=', subjectId)
      if (before !== undefined) select = select.where('seq', '<', before)
      return select.orderBy('seq', 'desc').limit(limit).execute()
    },
    following: (seq, limit) =>
      tables.query
        .selectFrom('audit_events')
        .selectAll()
        .where('seq', '>', seq)
        .orderBy('seq')
        .limit(limit)
        .execute(),
  }
}
