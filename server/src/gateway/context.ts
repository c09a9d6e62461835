import type { Clock } from '#platform/clock/clock.ts'
import type { Log } from '#platform/log/log.ts'
import type { Usage } from '../usage/index.ts'
import type { InFlight } from './in-flight.ts'
import type { Policies } from './policies.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Upstreams } from './upstream/upstreams.ts'

/** What the steps of every call share. */
export type GatewayContext = {
  readonly origin: string
  readonly clock: Clock
  readonly log: Log
  readonly policies: Policies
  readonly upstreams: Upstreams
  readonly usage: Pick<Usage, 'record' | 'totals'>
  readonly inFlight: InFlight
  readonly retries: RetryBudget
  readonly trustedProxies: ((address: string) => boolean) | null
  newRequestId(): string
  /** Shutting down: what runs may end, connections are not kept. */
  draining: boolean
}
