import { sql } from 'kysely'
import type { Database } from '#platform/db/database.ts'
import type { OperatorRole } from '#platform/http/access.ts'
import type { Locale } from '../../messages/messages.ts'
import type { AccountState, StateChange } from './account.ts'
import type { AccountStore, StoredAccount } from './store.ts'

type AccountRow = {
  id: string
  name: string
  email: string
  email_verified_at: number | null
  password_hash: string
  locale: Locale
  state: AccountState
  epoch: number
  role: OperatorRole | null
  created_at: number
  updated_at: number
}

type AccountTables = {
  accounts: AccountRow
  account_state_changes: {
    id: string
    account_id: string
    from_state: AccountState
    to_state: AccountState
    actor_id: string | null
    reason: string
    evidence: string
    at: number
  }
}

export function sqlAccountStore(database: Database): AccountStore {
  const tables = database.tables<AccountTables>()
  const accounts = () => tables.query.selectFrom('accounts').selectAll()
  const one = (row: AccountRow | undefined) => (row ? fromRow(row) : null)
  return {
    async insert(account) {
      await tables.query
        .insertInto('accounts')
        .values({
          id: account.id,
          name: account.name,
          email: account.email,
          email_verified_at: account.emailVerifiedAt,
          password_hash: account.passwordHash,
          locale: account.locale,
          state: account.state,
          epoch: account.epoch,
          role: account.role,
          created_at: account.createdAt,
          updated_at: account.createdAt,
        })
        .execute()
    },
    find: async (id) => one(await accounts().where('id', '=', id).executeTakeFirst()),
    findByEmail: async (email) =>
      one(await accounts().where('email', '=', email).executeTakeFirst()),
    async findAll(ids) {
      if (ids.length === 0) return []
      const rows = await accounts()
        .where('id', 'in', [...ids])
        .execute()
      return rows.map(fromRow)
    },
    async list({ search, state, after, limit }) {
      let select = accounts()
      if (state) select = select.where('state', '=', state)
      if (after) select = select.where('id', '<', after) // ids sort by creation
      if (search) {
        const pattern = `%${search.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`
        select = select.where((eb) =>
          eb.or([
            eb('id', '=', search),
            sql<boolean>`lower(name) like ${pattern} escape '\\'`,
            sql<boolean>`email like ${pattern} escape '\\'`,
          ]),
        )
      }
      return (await select.orderBy('id', 'desc').limit(limit).execute()).map(fromRow)
    },
    async update(id, values, at) {
      await tables.query
        .updateTable('accounts')
        .set({
          ...(values.name === undefined ? {} : { name: values.name }),
          ...(values.email === undefined ? {} : { email: values.email }),
          ...(values.emailVerifiedAt === undefined
            ? {}
            : { email_verified_at: values.emailVerifiedAt }),
          ...(values.passwordHash === undefined ? {} : { password_hash: values.passwordHash }),
          ...(values.locale === undefined ? {} : { locale: values.locale }),
          ...(values.role === undefined ? {} : { role: values.role }),
          updated_at: at,
        })
        .where('id', '=', id)
        .execute()
    },
    async moveState(id, from, to, at) {
      const row = await tables.query
        .updateTable('accounts')
        .set({ state: to, epoch: sql<number>`epoch + 1`, updated_at: at })
        .where('id', '=', id)
        .where('state', '=', from)
        .returning('epoch')
        .executeTakeFirst()
      return row ?? null
    },
    async moveEpoch(id, at) {
      const row = await tables.query
        .updateTable('accounts')
        .set({ epoch: sql<number>`epoch + 1`, updated_at: at })
        .where('id', '=', id)
        .returning('epoch')
        .executeTakeFirst()
      return row?.epoch ?? null
    },
    async countRole(role) {
      const { count } = await tables.query
        .selectFrom('accounts')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('role', '=', role)
        .where('state', '!=', 'closed')
        .executeTakeFirstOrThrow()
      return count
    },
    async insertStateChange(change) {
      await tables.query
        .insertInto('account_state_changes')
        .values({
          id: change.id,
          account_id: change.accountId,
          from_state: change.from,
          to_state: change.to,
          actor_id: change.actorId,
          reason: change.reason,
          evidence: JSON.stringify(change.evidence),
          at: change.at,
        })
        .execute()
    },
    async stateChanges(accountId) {
      const rows = await tables.query
        .selectFrom('account_state_changes')
        .selectAll()
        .where('account_id', '=', accountId)
        .orderBy('at')
        .orderBy('id')
        .execute()
      return rows.map(
        (row): StateChange => ({
          id: row.id,
          accountId: row.account_id,
          from: row.from_state,
          to: row.to_state,
          actorId: row.actor_id,
          reason: row.reason,
          evidence: JSON.parse(row.evidence),
          at: row.at,
        }),
      )
    },
  }
}

const fromRow = (row: AccountRow): StoredAccount => ({
  id: row.id,
  name: row.name,
  email: row.email,
  emailVerifiedAt: row.email_verified_at,
  passwordHash: row.password_hash,
  locale: row.locale,
  state: row.state,
  epoch: row.epoch,
  role: row.role,
  createdAt: row.created_at,
})
