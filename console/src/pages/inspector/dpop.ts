import { randomText, sha256 } from './pkce.ts'
import type { Held, Mistake, Setup } from './requests.ts'
import { secondsNow, signed } from './signing.ts'
import { type Field, type StepId, valueNamed, type WireRequest, type WireResponse } from './wire.ts'

/** Where a proof is looked at: what issues tokens, and what takes them. */
const proving: ReadonlySet<StepId> = new Set([
  'push',
  'token',
  'poll',
  'machine',
  'refresh',
  'present_again',
  'userinfo',
  'models',
  'chat',
])
export const takesProof = (step: StepId, setup: Setup): boolean => setup.dpop && proving.has(step)

const header = (value: string): Field => ({ name: 'dpop', value })
const ofAuthorization = ({ name }: Field) => name === 'authorization'
const bound = (field: Field): Field =>
  ofAuthorization(field) ? { ...field, value: field.value.replace(/^Bearer /, 'DPoP ') } : field

/** How the request will look; the proof is signed when it is sent. */
export const withProofAhead = (step: StepId, request: WireRequest, setup: Setup): WireRequest =>
  takesProof(step, setup)
    ? { ...request, headers: [...request.headers.map(bound), header('…')] }
    : request

/** The request with a proof made for it, or, on purpose, without one or with the one before. */
export async function withProof(
  step: StepId,
  request: WireRequest,
  setup: Setup,
  held: Held,
  mistake: Mistake | null,
): Promise<WireRequest> {
  if (!takesProof(step, setup) || !held.proofKey || mistake === 'no_proof') return request
  const proof =
    mistake === 'old_proof' && held.lastProof
      ? held.lastProof
      : await signed(
          held.proofKey,
          { typ: 'dpop+jwt', jwk: held.proofKey.jwk },
          {
            jti: randomText(),
            htm: request.method,
            htu: request.url,
            iat: secondsNow(),
            ...(held.proofNonce ? { nonce: held.proofNonce } : {}),
            ...(await tokenHash(request)),
          },
        )
  return { ...request, headers: [...request.headers.map(bound), header(proof)] }
}

/** What an exchange leaves for the next proof: each answer may bring another nonce (section 8.2). */
export const proofHeld = (
  request: WireRequest,
  response: WireResponse,
  held: Held,
): Pick<Held, 'proofNonce' | 'lastProof'> => ({
  proofNonce: valueNamed(response.headers, 'dpop-nonce') ?? held.proofNonce,
  lastProof: valueNamed(request.headers, 'dpop') ?? held.lastProof,
})

/** RFC 9449 section 4.2: at a resource the proof names the token it goes with. */
async function tokenHash(request: WireRequest): Promise<{ ath?: string }> {
  const token = /^Bearer (.+)$/.exec(valueNamed(request.headers, 'authorization') ?? '')?.[1]
  return token ? { ath: await sha256(token) } : {}
}
