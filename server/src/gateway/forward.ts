import type { Call, Running } from './call.ts'
import type { Reason, Refusal } from './refusal.ts'
import { type Relay, relayFor } from './relay.ts'
import type {
  Exchange,
  UpstreamEvents,
  UpstreamFault,
  UpstreamHead,
  UpstreamRequest,
} from './upstream/transport.ts'
import type { Upstream } from './upstream/upstreams.ts'

const attemptsMax = 3
const pauseBeforeSameMs = 100

/**
 * Sends a call to a model server and relays its answer. Tries again, elsewhere if there is an
 * elsewhere, only while not a byte of an answer has come and sending twice is safe: the connection
 * failed, or the server itself said that it did not do it (429, 502, 503, 504).
 */
export function forward(call: Call): void {
  call.gateway.retries.called()
  new Forwarding(call).attempt()
}

const retryableStatus = (status: number): boolean =>
  status === 429 || status === 502 || status === 503 || status === 504

class Forwarding implements Running, UpstreamEvents, Exchange {
  readonly #call: Call
  readonly #request: UpstreamRequest
  readonly #tried: Upstream[] = []
  #upstream!: Upstream
  #exchange: Exchange | null = null
  #relay: Relay | null = null
  #sentAt = 0
  #pause: NodeJS.Timeout | null = null

  constructor(call: Call) {
    this.#call = call
    call.running = this
    this.#request = {
      method: call.endpoint.method,
      path: call.endpoint.path.slice(3), // behind /v1
      contentType:
        call.endpoint.body === 'multipart' ? (call.head.contentType ?? '') : 'application/json',
      body: call.body,
    }
  }

  attempt(): void {
    this.#pause = null
    const { upstreams, clock } = this.#call.gateway
    const upstream = upstreams.choose(this.#call.model, this.#tried, clock.now())
    if (!upstream) {
      this.#call.refuse({ reason: 'upstream_unavailable', retryAfterMs: 2_000 })
      return
    }
    this.#upstream = upstream
    this.#tried.push(upstream)
    this.#sentAt = performance.now()
    this.#exchange = upstream.transport.send(this.#request, this)
  }

  head(head: UpstreamHead): void {
    const call = this.#call
    this.#tookUpstreamTime()
    if (head.status >= 500) this.#upstream.failed(call.gateway.clock.now())
    else this.#upstream.worked()
    if (retryableStatus(head.status) && this.#mayRetry(head.status === 429)) {
      this.#exchange?.abort()
      this.#again()
      return
    }
    call.firstByteMs = Math.round(call.elapsedMs)
    this.#relay = relayFor(call, this.#upstream, head, this)
  }

  data(chunk: Buffer): void {
    this.#relay?.data(chunk)
  }

  end(): void {
    if (!this.#relay?.live) this.#tookUpstreamTime()
    this.#relay?.end()
  }

  error(fault: UpstreamFault): void {
    this.#tookUpstreamTime()
    this.#upstream.failed(this.#call.gateway.clock.now())
    this.#call.gateway.log.warn(
      { upstream: this.#upstream.name, fault, request_id: this.#call.requestId },
      'a model server failed',
    )
    if (this.#relay) {
      this.#relay.error(fault)
      return
    }
    const safe = fault === 'connect' || fault === 'stale'
    if (safe && this.#mayRetry(false)) {
      this.#again()
      return
    }
    // Without a connection nothing was asked. Otherwise the server may have worked, so what was sent counts.
    if (fault !== 'connect') this.#meterLost('upstream_cut', 502)
    this.#call.refuse({ reason: reasonOf[fault] })
  }

  clientGone(): void {
    this.#stop()
    if (this.#relay) {
      this.#relay.clientGone()
      return
    }
    if (this.#sentAt > 0) this.#meterLost('client_gone', 499)
  }

  cutOff(refusal: Refusal): void {
    this.#stop()
    if (this.#relay) {
      this.#relay.cutOff(refusal)
      return
    }
    this.#meterLost('cut_off', 401)
    this.#call.refuse(refusal)
  }

  #meterLost(outcome: 'client_gone' | 'cut_off' | 'upstream_cut', status: number): void {
    this.#call.meter(
      {
        upstream: this.#upstream,
        status,
        outcome,
        tokens: { input: Math.ceil(this.#call.body.length / 4), cached: 0, output: 0 },
        estimated: true,
      },
      () => {},
    )
  }

  #mayRetry(elsewhereOnly: boolean): boolean {
    if (this.#tried.length >= attemptsMax || this.#call.over) return false
    const { upstreams, clock, retries } = this.#call.gateway
    if (elsewhereOnly && !upstreams.hasOther(this.#call.model, this.#tried, clock.now()))
      return false
    return retries.take()
  }

  #again(): void {
    const { upstreams, clock } = this.#call.gateway
    if (upstreams.hasOther(this.#call.model, this.#tried, clock.now())) {
      this.attempt()
      return
    }
    this.#pause = setTimeout(() => this.attempt(), pauseBeforeSameMs)
  }

  #stop(): void {
    if (this.#pause) clearTimeout(this.#pause)
    this.#exchange?.abort()
  }

  #tookUpstreamTime(): void {
    const now = performance.now()
    this.#call.upstreamMs += now - this.#sentAt
    this.#sentAt = now
  }

  // What a relay may do to the exchange behind it.
  pause(): void {
    this.#exchange?.pause()
  }

  resume(): void {
    this.#exchange?.resume()
  }

  abort(): void {
    this.#exchange?.abort()
  }
}

const reasonOf = {
  connect: 'upstream_unavailable',
  stale: 'upstream_unavailable',
  cut: 'upstream_cut',
  timeout: 'upstream_timeout',
  framing: 'upstream_error',
} as const satisfies Record<UpstreamFault, Reason>
