import type { Refusal } from './refusal.ts'

/** What of a request's head matters here. Everything else a client sends stays here. */
export type RequestHead = {
  credential: string | null
  /** Came with `Authorization: DPoP` (RFC 9449 section 7.1). */
  dpop: boolean
  /** The DPoP header; two of them joined by a comma, which no proof contains. */
  proof: string | null
  contentType: string | null
  contentLength: number | null
  acceptLanguage: string | undefined
}

const credentialInQuery = /[?&](?:api[-_]?key|key|token|access_token|authorization|x-api-key)=/i

/**
 * Reads the raw header list once. A credential comes from `Authorization: Bearer` (RFC 6750 section
 * 2.1), `Authorization: DPoP` or `x-api-key`; the same one twice is one. Other schemes count as no
 * credential.
 */
export function readHead(
  rawHeaders: readonly string[],
  url: string,
): { ok: true; head: RequestHead } | { ok: false; refusal: Refusal } {
  let credential: string | null = null
  let dpop = false
  let proof: string | null = null
  let contentType: string | null = null
  let contentLength: number | null = null
  let acceptLanguage: string | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    let found: string | null = null
    let bound = false
    switch (name.length) {
      case 4: // Host is the other one of four letters
        if ((name.charCodeAt(0) | 32) === 100 && name.toLowerCase() === 'dpop')
          proof = proof === null ? (rawHeaders[i + 1] as string) : `${proof},${rawHeaders[i + 1]}`
        break
      case 13:
        if (name.toLowerCase() !== 'authorization') break
        found = bearer(rawHeaders[i + 1] as string)
        if (found !== null) break
        found = dpopToken(rawHeaders[i + 1] as string)
        bound = found !== null
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
    if (credential !== null && (credential !== found || dpop !== bound))
      return { ok: false, refusal: { reason: 'conflicting_credentials' } }
    credential = found
    dpop = bound
  }
  if (url.includes('?') && credentialInQuery.test(url))
    return { ok: false, refusal: { reason: 'credential_in_query' } }
  return {
    ok: true,
    head: { credential, dpop, proof, contentType, contentLength, acceptLanguage },
  }
}

function bearer(value: string): string | null {
  if (value.length < 8 || value.charCodeAt(6) !== 32) return null
  return value.slice(0, 6).toLowerCase() === 'bearer' ? value.slice(7).trim() : null
}

function dpopToken(value: string): string | null {
  if (value.length < 6 || value.charCodeAt(4) !== 32) return null
  return value.slice(0, 4).toLowerCase() === 'dpop' ? value.slice(5).trim() : null
}
