import type { Clock } from '#platform/clock/clock.ts'
import type { ModelPrice, UpstreamSetting } from '../../config.ts'
import { demoEmbeddingModel, demoModel, demoTransport } from './demo-transport.ts'
import { socketTransport } from './socket-transport.ts'
import type { Timeouts, Transport } from './transport.ts'
import { undiciTransport } from './undici-transport.ts'

/** One model server with what we know of its health. */
export class Upstream {
  readonly name: string
  readonly models: readonly string[]
  readonly prices: Readonly<Record<string, ModelPrice>>
  readonly weight: number
  readonly priority: number
  readonly transport: Transport
  /** The operator's key, so that it can be taken out of anything the server says. */
  readonly secret: string | null
  readonly baseUrl: string | null
  /** Smooth weighted round robin: grows by the weight, falls by the sum when chosen. */
  turn = 0
  #failures = 0
  #openUntil = 0

  constructor(
    setting: Omit<UpstreamSetting, 'baseUrl'> & { baseUrl: string | null },
    transport: Transport,
  ) {
    this.baseUrl = setting.baseUrl
    this.name = setting.name
    this.models = setting.models
    this.prices = setting.prices
    this.weight = setting.weight
    this.priority = setting.priority
    this.secret = setting.apiKey?.reveal() ?? null
    this.transport = transport
  }

  priceOf(model: string): ModelPrice | null {
    return (Object.hasOwn(this.prices, model) && this.prices[model]) || null
  }

  /** Five failures in a row open the circuit for 2 s, each further one doubles it up to 30 s; one call then tries. */
  failed(now: number): void {
    this.#failures++
    const over = this.#failures - breakAfter
    if (over >= 0) this.#openUntil = now + Math.min(30_000, 2_000 * 2 ** Math.min(over, 4))
  }

  worked(): void {
    this.#failures = 0
    this.#openUntil = 0
  }

  available(now: number): boolean {
    return now >= this.#openUntil
  }

  /** The trial call of an open circuit: others wait for what becomes of it. */
  chosen(now: number): void {
    if (this.#failures >= breakAfter) this.#openUntil = now + 2_000
  }

  view(now: number) {
    const healthy = this.available(now)
    return {
      name: this.name,
      models: this.models,
      healthy,
      detail: healthy ? null : `${this.#failures} failures in a row; tried again in a moment`,
    }
  }
}

const breakAfter = 5

export type Model = { id: string; ownedBy: string; price: ModelPrice | null }

/** Model → server, from the operator's configuration alone: nothing in a request names a host. */
export class Upstreams {
  readonly all: readonly Upstream[]
  readonly models: readonly Model[]
  readonly #byModel = new Map<string, Upstream[]>()
  readonly #highest = new Map<string, ModelPrice>()

  constructor(all: readonly Upstream[]) {
    this.all = all
    const models = new Map<string, Model>()
    for (const upstream of all)
      for (const model of new Set(upstream.models)) {
        const list = this.#byModel.get(model)
        if (list) list.push(upstream)
        else this.#byModel.set(model, [upstream])
        const price = upstream.priceOf(model)
        const so = this.#highest.get(model)
        if (price)
          this.#highest.set(model, {
            input: Math.max(price.input, so?.input ?? 0),
            cachedInput: Math.max(price.cachedInput, so?.cachedInput ?? 0),
            output: Math.max(price.output, so?.output ?? 0),
          })
        if (!models.has(model))
          models.set(model, {
            id: model,
            ownedBy: upstream.name,
            price,
          })
      }
    this.models = [...models.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  has(model: string): boolean {
    return this.#byModel.has(model)
  }

  /** The dearest price any of a model's servers asks: what a reservation must cover. */
  highestPrice(model: string): ModelPrice | null {
    return this.#highest.get(model) ?? null
  }

  /**
   * The server for this attempt: of those whose circuit is closed the lowest priority number, among
   * equals in turn by weight, and rather one not tried yet. Null when none can be asked now.
   */
  choose(model: string, tried: readonly Upstream[], now: number): Upstream | null {
    const list = this.#byModel.get(model)
    if (!list) return null
    if (list.length === 1) {
      const only = list[0] as Upstream
      if (!only.available(now)) return null
      only.chosen(now)
      return only
    }
    const open = list.filter((upstream) => upstream.available(now))
    const untried = open.filter((upstream) => !tried.includes(upstream))
    const candidates = untried.length > 0 ? untried : open
    const first = Math.min(...candidates.map((upstream) => upstream.priority))
    let best: Upstream | null = null
    let sum = 0
    for (const upstream of candidates) {
      if (upstream.priority !== first) continue
      upstream.turn += upstream.weight
      sum += upstream.weight
      if (!best || upstream.turn > best.turn) best = upstream
    }
    if (best) {
      best.turn -= sum
      best.chosen(now)
    }
    return best
  }

  /** Whether a server that was not tried yet could take this model now. */
  hasOther(model: string, tried: readonly Upstream[], now: number): boolean {
    return (this.#byModel.get(model) ?? []).some(
      (upstream) => !tried.includes(upstream) && upstream.available(now),
    )
  }

  close(): void {
    for (const upstream of this.all) upstream.transport.close()
  }
}

export function openUpstreams(
  settings: readonly UpstreamSetting[],
  clock: Clock,
  timeouts?: Timeouts,
): Upstreams {
  if (settings.length === 0) return new Upstreams([demoUpstream(clock)])
  return new Upstreams(
    settings.map((setting) => {
      const url = new URL(setting.baseUrl)
      const prefix = url.pathname.replace(/\/+$/, '')
      const authorization = setting.apiKey ? `Bearer ${setting.apiKey.reveal()}` : null
      const more = timeouts ? { timeouts } : {}
      const transport =
        url.protocol === 'http:'
          ? socketTransport({
              host: url.hostname.replace(/^\[|\]$/g, ''),
              port: Number(url.port || 80),
              prefix,
              authority: url.host,
              authorization,
              ...more,
            })
          : undiciTransport({ origin: url.origin, prefix, authorization, ...more })
      return new Upstream(setting, transport)
    }),
  )
}

/** The demo has prices, so that cost, charts and budgets can be tried before a real server is there. */
const demoUpstream = (clock: Clock): Upstream =>
  new Upstream(
    {
      name: 'latchkey',
      baseUrl: null,
      apiKey: null,
      models: [demoModel, demoEmbeddingModel],
      prices: {
        [demoModel]: { input: 1_000_000, cachedInput: 500_000, output: 2_000_000 },
        [demoEmbeddingModel]: { input: 100_000, cachedInput: 100_000, output: 0 },
      },
      weight: 1,
      priority: 0,
    },
    demoTransport(clock),
  )
