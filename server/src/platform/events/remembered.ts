import type { Clock } from '#platform/clock/clock.ts'

/**
 * What is read again and again, as it was at most `forMs` ago, and read afresh at once when an event
 * speaks of it (`forget`) or events were lost (`forgetAll`). What is not there is asked for each time.
 * Holds at most `max`, and forgets all of them when there are more.
 */
export function remembered<T>({
  find,
  forMs,
  max,
  clock,
}: {
  find(id: string): Promise<T | null>
  forMs: number
  max: number
  clock: Clock
}) {
  const known = new Map<string, { value: T; until: number }>()
  let generation = 0
  return {
    async get(id: string): Promise<T | null> {
      const kept = known.get(id)
      if (kept && clock.now() < kept.until) return kept.value
      const before = generation
      const value = await find(id)
      // A change that came in while we read is not to be hidden by what we read before it.
      if (value !== null && before === generation) {
        if (known.size >= max) known.clear()
        known.set(id, { value, until: clock.now() + forMs })
      }
      return value
    },
    /** Changes what is remembered, where something is. */
    update(id: string, change: (value: T) => T): void {
      const kept = known.get(id)
      if (kept) kept.value = change(kept.value)
    },
    forget(id: string): void {
      generation++
      known.delete(id)
    },
    forgetAll(): void {
      generation++
      known.clear()
    },
  }
}
