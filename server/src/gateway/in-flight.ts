import type { EventBus } from '#platform/events/events.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import type { Call } from './call.ts'
import type { Policies } from './policies.ts'
import type { Policy } from './policy.ts'
import type { Reason } from './refusal.ts'

/**
 * All calls that run now. Whatever ends a credential ends its running calls too: they are looked
 * through when it happens, which is rare, so that a call costs one insertion and one removal.
 *
 * A list in which each call knows its seat, and not a Set: a Set that calls pass through is rebuilt
 * every few calls, its old tables point at the calls of their time and at the next table, and one
 * such table in the old generation keeps all later ones, with every call, from being collected young.
 */
export class InFlight {
  readonly #calls: Call[] = []
  #whenIdle: (() => void)[] = []

  add(call: Call): void {
    call.seat = this.#calls.push(call) - 1
  }

  /** Nothing happens when it has left already. */
  delete(call: Call): void {
    const { seat } = call
    if (seat < 0) return
    call.seat = -1
    const last = this.#calls.pop() as Call
    if (last !== call) {
      this.#calls[seat] = last
      last.seat = seat
    }
    if (this.#calls.length > 0) return
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  get size(): number {
    return this.#calls.length
  }

  cutOff(test: (policy: Policy) => boolean, reason: Reason): void {
    for (const call of [...this.#calls]) if (test(call.policy)) call.cutOff(reason)
  }

  /** Digests of the key secrets that running calls came with; of one key, or of all (null). */
  digestsOf(keyId: string | null): Set<string> {
    const digests = new Set<string>()
    for (const { policy } of this.#calls)
      if (policy.digest && (keyId === null || policy.credentialId === keyId))
        digests.add(policy.digest)
    return digests
  }

  /** True once nothing runs, false when that takes longer than `deadlineMs`. */
  async idle(deadlineMs: number): Promise<boolean> {
    if (this.#calls.length === 0) return true
    let timer: NodeJS.Timeout | undefined
    const idle = new Promise<boolean>((resolve) => {
      this.#whenIdle.push(() => resolve(true))
      timer = setTimeout(() => resolve(false), deadlineMs)
    })
    return idle.finally(() => clearTimeout(timer))
  }
}

/** Ends running calls when what they run under ends. Returns how to stop listening. */
export function cutOffOnEvents(parts: {
  inFlight: InFlight
  policies: Policies
  bus: EventBus
  now(): number
  log: Log
}): () => void {
  const { inFlight, policies, bus } = parts

  /** An event names a key alone, or says that events were lost (null); whether it still works is read, and when that fails it does not. */
  async function judgeKeys(keyId: string | null): Promise<void> {
    for (const digest of inFlight.digestsOf(keyId)) {
      const policy = await policies.reread(digest).catch((error) => {
        parts.log.error({ err: errorFields(error), key_id: keyId }, 'a changed key cannot be read')
        return null
      })
      const works = policy?.enabled && policy.accountMayCall && parts.now() < policy.expiresAt
      if (!works) inFlight.cutOff((running) => running.digest === digest, 'cut_off')
    }
  }

  const subscriptions = [
    bus.subscribe('account.changed', ({ accountId, allowed, epoch }) => {
      if (!allowed)
        inFlight.cutOff((policy) => policy.accountId === accountId, 'account_deactivated')
      else
        inFlight.cutOff(
          (policy) =>
            policy.accountId === accountId && policy.epoch !== null && policy.epoch < epoch,
          'cut_off',
        )
    }),
    bus.subscribe('session.ended', ({ sessionId, reason }) => {
      if (reason === 'replaced') return // went on under a new id; what it allowed stays
      inFlight.cutOff((policy) => policy.sessionId === sessionId, 'cut_off')
    }),
    bus.subscribe('grant.revoked', ({ grantId }) =>
      inFlight.cutOff((policy) => policy.grantId === grantId, 'cut_off'),
    ),
    bus.subscribe('key.changed', ({ keyId }) => void judgeKeys(keyId)),
    bus.subscribe('events.missed', () => void judgeKeys(null)),
  ]
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe()
  }
}
