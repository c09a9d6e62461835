import { type Kysely, sql } from 'kysely'
import { changed, type Database } from './database.ts'

/** The columns that a table needs to be worked off; it may have any others. */
export type WorkRow = {
  id: string
  state: string
  attempts: number
  next_attempt_at: number
  claimed_until: number | null
}

/** What names one claim: the row, and the attempt it was claimed for. */
export type Held = Pick<WorkRow, 'id' | 'attempts'>

/**
 * A table that several nodes work off. A row is `waiting`, is claimed for a while (`sending`), and is
 * settled by whoever holds it; the rows of a holder that died come back. The late answer of one whose
 * claim has run out and passed on settles nothing.
 */
export function workQueue<Row extends WorkRow>(
  database: Database,
  table: string,
  /** Which of those that are due come first. */
  order: readonly (keyof WorkRow)[] = ['next_attempt_at'],
): {
  /** Takes due rows for `holdMs`; no two callers get the same one. */
  claim(now: number, holdMs: number, limit: number): Promise<Row[]>
  /** True for the holder; false, with nothing written, for everybody else. */
  settle(held: Held, values: Partial<Row>): Promise<boolean>
} {
  const db = database.tables<Record<string, WorkRow>>()
  const due = (query: Kysely<Record<string, WorkRow>>, now: number, limit: number) => {
    let rows = query
      .selectFrom(table)
      .select('id')
      .where((or) =>
        or.or([
          or('state', '=', 'waiting').and('next_attempt_at', '<=', now),
          or('state', '=', 'sending').and('claimed_until', '<', now),
        ]),
      )
      .limit(limit)
    for (const column of order) rows = rows.orderBy(column)
    // PostgreSQL: several nodes share the queue; SQLite has one writer and no such clause.
    return database.kind === 'postgres' ? rows.forUpdate().skipLocked() : rows
  }
  return {
    claim: async (now, holdMs, limit) =>
      (await db.query
        .updateTable(table)
        .set({
          state: 'sending',
          claimed_until: now + holdMs,
          attempts: sql<number>`attempts + 1`,
        })
        .where('id', 'in', due(db.query, now, limit))
        .returningAll()
        .execute()) as Row[],
    settle: async (held, values) =>
      changed(
        await db.query
          .updateTable(table)
          .set({ ...values, claimed_until: null })
          .where('id', '=', held.id)
          .where('attempts', '=', held.attempts)
          .where('state', '=', 'sending')
          .executeTakeFirst(),
      ) === 1,
  }
}
