const shown = '[redacted]'

/**
 * A value that must not reach a log, an error text or JSON by accident. The plain value comes out
 * only by `reveal()`, which is easy to search for in a review.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return shown
  }

  toJSON(): string {
    return shown
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return shown
  }
}
