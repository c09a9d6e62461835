import type { KeyObject } from 'node:crypto'
import { type Clock, second } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Database } from '#platform/db/database.ts'
import type { Audit } from '../../audit/index.ts'
import { dueSteps, type RotationStep } from './rotation.ts'
import { draftSigningKey, loadSigningKeys, type SigningKey } from './signing-keys.ts'
import { sqlSigningKeyStore } from './store.sql.ts'

export type KeyRing = {
  /** All that are published; of each algorithm the first is the one that signs. */
  all(): readonly SigningKey[]
  /** The key of an access token, when it is known here. */
  publicKey(kid: string): KeyObject | undefined
  /** Looks in the database for a key not known here, at most every ten seconds however often it is asked. */
  seek(kid: string): Promise<KeyObject | undefined>
  /** Does what is due and takes over what other nodes did; every node runs it every minute. */
  rotate(): Promise<void>
  /** Called after every change, before anything is signed with a new key. */
  onChange(listener: (keys: readonly SigningKey[]) => void): void
}

const seekEveryMs = 10 * second

/**
 * The signing keys of this node, following the database, where the nodes agree. A key is known to
 * every node a day before any of them signs with it, and for a day after the last has stopped, so
 * that a node that is a minute behind neither signs nor refuses wrongly.
 */
export async function openKeyRing(deps: {
  database: Database
  keyring: Keyring
  clock: Clock
  audit: Pick<Audit, 'append'>
}): Promise<KeyRing> {
  const { database, keyring, clock } = deps
  const store = sqlSigningKeyStore(database)
  const listeners: ((keys: readonly SigningKey[]) => void)[] = []
  let keys: readonly SigningKey[] = await loadSigningKeys(database, keyring, clock)
  let soughtAt = Number.NEGATIVE_INFINITY
  let seeking: Promise<void> | undefined

  const nameOf = (list: readonly SigningKey[]) =>
    list.map(({ kid, state }) => `${kid}:${state}`).join()

  const refresh = async () => {
    const found = await loadSigningKeys(database, keyring, clock)
    if (nameOf(found) === nameOf(keys)) return
    keys = found
    for (const listener of listeners) listener(keys)
  }
  const publicKey = (kid: string) =>
    keys.find((key) => key.kid === kid && key.alg === 'ES256')?.publicKey

  const take = async (
    step: RotationStep,
    drafts: Awaited<ReturnType<typeof draftSigningKey>>[],
  ) => {
    const now = clock.now()
    switch (step.kind) {
      case 'publish': {
        const draft = drafts.find(({ alg }) => alg === step.alg)
        if (draft) await store.insert([{ ...draft, state: 'pending', activatedAt: null }])
        return
      }
      case 'activate':
        await store.move(step.retire, 'retiring', now)
        await store.move(step.kid, 'active', now)
        await deps.audit.append({
          actor: { kind: 'system', name: 'oauth' },
          action: 'signing_key.rotated',
          subject: { kind: 'signing_key', id: step.kid, name: step.kid },
          detail: { before: step.retire },
        })
        return
      case 'forget':
        return store.remove(step.kid)
      default:
        return step satisfies never
    }
  }

  return {
    all: () => keys,
    publicKey,
    async seek(kid) {
      const now = clock.now()
      if (now - soughtAt >= seekEveryMs) {
        soughtAt = now
        seeking = refresh()
      }
      await seeking // also of whoever asked first
      return publicKey(kid)
    },
    async rotate() {
      const due = dueSteps(await store.published(), clock.now())
      if (due.length > 0) {
        const drafts = await Promise.all(
          due.flatMap((step) =>
            step.kind === 'publish' ? [draftSigningKey(step.alg, keyring, clock.now())] : [],
          ),
        )
        await database.transaction(async () => {
          await database.lock('oauth-signing-keys')
          // Asked again under the lock: another node may have been faster.
          for (const step of dueSteps(await store.published(), clock.now()))
            await take(step, drafts)
        })
      }
      await refresh()
    },
    onChange: (listener) => void listeners.push(listener),
  }
}
