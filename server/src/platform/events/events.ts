/**
 * What rooms tell each other. One list, so that a reader sees every fact that crosses a wall.
 * Events carry ids, never content: whoever needs more asks the owning room. They are sent after the
 * write has committed, and a lost event may cost freshness, never safety: every cache has its own
 * short life besides.
 */
export type LatchkeyEvent =
  /** Standing or epoch moved: whoever holds something of this account re-reads or drops it now. */
  | { type: 'account.changed'; accountId: string; epoch: number; allowed: boolean }
  | {
      type: 'session.ended'
      sessionId: string
      accountId: string
      deviceId: string
      /** A `replaced` session went on under a new id on the same device; apps it allowed stay. */
      reason: string
    }
  | { type: 'grant.revoked'; grantId: string; accountId: string; clientId: string }
  | { type: 'client.changed'; clientId: string }
  | { type: 'key.changed'; keyId: string; projectId: string; organizationId: string }
  | { type: 'project.changed'; projectId: string; organizationId: string }
  | { type: 'organization.changed'; organizationId: string }
  /** This node may have missed events of others: drop what is cached. Never leaves the node. */
  | { type: 'events.missed' }

export type EventType = LatchkeyEvent['type']

/** Every type with the ids it carries: what comes from another node is checked against it. */
const eventShape: Record<EventType, readonly string[]> = {
  'account.changed': ['accountId'],
  'session.ended': ['sessionId', 'accountId', 'deviceId'],
  'grant.revoked': ['grantId', 'accountId', 'clientId'],
  'client.changed': ['clientId'],
  'key.changed': ['keyId', 'projectId', 'organizationId'],
  'project.changed': ['projectId', 'organizationId'],
  'organization.changed': ['organizationId'],
  'events.missed': [],
}

export function isLatchkeyEvent(value: unknown): value is LatchkeyEvent {
  if (typeof value !== 'object' || value === null) return false
  const event = value as Record<string, unknown>
  if (typeof event.type !== 'string' || !Object.hasOwn(eventShape, event.type)) return false
  return eventShape[event.type as EventType].every((field) => typeof event[field] === 'string')
}
export type EventOf<T extends EventType> = Extract<LatchkeyEvent, { type: T }>

export type EventBus = {
  /** Delivers to every listener of every node. Local listeners have run when this returns. */
  publish(event: LatchkeyEvent): void
  subscribe<T extends EventType>(type: T, listener: (event: EventOf<T>) => void): () => void
  close(): Promise<void>
}

/** The embedded bus: a direct call. A listener that throws is reported and does not stop the others. */
export function inProcessBus(onError: (error: unknown, event: LatchkeyEvent) => void): EventBus {
  const listeners = new Map<EventType, Set<(event: never) => void>>()
  return {
    publish(event) {
      for (const listener of listeners.get(event.type) ?? []) {
        try {
          listener(event as never)
        } catch (error) {
          onError(error, event)
        }
      }
    },
    subscribe(type, listener) {
      const set = listeners.get(type) ?? new Set()
      listeners.set(type, set)
      set.add(listener)
      return () => set.delete(listener)
    },
    close: async () => listeners.clear(),
  }
}
