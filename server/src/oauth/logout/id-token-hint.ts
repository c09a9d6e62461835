import type { KeyObject } from 'node:crypto'
import { compactVerify, errors } from 'jose'
import type { KeyRing } from '../signing/key-ring.ts'

/** Which sign-in an ID token tells of. */
export type SignInHint = { clientId: string; accountId: string; sessionId: string }

export type IdTokenReader = (text: string) => Promise<SignInHint | null>

const bytesMax = 16_384

/**
 * Reads ID tokens that this installation signed, expired ones too (OpenID Connect RP-Initiated Logout
 * 1.0 section 2); null for anything else. Access and logout tokens are told apart by `typ`, which ID
 * tokens do not have. One whose key was forgotten, a day after its rotation, cannot be told from a
 * forged one.
 */
export const idTokenReader =
  (issuer: string, keys: Pick<KeyRing, 'all' | 'seek'>): IdTokenReader =>
  async (text) => {
    if (text.length > bytesMax) return null
    try {
      const { payload, protectedHeader } = await compactVerify(
        text,
        ({ kid, alg }) => keyOf(keys, kid ?? '', alg),
        { algorithms: ['ES256', 'RS256'] },
      )
      if (protectedHeader.typ !== undefined && protectedHeader.typ !== 'JWT') return null
      const claims = JSON.parse(Buffer.from(payload).toString('utf8')) as Record<string, unknown>
      const { iss, aud, sub, sid } = claims
      if (iss !== issuer || !isText(aud) || !isText(sub) || !isText(sid)) return null
      return { clientId: aud, accountId: sub, sessionId: sid }
    } catch (error) {
      // Whatever is wrong with the token; a database that is away is not.
      if (error instanceof errors.JOSEError || error instanceof SyntaxError) return null
      throw error
    }
  }

async function keyOf(
  keys: Pick<KeyRing, 'all' | 'seek'>,
  kid: string,
  alg: string,
): Promise<KeyObject> {
  const find = () => keys.all().find((key) => key.kid === kid && key.alg === alg)?.publicKey
  let found = find()
  if (!found) {
    await keys.seek(kid)
    found = find()
  }
  if (!found) throw new errors.JWKSNoMatchingKey()
  return found
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
