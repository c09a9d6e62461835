/**
 * `@latchkey/sdk/testing`: what the SDK's own tests use, for yours. A clock you move, a provider as
 * strict as the strictest and as unreliable as you like, and a bad network in between. Needs Node.
 */
export {
  FakeProvider,
  type FakeProviderOptions,
  type Fault,
  type Redemption,
} from './fake-provider.ts'
export { FaultProxy, profiles, type Script, type Weather } from './fault-proxy.ts'
export { seededRandom, type VirtualClock, virtualClock } from './virtual-clock.ts'
