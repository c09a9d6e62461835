/** How a call ended. Everything an upstream accepted is metered, however it ended. */
export type CallOutcome =
  | 'complete'
  | 'client_gone'
  | 'upstream_cut'
  | 'cut_off'
  | 'upstream_refused'

/** Exactly one per request id. Tokens and money are non-negative integers; money in micro-units. */
export type UsageRecord = {
  requestId: string
  at: number
  organizationId: string
  projectId: string | null
  accountId: string
  credentialKind: 'key' | 'token'
  /** Key id, or client id for an access token. */
  credentialId: string
  endpoint: string
  model: string
  upstream: string
  status: number
  outcome: CallOutcome
  streamed: boolean
  inputTokens: number
  cachedInputTokens: number
  outputTokens: number
  /** True where the upstream did not say and we counted ourselves. A reported zero stays a zero. */
  estimated: boolean
  costMicros: number
  firstByteMs: number | null
  durationMs: number
}

/** What the gateway asks of this room. */
export type UsageRecorder = {
  /** Calls back once the record would survive kill -9. Never throws; an error means: do not acknowledge. */
  record(record: UsageRecord, done: (error: Error | null) => void): void
}

/** Sums over calls. */
export type UsageTotals = {
  requests: number
  inputTokens: number
  cachedInputTokens: number
  outputTokens: number
  costMicros: number
}

/** Days are UTC, `YYYY-MM-DD`, from the moment the call was admitted. */
export function dayOf(at: number): string {
  const number = Math.floor(at / 86_400_000)
  if (number !== last.number) last = { number, day: new Date(at).toISOString().slice(0, 10) }
  return last.day
}
// Millions of calls share a day; spelling it is what costs.
let last = { number: Number.NaN, day: '' }
