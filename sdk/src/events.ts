import type { DeathReason, Revocation } from './credentials/credential.ts'
import type { StoreUnavailable } from './errors/errors.ts'
import type { ErrorCode, Locale } from './errors/messages.ts'

/**
 * What the SDK tells about itself. One per change of state, not per call, and never with a secret:
 * safe to log and to count.
 */
export type AuthEvent = { account: string; at: number } & (
  | { type: 'refresh_started'; generation: number; urgent: boolean }
  | { type: 'refresh_done'; generation: number; tookMs: number; recovered: boolean }
  /** Somebody who shares the store was faster. */
  | { type: 'refresh_adopted'; generation: number }
  /** It failed for now; the old token stays in use and the next try comes at `retryAt`. */
  | { type: 'refresh_deferred'; generation: number; retryAt: number; because: string }
  /** This generation's refresh token was refused for good. */
  | {
      type: 'refresh_dead'
      generation: number
      reason: DeathReason
      revokedBecause: Revocation | null
    }
  | { type: 'save_failed'; generation: number; because: string }
  /** The store worked around trouble, such as a key service that is away. `account` is empty. */
  | { type: 'store_warning'; code: ErrorCode; message: string }
  | { type: 'signed_in'; generation: number }
  | { type: 'signed_out' }
)

/** An event before its account is named. */
export type EventOfAccount = AuthEvent extends infer Event
  ? Event extends AuthEvent
    ? Omit<Event, 'account'>
    : never
  : never

export type Listener = (event: AuthEvent) => void

/** A listener that throws must not stop a refresh: its error goes to the console, no further. */
export class Listeners {
  readonly #listeners = new Set<Listener>()

  add(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Seen by somebody in any case: where nobody listens, it goes to the console. */
  warn(warning: StoreUnavailable, at: number, locale: Locale): void {
    const { happened, next } = warning.words(locale)
    const message = `${happened} ${next}`
    if (this.#listeners.size === 0) console.warn(message)
    this.tell({ type: 'store_warning', account: '', code: warning.code, message, at })
  }

  tell(event: AuthEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        console.error('a Latchkey event listener failed', error)
      }
    }
  }
}
