import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import cookie from '@fastify/cookie'
import proxyAddr from '@fastify/proxy-addr'
import swagger from '@fastify/swagger'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchema,
} from 'fastify'
import {
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type Clock, minute } from '#platform/clock/clock.ts'
import type { Ids } from '#platform/ids/ids.ts'
import type { RateLimiter, RateRule } from '#platform/limits/token-bucket.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import type { Metrics } from '#platform/metrics/metrics.ts'
import { isLocale, type Locale, preferredLocale } from '../../../messages/messages.ts'
import { type Principal, type RateClass, type RouteAccess, stepUpMs } from './access.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { type FinishedRequest, fastLanes } from './fast-lane.ts'
import { fieldErrors } from './field-errors.ts'
import { type ProblemSender, problemSender } from './problem.ts'
import { pageHeaders } from './security-headers.ts'

export type App = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  import('fastify').FastifyBaseLogger,
  ZodTypeProvider
>

export type RouteEntry = { method: string; url: string; access: RouteAccess }

export type AppOptions = {
  origin: string
  log: Log
  clock: Clock
  ids: Ids
  limiter: RateLimiter
  metrics: Metrics
  /** The one listener: takes Fastify's handler and returns the server that serves it and `/v1`. */
  serverFactory(handler: (req: IncomingMessage, res: ServerResponse) => void): Server
  /** Who holds this request's session cookie; null without a living session. */
  authenticate(request: FastifyRequest): Promise<Principal | null>
  trustedProxies: readonly string[]
}

const rateRules: Record<Exclude<RateClass, 'none'>, RateRule> = {
  api: { burst: 600, perMs: minute },
  credential: { burst: 30, perMs: minute },
  mail: { burst: 20, perMs: 10 * minute },
}

/** Beside those of every answer: `beginAnswer`. */
const laneHeaders = [
  ['cache-control', 'no-store'],
  ['content-type', 'application/json; charset=utf-8'],
] as const

const bodyBytesMax = 256 * 1024
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * The HTTP side of every surface but `/v1`: one choke point that knows each route's policy
 * (`access.ts`), one error shape, security headers on everything. Rooms add their routes to it.
 */
export async function createApp(
  options: AppOptions,
): Promise<{ app: App; inventory: RouteEntry[]; problem: ProblemSender }> {
  const problem = problemSender(options.origin)
  const inventory: RouteEntry[] = []
  const finished = countAndLog(options)
  const fromProxy = proxyAddr.compile([...options.trustedProxies])
  const lanes = fastLanes({
    addressOf: (req) => proxyAddr(req, fromProxy), // as `request.ip` says it
    requestId: () => options.ids('req'),
    headers: [...pageHeaders(options.origin), ...laneHeaders].flat(),
    finished,
  })
  const app = Fastify({
    serverFactory: (handler) => options.serverFactory(lanes.before(handler)),
    logger: false,
    bodyLimit: bodyBytesMax,
    genReqId: () => options.ids('req'),
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    routerOptions: { maxParamLength: 200 },
    forceCloseConnections: false,
    return503OnClosing: false,
    clientErrorHandler: (error, socket) =>
      answerBrokenRequest(options.origin, options.ids('req'), error, socket as Socket),
    // An address that cannot be decoded (`/%ff`) reaches no route and no hook.
    frameworkErrors: (_, request, reply) => {
      beginAnswer(request as FastifyRequest, reply as FastifyReply, options.origin)
      problem(request as FastifyRequest, reply as FastifyReply, {
        status: 400,
        code: 'invalid_request',
      })
    },
  }).withTypeProvider<ZodTypeProvider>() as unknown as App

  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  await app.register(cookie)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Latchkey',
        version: '1',
        description: 'The JSON API of console and operators.',
      },
      servers: [{ url: options.origin }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })

  app.decorateRequest('principal', null)
  app.decorateRequest('locale', 'en' as Locale)
  acceptOnlyCleanJson(app)
  app.addHook('onResponse', async (request, reply) =>
    finished({
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      elapsedMs: reply.elapsedTime,
      requestId: request.id,
    }),
  )
  app.addHook('preClose', async () => lanes.close())

  app.addHook('onRoute', (route) => {
    const access = route.config?.access
    if (!access) throw new Error(`route ${String(route.method)} ${route.url} declares no access`)
    if (access.auth === 'operator' && !access.roles)
      throw new Error(`operator route ${route.url} declares no roles`)
    for (const method of [route.method].flat()) inventory.push({ method, url: route.url, access })
    lanes.register(route, access)
    if (route.url.startsWith('/api/')) route.schema = withClosedQuery(route.url, route.schema)
  })

  app.addHook('onRequest', async (request, reply) => beginAnswer(request, reply, options.origin))

  app.addHook('onRequest', async (request, reply) => {
    const access = request.routeOptions.config.access
    if (!access) return // the not-found handler
    // Before anything is counted: another site must not use up the attempts of its visitor's network.
    if (
      (access.origin ?? 'same-origin') === 'same-origin' &&
      !safeMethods.has(request.method) &&
      !isSameOrigin(request, options.origin)
    )
      return problem(request, reply, { status: 403, code: 'cross_origin_refused' })
    const rate = access.rate ?? 'api'
    if (rate !== 'none') {
      const answer = options.limiter.take(`http:${rate}:${request.ip}`, rateRules[rate])
      if (!answer.allowed)
        return problem(request, reply, { status: 429, code: 'rate_limited' }, answer)
    }
    if (request.headers.cookie !== undefined)
      request.principal = await options.authenticate(request)
    // One of our languages by itself is what a page of ours shows its reader; a browser's list of
    // languages says less than the account does.
    if (request.principal && !isLocale(request.headers['accept-language']))
      request.locale = request.principal.locale
    const refusal = judge(access, request.principal, options.clock.now())
    if (refusal) return problem(request, reply, refusal)
  })

  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (hasZodFastifySchemaValidationErrors(error))
      return problem(
        request,
        reply,
        { status: 400, code: 'invalid_request' },
        { errors: fieldErrors(error.validation, request.locale) },
      )
    const known = knownErrors[error.code]
    if (known) return problem(request, reply, known)
    if (isUnavailable(error)) {
      options.log.error(
        { err: errorFields(error), request_id: request.id },
        'infrastructure is away',
      )
      const { sayAway } = request.routeOptions.config
      if (sayAway) return sayAway(request, reply.code(503).header('retry-after', '2'))
      return problem(
        request,
        reply,
        { status: 503, code: 'temporarily_unavailable' },
        { retryAfterSeconds: 2 },
      )
    }
    if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
      return problem(request, reply, { status: error.statusCode, code: 'invalid_request' })
    options.log.error({ err: errorFields(error), request_id: request.id }, 'request failed')
    return problem(request, reply, { status: 500, code: 'internal_error' })
  })

  app.setNotFoundHandler((request, reply) => {
    const allowed = methodsOf(inventory, request.url)
    if (allowed.length === 0) return problem(request, reply, { status: 404, code: 'not_found' })
    reply.header('allow', allowed.join(', '))
    return problem(request, reply, { status: 405, code: 'method_not_allowed' })
  })

  return { app, inventory, problem }
}

/** On every answer, whatever comes of it. What may be kept by a cache says so itself; the rest may not. */
function beginAnswer(request: FastifyRequest, reply: FastifyReply, origin: string): void {
  request.locale = preferredLocale(request.headers['accept-language'])
  reply.header('x-request-id', request.id).header('cache-control', 'no-store')
  for (const [name, value] of pageHeaders(origin)) reply.header(name, value)
}

/** The methods of the routes that match this path, for `Allow` (RFC 9110 section 15.5.6). A wildcard claims no path. */
function methodsOf(inventory: readonly RouteEntry[], url: string): string[] {
  const segments = (url.split('?', 1)[0] ?? '').split('/')
  const matches = (pattern: string[]) =>
    pattern.length === segments.length &&
    pattern.every((part, at) => part === segments[at] || (part.startsWith(':') && segments[at]))
  const methods = inventory
    .filter((route) => !route.url.includes('*') && matches(route.url.split('/')))
    .map((route) => route.method)
  return [...new Set(methods)].sort()
}

/**
 * One line and one count for each finished request. The route is its pattern and never the address
 * itself: a path may hold an id, a query may hold a code.
 */
function countAndLog({ log, metrics }: AppOptions): (request: FinishedRequest) => void {
  const requests = metrics.counter('latchkey_http_requests_total', 'Requests outside /v1.', [
    'method',
    'route',
    'status',
  ])
  const durations = metrics.histogram(
    'latchkey_http_request_duration_seconds',
    'Time to the last byte of answers outside /v1.',
    [0.005, 0.02, 0.1, 0.5, 2, 10],
    ['route'],
  )
  return ({ method: sent, route, status, elapsedMs, requestId }) => {
    const method = route === 'unknown' ? 'ANY' : sent // anybody may invent a method
    requests.add([method, route, String(status)])
    durations.observe(elapsedMs / 1_000, [route])
    const quiet = route === '/healthz' || route === '/readyz' || route === '/metrics'
    log[quiet ? 'debug' : 'info'](
      {
        method,
        route,
        status,
        duration_ms: Math.round(elapsedMs * 10) / 10,
        request_id: requestId,
      },
      'request',
    )
  }
}

const knownErrors: Record<
  string,
  | {
      status: number
      code: 'malformed_json' | 'body_too_large' | 'unsupported_media_type' | 'invalid_request'
    }
  | undefined
> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, code: 'body_too_large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { status: 415, code: 'unsupported_media_type' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, code: 'malformed_json' },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, code: 'malformed_json' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { status: 400, code: 'invalid_request' },
  FST_ERR_BAD_URL: { status: 400, code: 'invalid_request' },
}

/**
 * Under `/api` an unknown name in the query is refused by name: a misspelt filter that is passed over
 * in silence shows everything. Routes that read no query know no name.
 */
function withClosedQuery(url: string, schema: FastifySchema | undefined): FastifySchema {
  if (schema?.querystring === undefined) return { ...schema, querystring: z.strictObject({}) }
  const { querystring } = schema
  if (!(querystring instanceof z.ZodObject && querystring.def.catchall instanceof z.ZodNever))
    throw new Error(`route ${url} reads a query that is no strictObject`)
  return schema
}

/** The one policy decision. 404 for operator routes: who may not enter learns nothing. */
function judge(access: RouteAccess, principal: Principal | null, now: number) {
  if (access.auth === 'public') return null
  if (!principal) return { status: 401, code: 'sign_in_required' } as const
  if (
    access.auth === 'operator' &&
    (principal.role === null || !access.roles?.includes(principal.role))
  )
    return { status: 404, code: 'operator_required' } as const
  if ((access.standing ?? 'active') === 'active' && principal.state === 'suspended')
    return { status: 403, code: 'account_suspended' } as const
  if (access.stepUp && principal.authenticatedAt + stepUpMs <= now)
    return { status: 403, code: 'reauth_required' } as const
  return null
}

/**
 * An unsafe request counts as ours when its Origin is exactly ours and the browser, where it says
 * so, calls it same-origin (Fetch Metadata). SameSite alone is not enough: Chromium sends Strict
 * cookies along A -> B -> 302 -> A.
 */
function isSameOrigin(request: FastifyRequest, origin: string): boolean {
  const site = request.headers['sec-fetch-site']
  return request.headers.origin === origin && (site === undefined || site === 'same-origin')
}

/** Errors that say a part we depend on is away: a retry helps and the caller did nothing wrong. */
export function isUnavailable(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string }
  return (
    /^(ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|ENOTFOUND|ERR_SQLITE_ERROR|57P0[123]|53\d{3}|08\d{3}|57014)$/.test(
      code ?? '',
    ) ||
    /timeout exceeded when trying to connect|Connection terminated|is not queryable/.test(
      message ?? '',
    )
  )
}

/**
 * JSON bodies are UTF-8, without null bytes (PostgreSQL text cannot hold them) and without
 * `__proto__`. An empty body counts as absent: DELETE with a JSON content type is common.
 */
function acceptOnlyCleanJson(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  const malformed = () =>
    Object.assign(new Error('body'), { code: 'FST_ERR_CTP_INVALID_JSON_BODY' })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer
    if (bytes.length === 0) return done(null, undefined)
    if (!isUtf8(bytes)) return done(malformed())
    parse(request, bytes.toString('utf8'), (error, value) => {
      if (error || holdsNullByte(value)) return done(malformed())
      done(null, value)
    })
  })
}

function holdsNullByte(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(
    ([name, member]) => name.includes('\0') || holdsNullByte(member),
  )
}
