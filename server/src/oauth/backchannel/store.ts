import type { Held } from '#platform/db/work-queue.ts'
import type { Delivery, DueDelivery } from './delivery.ts'

export type DeliveryStore = {
  /** Part of the transaction that ends the session: the one is not written without the other. */
  insert(deliveries: readonly Delivery[]): Promise<void>
  /**
   * What is due, a dead holder's included: at most `perClient` to a client, first attempts before
   * repeated ones, and of those each client's first before anybody's second.
   */
  due(now: number, perClient: number, limit: number): Promise<DueDelivery[]>
  /** Takes those of them that still are, for `holdMs`; no two callers get the same one. */
  claim(ids: readonly string[], now: number, holdMs: number): Promise<Delivery[]>
  sent(held: Held, at: number): Promise<void>
  retry(held: Held, nextAttemptAt: number, error: string): Promise<void>
  /** True for the one caller that gave it up. */
  failed(held: Held, at: number, error: string): Promise<boolean>
  remove(id: string): Promise<void>
  /** Newest first. */
  ofClient(clientId: string, limit: number): Promise<Delivery[]>
  /** Since when the longest-waiting one is due; null when none waits. */
  oldestDue(): Promise<number | null>
  countFailed(since: number): Promise<number>
  /** Deletes at most `limit` that were settled before; returns how many. */
  sweep(sentBefore: number, failedBefore: number, limit: number): Promise<number>
}
