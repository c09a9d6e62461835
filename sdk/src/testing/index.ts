/**
 * `@latchkey/sdk/testing`: what the SDK's own tests use, for yours. A clock you move, a provider as
 * strict as the strictest and as unreliable as you like, a bad network in between, and key services
 * that are sealed, throttled or disabled when you say so. Needs Node.
 */
export { FakeKms, type KmsCall, type KmsFault } from './fake-kms.ts'
export {
  FakeProvider,
  type FakeProviderOptions,
  type Fault,
  type Redemption,
} from './fake-provider.ts'
export { FakeVault, type VaultCall } from './fake-vault.ts'
export { FaultProxy, profiles, type Script, type Weather } from './fault-proxy.ts'
export { seededRandom, type VirtualClock, virtualClock } from './virtual-clock.ts'
