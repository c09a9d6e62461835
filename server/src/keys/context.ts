import type { Clock } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import type { Ids, Random } from '#platform/ids/ids.ts'
import type { Actor, Audit } from '../audit/index.ts'
import type { ApiKey } from './api-key.ts'
import type { KeyStore } from './store.ts'

export type KeysDependencies = {
  clock: Clock
  random: Random
  ids: Ids
  keyring: Keyring
  database: Database
  bus: EventBus
  audit: Pick<Audit, 'append'>
  keyPrefix: string
}

/** What each verb of this room gets. */
export type KeysContext = KeysDependencies & {
  store: KeyStore
  /** Writes the audit line in the caller's transaction and, after commit, tells every room and node. */
  told(key: ApiKey, action: string, actor: Actor, detail: Record<string, unknown>): Promise<void>
}

export const keysContext = (dependencies: KeysDependencies, store: KeyStore): KeysContext => ({
  ...dependencies,
  store,
  async told(key, action, actor, detail) {
    await dependencies.audit.append({
      actor,
      action,
      subject: { kind: 'key', id: key.id, name: key.name },
      detail,
    })
    dependencies.database.afterCommit(() =>
      dependencies.bus.publish({
        type: 'key.changed',
        keyId: key.id,
        projectId: key.projectId,
        organizationId: key.organizationId,
      }),
    )
  },
})
