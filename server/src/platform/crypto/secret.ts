const shown = '[secret]'

/**
 * A value that must not reach a log, an error text or JSON by accident. The plain value comes out
 * only by `reveal()`, which is easy to search for in a review.
 */
export class Secret<T extends string | Buffer = string> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  reveal(): T {
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
