import * as oauth from 'oauth4webapi'
import type { Context } from '../context.ts'
import type { TokenSet } from '../credentials/credential.ts'
import {
  ClockSkew,
  type LatchkeyError,
  ProviderMisconfigured,
  ProviderUnavailable,
  SignInFailed,
  type Voice,
} from '../errors/errors.ts'
import { clientAuth, protocolClient, requestOptions } from '../provider/client.ts'
import { newSignIn, resourceParameter } from '../provider/grants.ts'
import { redeem } from '../provider/redeem.ts'
import { tokensOf } from './finish.ts'

export type RedirectOptions = {
  /** Where the provider sends the browser back to; registered there, exactly. */
  redirectUri: string
  /** Under which name the credential is kept. Default: the one of `createAuth`. */
  account?: string
  /** Instead of the scopes of `createAuth`. */
  scopes?: string[]
  /** Further parameters of the authorization request, such as `login_hint` or `prompt`. */
  parameters?: Record<string, string>
}

/**
 * What has to wait in the browser's own session until the callback: bound to one attempt, one
 * provider and one client, good for ten minutes. Holds the PKCE verifier: seal it or keep it on the
 * server, see `transactionCookies`.
 */
export type Transaction = {
  id: string
  issuer: string
  clientId: string
  account: string
  redirectUri: string
  state: string
  nonce: string | null
  verifier: string
  startedAt: number
}

export const transactionLifeMs = 600_000

/** Where to send the browser, and what to remember until it comes back. */
export async function beginRedirect(
  context: Context,
  options: RedirectOptions & { account: string },
): Promise<{ url: URL; transaction: Transaction }> {
  const metadata = await context.provider.metadata(context.wire, context.voice)
  if (metadata.authorization_endpoint === undefined)
    throw new ProviderMisconfigured(
      'provider_misconfigured',
      { detail: 'there is no authorization endpoint' },
      context.voice,
    )
  const scopes = options.scopes ?? context.scopes
  const state = oauth.generateRandomState()
  const nonce = scopes.includes('openid') ? oauth.generateRandomNonce() : null
  const verifier = oauth.generateRandomCodeVerifier()
  const url = new URL(metadata.authorization_endpoint)
  const parameters: Record<string, string> = {
    response_type: 'code',
    client_id: context.client.clientId,
    redirect_uri: options.redirectUri,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
    ...(nonce === null ? {} : { nonce }),
    // OpenID Connect Core section 11: offline access is granted only after asking.
    ...(scopes.includes('offline_access') ? { prompt: 'consent' } : {}),
    ...resourceParameter(context),
    ...options.parameters,
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  const transaction: Transaction = {
    id: state.slice(0, 8),
    issuer: context.provider.issuer,
    clientId: context.client.clientId,
    account: options.account,
    redirectUri: options.redirectUri,
    state,
    nonce,
    verifier,
    startedAt: context.clock.now(),
  }
  return { url, transaction }
}

/**
 * Checks the callback against its transaction (age, issuer, state, `iss` of RFC 9207, errors), then
 * redeems the code with the verifier and checks the id_token, its nonce and its signature.
 */
export async function finishRedirect(
  context: Context,
  transaction: Transaction,
  callback: URL,
): Promise<TokenSet> {
  const { voice } = context
  const invalid = (detail: string, cause?: unknown) =>
    new SignInFailed('sign_in_invalid', { detail, cause }, voice)
  const age = context.clock.now() - transaction.startedAt
  if (age < 0 || age > transactionLifeMs) throw new SignInFailed('sign_in_timeout', {}, voice)
  if (transaction.issuer !== context.provider.issuer) throw invalid('another provider')
  if (transaction.clientId !== context.client.clientId) throw invalid('another client')
  const metadata = await context.provider.metadata(context.wire, voice)
  let client = protocolClient(context.client, context.wire)
  let parameters: URLSearchParams
  try {
    parameters = oauth.validateAuthResponse(metadata, client, callback, transaction.state)
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError) throw refusedAtProvider(error, voice)
    throw invalid('state or issuer differ', error)
  }
  const result = await newSignIn(context, (proof) =>
    redeem(
      () =>
        oauth.authorizationCodeGrantRequest(
          metadata,
          client,
          clientAuth(context.client, metadata),
          parameters,
          transaction.redirectUri,
          transaction.verifier,
          {
            ...requestOptions(context.wire, metadata.token_endpoint),
            ...proof,
            additionalParameters: resourceParameter(context),
          },
        ),
      async (response) => {
        client = protocolClient(context.client, context.wire) // the reply's Date has come by now
        const reply = await oauth.processAuthorizationCodeResponse(metadata, client, response, {
          expectedNonce: transaction.nonce ?? oauth.expectNoNonce,
          requireIdToken: transaction.nonce !== null,
        })
        if (reply.id_token !== undefined && metadata.jwks_uri !== undefined)
          await oauth.validateApplicationLevelSignature(
            metadata,
            response,
            requestOptions(context.wire, metadata.jwks_uri),
          )
        return reply
      },
      context.clock,
      null,
    ),
  )
  if (
    !result.ok &&
    result.kind === 'lost' &&
    result.cause instanceof oauth.OperationProcessingError
  ) {
    const { code } = result.cause
    if (code === oauth.JWT_TIMESTAMP_CHECK)
      throw new ClockSkew(
        'clock_skew',
        { seconds: secondsApart(result.cause), cause: result.cause },
        voice,
      )
    throw invalid('the id_token does not hold', result.cause)
  }
  return tokensOf(context, result, transaction.account)
}

/** By how much an id_token that is too old or too new differs from the clock it was judged by. */
function secondsApart(error: oauth.OperationProcessingError): number {
  const { claims, now } = (error.cause ?? {}) as { claims?: { iat?: number }; now?: number }
  return Math.abs(Math.round((claims?.iat ?? 0) - (now ?? 0)))
}

const misfits = new Set([
  'invalid_request',
  'unauthorized_client',
  'unsupported_response_type',
  'invalid_target',
])
const troubles = new Set(['server_error', 'temporarily_unavailable'])

/** What the provider's redirect says instead of a code (RFC 6749 section 4.1.2.1). */
function refusedAtProvider(error: oauth.AuthorizationResponseError, voice: Voice): LatchkeyError {
  const details = { detail: error.error, said: error.error_description ?? null, cause: error }
  if (misfits.has(error.error))
    return new ProviderMisconfigured('provider_misconfigured', details, voice)
  if (troubles.has(error.error))
    return new ProviderUnavailable('provider_unavailable', details, voice)
  return new SignInFailed('sign_in_denied', details, voice)
}
