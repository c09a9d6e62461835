// Proofs of possession (RFC 9449): a token that is bound to a key is good only together with a proof,
// signed by that key for this very request. Whoever steals the token alone has nothing.
import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'

const algorithm = 'ES256'
/** Proofs are made for one request at once; a minute is for clocks that disagree. */
const lifeSeconds = 60

/** When each proof was seen, so that it passes once. Several processes keep this in one place. */
const seen = new Map()

/** The thumbprint of the key that signed; throws for whatever is not a proof of this request (section 4.3). */
export async function provenKey({ proof, method, url, token }) {
  if (typeof proof !== 'string') throw new Error('there is no proof, or more than one')
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: [algorithm],
    maxTokenAge: lifeSeconds,
    clockTolerance: 5,
    requiredClaims: ['jti', 'htm', 'htu', 'iat', 'ath'],
  })
  const { jti, htm, htu, ath } = payload
  if (htm !== method || htu?.split(/[?#]/, 1)[0] !== url)
    throw new Error('the proof is for another request')
  if (ath !== createHash('sha256').update(token).digest('base64url'))
    throw new Error('the proof is for another token')
  const key = await calculateJwkThumbprint(protectedHeader.jwk)
  if (usedBefore(`${key} ${jti}`)) throw new Error('the proof was used before')
  return key
}

function usedBefore(name) {
  const now = Date.now()
  for (const [one, at] of seen) {
    if (at > now - 2 * lifeSeconds * 1_000) break // the older ones come first
    seen.delete(one)
  }
  if (seen.has(name)) return true
  seen.set(name, now)
  return false
}

/** The challenge of the DPoP scheme (section 7.1) for what was said in the Bearer scheme. */
export const challenge = (bearer) => bearer.replace(/^Bearer /, `DPoP algs="${algorithm}", `)
