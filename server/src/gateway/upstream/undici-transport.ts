import { type Dispatcher, Pool } from 'undici'
import {
  defaultTimeouts,
  type Exchange,
  type Timeouts,
  type Transport,
  type UpstreamFault,
} from './transport.ts'

/** TLS by undici's dispatcher. Never its `request` or `fetch`: their streams cost as much as all of the gateway. */
export function undiciTransport(options: {
  origin: string
  prefix: string
  authorization: string | null
  timeouts?: Timeouts
}): Transport {
  const timeouts = options.timeouts ?? defaultTimeouts
  const pool = new Pool(options.origin, {
    connections: 1_024,
    pipelining: 1,
    keepAliveTimeout: 4_000,
    connect: { timeout: timeouts.connectMs },
    headersTimeout: timeouts.firstByteMs,
    bodyTimeout: timeouts.idleMs,
  })
  return {
    send(request, events) {
      let controller: Dispatcher.DispatchController | null = null
      let over = false
      let answered = false
      const exchange: Exchange = {
        pause: () => controller?.pause(),
        resume: () => controller?.resume(),
        abort() {
          over = true
          controller?.abort(new Error('aborted'))
        },
      }
      pool.dispatch(
        {
          path: `${options.prefix}${request.path}`,
          method: request.method,
          headers: {
            ...(request.contentType ? { 'content-type': request.contentType } : {}),
            ...(options.authorization ? { authorization: options.authorization } : {}),
            accept: 'application/json, text/event-stream',
            'user-agent': 'latchkey',
          },
          body: request.body,
        },
        {
          onRequestStart(given) {
            controller = given
            if (over) given.abort(new Error('aborted'))
          },
          onResponseStart(_controller, status, headers) {
            if (over || status < 200) return
            answered = true
            const retryAfter = headers['retry-after']
            events.head({
              status,
              contentType: String(headers['content-type'] ?? ''),
              retryAfterSeconds:
                typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter)
                  ? Number(retryAfter)
                  : null,
            })
          },
          onResponseData(_controller, chunk) {
            if (!over) events.data(chunk)
          },
          onResponseEnd() {
            if (over) return
            over = true
            events.end()
          },
          onResponseError(_controller, error) {
            if (over) return
            over = true
            events.error(faultOf(error, answered))
          },
        },
      )
      return exchange
    },
    close() {
      void pool.destroy()
    },
  }
}

function faultOf(error: Error, answered: boolean): UpstreamFault {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return 'timeout'
  if (code.startsWith('HPE_')) return 'framing'
  if (answered) return 'cut'
  if (/^(ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(code))
    return 'connect'
  // A failed TLS handshake sent nothing either.
  return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code) ? 'connect' : 'cut'
}
