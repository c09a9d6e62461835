import type { Call } from './call.ts'
import type { Refusal } from './refusal.ts'
import { cutReason, type Relay } from './relay.ts'
import { readUsage, type Tokens } from './tokens.ts'
import type { Exchange, UpstreamFault, UpstreamHead } from './upstream/transport.ts'
import type { Upstream } from './upstream/upstreams.ts'

/** An event longer than this is passed on in pieces, unread. */
const eventBytesMax = 1024 * 1024

const doneMark = Buffer.from('data: [DONE]')
const doneMarkTight = Buffer.from('data:[DONE]')
const finishMark = Buffer.from('"finish_reason":"')
const usageMark = Buffer.from('"usage"')
const emptyContent = Buffer.from('"content":""')
const emptyDelta = Buffer.from('"delta":{}')
const errorMark = Buffer.from('"error"')

/**
 * Server-sent events (WHATWG HTML section 9.2), passed on whole and unchanged; events that arrive
 * together leave in one write. Looked at on the way: the usage event, which is hidden from clients
 * that did not ask for it, and the event that says the answer is complete, which is held back until
 * the record is durable. A stream that ends without it ends in an error event.
 */
export class EventStreamRelay implements Relay {
  readonly live = true
  readonly #call: Call
  readonly #upstream: Upstream
  readonly #exchange: Exchange
  #rest: Buffer | null = null
  /** The completing event and what came after it. */
  #tail: Buffer | null = null
  #finished = false
  #tokens: Tokens | null = null
  #events = 0
  #written = false

  constructor(call: Call, upstream: Upstream, head: UpstreamHead, exchange: Exchange) {
    this.#call = call
    this.#upstream = upstream
    this.#exchange = exchange
    call.streamed = true
    call.beginStream(head.contentType)
    call.res.on('drain', () => exchange.resume())
    // A head that comes with its first event leaves with it; one that comes alone need not wait.
    setImmediate(() => {
      if (!this.#written && !call.over) call.res.flushHeaders()
    })
  }

  data(chunk: Buffer): void {
    if (this.#tail) return // nothing follows what completes an answer
    let bytes = chunk
    if (this.#rest) {
      bytes = Buffer.concat([this.#rest, chunk])
      this.#rest = null
    }
    let end = lastBoundary(bytes)
    if (end === 0 && bytes.length > eventBytesMax) end = bytes.length
    if (end < bytes.length) this.#rest = bytes.subarray(end)
    if (end === 0) return
    const out = this.#look(end === bytes.length ? bytes : bytes.subarray(0, end))
    if (out === null) return
    this.#written = true
    if (!this.#call.res.write(out)) this.#exchange.pause()
  }

  /** What of these whole events goes on now. */
  #look(events: Buffer): Buffer | null {
    const { stream } = this.#call.endpoint
    if (!this.#finished && stream === 'chat') this.#finished = events.includes(finishMark)
    const special =
      events.includes(usageMark) ||
      (stream === 'chat'
        ? events.includes(doneMark) || events.includes(doneMarkTight)
        : events.includes('response.') && completesResponse(events))
    if (!special) {
      this.#count(events)
      return events
    }
    const out: Buffer[] = []
    for (let at = 0; at < events.length; ) {
      const end = nextBoundary(events, at)
      const event = events.subarray(at, end)
      at = end
      const usage = event.includes(usageMark) ? usageOfEvent(event) : null
      if (usage) this.#tokens = usage.tokens
      else this.#count(event)
      const completes =
        stream === 'responses'
          ? completesResponse(event)
          : event.indexOf(doneMark) === 0 || event.indexOf(doneMarkTight) === 0
      if (completes) {
        this.#tail = events.subarray(at - event.length)
        break
      }
      if (usage?.alone && !this.#call.wantsStreamUsage && stream === 'chat') continue
      out.push(event)
    }
    if (out.length === 0) return null
    return out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out)
  }

  /** Events that carry something said: about one token each, for answers whose usage never comes. */
  #count(events: Buffer): void {
    for (let at = 0; at < events.length; ) {
      const end = nextBoundary(events, at)
      const event = events.subarray(at, end)
      at = end
      if (event[0] === 58 /* : comment */) continue
      if (event.includes(emptyContent) || event.includes(emptyDelta)) continue
      if (event.includes('"delta"') || event.includes('"text"')) this.#events++
    }
  }

  end(): void {
    if (!this.#tail && !(this.#finished && this.#call.endpoint.stream !== 'responses')) {
      if (this.#call.endpoint.stream !== 'none') {
        this.error('cut')
        return
      }
    }
    const last = this.#tail ?? this.#rest
    this.#meter('complete', (error) => {
      if (error) this.#call.endStream(this.#call.errorEvent({ reason: 'not_recorded' }))
      else this.#call.endStream(last)
    })
  }

  error(fault: UpstreamFault): void {
    this.#endWith('upstream_cut', { reason: cutReason(fault) })
  }

  clientGone(): void {
    this.#meter('client_gone', () => {})
  }

  cutOff(refusal: Refusal): void {
    this.#endWith('cut_off', refusal)
  }

  #endWith(outcome: 'upstream_cut' | 'cut_off', refusal: Refusal): void {
    this.#meter(outcome, () => this.#call.endStream(this.#call.errorEvent(refusal)))
  }

  #meter(
    outcome: 'complete' | 'upstream_cut' | 'client_gone' | 'cut_off',
    then: (error: Error | null) => void,
  ): void {
    const tokens = this.#tokens ?? {
      input: Math.ceil(this.#call.body.length / 4),
      cached: 0,
      output: this.#events,
    }
    this.#call.meter(
      { upstream: this.#upstream, status: 200, outcome, tokens, estimated: this.#tokens === null },
      then,
    )
  }
}

const lf2 = Buffer.from('\n\n')
const crlf2 = Buffer.from('\r\n\r\n')

/** Behind the last blank line; 0 when there is none. */
function lastBoundary(bytes: Buffer): number {
  const a = bytes.lastIndexOf(lf2)
  if (a + 2 === bytes.length) return bytes.length
  const b = bytes.lastIndexOf(crlf2)
  return Math.max(a < 0 ? 0 : a + 2, b < 0 ? 0 : b + 4)
}

function nextBoundary(bytes: Buffer, from: number): number {
  const a = bytes.indexOf(lf2, from)
  const b = bytes.indexOf(crlf2, from)
  if (b >= 0 && (a < 0 || b < a)) return b + 4
  return a < 0 ? bytes.length : a + 2
}

const completesResponse = (event: Buffer): boolean =>
  event.includes('"type":"response.completed"') ||
  event.includes('"type":"response.failed"') ||
  event.includes('"type":"response.incomplete"') ||
  event.includes('event: response.completed') ||
  event.includes('event: response.failed') ||
  event.includes('event: response.incomplete') ||
  (event.includes('event: error') && event.includes(errorMark))

/** The usage an event reports; `alone` when it brings nothing else (no choices). */
function usageOfEvent(event: Buffer): { tokens: Tokens; alone: boolean } | null {
  const text = event.toString('utf8')
  const data = text
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5))
    .join('\n')
  try {
    const json = JSON.parse(data) as {
      usage?: unknown
      choices?: unknown
      response?: { usage?: unknown }
    }
    const tokens = readUsage(json.usage ?? json.response?.usage)
    if (!tokens) return null
    return { tokens, alone: Array.isArray(json.choices) && json.choices.length === 0 }
  } catch {
    return null
  }
}
