import type { RecordRow } from './record-line.ts'
import type { UsageRecord, UsageTotals } from './usage-record.ts'

export type UsageGroup = 'day' | 'model' | 'key' | 'project'

/** Days are inclusive on both ends. */
export type UsageQuery = {
  organizationIds: readonly string[]
  fromDay: string
  toDay: string
}

export type DayRow = UsageTotals & {
  day: string
  projectId: string | null
  credentialId: string
  model: string
}

export type UsageStore = {
  /**
   * Adds records that are not there yet and their share of the day sums, in one transaction and a
   * few statements however many they are. Saving the same record again changes nothing.
   * Returns those that were new.
   */
  save(rows: readonly RecordRow[]): Promise<RecordRow[]>
  /**
   * The same for records that were never saved, at half the cost: nothing comes back. Throws, and the
   * transaction with it, when one was there after all.
   */
  saveNew(records: readonly UsageRecord[]): Promise<void>
  /** Sums of one credential from a day on; null: ever. */
  totals(
    credential: { id: string; organizationId: string },
    fromDay: string | null,
  ): Promise<UsageTotals>
  /** From day sums; `value` is the day, model, credential id or project id ('' for none). */
  grouped(query: UsageQuery, by: UsageGroup): Promise<(UsageTotals & { value: string })[]>
  /** Day sums as they are, oldest first. */
  days(query: UsageQuery): Promise<DayRow[]>
  /** Newest first. */
  calls(query: {
    organizationIds: readonly string[]
    credentialId: string | null
    before: { at: number; requestId: string } | null
    limit: number
  }): Promise<RecordRow[]>
}
