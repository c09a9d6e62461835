import { createHash, type KeyObject, verify as verifySignature } from 'node:crypto'
import { type Clock, minute, second } from '#platform/clock/clock.ts'
import type { EventBus } from '#platform/events/events.ts'
import { mayCall, type Standing } from '../../accounts/index.ts'
import type {
  AccessToken,
  AccessTokenInspector,
  AccessTokenVerifier,
  Verified,
} from '../access-token.ts'
import type { Claimed, Possessions } from '../dpop/possession.ts'
import { type ParsedAccessToken, readAccessToken } from './claims.ts'

export type VerifierDeps = {
  issuer: string
  /** Where we let tokens in. */
  audience: string
  /** Whether tokens for this audience may be inspected. */
  knows(audience: string): boolean
  /** ES256 public keys by `kid`; `seek` looks again for one that another node may have made. */
  keys: {
    publicKey(kid: string): KeyObject | undefined
    seek(kid: string): Promise<KeyObject | undefined>
  }
  clock: Clock
  bus: EventBus
  standing(accountId: string): Promise<Standing | null>
  /** Whether the grant still stands; asked once a token and cache life. */
  grantStands(grantId: string): Promise<boolean>
  /** The client as it stands now; null: it does not. */
  client(clientId: string): Promise<{ dpopBound: boolean } | null>
  possessions: Pick<Possessions, 'atResource'>
}

const tokenBytesMax = 8 * 1024
const cacheMax = 20_000
/** A good answer is asked for again after this, so that a lost event costs seconds, not minutes. */
const trustMs = 60 * second
/** Ended sessions are remembered longer than any access token lives. */
const endedMs = 20 * minute

/**
 * Access tokens, judged here: signature and claims locally, then whether account, grant, session and
 * client still stand. Good answers are kept by the token's SHA-256 until the token expires, for at
 * most a minute, or until an event speaks of them; the hot path is one hash and one map read. Proofs of
 * possession are judged each time.
 *
 * When the database is away, known tokens pass for the rest of their minute and unknown ones throw.
 */
export function accessTokenVerifier(
  deps: VerifierDeps,
): AccessTokenVerifier & AccessTokenInspector {
  const { clock, bus } = deps
  const cache = new Map<string, { token: AccessToken; until: number }>()
  const ended = new Map<string, number>()
  // Moves with every event: an answer read from the database before an event is not kept after it.
  let generation = 0

  const drop = (dead: (token: AccessToken) => boolean) => {
    generation++
    for (const [hash, { token }] of cache) if (dead(token)) cache.delete(hash)
  }
  bus.subscribe('account.changed', ({ accountId, epoch, allowed }) =>
    drop((token) => token.accountId === accountId && (!allowed || token.epoch !== epoch)),
  )
  bus.subscribe('grant.revoked', ({ grantId }) => drop((token) => token.grantId === grantId))
  bus.subscribe('client.changed', ({ clientId }) => drop((token) => token.clientId === clientId))
  bus.subscribe('events.missed', () => drop(() => true))
  bus.subscribe('session.ended', ({ sessionId, reason }) => {
    if (reason === 'replaced') return // went on under a new id; what it allowed stays
    const now = clock.now()
    for (const [id, until] of ended) if (until <= now) ended.delete(id)
    ended.set(sessionId, now + endedMs)
    drop((token) => token.sessionId === sessionId)
  })

  const keep = (hash: string, token: AccessToken) => {
    if (cache.size >= cacheMax) {
      const oldest = cache.keys().next()
      if (!oldest.done) cache.delete(oldest.value)
    }
    cache.set(hash, { token, until: Math.min(token.expiresAt, clock.now() + trustMs) })
  }

  async function judge(hash: string | null, token: AccessToken): Promise<Verified> {
    for (;;) {
      const before = generation
      const standing = await deps.standing(token.accountId)
      if (!standing) return { ok: false, reason: 'revoked' }
      if (!mayCall(standing.state)) return { ok: false, reason: 'suspended' }
      if (standing.epoch !== token.epoch) return { ok: false, reason: 'revoked' }
      if (token.sessionId !== null && ended.has(token.sessionId))
        return { ok: false, reason: 'revoked' }
      if (token.grantId !== null && !(await deps.grantStands(token.grantId)))
        return { ok: false, reason: 'revoked' }
      const client = await deps.client(token.clientId)
      // What was issued before the app began to require proof of possession ends there.
      if (!client || (client.dpopBound && token.jkt === null))
        return { ok: false, reason: 'revoked' }
      if (before !== generation) continue // something ended while we read: read again
      if (hash !== null) keep(hash, token)
      return { ok: true, token }
    }
  }

  return {
    verify(text, dpop = null) {
      const found = find(text)
      return found instanceof Promise
        ? found.then((verified) => held(verified, text, dpop))
        : held(found, text, dpop)
    },
    stands: async (token) => (await judge(null, token)).ok,
    async inspect(text) {
      const parsed = text.length > tokenBytesMax ? null : readAccessToken(text)
      if (!parsed || !deps.knows(parsed.token.audience)) return { ok: false, reason: 'malformed' }
      const key = deps.keys.publicKey(parsed.kid) ?? (await deps.keys.seek(parsed.kid))
      return key ? check(null, parsed, key) : { ok: false, reason: 'malformed' }
    },
  }

  function find(text: string): Verified | Promise<Verified> {
    if (text.length > tokenBytesMax) return { ok: false, reason: 'malformed' }
    const hash = createHash('sha256').update(text).digest('base64')
    const kept = cache.get(hash)
    if (kept) {
      if (kept.until > clock.now()) return { ok: true, token: kept.token }
      cache.delete(hash)
    }
    const parsed = readAccessToken(text)
    if (!parsed) return { ok: false, reason: 'malformed' }
    const known = deps.keys.publicKey(parsed.kid)
    if (known) return check(hash, parsed, known)
    return deps.keys
      .seek(parsed.kid)
      .then((key) => (key ? check(hash, parsed, key) : { ok: false, reason: 'malformed' }))
  }

  /** A bound token is good only in the hands of the key's holder, another one only without a key. */
  function held(
    verified: Verified,
    text: string,
    dpop: Claimed | null,
  ): Verified | Promise<Verified> {
    if (!verified.ok) return verified
    const { jkt } = verified.token
    if (jkt === null) return dpop === null ? verified : { ok: false, reason: 'not_bound' }
    if (dpop === null) return { ok: false, reason: 'key_bound' }
    return deps.possessions
      .atResource(dpop, text, jkt)
      .then((proven) => (proven.ok ? verified : { ...proven, reason: 'invalid_proof' }))
  }

  /** `hash` is null for a token that is only looked at: what is kept is let in. */
  function check(
    hash: string | null,
    parsed: ParsedAccessToken,
    key: KeyObject,
  ): Verified | Promise<Verified> {
    if (
      parsed.issuer !== deps.issuer ||
      (hash !== null && parsed.token.audience !== deps.audience) ||
      !verifySignature(
        'sha256',
        parsed.signed,
        { key, dsaEncoding: 'ieee-p1363' },
        parsed.signature,
      )
    )
      return { ok: false, reason: 'malformed' }
    const now = clock.now()
    if (parsed.notBefore > now || parsed.issuedAt > now + minute)
      return { ok: false, reason: 'malformed' }
    if (parsed.token.expiresAt <= now) return { ok: false, reason: 'expired' }
    return judge(hash, parsed.token)
  }
}
