/** One request to a model server. The body is whole, so it can be sent again where that is safe. */
export type UpstreamRequest = {
  method: 'GET' | 'POST'
  /** Below the upstream's base URL, such as `/chat/completions`. */
  path: string
  contentType: string
  body: Buffer
}

export type UpstreamHead = {
  status: number
  contentType: string
  /** Seconds, where the server named a number. */
  retryAfterSeconds: number | null
}

/**
 * Why an exchange failed. `connect`: nothing was sent. `stale`: a kept-alive connection was closed
 * by the server just as it was used, nothing came back. `cut`: the answer stopped before its end.
 * `timeout`: no answer, or silence within it, for too long. `framing`: the server broke HTTP.
 */
export type UpstreamFault = 'connect' | 'stale' | 'cut' | 'timeout' | 'framing'

/** Called in this order: head once, data as it comes, then end or error once. After `abort` nothing is called. */
export type UpstreamEvents = {
  head(head: UpstreamHead): void
  data(chunk: Buffer): void
  end(): void
  error(fault: UpstreamFault): void
}

/** A running request. Pausing stops reading, so that a slow client slows the server and not our memory. */
export type Exchange = {
  pause(): void
  resume(): void
  abort(): void
}

/** The seam between the gateway and whatever carries its requests. */
export type Transport = {
  send(request: UpstreamRequest, events: UpstreamEvents): Exchange
  close(): void
}

export type Timeouts = {
  connectMs: number
  /** From sending to the first byte of the answer; answers that do not stream take their whole time here. */
  firstByteMs: number
  /** Silence within an answer. */
  idleMs: number
}

export const defaultTimeouts: Timeouts = {
  connectMs: 5_000,
  firstByteMs: 600_000, // what OpenAI's clients wait
  idleMs: 120_000,
}
