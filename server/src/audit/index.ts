/**
 * Audit: one append-only, hash-chained log of who did what to whom. A line is written in the same
 * transaction as the act, so neither exists without the other.
 *
 * Append last: the log's lock is held from the append to the commit, and whoever takes other locks
 * after it may wait for somebody who waits for the log.
 *
 * Neighbours: platform only. What it does not do: decide who may read it, or hold secrets.
 */
import type { Clock } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Ids } from '#platform/ids/ids.ts'
import type { Actor, Audit, AuditEvent } from './audit-event.ts'
import { type AuditRow, chainHash, chainStart, inert } from './chain.ts'
import { sqlAuditStore } from './store.sql.ts'

export type { Actor, Audit, AuditEntry, AuditEvent } from './audit-event.ts'
export { inert } from './chain.ts'

const pageRows = 1_000

export function createAudit(deps: { database: Database; clock: Clock; ids: Ids }): Audit {
  const { database, clock, ids } = deps
  const store = sqlAuditStore(database)
  return {
    append: (entry) =>
      database.transaction(async () => {
        await database.lock('audit')
        const last = await store.last()
        const line = {
          seq: (last?.seq ?? 0) + 1,
          id: ids('aud'),
          at: clock.now(),
          actor_kind: entry.actor.kind,
          actor_id: entry.actor.kind === 'system' ? null : entry.actor.id,
          actor_name: inert(entry.actor.name),
          action: entry.action,
          subject_kind: entry.subject.kind,
          subject_id: entry.subject.id,
          subject_name: inert(entry.subject.name),
          detail: JSON.stringify(entry.detail ?? {}),
          request_id: entry.requestId ?? null,
          previous_hash: last?.hash ?? chainStart,
        }
        await store.insert({ ...line, hash: chainHash(line) })
      }),

    list: async (query) => (await store.list(query)).map(fromRow),

    async verify() {
      let previous = { seq: 0, hash: chainStart }
      for (;;) {
        const rows = await store.following(previous.seq, pageRows)
        for (const row of rows) {
          const follows = row.seq === previous.seq + 1 && row.previous_hash === previous.hash
          if (!follows || chainHash(row) !== row.hash) return { ok: false, seq: row.seq }
          previous = { seq: row.seq, hash: row.hash }
        }
        if (rows.length < pageRows) return { ok: true, events: previous.seq }
      }
    },
  }
}

const fromRow = (row: AuditRow): AuditEvent => ({
  seq: row.seq,
  id: row.id,
  at: row.at,
  actor: actorOf(row),
  action: row.action,
  subject: { kind: row.subject_kind, id: row.subject_id, name: row.subject_name },
  detail: JSON.parse(row.detail),
  ...(row.request_id === null ? {} : { requestId: row.request_id }),
})

function actorOf(row: AuditRow): Actor {
  if (row.actor_kind === 'system' || row.actor_id === null)
    return { kind: 'system', name: row.actor_name }
  return { kind: row.actor_kind, id: row.actor_id, name: row.actor_name }
}
