// biome-ignore lint/suspicious/noTsIgnore: an error is expected only where the peer is not installed
/** @ts-ignore: an optional peer, and `any` without it */
import type { Dispatcher } from 'undici'
import type { Account } from '../auth.ts'
import { readRefusal } from '../http/refusal.ts'
import { isSafeUrl } from '../provider/wire.ts'

export type InterceptorOptions = {
  /** Where the token may go, such as `https://api.example.org`. Elsewhere requests go without it. */
  origins: string[]
}

const heldBytesMax = 65_536 // a refusal is a few lines of JSON

/**
 * An interceptor for undici: `agent.compose(undiciInterceptor(account, { origins }))`. Every request
 * to one of `origins` carries a living token, with `dpop` a proof as well, and one that is refused
 * with 401 for its token goes out once more with a renewed one if its body can be sent again (none,
 * string or bytes). Queue, retries and rate limits are `account.fetch`'s business, not this one's.
 */
export function undiciInterceptor(
  account: Account,
  options: InterceptorOptions,
): Dispatcher.DispatcherComposeInterceptor {
  const origins = new Set(
    options.origins.map((text) => {
      const url = new URL(text)
      if (!isSafeUrl(url))
        throw new TypeError(`${text}: tokens travel by https, or stay on this machine`)
      return url.origin
    }),
  )
  const nonces = new Map<string, string>() // by origin: those not shown to the account yet
  return (dispatch) => (by, handler) => {
    const url = new URL(by.path, by.origin)
    if (!origins.has(url.origin)) return dispatch(by, handler)
    const go = async (refused: string | null): Promise<void> => {
      if (refused !== null) await account.token({ stale: refused })
      const nonce = nonces.get(url.origin)
      nonces.delete(url.origin)
      const proven = await account.headers({
        url,
        method: by.method,
        ...(nonce === undefined ? {} : { nonce }),
      })
      const token = proven.authorization?.split(' ')[1] ?? ''
      if (token === refused) throw new Unchanged()
      const again = async (answer: Response): Promise<boolean> => {
        const challenge = answer.headers.get('www-authenticate') ?? ''
        const wantsNonce = /\buse_dpop_nonce\b/.test(challenge) && nonces.has(url.origin)
        if (!wantsNonce && (await readRefusal(answer)).kind !== 'token') return false
        try {
          await go(wantsNonce ? null : token)
          return true
        } catch (error) {
          if (error instanceof Unchanged) return false
          throw error
        }
      }
      const watch = new Watcher(handler, {
        again: refused === null && isReplayable(by.body) ? again : null,
        learn: (fresh) => nonces.set(url.origin, fresh),
      })
      dispatch({ ...by, headers: withHeaders(by.headers, proven) }, watch)
    }
    go(null).catch((error: Error) => fail(handler, error))
    return true
  }
}

/** The renewal brought nothing new: the refusal is what the caller gets. */
class Unchanged extends Error {}

type Start = { status: number; headers: Headers; message: string | undefined }
type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]

/** Hands everything through, and holds a 401 back until it is known whether it is the last word. */
class Watcher implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler
  readonly #again: ((answer: Response) => Promise<boolean>) | null
  readonly #learn: (nonce: string) => void
  #held: { start: Start; chunks: Buffer[]; bytes: number } | null = null

  constructor(
    handler: Dispatcher.DispatchHandler,
    by: { again: ((answer: Response) => Promise<boolean>) | null; learn(nonce: string): void },
  ) {
    this.#handler = handler
    this.#again = by.again
    this.#learn = by.learn
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown) {
    this.#handler.onRequestStart?.(controller, context)
  }

  onRequestUpgrade(
    ...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onRequestUpgrade']>>
  ) {
    this.#handler.onRequestUpgrade?.(...args)
  }

  onResponseStarted() {
    this.#handler.onResponseStarted?.()
  }

  onBodySent(chunk: Buffer) {
    this.#handler.onBodySent?.(chunk)
  }

  onRequestSent() {
    this.#handler.onRequestSent?.()
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Headers,
    message?: string,
  ) {
    const nonce = headers['dpop-nonce']
    if (typeof nonce === 'string') this.#learn(nonce)
    if (status === 401 && this.#again)
      this.#held = { start: { status, headers, message }, chunks: [], bytes: 0 }
    else this.#handler.onResponseStart?.(controller, status, headers, message)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer) {
    const held = this.#held
    if (held === null) return this.#handler.onResponseData?.(controller, chunk)
    held.chunks.push(chunk)
    held.bytes += chunk.length
    if (held.bytes > heldBytesMax) this.#release(controller) // no refusal of a token is that long
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: Headers) {
    const held = this.#held
    if (held === null || this.#again === null)
      return this.#handler.onResponseEnd?.(controller, trailers)
    const { status, headers } = held.start
    const answer = new Response(Buffer.concat(held.chunks), { status, headers: flat(headers) })
    this.#again(answer).then(
      (sentAgain) => {
        if (sentAgain) return
        this.#release(controller)
        this.#handler.onResponseEnd?.(controller, trailers)
      },
      (error: Error) => this.#handler.onResponseError?.(controller, error),
    )
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error) {
    this.#handler.onResponseError?.(controller, error)
  }

  #release(controller: Dispatcher.DispatchController) {
    const held = this.#held
    this.#held = null
    if (held === null) return
    const { status, headers, message } = held.start
    this.#handler.onResponseStart?.(controller, status, headers, message)
    for (const chunk of held.chunks) this.#handler.onResponseData?.(controller, chunk)
  }
}

/** Nothing was sent: there is no request yet whose controller could be handed on. */
function fail(handler: Dispatcher.DispatchHandler, error: Error): void {
  const none: Dispatcher.DispatchController = {
    aborted: true,
    paused: false,
    reason: error,
    abort: () => {},
    pause: () => {},
    resume: () => {},
  }
  handler.onResponseError?.(none, error)
}

const isReplayable = (body: unknown): boolean =>
  body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array

type Given = Dispatcher.DispatchOptions['headers']

/** The request's headers with ours in place of any of the same name, as the flat list undici takes. */
function withHeaders(given: Given, ours: Record<string, string>): string[] {
  const list: string[] = []
  const add = (name: string, value: unknown) => {
    if (name.toLowerCase() in ours || value === undefined || value === null) return
    for (const one of Array.isArray(value) ? value : [value]) list.push(name, String(one))
  }
  if (Array.isArray(given))
    for (let i = 0; i < given.length; i += 2) add(String(given[i]), given[i + 1])
  else if (given && Symbol.iterator in given) for (const [name, value] of given) add(name, value)
  else for (const [name, value] of Object.entries(given ?? {})) add(name, value)
  return [...list, ...Object.entries(ours).flat()]
}

const flat = (headers: Headers): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
