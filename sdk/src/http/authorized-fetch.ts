import type { ProofKey } from '../credentials/credential.ts'
import { LatchkeyError, RequestFailed, type Voice } from '../errors/errors.ts'
import { type Clock, pause } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import type { Proofs } from '../provider/proofs.ts'
import { type Fetch, failureText, isSafeUrl, sentOrNot } from '../provider/wire.ts'
import type { TokenOptions } from '../tokens/demand.ts'
import { type QueueOptions, RequestQueue } from './queue.ts'
import { readRefusal } from './refusal.ts'
import {
  isIdempotent,
  mayResend,
  RetryBudget,
  type Sendable,
  waitMs,
  worthRetrying,
} from './retry.ts'

export type FetchOptions = QueueOptions & {
  /** Where the token may go, such as `https://api.example.org`. Elsewhere requests go without it. */
  origins: string[]
  /** Tries after the first one. Default 3; 0 for none. */
  retries?: number
  /** The longest `Retry-After` that is waited for; longer ones come back as the response. Default 60 000. */
  maxRetryWaitMs?: number
  /**
   * `honoured`: the API replays the first answer for a repeated `Idempotency-Key` (Latchkey's
   * gateway does), so every POST and PATCH gets one and may be repeated after a lost answer. Default
   * `none`: only keys you set yourself count.
   */
  idempotency?: 'none' | 'honoured'
  /** What a token must still live before a stream begins. Default five minutes. */
  streamMinLifeMs?: number
  fetch?: Fetch
}

type Deps = {
  token(options?: TokenOptions): Promise<string>
  /** The key that a token is bound to; null for bearer tokens. */
  keyOf(token: string): ProofKey | null
  proofs: Proofs
  clock: Clock
  random: Random
  voice: Voice
}

/**
 * A drop-in `fetch` that is always signed in. 401: reload, refresh, once more. 429 and 503: waits as
 * told. Anything else is repeated only where repeating is safe. Responses come back as they are;
 * without an answer it rejects with `RequestFailed`, whose `outcome` says whether it may have taken
 * effect.
 */
export function authorizedFetch(options: FetchOptions, deps: Deps): Fetch {
  if (!Array.isArray(options?.origins))
    throw new TypeError("origins: where the token may go, such as ['https://api.example.org']")
  const origins = new Set(options.origins.map((origin) => safeOrigin(origin)))
  const roots = [...origins].map((origin) => `${origin}/`)
  // Comparing the beginning spares parsing almost every address.
  const isOurs = (url: string) =>
    roots.some((root) => url.startsWith(root)) || origins.has(originOf(url))
  const { clock, random } = deps
  const queue = new RequestQueue(options, clock, deps.voice)
  const budget = new RetryBudget()
  const send = options.fetch ?? ((input, init) => fetch(input, init))
  const retries = options.retries ?? 3
  const maxRetryWaitMs = options.maxRetryWaitMs ?? 60_000

  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : absolute(String(input))
    if (!isOurs(url)) return send(input, init)
    const target = input instanceof Request ? input : url
    const method = (init.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase()
    const signal = init.signal ?? (input instanceof Request ? input.signal : undefined)
    const headers = new Headers(
      init.headers ?? (input instanceof Request ? input.headers : undefined),
    )
    const idempotent = isIdempotent(method)
    if (!idempotent && options.idempotency === 'honoured' && !headers.has('idempotency-key'))
      headers.set('idempotency-key', crypto.randomUUID()) // one for all tries
    const sendable: Sendable = {
      idempotent,
      keyed: headers.has('idempotency-key'),
      replayable: isReplayable(input, init),
    }
    const wanted: TokenOptions | undefined = needsLongLife(headers, init.body)
      ? { minLifeMs: options.streamMinLifeMs ?? 300_000, ...(signal ? { signal } : {}) }
      : signal
        ? { signal }
        : undefined
    budget.earn()

    /** Waits and answers true, or answers false: not again. */
    const again = async (attempt: number, answer: Headers | null): Promise<boolean> => {
      if (attempt >= retries) return false
      const wait = waitMs(answer, attempt, clock, random.fraction())
      if (wait > maxRetryWaitMs || !budget.spend()) return false
      await pause(clock, wait, signal ?? undefined)
      return true
    }

    let refreshed = false
    for (let attempt = 0; ; ) {
      await queue.enter(signal)
      let response: Response
      let token: string
      try {
        // Asked for after the queue: a call never leaves it with a token that died meanwhile.
        token = await deps.token(wanted)
        const key = deps.keyOf(token)
        try {
          if (key === null) {
            headers.set('authorization', `Bearer ${token}`)
            response = await send(target, { ...init, headers })
          } else {
            const { replayable } = sendable
            const request = { token, url: new URL(url), method, replayable }
            response = await deps.proofs.send(key, request, (proven) => {
              headers.set('authorization', proven.authorization)
              headers.set('dpop', proven.dpop)
              return send(target, { ...init, headers })
            })
          }
        } catch (error) {
          if (signal?.aborted) throw error
          if (error instanceof LatchkeyError) throw error.speaking(deps.voice) // a fetch of ours
          if (isMisuse(error, url, method, init)) throw error
          const outcome = sentOrNot(error)
          if (mayResend(outcome, sendable) && (await again(attempt, null))) {
            attempt++
            continue
          }
          const detail = failureText(error)
          throw new RequestFailed('request_failed', { detail, outcome, cause: error }, deps.voice)
        }
      } finally {
        queue.leave()
      }
      // Where a redirect led elsewhere, the answer says nothing about our token or our pace.
      const elsewhere = response.redirected && !isOurs(response.url)
      if (!elsewhere) queue.learn(response.headers)
      if (response.status < 400) return response

      const refusal = response.status < 500 ? await readRefusal(response) : null
      if (response.status === 401 && refusal?.kind === 'token' && !refreshed && !elsewhere) {
        refreshed = true
        const next = await deps.token({ ...wanted, stale: token })
        if (next === token || !sendable.replayable) return response
        await discard(response)
        continue
      }
      if (!worthRetrying(response, refusal, sendable)) return response
      if (refusal?.kind === 'rate' && !elsewhere)
        queue.pause(Math.min(waitMs(response.headers, attempt, clock, 0), maxRetryWaitMs))
      if (!(await again(attempt, response.headers))) return response
      await discard(response)
      attempt++
    }
  }
}

function safeOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null)
    throw new TypeError(`origins: ${text} is no address such as https://api.example.org`)
  if (!isSafeUrl(url))
    throw new TypeError(`${text}: tokens travel by https, or stay on this machine`)
  return url.origin
}

/** As `fetch` reads it: in a page or worker, addresses may be relative to it. */
function absolute(url: string): string {
  const { location } = globalThis as { location?: { href?: unknown } }
  if (typeof location?.href !== 'string' || URL.canParse(url)) return url
  return URL.canParse(url, location.href) ? new URL(url, location.href).href : url
}

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : '')

/**
 * Whether `fetch` refuses this call as such, on every network: a stream without `duplex`, a GET with a
 * body. That is for whoever wrote the call, as `fetch` itself says it. Network trouble has a cause in
 * Node and none in browsers, so what has none is asked once more, without the body itself.
 */
function isMisuse(error: unknown, url: string, method: string, init: RequestInit): boolean {
  if (!(error instanceof TypeError) || error.cause !== undefined) return false
  const { body } = init
  const asStream = body !== undefined && body !== null && !isRepeatable(body)
  try {
    void new Request(url, { ...init, method, ...(asStream ? { body: new ReadableStream() } : {}) })
    return false
  } catch {
    return true
  }
}

/** Strings, bytes and forms can be sent again; a stream is gone once it has been read. */
function isReplayable(input: string | URL | Request, init: RequestInit): boolean {
  const { body } = init
  if (body === undefined || body === null) return !(input instanceof Request && input.body !== null)
  return isRepeatable(body)
}

const isRepeatable = (body: unknown): boolean =>
  typeof body === 'string' ||
  body instanceof URLSearchParams ||
  body instanceof ArrayBuffer ||
  ArrayBuffer.isView(body) ||
  body instanceof Blob ||
  body instanceof FormData

/** A streamed answer is paid for by a token that has to last: asked for by Accept or by the body. */
const needsLongLife = (headers: Headers, body: unknown): boolean =>
  (headers.get('accept') ?? '').includes('text/event-stream') ||
  (typeof body === 'string' &&
    /"stream"\s*:\s*true/.test(body.slice(-2_000) + body.slice(0, 2_000)))

/** Frees the connection of an answer nobody will read. */
const discard = (response: Response): Promise<void> =>
  response.body?.cancel().catch(() => {}) ?? Promise.resolve()
