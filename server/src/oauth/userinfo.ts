import type { App } from '#platform/http/app.ts'
import type { Account } from '../accounts/index.ts'
import type { AccessTokenVerifier } from './access-token.ts'
import type { ArtifactVault } from './artifacts/vault.ts'
import { oauthError } from './endpoints.ts'
import { accountClaims } from './engine/configuration.ts'

export type UserinfoDeps = {
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
 * stands in the grant, not in the token. Errors as RFC 6750 section 3.
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

function userinfo(app: App, { verifier, vault, findAccount }: UserinfoDeps): void {
  app.route({
    method: ['GET', 'POST'],
    url: '/oauth/userinfo',
    config: { access: { auth: 'public', standing: 'any', origin: 'any' } },
    schema: { hide: true },
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      reply.headers({ 'access-control-allow-origin': '*', 'cache-control': 'no-store' })
      const refuse = (status: 401 | 403, error: string, description: string) =>
        oauthError(reply, status, error, description, {
          'www-authenticate': `Bearer error="${error}", error_description="${description}"`,
        })
      const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '')?.[1]
      if (!token)
        return oauthError(reply, 401, 'invalid_token', 'send the access token in Authorization', {
          'www-authenticate': 'Bearer',
        })
      const judged = await verifier.verify(token)
      if (!judged.ok) return refuse(401, 'invalid_token', `the access token is ${judged.reason}`)
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
  app.options(
    '/oauth/userinfo',
    {
      config: { access: { auth: 'public', standing: 'any', origin: 'any' } },
      schema: { hide: true },
    },
    (_request, reply) =>
      reply
        .code(204)
        .headers({
          'access-control-allow-origin': '*',
          'access-control-allow-methods': 'GET,POST',
          'access-control-allow-headers': 'authorization',
          'access-control-max-age': '3600',
        })
        .send(),
  )
}
