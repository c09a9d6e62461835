import { createHash, createPublicKey, verify } from 'node:crypto'

export type JudgedProof =
  | { ok: true; thumbprint: string }
  | { ok: false; error: 'invalid_dpop_proof' | 'use_dpop_nonce' }

/**
 * Judges a DPoP proof as a token endpoint does (RFC 9449 section 4.3): form, key, signature, method,
 * address, age and nonce. That it is used once is the caller's to remember. ES256 only.
 */
export function judgeProof(
  proof: string,
  by: { method: string; url: string; nonce: string | null; now: number },
): JudgedProof {
  const invalid: JudgedProof = { ok: false, error: 'invalid_dpop_proof' }
  const [head = '', body = '', signature = '', ...more] = proof.split('.')
  if (more.length > 0) return invalid
  try {
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
    const { typ, alg, jwk } = read(head)
    const { htm, htu, iat, jti, nonce } = read(body)
    const { origin, pathname } = new URL(by.url)
    if (typ !== 'dpop+jwt' || alg !== 'ES256' || jwk.d !== undefined) return invalid
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const signed = verify(
      'sha256',
      Buffer.from(`${head}.${body}`),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
    if (!signed || htm !== by.method || htu !== origin + pathname || typeof jti !== 'string')
      return invalid
    if (by.nonce !== null && nonce !== by.nonce) return { ok: false, error: 'use_dpop_nonce' }
    if (!(Math.abs(iat * 1_000 - by.now) < 300_000)) return invalid
    // RFC 7638: these members, in this order.
    const canonical = JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y })
    const thumbprint = createHash('sha256').update(canonical).digest('base64url')
    return { ok: true, thumbprint }
  } catch {
    return invalid
  }
}
