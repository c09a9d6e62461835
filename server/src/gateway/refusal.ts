import { type GatewayMessage, gatewayText } from '../../messages/gateway.ts'
import type { Locale } from '../../messages/messages.ts'
import { dpopChallenge } from '../oauth/index.ts'

/** Why `/v1` refuses; each has its sentence in the message catalogue. */
export type Reason = GatewayMessage

export type Refusal = {
  reason: Reason
  /** Fills the sentence. */
  values?: Readonly<Record<string, string | number>>
  /** The field at fault. */
  param?: string
  /** The scope that is missing. */
  scope?: string
  /** Which limit, how much, until when: for programs. */
  details?: Readonly<Record<string, string | number | null>>
  retryAfterMs?: number
  /** What the next DPoP proof is to carry (RFC 9449 section 9). */
  nonce?: string
  /** Answers that pass an upstream's own verdict on. */
  status?: number
  type?: string
  code?: string | null
}

type Answer = {
  status: number
  type: string
  code: string | null
  /** Overrides what OpenAI's SDKs would do by the status alone. */
  retry?: boolean
  /** RFC 6750 section 3.1 or RFC 9449 section 7.1 error of the challenge; 401 and 403 carry one. */
  challenge?: 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof' | 'use_dpop_nonce'
  /** Which schemes would do; the one that was used, unless said otherwise. */
  schemes?: 'both' | 'dpop'
}

const request = 'invalid_request_error'
const server = 'server_error'

/** Codes and statuses are OpenAI's where it has them: clients branch on their exact spelling. */
const answers = {
  unknown_url: { status: 404, type: request, code: 'unknown_url' },
  method_not_allowed: { status: 405, type: request, code: 'method_not_allowed' },
  missing_key: { status: 401, type: request, code: 'invalid_api_key', schemes: 'both' },
  conflicting_credentials: { status: 400, type: request, code: 'conflicting_credentials' },
  credential_in_query: { status: 400, type: request, code: 'credential_in_query' },
  invalid_key: { status: 401, type: request, code: 'invalid_api_key', challenge: 'invalid_token' },
  expired_key: { status: 401, type: request, code: 'invalid_api_key', challenge: 'invalid_token' },
  account_deactivated: {
    status: 401,
    type: request,
    code: 'account_deactivated',
    challenge: 'invalid_token',
  },
  invalid_token: {
    status: 401,
    type: request,
    code: 'invalid_api_key',
    challenge: 'invalid_token',
  },
  expired_token: { status: 401, type: request, code: 'token_expired', challenge: 'invalid_token' },
  revoked_token: { status: 401, type: request, code: 'token_revoked', challenge: 'invalid_token' },
  key_bound_token: {
    status: 401,
    type: request,
    code: 'dpop_required',
    challenge: 'invalid_token',
    schemes: 'dpop',
  },
  token_not_bound: {
    status: 401,
    type: request,
    code: 'token_not_bound',
    challenge: 'invalid_token',
  },
  invalid_proof: {
    status: 401,
    type: request,
    code: 'invalid_dpop_proof',
    challenge: 'invalid_dpop_proof',
  },
  proof_nonce: {
    status: 401,
    type: request,
    code: 'use_dpop_nonce',
    challenge: 'use_dpop_nonce',
  },
  ip_not_authorized: { status: 401, type: request, code: 'ip_not_authorized' },
  insufficient_scope: {
    status: 403,
    type: request,
    code: 'insufficient_scope',
    challenge: 'insufficient_scope',
  },
  unsupported_media_type: { status: 415, type: request, code: 'unsupported_media_type' },
  body_too_large: { status: 413, type: request, code: 'request_too_large' },
  malformed_body: { status: 400, type: request, code: 'invalid_body' },
  invalid_value: { status: 400, type: request, code: 'invalid_value' },
  model_required: { status: 400, type: request, code: 'model_required' },
  model_not_found: { status: 404, type: request, code: 'model_not_found' },
  not_supported: { status: 404, type: request, code: 'model_not_supported' },
  requests_limit: { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  tokens_limit: { status: 429, type: 'tokens', code: 'rate_limit_exceeded' },
  tokens_too_many: { status: 429, type: 'tokens', code: 'rate_limit_exceeded', retry: false },
  concurrency_limit: { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  budget_used: {
    status: 429,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    retry: false,
  },
  budget_held: { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  store_unavailable: { status: 503, type: server, code: 'service_unavailable' },
  not_recorded: { status: 503, type: server, code: 'service_unavailable' },
  upstream_unavailable: { status: 503, type: server, code: 'upstream_unavailable' },
  upstream_busy: { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  upstream_timeout: { status: 504, type: server, code: 'upstream_timeout' },
  upstream_error: { status: 502, type: server, code: 'upstream_error' },
  upstream_cut: { status: 502, type: server, code: 'upstream_cut' },
  upstream_refused: { status: 400, type: request, code: null },
  cut_off: { status: 401, type: request, code: 'invalid_api_key' },
  shutting_down: { status: 503, type: server, code: 'service_unavailable' },
  internal_error: { status: 500, type: server, code: 'internal_error' },
} as const satisfies Record<Reason, Answer>

export type RenderedRefusal = {
  status: number
  headers: string[]
  /** OpenAI's error shape, with a `help` link and, for limits, `details`. */
  error: {
    message: string
    type: string
    param: string | null
    code: string | null
    help: string
    details?: Refusal['details']
  }
}

/** Longest a client is asked to wait: OpenAI's Node SDK ignores anything above a minute. */
const retryAfterMsMax = 60_000

/** `dpop`: the request came under the DPoP scheme, so its challenge is one of that scheme. */
export function renderRefusal(
  refusal: Refusal,
  origin: string,
  locale: Locale,
  dpop = false,
): RenderedRefusal {
  const answer: Answer = answers[refusal.reason]
  const status = refusal.status ?? answer.status
  const retryAfterMs =
    refusal.retryAfterMs ?? (status === 503 || status === 429 ? 1_000 : undefined)
  const { message, help } = gatewayText(refusal.reason, locale, {
    keys_page: `${origin}/keys`,
    cases_page: `${origin}/cases`,
    seconds: Math.ceil((retryAfterMs ?? 0) / 1_000),
    ...refusal.values,
  })
  const headers: string[] = []
  if (status === 401 || status === 403) {
    const parts = [
      ...(answer.challenge ? [`error="${answer.challenge}"`] : []),
      ...(refusal.scope ? [`scope="${refusal.scope}"`] : []),
      `resource_metadata="${origin}/.well-known/oauth-protected-resource/v1"`,
    ]
    const bearer = `Bearer ${parts.join(', ')}`
    if (answer.schemes === 'both')
      headers.push('www-authenticate', `${bearer}, ${dpopChallenge([])}`)
    else if (dpop || answer.schemes === 'dpop')
      headers.push('www-authenticate', dpopChallenge(parts))
    else headers.push('www-authenticate', bearer)
  }
  if (refusal.nonce !== undefined) headers.push('dpop-nonce', refusal.nonce)
  if (answer.retry === false) headers.push('x-should-retry', 'false')
  else if (retryAfterMs !== undefined) {
    const wait = Math.min(retryAfterMsMax, Math.max(1, Math.ceil(retryAfterMs)))
    headers.push('retry-after', String(Math.ceil(wait / 1_000)), 'retry-after-ms', String(wait))
  }
  if (typeof refusal.values?.allowed === 'string' && status === 405)
    headers.push('allow', refusal.values.allowed)
  return {
    status,
    headers,
    error: {
      message,
      type: refusal.type ?? answer.type,
      param: refusal.param ?? null,
      code: refusal.code === undefined ? answer.code : refusal.code,
      help: `${origin}/help/${help}`,
      ...(refusal.details ? { details: refusal.details } : {}),
    },
  }
}
