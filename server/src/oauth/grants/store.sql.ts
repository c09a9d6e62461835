import type { Selectable } from 'kysely'
import type { Database } from '#platform/db/database.ts'
import type { GrantStore, OAuthGrant, RevokeReason } from './grant.ts'

type GrantTable = {
  id: string
  account_id: string
  client_id: string
  session_id: string | null
  device_id: string | null
  scopes: string
  resource: string | null
  redirect_host: string
  created_at: number
  last_used_at: number | null
  renews_until: number | null
  expires_at: number
  revoked_at: number | null
  revoke_reason: RevokeReason | null
  signed_out_at: number | null
}
type Tables = { oauth_grants: GrantTable }

export function sqlGrantStore(database: Database): GrantStore {
  const db = database.tables<Tables>()
  const living = () =>
    db.query.selectFrom('oauth_grants').selectAll().where('revoked_at', 'is', null)
  return {
    async insert(grant) {
      await db.query
        .insertInto('oauth_grants')
        .values({
          id: grant.id,
          account_id: grant.accountId,
          client_id: grant.clientId,
          session_id: grant.sessionId,
          device_id: grant.deviceId,
          scopes: JSON.stringify(grant.scopes),
          resource: grant.resource,
          redirect_host: grant.redirectHost,
          created_at: grant.createdAt,
          last_used_at: grant.lastUsedAt,
          renews_until: grant.renewsUntil,
          expires_at: grant.expiresAt,
          revoked_at: grant.revokedAt,
          revoke_reason: null,
          signed_out_at: grant.signedOutAt,
        })
        .execute()
    },
    async find(id) {
      const row = await db.query
        .selectFrom('oauth_grants')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row ? fromRow(row) : null
    },
    listByAccount: async (accountId, now) =>
      (
        await living()
          .where('account_id', '=', accountId)
          .where('expires_at', '>', now)
          .orderBy('created_at', 'desc')
          .orderBy('id')
          .execute()
      ).map(fromRow),
    page: async (accountId, after, limit) =>
      (
        await living()
          .where('account_id', '=', accountId)
          .where('id', '>', after)
          .orderBy('id')
          .limit(limit)
          .execute()
      ).map(fromRow),
    listBySession: async (sessionId) =>
      (await living().where('session_id', '=', sessionId).execute()).map(fromRow),
    listByClient: async (clientId) =>
      (await living().where('client_id', '=', clientId).execute()).map(fromRow),
    openSignIns: async (sessionId) =>
      (
        await db.query
          .selectFrom('oauth_grants')
          .selectAll()
          .where('session_id', '=', sessionId)
          .where('signed_out_at', 'is', null)
          .execute()
      ).map(fromRow),
    async takeSignIns(accountId, which, now) {
      const open = db.query
        .updateTable('oauth_grants')
        .set({ signed_out_at: now })
        .where('account_id', '=', accountId)
        .where('signed_out_at', 'is', null)
      const chosen = () => {
        if (which === 'all') return open
        if ('session' in which) return open.where('session_id', '=', which.session)
        return 'devices' in which
          ? open.where('device_id', 'in', which.devices)
          : open.where('id', 'in', which.ids)
      }
      return (await chosen().returningAll().execute()).map(fromRow)
    },
    async revoke(ids, reason, now) {
      if (ids.length === 0) return []
      const rows = await db.query
        .updateTable('oauth_grants')
        .set({ revoked_at: now, revoke_reason: reason })
        .where('id', 'in', ids)
        .where('revoked_at', 'is', null)
        .returning('id')
        .execute()
      return rows.map(({ id }) => id)
    },
    async revokeAccount(accountId, reason, now) {
      await db.query
        .updateTable('oauth_grants')
        .set({ revoked_at: now, revoke_reason: reason })
        .where('account_id', '=', accountId)
        .where('revoked_at', 'is', null)
        .execute()
    },
    async endOf(id) {
      const row = await db.query
        .selectFrom('oauth_grants')
        .select(['client_id', 'revoke_reason'])
        .where('id', '=', id)
        .executeTakeFirst()
      return row?.revoke_reason ? { clientId: row.client_id, reason: row.revoke_reason } : null
    },
    async touch(id, now, renewsUntil) {
      const row = await db.query
        .updateTable('oauth_grants')
        .set({
          last_used_at: now,
          ...(renewsUntil === null ? {} : { renews_until: renewsUntil }),
        })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst()
      return row ? fromRow(row) : null
    },
    async sweep(before, limit) {
      const rows = await db.query
        .deleteFrom('oauth_grants')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('oauth_grants')
            .select('id')
            .where(({ eb: is, or }) =>
              or([is('expires_at', '<', before), is('revoked_at', '<', before)]),
            )
            .limit(limit),
        )
        .returningAll()
        .execute()
      return rows.map(fromRow)
    },
  }
}

const fromRow = (row: Selectable<GrantTable>): OAuthGrant => ({
  id: row.id,
  accountId: row.account_id,
  clientId: row.client_id,
  sessionId: row.session_id ?? '',
  deviceId: row.device_id ?? '',
  scopes: JSON.parse(row.scopes) as string[],
  resource: row.resource ?? '',
  redirectHost: row.redirect_host,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  renewsUntil: row.renews_until,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  signedOutAt: row.signed_out_at,
})
