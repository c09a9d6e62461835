/**
 * At most one retry for ten calls, over time, with a few saved up: a server in trouble gets hardly
 * more load than the clients send.
 */
export class RetryBudget {
  #saved = 10

  called(): void {
    if (this.#saved < 10) this.#saved += 0.1
  }

  take(): boolean {
    if (this.#saved < 1) return false
    this.#saved -= 1
    return true
  }
}
