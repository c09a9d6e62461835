import { isUtf8 } from 'node:buffer'
import { createPublicKey, hash, type KeyObject } from 'node:crypto'

/** What a proof may be signed with, best first. All are named in the metadata. */
export const dpopAlgorithms = ['ES256', 'Ed25519', 'EdDSA'] as const

/** What is wrong with a proof, by the name RFC 9449 section 4.2 gives the part at fault. */
export type ProofFault =
  | 'missing'
  | 'repeated'
  | 'malformed'
  | 'typ'
  | 'alg'
  | 'jwk'
  | 'signature'
  | 'jti'
  | 'htm'
  | 'htu'
  | 'iat'
  | 'ath'
  | 'nonce'
  | 'key'
  | 'replayed'

/** A proof as it says of itself; its signature is not verified yet. Times are milliseconds. */
export type Proof = {
  key: PublicJwk
  /** RFC 7638 thumbprint of the key. */
  jkt: string
  jti: string
  htm: string
  htu: string
  issuedAt: number
  /** `nbf` and `exp`, where a client sets them: without bounds otherwise. */
  notBefore: number
  expiresAt: number
  ath: string | null
  nonce: string | null
  signed: Buffer
  signature: Buffer
}

type PublicJwk =
  | { kty: 'EC'; crv: 'P-256'; x: string; y: string }
  | { kty: 'OKP'; crv: 'Ed25519'; x: string }

/** Ours are half a kilobyte; whatever is larger is no proof. */
export const proofLengthMax = 4_096

const part = /^[A-Za-z0-9_-]+$/
/** Nothing that could name a key elsewhere, or change what the rest means (RFC 8725 section 3). */
const headerMembers = new Set(['typ', 'alg', 'jwk', 'kid'])
/** A key that shows its private half is nobody's any more (RFC 9449 section 4.3, 7). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** Reads the form of a proof (RFC 9449 section 4.2) without believing it. */
export function readProof(text: string): Proof | ProofFault {
  if (text.length > proofLengthMax) return 'malformed'
  if (text.includes(',')) return 'repeated' // how node:http joins two headers of one name
  const parts = text.split('.')
  const [head, body, tail] = parts
  if (parts.length !== 3 || !head || !body || !tail) return 'malformed'
  const header = readObject(head)
  const claims = readObject(body)
  const signature = decode(tail)
  if (!header || !claims || !signature) return 'malformed'

  if (header.typ !== 'dpop+jwt') return 'typ'
  if (!Object.keys(header).every((name) => headerMembers.has(name))) return 'malformed'
  if (!dpopAlgorithms.some((alg) => alg === header.alg)) return 'alg'
  const key = readKey(header.alg, header.jwk)
  if (!key) return 'jwk'
  if (signature.length !== 64) return 'signature'

  const { jti, htm, htu, iat, ath, nonce, exp, nbf } = claims
  if (!isText(jti)) return 'jti'
  if (!isText(htm)) return 'htm'
  if (!isText(htu)) return 'htu'
  if (![iat, exp ?? 0, nbf ?? 0].every(isTime)) return 'iat'
  if (!(ath === undefined || isText(ath))) return 'ath'
  if (!(nonce === undefined || isText(nonce))) return 'nonce'
  return {
    key,
    jkt: hash('sha256', canonical(key), 'base64url'),
    jti,
    htm,
    htu,
    issuedAt: Number(iat) * 1_000,
    notBefore: Number(nbf ?? 0) * 1_000,
    expiresAt: Number(exp ?? Number.POSITIVE_INFINITY) * 1_000,
    ath: ath ?? null,
    nonce: nonce ?? null,
    signed: Buffer.from(`${head}.${body}`),
    signature,
  }
}

/** Throws for a point that is not on the curve. */
export const importKey = (key: PublicJwk): KeyObject => createPublicKey({ key, format: 'jwk' })

/** RFC 7638 section 3: the required members alone, in their order. */
const canonical = (key: PublicJwk): string =>
  key.kty === 'EC'
    ? JSON.stringify({ crv: key.crv, kty: key.kty, x: key.x, y: key.y })
    : JSON.stringify({ crv: key.crv, kty: key.kty, x: key.x })

/** The public key of the header, by its required members: what else stands there means nothing. */
function readKey(alg: unknown, value: unknown): PublicJwk | null {
  if (typeof value !== 'object' || value === null) return null
  if (privateMembers.some((name) => name in value)) return null
  const { kty, crv, x, y } = value as Record<string, unknown>
  if (!isCoordinate(x)) return null
  if (alg === 'ES256')
    return kty === 'EC' && crv === 'P-256' && isCoordinate(y) ? { kty, crv, x, y } : null
  return kty === 'OKP' && crv === 'Ed25519' ? { kty, crv, x } : null
}

/** 32 bytes in their one canonical spelling: another spelling would be another thumbprint of one key. */
const isCoordinate = (value: unknown): value is string =>
  typeof value === 'string' && value.length === 43 && decode(value) !== null

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 2_048

const isTime = (value: unknown): boolean =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

function decode(text: string): Buffer | null {
  if (!part.test(text)) return null
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}

function readObject(text: string): Record<string, unknown> | null {
  const bytes = decode(text)
  if (!bytes || !isUtf8(bytes)) return null
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
