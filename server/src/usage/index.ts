/**
 * Usage: exactly one record for each call an upstream accepted, its sums by day, and what people
 * read of it. A record is durable in the journal before the call's answer ends, and in the database
 * within moments (`drain.ts`). Budgets and limits are enforced by the gateway, from sums asked here.
 */
import { join } from 'node:path'
import { type Clock, day } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Log } from '#platform/log/log.ts'
import { createDrainer } from './drain.ts'
import { openJournal } from './journal.ts'
import type { RecordRow } from './record-line.ts'
import { sqlUsageStore } from './store.sql.ts'
import type { UsageStore } from './store.ts'
import { dayOf, type UsageRecorder, type UsageTotals } from './usage-record.ts'

export { usageExporter } from './export.ts'
export { usageRoutes } from './routes.ts'
export type { UsageStore } from './store.ts'
export {
  type CallOutcome,
  dayOf,
  type UsageRecord,
  type UsageRecorder,
  type UsageTotals,
} from './usage-record.ts'

export type Usage = UsageRecorder &
  Pick<UsageStore, 'grouped' | 'days' | 'calls'> & {
    /**
     * Sums of one credential from a day on (null: ever), with everything recorded so far in it.
     * Rejects when the database cannot be reached.
     */
    totals(
      credential: { id: string; organizationId: string },
      fromDay: string | null,
    ): Promise<UsageTotals>
    /** Cost of the last days, today included, over whole organizations. */
    recentCost(organizationIds: readonly string[], days: number): Promise<number>
    /** Moves all that is in the journal into the database now. */
    drain(): Promise<void>
    /** Takes up what a killed process left in the journal. Before the first request. */
    start(): Promise<void>
    /** Syncs and drains as far as the database can be reached; what cannot be drained stays in the journal. */
    stop(): Promise<void>
    /** Why records cannot be written now, or null. */
    readonly failure: Error | null
  }

export function createUsage(parts: {
  database: Database
  clock: Clock
  dataDir: string
  log: Log
  /** Last use of keys, by key id; told in batches. */
  touchKeys(uses: ReadonlyMap<string, number>): Promise<void>
}): Usage {
  const store = sqlUsageStore(parts.database)
  const journal = openJournal(join(parts.dataDir, 'journal'))
  const drainer = createDrainer({
    journal,
    log: parts.log,
    save: (rows) =>
      parts.database.transaction(async () => {
        await parts.touchKeys(lastUses(await store.save(rows)))
      }),
    saveNew: (records) =>
      parts.database.transaction(async () => {
        await store.saveNew(records)
        const uses = new Map<string, number>()
        for (const one of records)
          if (one.credentialKind === 'key') uses.set(one.credentialId, one.at)
        await parts.touchKeys(uses)
      }),
  })
  return {
    record(record, done) {
      journal.record(record, done)
      drainer.schedule()
    },
    grouped: store.grouped,
    days: store.days,
    calls: store.calls,
    async totals(credential, fromDay) {
      await drainer.drain()
      return store.totals(credential, fromDay)
    },
    async recentCost(organizationIds, days) {
      const now = parts.clock.now()
      const rows = await store.grouped(
        { organizationIds, fromDay: dayOf(now - (days - 1) * day), toDay: dayOf(now) },
        'project',
      )
      return rows.reduce((sum, row) => sum + row.costMicros, 0)
    },
    drain: drainer.drain,
    start: () => drainer.drain(),
    async stop() {
      drainer.stop()
      await journal.close()
      await drainer.drain().catch(() => {}) // replayed at the next start
    },
    get failure() {
      return journal.failure
    },
  }
}

function lastUses(rows: readonly RecordRow[]): Map<string, number> {
  const uses = new Map<string, number>()
  for (const row of rows)
    if (row.credential_kind === 'key' && (uses.get(row.credential_id) ?? 0) < row.at)
      uses.set(row.credential_id, row.at)
  return uses
}
