import { changed, type Database } from '#platform/db/database.ts'
import {
  type Device,
  type DeviceKind,
  idleMs,
  type Session,
  type SessionEndReason,
} from './session.ts'
import type { SessionStore } from './store.ts'

type DeviceRow = {
  id: string
  account_id: string
  kind: DeviceKind
  token_digest: string
  name: string
  user_agent: string
  address: string
  first_seen_at: number
  last_seen_at: number
  ended_at: number | null
  alarm_digest: string | null
  alarm_until: number | null
}

type SessionRow = {
  id: string
  account_id: string
  device_id: string
  token_digest: string
  amr: string
  created_at: number
  authenticated_at: number
  last_seen_at: number
  expires_at: number
  ended_at: number | null
  end_reason: SessionEndReason | null
}

type TicketRow = {
  digest: string
  account_id: string
  device_digest: string
  epoch: number
  amr: string
  expires_at: number
}

type SessionTables = { devices: DeviceRow; sessions: SessionRow; sign_in_tickets: TicketRow }

export function sqlSessionStore(database: Database): SessionStore {
  const tables = database.tables<SessionTables>()
  return {
    async insertDevice(device) {
      await tables.query
        .insertInto('devices')
        .values({
          id: device.id,
          account_id: device.accountId,
          kind: device.kind,
          token_digest: device.tokenDigest,
          name: device.name,
          user_agent: device.userAgent,
          address: device.address,
          first_seen_at: device.firstSeenAt,
          last_seen_at: device.lastSeenAt,
          ended_at: null,
          alarm_digest: device.alarm?.digest ?? null,
          alarm_until: device.alarm?.until ?? null,
        })
        .execute()
    },
    async takeAlarm(digest, now) {
      const row = await tables.query
        .updateTable('devices')
        .set({ alarm_digest: null })
        .where('alarm_digest', '=', digest)
        .where('alarm_until', '>', now)
        .returningAll()
        .executeTakeFirst()
      return row ? toDevice(row) : null
    },
    async findDevice(accountId, tokenDigest) {
      const row = await tables.query
        .selectFrom('devices')
        .selectAll()
        .where('account_id', '=', accountId)
        .where('token_digest', '=', tokenDigest)
        .where('ended_at', 'is', null)
        .executeTakeFirst()
      return row ? toDevice(row) : null
    },
    async devices(accountId, ids) {
      if (ids.length === 0) return []
      const rows = await tables.query
        .selectFrom('devices')
        .selectAll()
        .where('account_id', '=', accountId)
        .where('id', 'in', ids)
        .where('ended_at', 'is', null)
        .orderBy('last_seen_at', 'desc')
        .orderBy('id', 'desc')
        .execute()
      return rows.map(toDevice)
    },
    async endDevices(accountId, ids, at) {
      if (ids.length === 0) return []
      const rows = await tables.query
        .updateTable('devices')
        .set({ ended_at: at })
        .where('account_id', '=', accountId)
        .where('id', 'in', ids)
        .where('ended_at', 'is', null)
        .returning('id')
        .execute()
      return rows.map(({ id }) => id)
    },
    async hasDevices(accountId) {
      const row = await tables.query
        .selectFrom('devices')
        .select('id')
        .where('account_id', '=', accountId)
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },
    async touchDevice(id, { address, name, at }) {
      await tables.query
        .updateTable('devices')
        .set({ address, last_seen_at: at, ...(name === undefined ? {} : { name }) })
        .where('id', '=', id)
        .execute()
    },
    async insertTicket(ticket) {
      await tables.query
        .insertInto('sign_in_tickets')
        .values({
          digest: ticket.digest,
          account_id: ticket.accountId,
          device_digest: ticket.deviceDigest,
          epoch: ticket.epoch,
          amr: JSON.stringify(ticket.amr),
          expires_at: ticket.expiresAt,
        })
        .execute()
    },
    async takeTicket(digest, deviceDigest, now) {
      const row = await tables.query
        .deleteFrom('sign_in_tickets')
        .where('digest', '=', digest)
        .where('device_digest', '=', deviceDigest)
        .where('expires_at', '>', now)
        .returningAll()
        .executeTakeFirst()
      if (!row) return null
      const { account_id: accountId, epoch, amr, expires_at: expiresAt } = row
      return { accountId, epoch, amr: JSON.parse(amr) as string[], expiresAt } // we wrote it
    },
    async sweep({ endedBefore, unseenBefore, now }, limit) {
      await tables.query.deleteFrom('sign_in_tickets').where('expires_at', '<=', now).execute()
      const sessions = await tables.query
        .deleteFrom('sessions')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('sessions')
            .select('id')
            .where(({ eb: is, or }) =>
              or([is('ended_at', '<', endedBefore), is('expires_at', '<', endedBefore)]),
            )
            .limit(limit),
        )
        .executeTakeFirst()
      const devices = await tables.query
        .deleteFrom('devices')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('devices')
            .select('id')
            .where(({ eb: is, or }) =>
              or([is('ended_at', '<', endedBefore), is('last_seen_at', '<', unseenBefore)]),
            )
            .where(({ not, exists, selectFrom }) =>
              not(
                exists(
                  selectFrom('sessions')
                    .select('sessions.id')
                    .whereRef('sessions.device_id', '=', 'devices.id'),
                ),
              ),
            )
            .limit(limit),
        )
        .executeTakeFirst()
      return Math.max(changed(sessions), changed(devices))
    },
    async insertSession(session) {
      await tables.query
        .insertInto('sessions')
        .values({
          id: session.id,
          account_id: session.accountId,
          device_id: session.deviceId,
          token_digest: session.tokenDigest,
          amr: JSON.stringify(session.amr),
          created_at: session.createdAt,
          authenticated_at: session.authenticatedAt,
          last_seen_at: session.lastSeenAt,
          expires_at: session.expiresAt,
          ended_at: null,
          end_reason: null,
        })
        .execute()
    },
    async findByToken(tokenDigest) {
      const row = await tables.query
        .selectFrom('sessions')
        .selectAll()
        .where('token_digest', '=', tokenDigest)
        .where('ended_at', 'is', null)
        .executeTakeFirst()
      return row ? { ...toSession(row), deviceId: row.device_id } : null
    },
    async findEnd(tokenDigest) {
      const row = await tables.query
        .selectFrom('sessions')
        .select(['end_reason', 'last_seen_at', 'expires_at'])
        .where('token_digest', '=', tokenDigest)
        .executeTakeFirst()
      return row
        ? { reason: row.end_reason, lastSeenAt: row.last_seen_at, expiresAt: row.expires_at }
        : null
    },
    async living(accountId, now) {
      const rows = await tables.query
        .selectFrom('sessions')
        .innerJoin('devices', 'devices.id', 'sessions.device_id')
        .selectAll('sessions')
        .select([
          'devices.kind as device_kind',
          'devices.name as device_name',
          'devices.address as device_address',
          'devices.first_seen_at as device_first_seen_at',
          'devices.last_seen_at as device_last_seen_at',
        ])
        .where('sessions.account_id', '=', accountId)
        .where('sessions.ended_at', 'is', null)
        .where('sessions.expires_at', '>', now)
        .where('sessions.last_seen_at', '>', now - idleMs)
        .orderBy('sessions.last_seen_at', 'desc')
        .orderBy('sessions.id', 'desc')
        .execute()
      return rows.map((row) => ({
        ...toSession(row),
        device: {
          id: row.device_id,
          accountId: row.account_id,
          kind: row.device_kind,
          name: row.device_name,
          address: row.device_address,
          firstSeenAt: row.device_first_seen_at,
          lastSeenAt: row.device_last_seen_at,
        },
      }))
    },
    async touch(sessionId, at, notSince) {
      const touched = await tables.query
        .updateTable('sessions')
        .set({ last_seen_at: at })
        .where('id', '=', sessionId)
        .where('last_seen_at', '<', notSince)
        .returning('id')
        .execute()
      return touched.length > 0
    },
    async end(accountId, which, reason, at) {
      let update = tables.query
        .updateTable('sessions')
        .set({ ended_at: at, end_reason: reason })
        .where('account_id', '=', accountId)
        .where('ended_at', 'is', null)
      if ('only' in which) update = update.where('id', '=', which.only)
      else if ('devices' in which) {
        if (which.devices.length === 0) return []
        update = update.where('device_id', 'in', which.devices)
      } else if (which.except !== null) update = update.where('id', '!=', which.except)
      const rows = await update.returning(['id', 'device_id']).execute()
      return rows.map((row) => ({ id: row.id, deviceId: row.device_id }))
    },
  }
}

const toDevice = (row: DeviceRow): Device => ({
  id: row.id,
  accountId: row.account_id,
  kind: row.kind,
  name: row.name,
  address: row.address,
  firstSeenAt: row.first_seen_at,
  lastSeenAt: row.last_seen_at,
})

const toSession = (row: SessionRow): Omit<Session, 'device'> => ({
  id: row.id,
  accountId: row.account_id,
  amr: JSON.parse(row.amr) as string[], // we wrote it
  createdAt: row.created_at,
  authenticatedAt: row.authenticated_at,
  lastSeenAt: row.last_seen_at,
  expiresAt: row.expires_at,
})
