import { createPublicKey, type JsonWebKeyInput } from 'node:crypto'

/** A public key that an app signs its assertions with (RFC 7517), as it came. */
export type ClientKey = Readonly<Record<string, unknown>>

export type ClientKeyRefusal = 'private_key' | 'key_unusable'

/** What apps may sign with; `none` and everything with a shared secret are not among them. */
export const assertionAlgs = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const publicMembers = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use']

/** Null when the key may be registered: P-256, RSA of 2048 bits or more, Ed25519; for signatures. */
export function judgeClientKey(key: ClientKey): ClientKeyRefusal | null {
  if (secretMembers.some((name) => key[name] !== undefined)) return 'private_key'
  const { alg, use, kid } = key
  if (use !== undefined && use !== 'sig') return 'key_unusable'
  if (kid !== undefined && typeof kid !== 'string') return 'key_unusable'
  if (alg !== undefined && !(assertionAlgs as readonly unknown[]).includes(alg))
    return 'key_unusable'
  return isStrong(key) ? null : 'key_unusable'
}

function isStrong(key: ClientKey): boolean {
  try {
    const made = createPublicKey({ key: publicPart(key) as JsonWebKeyInput['key'], format: 'jwk' })
    switch (made.asymmetricKeyType) {
      case 'ec':
        return made.asymmetricKeyDetails?.namedCurve === 'prime256v1'
      case 'rsa':
        return (made.asymmetricKeyDetails?.modulusLength ?? 0) >= 2_048
      default:
        return made.asymmetricKeyType === 'ed25519'
    }
  } catch {
    return false // not a key at all
  }
}

/** What is kept and shown of a key that was judged. */
export const publicPart = (key: ClientKey): ClientKey =>
  Object.fromEntries(
    publicMembers.flatMap((name) => (key[name] === undefined ? [] : [[name, key[name]]])),
  )
