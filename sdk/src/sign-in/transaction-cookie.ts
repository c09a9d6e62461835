import type { SealContext, Sealer } from '../credentials/sealing.ts'
import { SignInFailed } from '../errors/errors.ts'
import type { Locale } from '../errors/messages.ts'
import { type Transaction, transactionLifeMs } from './redirect.ts'

/**
 * Carries a sign-in's transaction in the browser that began it. SameSite=Lax, because a Strict
 * cookie is not sent on the redirect back from the provider; sealed, because it holds the PKCE
 * verifier; one name per attempt, so that tabs do not disturb each other; ten minutes.
 *
 * Your session cookie after the sign-in may well be Strict.
 */
export type TransactionCookies = {
  /** The `Set-Cookie` value to send with the redirect to the provider. */
  begin(transaction: Transaction): Promise<string>
  /**
   * The transaction this callback belongs to, and the `Set-Cookie` value that uses it up. Rejects
   * with `SignInFailed` when this browser began no such sign-in.
   */
  finish(
    cookieHeader: string | null | undefined,
    callback: URL | string,
  ): Promise<{ transaction: Transaction; clear: string }>
}

export function transactionCookies(
  sealer: Sealer,
  /** `insecure` only for development over plain http. `locale`: the language of error texts. */
  options: { insecure?: boolean; locale?: Locale } = {},
): TransactionCookies {
  const name = (state: string) =>
    `${options.insecure ? '' : '__Host-'}lk_signin_${state.slice(0, 8)}`
  const place = (state: string): SealContext => ({
    owner: { purpose: 'sign-in' },
    text: `sign-in/${state}`,
  })
  const attributes = (maxAgeSeconds: number) =>
    `Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${options.insecure ? '' : '; Secure'}`
  const invalid = () =>
    new SignInFailed(
      'sign_in_invalid',
      { detail: 'this browser did not begin it' },
      { locale: options.locale ?? 'en', helpBase: null },
    )
  return {
    async begin(transaction) {
      const sealed = await sealer.seal(place(transaction.state), JSON.stringify(transaction))
      return `${name(transaction.state)}=${sealed}; ${attributes(transactionLifeMs / 1_000)}`
    },
    async finish(cookieHeader, callback) {
      const state = new URL(callback).searchParams.get('state') ?? ''
      const wanted = name(state)
      const pair = (cookieHeader ?? '')
        .split(';')
        .map((one) => one.trim())
        .find((one) => state !== '' && one.startsWith(`${wanted}=`))
      if (pair === undefined) throw invalid()
      let text: string
      try {
        text = await sealer.open(place(state), pair.slice(wanted.length + 1))
      } catch {
        throw invalid()
      }
      // Sealed by us for this very state: its shape is ours.
      const transaction = JSON.parse(text) as Transaction
      return { transaction, clear: `${wanted}=; ${attributes(0)}` }
    },
  }
}
