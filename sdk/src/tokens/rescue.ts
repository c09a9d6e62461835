import type { Binding } from '../credentials/credential.ts'
import type { CredentialStore } from '../credentials/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Holding } from './holding.ts'

const saveAgainMs = 5_000

/**
 * Brings a set that the store would not take into the store after all: before anybody spends its
 * predecessor again, every few seconds, and at close. Replay windows are short: while only this process
 * has the new set, a crash would cost the sign-in.
 */
export class Rescue {
  readonly #binding: Binding
  readonly #deps: { store: CredentialStore; clock: Clock }
  readonly #holding: Holding
  readonly #saved: () => Promise<void>
  #closed = false
  #cancelTimer = () => {}

  /** `saved`: the store knows better than what is held. */
  constructor(
    binding: Binding,
    deps: { store: CredentialStore; clock: Clock },
    holding: Holding,
    saved: () => Promise<void>,
  ) {
    this.#binding = binding
    this.#deps = deps
    this.#holding = holding
    this.#saved = saved
  }

  /** To be called in the store's turn. */
  async save(): Promise<void> {
    const { unsaved } = this.#holding
    if (unsaved === null) return
    const { credential } = unsaved.held
    await this.#deps.store.save(this.#binding, credential, unsaved.revision)
    this.#holding.unsaved = null // saved, or overtaken: either way the store knows better now
  }

  soon(): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#deps.clock.timer(saveAgainMs, () => {
      this.#now().catch(() => {
        if (!this.#closed) this.soon()
      })
    })
  }

  async #now(): Promise<void> {
    await this.#deps.store.exclusive(this.#binding, () => this.save())
    await this.#saved()
  }

  cancel(): void {
    this.#cancelTimer()
  }

  /** The last try. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer()
    if (this.#holding.unsaved !== null) await this.#now().catch(() => {})
  }
}
