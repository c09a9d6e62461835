import { hash, type KeyObject, verify } from 'node:crypto'
import { promisify } from 'node:util'
import { type Clock, minute, second } from '#platform/clock/clock.ts'
import type { ReplayMemory } from '#platform/replay/replay.ts'
import type { Nonces } from './nonces.ts'
import { importKey, type Proof, type ProofFault, readProof } from './proof.ts'

/** A request that says it comes from the holder of a key. */
export type Claimed = {
  /** The DPoP header; null when there was none. */
  proof: string | null
  method: string
  /** Scheme, host and path as the configured origin has them, whatever Host said. */
  url: string
}

export type Possession =
  | { ok: true; jkt: string }
  /** With `nonce`, the client is to make its proof again around it (`use_dpop_nonce`). */
  | { ok: false; fault: ProofFault; nonce: string | null }

/**
 * The judge of DPoP proofs (RFC 9449 section 4.3). At the token endpoint a proof must carry a nonce of
 * ours, so that none can be made in stock (section 11.2). At a resource its own time will do; whoever
 * has a wrong clock is given a nonce there, too. Each proof passes once.
 */
export type Possessions = {
  atTokenEndpoint(claimed: Claimed): Promise<Possession>
  /** `token` is the access token as it was sent, `jkt` the key it is bound to. */
  atResource(claimed: Claimed, token: string, jkt: string): Promise<Possession>
  /** The nonce to use from now on, for the DPoP-Nonce header. */
  nonce(): string
}

/** Longer than the time between two refreshes, so that a client that keeps going is never asked again. */
const tokenNonceMs = 10 * minute
const resourceNonceMs = 2 * minute
const oldMs = minute
const aheadMs = 10 * second
const keysMax = 5_000

const verifySignature = promisify(verify) // on another thread: a tenth of a millisecond of work

export function possessions(deps: {
  clock: Clock
  nonces: Nonces
  atTokenEndpoint: ReplayMemory
  atResource: ReplayMemory
}): Possessions {
  const { clock, nonces } = deps
  const keys = new Map<string, KeyObject>()

  const refused = (fault: ProofFault): Possession => ({ ok: false, fault, nonce: null })
  const tryAgain = (fault: 'nonce' | 'iat'): Possession => ({
    ok: false,
    fault,
    nonce: nonces.issue(),
  })

  function read({ proof, method, url }: Claimed): Proof | ProofFault {
    if (proof === null) return 'missing'
    const read = readProof(proof)
    if (typeof read === 'string') return read
    if (read.htm !== method) return 'htm'
    if (!sameAddress(read.htu, url)) return 'htu'
    const now = clock.now()
    return read.notBefore > now + aheadMs || read.expiresAt <= now ? 'iat' : read
  }

  /** Signature, then once: in this order, so that nobody uses up a proof by guessing its id. */
  async function settle(
    memory: ReplayMemory,
    proof: Proof,
    bornAt: number,
    until: number,
  ): Promise<Possession> {
    const key = keyOf(proof)
    if (!key) return refused('jwk')
    const { signed, signature, jkt, jti } = proof
    const digest = proof.key.kty === 'EC' ? 'sha256' : null
    if (!(await verifySignature(digest, signed, { key, dsaEncoding: 'ieee-p1363' }, signature)))
      return refused('signature')
    keep(jkt, key)
    const id = hash('sha256', `${jkt}.${jti}`, 'base64url')
    switch (await memory.present({ id, bornAt, until })) {
      case 'first':
        return { ok: true, jkt }
      case 'seen':
        return refused('replayed')
      case 'too_old':
        return tryAgain('nonce')
    }
  }

  function keep(jkt: string, key: KeyObject): void {
    if (keys.has(jkt)) return
    const oldest = keys.size >= keysMax ? keys.keys().next() : null
    if (oldest && !oldest.done) keys.delete(oldest.value)
    keys.set(jkt, key)
  }

  function keyOf(proof: Proof): KeyObject | null {
    try {
      return keys.get(proof.jkt) ?? importKey(proof.key)
    } catch {
      return null // not a point of the curve
    }
  }

  return {
    nonce: nonces.issue,

    async atTokenEndpoint(claimed) {
      const proof = read(claimed)
      if (typeof proof === 'string') return refused(proof)
      const nonceAt = proof.nonce === null ? null : nonces.issuedAt(proof.nonce)
      if (nonceAt === null || nonceAt + tokenNonceMs <= clock.now()) return tryAgain('nonce')
      return settle(deps.atTokenEndpoint, proof, nonceAt, nonceAt + tokenNonceMs)
    },

    async atResource(claimed, token, jkt) {
      const proof = read(claimed)
      if (typeof proof === 'string') return refused(proof)
      if (proof.jkt !== jkt) return refused('key')
      if (proof.ath !== hash('sha256', token, 'base64url')) return refused('ath')
      const now = clock.now()
      const nonceAt = proof.nonce === null ? null : nonces.issuedAt(proof.nonce)
      if (proof.nonce !== null && (nonceAt === null || nonceAt + tokenNonceMs <= now))
        return tryAgain('nonce')
      const { issuedAt } = proof
      const timely = issuedAt > now - oldMs && issuedAt <= now + aheadMs
      const nonceUntil = nonceAt === null ? 0 : nonceAt + resourceNonceMs
      if (!timely && nonceUntil <= now) return tryAgain('iat')
      const nonceEnds = nonceAt === null ? Number.POSITIVE_INFINITY : nonceAt + tokenNonceMs
      return settle(
        deps.atResource,
        proof,
        // A clock may be as far ahead as we let it: a proof of before our start must not look newer.
        nonceAt ?? issuedAt - aheadMs,
        Math.max(Math.min(issuedAt + oldMs, nonceEnds), nonceUntil),
      )
    },
  }
}

/** Query and fragment do not count; the rest is compared in its normal form (RFC 3986 section 6.2). */
function sameAddress(htu: string, url: string): boolean {
  const [given, expected] = [URL.parse(htu), URL.parse(url)]
  if (!given || !expected) return false
  given.search = ''
  given.hash = ''
  return given.href === expected.href
}
