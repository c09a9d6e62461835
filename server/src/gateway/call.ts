import type { IncomingMessage, ServerResponse } from 'node:http'
import { preferredLocale } from '../../messages/messages.ts'
import type { CallOutcome } from '../usage/index.ts'
import type { GatewayContext } from './context.ts'
import type { RequestHead } from './credential.ts'
import { hasOrigin, readableAnywhere } from './cross-origin.ts'
import type { Endpoint } from './endpoints.ts'
import type { Admission, Estimate } from './meter.ts'
import type { Policy } from './policy.ts'
import { type Reason, type Refusal, renderRefusal } from './refusal.ts'
import { costOf, type Tokens } from './tokens.ts'
import type { Upstream } from './upstream/upstreams.ts'

/** Something that runs for a call and must stop with it. */
export type Running = {
  /** The client has gone: nobody reads on. */
  clientGone(): void
  /** The credential ended. The client is told; never a silent end. */
  cutOff(refusal: Refusal): void
}

/**
 * One request on its way through the steps (`steps.ts`). Steps fill it in order; its answer leaves
 * exactly once, and whatever was taken for it goes back exactly once, whichever way it ends.
 */
export class Call {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly gateway: GatewayContext
  readonly requestId: string
  /** When it came, in wall time and on the monotonic clock. */
  readonly at: number
  readonly #startedAt = performance.now()

  /** Its place among the calls that run now (`in-flight.ts`); -1: it is not one of them. */
  seat = -1

  // Filled by the steps; reading one before its step is a bug and shows as undefined.
  head!: RequestHead
  endpoint!: Endpoint
  /** Of `/v1/models/{id}`. */
  modelId: string | null = null
  policy!: Policy
  body!: Buffer
  model!: string
  streamed = false
  /** The client asked for usage in the stream itself. */
  wantsStreamUsage = false
  estimate!: Estimate
  admission: Admission | null = null

  step = 0
  over = false
  running: Running | null = null
  /** Time spent in the model server, taken out of our own. */
  upstreamMs = 0
  firstByteMs: number | null = null
  /** Runs while the call waits for what others hold of a budget. */
  giveUp: NodeJS.Timeout | null = null
  #metered = false

  constructor(gateway: GatewayContext, req: IncomingMessage, res: ServerResponse) {
    this.gateway = gateway
    this.req = req
    this.res = res
    this.requestId = gateway.newRequestId()
    this.at = gateway.clock.now()
    res.on('close', () => this.#closed())
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt
  }

  /** An answer of our own or a whole one from a model server. */
  answer(status: number, contentType: string, body: Buffer | string): void {
    if (this.over) return
    this.#end()
    const headers = this.#headers(contentType)
    if (typeof body === 'string') {
      headers.push('content-length', String(Buffer.byteLength(body)))
      this.res.writeHead(status, headers)
      this.res.end(body)
    } else {
      headers.push('content-length', String(body.length))
      this.res.writeHead(status, headers)
      // As one Latin-1 text a small body leaves in the same write as its head; the bytes stay the same.
      if (body.length < 16_384) this.res.end(body.toString('latin1'), 'latin1')
      else this.res.end(body)
    }
  }

  json(status: number, value: unknown): void {
    this.answer(status, 'application/json', JSON.stringify(value))
  }

  /** Refuses, once; within a stream as an error event. */
  refuse(refusal: Refusal): void {
    if (this.over) return
    this.admission?.settle(this.gateway.clock.now(), { tokens: 0, costMicros: 0 })
    const { status, headers, error } = renderRefusal(
      refusal,
      this.gateway.origin,
      preferredLocale(this.head?.acceptLanguage),
      this.head?.dpop,
    )
    this.#end()
    const body = JSON.stringify({ error })
    const all = this.#headers('application/json')
    all.push(...headers, 'content-length', String(Buffer.byteLength(body)))
    this.res.writeHead(status, all)
    this.res.end(body)
  }

  /** The head of an answer that comes in pieces. */
  beginStream(contentType: string): void {
    const headers = this.#headers(contentType)
    headers.push('x-accel-buffering', 'no') // a proxy in front must not hold tokens back
    this.res.writeHead(200, headers)
  }

  /** The last piece of such an answer. */
  endStream(last: Buffer | string | null): void {
    if (this.over) return
    this.#end()
    if (last === null) this.res.end()
    else this.res.end(last)
  }

  /** The error as a stream's last event: OpenAI's SDKs raise from it, a silent end they take for success. */
  errorEvent(refusal: Refusal): string {
    const { error } = renderRefusal(
      refusal,
      this.gateway.origin,
      preferredLocale(this.head.acceptLanguage),
    )
    if (this.endpoint.stream !== 'responses') return `data: ${JSON.stringify({ error })}\n\n`
    const { code, message, param } = error
    return `event: error\ndata: ${JSON.stringify({ type: 'error', code, message, param, error })}\n\n`
  }

  /**
   * Writes the one usage record of this call and gives back what it held. `then` runs once the record
   * is durable, or with the error that says it is not.
   */
  meter(
    used: {
      upstream: Upstream
      status: number
      outcome: CallOutcome
      tokens: Tokens
      estimated: boolean
    },
    then: (error: Error | null) => void,
  ): void {
    if (this.#metered) return
    this.#metered = true
    const { upstream, tokens } = used
    const costMicros = costOf(tokens, upstream.priceOf(this.model))
    this.gateway.usage.record(
      {
        requestId: this.requestId,
        at: this.at,
        organizationId: this.policy.organizationId,
        projectId: this.policy.projectId,
        accountId: this.policy.accountId,
        credentialKind: this.policy.kind,
        credentialId: this.policy.credentialId,
        endpoint: this.endpoint.path,
        model: this.model,
        upstream: upstream.name,
        status: used.status,
        outcome: used.outcome,
        streamed: this.streamed,
        inputTokens: tokens.input,
        cachedInputTokens: tokens.cached,
        outputTokens: tokens.output,
        estimated: used.estimated,
        costMicros,
        firstByteMs: this.firstByteMs,
        durationMs: Math.round(this.elapsedMs),
      },
      then,
    )
    this.admission?.settle(this.gateway.clock.now(), {
      tokens: tokens.input + tokens.output,
      costMicros,
    })
  }

  cutOff(reason: Reason): void {
    if (this.over) return
    if (this.running) this.running.cutOff({ reason })
    else this.refuse({ reason })
  }

  stopWaiting(): void {
    if (this.giveUp) clearTimeout(this.giveUp)
    this.giveUp = null
  }

  #closed(): void {
    if (this.over) return
    this.over = true
    this.stopWaiting()
    this.running?.clientGone()
    this.admission?.settle(this.gateway.clock.now(), { tokens: 0, costMicros: 0 })
    this.gateway.inFlight.delete(this)
  }

  #end(): void {
    this.over = true
    this.stopWaiting()
    this.gateway.inFlight.delete(this)
  }

  #headers(contentType: string): string[] {
    const total = this.elapsedMs
    const headers = [
      'content-type',
      contentType,
      'x-request-id',
      this.requestId,
      'openai-processing-ms',
      String(Math.round(total)),
      'x-latchkey-overhead-ms',
      String(Math.max(0, Math.round((total - this.upstreamMs) * 100) / 100)),
      'cache-control',
      'no-store',
      'x-content-type-options',
      'nosniff',
    ]
    if (this.policy !== undefined)
      for (const meter of this.policy.meters) meter.headers(this.gateway.clock.now(), headers)
    if (hasOrigin(this.req.rawHeaders)) headers.push(...readableAnywhere)
    if (this.gateway.draining) headers.push('connection', 'close')
    return headers
  }
}
