import type { Call } from './call.ts'
import type { Refusal } from './refusal.ts'
import { EventStreamRelay } from './relay-events.ts'
import { countTokens, noTokens, usageOfAnswer } from './tokens.ts'
import type { Exchange, UpstreamFault, UpstreamHead } from './upstream/transport.ts'
import type { Upstream } from './upstream/upstreams.ts'

/** Carries one answer from a model server to the client and meters it. */
export type Relay = {
  /** The client has the head already: time passes for both at once. */
  readonly live: boolean
  data(chunk: Buffer): void
  end(): void
  error(fault: UpstreamFault): void
  clientGone(): void
  cutOff(refusal: Refusal): void
}

export function relayFor(
  call: Call,
  upstream: Upstream,
  head: UpstreamHead,
  exchange: Exchange,
): Relay {
  if (head.status < 200 || head.status > 299)
    return new RefusedRelay(call, upstream, head, exchange)
  if (head.contentType.startsWith('text/event-stream'))
    return new EventStreamRelay(call, upstream, head, exchange)
  if (head.contentType.startsWith('application/json'))
    return new WholeRelay(call, upstream, head, exchange)
  return new BytesRelay(call, upstream, head, exchange)
}

/** What is said when an answer stops after it has begun. */
export const cutReason = (fault: UpstreamFault) =>
  fault === 'timeout' ? 'upstream_timeout' : 'upstream_cut'

const wholeBytesMax = 64 * 1024 * 1024

/** An answer that fits in one piece: kept back until its record is durable, then sent as it came. */
class WholeRelay implements Relay {
  readonly live = false
  protected readonly call: Call
  protected readonly upstream: Upstream
  protected readonly head: UpstreamHead
  readonly #exchange: Exchange
  #first: Buffer | null = null
  #more: Buffer[] | null = null
  #size = 0

  constructor(call: Call, upstream: Upstream, head: UpstreamHead, exchange: Exchange) {
    this.call = call
    this.upstream = upstream
    this.head = head
    this.#exchange = exchange
  }

  data(chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > wholeBytesMax) {
      this.#exchange.abort()
      this.error('framing')
      return
    }
    if (this.#first === null) this.#first = chunk
    else if (this.#more === null) this.#more = [this.#first, chunk]
    else this.#more.push(chunk)
  }

  protected body(): Buffer {
    return this.#more ? Buffer.concat(this.#more) : (this.#first ?? Buffer.alloc(0))
  }

  end(): void {
    const { call, upstream, head } = this
    const body = this.body()
    const reported = usageOfAnswer(body)
    call.meter(
      {
        upstream,
        status: head.status,
        outcome: 'complete',
        tokens: reported ?? this.#guess(body),
        estimated: reported === null,
      },
      (error) => {
        if (error) call.refuse({ reason: 'not_recorded' })
        else call.answer(head.status, head.contentType, body)
      },
    )
  }

  error(fault: UpstreamFault): void {
    this.#stopped('upstream_cut', 502)
    this.call.refuse({ reason: cutReason(fault) })
  }

  clientGone(): void {
    this.#stopped('client_gone', 499)
  }

  cutOff(refusal: Refusal): void {
    this.#stopped('cut_off', 401)
    this.call.refuse(refusal)
  }

  #guess(body: Buffer) {
    const writes = this.call.endpoint.stream !== 'none'
    return {
      input: Math.ceil(this.call.body.length / 4),
      cached: 0,
      output: writes ? countTokens(body.toString('utf8')) : 0,
    }
  }

  #stopped(outcome: 'upstream_cut' | 'client_gone' | 'cut_off', status: number): void {
    const tokens = this.#guess(this.body())
    this.call.meter({ upstream: this.upstream, status, outcome, tokens, estimated: true }, () => {})
  }
}

/** Sound and other bytes: passed on as they come, the last piece once the record is durable. */
class BytesRelay implements Relay {
  readonly live = true
  readonly #call: Call
  readonly #upstream: Upstream
  readonly #exchange: Exchange
  #last: Buffer | null = null

  constructor(call: Call, upstream: Upstream, head: UpstreamHead, exchange: Exchange) {
    this.#call = call
    this.#upstream = upstream
    this.#exchange = exchange
    call.beginStream(head.contentType || 'application/octet-stream')
    call.res.on('drain', () => exchange.resume())
  }

  data(chunk: Buffer): void {
    if (this.#last && !this.#call.res.write(this.#last)) this.#exchange.pause()
    this.#last = chunk
  }

  end(): void {
    this.#meter('complete', (error) => {
      // Without its last piece and end the answer is visibly incomplete.
      if (error) this.#call.res.destroy()
      else this.#call.endStream(this.#last)
    })
  }

  error(): void {
    this.#meter('upstream_cut', () => this.#call.res.destroy())
  }

  clientGone(): void {
    this.#meter('client_gone', () => {})
  }

  cutOff(): void {
    this.#meter('cut_off', () => this.#call.res.destroy())
  }

  #meter(
    outcome: 'complete' | 'upstream_cut' | 'client_gone' | 'cut_off',
    then: (error: Error | null) => void,
  ): void {
    const tokens = { ...noTokens, input: Math.ceil(this.#call.body.length / 4) }
    this.#call.meter(
      { upstream: this.#upstream, status: 200, outcome, tokens, estimated: true },
      then,
    )
  }
}

const refusalBytesMax = 64 * 1024

/** A model server's own refusal, told in our words where it concerns the operator, passed on where it concerns the request. */
class RefusedRelay implements Relay {
  readonly live = false
  readonly #call: Call
  readonly #upstream: Upstream
  readonly #head: UpstreamHead
  readonly #exchange: Exchange
  #chunks: Buffer[] = []
  #size = 0

  constructor(call: Call, upstream: Upstream, head: UpstreamHead, exchange: Exchange) {
    this.#call = call
    this.#upstream = upstream
    this.#head = head
    this.#exchange = exchange
  }

  data(chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size <= refusalBytesMax) this.#chunks.push(chunk)
    else {
      this.#exchange.abort()
      this.end()
    }
  }

  end(): void {
    const { status } = this.#head
    if (status === 401 || status === 403)
      this.#call.gateway.log.error(
        { upstream: this.#upstream.name, status },
        'a model server refuses our key',
      )
    const refusal = this.#judge()
    this.#meter(status, (error) => this.#call.refuse(error ? { reason: 'not_recorded' } : refusal))
  }

  error(fault: UpstreamFault): void {
    this.#meter(502, () => this.#call.refuse({ reason: cutReason(fault) }))
  }

  clientGone(): void {
    this.#meter(499, () => {})
  }

  cutOff(refusal: Refusal): void {
    this.#meter(401, () => this.#call.refuse(refusal))
  }

  #meter(status: number, then: (error: Error | null) => void): void {
    const outcome = 'upstream_refused'
    this.#call.meter(
      { upstream: this.#upstream, status, outcome, tokens: noTokens, estimated: false },
      then,
    )
  }

  #judge(): Refusal {
    const { status, retryAfterSeconds } = this.#head
    if (status === 429)
      return { reason: 'upstream_busy', retryAfterMs: (retryAfterSeconds ?? 1) * 1_000 }
    if (status === 503)
      return { reason: 'upstream_unavailable', retryAfterMs: (retryAfterSeconds ?? 2) * 1_000 }
    if (status === 408 || status === 504) return { reason: 'upstream_timeout' }
    if (status < 400 || status >= 500 || status === 401 || status === 403)
      return { reason: 'upstream_error' }
    const said = this.#said()
    if (status === 404 || status === 405)
      return {
        reason: 'not_supported',
        values: { model: `“${this.#call.model}”`, path: this.#call.endpoint.path },
        param: said.param,
      }
    return {
      reason: 'upstream_refused',
      status,
      values: { detail: said.message },
      param: said.param,
      code: said.code,
      ...(said.type ? { type: said.type } : {}),
    }
  }

  /** OpenAI's error object where the body is one; other bodies may name hosts and are not passed on. */
  #said(): { message: string; type: string; param: string; code: string | null } {
    const text = (value: unknown) => (typeof value === 'string' ? this.#clean(value) : '')
    let error: Record<string, unknown> = {}
    try {
      const body = JSON.parse(Buffer.concat(this.#chunks).toString('utf8'))
      error = body?.error ?? body ?? {}
    } catch {
      // Not JSON: the status alone is told.
    }
    return {
      message: text(error.message).slice(0, 2_000) || `HTTP ${this.#head.status}`,
      type: text(error.type),
      param: text(error.param),
      code: text(error.code) || null,
    }
  }

  #clean(value: string): string {
    const { secret, baseUrl } = this.#upstream
    let clean = secret ? value.replaceAll(secret, '[secret]') : value
    if (baseUrl) clean = clean.replaceAll(new URL(baseUrl).host, '[model server]')
    return clean
  }
}
