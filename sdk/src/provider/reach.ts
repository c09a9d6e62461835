import type { Voice } from '../errors/errors.ts'
import type { Locale } from '../errors/messages.ts'
import { type Clock, systemClock } from '../platform/clock.ts'
import type { Metadata, Provider } from './provider.ts'
import { type Fetch, type Wire, wire } from './wire.ts'

/** How to get to a provider before there is a client, and in which language to complain. */
export type Reach = {
  /** Ends the wait; what the provider did meanwhile stays done. */
  signal?: AbortSignal
  locale?: Locale
  helpBase?: string
  /** For one call, body included. Default 10 000. */
  timeoutMs?: number
  fetch?: Fetch
  clock?: Clock
}

/** The provider's metadata, asked once: what it offers and where. */
export function providerMetadata(provider: Provider, reach: Reach = {}): Promise<Metadata> {
  const { wire, voice } = reaching(reach)
  return provider.metadata(wire, voice)
}

export function reaching(reach: Reach): { wire: Wire; voice: Voice; clock: Clock } {
  const clock = reach.clock ?? systemClock
  const signalled: Fetch = (input, init = {}) => {
    const signals = [init.signal, reach.signal].filter((signal) => signal != null)
    return (reach.fetch ?? fetch)(input, {
      ...init,
      ...(signals.length > 0 ? { signal: AbortSignal.any(signals) } : {}),
    })
  }
  return {
    wire: wire(signalled, clock, reach.timeoutMs ?? 10_000),
    voice: { locale: reach.locale ?? 'en', helpBase: reach.helpBase ?? null },
    clock,
  }
}
