import type { Provider } from 'oidc-provider'
import * as helpers from 'oidc-provider/lib/helpers/grants.js'
import initializeKeystore from 'oidc-provider/lib/helpers/initialize_keystore.js'

export type { Adapter, Configuration, KoaContextWithOIDC } from 'oidc-provider'
/**
 * Everything the house takes from oidc-provider, so that an upgrade touches one page. The inner
 * modules are imported because the front one warns about every Node without an LTS mark, and
 * because the exchange of codes and refresh tokens is wrapped, not rewritten (`exchange.ts`).
 */
export { handler as exchangeCode } from 'oidc-provider/lib/actions/grants/authorization_code.js'
export { handler as exchangeClientCredentials } from 'oidc-provider/lib/actions/grants/client_credentials.js'
export {
  grantType as deviceGrantType,
  handler as exchangeDeviceCode,
} from 'oidc-provider/lib/actions/grants/device_code.js'
export { handler as exchangeRefreshToken } from 'oidc-provider/lib/actions/grants/refresh_token.js'
export {
  AuthorizationPending,
  InvalidClient,
  InvalidClientAuth,
  InvalidDpopProof,
  InvalidGrant,
  InvalidScope,
  InvalidTarget,
  SlowDown,
  TemporarilyUnavailable,
} from 'oidc-provider/lib/helpers/errors.js'
export {
  base as basePolicy,
  Check,
  Prompt,
} from 'oidc-provider/lib/helpers/interaction_policy/index.js'
export { Provider } from 'oidc-provider/lib/provider.js'

/** Takes these keys from now on: the first of an algorithm signs, all are published. */
export const useKeys = (provider: Provider, keys: readonly object[]): void =>
  initializeKeystore.call(provider, { keys })

/** The helpers the exchange handlers expect, bound to the provider as the library itself does it. */
export const boundGrantHelpers = (provider: Provider): object =>
  Object.fromEntries(
    Object.entries(helpers as unknown as Record<string, (...input: unknown[]) => unknown>).map(
      ([name, helper]) => [name, helper.bind(undefined, provider)],
    ),
  )
