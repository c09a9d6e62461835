import { sql } from 'kysely'
import { type Clock, day, hour, minute } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Database } from '#platform/db/database.ts'
import type { OperatorRole } from '#platform/http/access.ts'
import type { Ids, Random } from '#platform/ids/ids.ts'

export type CodeKind = 'verify_email' | 'reset_password'

type ChallengeTables = {
  challenges: {
    id: string
    kind: CodeKind | 'operator_link'
    account_id: string | null
    address: string
    digest: string
    attempts_left: number
    role: OperatorRole | null
    created_at: number
    expires_at: number
    consumed_at: number | null
  }
}

export const codeLifeMs = 10 * minute
export const codeAttempts = 5
export const operatorLinkLifeMs = 24 * hour

export type ClaimedLink = { email: string | null; role: OperatorRole }

/**
 * Short codes and one-time links. Only a MAC is stored, under a key outside the database: a million
 * possible codes would otherwise be searched in a moment. Of one kind and address at most one is
 * open; making another ends it.
 */
export type Challenges = {
  /** Six digits for `address`. Part of the caller's transaction. */
  mintCode(kind: CodeKind, address: string, accountId: string): Promise<string>
  /**
   * Spends one attempt and, when the code is right, the code itself, in one statement: however many
   * guesses arrive together, five are judged and one wins. The account it was made for, or null.
   */
  spendCode(kind: CodeKind, address: string, code: string): Promise<string | null>
  /** Ends what is open for this address. */
  cancel(kind: CodeKind, address: string): Promise<void>
  /** A token of 256 bits. `email` null: whoever holds it chooses the address. */
  mintLink(email: string | null, role: OperatorRole): Promise<string>
  /** What the link gives, without using it up; null when it does not work. */
  peekLink(token: string): Promise<ClaimedLink | null>
  /** Uses the link up; exactly one caller gets it. */
  spendLink(token: string): Promise<ClaimedLink | null>
  /** Ends links that are bound to no address: once there is an operator, a printed one is a risk. */
  cancelOpenLinks(): Promise<void>
  /** Removes what ended more than a day ago. */
  sweep(): Promise<void>
}

export function sqlChallenges(deps: {
  database: Database
  keyring: Keyring
  clock: Clock
  ids: Ids
  random: Random
}): Challenges {
  const { database, keyring, clock, ids, random } = deps
  const tables = database.tables<ChallengeTables>()
  const codeDigest = (kind: CodeKind, address: string, code: string) =>
    keyring.mac('challenge', `${kind}|${address}|${code}`).digest
  const linkDigest = (token: string) => keyring.mac('operator-link', token).digest

  const endOpen = async (kind: CodeKind | 'operator_link', address: string) => {
    await tables.query
      .updateTable('challenges')
      .set({ consumed_at: clock.now() })
      .where('kind', '=', kind)
      .where('address', '=', address)
      .where('consumed_at', 'is', null)
      .execute()
  }
  const openLink = (token: string) => ({ digest: linkDigest(token), now: clock.now() })

  return {
    mintCode: (kind, address, accountId) =>
      database.transaction(async () => {
        await database.lock(`challenge:${kind}:${address}`)
        await endOpen(kind, address)
        const code = sixDigits(random)
        await tables.query
          .insertInto('challenges')
          .values({
            id: ids('chal'),
            kind,
            account_id: accountId,
            address,
            digest: codeDigest(kind, address, code),
            attempts_left: codeAttempts,
            role: null,
            created_at: clock.now(),
            expires_at: clock.now() + codeLifeMs,
            consumed_at: null,
          })
          .execute()
        return code
      }),

    async spendCode(kind, address, code) {
      const now = clock.now()
      const digest = codeDigest(kind, address, code)
      const row = await tables.query
        .updateTable('challenges')
        .set((eb) => ({
          attempts_left: eb('attempts_left', '-', 1),
          // PostgreSQL would read a bare parameter in a case expression as text.
          consumed_at: sql<number>`case when digest = ${digest} then cast(${now} as bigint) end`,
        }))
        .where('kind', '=', kind)
        .where('address', '=', address)
        .where('consumed_at', 'is', null)
        .where('expires_at', '>', now)
        .where('attempts_left', '>', 0)
        .returning(['account_id', 'consumed_at'])
        .executeTakeFirst()
      return row && row.consumed_at !== null ? row.account_id : null
    },

    cancel: endOpen,

    mintLink: (email, role) =>
      database.transaction(async () => {
        const address = email ?? ''
        await database.lock(`challenge:operator_link:${address}`)
        await endOpen('operator_link', address)
        const token = random.bytes(32).toString('base64url')
        await tables.query
          .insertInto('challenges')
          .values({
            id: ids('chal'),
            kind: 'operator_link',
            account_id: null,
            address,
            digest: linkDigest(token),
            attempts_left: 1,
            role,
            created_at: clock.now(),
            expires_at: clock.now() + operatorLinkLifeMs,
            consumed_at: null,
          })
          .execute()
        return token
      }),

    async peekLink(token) {
      const { digest, now } = openLink(token)
      const row = await tables.query
        .selectFrom('challenges')
        .select(['address', 'role'])
        .where('kind', '=', 'operator_link')
        .where('digest', '=', digest)
        .where('consumed_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      return claimed(row)
    },

    async spendLink(token) {
      const { digest, now } = openLink(token)
      const row = await tables.query
        .updateTable('challenges')
        .set({ consumed_at: now })
        .where('kind', '=', 'operator_link')
        .where('digest', '=', digest)
        .where('consumed_at', 'is', null)
        .where('expires_at', '>', now)
        .returning(['address', 'role'])
        .executeTakeFirst()
      return claimed(row)
    },

    cancelOpenLinks: () => endOpen('operator_link', ''),

    async sweep() {
      await tables.query
        .deleteFrom('challenges')
        .where('expires_at', '<', clock.now() - day)
        .execute()
    },
  }
}

const claimed = (
  row: { address: string; role: OperatorRole | null } | undefined,
): ClaimedLink | null =>
  row?.role ? { email: row.address === '' ? null : row.address, role: row.role } : null

/** Uniform over 000000–999999: draws again where the last incomplete million would favour low codes. */
function sixDigits(random: Random): string {
  const limit = 2 ** 32 - (2 ** 32 % 1_000_000)
  for (;;) {
    const value = random.bytes(4).readUInt32BE()
    if (value < limit) return String(value % 1_000_000).padStart(6, '0')
  }
}
