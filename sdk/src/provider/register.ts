import * as oauth from 'oauth4webapi'
import { ProviderMisconfigured, ProviderUnavailable } from '../errors/errors.ts'
import { Secret } from '../platform/secret.ts'
import { requestOptions } from './client.ts'
import type { Provider } from './provider.ts'
import { type Reach, reaching } from './reach.ts'
import { failureText, isSafeUrl, sentOrNot, type Wire } from './wire.ts'

/** What the provider knows a client by that has registered itself. */
export type Registration = {
  clientId: string
  clientSecret: Secret | null
  /** What was granted, which may be less than asked; null where the provider does not say. */
  grantTypes: readonly string[] | null
  scope: string | null
  /** Where and by what this registration is managed (RFC 7592); null where that is not on offer. */
  manage: { url: string; token: Secret } | null
}

/**
 * Registers a client at the provider (RFC 7591). `metadata` uses the RFC's names. Throws
 * `ProviderMisconfigured` where the provider offers no registration or refuses this one.
 */
export async function registerClient(
  provider: Provider,
  metadata: { redirect_uris: readonly string[]; [name: string]: unknown },
  reach: Reach = {},
): Promise<Registration> {
  const { wire, voice } = reaching(reach)
  const known = await provider.metadata(wire, voice)
  const refused = (detail: string, cause?: unknown) =>
    new ProviderMisconfigured('provider_misconfigured', { detail, cause }, voice)
  if (known.registration_endpoint === undefined)
    throw refused('the provider registers no clients by itself')
  let response: Response
  try {
    response = await oauth.dynamicClientRegistrationRequest(
      known,
      metadata as Partial<oauth.OmitSymbolProperties<oauth.Client>>, // checked by the provider
      requestOptions(wire, known.registration_endpoint),
    )
  } catch (error) {
    reach.signal?.throwIfAborted()
    const details = { detail: failureText(error), outcome: sentOrNot(error), cause: error }
    throw new ProviderUnavailable('provider_unavailable', details, voice)
  }
  if (response.status === 429 || response.status >= 500) {
    const detail = `registration answered ${response.status}`
    throw new ProviderUnavailable('provider_unavailable', { detail }, voice)
  }
  let made: Awaited<ReturnType<typeof oauth.processDynamicClientRegistrationResponse>>
  try {
    made = await oauth.processDynamicClientRegistrationResponse(response)
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) throw refused(error.error, error)
    throw refused('the reply to the registration makes no sense', error)
  }
  const { registration_client_uri: url, registration_access_token: token } = made
  const manageable =
    typeof url === 'string' &&
    typeof token === 'string' &&
    URL.canParse(url) &&
    isSafeUrl(new URL(url)) &&
    // The token goes nowhere but where it came from.
    new URL(url).origin === new URL(known.registration_endpoint).origin
  return {
    clientId: made.client_id,
    clientSecret: typeof made.client_secret === 'string' ? new Secret(made.client_secret) : null,
    grantTypes: Array.isArray(made.grant_types) ? made.grant_types.map(String) : null,
    scope: typeof made.scope === 'string' ? made.scope : null,
    manage: manageable ? { url, token: new Secret(token) } : null,
  }
}

/** Whether the provider still knows this registration; `unknown` when it cannot be asked. */
export async function registrationState(
  manage: NonNullable<Registration['manage']>,
  reach: Reach = {},
): Promise<'registered' | 'gone' | 'unknown'> {
  const status = await managed(reaching(reach).wire, 'GET', manage)
  if (status === 200) return 'registered'
  // RFC 7592 section 2.1: an unknown client is 401, so that nobody learns which ones exist.
  return status === 401 || status === 403 || status === 404 ? 'gone' : 'unknown'
}

/** Takes the registration back, with every grant of it. Answers whether the provider said so. */
export async function unregister(
  manage: NonNullable<Registration['manage']>,
  reach: Reach = {},
): Promise<boolean> {
  const status = await managed(reaching(reach).wire, 'DELETE', manage)
  return status === 204 || status === 401
}

async function managed(
  wire: Wire,
  method: 'GET' | 'DELETE',
  { url, token }: NonNullable<Registration['manage']>,
): Promise<number> {
  try {
    const headers = { authorization: `Bearer ${token.reveal()}`, accept: 'application/json' }
    return (await wire.fetch(url, { method, headers, redirect: 'error' })).status
  } catch {
    return 0
  }
}
