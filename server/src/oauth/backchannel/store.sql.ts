import type { Selectable } from 'kysely'
import type { Database } from '#platform/db/database.ts'
import { workQueue } from '#platform/db/work-queue.ts'
import type { Delivery } from './delivery.ts'
import type { DeliveryStore } from './store.ts'

type DeliveryTable = {
  id: string
  client_id: string
  account_id: string
  session_id: string
  state: Delivery['state']
  attempts: number
  next_attempt_at: number
  claimed_until: number | null
  last_error: string | null
  created_at: number
  settled_at: number | null
}
type Tables = { logout_deliveries: DeliveryTable }

export function sqlDeliveryStore(database: Database): DeliveryStore {
  const db = database.tables<Tables>()
  const { inTurns, take, settle } = workQueue<DeliveryTable>(database, 'logout_deliveries')
  return {
    async insert(deliveries) {
      if (deliveries.length === 0) return
      await db.query.insertInto('logout_deliveries').values(deliveries.map(toRow)).execute()
    },
    due: async (now, perClient, limit) =>
      (await inTurns('client_id', now, perClient, limit)).map(({ id, of }) => ({
        id,
        clientId: of,
      })),
    claim: async (ids, now, holdMs) => (await take(ids, now, holdMs)).map(fromRow),
    async sent(held, at) {
      await settle(held, { state: 'sent', settled_at: at, last_error: null })
    },
    async retry(held, nextAttemptAt, error) {
      await settle(held, { state: 'waiting', next_attempt_at: nextAttemptAt, last_error: error })
    },
    failed: (held, at, error) =>
      settle(held, { state: 'failed', settled_at: at, last_error: error }),
    async remove(id) {
      await db.query.deleteFrom('logout_deliveries').where('id', '=', id).execute()
    },
    ofClient: async (clientId, limit) =>
      (
        await db.query
          .selectFrom('logout_deliveries')
          .selectAll()
          .where('client_id', '=', clientId)
          .orderBy('created_at', 'desc')
          .orderBy('id', 'desc')
          .limit(limit)
          .execute()
      ).map(fromRow),
    async oldestDue() {
      const row = await db.query
        .selectFrom('logout_deliveries')
        .select((eb) => eb.fn.min('next_attempt_at').as('at'))
        .where('state', '=', 'waiting')
        .executeTakeFirst()
      return row?.at == null ? null : Number(row.at)
    },
    async countFailed(since) {
      const row = await db.query
        .selectFrom('logout_deliveries')
        .select((eb) => eb.fn.countAll().as('count'))
        .where('state', '=', 'failed')
        .where('settled_at', '>=', since)
        .executeTakeFirst()
      return Number(row?.count ?? 0)
    },
    async sweep(sentBefore, failedBefore, limit) {
      const old = await db.query
        .selectFrom('logout_deliveries')
        .select('id')
        .where((or) =>
          or.or([
            or('state', '=', 'sent').and('settled_at', '<', sentBefore),
            or('state', '=', 'failed').and('settled_at', '<', failedBefore),
          ]),
        )
        .limit(limit)
        .execute()
      if (old.length > 0)
        await db.query
          .deleteFrom('logout_deliveries')
          .where(
            'id',
            'in',
            old.map(({ id }) => id),
          )
          .execute()
      return old.length
    },
  }
}

const toRow = (delivery: Delivery): DeliveryTable => ({
  id: delivery.id,
  client_id: delivery.clientId,
  account_id: delivery.accountId,
  session_id: delivery.sessionId,
  state: delivery.state,
  attempts: delivery.attempts,
  next_attempt_at: delivery.nextAttemptAt,
  claimed_until: delivery.claimedUntil,
  last_error: delivery.lastError,
  created_at: delivery.createdAt,
  settled_at: delivery.settledAt,
})

const fromRow = (row: Selectable<DeliveryTable>): Delivery => ({
  id: row.id,
  clientId: row.client_id,
  accountId: row.account_id,
  sessionId: row.session_id,
  state: row.state,
  attempts: row.attempts,
  nextAttemptAt: row.next_attempt_at,
  claimedUntil: row.claimed_until,
  lastError: row.last_error,
  createdAt: row.created_at,
  settledAt: row.settled_at,
})
