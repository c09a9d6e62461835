import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export type Handler = (req: IncomingMessage, res: ServerResponse) => void

/**
 * The one listener. `/v1` belongs to the gateway's own pipeline and never sees Fastify; the token
 * endpoint's second address is the only path below it that does not. Bodies outside `/v1` are forms and
 * small JSON and have `bodyTimeoutMs`; those of the gateway may be many megabytes and have a minute.
 */
export function createListener(
  handlers: { gateway: Handler; app: Handler },
  bodyTimeoutMs = 10_000,
): Server {
  const server = createServer(
    {
      // Node's strict parser is the defence against request smuggling; keep it strict.
      insecureHTTPParser: false,
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 75_000, // longer than usual proxies keep an idle connection, so they close first
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: 32 * 1024,
      noDelay: true,
      requireHostHeader: false, // Node's own refusal has no body; ours is below
    },
    (req, res) => {
      // RFC 9112 section 3.2: 400 without a Host. What it says decides nothing here.
      if (!hasHost(req.rawHeaders) && req.httpVersionMinor > 0) return refuse(req, 'NO_HOST')
      if (isGatewayPath(req.url ?? '/')) return handlers.gateway(req, res)
      limitBody(req, res)
      handlers.app(req, res)
    },
  )
  /** Answered like what the parser itself refuses (`broken-request.ts`). */
  const refuse = (req: IncomingMessage, code: string): void => {
    const rawPacket = Buffer.from(`${req.method} ${req.url} `)
    server.emit('clientError', Object.assign(new Error(code), { code, rawPacket }), req.socket)
  }
  /** Whoever needs longer holds a connection and means to. */
  const limitBody = (req: IncomingMessage, res: ServerResponse): void => {
    const { 'content-length': length = '0', 'transfer-encoding': coding } = req.headers
    if (length === '0' && coding === undefined) return
    // Nearly all arrive with their head, and need no timer.
    setImmediate(() => {
      if (req.complete || req.destroyed) return
      const timer = setTimeout(() => {
        if (res.writableEnded)
          req.socket.destroy() // refused unread, and answered
        else refuse(req, 'ERR_HTTP_REQUEST_TIMEOUT')
      }, bodyTimeoutMs)
      const stop = () => clearTimeout(timer)
      req.once('end', stop).once('close', stop)
    })
  }
  server.on('checkExpectation', (req: IncomingMessage) => refuse(req, 'UNKNOWN_EXPECTATION'))
  server.maxRequestsPerSocket = 0
  return server
}

const tokenPath = '/v1/oauth/token'

/** From the raw list: asking `req.headers` would build an object that the gateway never reads. */
function hasHost(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') return true
  }
  return false
}

/** Decided on the raw path, exactly as the gateway's own table will read it. */
function isGatewayPath(url: string): boolean {
  if (!url.startsWith('/v1')) return false
  const next = url.charCodeAt(3)
  if (!((url.length === 3 || next === 47 /* / */ || next === 63) /* ? */)) return false
  return !(url === tokenPath || url.startsWith(`${tokenPath}?`))
}
