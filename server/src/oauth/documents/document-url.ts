import { parseTarget } from '#platform/outbound/target.ts'

/** What an access token may carry as `client_id`. */
const lengthMax = 512

/**
 * Whether a client_id is the URL of a document that describes the client
 * (draft-ietf-oauth-client-id-metadata-document, section 3): https, with a path, without fragment,
 * credentials or dot segments. One spelling alone, that of the URL parser, so that one client has one
 * name. `allowLoopback`: development, where http and this machine count too.
 */
export function isDocumentUrl(clientId: string, allowLoopback: boolean): boolean {
  if (clientId.length > lengthMax || !/^https?:\/\//.test(clientId)) return false
  const target = parseTarget(clientId, allowLoopback)
  if (target?.url.href !== clientId) return false
  return !/(?:\/|%2f|%5c)(?:\.|%2e){1,2}(?:[/?]|%2f|%5c|$)/i.test(clientId)
}

/** The host a person can judge: whoever controls it wrote the description. */
export const documentHost = (clientId: string): string => URL.parse(clientId)?.host ?? clientId
