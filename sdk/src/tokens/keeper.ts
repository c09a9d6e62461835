import type { Binding, Credential, TokenSet } from '../credentials/credential.ts'
import { loadToReplace } from '../credentials/store.ts'
import { type LatchkeyError, SignInRequired, StoreUnavailable } from '../errors/errors.ts'
import type { AuthEvent, Listeners } from '../events.ts'
import { orAborted } from '../platform/clock.ts'
import { failureText } from '../provider/wire.ts'
import {
  backOffMs,
  type Countdown,
  countdown,
  type EarlyWindow,
  lastMomentsMs,
  renewAfterMs,
} from './lifetime.ts'
import { inscribe, type Renewal, type RenewDeps, renew } from './renew.ts'

export type KeeperDeps = Omit<RenewDeps, 'started'> & {
  early: EarlyWindow
  /** Renew by a timer although nobody asks. The timer never keeps a process alive. */
  background: boolean
  listeners: Listeners
}

export type TokenOptions = {
  /** A token the API has refused: anything but this one is wanted. Still one refresh for all callers. */
  stale?: string
  /** Milliseconds the token must still live, such as for a long stream. Default: its last moments. */
  minLifeMs?: number
  /** Ends this wait. The shared refresh goes on for the others. */
  signal?: AbortSignal
}

type Held = {
  credential: Credential
  access: string
  left: Countdown
  lastMomentsMs: number
  /** The token as `token()` answers it: one promise for all callers. */
  promise: Promise<string>
  /** True until a timer finds that the monotonic clock has left the quiet time. */
  quiet: boolean
  /** Until both of these, a token is handed out without a further thought. */
  quietUntilMonotonic: number
  quietUntilWall: number
}

const turnWaitMs = 60_000 // for the lock; its holder may be retrying a lost reply three times
const forcedMax = 3 // per minute: an API that refuses every token must not make a refresh storm

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
  readonly #closing = new AbortController()
  #held: Held | null = null
  #damage: string | null = null
  #loading: Promise<void> | null = null
  #flight: Promise<void> | null = null
  #unsaved: { held: Held; revision: number | null } | null = null
  #failures = 0
  #retryAt = 0 // monotonic
  #lastError: LatchkeyError | null = null
  #forcedAt: number[] = []
  #cancelTimer = () => {}

  constructor(binding: Binding, deps: KeeperDeps) {
    this.#binding = binding
    this.#deps = deps
    this.#share = deps.random.fraction()
  }

  /** The access token at hand without waiting, or null. Starts a renewal behind if one is due. */
  peek(): string | null {
    const held = this.#held
    if (held === null) return null
    // The wall clock alone, which is the cheaper one; the timer watches the other.
    if (held.quiet && this.#deps.clock.now() < held.quietUntilWall) return held.access
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
    // Two rounds: the renewal we join may have begun before the token we name was found stale.
    for (let round = 0; round < 2; round++) {
      try {
        await orAborted(this.#renew(options.stale), signal)
      } catch (error) {
        if (signal?.aborted) throw error
        const alive = this.#alive(options.stale)
        if (alive !== null) return alive
        throw error
      }
      const renewed = this.#alive(options.stale) ?? this.#newest(options.stale)
      if (renewed !== null) return renewed
    }
    throw this.#signInRequired()
  }

  /** The credential at hand, read from the store when there is none yet. Null: not signed in. */
  async credential(): Promise<Credential | null> {
    await this.#load()
    return this.#held?.credential ?? null
  }

  /** Saves the set of a finished sign-in over whatever was there. */
  async signedIn(tokens: TokenSet): Promise<void> {
    const { store, clock } = this.#deps
    await this.#withStore(() =>
      store.exclusive(this.#binding, async () => {
        const before = await loadToReplace(store, this.#binding)
        const old = before.state === 'present' ? before.credential : null
        const draft: Credential = {
          binding: this.#binding,
          generation: (old?.generation ?? 0) + 1,
          tokens,
          intent: null,
          dead: null,
          journal: old?.journal ?? [],
        }
        const credential = await inscribe(this.#deps, draft, 'signed-in')
        const revision = before.state === 'present' ? before.revision : null
        if ((await store.save(this.#binding, credential, revision)) === null)
          throw new Error('another process saved at the same moment')
        this.#hold(credential)
        this.#settled()
        this.#tell({ type: 'signed_in', generation: credential.generation, at: clock.now() })
      }),
    )
  }

  /**
   * Lets `end` tell the provider, then forgets the credential here and in the store, whatever came
   * of it. All in the store's turn: nobody renews a sign-in that is being ended.
   */
  async signedOut<T>(end: (tokens: TokenSet) => Promise<T>): Promise<T | null> {
    const { store, clock } = this.#deps
    return this.#withStore(() =>
      store.exclusive(this.#binding, async () => {
        const before = await loadToReplace(store, this.#binding)
        const ended = before.state === 'present' ? await end(before.credential.tokens) : null
        await store.remove(this.#binding, 'any')
        this.#drop()
        this.#tell({ type: 'signed_out', at: clock.now() })
        return ended
      }),
    )
  }

  /** Stops timers and waits for a renewal under way, so that nothing is cut off in the middle. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException('closed', 'AbortError'))
    this.#cancelTimer()
    await this.#flight?.catch(() => {})
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
    const { lifetimeMs } = held.credential.tokens
    // A demand beyond half a life could never be met twice and would refresh on every call.
    const demand = Math.min(options.minLifeMs ?? 0, (lifetimeMs ?? 0) / 2)
    const refused = options.stale === held.access
    if (!refused && left > Math.max(demand, held.lastMomentsMs)) return held
    if (!this.#renewable(held)) return refused ? null : held
    if (refused) return this.#mayForce() ? null : held
    return this.#deps.clock.monotonic() < this.#retryAt ? held : null
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

  #mayForce(): boolean {
    const now = this.#deps.clock.monotonic()
    this.#forcedAt = this.#forcedAt.filter((at) => now - at < 60_000)
    return this.#flight !== null || this.#forcedAt.length < forcedMax
  }

  #renewable({ credential }: Held): boolean {
    return (
      this.#deps.kind === 'mint' ||
      (credential.dead === null && credential.tokens.refreshToken !== null)
    )
  }

  #quiet(held: Held): boolean {
    const { clock } = this.#deps
    return clock.monotonic() < held.quietUntilMonotonic && clock.now() < held.quietUntilWall
  }

  #due(held: Held): boolean {
    return this.#renewable(held) && !this.#quiet(held)
  }

  #renewBehind(): void {
    const held = this.#held
    if (this.#flight !== null || this.#closing.signal.aborted) return
    if (held === null || !this.#due(held)) return
    if (this.#deps.clock.monotonic() < this.#retryAt) return
    this.#renew(undefined).catch(() => {}) // told as an event; the old token stays in use
  }

  /** One renewal at a time in this process, whoever asks. */
  #renew(stale: string | undefined): Promise<void> {
    if (this.#flight !== null) return this.#flight
    const now = this.#deps.clock.monotonic()
    if (now < this.#retryAt && this.#lastError && stale === undefined)
      return Promise.reject(this.#lastError)
    if (stale !== undefined) this.#forcedAt.push(now)
    const flight = this.#renewOnce(stale).finally(() => {
      this.#flight = null
      this.#arm()
    })
    this.#flight = flight
    return flight
  }

  async #renewOnce(stale: string | undefined): Promise<void> {
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
                held.access === stale || held.left.leftMs() <= held.lastMomentsMs || this.#due(held)
              )
            },
          )
        },
        AbortSignal.any([this.#closing.signal, patience.signal]),
      )
    } catch (error) {
      cancel()
      const cause = this.#storeError(error)
      this.#defer(cause, null)
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
        this.#settled()
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
        this.#settled()
        if (news) this.#tell({ type: 'refresh_adopted', generation: credential.generation, at })
        return
      }
      case 'dead': {
        const { credential, justNow } = result
        this.#hold(credential)
        this.#settled()
        if (justNow && credential.dead)
          this.#tell({
            type: 'refresh_dead',
            generation: credential.generation,
            reason: credential.dead.reason,
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
        this.#defer(error, 5_000)
        throw error
      }
      case 'deferred':
        this.#defer(result.error, result.retryAfterMs)
        throw result.error
      case 'absent':
        this.#drop()
        throw this.#signInRequired()
      case 'damaged': {
        // The token in memory was good before the file broke, and stays so until it expires.
        this.#damage = result.detail
        const error = this.#signInRequired()
        this.#defer(error, null)
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

  #measure(credential: Credential): Held {
    const { clock, early } = this.#deps
    const { tokens } = credential
    const access = tokens.accessToken.reveal()
    // The same token read again keeps its countdown: a clock set back meanwhile gives it no new life.
    const left = this.#held?.access === access ? this.#held.left : countdown(tokens, clock)
    const after = renewAfterMs(tokens, early, this.#share) ?? Number.POSITIVE_INFINITY
    // An open intent: somebody was cut off, and the provider's replay window is ticking.
    const quietMs = credential.intent === null ? after - left.ageMs() : 0
    return {
      credential,
      access,
      promise: Promise.resolve(access),
      quiet: quietMs > 0,
      left,
      lastMomentsMs: tokens.lifetimeMs === null ? 0 : lastMomentsMs(tokens.lifetimeMs),
      quietUntilMonotonic: clock.monotonic() + quietMs,
      quietUntilWall: clock.now() + quietMs,
    }
  }

  #hold(credential: Credential): void {
    this.#held = this.#measure(credential)
    this.#damage = null
    this.#arm()
  }

  #drop(): void {
    this.#held = null
    this.#unsaved = null
    this.#cancelTimer()
    this.#settled()
  }

  #settled(): void {
    this.#failures = 0
    this.#retryAt = 0
    this.#lastError = null
  }

  #defer(error: LatchkeyError, retryAfterMs: number | null): void {
    const { clock, random } = this.#deps
    const left = this.#held?.left.leftMs() ?? 0
    const own = backOffMs(left, this.#failures, random.fraction())
    const wait = Math.max(own, retryAfterMs ?? 0)
    this.#failures++
    this.#lastError = error
    this.#retryAt = clock.monotonic() + wait
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
    const next = held.quiet ? held.quietUntilMonotonic : this.#retryAt
    if (!Number.isFinite(next) || (!held.quiet && !background)) return
    this.#cancelTimer = clock.timer(next - clock.monotonic(), () => {
      held.quiet = clock.monotonic() < held.quietUntilMonotonic // a long time comes in several timers
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
    if (dead) return new SignInRequired(dead.reason, { account }, voice)
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
    if (error instanceof StoreUnavailable) return error // a key service says more than we could
    return new StoreUnavailable(
      'store_unavailable',
      { detail: failureText(error), cause: error },
      this.#deps.voice,
    )
  }

  #tell(event: EventWithoutAccount): void {
    this.#deps.listeners.tell({ ...event, account: this.#binding.account })
  }
}

type EventWithoutAccount = AuthEvent extends infer Event
  ? Event extends AuthEvent
    ? Omit<Event, 'account'>
    : never
  : never
