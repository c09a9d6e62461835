import { sql } from 'kysely'
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
): {
  /** Takes due rows for `holdMs`; no two callers get the same one. */
  claim(now: number, holdMs: number, limit: number): Promise<Row[]>
  /** The same for rows that somebody chose; which of them are no longer due is not among the answer. */
  take(ids: readonly string[], now: number, holdMs: number): Promise<Row[]>
  /**
   * What is due, for whoever chooses: at most `each` rows of one value of `column`; the least tried
   * first, and of those everybody's first before anybody's second.
   */
  inTurns(
    column: keyof Row & string,
    now: number,
    each: number,
    limit: number,
  ): Promise<{ id: string; of: string }[]>
  /** True for the holder; false, with nothing written, for everybody else. */
  settle(held: Held, values: Partial<Row>): Promise<boolean>
} {
  const db = database.tables<Record<string, WorkRow>>()
  const dueRows = (now: number) =>
    db.query
      .selectFrom(table)
      .select('id')
      .where((or) =>
        or.or([
          or('state', '=', 'waiting').and('next_attempt_at', '<=', now),
          or('state', '=', 'sending').and('claimed_until', '<', now),
        ]),
      )
  const hold = async (rows: ReturnType<typeof dueRows>, now: number, holdMs: number) =>
    (await db.query
      .updateTable(table)
      .set({
        state: 'sending',
        claimed_until: now + holdMs,
        attempts: sql<number>`attempts + 1`,
      })
      // PostgreSQL: several nodes share the queue; SQLite has one writer and no such clause.
      .where('id', 'in', database.kind === 'postgres' ? rows.forUpdate().skipLocked() : rows)
      .returningAll()
      .execute()) as Row[]
  return {
    async inTurns(column, now, each, limit) {
      const of = sql.ref(column)
      const due = dueRows(now).select(['attempts', 'next_attempt_at', sql`${of}`.as('of')])
      const { rows } = await sql<{ id: string; of: string }>`
        with due as ${due}, ranked as (
          select due.*, row_number() over (
            partition by ${sql.ref('of')} order by attempts, next_attempt_at, id
          ) as turn
          from due
        )
        select id, ${sql.ref('of')} from ranked where turn <= ${each}
        order by attempts, turn, next_attempt_at, id limit ${limit}`.execute(db.query)
      return rows
    },
    claim: (now, holdMs, limit) =>
      hold(dueRows(now).orderBy('next_attempt_at').limit(limit), now, holdMs),
    take: async (ids, now, holdMs) =>
      ids.length === 0 ? [] : hold(dueRows(now).where('id', 'in', ids), now, holdMs),
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
