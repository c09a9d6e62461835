import * as oauth from 'oauth4webapi'
import { type Death, readReason, readRevocation, type TokenSet } from '../credentials/credential.ts'
import { ProviderMisconfigured } from '../errors/errors.ts'
import type { Clock } from '../platform/clock.ts'
import { Secret } from '../platform/secret.ts'
import { failureText, sentOrNot } from './wire.ts'

/** What came of one call to the token endpoint. */
export type Redeemed =
  | { ok: true; tokens: TokenSet }
  /** The refresh token or code is refused. Evidence about what was posted, not about the account. */
  | ({ ok: false; kind: 'invalid_grant'; said: string | null } & Omit<Death, 'at'>)
  /** Another OAuth refusal, such as `invalid_client`: nothing was consumed, trying again is useless. */
  | {
      ok: false
      kind: 'refused'
      error: string
      status: number
      /** The provider's own words. */
      said: string | null
      help: string | null
    }
  /** Too busy; nothing was consumed. */
  | { ok: false; kind: 'busy'; status: number; retryAfterMs: number | null }
  /** No usable answer. `unknown`: the grant may have been consumed. */
  | { ok: false; kind: 'lost'; outcome: 'not-sent' | 'unknown'; detail: string; cause: unknown }

/**
 * Sends by `send` and judges by `judge` (the protocol engine), and turns every way this can end into
 * a value. `previous` is what the reply builds on: a reply without refresh token keeps the old one
 * (RFC 6749 section 6).
 */
export async function redeem(
  send: () => Promise<Response>,
  judge: (response: Response) => Promise<oauth.TokenEndpointResponse>,
  clock: Clock,
  previous: TokenSet | null,
): Promise<Redeemed> {
  const first = await redeemOnce(send, judge, clock, previous)
  // Another nonce is wanted in the proof (RFC 9449 section 8): nothing was consumed, and the engine
  // has remembered the nonce.
  return first === 'nonce' ? settled(await redeemOnce(send, judge, clock, previous)) : first
}

const settled = (result: Redeemed | 'nonce'): Redeemed =>
  result === 'nonce' ? refused('use_dpop_nonce', 400) : result

export const refused = (error: string, status: number): Redeemed => ({
  ok: false,
  kind: 'refused',
  error,
  status,
  said: null,
  help: null,
})

async function redeemOnce(
  send: () => Promise<Response>,
  judge: (response: Response) => Promise<oauth.TokenEndpointResponse>,
  clock: Clock,
  previous: TokenSet | null,
): Promise<Redeemed | 'nonce'> {
  const obtainedAt = clock.now() // before sending: a slow reply has already used up some of its life
  let response: Response
  try {
    response = await tidied(await send(), previous?.tokenType ?? 'bearer')
  } catch (error) {
    if (error instanceof ProviderMisconfigured) return refused(error.detail ?? error.code, 0)
    const detail = failureText(error)
    return { ok: false, kind: 'lost', outcome: sentOrNot(error), detail, cause: error }
  }
  if (response.status === 429 || response.status === 503)
    return {
      ok: false,
      kind: 'busy',
      status: response.status,
      retryAfterMs: retryAfterMs(response.headers, clock.now()),
    }
  if (response.status >= 500)
    return lost(`the token endpoint answered ${response.status}`, undefined)
  try {
    return { ok: true, tokens: toTokenSet(await judge(response), obtainedAt, previous) }
  } catch (error) {
    if (oauth.isDPoPNonceError(error)) return 'nonce'
    if (error instanceof oauth.ResponseBodyError) return refusal(error, previous)
    if (error instanceof oauth.WWWAuthenticateChallengeError) return refused('invalid_client', 401)
    const without = response.ok ? ' without a usable token' : ''
    return lost(`the token endpoint answered ${response.status}${without}`, error)
  }
}

const lost = (detail: string, cause: unknown): Redeemed => ({
  ok: false,
  kind: 'lost',
  outcome: 'unknown',
  detail,
  cause,
})

function refusal(error: oauth.ResponseBodyError, previous: TokenSet | null): Redeemed {
  const body = error.cause as Record<string, unknown>
  const help = typeof body.help === 'string' ? body.help : null
  let said = error.error_description ?? null
  for (const secret of [previous?.refreshToken, previous?.accessToken])
    if (secret) said = said?.replaceAll(secret.reveal(), '…') ?? null // some quote what was posted
  const told = { said, help }
  if (error.error !== 'invalid_grant')
    return { ok: false, kind: 'refused', error: error.error, status: error.status, ...told }
  const reason = readReason(body.reason)
  const revokedBecause = reason === 'revoked' ? readRevocation(body.revoked_because) : null
  return { ok: false, kind: 'invalid_grant', reason, revokedBecause, ...told }
}

// How providers that answer 200 to everything say that a code or refresh token is none, or not any more.
const grantRefusals = new Set([
  'bad_verification_code',
  'bad_refresh_token',
  'invalid_code',
  'invalid_refresh_token',
  'code_already_used',
])

/**
 * The reply as RFC 6749 section 5 spells it. The grant is spent by now, so a set must not be lost
 * because its provider writes null for what it leaves out, a list of scopes, or no `token_type`; and a
 * refusal is one under whatever status and media type it comes.
 */
async function tidied(response: Response, type: string): Promise<Response> {
  const text = await response.text()
  const headers = new Headers(response.headers)
  const again = (status: number, body: string) => new Response(body || null, { status, headers })
  let reply: unknown
  try {
    reply = JSON.parse(text)
  } catch {
    return again(response.status, text)
  }
  if (typeof reply !== 'object' || reply === null || Array.isArray(reply))
    return again(response.status, text)
  const { access_token, error, scope, ...members } = reply as Record<string, unknown>
  if (response.ok && typeof access_token === 'string') {
    headers.set('content-type', 'application/json')
    const given = Object.entries(members).filter(([, value]) => value !== null && value !== '')
    const scopes = Array.isArray(scope) ? scope.join(' ') : scope
    return again(
      200,
      JSON.stringify({
        token_type: type,
        ...Object.fromEntries(given),
        access_token,
        ...(typeof scopes === 'string' ? { scope: scopes } : {}),
      }),
    )
  }
  if (response.status >= 500 || typeof error !== 'string') return again(response.status, text)
  headers.set('content-type', 'application/json')
  const standard = grantRefusals.has(error) ? 'invalid_grant' : error
  return again(response.ok ? 400 : response.status, JSON.stringify({ ...reply, error: standard }))
}

/**
 * The refresh reply's judge. A reply whose id_token does not hold is still a rotation that took
 * place: refusing it whole would lose the only refresh token, so the id_token alone is left out.
 */
export const judgeRefresh =
  (metadata: oauth.AuthorizationServer, client: oauth.Client, previous: TokenSet) =>
  async (response: Response): Promise<oauth.TokenEndpointResponse> => {
    const text = await response.text()
    const again = (body: string) =>
      new Response(body, { status: response.status, headers: response.headers })
    try {
      const reply = await oauth.processRefreshTokenResponse(metadata, client, again(text))
      const subject = oauth.getValidatedIdTokenClaims(reply)?.sub
      // OpenID Connect Core section 12.2: the subject may not change by refreshing.
      if (subject === undefined || previous.subject === null || subject === previous.subject)
        return reply
    } catch (error) {
      if (error instanceof oauth.ResponseBodyError) throw error
    }
    const { id_token: _, ...rest } = JSON.parse(text) as Record<string, unknown>
    return oauth.processRefreshTokenResponse(metadata, client, again(JSON.stringify(rest)))
  }

function toTokenSet(
  reply: oauth.TokenEndpointResponse,
  obtainedAt: number,
  previous: TokenSet | null,
): TokenSet {
  const claims = oauth.getValidatedIdTokenClaims(reply)
  const refreshIn = reply.refresh_in
  return {
    accessToken: new Secret(reply.access_token),
    tokenType: reply.token_type,
    refreshToken: reply.refresh_token
      ? new Secret(reply.refresh_token)
      : (previous?.refreshToken ?? null),
    idToken: reply.id_token ? new Secret(reply.id_token) : (previous?.idToken ?? null),
    scope: reply.scope ?? previous?.scope ?? null,
    obtainedAt,
    // Zero or less is what some providers send for "no limit"; believed, it would refresh for ever.
    lifetimeMs:
      reply.expires_in !== undefined && reply.expires_in > 0 ? reply.expires_in * 1_000 : null,
    refreshInMs: typeof refreshIn === 'number' && refreshIn > 0 ? refreshIn * 1_000 : null,
    subject: claims?.sub ?? previous?.subject ?? null,
    proofKey: previous?.proofKey ?? null,
  }
}

/** `retry-after-ms`, else `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3). */
export function retryAfterMs(headers: Headers, now: number): number | null {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(ms) && ms >= 0) return ms
  const text = headers.get('retry-after')
  if (text === null) return null
  const seconds = Number(text)
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1_000 : null
  const date = Date.parse(text)
  if (Number.isNaN(date)) return null
  // The date is the server's: measure it by the server's clock where it sent one.
  const serverNow = Date.parse(headers.get('date') ?? '')
  return Math.max(0, date - (Number.isNaN(serverNow) ? now : serverNow))
}
