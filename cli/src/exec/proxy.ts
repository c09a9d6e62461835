import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import * as http from 'node:http'
import * as https from 'node:https'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import type { TokenOptions } from '../../../sdk/src/tokens/demand.ts'
import type { ProxyEnvironment } from '../network/proxies.ts'
import { readBody } from './request-body.ts'

export type TokenProxy = {
  /** The base URL for clients: loopback, ending in `/v1`. */
  baseUrl: string
  /** The only bearer that is let through. Made for this run, worth nothing elsewhere. */
  bearer: string
  /** Ends every connection. */
  close(): Promise<void>
}

export type ProxyDeps = {
  /** The API behind; requests to `/v1/…` here become requests below it. */
  base: URL
  /** Rejects with what the client is then told. */
  token(options: TokenOptions): Promise<string>
  /** How to tell the client that there is no token. */
  refusalOf(error: unknown): { status: number; code: string; message: string; retryAfter?: number }
  /** Corporate proxies on the way to `base`. */
  proxyEnv: ProxyEnvironment | null
}

/** A request begins with a token that lives so long, or half a token's life where that is less. */
const minLifeMs = 300_000
/** Bodies up to here are kept, so that they can be sent again with a renewed token. */
const replayBytesMax = 8 * 1024 * 1024
const connectTimeoutMs = 10_000

/**
 * A door on the loopback interface through which a program calls the API with a token that never
 * goes stale, and without ever holding it.
 *
 * Who does not show the bearer of this run is refused before anything else happens; requests leave
 * for nowhere but `base`. Bodies and answers pass as they come, with back-pressure, and are not
 * interpreted: retries, limits and errors are between the program and the API. The one thing done
 * for it: a request refused because of its token is sent once more with a renewed one.
 */
export async function startTokenProxy(deps: ProxyDeps): Promise<TokenProxy> {
  const bearer = `sk-local-${randomBytes(32).toString('base64url')}`
  const expected = digest(`Bearer ${bearer}`)
  const secure = deps.base.protocol === 'https:'
  const { request: send, Agent } = secure ? https : http
  const agent = new Agent({
    keepAlive: true,
    timeout: 20_000, // connections that lie idle for longer are closed before the other side does it
    ...(deps.proxyEnv === null ? {} : { proxyEnv: deps.proxyEnv }),
  })
  const server = http.createServer({
    requestTimeout: 0,
    headersTimeout: 10_000,
    keepAliveTimeout: 0, // the program is the only guest; it hangs up when it likes
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`])

  server.on('request', (request, response) => {
    // Who hangs up in the middle is no event of ours.
    request.on('error', () => {})
    response.on('error', () => {})
    // By digest, so that the comparison takes the same time whatever was sent.
    if (!timingSafeEqual(digest(request.headers.authorization ?? ''), expected))
      return refuse(
        response,
        401,
        'invalid_api_key',
        'This door is for the program that latchkey exec started.',
      )
    // No name that was pointed at us afterwards (DNS rebinding).
    if (!hosts.has(request.headers.host ?? ''))
      return refuse(response, 403, 'forbidden', 'Use the address in OPENAI_BASE_URL.')
    const target = targetOf(deps.base, request.url ?? '')
    if (target === null)
      return refuse(response, 404, 'not_found', 'Only paths below OPENAI_BASE_URL are passed on.')
    pass(request, response, target).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return void response.destroy()
      const { status, code, message, retryAfter } = deps.refusalOf(error)
      refuse(response, status, code, message, retryAfter)
    })
  })

  async function pass(request: http.IncomingMessage, response: http.ServerResponse, target: URL) {
    const body = await readBody(request, replayBytesMax)
    let token = await deps.token({ minLifeMs })
    const first = await ask(request, response, target, body, token)
    if (first === null) return
    const answer = body.whole === null || !isTokenRefused(first) ? first : await again(first)
    if (answer !== null) relay(answer, response)

    async function again(refused: http.IncomingMessage) {
      const next = await deps.token({ stale: token, minLifeMs }).catch(() => token)
      if (next === token) return refused
      token = next
      refused.resume()
      return ask(request, response, target, body, token)
    }
  }

  /** The answer's head; null when the program hung up meanwhile. */
  function ask(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    target: URL,
    body: Awaited<ReturnType<typeof readBody>>,
    token: string,
  ): Promise<http.IncomingMessage | null> {
    return new Promise((resolve, reject) => {
      const upstream = send(target, {
        agent,
        method: request.method ?? 'GET',
        headers: passedHeaders(request, token, body.whole),
      })
      const gone = () => {
        upstream.destroy()
        resolve(null)
      }
      if (response.destroyed) return gone()
      response.once('close', gone)
      const late = setTimeout(
        () => upstream.destroy(coded('ETIMEDOUT', 'no connection')),
        connectTimeoutMs,
      )
      upstream.once('socket', (socket) => {
        const connected = () => clearTimeout(late)
        if (!socket.connecting) connected()
        else socket.once(secure ? 'secureConnect' : 'connect', connected)
        socket.setNoDelay(true)
      })
      upstream.once('response', (answer) => {
        clearTimeout(late)
        resolve(answer)
      })
      upstream.on('error', (error) => {
        clearTimeout(late)
        reject(error)
      })
      body.send(upstream)
    })
  }

  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    bearer,
    async close() {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Where a request goes: below the base and nowhere else, dots resolved. Null for anything beside it. */
export function targetOf(base: URL, path: string): URL | null {
  if (!path.startsWith('/') || !URL.canParse(path, 'http://here')) return null
  const asked = new URL(path, 'http://here')
  if (asked.host !== 'here' || !/^\/v1(\/|$)/.test(asked.pathname)) return null
  const target = new URL(base)
  target.pathname = `${base.pathname.replace(/\/$/, '')}${asked.pathname.slice('/v1'.length)}`
  target.search = asked.search
  return target
}

/** RFC 9110 section 7.6.1, and what is between the program and us alone. */
const ownHeaders = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function passedHeaders(
  { rawHeaders, headers }: http.IncomingMessage,
  token: string,
  whole: Buffer | null,
): http.OutgoingHttpHeaders {
  const passed: Record<string, string[]> = {}
  for (const [name, value] of passing(rawHeaders, headers.connection)) {
    const held = passed[name]
    if (held) held.push(value)
    else passed[name] = [value]
  }
  const framed: http.OutgoingHttpHeaders =
    whole === null
      ? headers['content-length'] === undefined
        ? {}
        : { 'content-length': headers['content-length'] }
      : whole.length > 0 || headers['content-length'] !== undefined
        ? { 'content-length': whole.length }
        : {}
  return { ...passed, ...framed, authorization: `Bearer ${token}` }
}

/** Header lines that are passed on, as they were written. */
function* passing(
  rawHeaders: readonly string[],
  connection: string | undefined,
): Generator<[string, string]> {
  const named = new Set((connection ?? '').toLowerCase().split(/\s*,\s*/))
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const low = name.toLowerCase()
    if (!ownHeaders.has(low) && !named.has(low)) yield [name, rawHeaders[i + 1] ?? '']
  }
}

/** 401 that a new token may cure: it says nothing else (RFC 6750 section 3.1). */
function isTokenRefused({ statusCode, headers }: http.IncomingMessage): boolean {
  if (statusCode !== 401) return false
  const error = /\berror="?([\w-]+)/i.exec(headers['www-authenticate'] ?? '')?.[1]
  return error === undefined || error === 'invalid_token'
}

function relay(answer: http.IncomingMessage, response: http.ServerResponse): void {
  const lines = [...passing(answer.rawHeaders, answer.headers.connection)]
  const length = answer.headers['content-length']
  const raw = [...lines, ...(length === undefined ? [] : [['content-length', length] as const])]
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, raw.flat())
  response.flushHeaders() // a stream's first event may be a long time coming
  // An answer that was cut is cut for the program, too: never a short answer that looks whole.
  pipeline(answer, response, (error) => {
    if (error) response.destroy()
  })
}

/** In the shape that OpenAI's clients read. */
function refuse(
  response: http.ServerResponse,
  status: number,
  code: string,
  message: string,
  retryAfter?: number,
): void {
  const body = JSON.stringify({
    error: {
      message,
      type: status < 500 ? 'invalid_request_error' : 'api_error',
      param: null,
      code,
    },
  })
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    // What is left of the request is not read.
    connection: 'close',
  })
  response.end(body)
}

const coded = (code: string, message: string) => Object.assign(new Error(message), { code })
