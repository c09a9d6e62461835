import { dpopAlgorithms, type ProofFault } from './proof.ts'

/** What is wrong with a proof, for developers; protocol texts are English everywhere. */
const texts: Record<ProofFault, string> = {
  missing: 'a DPoP proof is needed: send one in the DPoP header',
  repeated: 'send exactly one DPoP header',
  malformed: 'the DPoP proof is not a signed JWT of the form that RFC 9449 describes',
  typ: 'typ of the DPoP proof must be dpop+jwt',
  alg: `alg of the DPoP proof must be one of ${dpopAlgorithms.join(', ')}`,
  jwk: 'jwk of the DPoP proof must be a public key that fits its alg',
  signature: 'the signature of the DPoP proof does not fit its jwk',
  jti: 'the DPoP proof needs a jti',
  htm: 'htm of the DPoP proof is not the method of this request',
  htu: 'htu of the DPoP proof is not the public address of this request',
  iat: 'iat of the DPoP proof is not now',
  ath: 'ath of the DPoP proof is not the hash of this access token',
  nonce: 'the DPoP proof needs the nonce of the DPoP-Nonce header',
  key: 'the DPoP proof is made with another key than the access token is bound to',
  replayed: 'this DPoP proof was used before: make one for each request',
}

export type ProofRefusal = { fault: ProofFault; nonce: string | null }

/** RFC 9449 sections 5, 7.1 and 8: the error of a proof, for the body or for the challenge. */
export const proofError = ({ fault, nonce }: ProofRefusal) => ({
  error: nonce === null ? 'invalid_dpop_proof' : 'use_dpop_nonce',
  description: texts[fault],
})

/** RFC 9449 section 7.1. */
export const dpopChallenge = (parts: readonly string[]): string =>
  `DPoP ${[...parts, `algs="${dpopAlgorithms.join(' ')}"`].join(', ')}`
