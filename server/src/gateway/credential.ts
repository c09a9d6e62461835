import type { Refusal } from './refusal.ts'

/** What of a request's head matters here. Everything else a client sends stays here. */
export type RequestHead = {
  credential: string | null
  contentType: string | null
  contentLength: number | null
  acceptLanguage: string | undefined
}

const credentialInQuery = /[?&](?:api[-_]?key|key|token|access_token|authorization|x-api-key)=/i

/**
 * Reads the raw header list once. A credential comes from `Authorization: Bearer` (RFC 6750 section
 * 2.1) or `x-api-key`; the same one twice is one. Other schemes count as no credential.
 */
export function readHead(
  rawHeaders: readonly string[],
  url: string,
): { ok: true; head: RequestHead } | { ok: false; refusal: Refusal } {
  let credential: string | null = null
  let contentType: string | null = null
  let contentLength: number | null = null
  let acceptLanguage: string | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    let found: string | null = null
    switch (name.length) {
      case 13:
        if (name.toLowerCase() === 'authorization') found = bearer(rawHeaders[i + 1] as string)
        break
      case 9:
        if (name.toLowerCase() === 'x-api-key') found = (rawHeaders[i + 1] as string).trim()
        break
      case 12:
        if (name.toLowerCase() === 'content-type') contentType = rawHeaders[i + 1] as string
        break
      case 14:
        if (name.toLowerCase() === 'content-length') contentLength = Number(rawHeaders[i + 1])
        break
      case 15:
        if (name.toLowerCase() === 'accept-language') acceptLanguage = rawHeaders[i + 1]
        break
    }
    if (found === null || found === '') continue
    if (credential !== null && credential !== found)
      return { ok: false, refusal: { reason: 'conflicting_credentials' } }
    credential = found
  }
  if (url.includes('?') && credentialInQuery.test(url))
    return { ok: false, refusal: { reason: 'credential_in_query' } }
  return { ok: true, head: { credential, contentType, contentLength, acceptLanguage } }
}

function bearer(value: string): string | null {
  if (value.length < 8 || value.charCodeAt(6) !== 32) return null
  return value.slice(0, 6).toLowerCase() === 'bearer' ? value.slice(7).trim() : null
}
