/**
 * The only source of wall time. Instants are integer milliseconds since the epoch, UTC.
 * Everything that expires takes a `Clock`, so that tests move time instead of sleeping.
 */
export type Clock = { now(): number }

export const systemClock: Clock = { now: () => Date.now() }

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** RFC 3339 with milliseconds, the form of every time in the JSON API. */
export const rfc3339 = (at: number): string => new Date(at).toISOString()

/** Same, for instants that may be absent. */
export const rfc3339OrNull = (at: number | null): string | null =>
  at === null ? null : rfc3339(at)
