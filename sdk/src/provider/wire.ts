import { type Clock, systemClock } from '../platform/clock.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** How the SDK talks to a provider: bounded in time and size, and watching the provider's clock. */
export type Wire = {
  fetch: Fetch
  /** Provider's clock minus ours, milliseconds, from the last `Date`; 0 before the first. */
  offsetMs(): number
  /** Provider's clock minus the machine's, which the protocol engine reads whatever ours says. */
  engineOffsetMs(): number
}

const bodyBytesMax = 1_000_000 // a JWKS or metadata document is a few kB

/**
 * `fetch` that ends after `timeoutMs`, body included, and refuses bodies over 1 MB. The body is read
 * here, so a reply that tears in the middle fails as a whole and is never half believed.
 */
export function wire(fetch: Fetch, clock: Clock, timeoutMs: number): Wire {
  let offset = 0
  return {
    offsetMs: () => offset,
    engineOffsetMs: () => offset + clock.now() - systemClock.now(),
    async fetch(input, init = {}) {
      const timeout = new AbortController()
      const stop = clock.timer(timeoutMs, () =>
        timeout.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError')),
      )
      const signal = init.signal ? AbortSignal.any([init.signal, timeout.signal]) : timeout.signal
      try {
        const response = await fetch(input, { ...init, signal })
        const date = Date.parse(response.headers.get('date') ?? '')
        // Whole seconds and network time make small differences meaningless.
        if (!Number.isNaN(date))
          offset = Math.abs(date - clock.now()) < 3_000 ? 0 : date - clock.now()
        const body = await readBounded(response, signal)
        return new Response(nullBodyStatus.has(response.status) ? null : body, {
          status: response.status,
          statusText: response.statusText,
          headers: response.headers,
        })
      } finally {
        stop()
      }
    },
  }
}

const nullBodyStatus = new Set([101, 103, 204, 205, 304])

async function readBounded(
  response: Response,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  if (!reader) return new Uint8Array()
  const abort = () => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', abort, { once: true })
  try {
    for (;;) {
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) break
      length += value.byteLength
      if (length > bodyBytesMax) throw new TypeError(`reply is larger than ${bodyBytesMax} bytes`)
      chunks.push(value)
    }
  } finally {
    signal.removeEventListener('abort', abort)
    reader.cancel().catch(() => {})
  }
  const body = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.byteLength
  }
  return body
}

const notSentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_INVALID_URL',
])

/**
 * Whether a failed fetch can have reached the other side. Node says so by the code of the cause:
 * failures to resolve, connect or shake hands left nothing; everything else may have taken effect.
 * Browsers do not tell, so there it is always `unknown`.
 */
export function sentOrNot(error: unknown): 'not-sent' | 'unknown' {
  for (
    let cause = error, depth = 0;
    depth < 5 && typeof cause === 'object' && cause !== null;
    depth++
  ) {
    const { code, errors } = cause as { code?: unknown; errors?: unknown }
    if (typeof code === 'string') {
      if (
        notSentCodes.has(code) ||
        /^(ERR_TLS_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code)
      )
        return 'not-sent'
    }
    // Happy eyeballs: all addresses failed, each with its own reason.
    if (Array.isArray(errors) && errors.length > 0)
      return errors.every((one) => sentOrNot(one) === 'not-sent') ? 'not-sent' : 'unknown'
    cause = (cause as { cause?: unknown }).cause
  }
  return 'unknown'
}

/**
 * A short reason for people and logs: codes, else names, with a message only where it is a few plain
 * words (“bad port”). No URLs, no bodies, nothing that a secret could be part of.
 */
export function failureText(error: unknown): string {
  let code = ''
  let capitals = '' // how Redis begins its refusals: WRONGPASS, READONLY
  let words = ''
  let name = ''
  for (let cause = error, depth = 0; depth < 5 && cause instanceof Error; depth++) {
    if ('code' in cause && typeof cause.code === 'string') code = cause.code
    if (/^[a-z]{1,15}( [a-z]{1,15}){0,7}\.?$/i.test(cause.message)) words = cause.message
    capitals = /^[A-Z]{3,20}(?= )/.exec(cause.message)?.[0] ?? capitals
    name ||= cause.name
    cause = cause.cause
  }
  const short = words.replace(/\.$/, '') || capitals
  return code || (short ? `${name}: ${short}` : name) || 'unknown failure'
}

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Plain http is fine on this very machine only. */
export const isLoopback = (url: URL): boolean => loopbackHosts.has(url.hostname)

export const isSafeUrl = (url: URL): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))
