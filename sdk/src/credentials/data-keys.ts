import { KeyServiceError, type KeyTrouble } from '../errors/errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'

export type DataKeyLimits = {
  /** How long a data key is used before the key service is asked again. Default five minutes. */
  maxAgeMs?: number
  /** How often it is used before that, sealing and opening together. Default 1 000. */
  maxUses?: number
  /** Data keys kept at once; the one unused for longest goes. Default 100. */
  maxKeys?: number
  /**
   * For how much longer one is used while the key service cannot be reached. Default one hour; 0 for
   * not at all. A service that answers no (disabled, denied, gone) ends every data key at once.
   */
  staleMs?: number
}

/** A data key as it is kept: to be used by Web Crypto, not to be read. `wrapped` is what is stored. */
export type DataKey = { key: CryptoKey; wrapped: string }

type Kept = DataKey & {
  owner: string
  madeAt: { wall: number; monotonic: number }
  uses: number
}

/** The service has judged, so no cached key may outlive its answer. */
const refusals: ReadonlySet<KeyTrouble> = new Set(['disabled', 'pending', 'denied', 'unknown'])

const askAgainMs = 10_000 // while the service is away, not every use asks it

/**
 * The data keys this process has in use, few and not for long, so that disabling a key at the
 * service takes effect within `maxAgeMs`. Callers who need the same key make one request.
 */
export class DataKeys {
  readonly #limits: Required<DataKeyLimits>
  readonly #clock: Clock
  readonly #random: Random
  readonly #warn: (warning: KeyServiceError) => void
  /** By owner and wrapped key; the least recently used first. */
  readonly #kept = new Map<string, Kept>()
  /** Which of them an owner's texts are sealed with. */
  readonly #sealing = new Map<string, string>()
  readonly #asked = new Map<string, Promise<Kept>>()
  #epoch = 0
  #askAgainAt = 0 // monotonic
  #warned = false

  constructor(
    limits: DataKeyLimits,
    by: { clock: Clock; random: Random; warn: (warning: KeyServiceError) => void },
  ) {
    this.#limits = {
      maxAgeMs: limits.maxAgeMs ?? 300_000,
      maxUses: limits.maxUses ?? 1_000,
      maxKeys: limits.maxKeys ?? 100,
      staleMs: limits.staleMs ?? 3_600_000,
    }
    this.#clock = by.clock
    this.#random = by.random
    this.#warn = by.warn
  }

  /** The key to seal with: the one at hand, or a new one. */
  forSealing(owner: string, generate: () => Promise<DataKey>): Promise<DataKey> {
    const kept = this.#kept.get(this.#sealing.get(owner) ?? '')
    return this.#get(`seal ${owner}`, owner, kept, generate, 'sealing')
  }

  /** The key that `wrapped` is. */
  forOpening(owner: string, wrapped: string, unwrap: () => Promise<DataKey>): Promise<DataKey> {
    const id = idOf(owner, wrapped)
    return this.#get(`open ${id}`, owner, this.#kept.get(id), unwrap, 'opening')
  }

  /** Drops every data key: after a rotation, or when nobody needs them any more. */
  forget(): void {
    this.#kept.clear()
    this.#sealing.clear()
    this.#asked.clear()
    this.#epoch++ // an answer on its way is used by those who wait for it, and not kept
    this.#askAgainAt = 0
  }

  async #get(
    question: string,
    owner: string,
    kept: Kept | undefined,
    ask: () => Promise<DataKey>,
    purpose: 'sealing' | 'opening',
  ): Promise<DataKey> {
    if (kept && this.#isFresh(kept)) return this.#use(kept)
    if (kept && this.#clock.monotonic() < this.#askAgainAt && this.#mayServeStale(kept))
      return this.#use(kept)
    let answer: Kept
    try {
      answer = await this.#askOnce(question, owner, ask, purpose)
    } catch (error) {
      if (!(error instanceof KeyServiceError)) {
        if (kept) this.#drop(kept)
        throw error
      }
      if (refusals.has(error.trouble)) this.forget()
      if (!kept || !this.#mayServeStale(kept)) throw error
      const asked = error.retryAt === null ? 0 : error.retryAt - this.#clock.now()
      const wait = askAgainMs * (0.5 + 0.5 * this.#random.fraction())
      this.#askAgainAt = this.#clock.monotonic() + Math.max(wait, asked)
      if (!this.#warned) this.#warn(error)
      this.#warned = true
      return this.#use(kept)
    }
    this.#warned = false
    return this.#use(answer)
  }

  #askOnce(
    question: string,
    owner: string,
    ask: () => Promise<DataKey>,
    purpose: 'sealing' | 'opening',
  ): Promise<Kept> {
    const under = this.#asked.get(question)
    if (under) return under
    const epoch = this.#epoch
    const asked = (async () => {
      const made = await ask()
      const kept: Kept = {
        ...made,
        owner,
        madeAt: { wall: this.#clock.now(), monotonic: this.#clock.monotonic() },
        uses: 0,
      }
      if (epoch === this.#epoch) this.#keep(kept, purpose)
      return kept
    })().finally(() => {
      if (this.#asked.get(question) === asked) this.#asked.delete(question)
    })
    this.#asked.set(question, asked)
    return asked
  }

  #keep(kept: Kept, purpose: 'sealing' | 'opening'): void {
    const id = idOf(kept.owner, kept.wrapped)
    this.#kept.delete(id)
    this.#kept.set(id, kept)
    if (purpose === 'sealing') this.#sealing.set(kept.owner, id)
    for (const oldest of this.#kept.values()) {
      if (this.#kept.size <= this.#limits.maxKeys) break
      this.#drop(oldest)
    }
  }

  #drop(kept: Kept): void {
    const id = idOf(kept.owner, kept.wrapped)
    if (this.#kept.get(id) !== kept) return
    this.#kept.delete(id)
    if (this.#sealing.get(kept.owner) === id) this.#sealing.delete(kept.owner)
  }

  #use(kept: Kept): DataKey {
    kept.uses++
    const id = idOf(kept.owner, kept.wrapped)
    if (this.#kept.get(id) === kept) {
      this.#kept.delete(id)
      this.#kept.set(id, kept) // now the most recently used
    }
    return kept
  }

  #isFresh(kept: Kept): boolean {
    return this.#ageMs(kept) < this.#limits.maxAgeMs && kept.uses < this.#limits.maxUses
  }

  #mayServeStale(kept: Kept): boolean {
    const { maxAgeMs, staleMs } = this.#limits
    return (
      this.#kept.get(idOf(kept.owner, kept.wrapped)) === kept && // not dropped meanwhile
      staleMs > 0 &&
      this.#ageMs(kept) < maxAgeMs + staleMs
    )
  }

  /** By the stricter clock: the machine may have slept, or its clock been set. */
  #ageMs({ madeAt }: Kept): number {
    return Math.max(this.#clock.now() - madeAt.wall, this.#clock.monotonic() - madeAt.monotonic)
  }
}

const idOf = (owner: string, wrapped: string): string => `${owner}\n${wrapped}`
