import { InvalidDpopProof, type KoaContextWithOIDC } from './library.ts'
import { jktHeader } from './neutral-request.ts'

/** The key that the sender of this request has proven to hold; null: none. */
export const provenKey = (ctx: Pick<KoaContextWithOIDC, 'get'>): string | null =>
  ctx.get(jktHeader) || null

/** In place of the engine's own: the proof was judged, and used up, before the engine was asked. */
export const proofHelpers = {
  async validateDpop(ctx: KoaContextWithOIDC) {
    const thumbprint = provenKey(ctx)
    return thumbprint === null ? undefined : { thumbprint }
  },
  async checkDpopReplay() {},
  /** RFC 9449 section 5.2. The engine would say `invalid_grant`, and clients would sign people out. */
  checkDpopRequired(ctx: KoaContextWithOIDC, proof: object | undefined) {
    if (!proof && ctx.oidc.client?.dpopBoundAccessTokens)
      throw new InvalidDpopProof('this client must send a DPoP proof')
  },
}
