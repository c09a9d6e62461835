import type { Account } from '../auth.ts'
import type { FetchOptions } from '../http/authorized-fetch.ts'
import type { Fetch } from '../provider/wire.ts'

/**
 * Options for `new OpenAI(…)`. Our `fetch` retries where that is safe, so the package's own retries
 * are switched off: it repeats POSTs whose outcome is unknown.
 */
export function openaiOptions(
  account: Account,
  options: { baseURL: string } & Partial<FetchOptions>,
): { baseURL: string; apiKey: () => Promise<string>; fetch: Fetch; maxRetries: 0 } {
  const { baseURL, ...rest } = options
  return {
    baseURL,
    apiKey: () => account.token(),
    fetch: account.fetch({ origins: [new URL(baseURL).origin], ...rest }),
    maxRetries: 0,
  }
}

/** The MCP TypeScript SDK's `AuthProvider`: a token for every request, a renewed one after 401. */
export function mcpAuthProvider(account: Account): {
  token(): Promise<string>
  onUnauthorized(): Promise<void>
} {
  let last: string | undefined
  return {
    async token() {
      last = await account.token()
      return last
    },
    async onUnauthorized() {
      if (last !== undefined) await account.token({ stale: last })
    },
  }
}
