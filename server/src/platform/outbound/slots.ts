/** At most `max` at once, `queueMax` waiting in line; who waits may leave by its signal. */
export class Slots {
  readonly #max: number
  readonly #queueMax: number
  #taken = 0
  readonly #waiting: { enter: () => void }[] = []

  constructor(max: number, queueMax: number) {
    this.#max = max
    this.#queueMax = queueMax
  }

  get idle(): boolean {
    return this.#taken === 0 && this.#waiting.length === 0
  }

  /** `true` once there is room; `false` when the line is full or the signal came first. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    if (this.#taken < this.#max) {
      this.#taken += 1
      return true
    }
    if (this.#waiting.length >= this.#queueMax) return false
    return new Promise((resolve) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(place), 1)
        resolve(false)
      }
      const place = {
        enter: () => {
          signal.removeEventListener('abort', leave)
          resolve(true)
        },
      }
      this.#waiting.push(place)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** Hands the place to whoever waits longest. */
  free(): void {
    const next = this.#waiting.shift()
    if (next) next.enter()
    else this.#taken -= 1
  }
}
