// The library publishes no types and no `exports`; these are the few inner modules the seam uses.
declare module 'oidc-provider/lib/provider.js' {
  export { default as Provider } from 'oidc-provider'
}
declare module 'oidc-provider/lib/helpers/errors.js' {
  import { errors } from 'oidc-provider'
  export const InvalidClient: typeof errors.InvalidClient
  export const InvalidDpopProof: typeof errors.InvalidDpopProof
  export const InvalidGrant: typeof errors.InvalidGrant
  export const InvalidClientAuth: typeof errors.InvalidClientAuth
  export const InvalidScope: typeof errors.InvalidScope
  export const InvalidTarget: typeof errors.InvalidTarget
  export const AuthorizationPending: typeof errors.AuthorizationPending
  export const SlowDown: typeof errors.SlowDown
  export const TemporarilyUnavailable: typeof errors.TemporarilyUnavailable
}
declare module 'oidc-provider/lib/helpers/interaction_policy/index.js' {
  import { interactionPolicy } from 'oidc-provider'
  export const base: typeof interactionPolicy.base
  export const Check: typeof interactionPolicy.Check
  export const Prompt: typeof interactionPolicy.Prompt
}
declare module 'oidc-provider/lib/helpers/initialize_keystore.js' {
  import type { Provider } from 'oidc-provider'
  export default function initialize(this: Provider, jwks: { keys: readonly object[] }): void
}
declare module 'oidc-provider/lib/helpers/grants.js' {
  // Bound to the provider one and all, and handed to the handlers below without a look inside.
  const helpers: Record<string, (...input: never[]) => unknown>
  export default helpers
}
declare module 'oidc-provider/lib/actions/grants/authorization_code.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
  export function handler(
    provider: Provider,
    helpers: object,
    ctx: KoaContextWithOIDC,
  ): Promise<void>
}
declare module 'oidc-provider/lib/actions/grants/client_credentials.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
  export function handler(
    provider: Provider,
    helpers: object,
    ctx: KoaContextWithOIDC,
  ): Promise<void>
}
declare module 'oidc-provider/lib/actions/grants/device_code.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
  export const grantType: 'urn:ietf:params:oauth:grant-type:device_code'
  export function handler(
    provider: Provider,
    helpers: object,
    ctx: KoaContextWithOIDC,
  ): Promise<void>
}
declare module 'oidc-provider/lib/actions/grants/refresh_token.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
  export function handler(
    provider: Provider,
    helpers: object,
    ctx: KoaContextWithOIDC,
  ): Promise<void>
}
