import { day, minute, second } from '#platform/clock/clock.ts'

/** Nobody is asked more than once a minute, and nobody is believed longer than a day. */
export const freshness = { leastMs: minute, usualMs: 10 * minute, mostMs: day } as const

/**
 * How long a document needs no second look, by its `Cache-Control` and `Age` (RFC 9111 section 4.2)
 * within our bounds. Without any it is ten minutes.
 */
export function freshForMs(headers: Readonly<Record<string, string>>): number {
  const control = (headers['cache-control'] ?? '').toLowerCase()
  if (/(?:^|,)\s*no-(?:store|cache)\b/.test(control)) return freshness.leastMs
  const maxAge = /(?:^|,)\s*max-age\s*=\s*"?(\d{1,10})"?/.exec(control)?.[1]
  if (maxAge === undefined) return freshness.usualMs
  const age = /^\d{1,10}$/.test(headers.age ?? '') ? Number(headers.age) : 0
  const left = (Number(maxAge) - age) * second
  return Math.min(freshness.mostMs, Math.max(freshness.leastMs, left))
}
