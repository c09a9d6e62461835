import { z } from 'zod'
import { label } from '#platform/http/label.ts'
import {
  type AppSettings,
  deviceGrant,
  judgeApp,
  plainAuthMethods,
  refreshDefaults,
} from '../apps/app.ts'
import { isLoopback, redirectHost } from '../apps/redirect-uri.ts'
import { defaultAppScope, isIdentityScope, scopeList } from '../scopes.ts'

export type MetadataRefusal = {
  error: 'invalid_redirect_uri' | 'invalid_client_metadata'
  description: string
}

/** The most a client that nobody vouches for may have: what it asks beyond is left out (RFC 7591 section 2). */
const ceiling = scopeList(defaultAppScope)
/** For one that named nothing of ours, such as the scopes of an MCP server alone. */
const identity = ceiling.filter(isIdentityScope)
/** Device codes are for programs in a terminal alone: public clients that come back to loopback. */
const grantsFor = (terminal: boolean) =>
  terminal
    ? (['authorization_code', 'refresh_token', deviceGrant] as const)
    : (['authorization_code', 'refresh_token'] as const)

const Metadata = z.object({
  redirect_uris: z.array(z.string().min(1).max(2_000)).min(1).max(10),
  post_logout_redirect_uris: z.array(z.string().min(1).max(2_000)).max(10).optional(),
  backchannel_logout_uri: z.string().min(1).max(2_000).optional(),
  backchannel_logout_session_required: z.boolean().optional(),
  client_name: label(80).optional(),
  grant_types: z.array(z.string().max(100)).max(20).optional(),
  response_types: z.array(z.string().max(100)).max(20).optional(),
  token_endpoint_auth_method: z.enum(plainAuthMethods).optional(),
  application_type: z.enum(['web', 'native']).optional(),
  scope: z.string().max(1_000).optional(),
  dpop_bound_access_tokens: z.boolean().optional(),
  id_token_signed_response_alg: z.enum(['ES256', 'RS256']).optional(),
})

/**
 * Reads client metadata (RFC 7591 section 2) as settings of an app, or says what is wrong with it.
 * Members we do not know are ignored, as the section asks; redirect URIs obey the rules of every app.
 */
export function readMetadata(
  body: unknown,
  reaches: (url: string) => boolean,
): AppSettings | MetadataRefusal {
  const parsed = Metadata.safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const field = String(issue?.path[0] ?? '')
    if (field === '')
      return {
        error: 'invalid_client_metadata',
        description: 'send a JSON object as application/json',
      }
    return field === 'redirect_uris'
      ? { error: 'invalid_redirect_uri', description: 'redirect_uris: 1 to 10 URIs are needed' }
      : {
          error: 'invalid_client_metadata',
          description: `${field} has a value that is not allowed`,
        }
  }
  const given = parsed.data
  if (given.response_types && !given.response_types.includes('code'))
    return { error: 'invalid_client_metadata', description: 'response_types: only "code" exists' }
  const asked = given.grant_types ?? ['authorization_code']
  if (!asked.includes('authorization_code'))
    return {
      error: 'invalid_client_metadata',
      description: 'grant_types: "authorization_code" is needed',
    }
  const redirectUris = [...new Set(given.redirect_uris)]
  const wanted = given.scope === undefined ? [] : scopeList(given.scope)
  const scopes = ceiling.filter((scope) => wanted.length === 0 || wanted.includes(scope))
  const authMethod = given.token_endpoint_auth_method ?? 'client_secret_basic' // RFC 7591 section 2
  const terminal = authMethod === 'none' && redirectUris.every(isLoopback)
  const settings: AppSettings = {
    name: given.client_name ?? redirectHost(redirectUris[0] ?? '').slice(0, 80),
    redirectUris,
    postLogoutRedirectUris: [...new Set(given.post_logout_redirect_uris)],
    backchannelLogoutUri: given.backchannel_logout_uri ?? null,
    backchannelLogoutSessionRequired: given.backchannel_logout_session_required ?? false,
    grantTypes: grantsFor(terminal).filter((type) => asked.includes(type)),
    authMethod,
    jwks: null,
    jwksUri: null,
    applicationType:
      given.application_type ??
      (redirectUris.every((uri) => uri.startsWith('https:')) ? 'web' : 'native'),
    scopes: scopes.length > 0 ? scopes : identity,
    legacyConfidential: false,
    idTokenClaims: 'with_scopes',
    idTokenAlg: given.id_token_signed_response_alg ?? 'ES256',
    dpopBound: given.dpop_bound_access_tokens ?? false,
    ...refreshDefaults,
  }
  const [problem] = judgeApp(settings, reaches)
  if (!problem) return settings
  return {
    error: problem.field === 'redirect_uris' ? 'invalid_redirect_uri' : 'invalid_client_metadata',
    description: `${problem.field}: ${problem.reason}`,
  }
}
