import { second } from '#platform/clock/clock.ts'
import type { EventBus } from '#platform/events/events.ts'
import { every } from '#platform/jobs/every.ts'
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

  /** What calls run under, each credential once. */
  policies(): Policy[] {
    return [...new Map(this.#calls.map(({ policy }) => [credentialOf(policy), policy])).values()]
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

/** A key's policy is read anew now and then, a token's is one for as long as the token is known. */
const credentialOf = ({ digest, token }: Policy) => digest ?? token

const lookEveryMs = 30 * second

export type CutOff = {
  /** For ends that no event told of: whether what calls run under still works. */
  look(): Promise<void>
  stop(): Promise<void>
}

/** Ends running calls when what they run under ends. */
export function cutOffOnEvents(parts: {
  inFlight: InFlight
  policies: Pick<Policies, 'stands'>
  bus: EventBus
  log: Log
}): CutOff {
  const { inFlight, policies, bus, log } = parts

  /** `inDoubt`: what becomes of calls whose credential cannot be read. */
  async function judge(which: (policy: Policy) => boolean, inDoubt: 'end' | 'go on') {
    for (const policy of inFlight.policies().filter(which)) {
      const works = await policies.stands(policy).catch((error: unknown) => {
        const { credentialId } = policy
        log.error(
          { err: errorFields(error), credential_id: credentialId },
          'a credential in use cannot be read',
        )
        return inDoubt === 'go on'
      })
      const credential = credentialOf(policy)
      if (!works)
        inFlight.cutOff(
          (running) => credentialOf(running) === credential,
          policy.token ? 'revoked_token' : 'cut_off',
        )
    }
  }
  const look = () => judge(() => true, 'go on')

  const subscriptions = [
    bus.subscribe('account.changed', ({ accountId, allowed, epoch }) => {
      if (!allowed)
        inFlight.cutOff((policy) => policy.accountId === accountId, 'account_deactivated')
      else
        inFlight.cutOff(
          (policy) =>
            policy.accountId === accountId && policy.epoch !== null && policy.epoch < epoch,
          'revoked_token',
        )
    }),
    bus.subscribe('session.ended', ({ sessionId, reason }) => {
      if (reason === 'replaced') return // went on under a new id; what it allowed stays
      inFlight.cutOff((policy) => policy.sessionId === sessionId, 'revoked_token')
    }),
    bus.subscribe('grant.revoked', ({ grantId }) =>
      inFlight.cutOff((policy) => policy.grantId === grantId, 'revoked_token'),
    ),
    // It names a key alone; whether that still works is read.
    bus.subscribe(
      'key.changed',
      ({ keyId }) => void judge((policy) => policy.key?.id === keyId, 'end'),
    ),
    bus.subscribe('events.missed', () => void judge(() => true, 'end')),
  ]
  const job = every(lookEveryMs, 'running calls', log, look)
  return {
    look,
    stop() {
      for (const unsubscribe of subscriptions) unsubscribe()
      return job.stop()
    },
  }
}
