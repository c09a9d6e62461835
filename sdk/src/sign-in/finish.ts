import type { Context } from '../context.ts'
import type { TokenSet } from '../credentials/credential.ts'
import {
  AccountSuspended,
  ProviderMisconfigured,
  ProviderUnavailable,
  SignInFailed,
} from '../errors/errors.ts'
import type { Redeemed } from '../provider/redeem.ts'

/** The tokens of a finished sign-in, or the typed error that says why there are none. */
export function tokensOf(context: Context, result: Redeemed, account: string): TokenSet {
  if (result.ok) return result.tokens
  const { voice } = context
  switch (result.kind) {
    case 'invalid_grant':
      throw result.reason === 'suspended'
        ? new AccountSuspended('account_suspended', { account, help: result.help }, voice)
        : new SignInFailed(
            'sign_in_code_refused',
            { detail: 'invalid_grant', said: result.said, help: result.help },
            voice,
          )
    case 'refused': {
      const details = { detail: result.error, said: result.said, help: result.help }
      throw result.error === 'access_denied'
        ? new SignInFailed('sign_in_denied', details, voice)
        : new ProviderMisconfigured('provider_misconfigured', details, voice)
    }
    case 'busy': {
      const retryAt =
        result.retryAfterMs === null ? null : context.clock.now() + result.retryAfterMs
      const detail = `the token endpoint answered ${result.status}`
      throw new ProviderUnavailable('provider_unavailable', { detail, retryAt }, voice)
    }
    case 'lost':
      throw new ProviderUnavailable(
        'provider_unavailable',
        { detail: result.detail, outcome: result.outcome, cause: result.cause },
        voice,
      )
  }
}
