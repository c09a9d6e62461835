/**
 * `@latchkey/sdk`: sign in with any OAuth 2 or OpenID Connect provider, and stay signed in.
 *
 * This entry runs wherever `fetch` and Web Crypto do: browsers, edge, Node. Files, locks and the
 * loopback sign-in are in `@latchkey/sdk/node`; fake providers and bad networks for your own tests
 * in `@latchkey/sdk/testing`. Importing any of them touches neither network nor disk.
 */
export { mcpAuthProvider, openaiOptions } from './adapters/adapters.ts'
export {
  type Account,
  type AccountStatus,
  type Auth,
  type AuthOptions,
  createAuth,
} from './auth.ts'
export type {
  Binding,
  Credential,
  Death,
  DeathReason,
  JournalEntry,
  ProofKey,
  Revocation,
  TokenSet,
} from './credentials/credential.ts'
export type { DataKeyLimits } from './credentials/data-keys.ts'
export {
  type EnvelopeOptions,
  type EnvelopeSealer,
  envelopeSealer,
  type KeyService,
  type Owner,
} from './credentials/envelope.ts'
export { memoryStore } from './credentials/memory-store.ts'
export { keySealer, type SealContext, type Sealer } from './credentials/sealing.ts'
export type { CredentialStore, ProofKeys, Stored } from './credentials/store.ts'
export {
  AccountSuspended,
  ClockSkew,
  InsufficientScope,
  KeyServiceError,
  type KeyTrouble,
  LatchkeyError,
  type Outcome,
  ProviderMisconfigured,
  ProviderUnavailable,
  QuotaExhausted,
  RateLimited,
  RequestFailed,
  SignInFailed,
  type SignInReason,
  SignInRequired,
  StoreLocked,
  StoreUnavailable,
} from './errors/errors.ts'
export type { ErrorCode, Locale, Words } from './errors/messages.ts'
export type { AuthEvent, Listener } from './events.ts'
export type { FetchOptions } from './http/authorized-fetch.ts'
export type { Clock } from './platform/clock.ts'
export type { Random } from './platform/random.ts'
export { Secret } from './platform/secret.ts'
export type { Revoked } from './provider/grants.ts'
export { discover, endpoints, type Metadata, type Provider } from './provider/provider.ts'
export { providerMetadata, type Reach } from './provider/reach.ts'
export {
  type Registration,
  registerClient,
  registrationState,
  unregister,
} from './provider/register.ts'
export type { Fetch } from './provider/wire.ts'
export type { DeviceOptions, DevicePrompt } from './sign-in/device.ts'
export type { RedirectOptions, Transaction } from './sign-in/redirect.ts'
export { type TransactionCookies, transactionCookies } from './sign-in/transaction-cookie.ts'
export type { TokenOptions } from './tokens/demand.ts'
