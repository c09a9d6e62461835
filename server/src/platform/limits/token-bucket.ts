import type { Clock } from '#platform/clock/clock.ts'

/** `burst` at once, refilled evenly over `perMs`. */
export type RateRule = { burst: number; perMs: number }

export type RateAnswer = { allowed: true } | { allowed: false; retryAfterSeconds: number }

/**
 * Counts attempts by name. Modes: this one holds its buckets in memory, exact on one node; on
 * several nodes each holds its own. Never throws, holds at most `capacity` buckets and forgets the
 * ones that are full again first.
 */
export type RateLimiter = {
  take(name: string, rule: RateRule): RateAnswer
  /**
   * Returns what `take` took, where only failures count: taken before the attempt, so that parallel
   * attempts cannot slip through, and given back after a success.
   */
  giveBack(name: string, rule: RateRule): void
}

export function memoryRateLimiter(clock: Clock, capacity = 100_000): RateLimiter {
  const buckets = new Map<string, { tokens: number; at: number; fullAt: number }>()
  const forget = (now: number) => {
    for (const [name, bucket] of buckets) if (bucket.fullAt <= now) buckets.delete(name)
    // Still full: an attacker with many addresses. Drop the oldest rather than refuse the newest.
    for (const name of buckets.keys()) {
      if (buckets.size < capacity) break
      buckets.delete(name)
    }
  }
  return {
    take(name, rule) {
      const now = clock.now()
      const perToken = rule.perMs / rule.burst
      const bucket = buckets.get(name)
      const tokens = bucket
        ? Math.min(rule.burst, bucket.tokens + Math.max(0, now - bucket.at) / perToken)
        : rule.burst
      if (tokens < 1)
        return { allowed: false, retryAfterSeconds: ((1 - tokens) * perToken) / 1_000 }
      if (!bucket && buckets.size >= capacity) forget(now)
      buckets.set(name, {
        tokens: tokens - 1,
        at: now,
        fullAt: now + (rule.burst - tokens + 1) * perToken,
      })
      return { allowed: true }
    },
    giveBack(name, rule) {
      const bucket = buckets.get(name)
      if (bucket) bucket.tokens = Math.min(rule.burst, bucket.tokens + 1)
    },
  }
}
