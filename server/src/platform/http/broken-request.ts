import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type ErrorCode, errorText } from '../../../messages/messages.ts'

/**
 * Answers what Node's parser refused before it became a request: a malformed request line, headers
 * that are too large (RFC 6585 section 5) or come too slowly. The shape is the surface's own as far
 * as the first bytes tell; the connection ends, because where the next request starts is unknown.
 */
export function answerBrokenRequest(
  origin: string,
  requestId: string,
  error: Error & { code?: string | undefined; rawPacket?: unknown },
  socket: Socket,
): void {
  // Node's own mark of the answer that is on its way over this socket (a kept-alive one may be idle).
  const answering = (socket as { _httpMessage?: { headersSent: boolean } })._httpMessage
  if (error.code === 'ECONNRESET' || !socket.writable || answering?.headersSent)
    return void socket.destroy() // gone, or in the middle of an answer that must not be mixed with ours
  const { status, code } = judge(error.code)
  const text = errorText(code, 'en')
  const help = `${origin}/help/${text.help}`
  const gateway = /^[A-Z]+ \/v1(?:[/? ]|$)/.test(firstBytes(error.rawPacket))
  const body = JSON.stringify(
    gateway
      ? {
          error: {
            message: `${text.title}. ${text.detail}`,
            type: 'invalid_request_error',
            param: null,
            code,
            help,
          },
        }
      : {
          type: help,
          title: text.title,
          status,
          detail: text.detail,
          code,
          request_id: requestId,
          help,
        },
  )
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `content-type: ${gateway ? 'application/json' : 'application/problem+json'}; charset=utf-8`,
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      'x-content-type-options: nosniff',
      'connection: close',
      `x-request-id: ${requestId}`,
      '',
      body,
    ].join('\r\n'),
  )
}

function judge(code: string | undefined): { status: number; code: ErrorCode } {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, code: 'headers_too_large' }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, code: 'request_timeout' }
    case 'HPE_INVALID_METHOD':
      return { status: 400, code: 'unknown_method' }
    case 'UNKNOWN_EXPECTATION':
      return { status: 417, code: 'malformed_request' }
    default:
      return { status: 400, code: 'malformed_request' }
  }
}

const firstBytes = (packet: unknown) =>
  Buffer.isBuffer(packet) ? packet.subarray(0, 64).toString('latin1') : ''
