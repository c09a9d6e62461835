import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** One request as the engine is allowed to see it. */
export type EngineRequest = {
  method: 'GET' | 'POST' | 'OPTIONS'
  /** Path and query; the path is one of ours. */
  url: string
  headers: Record<string, string>
  body?: Buffer
  /** The key whose possession was proven (RFC 9449): the engine sees no proof, only this. */
  jkt: string | null
  locale: 'en' | 'zh'
  /** Who asks, by trusted proxies only; shown to the person a device waits for. */
  address: string
}

export const addressHeader = 'x-latchkey-address'
export const jktHeader = 'x-latchkey-jkt'

/** A request made anew from the little that counts; its host and scheme are the configured ones. */
export function neutralRequest(
  request: EngineRequest,
  raw: IncomingMessage,
  origin: string,
): IncomingMessage {
  const { host, protocol } = new URL(origin)
  const body = request.body ?? Buffer.alloc(0)
  const stream = Readable.from(body.length > 0 ? [body] : [])
  return Object.assign(stream, {
    method: request.method,
    url: request.url,
    headers: {
      ...request.headers,
      host,
      'x-forwarded-proto': protocol.slice(0, -1),
      'x-latchkey-locale': request.locale,
      [addressHeader]: request.address,
      [jktHeader]: request.jkt ?? '',
      ...(request.method === 'POST' ? { 'content-length': String(body.length) } : {}),
    },
    socket: raw.socket,
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
  }) as unknown as IncomingMessage // all that koa reads of one
}
