/**
 * `@latchkey/sdk/browser`: credentials in a browser profile, shared by all tabs and workers of an
 * origin without two of them spending the same refresh token.
 */
export { type BrowserStoreOptions, browserStore } from './browser-store.ts'
