import { type RawBuilder, sql } from 'kysely'
import type { Clock } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Database } from '#platform/db/database.ts'
import {
  type PasswordTries,
  pauseMs,
  rememberedMs,
  type TooManyTries,
  type TryLimit,
} from './password-tries.ts'

type Row = { subject: string; in_a_row: number; empty_at: number; last_at: number }

/** Takes back what was taken at the limits before the one that refuses. */
class Refused extends Error {
  readonly limit: TryLimit
  constructor(limit: TryLimit) {
    super('too many tries')
    this.limit = limit
  }
}

/**
 * A row a subject. `empty_at` is the leaky bucket as one number: when all that was poured in has run
 * out again. Subjects are stored as MACs: the table tells nobody which addresses were tried.
 */
export function sqlPasswordTries(deps: {
  database: Database
  keyring: Keyring
  clock: Clock
}): PasswordTries {
  const { database, keyring, clock } = deps
  const tables = database.tables<{ password_failures: Row }>()
  const name = ({ subject }: TryLimit) => keyring.mac('password-try', subject).digest
  const each = ({ perMs, burst }: TryLimit) => perMs / burst
  const run = async <T>(statement: RawBuilder<T>) => (await statement.execute(tables.query)).rows

  /** The one statement that decides: of any number at once exactly as many pass as there is room. */
  const takeOne = async (limit: TryLimit): Promise<number> => {
    const now = clock.now()
    const counts = limit.inARow === null ? 0 : 1
    const rows = await run(sql<Pick<Row, 'in_a_row'>>`
      insert into password_failures (subject, in_a_row, empty_at, last_at)
      values (${name(limit)}, ${counts}, ${now + each(limit)}, ${now})
      on conflict (subject) do update set
        in_a_row = password_failures.in_a_row + ${counts},
        empty_at = ${each(limit)} + case
          when password_failures.empty_at > ${now} then password_failures.empty_at
          else ${now}
        end,
        last_at = ${now}
      where password_failures.empty_at <= ${now + limit.perMs - each(limit)}
        and (password_failures.in_a_row < ${limit.inARow ?? 1}
          or password_failures.last_at <= ${now - pauseMs})
      returning in_a_row`)
    const [row] = rows
    if (!row) throw new Refused(limit)
    return row.in_a_row
  }

  const refusal = async (limit: TryLimit): Promise<TooManyTries> => {
    const now = clock.now()
    const row = await tables.query
      .selectFrom('password_failures')
      .selectAll()
      .where('subject', '=', name(limit))
      .executeTakeFirst()
    const paused = row && limit.inARow !== null && row.in_a_row >= limit.inARow
    const until = paused
      ? row.last_at + pauseMs
      : (row?.empty_at ?? now) - limit.perMs + each(limit)
    const retryAfterSeconds = Math.max(1, (until - now) / 1_000)
    return { ok: false, reason: paused ? 'sign_in_paused' : 'rate_limited', retryAfterSeconds }
  }

  const restore = (limits: readonly TryLimit[], inARow: RawBuilder<number>) =>
    database.transaction(async () => {
      for (const limit of limits) {
        const subject = name(limit)
        await run(sql`update password_failures
          set in_a_row = ${inARow}, empty_at = empty_at - ${each(limit)}
          where subject = ${subject}`)
        await run(sql`delete from password_failures
          where subject = ${subject} and in_a_row = 0 and empty_at <= ${clock.now()}`)
      }
    })

  return {
    async take(limits) {
      try {
        return await database.transaction(async () => {
          let reached = false
          for (const limit of limits) if ((await takeOne(limit)) === limit.inARow) reached = true
          return { ok: true, reached }
        })
      } catch (error) {
        if (error instanceof Refused) return refusal(error.limit)
        throw error
      }
    },
    giveBack: (limits) => restore(limits, sql`case when in_a_row > 0 then in_a_row - 1 else 0 end`),
    right: (limits, cleared = []) =>
      database.transaction(async () => {
        await restore(limits, sql`0`)
        for (const limit of cleared)
          await run(sql`update password_failures set in_a_row = 0 where subject = ${name(limit)}`)
      }),
    async sweep(limit) {
      const now = clock.now()
      const settled = sql`(last_at < ${now - rememberedMs} or (in_a_row = 0 and empty_at <= ${now}))`
      const rows = await run(sql`delete from password_failures
        where ${settled} and subject in
          (select subject from password_failures where ${settled} limit ${limit})
        returning subject`)
      return rows.length
    },
  }
}
