import * as oauth from 'oauth4webapi'
import type { Context } from '../context.ts'
import type { TokenSet } from '../credentials/credential.ts'
import { ProviderMisconfigured, ProviderUnavailable } from '../errors/errors.ts'
import { clientAuth, protocolClient, requestOptions } from './client.ts'
import type { Metadata } from './provider.ts'
import { judgeRefresh, type Redeemed, redeem } from './redeem.ts'

/** Spends a refresh token (RFC 6749 section 6). Every way it can end is a value. */
export const refreshGrant = (context: Context, previous: TokenSet): Promise<Redeemed> =>
  withMetadata(context, (metadata) => {
    const client = () => protocolClient(context.client, context.wire)
    return redeem(
      () =>
        oauth.refreshTokenGrantRequest(
          metadata,
          client(),
          clientAuth(context.client, metadata),
          previous.refreshToken?.reveal() ?? '',
          {
            ...requestOptions(context.wire, metadata.token_endpoint),
            additionalParameters: resourceParameter(context),
          },
        ),
      (response) => judgeRefresh(metadata, client(), previous)(response),
      context.clock,
      previous,
    )
  })

/** Gets a token for the app itself (RFC 6749 section 4.4). */
export const clientCredentialsGrant = (context: Context): Promise<Redeemed> =>
  withMetadata(context, (metadata) => {
    const client = protocolClient(context.client, context.wire)
    return redeem(
      () =>
        oauth.clientCredentialsGrantRequest(
          metadata,
          client,
          clientAuth(context.client, metadata),
          {
            ...(context.scopes.length > 0 ? { scope: context.scopes.join(' ') } : {}),
            ...resourceParameter(context),
          },
          requestOptions(context.wire, metadata.token_endpoint),
        ),
      (response) => oauth.processClientCredentialsResponse(metadata, client, response),
      context.clock,
      null,
    )
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
    return redeem(
      () =>
        oauth.genericTokenEndpointRequest(
          metadata,
          client,
          clientAuth(context.client, metadata),
          'authorization_code',
          { code, ...(redirectUri === undefined ? {} : { redirect_uri: redirectUri }) },
          requestOptions(context.wire, metadata.token_endpoint),
        ),
      (response) => oauth.processGenericTokenEndpointResponse(metadata, client, response),
      context.clock,
      null,
    )
  })

/** Tells the provider to forget a token (RFC 7009). Best effort: signing out works offline. */
export async function revoke(context: Context, tokens: TokenSet): Promise<void> {
  const token = tokens.refreshToken ?? tokens.accessToken
  try {
    const metadata = await context.provider.metadata(context.wire, context.voice)
    if (metadata.revocation_endpoint === undefined) return
    await oauth.revocationRequest(
      metadata,
      protocolClient(context.client, context.wire),
      clientAuth(context.client, metadata),
      token.reveal(),
      requestOptions(context.wire, metadata.revocation_endpoint),
    )
  } catch {
    // It ends by itself at the latest when it expires.
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
      return { ok: false, kind: 'lost', outcome: 'not-sent', detail: error.message, cause: error }
    if (error instanceof ProviderMisconfigured)
      return { ok: false, kind: 'refused', error: error.message, status: 0, help: null }
    throw error
  }
  return work(metadata)
}
