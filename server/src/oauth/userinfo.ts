import type { App } from '#platform/http/app.ts'
import type { Account } from '../accounts/index.ts'
import type { AccessTokenVerifier, Verified } from './access-token.ts'
import type { ArtifactVault } from './artifacts/vault.ts'
import { preflight, readableAnywhere } from './cross-origin.ts'
import { dpopChallenge, proofError } from './dpop/answers.ts'
import { oauthAway, oauthError } from './endpoints.ts'
import { accountClaims } from './engine/configuration.ts'

export type UserinfoDeps = {
  origin: string
  verifier: AccessTokenVerifier
  vault: ArtifactVault
  findAccount(id: string): Promise<Account | null>
}

const claimsOf: Record<string, readonly (keyof ReturnType<typeof accountClaims>)[]> = {
  profile: ['name', 'locale'],
  email: ['email', 'email_verified'],
}

/**
 * OpenID Connect Core section 5.3, for access tokens meant for the gateway: what the person allowed
 * stands in the grant, not in the token. Errors as RFC 6750 section 3 and RFC 9449 section 7.1.
 */
export async function userinfoRoutes(app: App, deps: UserinfoDeps): Promise<void> {
  await app.register(async (scope) => {
    // Standard clients POST with a form's content type; what is in the body matters to nobody.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 16 * 1024 }, (_, __, done) =>
      done(null, undefined),
    )
    userinfo(scope as unknown as App, deps)
  })
}

const texts = {
  malformed: 'the access token is malformed',
  expired: 'the access token is expired',
  revoked: 'the access token is revoked',
  suspended: 'the access token is suspended',
  key_bound: 'the access token is bound to a key: send it with the DPoP scheme and a proof',
  not_bound: 'the access token is bound to no key: send it with the Bearer scheme',
} as const satisfies Record<
  Exclude<Extract<Verified, { ok: false }>['reason'], 'invalid_proof'>,
  string
>

const path = '/oauth/userinfo'
const access = { auth: 'public', standing: 'any', origin: 'any' } as const

function userinfo(app: App, deps: UserinfoDeps): void {
  const { origin, verifier, vault, findAccount } = deps
  app.route({
    method: ['GET', 'POST'],
    url: path,
    config: { access, sayAway: oauthAway },
    schema: { hide: true },
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      reply.headers({ ...readableAnywhere, 'cache-control': 'no-store' })
      const { authorization = '', dpop: proof = null } = request.headers
      const [, scheme, token] = /^(Bearer|DPoP) ([\w.~+/-]+=*)$/i.exec(authorization) ?? []
      if (!scheme || !token)
        return oauthError(reply, 401, 'invalid_token', 'send the access token in Authorization', {
          'www-authenticate': `Bearer, ${dpopChallenge([])}`,
        })
      const claimed = /dpop/i.test(scheme)
        ? {
            proof: proof === null ? null : String(proof),
            method: request.method,
            url: origin + path,
          }
        : null
      const refuse = (
        status: 401 | 403,
        error: string,
        description: string,
        byKey = claimed !== null,
      ) => {
        const parts = [`error="${error}"`, `error_description="${description}"`]
        return oauthError(reply, status, error, description, {
          'www-authenticate': byKey ? dpopChallenge(parts) : `Bearer ${parts.join(', ')}`,
        })
      }
      const judged = await verifier.verify(token, claimed)
      if (!judged.ok) {
        if (judged.reason !== 'invalid_proof')
          return refuse(
            401,
            'invalid_token',
            texts[judged.reason],
            claimed !== null || judged.reason === 'key_bound',
          )
        const { error, description } = proofError(judged)
        if (judged.nonce !== null) reply.header('dpop-nonce', judged.nonce)
        return refuse(401, error, description)
      }
      const { grantId, accountId } = judged.token
      const grant =
        grantId === null
          ? null
          : await vault.find<{ openid?: { scope?: string } }>('Grant', grantId)
      const scopes = grant?.payload.openid?.scope?.split(' ') ?? []
      const account = await findAccount(accountId)
      if (!scopes.includes('openid') || !account)
        return refuse(403, 'insufficient_scope', 'the scope openid is needed')
      const all = accountClaims(account)
      const allowed = ['sub' as const, ...scopes.flatMap((scope) => claimsOf[scope] ?? [])]
      return Object.fromEntries(allowed.map((name) => [name, all[name]]))
    },
  })
  const unasked = {
    config: { access: { ...access, rate: 'none' } },
    schema: { hide: true },
  } as const
  app.options(path, unasked, (_request, reply) =>
    preflight(reply, 'GET, POST', 'authorization, content-type, dpop'),
  )
}
