import type { Binding, Credential } from '../credentials/credential.ts'
import { storeError } from '../credentials/store.ts'
import type { LatchkeyError } from '../errors/errors.ts'
import type { EventOfAccount } from '../events.ts'
import { failureText } from '../provider/wire.ts'
import { neededMs, type TokenOptions } from './demand.ts'
import type { Held } from './held.ts'
import type { Holding } from './holding.ts'
import { type Failure, Pacing } from './pacing.ts'
import { type Renewal, type RenewDeps, renew } from './renew.ts'
import { Rescue } from './rescue.ts'

export type RenewalsDeps = Omit<RenewDeps, 'started'> & {
  /** Renew by a timer although nobody asks. The timer never keeps a process alive. */
  background: boolean
}

const turnWaitMs = 60_000 // for the lock; its holder may be retrying a lost reply three times

/**
 * The renewals of one credential in this process: one at a time whoever asks, in the store's turn, and
 * by a timer when nobody does. What comes of them goes into the holding, and is told.
 */
export class Renewals {
  readonly #binding: Binding
  readonly #deps: RenewalsDeps
  readonly #holding: Holding
  readonly #tell: (event: EventOfAccount) => void
  readonly #closing = new AbortController()
  readonly #rescue: Rescue
  readonly pacing: Pacing
  #flight: Promise<void> | null = null
  #cancelTimer = () => {}

  constructor(
    binding: Binding,
    deps: RenewalsDeps,
    holding: Holding,
    tell: (event: EventOfAccount) => void,
  ) {
    this.#binding = binding
    this.#deps = deps
    this.#holding = holding
    this.#tell = tell
    this.pacing = new Pacing(deps.clock, deps.random)
    this.#rescue = new Rescue(binding, deps, holding, () => this.changed())
  }

  get running(): boolean {
    return this.#flight !== null
  }

  /** Holds what is stored now, and sets the timer for it. */
  hold(credential: Credential): void {
    this.#holding.hold(credential)
    this.#arm()
  }

  /** Nothing is stored any more. */
  drop(): void {
    this.#holding.drop()
    this.#cancelTimer()
    this.#rescue.cancel()
    this.pacing.settled()
  }

  /** Signed out, here or by somebody who shares the store. */
  gone(): void {
    this.drop()
    this.#tell({ type: 'signed_out', at: this.#deps.clock.now() })
  }

  /**
   * Somebody else has changed what is stored: take it over at once rather than at the next renewal. A
   * renewal under way finds out by itself. A store that cannot be read now changes nothing.
   */
  async changed(): Promise<void> {
    const seen = this.#holding.held
    const stored = await this.#deps.store.load(this.#binding).catch(() => null)
    if (this.running || this.#holding.held !== seen || stored === null) return
    if (stored.state === 'absent' && seen !== null) this.gone()
    if (stored.state !== 'present') return
    const { credential } = stored
    const { generation } = credential
    const news = seen?.access !== credential.tokens.accessToken.reveal()
    // An intent is news, too, but not for us: its writer is at work.
    if (!news || credential.intent !== null) return
    this.hold(credential)
    this.pacing.settled()
    const type = seen === null ? 'signed_in' : 'refresh_adopted'
    this.#tell({ type, generation, at: this.#deps.clock.now() })
  }

  /** Stops timers and waits for a renewal under way, so that nothing is cut off in the middle. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException('closed', 'AbortError'))
    this.#cancelTimer()
    this.#holding.close()
    await this.#flight?.catch(() => {})
    await this.#rescue.close()
  }

  /** Starts a renewal if one is due and nothing speaks against it. Nobody waits for it. */
  behind(): void {
    const { held } = this.#holding
    if (this.#flight !== null || this.#closing.signal.aborted) return
    if (held === null || !this.#holding.due(held)) return
    if (this.pacing.isWaiting) return
    this.renew({}).catch(() => {}) // told as an event; the old token stays in use
  }

  /** One renewal at a time in this process, whoever asks. */
  renew(options: TokenOptions): Promise<void> {
    const { stale } = options
    if (this.#flight !== null) return this.#flight
    const { lastError } = this.pacing
    if (stale === undefined && lastError && this.pacing.isWaiting) return Promise.reject(lastError)
    if (stale !== undefined) this.pacing.forced()
    const flight = this.#once(options).finally(() => {
      this.#flight = null
      this.#arm()
    })
    this.#flight = flight
    return flight
  }

  async #once(options: TokenOptions): Promise<void> {
    const { clock, store, voice } = this.#deps
    const holding = this.#holding
    const begun = clock.monotonic()
    const before = holding.held
    const urgent = before === null || before.left.leftMs() <= before.lastMomentsMs
    const started = (generation: number) =>
      this.#tell({ type: 'refresh_started', generation, urgent, at: clock.now() })
    const wanted = (credential: Credential) => {
      const held = holding.measure(credential)
      return (
        held.access === options.stale ||
        held.left.leftMs() <= neededMs(held, options) ||
        holding.due(held)
      )
    }
    const patience = new AbortController()
    const cancel = clock.timer(turnWaitMs, () =>
      patience.abort(new DOMException('another process holds the lock', 'TimeoutError')),
    )
    let result: Renewal
    try {
      result = await store.exclusive(
        this.#binding,
        async () => {
          cancel()
          await this.#rescue.save()
          return renew({ ...this.#deps, started }, this.#binding, wanted)
        },
        AbortSignal.any([this.#closing.signal, patience.signal]),
      )
    } catch (error) {
      cancel()
      const cause = storeError(error, voice)
      this.#defer(cause)
      throw cause
    }
    this.#conclude(result, before, clock.monotonic() - begun)
  }

  #conclude(result: Renewal, before: Held | null, tookMs: number): void {
    const at = this.#deps.clock.now()
    switch (result.outcome) {
      case 'renewed': {
        const { credential, recovered } = result
        const { generation } = credential
        this.hold(credential)
        this.pacing.settled()
        this.#tell({ type: 'refresh_done', generation, tookMs, recovered, at })
        return
      }
      case 'adopted': {
        const { credential } = result
        const news = before?.access !== credential.tokens.accessToken.reveal()
        this.hold(credential)
        this.pacing.settled()
        if (news) this.#tell({ type: 'refresh_adopted', generation: credential.generation, at })
        return
      }
      case 'dead': {
        const { credential, justNow } = result
        const { dead, generation } = credential
        this.hold(credential)
        this.pacing.settled()
        if (justNow && dead)
          this.#tell({
            type: 'refresh_dead',
            generation,
            reason: dead.reason,
            revokedBecause: dead.revokedBecause,
            at,
          })
        return
      }
      case 'unsaved': {
        const { credential, revision } = result
        const error = storeError(result.error, this.#deps.voice)
        const because = failureText(result.error)
        this.#holding.unsaved = { held: this.#holding.measure(credential), revision }
        this.#tell({ type: 'save_failed', generation: credential.generation, because, at })
        this.#defer(error)
        this.#rescue.soon()
        throw error
      }
      case 'deferred': {
        const { error, retryAfterMs, doubtful } = result
        // With its intent it is due at once, though the renewal was asked for before its time.
        if (doubtful !== null) this.hold(doubtful)
        const doubtSinceMs = doubtful?.intent ? Math.max(0, at - doubtful.intent.at) : null
        this.#defer(error, { retryAfterMs, doubtSinceMs })
        throw error
      }
      case 'absent':
        this.drop()
        throw this.#holding.signInRequired()
      case 'damaged': {
        // The token in memory was good before the file broke, and stays so until it expires.
        this.#holding.damage = result.detail
        const error = this.#holding.signInRequired()
        this.#defer(error)
        throw error
      }
      default:
        result satisfies never
    }
  }

  #defer(error: LatchkeyError, failure: Failure = {}): void {
    const { clock } = this.#deps
    const { held } = this.#holding
    const wait = this.pacing.failed(error, held?.left.leftMs() ?? 0, failure)
    const at = clock.now()
    this.#tell({
      type: 'refresh_deferred',
      generation: held?.credential.generation ?? 0,
      retryAt: at + wait,
      because: error.code,
      at,
    })
  }

  /** Sets the timer that ends the quiet time, and renews although nobody asks. */
  #arm(): void {
    this.#cancelTimer()
    const { held } = this.#holding
    if (this.#closing.signal.aborted || held === null) return
    if (!held.quiet && !this.#holding.renewable(held)) return
    const { clock, background } = this.#deps
    const next = held.quiet ? held.quietUntilMonotonic : this.pacing.retryAt
    if (!Number.isFinite(next) || (!held.quiet && !background)) return
    this.#cancelTimer = clock.timer(next - clock.monotonic(), () => {
      held.quiet = clock.monotonic() < held.quietUntilMonotonic // a long time comes in several timers
      this.#holding.endGlance()
      if (!held.quiet && background) this.behind()
      if (this.#flight === null && (held.quiet || background)) this.#arm()
    })
  }
}
