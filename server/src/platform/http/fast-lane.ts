import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { RouteOptions } from 'fastify'
import type { RouteAccess } from './access.ts'

/** A form posted to a route, read to its end; nothing has been judged yet but its size. */
export type LaneRequest = {
  headers: IncomingHttpHeaders
  body: Buffer
  /** Of whoever sends it, as `request.ip` would say. */
  address: string
}

/**
 * What a route may declare beside its handler, for forms that programs post all day: a JSON answer of
 * status 200, or null, which says that nothing has happened and the handler answers. Half of what such
 * a request costs is Fastify's way to the handler and back.
 */
export type FastLane = (request: LaneRequest) => Promise<object | null>

export type LaneOptions = {
  addressOf(req: IncomingMessage): string
  requestId(): string
  /** On every answer of the lane, in this order: names and values in turn. */
  headers: readonly string[]
  /** Counts and logs a request whose answer has left. */
  finished(request: FinishedRequest): void
}

export type FinishedRequest = {
  method: string
  /** The pattern of its route, `unknown` where there is none. */
  route: string
  status: number
  elapsedMs: number
  requestId: string
}

const form = /^application\/x-www-form-urlencoded\s*(?:;|$)/i
const digits = /^\d{1,6}$/

/**
 * The lanes beside Fastify on the one listener. A lane skips the choke point, so only a route whose
 * policy leaves that nothing to judge may have one. It takes plain requests alone: a form of known
 * length, to the exact path, of no page of another origin and without a cookie. Everything else, and
 * whatever a lane steps aside for, goes to Fastify as if there were no lane.
 */
export function fastLanes(options: LaneOptions) {
  const lanes = new Map<string, { lane: FastLane; bytesMax: number }>()
  const bodies = new WeakMap<IncomingMessage, Buffer>()
  let open = true

  function answer(
    route: string,
    requestId: string,
    began: number,
    res: ServerResponse,
    body: object,
  ): void {
    const text = JSON.stringify(body)
    res.once('close', () =>
      options.finished({
        method: 'POST',
        route,
        status: 200,
        elapsedMs: performance.now() - began,
        requestId,
      }),
    )
    res.writeHead(200, [
      'x-request-id',
      requestId,
      ...options.headers,
      'content-length',
      String(Buffer.byteLength(text)),
      ...(open ? [] : ['connection', 'close']),
    ])
    res.end(text)
  }

  return {
    /** Takes up the lane of a route that declares one, and hands its handler the body back. */
    register(route: RouteOptions, access: RouteAccess): void {
      const lane = route.config?.lane
      if (!lane) return
      if (access.auth !== 'public' || access.origin !== 'any' || access.rate !== 'none')
        throw new Error(`route ${route.url} has a lane and a policy to judge`)
      const bytesMax = route.bodyLimit ?? 0
      if (lanes.has(route.url)) return // the same route for another method
      lanes.set(route.url, { lane, bytesMax })
      route.preParsing = (request, _reply, payload, done) => {
        const read = bodies.get(request.raw)
        done(null, read ? Readable.from([read]) : payload)
      }
    },

    /** The server is about to end: new requests are Fastify's, and every answer closes its connection. */
    close(): void {
      open = false
    },

    /** The listener's handler: lanes first, then `otherwise`. */
    before(otherwise: (req: IncomingMessage, res: ServerResponse) => void) {
      return (req: IncomingMessage, res: ServerResponse): void => {
        const found = open && req.method === 'POST' ? lanes.get(req.url ?? '') : undefined
        if (!found || !isPlain(req.headers, found.bytesMax)) {
          otherwise(req, res)
          return
        }
        const began = performance.now()
        const requestId = options.requestId()
        const chunks: Buffer[] = []
        req.on('data', (chunk: Buffer) => chunks.push(chunk))
        // One that ends early has nobody left to answer.
        req.once('error', () => {})
        req.once('end', () => {
          const body = Buffer.concat(chunks)
          const handOver = () => {
            bodies.set(req, body)
            otherwise(req, res)
          }
          found.lane({ headers: req.headers, body, address: options.addressOf(req) }).then(
            (answered) =>
              answered ? answer(req.url ?? '', requestId, began, res, answered) : handOver(),
            handOver, // what is broken is told by whoever meets it there
          )
        })
      }
    },
  }
}

function isPlain(headers: IncomingHttpHeaders, bytesMax: number): boolean {
  const { 'content-length': length, 'content-type': type } = headers
  return (
    length !== undefined &&
    digits.test(length) &&
    Number(length) <= bytesMax &&
    headers['transfer-encoding'] === undefined &&
    type !== undefined &&
    form.test(type) &&
    headers.origin === undefined &&
    headers.cookie === undefined
  )
}

declare module 'fastify' {
  interface FastifyContextConfig {
    lane?: FastLane
  }
}
