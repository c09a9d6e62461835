import type { Binding, Credential, ProofKey, TokenSet } from '../credentials/credential.ts'
import { storeError } from '../credentials/store.ts'
import type { EventOfAccount, Listeners } from '../events.ts'
import { orAborted } from '../platform/clock.ts'
import { isUsable, lasts, type TokenOptions } from './demand.ts'
import { Holding, type HoldingDeps } from './holding.ts'
import { Renewals, type RenewalsDeps } from './renewals.ts'
import { endSignIn, saveSignIn } from './sign-in.ts'

export type KeeperDeps = RenewalsDeps &
  HoldingDeps & {
    listeners: Listeners
    forget(key: ProofKey): Promise<void>
  }

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
  readonly #holding: Holding
  readonly #renewals: Renewals
  #loading: Promise<void> | null = null

  constructor(binding: Binding, deps: KeeperDeps) {
    this.#binding = binding
    this.#deps = deps
    this.#holding = new Holding(binding, deps)
    this.#renewals = new Renewals(binding, deps, this.#holding, (event) => this.#tell(event))
  }

  /**
   * The access token at hand without waiting, or null. Starts a renewal behind if one is due. Mostly
   * without a look at the clock: see `Glance`. `token()` always looks.
   */
  peek(): string | null {
    return this.#holding.glance() ?? this.#peekLate()
  }

  #peekLate(): string | null {
    const { held } = this.#holding
    if (held === null || held.left.leftMs() <= 0) return null
    this.#renewals.behind()
    return held.access
  }

  /** A living access token. Waits only when there is none, or in the last moments of the old one. */
  token(options?: TokenOptions): Promise<string> {
    const { held } = this.#holding
    if (options === undefined && held?.quiet && this.#deps.clock.now() < held.quietUntilWall)
      return held.promise
    return this.#awaitToken(options ?? {})
  }

  async #awaitToken(options: TokenOptions): Promise<string> {
    const { signal, stale } = options
    const holding = this.#holding
    signal?.throwIfAborted()
    if (holding.held === null) await orAborted(this.#load(), signal)
    const quick = this.#usable(options)
    if (quick !== null) {
      this.#renewals.behind()
      return quick
    }
    // Two rounds: the renewal we join may have begun before the token we name was found stale, and
    // for somebody who needed less life than we do.
    for (let round = 0; round < 2; round++) {
      const joined = this.#renewals.running
      try {
        await orAborted(this.#renewals.renew(options), signal)
      } catch (error) {
        if (signal?.aborted) throw error
        const alive = holding.alive(stale)
        if (alive !== null) return alive
        throw error
      }
      const renewed = holding.alive(stale) ?? holding.newest(stale)
      const enough = holding.held === null || lasts(holding.held, options)
      if (renewed !== null && (round > 0 || !joined || enough)) return renewed
    }
    // Some providers answer a refresh with the token they gave before: then it is not the sign-in that
    // is over, and whoever named it stale sees that nothing newer is to be had.
    const { held } = holding
    if (held !== null && holding.renewable(held) && held.left.leftMs() > 0) return held.access
    throw holding.signInRequired()
  }

  #usable(options: TokenOptions): string | null {
    const { held } = this.#holding
    if (held === null) return null
    const renewable = this.#holding.renewable(held)
    const { running: renewing, pacing } = this.#renewals
    return isUsable(held, options, { renewable, renewing, pacing }) ? held.access : null
  }

  /** The key that `access` needs proofs by; null for a bearer token. */
  keyOf(access: string): ProofKey | null {
    return this.#holding.keyOf(access)
  }

  /** The credential at hand, read from the store when there is none yet. Null: not signed in. */
  async credential(): Promise<Credential | null> {
    await this.#load()
    return this.#holding.held?.credential ?? null
  }

  /** Saves the set of a finished sign-in over whatever was there. */
  async signedIn(tokens: TokenSet): Promise<void> {
    await this.#withStore(() =>
      saveSignIn(this.#deps, this.#binding, tokens, (credential) => {
        this.#renewals.hold(credential)
        this.#renewals.pacing.settled()
        const at = this.#deps.clock.now()
        this.#tell({ type: 'signed_in', generation: credential.generation, at })
      }),
    )
  }

  /** Lets `end` tell the provider, then forgets the credential here and in the store. */
  signedOut<T>(end: (tokens: TokenSet) => Promise<T>): Promise<T | null> {
    return this.#withStore(() =>
      endSignIn(this.#deps, this.#binding, end, () => this.#renewals.gone()),
    )
  }

  /** Somebody else has changed what is stored. */
  changed(): Promise<void> {
    return this.#renewals.changed()
  }

  /** Stops timers and waits for a renewal under way, so that nothing is cut off in the middle. */
  close(): Promise<void> {
    return this.#renewals.close()
  }

  #load(): Promise<void> {
    this.#loading ??= this.#withStore(() => this.#deps.store.load(this.#binding))
      .then((stored) => {
        if (this.#holding.held !== null) return
        this.#holding.damage = stored.state === 'damaged' ? stored.detail : null
        if (stored.state === 'present') this.#renewals.hold(stored.credential)
      })
      .finally(() => {
        this.#loading = null
      })
    return this.#loading
  }

  async #withStore<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw storeError(error, this.#deps.voice)
    }
  }

  #tell(event: EventOfAccount): void {
    this.#deps.listeners.tell({ ...event, account: this.#binding.account })
  }
}
