import { isUtf8 } from 'node:buffer'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { minute } from '#platform/clock/clock.ts'
import type { App } from '#platform/http/app.ts'
import type { FastLane } from '#platform/http/fast-lane.ts'
import { pageHeaders } from '#platform/http/security-headers.ts'
import type { RateLimiter, RateRule } from '#platform/limits/token-bucket.ts'
import { askedLocale } from './asked-locale.ts'
import { barePageHeaders, pageAway } from './authorize/pages.ts'
import { preflight, readableAnywhere } from './cross-origin.ts'
import { type ProofRefusal, proofError } from './dpop/answers.ts'
import type { Possessions } from './dpop/possession.ts'
import type { Engine, EngineRequest } from './engine/engine.ts'
import { away } from './engine/refusals.ts'
import type { DirectIntrospection } from './introspect/direct.ts'
import { takeRawBodies } from './raw-body.ts'
import type { DirectTokens } from './token/direct.ts'

export type EndpointDeps = {
  origin: string
  engine: Engine
  limiter: RateLimiter
  directTokens: DirectTokens
  introspection: DirectIntrospection
  possessions: Possessions
}

/** How each protocol path is served; whatever is not listed does not exist. */
type Endpoint = {
  path: string
  /** The engine's own path, where ours differs. */
  engine: string
  methods: readonly ('GET' | 'POST')[]
  /** Pages for people; the others speak JSON whatever `Accept` says. */
  page?: true
  /** Each request leaves a row that waits; people do not start two a second. */
  starts?: true
  /** Takes proofs of possession (RFC 9449 sections 5 and 10.1). */
  dpop?: true
}

const endpoints: readonly Endpoint[] = [
  {
    path: '/oauth/authorize',
    engine: '/oauth/authorize',
    methods: ['GET', 'POST'],
    page: true,
    starts: true,
  },
  { path: '/oauth/token', engine: '/oauth/token', methods: ['POST'], dpop: true },
  { path: '/v1/oauth/token', engine: '/oauth/token', methods: ['POST'], dpop: true },
  { path: '/oauth/par', engine: '/oauth/par', methods: ['POST'], starts: true, dpop: true },
  { path: '/oauth/device', engine: '/oauth/device', methods: ['POST'], starts: true },
  { path: '/oauth/introspect', engine: '/oauth/introspect', methods: ['POST'] },
  { path: '/oauth/revoke', engine: '/oauth/revoke', methods: ['POST'] },
  { path: '/oauth/jwks', engine: '/oauth/jwks', methods: ['GET'] },
  ...['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'].map(
    (path): Endpoint => ({ path, engine: path, methods: ['GET'] }),
  ),
]

const pages = new Set(endpoints.filter(({ page }) => page).map(({ path }) => path))

const bodyBytesMax = 48 * 1024
/** What a page of another site may send along, MCP clients’ version among it; cookies never go. */
const allowedHeaders = 'authorization, content-type, dpop, mcp-protocol-version'
const usualRate: RateRule = { burst: 1_200, perMs: minute }
const everyMethod = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'] as const
/** What of a request may matter to the protocol. Cookies never: no endpoint looks at a session. */
const passedHeaders = [
  'accept-language',
  'authorization',
  'content-type',
  'if-none-match',
  'origin',
  'sec-fetch-dest',
  'sec-fetch-site',
  'user-agent',
]

/** RFC 6749 section 5.2, with our link to the help. */
export const oauthError = (
  reply: FastifyReply,
  status: number,
  error: string,
  description: string,
  headers: Record<string, string> = {},
) =>
  reply
    .code(status)
    .headers({ 'cache-control': 'no-store', ...headers })
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send({ error, error_description: description })

/** `sayAway` of an endpoint that speaks JSON to apps. */
export const oauthAway = (_request: unknown, reply: FastifyReply) =>
  oauthError(reply, reply.statusCode, away.error, away.error_description)

/**
 * Puts the engine's endpoints on the app: the body is read, measured and checked here, and only
 * then does the engine see a request made of what `passedHeaders` names.
 */
export async function oauthEndpoints(app: App, deps: EndpointDeps): Promise<void> {
  const { origin, engine, limiter, possessions } = deps
  await app.register(async (scope) => {
    takeRawBodies(scope, bodyBytesMax)
    // For what is refused before the engine sees it; the engine's answers have headers of their own.
    scope.addHook('onRequest', (request, reply, done) => {
      if (request.headers.origin !== undefined && !pages.has(request.routeOptions.url ?? ''))
        reply.headers(readableAnywhere)
      done()
    })
    scope.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
      const status = error.statusCode ?? 500
      if (status >= 500) throw error
      return oauthError(
        reply,
        status === 413 ? 413 : 400,
        'invalid_request',
        status === 413
          ? `the body is larger than ${bodyBytesMax} bytes`
          : 'the request is malformed',
      )
    })
    for (const endpoint of endpoints)
      scope.route({
        method: [...everyMethod],
        url: endpoint.path,
        bodyLimit: bodyBytesMax,
        config: {
          access: { auth: 'public', standing: 'any', origin: 'any', rate: 'none' },
          sayAway: endpoint.page ? pageAway(origin) : oauthAway,
          ...laneOf(endpoint),
        },
        schema: { hide: true },
        handler: (request, reply) => serve(endpoint, request as never, reply as never),
      })
  })

  /** What programs ask all day; where a proof of possession comes along, which passes once, the handler deals. */
  function laneOf(endpoint: Endpoint): { lane?: FastLane } {
    const direct = { '/oauth/token': deps.directTokens, '/oauth/introspect': deps.introspection }[
      endpoint.engine
    ]
    if (!direct) return {}
    return {
      async lane({ headers, body, address }) {
        const { authorization, dpop } = headers
        if (dpop !== undefined || !limiter.take(`oauth:${address}`, usualRate).allowed) return null
        const form = isClean(body) ? new URLSearchParams(body.toString('utf8')) : null
        const answer = form && (await direct({ form, authorization, address, jkt: null }))
        if (!answer) limiter.giveBack(`oauth:${address}`, usualRate) // the handler takes it again
        return answer
      },
    }
  }

  async function serve(endpoint: Endpoint, request: FastifyRequest, reply: FastifyReply) {
    const { origin: from, 'access-control-request-method': wanted } = request.headers
    // Fetch, CORS-preflight request: an OPTIONS without these two is an ordinary wrong method.
    const asks = request.method === 'OPTIONS' && from !== undefined && wanted !== undefined
    if (asks && !endpoint.page) return preflight(reply, endpoint.methods.join(', '), allowedHeaders)
    const [bucket, rule]: [string, RateRule] = endpoint.starts
      ? ['oauth-start', { burst: 120, perMs: minute }]
      : ['oauth', usualRate]
    const address = request.ip
    const rate = limiter.take(`${bucket}:${address}`, rule)
    if (!rate.allowed)
      return oauthError(
        reply,
        429,
        'temporarily_unavailable',
        'too many requests; wait and retry',
        {
          'retry-after': String(Math.ceil(rate.retryAfterSeconds)),
        },
      )
    // A page is opened by a person; what looks at links beforehand opens nothing.
    const mayHead = endpoint.methods.includes('GET') && !endpoint.page
    const method = request.method === 'HEAD' && mayHead ? 'GET' : request.method // node:http leaves the body out
    if (!endpoint.methods.includes(method as 'GET' | 'POST'))
      return oauthError(reply, 405, 'invalid_request', `use ${endpoint.methods.join(' or ')}`, {
        allow: [...endpoint.methods, ...(mayHead ? ['HEAD'] : [])].join(', '),
      })
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const query = queryOf(request.raw.url ?? '')
    if (!isClean(body) || nullByte.test(query))
      return oauthError(
        reply,
        400,
        'invalid_request',
        'parameters must be UTF-8 without null bytes',
      )

    let jkt: string | null = null
    if (endpoint.dpop && method === 'POST' && request.headers.dpop !== undefined) {
      const proof = String(request.headers.dpop)
      const proven = await possessions.atTokenEndpoint({
        proof,
        method,
        url: origin + endpoint.path,
      })
      if (!proven.ok) return proofRefused(reply, proven, origin)
      jkt = proven.jkt
      reply.raw.setHeader('dpop-nonce', possessions.nonce())
    }
    const asked = endpoint.engine === '/oauth/par' ? pushedBody(body, jkt) : body
    if (asked === null)
      return oauthError(reply, 400, 'invalid_request', 'dpop_jkt is not the key of the DPoP proof')

    // Without a proof the lane has been asked before us.
    if (jkt !== null && endpoint.engine === '/oauth/token' && query === '' && isPlain(request)) {
      const form = new URLSearchParams(body.toString('utf8'))
      const { authorization } = request.headers
      const answer = await deps.directTokens({ form, authorization, address, jkt })
      if (answer)
        return reply
          .headers({ ...Object.fromEntries(pageHeaders(origin)), 'cache-control': 'no-store' })
          .type('application/json; charset=utf-8')
          .serializer(JSON.stringify)
          .send(answer)
    }
    const headers = Object.fromEntries(
      passedHeaders.flatMap((name) => {
        const value = request.headers[name]
        return typeof value === 'string' ? [[name, value]] : []
      }),
    )
    // POST to the authorization endpoint (OpenID Connect Core section 3.1.2.1) means the same as GET.
    const posted = endpoint.page === true && method === 'POST'
    if (posted && !/^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? ''))
      return oauthError(reply, 400, 'invalid_request', 'send application/x-www-form-urlencoded')
    const search = endpoint.page
      ? inTheQuery(new URLSearchParams(posted ? body.toString('utf8') : query)).toString()
      : query
    const neutral: EngineRequest = {
      method: method === 'POST' && !posted ? 'POST' : 'GET',
      url: endpoint.engine + (search === '' ? '' : `?${search}`),
      headers: {
        ...headers,
        accept: endpoint.page ? 'text/html' : 'application/json',
        // Only to count this browser's open transactions; it is read by `txCookies` alone.
        ...(endpoint.page && request.headers.cookie
          ? { cookie: txOnly(request.headers.cookie) }
          : {}),
      },
      ...(method === 'POST' && !posted ? { body: asked } : {}),
      jkt,
      locale:
        (endpoint.page && askedLocale(new URLSearchParams(search).get('ui_locales'))) ||
        request.locale,
      address,
    }
    reply.hijack()
    const answered = endpoint.page ? Object.entries(barePageHeaders(origin)) : pageHeaders(origin)
    for (const [name, value] of answered) reply.raw.setHeader(name, value)
    reply.raw.setHeader('x-request-id', request.id)
    if (!endpoint.page) reply.raw.setHeader('cache-control', 'no-store')
    await engine.handle(neutral, request.raw, reply.raw)
  }
}

/** RFC 9449 sections 5 and 8. */
const proofRefused = (reply: FastifyReply, refusal: ProofRefusal, origin: string) => {
  const { error, description } = proofError(refusal)
  return reply
    .code(400)
    .headers({
      'cache-control': 'no-store',
      ...(refusal.nonce === null ? {} : { 'dpop-nonce': refusal.nonce }),
    })
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send({ error, error_description: description, help: `${origin}/help/dpop` })
}

/**
 * What is pushed is asked later, so it is read as the authorization endpoint would. One that comes with
 * a proof is bound to its key (RFC 9449 section 10.1); null: it names another.
 */
function pushedBody(body: Buffer, jkt: string | null): Buffer | null {
  const form = inTheQuery(new URLSearchParams(body.toString('utf8')))
  if (jkt !== null) {
    if (form.getAll('dpop_jkt').some((named) => named !== jkt)) return null
    form.set('dpop_jkt', jkt)
  }
  return Buffer.from(form.toString())
}

/** A null byte cannot be stored by PostgreSQL and means nothing in any parameter. */
const nullByte = /\0|%00/
const isClean = (body: Buffer): boolean => isUtf8(body) && !nullByte.test(body.toString('latin1'))

/** No page of another site that wants CORS headers: see `token/direct.ts`. */
const isPlain = ({ headers }: FastifyRequest): boolean =>
  headers.origin === undefined &&
  /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(headers['content-type'] ?? '')

const queryOf = (url: string): string => {
  const start = url.indexOf('?')
  return start === -1 ? '' : url.slice(start + 1)
}

/**
 * Codes go back in the query alone: other modes would need a page that runs a script. An unsupported
 * `response_mode` is renamed so that its refusal, too, goes back in the query.
 */
function inTheQuery(parameters: URLSearchParams): URLSearchParams {
  const mode = parameters.get('response_mode')
  if (mode !== null && mode !== 'query') parameters.set('response_mode', 'unsupported')
  return parameters
}

const txOnly = (cookie: string): string =>
  cookie
    .split(';')
    .filter((pair) => /^\s*(?:__Host-)?lk_tx_/.test(pair))
    .join(';')
