import * as oauth from 'oauth4webapi'
import {
  LatchkeyError,
  ProviderMisconfigured,
  ProviderUnavailable,
  type Voice,
} from '../errors/errors.ts'
import { failureText, isSafeUrl, sentOrNot, type Wire } from './wire.ts'

export type Metadata = oauth.AuthorizationServer

/** Where to sign in and refresh. Made without any network access; asked when first needed. */
export type Provider = {
  issuer: string
  metadata(wire: Wire, voice: Voice): Promise<Metadata>
}

/**
 * A provider that publishes its metadata (OpenID Connect Discovery, or RFC 8414 with `oauth2`). The
 * document's issuer has to equal `issuer` exactly. Asked once; a failure is asked again next time.
 */
export function discover(issuer: string, document: 'oidc' | 'oauth2' = 'oidc'): Provider {
  let known: Promise<Metadata> | null = null
  return {
    issuer,
    metadata(wire, voice) {
      if (!known) {
        const asked = askMetadata(issuer, document, wire, voice)
        known = asked
        asked.catch(() => {
          if (known === asked) known = null
        })
      }
      return known
    },
  }
}

/** A provider that publishes nothing: its endpoints by hand, as its documentation names them. */
export function endpoints(by: {
  /**
   * Names the provider where credentials are stored, and is what `iss` and id_tokens are checked
   * against; the token endpoint's origin when absent. Tenants that share an origin need one each.
   */
  issuer?: string
  token: string
  authorize?: string
  device?: string
  revoke?: string
  userinfo?: string
  jwks?: string
}): Provider {
  const issuer = by.issuer ?? new URL(by.token).origin
  return {
    issuer,
    async metadata(_wire, voice) {
      for (const url of [by.token, by.authorize, by.device, by.revoke, by.userinfo, by.jwks])
        if (url !== undefined) requireSafe(url, voice)
      return {
        issuer,
        token_endpoint: by.token,
        ...(by.authorize ? { authorization_endpoint: by.authorize } : {}),
        ...(by.device ? { device_authorization_endpoint: by.device } : {}),
        ...(by.revoke ? { revocation_endpoint: by.revoke } : {}),
        ...(by.userinfo ? { userinfo_endpoint: by.userinfo } : {}),
        ...(by.jwks ? { jwks_uri: by.jwks } : {}),
      }
    },
  }
}

async function askMetadata(
  issuer: string,
  document: 'oidc' | 'oauth2',
  wire: Wire,
  voice: Voice,
): Promise<Metadata> {
  const url = requireSafe(issuer, voice)
  let response: Response
  try {
    response = await oauth.discoveryRequest(url, {
      algorithm: document,
      [oauth.customFetch]: (input: string, init: unknown) => wire.fetch(input, init as RequestInit),
      [oauth.allowInsecureRequests]: url.protocol === 'http:',
    })
  } catch (error) {
    if (error instanceof LatchkeyError) throw error.speaking(voice) // such as a fetch that lacks undici
    throw new ProviderUnavailable(
      'provider_unavailable',
      { detail: failureText(error), outcome: sentOrNot(error), cause: error },
      voice,
    )
  }
  if (response.status === 429 || response.status >= 500)
    throw new ProviderUnavailable(
      'provider_unavailable',
      { detail: `discovery answered ${response.status}` },
      voice,
    )
  const seen = response.clone()
  try {
    const metadata = await oauth.processDiscoveryResponse(url, response)
    for (const endpoint of [
      metadata.token_endpoint,
      metadata.authorization_endpoint,
      metadata.device_authorization_endpoint,
      metadata.jwks_uri,
    ])
      if (endpoint !== undefined) requireSafe(endpoint, voice)
    return metadata
  } catch (error) {
    if (error instanceof LatchkeyError) throw error
    throw new ProviderMisconfigured(
      'provider_misconfigured',
      { detail: await misfit(issuer, seen), cause: error },
      voice,
    )
  }
}

/** What is wrong with a metadata document, for whoever mistyped the issuer. */
async function misfit(issuer: string, response: Response): Promise<string> {
  const detail = `no usable metadata at ${issuer}`
  if (response.status !== 200) return `${detail}: HTTP ${response.status}`
  const metadata: unknown = await response.json().catch(() => null)
  const named = (metadata as { issuer?: unknown } | null)?.issuer
  if (typeof named !== 'string' || !URL.canParse(named) || named === issuer) return detail
  return `${detail}: what is there names the issuer ${new URL(named).href.replace(/\/$/, '')}, and it has to be written so`
}

/** Secrets travel by https, or stay on this machine. */
function requireSafe(text: string, voice: Voice): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && isSafeUrl(url)) return url
  throw new ProviderMisconfigured(
    'provider_misconfigured',
    { detail: `${text} is not an https address` },
    voice,
  )
}
