import { z } from 'zod'
import { rfc3339, rfc3339OrNull, second } from '#platform/clock/clock.ts'
import { type Principal, principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import { label } from '#platform/http/label.ts'
import type { FieldError, ProblemAnswer, ProblemSender } from '#platform/http/problem.ts'
import type { Locale } from '../../../messages/messages.ts'
import { appProblemTexts } from '../../../messages/oauth.ts'
import { logoUri } from '../logos/logos.ts'
import { defaultAppScope, scopeList } from '../scopes.ts'
import {
  type AppRefusal,
  type AppSettings,
  authMethods,
  grantTypes,
  idTokenClaims,
  type OAuthApp,
  refreshDefaults,
  refreshSecondsMax,
} from './app.ts'
import type { Apps, CreateResult, Person, RotateResult, UpdateResult } from './apps.ts'
import { publicPart } from './client-key.ts'

const fields = {
  name: label(80),
  redirect_uris: z.array(z.string().min(1).max(2_000)).max(20),
  post_logout_redirect_uris: z.array(z.string().min(1).max(2_000)).max(20),
  backchannel_logout_uri: z.string().min(1).max(2_000).nullable(),
  backchannel_logout_session_required: z.boolean(),
  grant_types: z.array(z.enum(grantTypes)).min(1).max(grantTypes.length),
  token_endpoint_auth_method: z.enum(authMethods),
  jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).max(10) }).nullable(),
  jwks_uri: z.string().min(1).max(2_000).nullable(),
  application_type: z.enum(['web', 'native']),
  scope: z.string().max(500),
  legacy_confidential: z.boolean(),
  refresh_grace_seconds: z.int().min(0).max(300),
  refresh_idle_seconds: z.int().min(300).max(refreshSecondsMax),
  refresh_absolute_seconds: z.int().min(300).max(refreshSecondsMax),
  id_token_signed_response_alg: z.enum(['ES256', 'RS256']),
  id_token_claims: z.enum(idTokenClaims),
  dpop_bound_access_tokens: z.boolean(),
}
const AppInput = z
  .strictObject({
    ...z.object(fields).partial().shape,
    name: fields.name,
    redirect_uris: fields.redirect_uris.optional(),
    organization_id: z.string().max(64).optional(),
  })
  .meta({ id: 'NewOAuthApp' })
const AppChange = z.strictObject(fields).partial().meta({ id: 'OAuthAppChange' })
const AppView = z
  .object({
    client_id: z.string(),
    ...fields,
    scope: z.string(),
    logo_uri: z.string().nullable(),
    secrets: z.array(
      z.object({
        hint: z.string(),
        created_at: z.string(),
        expires_at: z.string().nullable(),
        temporary: z.boolean(),
      }),
    ),
    created_at: z.string(),
    last_used_at: z.string().nullable(),
  })
  .meta({ id: 'OAuthApp' })
const AppWithSecret = z
  .object({ ...AppView.shape, client_secret: z.string().optional() })
  .meta({ id: 'OAuthAppWithSecret' })
const AppList = z.object({ items: z.array(AppView) }).meta({ id: 'OAuthAppList' })
const Overlap = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(30 * 86_400)
      .optional(),
  })
  .optional()
  .meta({ id: 'OAuthSecretRotation' })
const params = z.object({ client_id: z.string().max(64) })

type Reason = Extract<CreateResult | UpdateResult | RotateResult, { ok: false }>['reason']
const answers = {
  not_found: { status: 404, code: 'not_found' },
  not_allowed: { status: 403, code: 'role_insufficient' },
  too_many_apps: { status: 409, code: 'too_many_apps' },
  invalid_app: { status: 400, code: 'invalid_request' },
  reauth_required: { status: 403, code: 'reauth_required' },
  public_client: { status: 409, code: 'public_client' },
} as const satisfies Record<Reason, ProblemAnswer>

/** `/api/apps`: OAuth clients of the account's organizations. */
export function appRoutes(app: App, origin: string, apps: Apps, problem: ProblemSender): void {
  const access = { auth: 'session' } as const
  const tags = ['apps']

  app.get(
    '/api/apps',
    {
      config: { access },
      schema: { tags, summary: 'List OAuth apps', response: { 200: AppList } },
    },
    async (request) => ({
      items: (await apps.list(request.principal?.accountId ?? '')).map((one) =>
        present(origin, one),
      ),
    }),
  )

  app.post(
    '/api/apps',
    {
      config: { access: { ...access, stepUp: true } },
      schema: {
        tags,
        summary: 'Register an OAuth app; the secret is shown this once',
        body: AppInput,
        response: { 201: AppWithSecret },
      },
    },
    async (request, reply) => {
      const { organization_id, ...body } = request.body
      const settings = { ...defaults(body), ...changes(body) }
      const result = await apps.create(
        actorOf(request.principal),
        organization_id ?? null,
        settings,
      )
      if (!result.ok) {
        const errors =
          result.reason === 'invalid_app' ? fieldErrors(result.problems, request.locale) : undefined
        return problem(request, reply, answers[result.reason], errors ? { errors } : {})
      }
      return reply.code(201).send({
        ...present(origin, result.app),
        ...(result.secret ? { client_secret: result.secret.reveal() } : {}),
      })
    },
  )

  app.get(
    '/api/apps/:client_id',
    {
      config: { access },
      schema: { tags, summary: 'One OAuth app', params, response: { 200: AppView } },
    },
    async (request, reply) => {
      const found = await apps.find(request.principal?.accountId ?? '', request.params.client_id)
      return found ? present(origin, found) : problem(request, reply, answers.not_found)
    },
  )

  app.patch(
    '/api/apps/:client_id',
    {
      config: { access },
      schema: {
        tags,
        summary:
          'Change an OAuth app; new keys, redirect URIs or another proof need one of the last 10 minutes',
        params,
        body: AppChange,
        response: { 200: AppView },
      },
    },
    async (request, reply) => {
      const result = await apps.update(
        actorOf(request.principal),
        request.params.client_id,
        changes(request.body),
        principalOf(request).authenticatedAt,
      )
      if (result.ok) return present(origin, result.app)
      const errors =
        result.reason === 'invalid_app' ? fieldErrors(result.problems, request.locale) : undefined
      return problem(request, reply, answers[result.reason], errors ? { errors } : {})
    },
  )

  app.delete(
    '/api/apps/:client_id',
    {
      config: { access },
      schema: { tags, summary: 'Delete an OAuth app and end all its grants', params },
    },
    async (request, reply) => {
      const result = await apps.remove(actorOf(request.principal), request.params.client_id)
      return result.ok ? reply.code(204).send() : problem(request, reply, answers[result.reason])
    },
  )

  app.post(
    '/api/apps/:client_id/secrets',
    {
      config: { access: { ...access, stepUp: true } },
      schema: {
        tags,
        summary: 'A new client secret; older ones live for the overlap',
        params,
        body: Overlap,
        response: { 200: AppWithSecret },
      },
    },
    async (request, reply) => {
      const result = await apps.rotateSecret(
        actorOf(request.principal),
        request.params.client_id,
        (request.body?.overlap_seconds ?? 0) * second,
      )
      if (!result.ok) return problem(request, reply, answers[result.reason])
      return { ...present(origin, result.app), client_secret: result.secret.reveal() }
    },
  )
}

/** Routes with `auth: session` are not reached without one. */
export const actorOf = (principal: Principal | null): Person => ({
  kind: 'account',
  id: principal?.accountId ?? '',
  name: principal?.name ?? '',
})

const defaults = (body: z.infer<typeof AppChange>): AppSettings => {
  const redirects = body.redirect_uris ?? []
  return {
    name: '',
    redirectUris: redirects,
    postLogoutRedirectUris: [],
    backchannelLogoutUri: null,
    backchannelLogoutSessionRequired: false,
    grantTypes:
      redirects.length > 0 ? ['authorization_code', 'refresh_token'] : ['client_credentials'],
    authMethod: body.application_type === 'native' ? 'none' : 'client_secret_basic',
    jwks: null,
    jwksUri: null,
    applicationType: 'web',
    scopes: scopeList(defaultAppScope),
    legacyConfidential: false,
    idTokenAlg: 'ES256',
    idTokenClaims: 'with_scopes',
    dpopBound: false,
    ...refreshDefaults,
  }
}

const changes = (body: z.infer<typeof AppChange>): Partial<AppSettings> => ({
  ...(body.name === undefined ? {} : { name: body.name }),
  ...(body.redirect_uris === undefined ? {} : { redirectUris: [...new Set(body.redirect_uris)] }),
  ...(body.post_logout_redirect_uris === undefined
    ? {}
    : { postLogoutRedirectUris: [...new Set(body.post_logout_redirect_uris)] }),
  ...(body.backchannel_logout_uri === undefined
    ? {}
    : { backchannelLogoutUri: body.backchannel_logout_uri }),
  ...(body.backchannel_logout_session_required === undefined
    ? {}
    : { backchannelLogoutSessionRequired: body.backchannel_logout_session_required }),
  ...(body.grant_types === undefined ? {} : { grantTypes: [...new Set(body.grant_types)] }),
  ...(body.token_endpoint_auth_method === undefined
    ? {}
    : { authMethod: body.token_endpoint_auth_method }),
  ...(body.jwks === undefined ? {} : { jwks: body.jwks?.keys ?? null }),
  ...(body.jwks_uri === undefined ? {} : { jwksUri: body.jwks_uri }),
  ...(body.application_type === undefined ? {} : { applicationType: body.application_type }),
  ...(body.scope === undefined ? {} : { scopes: scopeList(body.scope) }),
  ...(body.legacy_confidential === undefined
    ? {}
    : { legacyConfidential: body.legacy_confidential }),
  ...(body.id_token_signed_response_alg === undefined
    ? {}
    : { idTokenAlg: body.id_token_signed_response_alg }),
  ...(body.dpop_bound_access_tokens === undefined
    ? {}
    : { dpopBound: body.dpop_bound_access_tokens }),
  ...(body.id_token_claims === undefined ? {} : { idTokenClaims: body.id_token_claims }),
  ...(body.refresh_grace_seconds === undefined
    ? {}
    : { refreshGraceSeconds: body.refresh_grace_seconds }),
  ...(body.refresh_idle_seconds === undefined
    ? {}
    : { refreshIdleSeconds: body.refresh_idle_seconds }),
  ...(body.refresh_absolute_seconds === undefined
    ? {}
    : { refreshAbsoluteSeconds: body.refresh_absolute_seconds }),
})

const fieldErrors = (problems: readonly AppRefusal[], locale: Locale): FieldError[] =>
  problems.map((refusal) => ({
    field: 'index' in refusal ? `${refusal.field}.${refusal.index}` : refusal.field,
    code: refusal.reason,
    message: appProblemTexts[locale][refusal.reason],
  }))

const present = (origin: string, app: OAuthApp): z.infer<typeof AppView> => ({
  client_id: app.clientId,
  name: app.name,
  redirect_uris: [...app.redirectUris],
  post_logout_redirect_uris: [...app.postLogoutRedirectUris],
  backchannel_logout_uri: app.backchannelLogoutUri,
  backchannel_logout_session_required: app.backchannelLogoutSessionRequired,
  grant_types: [...app.grantTypes],
  token_endpoint_auth_method: app.authMethod,
  jwks: app.jwks && { keys: app.jwks.map(publicPart) },
  jwks_uri: app.jwksUri,
  application_type: app.applicationType,
  scope: app.scopes.join(' '),
  logo_uri: logoUri(origin, app),
  legacy_confidential: app.legacyConfidential,
  refresh_grace_seconds: app.refreshGraceSeconds,
  refresh_idle_seconds: app.refreshIdleSeconds,
  refresh_absolute_seconds: app.refreshAbsoluteSeconds,
  id_token_signed_response_alg: app.idTokenAlg,
  id_token_claims: app.idTokenClaims,
  dpop_bound_access_tokens: app.dpopBound,
  secrets: app.secrets.map((secret) => ({
    hint: secret.hint,
    created_at: rfc3339(secret.createdAt),
    expires_at: rfc3339OrNull(secret.expiresAt),
    temporary: secret.temporary,
  })),
  created_at: rfc3339(app.createdAt),
  last_used_at: rfc3339OrNull(app.lastUsedAt),
})
