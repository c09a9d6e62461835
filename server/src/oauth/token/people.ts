import { type Clock, second } from '#platform/clock/clock.ts'
import type { EventBus } from '#platform/events/events.ts'

/** Within this every node has to know of a change (docs/architecture.md, "Cut off now"). */
const rememberedMs = 1 * second
const peopleMax = 5_000

/**
 * The people behind grants, as they were at most a second ago: one who asks for tokens all the time is
 * read once a second, and again at once when something about the account changes. Nobody is
 * remembered as missing.
 */
export function rememberedPeople<P>({
  find,
  clock,
  bus,
}: {
  find(id: string): Promise<P | null>
  clock: Clock
  bus: EventBus
}): (id: string) => Promise<P | null> {
  const people = new Map<string, { person: P; until: number }>()
  let generation = 0
  bus.subscribe('account.changed', ({ accountId }) => {
    generation++
    people.delete(accountId)
  })
  bus.subscribe('events.missed', () => {
    generation++
    people.clear()
  })
  return async (id) => {
    const known = people.get(id)
    if (known && clock.now() < known.until) return known.person
    const before = generation
    const person = await find(id)
    // A change that came in while we read is not to be hidden by what we read before it.
    if (person !== null && before === generation) {
      if (people.size >= peopleMax) people.clear()
      people.set(id, { person, until: clock.now() + rememberedMs })
    }
    return person
  }
}
