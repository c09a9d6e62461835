import type { Binding } from './credentials/credential.ts'
import type { CredentialStore } from './credentials/store.ts'
import type { Voice } from './errors/errors.ts'
import type { Listeners } from './events.ts'
import type { Clock } from './platform/clock.ts'
import type { Random } from './platform/random.ts'
import type { ClientOptions } from './provider/client.ts'
import type { Proofs } from './provider/proofs.ts'
import type { Provider } from './provider/provider.ts'
import type { Wire } from './provider/wire.ts'

/** What the parts of one `Auth` share. */
export type Context = {
  provider: Provider
  client: ClientOptions
  scopes: string[]
  resource: string | null
  store: CredentialStore
  wire: Wire
  voice: Voice
  clock: Clock
  random: Random
  listeners: Listeners
  proofs: Proofs
  /** Whether new sign-ins bind their tokens to a key. */
  dpop: boolean
}

export const bindingOf = (context: Context, account: string): Binding => ({
  issuer: context.provider.issuer,
  clientId: context.client.clientId,
  account,
  resource: context.resource ?? '',
})
