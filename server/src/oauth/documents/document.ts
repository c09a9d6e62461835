import { z } from 'zod'
import { type AppSettings, judgeApp } from '../apps/app.ts'
import { isLoopback } from '../apps/redirect-uri.ts'
import { readMetadata } from '../register/metadata.ts'
import { documentHost } from './document-url.ts'

/** What section 5 of the draft recommends as the most to read. */
export const documentBytesMax = 5 * 1_024

const KeySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(10) })

/**
 * Reads a document as the client it describes, or says what is wrong with it
 * (draft-ietf-oauth-client-id-metadata-document, section 4). It may ask for no more than a client that
 * registers itself. Of the addresses it sends people to those count that lie on the document's own
 * origin, on loopback, or under a scheme made of its host's name (RFC 8252 section 7.1): whoever can
 * place a file on a host cannot send codes elsewhere. The others are left out.
 */
export function readDocument(
  clientId: string,
  text: string,
  reaches: (url: string) => boolean,
): AppSettings | { problem: string } {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return { problem: 'it is not JSON' }
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    return { problem: 'it is not a JSON object' }
  const given = document as Record<string, unknown>
  if (given.client_id !== clientId)
    return { problem: 'client_id is not the address it was read from' }
  // The text is public: nothing in it can be a secret.
  if ('client_secret' in given || 'client_secret_expires_at' in given)
    return { problem: 'it holds a client_secret' }
  const method = given.token_endpoint_auth_method ?? 'none'
  if (method !== 'none' && method !== 'private_key_jwt')
    return { problem: 'token_endpoint_auth_method: "none" or "private_key_jwt" is possible here' }

  const ownOf = (uris: unknown) =>
    Array.isArray(uris) ? uris.filter((uri) => belongsTo(clientId, uri)) : uris
  const own = ownOf(given.redirect_uris)
  if (Array.isArray(own) && own.length === 0)
    return { problem: 'redirect_uris: none lies on its own origin or on loopback' }
  const told = given.backchannel_logout_uri
  const metadata = {
    client_name: documentHost(clientId).slice(0, 80),
    ...given,
    redirect_uris: own,
    post_logout_redirect_uris: ownOf(given.post_logout_redirect_uris),
    backchannel_logout_uri: isOnOrigin(clientId, told) ? told : undefined,
    // Read like any client that proves itself: what a public one may have besides, it may not.
    token_endpoint_auth_method: method === 'none' ? 'none' : 'client_secret_basic',
  }
  const settings = readMetadata(metadata, reaches)
  if ('error' in settings) return { problem: settings.description }
  return method === 'none' ? settings : withKeys(settings, clientId, given, reaches)
}

/** The public keys it signs with (RFC 7523): in the document, or on the document's own origin. */
function withKeys(
  settings: AppSettings,
  clientId: string,
  { jwks, jwks_uri: uri }: Record<string, unknown>,
  reaches: (url: string) => boolean,
): AppSettings | { problem: string } {
  const keys = jwks === undefined ? null : KeySet.safeParse(jwks)
  if (keys?.success === false) return { problem: 'jwks: "keys" is no list of 1 to 10 keys' }
  if (uri !== undefined && !isOnOrigin(clientId, uri))
    return { problem: 'jwks_uri: not on its own origin' }
  const signing: AppSettings = {
    ...settings,
    authMethod: 'private_key_jwt',
    jwks: keys?.data.keys ?? null,
    jwksUri: uri === undefined ? null : String(uri),
  }
  const [problem] = judgeApp(signing, reaches)
  return problem ? { problem: `${problem.field}: ${problem.reason}` } : signing
}

/** Where we post to and read keys from: nothing but the document's own server. */
const isOnOrigin = (clientId: string, uri: unknown): boolean =>
  typeof uri === 'string' && URL.parse(uri)?.origin === URL.parse(clientId)?.origin

function belongsTo(clientId: string, uri: unknown): boolean {
  if (typeof uri !== 'string') return false
  const url = URL.parse(uri)
  const own = URL.parse(clientId)
  if (!url || !own) return false
  if (url.protocol === 'https:' || url.protocol === 'http:')
    return isLoopback(uri) || url.origin === own.origin
  const reversed = own.hostname.split('.').reverse().join('.')
  const scheme = url.protocol.slice(0, -1)
  return scheme === reversed || scheme.startsWith(`${reversed}.`)
}
