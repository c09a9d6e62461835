export type DecodedJwt = { header: Record<string, unknown>; claims: Record<string, unknown> }

/** Header and claims of a signed JWT, unchecked; null for anything else. */
export function decodeJwt(text: string): DecodedJwt | null {
  const parts = text.split('.')
  if (parts.length !== 3 || parts.some((part) => !/^[\w-]+$/.test(part))) return null
  const [header, claims] = parts.slice(0, 2).map(objectOf)
  return header && claims && 'alg' in header ? { header, claims } : null
}

function objectOf(part: string): Record<string, unknown> | null {
  try {
    const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null // no base64, no UTF-8 or no JSON: not a JWT
  }
}

/** NumericDate claims (RFC 7519 section 2), as milliseconds. */
export const instantOf = (name: string, value: unknown): number | null =>
  /^(?:exp|iat|nbf|auth_time)$/.test(name) && typeof value === 'number' ? value * 1_000 : null
