import { type Comparison, compare, compareNearest } from './compare.ts'
import { decodeJwt } from './jwt.ts'
import type { Held, Setup } from './requests.ts'
import { refusalOf, type StepId, valueNamed, type WireRequest, type WireResponse } from './wire.ts'

/** What happened, as the messages name it. */
export type Finding =
  | 'network'
  | 'client_refused'
  | 'assertion_key'
  | 'assertion_audience'
  | 'assertion_reused'
  | 'keys_away'
  | 'redirect_mismatch'
  | 'redirect_missing'
  | 'logout_redirect_mismatch'
  | 'pkce_missing'
  | 'pkce_plain'
  | 'verifier_mismatch'
  | 'verifier_missing'
  | 'token_redirect_mismatch'
  | 'code_reused'
  | 'code_expired'
  | 'refresh_reused'
  | 'refresh_expired'
  | 'grant_revoked'
  | 'suspended'
  | 'client_mismatch'
  | 'grant_invalid'
  | 'proof_needed'
  | 'proof_refused'
  | 'proof_nonce'
  | 'scope_refused'
  | 'grant_type_refused'
  | 'access_denied'
  | 'login_required'
  | 'consent_required'
  | 'pending'
  | 'slow_down'
  | 'device_expired'
  | 'target_refused'
  | 'token_invalid'
  | 'scope_missing'
  | 'too_many'
  | 'quota_used'
  | 'unavailable'
  | 'inactive'
  | 'state_mismatch'
  | 'other'

/** A setting of the app, by its field on the app's form. */
export type Setting = 'redirects' | 'scopes' | 'kind' | 'dpop' | 'legacy' | 'secrets' | 'keys'

export type Diagnosis = {
  finding: Finding
  /** Waiting is no failure. */
  tone: 'danger' | 'info'
  /** What to change about the app, where that is the remedy. */
  setting: Setting | null
  /** Two addresses that should have been the same. */
  difference: Comparison | null
  /** Scopes that were asked for and may not be. */
  scopes: readonly string[]
  /** Own path of the article. */
  help: string
}

export type Exchanged = {
  step: StepId
  request: WireRequest
  response: WireResponse
}

/**
 * Why an answer was a refusal and what to do about it: by its code, its `reason`, and by what was
 * sent, because a server rightly does not tell a stranger which of several things was wrong. Null
 * for an answer that is as it should be.
 */
export function diagnose({ step, request, response }: Exchanged, setup: Setup, held: Held) {
  const made = (
    finding: Finding,
    more: Partial<Omit<Diagnosis, 'finding' | 'help'>> = {},
    article = 'oauth-apps',
  ): Diagnosis => ({
    finding,
    tone: 'danger',
    setting: null,
    difference: null,
    scopes: [],
    ...more,
    help: ownPath(refusal?.help) ?? `/help/${article}`,
  })
  const refusal = refusalOf(response)
  if (!refusal) {
    if (request.navigates && valueNamed(response.members, 'state') !== held.state)
      return made('state_mismatch')
    const inactive = step === 'introspect' && valueNamed(response.members, 'active') === 'false'
    return inactive ? made('inactive', { tone: 'info' }) : null
  }
  const sent = request.form ?? request.query
  switch (refusal.code) {
    case 'network':
      return made('network', {}, 'service-status')
    case 'invalid_client':
      return clientRefused()
    case 'invalid_redirect_uri':
      return redirects()
    case 'invalid_request':
      return invalidRequest()
    case 'invalid_grant':
      return invalidGrant()
    case 'use_dpop_nonce':
      return made('proof_nonce', { tone: 'info' }, 'dpop')
    case 'dpop_required':
      return made('proof_needed', {}, 'dpop')
    case 'invalid_dpop_proof':
      return valueNamed(request.headers, 'dpop') === undefined
        ? made('proof_needed', { setting: 'dpop' }, 'dpop')
        : made('proof_refused', {}, 'dpop')
    case 'invalid_scope':
      return made('scope_refused', { setting: 'scopes', scopes: refusedScopes() }, 'scopes')
    case 'unauthorized_client':
    case 'unsupported_grant_type':
    case 'unsupported_response_type':
      return made('grant_type_refused', { setting: 'kind' })
    case 'access_denied':
    case 'login_required':
    case 'consent_required':
      return made(refusal.code)
    case 'authorization_pending':
      return made('pending', { tone: 'info' }, 'connect-device')
    case 'slow_down':
      return made('slow_down', {}, 'connect-device')
    case 'expired_token':
      return made(step === 'poll' ? 'device_expired' : 'token_invalid')
    case 'invalid_target':
      return made('target_refused')
    case 'token_revoked':
      return made('grant_revoked')
    case 'invalid_token':
    case 'invalid_api_key':
    case 'token_expired':
      return boundWithoutProof() ? made('proof_needed', {}, 'dpop') : made('token_invalid')
    case 'account_deactivated':
      return made('suspended', {}, 'suspended-account')
    case 'insufficient_scope':
      return made('scope_missing', { setting: 'scopes' }, 'scopes')
    case 'rate_limit_exceeded':
      return made('too_many', {}, 'rate-limits')
    case 'insufficient_quota':
      return made('quota_used', {}, 'usage-and-limits')
    case 'post_logout_redirect_uri_unregistered': {
      const address = valueNamed(sent, 'post_logout_redirect_uri') ?? ''
      const difference = compareNearest([setup.redirectUri], address)
      return made('logout_redirect_mismatch', { setting: 'redirects', difference }, 'app-sign-out')
    }
    case 'temporarily_unavailable':
      if (keysUnread()) return made('keys_away', { setting: 'keys' })
      return response.status === 429
        ? made('too_many', {}, 'rate-limits')
        : made('unavailable', {}, 'service-status')
    default:
      if (response.status === 401) return made('token_invalid')
      return response.status >= 500 ? made('unavailable', {}, 'service-status') : made('other')
  }

  function keysUnread(): boolean {
    return /jwks_uri/.test(refusal?.description ?? '')
  }

  /** The server says no more than that; what was sent tells which of the reasons it was. */
  function clientRefused(): Diagnosis {
    if (setup.app.token_endpoint_auth_method !== 'private_key_jwt')
      return made('client_refused', { setting: 'secrets' })
    if (keysUnread()) return made('keys_away', { setting: 'keys' })
    const assertion = valueNamed(sent, 'client_assertion')
    if (assertion !== undefined && assertion === held.lastAssertion) return made('assertion_reused')
    const audience = decodeJwt(assertion ?? '')?.claims.aud
    return audience === setup.origin
      ? made('assertion_key', { setting: 'keys' })
      : made('assertion_audience')
  }

  function boundWithoutProof(): boolean {
    const token = /^Bearer (.+)$/.exec(valueNamed(request.headers, 'authorization') ?? '')?.[1]
    return decodeJwt(token ?? '')?.claims.cnf !== undefined
  }

  function redirects(): Diagnosis {
    const address = valueNamed(sent, 'redirect_uri')
    if (address === undefined) return made('redirect_missing', { setting: 'redirects' })
    // The inspector's own address is no setting; where it was sent wrongly, that is what was meant.
    const meant = address.startsWith(setup.origin) ? [setup.redirectUri] : setup.app.redirect_uris
    const difference = compareNearest(meant, address)
    return made('redirect_mismatch', { setting: 'redirects', difference })
  }

  function invalidRequest(): Diagnosis {
    const asks = step === 'authorize' || step === 'push' || step === 'check'
    if (!asks) return made('other')
    if (/redirect_uri/.test(refusal?.description ?? '')) return redirects()
    if (valueNamed(sent, 'code_challenge_method') === 'plain') return made('pkce_plain')
    if (valueNamed(sent, 'code_challenge') === undefined && !setup.app.legacy_confidential)
      return made('pkce_missing', { setting: 'legacy' })
    return made('other')
  }

  function invalidGrant(): Diagnosis {
    const code = valueNamed(sent, 'code')
    switch (refusal?.reason) {
      case 'reused':
        return made(code === undefined ? 'refresh_reused' : 'code_reused')
      case 'expired':
        if (step === 'poll') return made('device_expired', {}, 'connect-device')
        return made(code === undefined ? 'refresh_expired' : 'code_expired')
      case 'suspended':
        return made('suspended', {}, 'suspended-account')
      case 'client_mismatch':
        return made('client_mismatch')
    }
    if (code !== undefined) {
      const difference = compare(setup.redirectUri, valueNamed(sent, 'redirect_uri') ?? '')
      if (difference) return made('token_redirect_mismatch', { difference })
      const verifier = valueNamed(sent, 'code_verifier')
      if (verifier === undefined && !setup.legacy) return made('verifier_missing')
      if (verifier !== undefined && verifier !== held.verifier) return made('verifier_mismatch')
    }
    return made(refusal?.reason === 'revoked' ? 'grant_revoked' : 'grant_invalid')
  }

  function refusedScopes(): string[] {
    const allowed = setup.app.scope.split(' ')
    return (valueNamed(sent, 'scope') ?? '')
      .split(' ')
      .filter((scope) => scope !== '' && !allowed.includes(scope))
  }
}

/** Answers name articles by their whole address; pages link to their path. */
function ownPath(address: string | null | undefined): string | null {
  const path = address ? URL.parse(address)?.pathname : undefined
  return path?.startsWith('/help/') ? path : null
}

/** What a careful client checks about an answer before it goes on. */
export type Check = { name: 'state' | 'iss' | 'nonce' | 'aud'; ok: boolean }

export function checksOf({ step, response }: Exchanged, setup: Setup, held: Held): Check[] {
  if (refusalOf(response)) return []
  const { members } = response
  if (step === 'authorize')
    return [
      { name: 'state', ok: valueNamed(members, 'state') === held.state },
      { name: 'iss', ok: valueNamed(members, 'iss') === setup.origin },
    ]
  const claims = decodeJwt(valueNamed(members, 'id_token') ?? '')?.claims
  if (!claims) return []
  const aud = { name: 'aud', ok: claims.aud === setup.app.client_id } as const
  return step === 'token' ? [{ name: 'nonce', ok: claims.nonce === held.nonce }, aud] : [aud]
}
