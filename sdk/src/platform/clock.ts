/**
 * The only source of time in the SDK. Wall time says when things expire across processes and
 * restarts; monotonic time is what a changed system clock cannot bend.
 */
export type Clock = {
  /** Milliseconds since the epoch, UTC. May jump. */
  now(): number
  /** Milliseconds since some start. Never goes back; may stand still while the machine sleeps. */
  monotonic(): number
  /**
   * Calls `fire` once after `ms` and answers how to cancel it. Keeps the process alive only with
   * `hold`, for waits that somebody awaits.
   */
  timer(ms: number, fire: () => void, hold?: 'hold'): () => void
}

const timerMsMax = 2 ** 31 - 1 // setTimeout fires at once above this

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(ms, fire, hold) {
    const timer: unknown = setTimeout(fire, Math.min(Math.max(0, ms), timerMsMax))
    if (hold === undefined) unref(timer)
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>)
  },
}

// Node's timers are objects that can be told not to hold the process; browsers' are numbers.
function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer)
    (timer as { unref(): void }).unref()
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const settle = (then: () => void) => {
      cancel()
      signal?.removeEventListener('abort', aborted)
      then()
    }
    const aborted = () => settle(() => reject(signal?.reason))
    const cancel = clock.timer(ms, () => settle(resolve), 'hold')
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

/** `promise`, or the signal's reason once it is aborted. The work behind `promise` goes on. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason)
    signal.addEventListener('abort', aborted, { once: true })
    // Always listened to: work whose only caller has left may fail without ending the process.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
    if (signal.aborted) aborted()
  })
}
