import type { App } from '#platform/http/app.ts'
import { gatewayScopes } from './access-token.ts'
import { preflight, readableAnywhere } from './cross-origin.ts'
import { dpopAlgorithms } from './dpop/proof.ts'

/** RFC 9728: where the gateway's tokens come from. The first path is a courtesy to clients that drop ours. */
export function protectedResourceRoutes(app: App, origin: string): void {
  const options = {
    config: { access: { auth: 'public', standing: 'any', origin: 'any' } },
    schema: { hide: true },
  } as const
  const unasked = {
    ...options,
    config: { access: { ...options.config.access, rate: 'none' } },
  } as const
  for (const path of ['', '/v1'].map((end) => `/.well-known/oauth-protected-resource${end}`)) {
    // MCP clients name their version in a header, and browsers ask about it first.
    app.options(path, unasked, (_request, reply) =>
      preflight(reply, 'GET', 'authorization, mcp-protocol-version'),
    )
    app.get(path, options, (_request, reply) =>
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
}
