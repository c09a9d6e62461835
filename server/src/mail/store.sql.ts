import { sql } from 'kysely'
import type { Database } from '#platform/db/database.ts'

export type OutboxRow = {
  id: string
  channel: 'mail' | 'sms'
  kind: string
  recipient: string
  payload: string
  state: 'waiting' | 'sending' | 'sent' | 'failed'
  attempts: number
  next_attempt_at: number
  claimed_until: number | null
  last_error: string | null
  created_at: number
  sent_at: number | null
}

type MailTables = { outbox: OutboxRow }

export type OutboxStore = {
  insert(row: OutboxRow): Promise<void>
  recent(limit: number): Promise<OutboxRow[]>
  /** Takes due rows for `holdMs`; no two callers get the same row, and a dead holder's rows come back. */
  claim(now: number, holdMs: number, limit: number): Promise<OutboxRow[]>
  sent(id: string, at: number): Promise<void>
  retry(id: string, nextAttemptAt: number, error: string): Promise<void>
  failed(id: string, error: string): Promise<void>
  forget(before: number): Promise<void>
}

export function sqlOutboxStore(database: Database): OutboxStore {
  const tables = database.tables<MailTables>()
  const settle = async (id: string, values: Partial<OutboxRow>) => {
    await tables.query
      .updateTable('outbox')
      .set({ ...values, claimed_until: null })
      .where('id', '=', id)
      .where('state', '=', 'sending')
      .execute()
  }
  return {
    async insert(row) {
      await tables.query.insertInto('outbox').values(row).execute()
    },
    recent: (limit) =>
      tables.query
        .selectFrom('outbox')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute(),
    claim: (now, holdMs, limit) =>
      tables.query
        .updateTable('outbox')
        .set({
          state: 'sending',
          claimed_until: now + holdMs,
          attempts: sql<number>`attempts + 1`,
        })
        .where('id', 'in', (eb) => {
          const due = eb
            .selectFrom('outbox')
            .select('id')
            .where((or) =>
              or.or([
                or('state', '=', 'waiting').and('next_attempt_at', '<=', now),
                or('state', '=', 'sending').and('claimed_until', '<', now),
              ]),
            )
            .orderBy('next_attempt_at')
            .limit(limit)
          // PostgreSQL: several nodes share the queue; SQLite has one writer and no such clause.
          return database.kind === 'postgres' ? due.forUpdate().skipLocked() : due
        })
        .returningAll()
        .execute(),
    sent: (id, at) => settle(id, { state: 'sent', sent_at: at, last_error: null }),
    retry: (id, nextAttemptAt, error) =>
      settle(id, { state: 'waiting', next_attempt_at: nextAttemptAt, last_error: error }),
    failed: (id, error) => settle(id, { state: 'failed', last_error: error }),
    async forget(before) {
      await tables.query
        .deleteFrom('outbox')
        .where('state', 'in', ['sent', 'failed'])
        .where('created_at', '<', before)
        .execute()
    },
  }
}
