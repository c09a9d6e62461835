import type { Database } from '#platform/db/database.ts'
import { type Held, workQueue } from '#platform/db/work-queue.ts'

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
  sent(held: Held, at: number): Promise<void>
  retry(held: Held, nextAttemptAt: number, error: string): Promise<void>
  failed(held: Held, error: string): Promise<void>
  forget(before: number): Promise<void>
}

export function sqlOutboxStore(database: Database): OutboxStore {
  const tables = database.tables<MailTables>()
  const { claim, settle } = workQueue<OutboxRow>(database, 'outbox')
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
    claim,
    async sent(held, at) {
      await settle(held, { state: 'sent', sent_at: at, last_error: null })
    },
    async retry(held, nextAttemptAt, error) {
      await settle(held, { state: 'waiting', next_attempt_at: nextAttemptAt, last_error: error })
    },
    async failed(held, error) {
      await settle(held, { state: 'failed', last_error: error })
    },
    async forget(before) {
      await tables.query
        .deleteFrom('outbox')
        .where('state', 'in', ['sent', 'failed'])
        .where('created_at', '<', before)
        .execute()
    },
  }
}
