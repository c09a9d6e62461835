import type { App } from '#platform/http/app.ts'
import { gatewayScopes } from './access-token.ts'
import { readableAnywhere } from './cross-origin.ts'
import { dpopAlgorithms } from './dpop/proof.ts'

/** RFC 9728: where the gateway's tokens come from. The first path is a courtesy to clients that drop ours. */
export function protectedResourceRoutes(app: App, origin: string): void {
  for (const path of ['', '/v1'])
    app.get(
      `/.well-known/oauth-protected-resource${path}`,
      {
        config: { access: { auth: 'public', standing: 'any', origin: 'any' } },
        schema: { hide: true },
      },
      (_request, reply) =>
        reply
          .headers({
            ...readableAnywhere,
            'cache-control': 'public, max-age=300',
          })
          .send({
            resource: `${origin}/v1`,
            authorization_servers: [origin],
            scopes_supported: gatewayScopes,
            bearer_methods_supported: ['header'],
            dpop_signing_alg_values_supported: dpopAlgorithms,
            dpop_bound_access_tokens_required: false,
            resource_name: 'Latchkey gateway',
            resource_documentation: `${origin}/help/oauth-apps`,
          }),
    )
}
