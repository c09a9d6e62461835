import type { Clock } from '#platform/clock/clock.ts'
import { second } from '#platform/clock/clock.ts'

/** Something made to be presented once. Times are milliseconds. */
export type OneTime = {
  /** Names it without telling it: a digest, at most 64 characters. */
  id: string
  /** It cannot have been made, and so not presented, before this. */
  bornAt: number
  /** From then on it is refused for its age anyway. */
  until: number
}

/** `too_old`: whether it was presented before is no longer known, so take it for presented. */
export type Presented = 'first' | 'seen' | 'too_old'

/**
 * Remembers what was presented until it is too old to be presented. Of any number at once exactly
 * one is `first`. Modes: in this process (below), or for all nodes (`redis-replay.ts`).
 */
export type ReplayMemory = { present(one: OneTime): Presented | Promise<Presented> }

/** A memory of its own for each name, so that a flood of one kind pushes nothing out of another. */
export type ReplayMemories = {
  open(name: string): ReplayMemory
  close(): void
}

const bucketMs = 10 * second

/**
 * In memory, about 60 bytes each, at most `capacity`. Full, it forgets those that would have ended
 * first and from then on calls everything that ends no later than they `too_old`: the door narrows,
 * it never opens. The same for what was made before this process began to remember.
 */
export function memoryReplay(clock: Clock, capacity = 250_000): ReplayMemory {
  const since = clock.now()
  /** Ids by the moment their bucket ends. */
  const buckets = new Map<number, Set<string>>()
  let size = 0
  let forgottenUntil = 0

  const forget = (end: number) => {
    size -= buckets.get(end)?.size ?? 0
    buckets.delete(end)
  }
  return {
    present({ id, bornAt, until }) {
      const now = clock.now()
      for (const end of buckets.keys()) if (end <= now) forget(end)
      for (const ids of buckets.values()) if (ids.has(id)) return 'seen'
      if (size >= capacity) {
        forgottenUntil = Math.max(forgottenUntil, Math.min(...buckets.keys()))
        forget(forgottenUntil)
      }
      if (bornAt < since || until <= Math.max(now, forgottenUntil)) return 'too_old'
      const end = (Math.floor(until / bucketMs) + 1) * bucketMs
      const ids = buckets.get(end) ?? new Set()
      buckets.set(end, ids.add(id))
      size++
      return 'first'
    },
  }
}

/** One node: each name has a memory of its own in this process. */
export const memoryReplays = (clock: Clock): ReplayMemories => ({
  open: () => memoryReplay(clock),
  close() {},
})
