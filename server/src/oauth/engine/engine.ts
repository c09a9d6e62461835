import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { day, hour, minute, second } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Database } from '#platform/db/database.ts'
import { isUnavailable } from '#platform/http/app.ts'
import type { Random } from '#platform/ids/ids.ts'
import type { Log } from '#platform/log/log.ts'
import { type Account, mayCall } from '../../accounts/index.ts'
import { type AccessTokenVerifier, gatewayScopes, identityScopes } from '../access-token.ts'
import type { Apps } from '../apps/apps.ts'
import { grantLifeMs, type StoredGrant } from '../grants/grants.ts'
import { isScope, scopeList } from '../scopes.ts'
import type { SigningKey } from '../signing/signing-keys.ts'
import { type AdapterDeps, adapters, type BridgedSession } from './adapter.ts'
import { appOf } from './client-metadata.ts'
import { registerExchanges } from './exchange.ts'
import {
  basePolicy,
  Check,
  type Configuration,
  InvalidGrant,
  InvalidScope,
  InvalidTarget,
  type KoaContextWithOIDC,
  Prompt,
  Provider,
} from './library.ts'
import { answerErrors, refusedBecause } from './refusals.ts'
import { answerStructured } from './structured-tokens.ts'

/** What a validated authorization request asks, in our words. */
export type StartedRequest = {
  /** The engine's name of the pending request. */
  id: string
  clientId: string
  redirectUri: string
  scopes: readonly string[]
  /** `prompt=none`: never show a page. */
  silent: boolean
  prompts: readonly string[]
  maxAgeSeconds: number | null
  /** From `id_token_hint`: whom the client expects. */
  expectedAccountId: string | null
}

/** A whole answer: the engine's own cookies and redirects never leave. */
export type Answer = { status: number; headers: Record<string, string | string[]>; body: string }

/** One request as the engine is allowed to see it. */
export type EngineRequest = {
  method: 'GET' | 'POST' | 'OPTIONS'
  /** Path and query; the path is one of ours. */
  url: string
  headers: Record<string, string>
  body?: Buffer
  locale: 'en' | 'zh'
}

export type Approval = {
  kind: 'approved'
  grantId: string
  session: BridgedSession
}
export type Refusal = {
  kind: 'refused'
  error: 'access_denied' | 'login_required' | 'consent_required'
  description: string
}

export type EngineDeps = Omit<AdapterDeps, 'bridged'> & {
  origin: string
  resource: string
  database: Database
  keyring: Keyring
  random: Random
  log: Log
  keys: readonly SigningKey[]
  apps: Apps
  findAccount(id: string): Promise<{ account: Account; organizationId: string } | null>
  /** Keeps the transaction and says what the browser gets. */
  onStarted(request: StartedRequest, headers: Record<string, string>): Promise<Answer>
  /** The page of an error that may not be sent to the client. */
  errorPage(locale: 'en' | 'zh', error: string, status: number): string
  verifier: AccessTokenVerifier
}

export type Engine = {
  handle(request: EngineRequest, raw: IncomingMessage, res: ServerResponse): Promise<void>
  /** Ends a pending request: with a code or an error at the client's verified redirect URI. */
  finish(
    id: string,
    outcome: Approval | Refusal,
    cookies: readonly string[],
    locale: 'en' | 'zh',
    raw: IncomingMessage,
    res: ServerResponse,
  ): Promise<void>
  /** The engine's record of a grant; part of the caller's transaction. */
  recordGrant(input: {
    id: string
    accountId: string
    clientId: string
    epoch: number
    scopes: readonly string[]
  }): Promise<void>
}

export const transactionLifeMs = 10 * minute
export const accessTokenLifeMs = 10 * minute
const refreshIdleMs = 30 * day
const seconds = (ms: number) => Math.floor(ms / second)

const cookieNames = { session: 'lk_as', interaction: 'lk_as_i', resume: 'lk_as_r' }
const authorizePath = '/oauth/authorize'

/**
 * node-oidc-provider behind one wall. Nothing of a real request reaches it but what `EngineRequest`
 * names: the host is the configured one, forwarding headers do not exist, cookies are ours. Nothing
 * it wants to tell the browser about sessions comes out: which page follows is decided here.
 */
export function createEngine(deps: EngineDeps): Engine {
  const { origin, resource, clock } = deps
  const bridged = new Map<string, BridgedSession>()
  const silentRequests = new WeakSet<object>()
  const cookiesOf = new WeakMap<object, readonly string[]>()

  const provider = new Provider(origin, configuration(deps, bridged, silentRequests))
  provider.proxy = true // the forwarding headers are the ones `neutral` writes
  registerExchanges(provider, deps)
  answerErrors(provider, deps.log)
  // Our grant carries the account's epoch, so that an old one is refused without asking another table.
  const members = (provider.Grant as unknown as { IN_PAYLOAD: string[] }).IN_PAYLOAD
  Object.defineProperty(provider.Grant, 'IN_PAYLOAD', { get: () => [...members, 'epoch'] })
  Object.defineProperty(provider.Client.prototype, 'compareClientSecret', {
    value(this: object, presented: string) {
      return deps.apps.checkSecret(appOf(this), presented)
    },
  })

  provider.use(async (ctx, next) => {
    await next()
    ctx.res.removeHeader('set-cookie')
    const cookies = cookiesOf.get(ctx.req)
    if (cookies && cookies.length > 0) ctx.res.setHeader('set-cookie', [...cookies])
    const { oidc } = ctx as Partial<KoaContextWithOIDC>
    if (!oidc) return
    const pending = oidc.entities.Interaction
    if (pending && ctx.status === 303) {
      if (oidc.route === 'authorization') send(ctx, await started(ctx as KoaContextWithOIDC))
      // The engine wants to ask again although we answered everything: do not go round in circles.
      else if (ctx.response.get('location').startsWith('/oauth/tx/'))
        showError(ctx, 'access_denied', 400)
    }
    if (oidc.route === 'discovery')
      ctx.body = { ...(ctx.body as object), response_modes_supported: ['query'] }
    if (oidc.route === 'jwks' || oidc.route === 'discovery')
      ctx.set('cache-control', 'public, max-age=300')
    await answerStructured(ctx as KoaContextWithOIDC, deps)
    if (oidc.route === 'token') answerToken(ctx as KoaContextWithOIDC)
    if (oidc.route === 'revocation' && ctx.status === 200) ctx.body = {}
  })

  async function started(ctx: KoaContextWithOIDC): Promise<Answer> {
    const { params, entities, client } = ctx.oidc
    const hint = entities.IdTokenHint?.payload as { sub?: string } | undefined
    return deps.onStarted(
      {
        id: entities.Interaction?.uid ?? '',
        clientId: client?.clientId ?? '',
        redirectUri: String(params?.redirect_uri ?? ''),
        scopes: scopeList(params?.scope as string | undefined),
        silent: silentRequests.has(ctx.oidc),
        prompts: scopeList(params?.prompt as string | undefined),
        maxAgeSeconds: params?.max_age === undefined ? null : Number(params.max_age),
        expectedAccountId: hint?.sub ?? null,
      },
      ctx.req.headers as Record<string, string>,
    )
  }

  function showError(
    ctx: Pick<KoaContextWithOIDC, 'status' | 'type' | 'body' | 'get'> & {
      response: { remove(name: string): void }
    },
    error: string,
    status: number,
  ): void {
    ctx.status = status
    ctx.response.remove('location')
    ctx.type = 'html'
    ctx.body = deps.errorPage(ctx.get('x-latchkey-locale') === 'zh' ? 'zh' : 'en', error, status)
  }

  /** When to come back, spread so that a fleet of clients does not come back at once. */
  function answerToken(ctx: KoaContextWithOIDC): void {
    const body = ctx.body as { expires_in?: number; refresh_token?: string } | undefined
    if (ctx.status !== 200 || body?.refresh_token === undefined || !body.expires_in) return
    const spread = 0.95 + (deps.random.bytes(1).readUInt8() / 255) * 0.1
    ctx.body = { ...body, refresh_in: Math.floor(body.expires_in * 0.75 * spread) }
  }

  const callback = provider.callback()
  const run = (request: EngineRequest, raw: IncomingMessage, res: ServerResponse) => {
    const req = neutral(request, raw, origin)
    return { req, done: () => callback(req, res) }
  }

  return {
    handle: (request, raw, res) => run(request, raw, res).done(),

    async finish(id, outcome, cookies, locale, raw, res) {
      const interaction = await provider.Interaction.find(id)
      const name = deps.random.bytes(24).toString('base64url')
      if (interaction) {
        interaction.result =
          outcome.kind === 'refused'
            ? { error: outcome.error, error_description: outcome.description }
            : {
                login: {
                  accountId: outcome.session.accountId,
                  ts: seconds(outcome.session.authenticatedAt),
                  remember: false,
                },
                consent: { grantId: outcome.grantId },
                select_account: {},
              }
        await interaction.save(seconds(transactionLifeMs))
      }
      if (outcome.kind === 'approved') bridged.set(name, outcome.session)
      try {
        const { req, done } = run(
          {
            method: 'GET',
            url: `${authorizePath}/${encodeURIComponent(id)}`,
            headers: { cookie: `${cookieNames.resume}=${id}; ${cookieNames.session}=${name}` },
            locale,
          },
          raw,
          res,
        )
        cookiesOf.set(req, cookies)
        await done()
      } finally {
        bridged.delete(name)
      }
    },

    async recordGrant({ id, accountId, clientId, epoch, scopes }) {
      const grant = new provider.Grant({ accountId, clientId })
      Object.assign(grant, { jti: id, epoch } satisfies StoredGrant & { jti: string })
      const identity = scopes.filter((scope) =>
        (identityScopes as readonly string[]).includes(scope),
      )
      const gateway = scopes.filter((scope) => (gatewayScopes as readonly string[]).includes(scope))
      if (identity.length > 0) grant.addOIDCScope(identity.join(' '))
      if (gateway.length > 0) grant.addResourceScope(resource, gateway.join(' '))
      await grant.save()
    },
  }

  function send(
    ctx: { status: number; set(headers: Answer['headers']): void; body: unknown },
    answer: Answer,
  ) {
    ctx.status = answer.status
    ctx.set(answer.headers)
    ctx.body = answer.body
  }

  function configuration(
    { apps, keys }: EngineDeps,
    sessions: ReadonlyMap<string, BridgedSession>,
    silent: WeakSet<object>,
  ): Configuration {
    return {
      adapter: adapters({ ...deps, bridged: sessions }),
      jwks: { keys: keys.map(({ privateJwk }) => privateJwk) as never },
      clients: [],
      scopes: identityScopes,
      claims: {
        openid: ['sub'],
        profile: ['name', 'locale'],
        email: ['email', 'email_verified'],
        phone: ['phone_number', 'phone_number_verified'],
      },
      conformIdTokenClaims: false, // many clients read nothing but the ID token
      responseTypes: ['code'],
      pkce: { required: (_ctx, client) => !appOf(client).legacyConfidential },
      allowOmittingSingleRegisteredRedirectUri: true, // RFC 6749 section 3.1.2.3
      clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
      clientDefaults: {
        id_token_signed_response_alg: 'ES256',
        grant_types: ['authorization_code'],
      },
      enabledJWA: { idTokenSigningAlgValues: ['ES256', 'RS256'] },
      extraClientMetadata: { properties: ['latchkey_app'] },
      clientBasedCORS: () => true, // no credentials are ever allowed along
      cookies: {
        names: cookieNames,
        keys: [deps.keyring.derive('oauth/engine-cookies/1', 32)],
        long: { signed: false, httpOnly: true, sameSite: 'lax' },
        short: { signed: false, httpOnly: true, sameSite: 'lax' },
      },
      discovery: { userinfo_endpoint: `${origin}/oauth/userinfo` },
      routes: {
        authorization: authorizePath,
        token: '/oauth/token',
        jwks: '/oauth/jwks',
        introspection: '/oauth/introspect',
        revocation: '/oauth/revoke',
        userinfo: '/oauth/userinfo',
        end_session: '/oauth/logout',
      },
      ttl: {
        AccessToken: seconds(accessTokenLifeMs),
        ClientCredentials: seconds(accessTokenLifeMs),
        AuthorizationCode: 60,
        IdToken: seconds(hour),
        Interaction: seconds(transactionLifeMs),
        Session: 60,
        RefreshToken: seconds(refreshIdleMs),
        Grant: seconds(grantLifeMs),
      },
      features: {
        devInteractions: { enabled: false },
        userinfo: { enabled: false }, // served by us: our access tokens are JWTs for the gateway
        rpInitiatedLogout: { enabled: false },
        pushedAuthorizationRequests: { enabled: false },
        dPoP: { enabled: false },
        claimsParameter: { enabled: false },
        clientCredentials: { enabled: true },
        revocation: {
          enabled: true,
          allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
        },
        introspection: {
          enabled: true,
          allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
        },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => resource,
          useGrantedResource: () => true,
          getResourceServerInfo(ctx, indicator, client) {
            if (indicator !== resource) throw new InvalidTarget()
            checkScopes(ctx, appOf(client).scopes)
            return {
              scope: gatewayScopes
                .filter((scope) => appOf(client).scopes.includes(scope))
                .join(' '),
              audience: resource,
              accessTokenTTL: seconds(accessTokenLifeMs),
              accessTokenFormat: 'jwt',
              jwt: { sign: { alg: 'ES256' } },
            }
          },
        },
      },
      issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
      rotateRefreshToken: true,
      expiresWithSession: async () => false, // `sid` and `session.ended` do that, at once
      revokeGrantPolicy: () => true,
      interactions: {
        url: (_ctx, interaction) => `/oauth/tx/${interaction.uid}`,
        policy: policy(silent),
      },
      formats: {
        customizers: {
          jwt(_ctx, _token, jwt) {
            const now = seconds(clock.now())
            Object.assign(jwt.payload, { iat: now, exp: now + seconds(accessTokenLifeMs) })
          },
        },
      },
      async findAccount(ctx, id) {
        const found = await deps.findAccount(id)
        if (!found || !mayCall(found.account.state)) {
          refusedBecause(ctx, found?.account.state === 'suspended' ? 'suspended' : 'revoked')
          return undefined
        }
        const grant = ctx.oidc.entities.Grant as (object & Partial<StoredGrant>) | undefined
        if (grant && grant.epoch !== found.account.epoch) {
          refusedBecause(ctx, 'revoked')
          return undefined
        }
        return { accountId: id, claims: () => accountClaims(found.account), latchkey: found }
      },
      async extraTokenClaims(ctx, token) {
        if (token.kind === 'AccessToken') {
          const { latchkey } = ctx.oidc.account as unknown as {
            latchkey: { account: Account; organizationId: string }
          }
          return {
            sid: token.sessionUid,
            grant_id: token.grantId,
            org_id: latchkey.organizationId,
            epoch: latchkey.account.epoch,
          }
        }
        const app = await apps.lookUp(token.clientId ?? '')
        const maker = app?.createdBy ? await deps.findAccount(app.createdBy) : null
        if (!app?.organizationId || !maker || !mayCall(maker.account.state)) {
          refusedBecause(ctx, maker?.account.state === 'suspended' ? 'suspended' : 'revoked')
          throw new InvalidGrant('the account that made this app may not call')
        }
        return {
          act_for: maker.account.id,
          org_id: app.organizationId,
          epoch: maker.account.epoch,
        }
      },
      renderError(ctx, out, error) {
        showError(ctx, out.error, errorStatus(error))
      },
      fetch: async () => {
        throw new Error('the engine has no reason to connect anywhere')
      },
    }
  }
}

/** 400 for everything a client did wrong; 503 when it is we who cannot. */
const errorStatus = (error: Error): number => {
  const { expose } = error as { expose?: boolean }
  return expose === true ? 400 : isUnavailable(error) ? 503 : 500
}

/** The claims of an account, by whichever scopes the grant holds; the engine picks from them. */
export const accountClaims = (account: Account) => ({
  sub: account.id,
  name: account.name,
  locale: account.locale,
  email: account.email,
  email_verified: account.emailVerifiedAt !== null,
})

/** RFC 6749 section 3.3: what the app may not have is refused by name, not dropped in silence. */
function checkScopes(ctx: KoaContextWithOIDC, ceiling: readonly string[]): void {
  const params = ctx.oidc.params
  if (!params) return
  const asked = scopeList(params.scope as string | undefined)
  const machine = ctx.oidc.route === 'token' && params.grant_type === 'client_credentials'
  if (!machine && ctx.oidc.route !== 'authorization') return
  const refused = asked.find((scope) => !isScope(scope) || !ceiling.includes(scope))
  if (refused !== undefined)
    throw new InvalidScope('requested scope is not known or not allowed for this client', refused)
  if (asked.length > 0) return
  if (!machine) throw new InvalidScope('ask for at least one scope', '')
  params.scope = gatewayScopes.filter((scope) => ceiling.includes(scope)).join(' ')
}

/**
 * The engine's questions, with two changes: `prompt=none` is remembered and answered by us, because
 * the engine cannot know whether there is a session (a frame cannot have one: it gets
 * `login_required` at once); and `select_account` is a known prompt.
 */
function policy(silent: WeakSet<object>) {
  const prompts = basePolicy()
  prompts.get('login')?.checks.add(
    new Check('silent', 'answered later', (ctx) => {
      const { oidc } = ctx
      const framed = /^(?:iframe|frame|embed|object)$/.test(ctx.get('sec-fetch-dest'))
      if (oidc.route === 'authorization' && oidc.prompts.has('none') && !framed && oidc.params) {
        silent.add(oidc)
        oidc.params.prompt = undefined
      }
      return Check.NO_NEED_TO_PROMPT
    }),
    0,
  )
  prompts.add(new Prompt({ name: 'select_account', requestable: true }), 1)
  return prompts
}

/** A request made anew from the little that counts; its host and scheme are the configured ones. */
function neutral(request: EngineRequest, raw: IncomingMessage, origin: string): IncomingMessage {
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
      ...(request.method === 'POST' ? { 'content-length': String(body.length) } : {}),
    },
    socket: raw.socket,
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
  }) as unknown as IncomingMessage // all that koa reads of one
}
