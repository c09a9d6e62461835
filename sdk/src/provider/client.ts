import * as oauth from 'oauth4webapi'
import type { Metadata } from './provider.ts'
import type { Wire } from './wire.ts'

/** How the app proves who it is at the token endpoint (RFC 6749 section 2.3). */
export type ClientOptions = {
  clientId: string
  /** Absent for public clients: CLIs, desktop and browser apps. */
  clientSecret?: string | undefined
  /** Default: `client_secret_basic` where metadata allows it, `client_secret_post` by hand. */
  clientAuth?: 'client_secret_basic' | 'client_secret_post'
}

/** The client as the protocol engine wants it, judging times by the provider's clock. */
export const protocolClient = (options: ClientOptions, wire: Wire): oauth.Client => ({
  client_id: options.clientId,
  [oauth.clockSkew]: Math.round(wire.engineOffsetMs() / 1_000),
  [oauth.clockTolerance]: 30,
})

export function clientAuth(options: ClientOptions, metadata: Metadata): oauth.ClientAuth {
  if (options.clientSecret === undefined) return oauth.None()
  const offered = metadata.token_endpoint_auth_methods_supported
  const method =
    options.clientAuth ??
    (offered?.includes('client_secret_basic') ? 'client_secret_basic' : 'client_secret_post')
  return method === 'client_secret_basic'
    ? oauth.ClientSecretBasic(options.clientSecret)
    : oauth.ClientSecretPost(options.clientSecret)
}

/** Request options for every call: our wire, and plain http only where metadata checks allowed it. */
export const requestOptions = (wire: Wire, endpoint: string | undefined, signal?: AbortSignal) => ({
  [oauth.customFetch]: (url: string, init: unknown) => wire.fetch(url, init as RequestInit),
  [oauth.allowInsecureRequests]: endpoint?.startsWith('http:') ?? false,
  ...(signal ? { signal } : {}),
})
