import * as oauth from 'oauth4webapi'
import type { Context } from '../context.ts'
import type { TokenSet } from '../credentials/credential.ts'
import { ProviderMisconfigured, ProviderUnavailable } from '../errors/errors.ts'
import { clientAuth, protocolClient, requestOptions } from './client.ts'
import { isBound, redeemBound } from './proofs.ts'
import type { Metadata } from './provider.ts'
import { judgeRefresh, type Redeemed, redeem, refused } from './redeem.ts'
import { failureText, sentOrNot } from './wire.ts'

/** Spends a refresh token (RFC 6749 section 6). Every way it can end is a value. */
export const refreshGrant = (context: Context, previous: TokenSet): Promise<Redeemed> =>
  withMetadata(context, async (metadata) => {
    const client = () => protocolClient(context.client, context.wire)
    const proof = await proofOf(context, previous)
    return redeem(
      () =>
        oauth.refreshTokenGrantRequest(
          metadata,
          client(),
          clientAuth(context.client, metadata),
          previous.refreshToken?.reveal() ?? '',
          {
            ...requestOptions(context.wire, metadata.token_endpoint),
            ...proof,
            additionalParameters: resourceParameter(context),
          },
        ),
      (response) => judgeRefresh(metadata, client(), previous)(response),
      context.clock,
      previous,
    )
  })

/** Gets a token for the app itself (RFC 6749 section 4.4), bound to the key of the one before. */
export const clientCredentialsGrant = (
  context: Context,
  previous: TokenSet | null,
): Promise<Redeemed> =>
  withMetadata(context, async (metadata) => {
    const client = protocolClient(context.client, context.wire)
    const ask = (proof: { DPoP?: oauth.DPoPHandle }) =>
      redeem(
        () =>
          oauth.clientCredentialsGrantRequest(
            metadata,
            client,
            clientAuth(context.client, metadata),
            {
              ...(context.scopes.length > 0 ? { scope: context.scopes.join(' ') } : {}),
              ...resourceParameter(context),
            },
            { ...requestOptions(context.wire, metadata.token_endpoint), ...proof },
          ),
        (response) => oauth.processClientCredentialsResponse(metadata, client, response),
        context.clock,
        null,
      )
    const key = previous?.proofKey ?? null
    if (key !== null) {
      const result = await ask(await proofOf(context, previous))
      return result.ok ? { ok: true, tokens: { ...result.tokens, proofKey: key } } : result
    }
    return newSignIn(context, ask)
  })

/**
 * Spends an authorization code that came without PKCE and state of ours: the plain confidential
 * client of older tutorials. `redirectUri` only if the provider insists.
 */
export const plainCodeGrant = (
  context: Context,
  code: string,
  redirectUri: string | undefined,
): Promise<Redeemed> =>
  withMetadata(context, (metadata) => {
    const client = protocolClient(context.client, context.wire)
    return newSignIn(context, (proof) =>
      redeem(
        () =>
          oauth.genericTokenEndpointRequest(
            metadata,
            client,
            clientAuth(context.client, metadata),
            'authorization_code',
            { code, ...(redirectUri === undefined ? {} : { redirect_uri: redirectUri }) },
            { ...requestOptions(context.wire, metadata.token_endpoint), ...proof },
          ),
        (response) => oauth.processGenericTokenEndpointResponse(metadata, client, response),
        context.clock,
        null,
      ),
    )
  })

/** A redemption that begins a sign-in: bound to a new key if the app wants that. */
export const newSignIn = (
  context: Context,
  run: (proof: { DPoP?: oauth.DPoPHandle }) => Promise<Redeemed>,
): Promise<Redeemed> => (context.dpop ? redeemBound(context.proofs, run) : run({}))

/** Proofs by the key that `tokens` are bound to; none for bearer tokens. */
const proofOf = async (
  { proofs }: Context,
  tokens: TokenSet | null,
): Promise<{ DPoP?: oauth.DPoPHandle }> =>
  tokens?.proofKey ? { DPoP: await proofs.handle(tokens.proofKey) } : {}

/** What became of a sign-in at the provider when it was ended here. */
export type Revoked =
  | { atProvider: 'ended' }
  /** Nobody was signed in here. */
  | { atProvider: 'nothing-to-end' }
  /** The provider offers no revocation: the tokens end when they expire. */
  | { atProvider: 'not-offered' }
  | { atProvider: 'unreachable' | 'refused'; detail: string }

/** Tells the provider to forget the sign-in (RFC 7009). Never throws: signing out works offline. */
export async function revoke(context: Context, tokens: TokenSet): Promise<Revoked> {
  const token = tokens.refreshToken ?? tokens.accessToken
  try {
    const metadata = await context.provider.metadata(context.wire, context.voice)
    if (metadata.revocation_endpoint === undefined) return { atProvider: 'not-offered' }
    const response = await oauth.revocationRequest(
      metadata,
      protocolClient(context.client, context.wire),
      clientAuth(context.client, metadata),
      token.reveal(),
      requestOptions(context.wire, metadata.revocation_endpoint),
    )
    const detail = `revocation answered ${response.status}`
    if (response.status === 429 || response.status >= 500)
      return { atProvider: 'unreachable', detail }
    await oauth.processRevocationResponse(response)
    return { atProvider: 'ended' }
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError)
      return { atProvider: 'refused', detail: error.error }
    if (error instanceof oauth.WWWAuthenticateChallengeError)
      return { atProvider: 'refused', detail: 'invalid_client' }
    if (error instanceof ProviderMisconfigured)
      return { atProvider: 'refused', detail: error.detail ?? error.code }
    const detail = error instanceof ProviderUnavailable ? error.detail : null
    return { atProvider: 'unreachable', detail: detail ?? failureText(error) }
  }
}

/**
 * What the provider says about who is signed in (OpenID Connect Core section 5.3), checked to be
 * about the subject of `tokens`. Null where it has no such endpoint or the token does not cover it; `refused` when
 * the token is.
 */
export async function userInfo(
  context: Context,
  access: string,
  tokens: TokenSet | null,
): Promise<Record<string, unknown> | 'refused' | null> {
  const metadata = await context.provider.metadata(context.wire, context.voice)
  if (metadata.userinfo_endpoint === undefined) return null
  const client = protocolClient(context.client, context.wire)
  const options = {
    ...requestOptions(context.wire, metadata.userinfo_endpoint),
    ...(tokens && isBound(tokens) ? await proofOf(context, tokens) : {}),
  }
  let response: Response
  try {
    response = await oauth.userInfoRequest(metadata, client, access, options)
    if (response.status === 401 && options.DPoP && response.headers.has('dpop-nonce'))
      response = await oauth.userInfoRequest(metadata, client, access, options)
  } catch (error) {
    const details = { detail: failureText(error), outcome: sentOrNot(error), cause: error }
    throw new ProviderUnavailable('provider_unavailable', details, context.voice)
  }
  if (response.status === 429 || response.status >= 500) {
    const detail = `userinfo answered ${response.status}`
    throw new ProviderUnavailable('provider_unavailable', { detail }, context.voice)
  }
  if (response.status === 401) return 'refused'
  if (!response.ok) return null
  try {
    return await oauth.processUserInfoResponse(
      metadata,
      client,
      tokens?.subject ?? oauth.skipSubjectCheck,
      response,
    )
  } catch (error) {
    const detail = 'userinfo is about somebody else, or makes no sense'
    throw new ProviderMisconfigured(
      'provider_misconfigured',
      { detail, cause: error },
      context.voice,
    )
  }
}

export const resourceParameter = (context: Context): Record<string, string> =>
  context.resource === null ? {} : { resource: context.resource }

/** Discovery that fails has sent nothing: it is told apart from a redemption that got lost. */
async function withMetadata(
  context: Context,
  work: (metadata: Metadata) => Promise<Redeemed>,
): Promise<Redeemed> {
  let metadata: Metadata
  try {
    metadata = await context.provider.metadata(context.wire, context.voice)
  } catch (error) {
    if (error instanceof ProviderUnavailable)
      return {
        ok: false,
        kind: 'lost',
        outcome: 'not-sent',
        detail: error.detail ?? error.code,
        cause: error,
      }
    if (error instanceof ProviderMisconfigured) return refused(error.detail ?? error.code, 0)
    throw error
  }
  return work(metadata)
}
