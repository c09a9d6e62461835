import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Database } from '#platform/db/database.ts'
import type { Random } from '#platform/ids/ids.ts'
import type { RateLimiter } from '#platform/limits/token-bucket.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import { type Locale, locales } from '../../../messages/messages.ts'
import type { AccessTokenInspector } from '../access-token.ts'
import { authMethods } from '../apps/app.ts'
import { assertionAlgs } from '../apps/client-key.ts'
import { askedLocale } from '../asked-locale.ts'
import type { StoredGrant } from '../grants/grants.ts'
import { isInspectorRedirect } from '../inspector/inspections.ts'
import { isIdentityScope, scopeList } from '../scopes.ts'
import { publishedForMs } from '../signing/rotation.ts'
import type { SigningKey } from '../signing/signing-keys.ts'
import { refreshLifeMs } from '../token/refresh-life.ts'
import { renewAfter } from '../token/renew-after.ts'
import type { BridgedSession } from './adapter.ts'
import { appOf } from './client-metadata.ts'
import {
  authorizePath,
  type ConfigurationDeps,
  configuration,
  cookieNames,
  type ErrorContext,
  logoutPath,
  resourcesAsked,
  seconds,
  transactionLifeMs,
} from './configuration.ts'
import { pollSeconds, registerExchanges } from './exchange.ts'
import { type KoaContextWithOIDC, Provider, useKeys } from './library.ts'
import { addressHeader, type EngineRequest, neutralRequest } from './neutral-request.ts'
import { answerErrors } from './refusals.ts'
import { answerStructured } from './structured-tokens.ts'

export type { BridgedSession } from './adapter.ts'
export { transactionLifeMs } from './configuration.ts'
export type { EngineRequest } from './neutral-request.ts'

/** What a validated authorization request asks, in our words. */
export type StartedRequest = {
  /** The engine's name of the pending request. */
  id: string
  clientId: string
  redirectUri: string
  scopes: readonly string[]
  /** The resource indicator as the client wrote it. */
  resource: string
  /** `prompt=none`: never show a page. */
  silent: boolean
  prompts: readonly string[]
  maxAgeSeconds: number | null
  /** From `id_token_hint`: whom the client expects. */
  expectedAccountId: string | null
  /** What to write into the field for the address; a guess of the client's, nothing more. */
  loginHint: string | null
  /** Of `ui_locales`, the first that we speak. */
  locale: Locale | null
}

/** A whole answer: the engine's own cookies and redirects never leave. */
export type Answer = { status: number; headers: Record<string, string | string[]>; body: string }

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

export type EngineDeps = Omit<ConfigurationDeps, 'bridged' | 'silentRequests' | 'showError'> & {
  database: Database
  random: Random
  limiter: RateLimiter
  log: Log
  /** Keeps the transaction and says what the browser gets. */
  onStarted(request: StartedRequest, headers: Record<string, string>): Promise<Answer>
  /** The page of an error that may not be sent to the client. */
  errorPage(locale: 'en' | 'zh', error: string, status: number): string
  verifier: AccessTokenInspector
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
  /** Whether the client, as it is registered now, may be answered with a code at this address. */
  answersAt(clientId: string, redirectUri: string): Promise<boolean>
  /** Signs with the first of each algorithm from now on, and publishes all. */
  useKeys(keys: readonly SigningKey[]): void
  /** The engine's record of a grant; part of the caller's transaction. */
  recordGrant(input: {
    id: string
    accountId: string
    clientId: string
    epoch: number
    scopes: readonly string[]
    /** The indicator as the client wrote it: the engine compares it as a string. */
    resource: string
  }): Promise<void>
}

/**
 * node-oidc-provider behind one wall. Nothing of a real request reaches it but what `EngineRequest`
 * names: the host is the configured one, forwarding headers do not exist, cookies are ours. Nothing
 * it wants to tell the browser about sessions comes out: which page follows is decided here.
 */
export function createEngine(deps: EngineDeps): Engine {
  const { origin } = deps
  const bridged = new Map<string, BridgedSession>()
  const silentRequests = new WeakSet<object>()
  const cookiesOf = new WeakMap<object, readonly string[]>()

  const provider = new Provider(
    origin,
    configuration({ ...deps, bridged, silentRequests, showError }),
  )
  provider.proxy = true // the forwarding headers are the ones `neutralRequest` writes
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
  // The inspector's page takes answers without being a setting of the app; who is sent there is
  // decided where the person is known (`authorize/authorize.ts`).
  const registered = provider.Client.prototype.redirectUriAllowed
  Object.defineProperty(provider.Client.prototype, 'redirectUriAllowed', {
    value(this: InstanceType<typeof provider.Client>, uri: string) {
      return registered.call(this, uri) || isInspectorRedirect(origin, appOf(this), uri)
    },
  })

  // Every ID token names its session, and so does every logout token: the name is our session's.
  Object.defineProperty(provider.Client.prototype, 'includeSid', { value: () => true })
  Object.defineProperty(provider.Session.prototype, 'sidFor', {
    value(this: { uid: string }) {
      return this.uid
    },
  })

  // The engine answers for what fails in it; this does for our own steps below.
  provider.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      const page = /^(?:authorization|resume)$/.test(
        (ctx as Partial<KoaContextWithOIDC>).oidc?.route ?? '',
      )
      ctx.status = 500
      ctx.body = { error: 'server_error' }
      provider.emit('server_error', ctx as KoaContextWithOIDC, error as Error)
      if (page) showError(ctx as KoaContextWithOIDC, 'server_error', ctx.status)
    }
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
      ctx.body = {
        ...(ctx.body as object),
        response_modes_supported: ['query'],
        registration_endpoint: `${origin}/oauth/register`,
        end_session_endpoint: `${origin}${logoutPath}`,
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        ui_locales_supported: locales,
        client_id_metadata_document_supported: true,
        // RFC 8414 section 2: unsaid, revocation would take Basic alone and introspection nothing known.
        ...Object.fromEntries(
          ['introspection', 'revocation'].flatMap((endpoint) => [
            [`${endpoint}_endpoint_auth_methods_supported`, authMethods],
            [`${endpoint}_endpoint_auth_signing_alg_values_supported`, assertionAlgs],
          ]),
        ),
      }
    if (oidc.route === 'jwks' || oidc.route === 'discovery') {
      ctx.set('cache-control', `public, max-age=${seconds(publishedForMs)}`)
      ctx.set(
        'etag',
        `"${createHash('sha256').update(JSON.stringify(ctx.body)).digest('base64url')}"`,
      )
      if (ctx.status === 200 && ctx.fresh) ctx.status = 304
    }
    await answerStructured(ctx as KoaContextWithOIDC, deps)
    if (oidc.route === 'device_authorization' && ctx.status === 200)
      ctx.body = { ...(ctx.body as object), interval: pollSeconds }
    if (oidc.route === 'token') await answerToken(ctx as KoaContextWithOIDC)
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
        resource: resourcesAsked(ctx)[0] ?? deps.resources.gateway,
        silent: silentRequests.has(ctx.oidc),
        prompts: scopeList(params?.prompt as string | undefined),
        maxAgeSeconds: params?.max_age === undefined ? null : Number(params.max_age),
        expectedAccountId: hint?.sub ?? null,
        loginHint: String(params?.login_hint ?? '').slice(0, 254) || null, // RFC 5321: no address is longer
        locale: askedLocale(params?.ui_locales as string | undefined),
      },
      ctx.req.headers as Record<string, string>,
    )
  }

  function showError(ctx: ErrorContext, error: string, status: number): void {
    ctx.status = status
    ctx.response.remove('location')
    ctx.type = 'html'
    ctx.body = deps.errorPage(ctx.get('x-latchkey-locale') === 'zh' ? 'zh' : 'en', error, status)
  }

  const renewsUntil = ({ oidc }: KoaContextWithOIDC): number => {
    const now = deps.clock.now()
    return now + refreshLifeMs(appOf(oidc.client), oidc.entities.RefreshToken?.iiat, now)
  }

  async function answerToken(ctx: KoaContextWithOIDC): Promise<void> {
    const body = ctx.body as { expires_in?: number; refresh_token?: string } | undefined
    if (ctx.status !== 200) return
    try {
      await deps.apps.noteUse(appOf(ctx.oidc.client))
      if (ctx.oidc.entities.Grant)
        await deps.grants.noteUse(ctx.oidc.entities.Grant.jti, {
          address: ctx.get(addressHeader),
          renewsUntil: body?.refresh_token === undefined ? null : renewsUntil(ctx),
        })
    } catch (error) {
      deps.log.warn({ err: errorFields(error) }, 'last use could not be noted')
    }
    const alone = ctx.oidc.params?.grant_type === 'client_credentials' // needs nobody to come again
    if (!body?.expires_in || (body.refresh_token === undefined && !alone)) return
    ctx.body = { ...body, refresh_in: renewAfter(body.expires_in, deps.random) }
  }

  const callback = provider.callback()
  const run = (request: EngineRequest, raw: IncomingMessage, res: ServerResponse) => {
    const req = neutralRequest(request, raw, origin)
    return { req, done: () => callback(req, res) }
  }

  return {
    useKeys: (keys) =>
      useKeys(
        provider,
        keys.map(({ privateJwk }) => privateJwk),
      ),
    handle: (request, raw, res) => run(request, raw, res).done(),
    async answersAt(clientId, redirectUri) {
      const client = await provider.Client.find(clientId)
      return (
        client?.grantTypeAllowed('authorization_code') === true &&
        client.redirectUriAllowed(redirectUri)
      )
    },

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
                  amr: [...outcome.session.amr],
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
            jkt: null,
            locale,
            address: '',
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

    async recordGrant({ id, accountId, clientId, epoch, scopes, resource }) {
      const grant = new provider.Grant({ accountId, clientId })
      Object.assign(grant, { jti: id, epoch } satisfies StoredGrant & { jti: string })
      const identity = scopes.filter(isIdentityScope)
      const there = scopes.filter((scope) => !isIdentityScope(scope))
      if (identity.length > 0) grant.addOIDCScope(identity.join(' '))
      if (there.length > 0) grant.addResourceScope(resource, there.join(' '))
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
}
