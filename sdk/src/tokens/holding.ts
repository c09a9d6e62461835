import type { Binding, Credential, ProofKey } from '../credentials/credential.ts'
import { SignInRequired, type Voice } from '../errors/errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import { isBound } from '../provider/proofs.ts'
import { Glance } from './glance.ts'
import { type Held, isQuiet, measure } from './held.ts'
import type { EarlyWindow } from './lifetime.ts'

export type HoldingDeps = {
  clock: Clock
  random: Random
  voice: Voice
  early: EarlyWindow
  kind: 'refresh' | 'mint'
}

/** What this process has in memory of one credential, and which of it can be handed out. */
export class Holding {
  readonly #binding: Binding
  readonly #deps: HoldingDeps
  readonly #share: number
  readonly #glance: Glance
  #held: Held | null = null
  /** A set that the store would not take, and what the store holds instead. */
  unsaved: { held: Held; revision: number | null } | null = null
  /** Why what is stored cannot be read; null while it can. */
  damage: string | null = null

  constructor(binding: Binding, deps: HoldingDeps) {
    this.#binding = binding
    this.#deps = deps
    this.#share = deps.random.fraction()
    this.#glance = new Glance(deps.clock)
  }

  get held(): Held | null {
    return this.#held
  }

  measure(credential: Credential): Held {
    const { clock, early } = this.#deps
    return measure(credential, { clock, early, share: this.#share, before: this.#held })
  }

  hold(credential: Credential): void {
    this.#held = this.measure(credential)
    this.#glance.end()
    this.damage = null
  }

  drop(): void {
    this.#held = null
    this.unsaved = null
    this.#glance.end()
  }

  /** The token while nothing has to be done about it, mostly without a look at the clock. */
  glance(): string | null {
    const seen = this.#glance.take()
    if (seen !== null) return seen
    const held = this.#held
    if (!held?.quiet) return null
    // The wall clock alone, which is the cheaper one; a timer watches the other.
    const quietMs = held.quietUntilWall - this.#deps.clock.now()
    if (quietMs <= 0) return null
    this.#glance.allow(held, quietMs)
    return held.access
  }

  endGlance(): void {
    this.#glance.end()
  }

  /** No timer is set from now on. */
  close(): void {
    this.#glance.close()
  }

  /** A living token other than `stale`. */
  alive(stale: string | undefined): string | null {
    for (const held of [this.#held, this.unsaved?.held])
      if (held && held.access !== stale && held.left.leftMs() > 0) return held.access
    return null
  }

  /**
   * The token a renewal has just brought, although by our strict count it is over already: on a slow
   * line with very short lives that is no reason to ask a person. The API judges.
   */
  newest(stale: string | undefined): string | null {
    const held = this.#held
    return held !== null && this.renewable(held) && held.access !== stale ? held.access : null
  }

  /** The key that `access` needs proofs by; null for a bearer token. */
  keyOf(access: string): ProofKey | null {
    for (const held of [this.#held, this.unsaved?.held])
      if (held?.access === access)
        return isBound(held.credential.tokens) ? held.credential.tokens.proofKey : null
    return null
  }

  renewable({ credential }: Held): boolean {
    return (
      this.#deps.kind === 'mint' ||
      (credential.dead === null && credential.tokens.refreshToken !== null)
    )
  }

  due(held: Held): boolean {
    return this.renewable(held) && !isQuiet(held, this.#deps.clock)
  }

  signInRequired(): SignInRequired {
    const { account } = this.#binding
    const { voice } = this.#deps
    if (this.damage !== null)
      return new SignInRequired('damaged', { account, detail: this.damage }, voice)
    const dead = this.#held?.credential.dead
    if (dead) return new SignInRequired(dead.reason, { account, ...dead }, voice)
    return new SignInRequired(this.#held === null ? 'signed_out' : 'expired', { account }, voice)
  }
}
