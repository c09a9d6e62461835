import type { KeyBudget, KeyLimits } from '../keys/index.ts'
import { dayOf } from '../usage/index.ts'
import type { Refusal } from './refusal.ts'

/** The most a call may take, before it ran; what it took replaces this when it ends. */
export type Estimate = { tokens: number; costMicros: number }

/** What a call holds of one meter until `settle`. */
type Hold = { estimate: Estimate; period: string }

type Bucket = { perMinute: number; level: number; at: number }

/**
 * Limits and budget of one key (or project, or organization) with what is taken of them now. In
 * memory and on one thread, so that checking and taking cannot be split.
 *
 * Requests and tokens per minute are buckets that hold a minute's worth and refill evenly. A budget
 * admits while what is spent and held is below it, so spend passes it by less than the one call that
 * was admitted last. What is held goes back exactly once, on every way a call can end.
 */
export class Meter {
  readonly scope: 'key' | 'project' | 'organization'
  requests: Bucket | null = null
  tokens: Bucket | null = null
  concurrency: number | null = null
  running = 0
  lastUsedAt = 0
  budget: KeyBudget | null = null
  spentMicros = 0
  heldMicros = 0
  /** Calls that wait for what others hold of the budget. */
  readonly waiting: (() => void)[] = []
  #period = ''
  #periodEndsAt = 0

  constructor(scope: Meter['scope']) {
    this.scope = scope
  }

  /** New settings keep what is taken. The spend counts from `spentMicros` when the period is another. */
  configure(limits: KeyLimits, budget: KeyBudget | null, now: number, spentMicros: number): void {
    this.requests = bucket(this.requests, limits.requestsPerMinute, now)
    this.tokens = bucket(this.tokens, limits.tokensPerMinute, now)
    this.concurrency = limits.concurrency ?? null
    if (this.budget?.period !== budget?.period) {
      this.spentMicros = spentMicros
      this.#periodEndsAt = 0
      this.budget = budget
      this.#turnPeriod(now, false)
    }
    this.budget = budget
  }

  /** Null when the call may run now; otherwise why not. Takes nothing. */
  refusal(now: number, estimate: Estimate): Refusal | null {
    if (this.budget) {
      this.#turnPeriod(now, true)
      if (this.spentMicros >= this.budget.amountMicros) return this.#budgetUsed(this.budget)
      if (this.spentMicros + this.heldMicros >= this.budget.amountMicros)
        return {
          reason: 'budget_held',
          values: { scope: this.scope },
          details: this.#budgetDetails(this.budget),
          retryAfterMs: 1_000,
        }
    }
    if (this.concurrency !== null && this.running >= this.concurrency)
      return {
        reason: 'concurrency_limit',
        values: { limit: this.concurrency, scope: this.scope },
        details: { limit: 'concurrency', scope: this.scope, amount: this.concurrency },
        retryAfterMs: 1_000,
      }
    if (this.requests) {
      refill(this.requests, now)
      if (this.requests.level < 1)
        return limitRefusal('requests_limit', this.scope, this.requests, 1)
    }
    if (this.tokens) {
      if (estimate.tokens > this.tokens.perMinute)
        return {
          reason: 'tokens_too_many',
          values: {
            requested: estimate.tokens,
            limit: this.tokens.perMinute,
            scope: this.scope,
          },
          details: {
            limit: 'tokens_per_minute',
            scope: this.scope,
            amount: this.tokens.perMinute,
            requested: estimate.tokens,
          },
        }
      refill(this.tokens, now)
      if (this.tokens.level < estimate.tokens)
        return limitRefusal('tokens_limit', this.scope, this.tokens, estimate.tokens)
    }
    return null
  }

  take(now: number, estimate: Estimate): Hold {
    this.lastUsedAt = now
    this.running++
    if (this.requests) this.requests.level -= 1
    if (this.tokens) this.tokens.level -= estimate.tokens
    this.heldMicros += estimate.costMicros
    return { estimate, period: this.#period }
  }

  /** What the call took replaces what it held. */
  settle(hold: Hold, now: number, used: Estimate): void {
    this.lastUsedAt = now
    this.running--
    if (this.tokens)
      this.tokens.level = Math.min(
        this.tokens.perMinute,
        this.tokens.level + hold.estimate.tokens - used.tokens,
      )
    this.heldMicros -= hold.estimate.costMicros
    this.#turnPeriod(now, true)
    if (hold.period === this.#period || hold.period === '') this.spentMicros += used.costMicros
    const waiting = this.waiting.splice(0)
    for (const retry of waiting) retry()
  }

  /** `x-ratelimit-*` as OpenAI sends them; resets say when the bucket is full again. */
  headers(now: number, out: string[]): void {
    if (this.requests) bucketHeaders('requests', this.requests, now, out)
    if (this.tokens) bucketHeaders('tokens', this.tokens, now, out)
  }

  /** The budget with what is spent in the running period. */
  budgetNow(now: number): { budget: KeyBudget; spentMicros: number } | null {
    if (!this.budget) return null
    this.#turnPeriod(now, true)
    return { budget: this.budget, spentMicros: this.spentMicros }
  }

  #turnPeriod(now: number, forget: boolean): void {
    if (!this.budget || now < this.#periodEndsAt) return
    const { name, endsAt } = periodOf(this.budget.period, now)
    if (forget && name !== this.#period) this.spentMicros = 0
    this.#period = name
    this.#periodEndsAt = endsAt
  }

  #budgetUsed(budget: KeyBudget): Refusal {
    const renews = Number.isFinite(this.#periodEndsAt)
      ? new Date(this.#periodEndsAt).toISOString()
      : null
    return {
      reason: 'budget_used',
      values: {
        scope: this.scope,
        period: budget.period,
        renewal: renews ? ` (${renews})` : '',
      },
      details: { ...this.#budgetDetails(budget), resets_at: renews },
    }
  }

  #budgetDetails(budget: KeyBudget) {
    return {
      limit: 'budget',
      scope: this.scope,
      amount_micros: budget.amountMicros,
      spent_micros: this.spentMicros,
      period: budget.period,
    }
  }
}

/** Days and months are UTC. */
export function periodOf(
  period: KeyBudget['period'],
  now: number,
): { name: string; endsAt: number; fromDay: string | null } {
  const date = new Date(now)
  switch (period) {
    case 'total':
      return { name: 'total', endsAt: Number.POSITIVE_INFINITY, fromDay: null }
    case 'day':
      return {
        name: dayOf(now),
        endsAt: Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 1),
        fromDay: dayOf(now),
      }
    case 'month':
      return {
        name: dayOf(now).slice(0, 7),
        endsAt: Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1),
        fromDay: `${dayOf(now).slice(0, 7)}-01`,
      }
  }
}

/** All or nothing: a call takes from every meter or from none, and the refusal names the limit. */
export class Admission {
  readonly #holds: { meter: Meter; hold: Hold }[] = []

  static admit(
    meters: readonly Meter[],
    now: number,
    estimate: Estimate,
  ): { ok: true; admission: Admission } | { ok: false; refusal: Refusal; meter: Meter } {
    for (const meter of meters) {
      const refusal = meter.refusal(now, estimate)
      if (refusal) return { ok: false, refusal, meter }
    }
    const admission = new Admission()
    for (const meter of meters) admission.#holds.push({ meter, hold: meter.take(now, estimate) })
    return { ok: true, admission }
  }

  /** Once; further calls do nothing. */
  settle(now: number, used: Estimate): void {
    for (const { meter, hold } of this.#holds.splice(0)) meter.settle(hold, now, used)
  }
}

function bucket(old: Bucket | null, perMinute: number | undefined, now: number): Bucket | null {
  if (perMinute === undefined) return null
  if (!old) return { perMinute, level: perMinute, at: now }
  return { perMinute, level: Math.min(old.level, perMinute), at: old.at }
}

function refill(bucket: Bucket, now: number): void {
  const passed = now - bucket.at
  if (passed > 0)
    bucket.level = Math.min(bucket.perMinute, bucket.level + (passed * bucket.perMinute) / 60_000)
  bucket.at = now // a clock that went back costs nobody anything
}

function limitRefusal(
  reason: 'requests_limit' | 'tokens_limit',
  scope: string,
  bucket: Bucket,
  wanted: number,
): Refusal {
  const retryAfterMs = Math.ceil(((wanted - bucket.level) * 60_000) / bucket.perMinute)
  return {
    reason,
    values: { limit: bucket.perMinute, scope },
    details: {
      limit: reason === 'requests_limit' ? 'requests_per_minute' : 'tokens_per_minute',
      scope,
      amount: bucket.perMinute,
      retry_after_ms: retryAfterMs,
    },
    retryAfterMs,
  }
}

function bucketHeaders(name: string, bucket: Bucket, now: number, out: string[]): void {
  refill(bucket, now)
  out.push(
    `x-ratelimit-limit-${name}`,
    String(bucket.perMinute),
    `x-ratelimit-remaining-${name}`,
    String(Math.max(0, Math.floor(bucket.level))),
    `x-ratelimit-reset-${name}`,
    duration(((bucket.perMinute - bucket.level) * 60_000) / bucket.perMinute),
  )
}

/** OpenAI's spelling: `12ms`, `1.5s`, `6m0s`. */
export function duration(ms: number): string {
  const whole = Math.ceil(ms)
  if (whole < 1_000) return `${whole}ms`
  if (whole < 60_000) return `${Math.round(whole / 100) / 10}s`
  return `${Math.floor(whole / 60_000)}m${Math.round((whole % 60_000) / 1_000)}s`
}
