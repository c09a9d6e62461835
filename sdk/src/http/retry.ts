import type { Clock } from '../platform/clock.ts'
import { retryAfterMs } from '../provider/redeem.ts'
import type { Refusal } from './refusal.ts'

/** What about a request decides whether it may be sent twice. */
export type Sendable = {
  /** GET, HEAD, OPTIONS, PUT, DELETE: twice is as good as once (RFC 9110 section 9.2.2). */
  idempotent: boolean
  /** It carries an `Idempotency-Key` that the API honours. */
  keyed: boolean
  /** Its body can be sent again; streams cannot. */
  replayable: boolean
}

const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])
export const isIdempotent = (method: string): boolean => idempotentMethods.has(method)

/**
 * Whether an answer is worth another try. A model call may bill twice, so a POST without key is
 * repeated only where the API says it did nothing: 429, 503, or `x-should-retry: true`.
 */
export function worthRetrying(
  response: Response,
  refusal: Refusal | null,
  { idempotent, keyed, replayable }: Sendable,
): boolean {
  if (!replayable) return false
  const told = response.headers.get('x-should-retry')
  if (told === 'true' || told === 'false') return told === 'true'
  switch (response.status) {
    case 429:
      return refusal?.kind === 'rate'
    case 503:
      return true
    case 408:
    case 500:
    case 502:
    case 504:
      return idempotent || keyed
    default:
      return false
  }
}

/** Whether a request that got no answer may be sent again. */
export const mayResend = (outcome: 'not-sent' | 'unknown', sendable: Sendable): boolean =>
  sendable.replayable && (outcome === 'not-sent' || sendable.idempotent || sendable.keyed)

/** What the API asks for, else full jitter under 0.5 s, 1 s, 2 s … 8 s. */
export function waitMs(
  headers: Headers | null,
  attempt: number,
  clock: Clock,
  fraction: number,
): number {
  const asked = headers ? retryAfterMs(headers, clock.now()) : null
  // A little after the asked moment, so that everybody who was told the same does not meet there.
  if (asked !== null) return asked * (1 + 0.05 * fraction)
  return Math.min(8_000, 500 * 2 ** attempt) * fraction
}

/**
 * Keeps retries to a tenth of the requests (and ten to begin with), so that an API in trouble is
 * not made worse by everybody's retries.
 */
export class RetryBudget {
  #left = 10

  earn(): void {
    this.#left = Math.min(10, this.#left + 0.1)
  }

  spend(): boolean {
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
