/**
 * A bounded map that forgets what was not read for longest, roughly: reads of the older half move an
 * entry into the younger one, and when that is full the older half goes. A hit in the younger half
 * costs one look-up and moves nothing, unlike a linked list or a re-inserted key.
 */
export class TwoGenerationMap<K, V> {
  #young = new Map<K, V>()
  #old = new Map<K, V>()
  readonly #half: number

  /** Holds between `capacity / 2` and `capacity` of the entries last read. */
  constructor(capacity: number) {
    this.#half = Math.max(1, Math.floor(capacity / 2))
  }

  get(key: K): V | undefined {
    const found = this.#young.get(key)
    if (found !== undefined) return found
    const older = this.#old.get(key)
    if (older !== undefined) {
      this.#old.delete(key)
      this.set(key, older)
    }
    return older
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#old.delete(key)
    this.#young.set(key, value)
  }

  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  deleteWhere(test: (value: V) => boolean): void {
    for (const half of [this.#young, this.#old])
      for (const [key, value] of half) if (test(value)) half.delete(key)
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}
