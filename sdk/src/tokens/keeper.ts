import type { Binding, Credential, ProofKey, TokenSet } from '../credentials/credential.ts'
import { storeError } from '../credentials/store.ts'
import { type LatchkeyError, SignInRequired } from '../errors/errors.ts'
import type { EventOfAccount, Listeners } from '../events.ts'
import { orAborted } from '../platform/clock.ts'
import { isBound } from '../provider/proofs.ts'
import { failureText } from '../provider/wire.ts'
import { Glance } from './glance.ts'
import { type Held, isQuiet, measure } from './held.ts'
import type { EarlyWindow } from './lifetime.ts'
import { type Failure, Pacing } from './pacing.ts'
import { type Renewal, type RenewDeps, renew } from './renew.ts'
import { endSignIn, saveSignIn } from './sign-in.ts'

export type KeeperDeps = Omit<RenewDeps, 'started'> & {
  early: EarlyWindow
  /** Renew by a timer although nobody asks. The timer never keeps a process alive. */
  background: boolean
  listeners: Listeners
  forget(key: ProofKey): Promise<void>
}

export type TokenOptions = {
  /** A token the API has refused: anything but this one is wanted. Still one refresh for all callers. */
  stale?: string
  /** Milliseconds the token must still live, such as for a long stream. Default: its last moments. */
  minLifeMs?: number
  /** Ends this wait. The shared refresh goes on for the others. */
  signal?: AbortSignal
}

const saveAgainMs = 5_000
const turnWaitMs = 60_000 // for the lock; its holder may be retrying a lost reply three times

/**
 * Keeps one credential fresh and hands out its access token.
 *
 * Early window: the old token is handed out at once and one renewal runs behind. Last moments and
 * after: callers wait for that one renewal. A failed renewal leaves the old token in use until it
 * expires. All callers in the process share one renewal; all processes share the store's turn.
 */
export class Keeper {
  readonly #binding: Binding
  readonly #deps: KeeperDeps
  readonly #share: number
  readonly #pacing: Pacing
  readonly #glance: Glance
  readonly #closing = new AbortController()
  #held: Held | null = null
  #damage: string | null = null
  #loading: Promise<void> | null = null
  #flight: Promise<void> | null = null
  #unsaved: { held: Held; revision: number | null } | null = null
  #cancelTimer = () => {}
  #cancelSave = () => {}

  constructor(binding: Binding, deps: KeeperDeps) {
    this.#binding = binding
    this.#deps = deps
    this.#share = deps.random.fraction()
    this.#pacing = new Pacing(deps.clock, deps.random)
    this.#glance = new Glance(deps.clock)
  }

  /**
   * The access token at hand without waiting, or null. Starts a renewal behind if one is due. Mostly
   * without a look at the clock: see `Glance`. `token()` always looks.
   */
  peek(): string | null {
    return this.#glance.take() ?? this.#look()
  }

  #look(): string | null {
    const held = this.#held
    if (held === null) return null
    // The wall clock alone, which is the cheaper one; the timer watches the other.
    const quietMs = held.quiet ? held.quietUntilWall - this.#deps.clock.now() : 0
    if (quietMs > 0) {
      if (!this.#closing.signal.aborted) this.#glance.allow(held, quietMs)
      return held.access
    }
    if (held.left.leftMs() <= 0) return null
    this.#renewBehind()
    return held.access
  }

  /** A living access token. Waits only when there is none, or in the last moments of the old one. */
  token(options?: TokenOptions): Promise<string> {
    const held = this.#held
    if (options === undefined && held?.quiet && this.#deps.clock.now() < held.quietUntilWall)
      return held.promise
    return this.#awaitToken(options ?? {})
  }

  async #awaitToken(options: TokenOptions): Promise<string> {
    const { signal } = options
    signal?.throwIfAborted()
    if (this.#held === null) await orAborted(this.#load(), signal)
    const quick = this.#usable(options)
    if (quick !== null) {
      if (this.#due(quick)) this.#renewBehind()
      return quick.access
    }
    // Two rounds: the renewal we join may have begun before the token we name was found stale, and
    // for somebody who needed less life than we do.
    for (let round = 0; round < 2; round++) {
      const joined = this.#flight !== null
      try {
        await orAborted(this.#renew(options), signal)
      } catch (error) {
        if (signal?.aborted) throw error
        const alive = this.#alive(options.stale)
        if (alive !== null) return alive
        throw error
      }
      const renewed = this.#alive(options.stale) ?? this.#newest(options.stale)
      if (renewed !== null && (round > 0 || !joined || this.#lasts(options))) return renewed
    }
    // Some providers answer a refresh with the token they gave before: then it is not the sign-in that
    // is over, and whoever named it stale sees that nothing newer is to be had.
    const held = this.#held
    if (held !== null && this.#renewable(held) && held.left.leftMs() > 0) return held.access
    throw this.#signInRequired()
  }

  /** The key that `access` needs proofs by; null for a bearer token. */
  keyOf(access: string): ProofKey | null {
    for (const held of [this.#held, this.#unsaved?.held])
      if (held?.access === access)
        return isBound(held.credential.tokens) ? held.credential.tokens.proofKey : null
    return null
  }

  /** The credential at hand, read from the store when there is none yet. Null: not signed in. */
  async credential(): Promise<Credential | null> {
    await this.#load()
    return this.#held?.credential ?? null
  }

  /** Saves the set of a finished sign-in over whatever was there. */
  async signedIn(tokens: TokenSet): Promise<void> {
    await this.#withStore(() =>
      saveSignIn(this.#deps, this.#binding, tokens, (credential) => {
        this.#hold(credential)
        this.#pacing.settled()
        const at = this.#deps.clock.now()
        this.#tell({ type: 'signed_in', generation: credential.generation, at })
      }),
    )
  }

  /** Lets `end` tell the provider, then forgets the credential here and in the store. */
  signedOut<T>(end: (tokens: TokenSet) => Promise<T>): Promise<T | null> {
    return this.#withStore(() =>
      endSignIn(this.#deps, this.#binding, end, () => {
        this.#drop()
        this.#tell({ type: 'signed_out', at: this.#deps.clock.now() })
      }),
    )
  }

  /**
   * Somebody else has changed what is stored: take it over at once rather than at the next renewal. A
   * renewal under way finds out by itself. A store that cannot be read now changes nothing.
   */
  async changed(): Promise<void> {
    const seen = this.#held
    const stored = await this.#deps.store.load(this.#binding).catch(() => null)
    if (this.#flight !== null || this.#held !== seen || stored === null) return
    const at = this.#deps.clock.now()
    if (stored.state === 'absent' && seen !== null) {
      this.#drop()
      this.#tell({ type: 'signed_out', at })
    }
    if (stored.state !== 'present') return
    const { credential } = stored
    const { generation } = credential
    const news = seen?.access !== credential.tokens.accessToken.reveal()
    // An intent is news, too, but not for us: its writer is at work.
    if (!news || credential.intent !== null) return
    this.#hold(credential)
    this.#pacing.settled()
    this.#tell({ type: seen === null ? 'signed_in' : 'refresh_adopted', generation, at })
  }

  /** Stops timers and waits for a renewal under way, so that nothing is cut off in the middle. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException('closed', 'AbortError'))
    this.#cancelTimer()
    this.#glance.end()
    this.#cancelSave()
    await this.#flight?.catch(() => {})
    if (this.#unsaved !== null) await this.#saveNow().catch(() => {})
  }

  #load(): Promise<void> {
    this.#loading ??= this.#withStore(() => this.#deps.store.load(this.#binding))
      .then((stored) => {
        if (this.#held !== null) return
        this.#damage = stored.state === 'damaged' ? stored.detail : null
        if (stored.state === 'present') this.#hold(stored.credential)
      })
      .finally(() => {
        this.#loading = null
      })
    return this.#loading
  }

  /** What can be handed out without waiting. */
  #usable(options: TokenOptions): Held | null {
    const held = this.#held
    if (held === null) return null
    const left = held.left.leftMs()
    if (left <= 0) return null
    const refused = options.stale === held.access
    if (!refused && left > neededMs(held, options)) return held
    if (!this.#renewable(held)) return refused ? null : held
    if (refused) return this.#flight !== null || this.#pacing.mayForce ? null : held
    return this.#pacing.isWaiting ? held : null
  }

  #lasts(options: TokenOptions): boolean {
    const held = this.#held
    if (options.minLifeMs === undefined || held === null) return true
    return held.left.leftMs() > neededMs(held, options)
  }

  #alive(stale: string | undefined): string | null {
    for (const held of [this.#held, this.#unsaved?.held])
      if (held && held.access !== stale && held.left.leftMs() > 0) return held.access
    return null
  }

  /**
   * The token a renewal has just brought, although by our strict count it is over already: on a slow
   * line with very short lives that is no reason to ask a person. The API judges.
   */
  #newest(stale: string | undefined): string | null {
    const held = this.#held
    return held !== null && this.#renewable(held) && held.access !== stale ? held.access : null
  }

  #renewable({ credential }: Held): boolean {
    return (
      this.#deps.kind === 'mint' ||
      (credential.dead === null && credential.tokens.refreshToken !== null)
    )
  }

  #due(held: Held): boolean {
    return this.#renewable(held) && !isQuiet(held, this.#deps.clock)
  }

  #renewBehind(): void {
    const held = this.#held
    if (this.#flight !== null || this.#closing.signal.aborted) return
    if (held === null || !this.#due(held)) return
    if (this.#pacing.isWaiting) return
    this.#renew({}).catch(() => {}) // told as an event; the old token stays in use
  }

  /** One renewal at a time in this process, whoever asks. */
  #renew(options: TokenOptions): Promise<void> {
    const { stale } = options
    if (this.#flight !== null) return this.#flight
    const { lastError } = this.#pacing
    if (stale === undefined && lastError && this.#pacing.isWaiting) return Promise.reject(lastError)
    if (stale !== undefined) this.#pacing.forced()
    const flight = this.#renewOnce(options).finally(() => {
      this.#flight = null
      this.#arm()
    })
    this.#flight = flight
    return flight
  }

  async #renewOnce(options: TokenOptions): Promise<void> {
    const { clock, store } = this.#deps
    const begun = clock.monotonic()
    const before = this.#held
    const urgent = before === null || before.left.leftMs() <= before.lastMomentsMs
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
          await this.#saveUnsaved()
          return renew(
            {
              ...this.#deps,
              started: (generation) =>
                this.#tell({ type: 'refresh_started', generation, urgent, at: clock.now() }),
            },
            this.#binding,
            (credential) => {
              const held = this.#measure(credential)
              return (
                held.access === options.stale ||
                held.left.leftMs() <= neededMs(held, options) ||
                this.#due(held)
              )
            },
          )
        },
        AbortSignal.any([this.#closing.signal, patience.signal]),
      )
    } catch (error) {
      cancel()
      const cause = this.#storeError(error)
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
        this.#hold(credential)
        this.#pacing.settled()
        this.#tell({
          type: 'refresh_done',
          generation: credential.generation,
          tookMs,
          recovered,
          at,
        })
        return
      }
      case 'adopted': {
        const { credential } = result
        const news = before?.access !== credential.tokens.accessToken.reveal()
        this.#hold(credential)
        this.#pacing.settled()
        if (news) this.#tell({ type: 'refresh_adopted', generation: credential.generation, at })
        return
      }
      case 'dead': {
        const { credential, justNow } = result
        this.#hold(credential)
        this.#pacing.settled()
        if (justNow && credential.dead)
          this.#tell({
            type: 'refresh_dead',
            generation: credential.generation,
            reason: credential.dead.reason,
            revokedBecause: credential.dead.revokedBecause,
            at,
          })
        return
      }
      case 'unsaved': {
        const error = this.#storeError(result.error)
        this.#unsaved = { held: this.#measure(result.credential), revision: result.revision }
        this.#tell({
          type: 'save_failed',
          generation: result.credential.generation,
          because: failureText(result.error),
          at,
        })
        this.#defer(error)
        this.#saveSoon()
        throw error
      }
      case 'deferred': {
        const { error, retryAfterMs, doubtful } = result
        // With its intent it is due at once, though the renewal was asked for before its time.
        if (doubtful !== null) this.#hold(doubtful)
        const doubtSinceMs = doubtful?.intent ? Math.max(0, at - doubtful.intent.at) : null
        this.#defer(error, { retryAfterMs, doubtSinceMs })
        throw error
      }
      case 'absent':
        this.#drop()
        throw this.#signInRequired()
      case 'damaged': {
        // The token in memory was good before the file broke, and stays so until it expires.
        this.#damage = result.detail
        const error = this.#signInRequired()
        this.#defer(error)
        throw error
      }
      default:
        result satisfies never
    }
  }

  /** A set the store refused to take earlier: save it before anybody spends its predecessor again. */
  async #saveUnsaved(): Promise<void> {
    const unsaved = this.#unsaved
    if (unsaved === null) return
    const { credential } = unsaved.held
    await this.#deps.store.save(this.#binding, credential, unsaved.revision)
    this.#unsaved = null // saved, or overtaken: either way the store knows better now
  }

  /** Replay windows are short: while only this process has the new set, a crash would cost the sign-in. */
  #saveSoon(): void {
    this.#cancelSave()
    this.#cancelSave = this.#deps.clock.timer(saveAgainMs, () => {
      this.#saveNow().catch(() => {
        if (!this.#closing.signal.aborted) this.#saveSoon()
      })
    })
  }

  async #saveNow(): Promise<void> {
    await this.#deps.store.exclusive(this.#binding, () => this.#saveUnsaved())
    await this.changed()
  }

  #measure(credential: Credential): Held {
    const { clock, early } = this.#deps
    return measure(credential, { clock, early, share: this.#share, before: this.#held })
  }

  #hold(credential: Credential): void {
    this.#held = this.#measure(credential)
    this.#glance.end()
    this.#damage = null
    this.#arm()
  }

  #drop(): void {
    this.#held = null
    this.#unsaved = null
    this.#cancelTimer()
    this.#glance.end()
    this.#cancelSave()
    this.#pacing.settled()
  }

  #defer(error: LatchkeyError, failure: Failure = {}): void {
    const { clock } = this.#deps
    const wait = this.#pacing.failed(error, this.#held?.left.leftMs() ?? 0, failure)
    this.#tell({
      type: 'refresh_deferred',
      generation: this.#held?.credential.generation ?? 0,
      retryAt: clock.now() + wait,
      because: error.code,
      at: clock.now(),
    })
  }

  /** Sets the timer that ends the quiet time, and renews although nobody asks. */
  #arm(): void {
    this.#cancelTimer()
    const held = this.#held
    if (this.#closing.signal.aborted || held === null) return
    if (!held.quiet && !this.#renewable(held)) return
    const { clock, background } = this.#deps
    const next = held.quiet ? held.quietUntilMonotonic : this.#pacing.retryAt
    if (!Number.isFinite(next) || (!held.quiet && !background)) return
    this.#cancelTimer = clock.timer(next - clock.monotonic(), () => {
      held.quiet = clock.monotonic() < held.quietUntilMonotonic // a long time comes in several timers
      this.#glance.end()
      if (!held.quiet && background) this.#renewBehind()
      if (this.#flight === null && (held.quiet || background)) this.#arm()
    })
  }

  #signInRequired(): SignInRequired {
    const { account } = this.#binding
    const { voice } = this.#deps
    if (this.#damage !== null)
      return new SignInRequired('damaged', { account, detail: this.#damage }, voice)
    const dead = this.#held?.credential.dead
    if (dead) return new SignInRequired(dead.reason, { account, ...dead }, voice)
    return new SignInRequired(this.#held === null ? 'signed_out' : 'expired', { account }, voice)
  }

  async #withStore<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.#storeError(error)
    }
  }

  #storeError(error: unknown): LatchkeyError {
    return storeError(error, this.#deps.voice)
  }

  #tell(event: EventOfAccount): void {
    this.#deps.listeners.tell({ ...event, account: this.#binding.account })
  }
}

/**
 * How long a token has to live for this caller. A demand beyond half a life could never be met twice
 * and would refresh on every call.
 */
const neededMs = (held: Held, { minLifeMs = 0 }: TokenOptions): number =>
  Math.max(Math.min(minLifeMs, (held.credential.tokens.lifetimeMs ?? 0) / 2), held.lastMomentsMs)
