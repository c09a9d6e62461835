import type { buildConnector } from 'undici'
import type { Connect, Resolve } from './connect.ts'
import { exchange, type WireAnswer, type WireRefusal } from './exchange.ts'
import { isPublicAddress } from './public-address.ts'
import { Slots } from './slots.ts'
import { parseTarget, type Target } from './target.ts'

/**
 * The one door out for every URL that somebody else chose: documents of clients, their keys, the
 * addresses they want to be told at.
 *
 * Promises: https alone; the name is resolved once, refused if any of its addresses is not
 * globally routable, and the connection goes to an address of that answer and to no other. No
 * redirect is followed, nothing is unpacked, no cookie or credential is sent. Time, headers, body and
 * the number of requests at once have caps. A connection serves one request. A proxy set in the
 * environment is not used: it would resolve again.
 *
 * Answers are values, whatever the other side does. `detail` is for the log: told to the one who
 * chose the URL, it would map what lies behind us.
 */
export type Outbound = {
  get(url: string, options?: GetOptions): Promise<OutboundAnswer>
  post(url: string, options: PostOptions): Promise<OutboundAnswer>
}

export type GetOptions = {
  /** Media types that an answer of 2xx may have, asked for by `Accept`. Default: any. */
  accept?: readonly string[]
  /** Default 64 KiB. */
  maxBytes?: number
  /** From the call to the last byte, waiting in line included. Default 5 s. */
  timeoutMs?: number
  headers?: Readonly<Record<string, string>>
}

export type PostOptions = GetOptions & { body: string | Buffer; contentType: string }

export type OutboundRefusal =
  | 'url_refused'
  | 'name_unresolved'
  | 'address_refused'
  | 'busy'
  | WireRefusal

/** `ok`: there was an answer, of whatever status but 3xx. Header names are in lower case. */
export type OutboundAnswer =
  | Extract<WireAnswer, { ok: true }>
  | { ok: false; reason: OutboundRefusal; detail: string }

export type OutboundEdges = {
  resolve: Resolve
  connect: Connect
  /** Development only: URLs that name this machine itself are fetched, over http too. */
  allowLoopback: boolean
  /** Requests at once; others wait in line within their time. Default 64, and 8 to one host. */
  concurrency?: number
  concurrencyPerHost?: number
}

const queueMax = 1_024

export function createOutbound(edges: OutboundEdges): Outbound {
  const everyone = new Slots(edges.concurrency ?? 64, queueMax)
  const hosts = new Map<string, Slots>()
  const refuse = (reason: OutboundRefusal, detail: string): OutboundAnswer => ({
    ok: false,
    reason,
    detail,
  })

  /** A slow host may not take all places: first a place at the host, then one of all. */
  async function inTurn(host: string, signal: AbortSignal, work: () => Promise<OutboundAnswer>) {
    const own = hosts.get(host) ?? new Slots(edges.concurrencyPerHost ?? 8, queueMax)
    hosts.set(host, own)
    const full = () => refuse(signal.aborted ? 'timeout' : 'busy', 'waiting in line')
    try {
      if (!(await own.take(signal))) return full()
      try {
        if (!(await everyone.take(signal))) return full()
        try {
          return await work()
        } finally {
          everyone.free()
        }
      } finally {
        own.free()
      }
    } finally {
      if (own.idle) hosts.delete(host)
    }
  }

  async function addressesOf(
    target: Target,
    signal: AbortSignal,
  ): Promise<{ addresses: readonly string[] } | OutboundAnswer> {
    if (target.addresses) return { addresses: target.addresses }
    let addresses: readonly string[]
    try {
      addresses = await untilAborted(edges.resolve(target.hostname, signal), signal)
    } catch (error) {
      if (signal.aborted) return refuse('timeout', 'in DNS')
      return refuse('name_unresolved', error instanceof Error ? error.message : String(error))
    }
    if (addresses.length === 0) return refuse('name_unresolved', 'no address')
    // One bad address refuses them all: a name that mixes them is up to something.
    const bad = addresses.find((address) => !isPublicAddress(address))
    return bad === undefined ? { addresses } : refuse('address_refused', bad)
  }

  async function send(
    method: 'GET' | 'POST',
    text: string,
    { accept, maxBytes = 65_536, timeoutMs = 5_000, headers }: GetOptions,
    sent: { body: string | Buffer; contentType: string } | null,
  ): Promise<OutboundAnswer> {
    const target = parseTarget(text, edges.allowLoopback)
    if (!target) return refuse('url_refused', 'is no https URL of a public host')
    const expiry = new AbortController()
    const timer = setTimeout(() => expiry.abort(), timeoutMs)
    const { signal } = expiry
    try {
      return await inTurn(target.url.host, signal, async () => {
        const found = await addressesOf(target, signal)
        if (!('addresses' in found)) return found
        const connector: buildConnector.connector = edges.connect(found.addresses, timeoutMs)
        return exchange({
          method,
          url: target.url,
          connector,
          headers: {
            ...headers,
            accept: accept?.join(', ') ?? '*/*',
            'accept-encoding': 'identity',
            'user-agent': 'Latchkey',
            ...(sent ? { 'content-type': sent.contentType } : {}),
          },
          body: sent?.body ?? null,
          maxBytes,
          accept: accept ?? null,
          signal,
        })
      })
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    get: (url, options = {}) => send('GET', url, options, null),
    post: (url, { body, contentType, ...options }) =>
      send('POST', url, options, { body, contentType }),
  }
}

/** A resolver that ignores its signal may not hold anybody up. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(new Error('aborted'))
    if (signal.aborted) expire()
    signal.addEventListener('abort', expire, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', expire))
  })
}
