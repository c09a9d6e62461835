import { type Clock, second } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import { remembered } from '#platform/events/remembered.ts'
import type { ClientKey } from '../apps/client-key.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'

/**
 * Public keys that count beside an app's own for as long as a test lasts, as a lent secret does. The
 * private half never leaves the browser that made it.
 */
export type LentKeys = {
  /** Those that count now. Asked whenever an app that proves itself by a key does anything. */
  of(clientId: string): Promise<readonly ClientKey[]>
  /** One a holder; the one before goes. Part of the caller's transaction. */
  lend(clientId: string, holder: string, key: ClientKey, lifeMs: number): Promise<void>
  takeBack(clientId: string, holder: string): Promise<void>
}

export type LentKeysDeps = { vault: ArtifactVault; database: Database; bus: EventBus; clock: Clock }

type Lent = { holder: string; key: ClientKey; until: number }

const model = 'InspectionKeys'
/** So many people test one app at once; beyond, the oldest key goes. */
const lentMax = 20
const rememberedMs = 30 * second

export function openLentKeys({ vault, database, bus, clock }: LentKeysDeps): LentKeys {
  const living = async (clientId: string): Promise<Lent[]> => {
    const found = await vault.find<{ lent: Lent[] }>(model, clientId)
    return (found?.payload.lent ?? []).filter(({ until }) => until > clock.now())
  }
  const known = remembered({ find: living, forMs: rememberedMs, max: 5_000, clock })
  bus.subscribe('client.changed', ({ clientId }) => known.forget(clientId))
  bus.subscribe('events.missed', known.forgetAll)

  const change = async (clientId: string, holder: string, more: Lent[]) => {
    await database.lock(`inspection-keys:${clientId}`)
    const others = (await living(clientId)).filter((one) => one.holder !== holder)
    const lent = [...others, ...more].slice(-lentMax)
    const lifeMs = Math.max(0, ...lent.map(({ until }) => until)) - clock.now()
    if (lent.length === 0) await vault.remove(model, clientId)
    else await vault.put(model, clientId, { lent }, { clientId }, lifeMs)
    database.afterCommit(() => bus.publish({ type: 'client.changed', clientId }))
  }
  return {
    async of(clientId) {
      const now = clock.now()
      const lent = (await known.get(clientId)) ?? []
      return lent.filter(({ until }) => until > now).map(({ key }) => key)
    },
    lend: (clientId, holder, key, lifeMs) =>
      change(clientId, holder, [{ holder, key, until: clock.now() + lifeMs }]),
    takeBack: (clientId, holder) => change(clientId, holder, []),
  }
}
