import * as oauth from 'oauth4webapi'
import type { KeyPair, ProofKey, TokenSet } from '../credentials/credential.ts'
import type { CredentialStore } from '../credentials/store.ts'
import type { Clock } from '../platform/clock.ts'
import { Secret } from '../platform/secret.ts'
import { type Redeemed, refused } from './redeem.ts'
import type { Wire } from './wire.ts'

const es256 = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** What a request carries to show that its sender holds the key (RFC 9449 section 7). */
export type ProvenHeaders = { authorization: string; dpop: string }

/**
 * Proofs of possession (DPoP, RFC 9449). Each sign-in makes a key of its own; its tokens work only
 * together with proofs by that key, so a stolen token, or a copied store without its seal, is useless.
 *
 * Stores that can keep Web Crypto keys as they are (browsers) keep one that nobody can read out;
 * elsewhere the private key lies sealed beside the tokens and is imported as one that cannot be read
 * out again. Nonces are remembered by origin, for as long as this process lives.
 */
export class Proofs {
  readonly #store: CredentialStore
  readonly #wire: Wire
  readonly #clock: Clock
  readonly #handles = new Map<string, Promise<oauth.DPoPHandle>>()

  constructor(store: CredentialStore, wire: Wire, clock: Clock) {
    this.#store = store
    this.#wire = wire
    this.#clock = clock
  }

  /** A new key. Kept nowhere until `keep`, which is called when tokens are bound to it. */
  async make(): Promise<{ handle: oauth.DPoPHandle; keep(): Promise<ProofKey> }> {
    const vault = this.#store.proofKeys
    const pair = await crypto.subtle.generateKey(es256, vault === undefined, ['sign', 'verify'])
    const handle = this.#handleOf(pair)
    return {
      handle,
      keep: async () => {
        const thumbprint = await handle.calculateThumbprint()
        this.#handles.set(thumbprint, Promise.resolve(handle))
        if (vault) {
          await vault.save(thumbprint, pair)
          return { thumbprint, jwk: null }
        }
        const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey)
        return { thumbprint, jwk: new Secret(JSON.stringify(jwk)) }
      },
    }
  }

  /** The key in use. Throws when the store has lost it. */
  handle(key: ProofKey): Promise<oauth.DPoPHandle> {
    let known = this.#handles.get(key.thumbprint)
    if (!known) {
      known = this.#open(key).then((pair) => this.#handleOf(pair))
      known.catch(() => this.#handles.delete(key.thumbprint))
      this.#handles.set(key.thumbprint, known)
    }
    return known
  }

  /**
   * Sends by `send` with a proof for this very request, and once more if the other side wants another
   * nonce (section 9) and the request can be sent again.
   */
  async send(
    key: ProofKey,
    request: { token: string; url: URL; method: string; replayable: boolean },
    send: (headers: ProvenHeaders) => Promise<Response>,
  ): Promise<Response> {
    const { token, url, method, replayable } = request
    const DPoP = await this.handle(key)
    for (let tries = 1; ; tries++) {
      const answers: Response[] = []
      const fetched = async (_url: string, init: { headers: Record<string, string> }) => {
        const { authorization = '', dpop = '' } = init.headers
        const response = await send({ authorization, dpop })
        answers.push(response)
        return response
      }
      try {
        return await oauth.protectedResourceRequest(token, method, url, undefined, null, {
          DPoP,
          [oauth.customFetch]: fetched,
          [oauth.allowInsecureRequests]: true, // which origins are safe is the caller's rule
        })
      } catch (error) {
        const [response] = answers
        if (response === undefined || !(error instanceof oauth.WWWAuthenticateChallengeError))
          throw error
        if (tries > 1 || !replayable || !oauth.isDPoPNonceError(error)) return response
        await response.body?.cancel().catch(() => {})
      }
    }
  }

  /** The headers of one request that somebody else sends. `nonce`: what their last answer asked for. */
  async headers(
    key: ProofKey,
    request: { token: string; url: URL; method: string; nonce?: string },
  ): Promise<ProvenHeaders> {
    const { nonce } = request
    let made: ProvenHeaders = { authorization: '', dpop: '' }
    const answered = (headers: Record<string, string>) => async (proven: ProvenHeaders) => {
      made = proven
      return new Response(null, { status: 204, headers })
    }
    // The engine learns a nonce from an answer, so it is shown one.
    if (nonce !== undefined)
      await this.send(key, { ...request, replayable: false }, answered({ 'dpop-nonce': nonce }))
    await this.send(key, { ...request, replayable: false }, answered({}))
    return made
  }

  /** For a sign-in that is over. */
  async forget(key: ProofKey): Promise<void> {
    this.#handles.delete(key.thumbprint)
    await this.#store.proofKeys?.remove(key.thumbprint)
  }

  async #open({ thumbprint, jwk }: ProofKey): Promise<KeyPair> {
    if (jwk === null) {
      const kept = await this.#store.proofKeys?.load(thumbprint)
      if (!kept) throw new Error('the key that the tokens are bound to is gone')
      return kept
    }
    const { d, key_ops: _, ext: __, ...shared } = JSON.parse(jwk.reveal()) as Record<string, string>
    const [privateKey, publicKey] = await Promise.all([
      crypto.subtle.importKey('jwk', { ...shared, ...(d ? { d } : {}) }, es256, false, ['sign']),
      crypto.subtle.importKey('jwk', shared, es256, true, ['verify']),
    ])
    return { privateKey, publicKey }
  }

  #handleOf(pair: KeyPair): oauth.DPoPHandle {
    return oauth.DPoP({}, pair, {
      [oauth.modifyAssertion]: (_header, payload) => {
        // By the provider's clock, as far as its replies have told.
        payload.iat = Math.floor((this.#clock.now() + this.#wire.offsetMs()) / 1_000)
      },
    })
  }
}

/**
 * Runs a sign-in's redemption with proofs by a new key, so that what comes back is bound to it. A
 * provider that answers with a bearer token all the same is refused: the app asked for more.
 */
export async function redeemBound(
  proofs: Proofs,
  run: (by: { DPoP: oauth.DPoPHandle }) => Promise<Redeemed>,
): Promise<Redeemed> {
  const { handle, keep } = await proofs.make()
  const result = await run({ DPoP: handle })
  if (!result.ok) return result
  if (!isBound(result.tokens)) return refused('tokens are not bound to a key', 0)
  return { ok: true, tokens: { ...result.tokens, proofKey: await keep() } }
}

/** Whether the access token needs proofs, by its type (section 5). */
export const isBound = (tokens: TokenSet): boolean => tokens.tokenType.toLowerCase() === 'dpop'
