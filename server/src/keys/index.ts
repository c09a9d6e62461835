/**
 * API keys: who made them, what they may do, when they end.
 *
 * States: `active ⇄ disabled → revoked`. A secret exists in clear only in the answer that made it;
 * the store has its HMAC under a pepper kept outside the database. Each change writes one audit line
 * in its transaction and publishes `key.changed` after commit, which evicts the gateway's policy and
 * stops running streams. This room counts nothing and admits nobody: limits and budgets are settings
 * here, the gateway enforces them.
 */
import type { Actor } from '../audit/index.ts'
import type { ApiKey, KeySettings, KeyState, KeyStateReason, KnownKey } from './api-key.ts'
import { changeKey, type StateRefusal, setKeyState } from './change.ts'
import { type KeysDependencies, keysContext } from './context.ts'
import { type CreateKey, createKey } from './create.ts'
import { rotateKey } from './rotate.ts'
import { sqlKeyStore } from './store.sql.ts'

export { isNetwork, networkTest, plainAddress } from './allowed-ips.ts'
export type { ApiKey, KeyBudget, KeyLimits, KeyState, KnownKey } from './api-key.ts'
export { looksLikeKey } from './api-key.ts'
export { keyExporter } from './export.ts'
export { keysRoutes } from './routes.ts'

export type Keys = {
  create(input: CreateKey): Promise<{ key: ApiKey; secret: string }>
  rotate(input: {
    key: ApiKey
    overlapSeconds: number
    actor: Actor
  }): Promise<{ key: ApiKey; secret: string } | null>
  change(input: {
    key: ApiKey
    settings: Partial<KeySettings>
    actor: Actor
  }): Promise<ApiKey | null>
  setState(input: {
    keyId: string
    to: KeyState
    reason: KeyStateReason | null
    actor: Actor
  }): Promise<{ ok: true; key: ApiKey } | { ok: false; reason: StateRefusal }>
  find(id: string): Promise<ApiKey | null>
  /** The key a presented secret belongs to, whatever its state; null when there is none. One read. */
  findBySecret(secret: string): Promise<KnownKey | null>
  /** The same by the stored digest, for re-reading what is already in use. */
  findByDigest(digest: string): Promise<KnownKey | null>
  listOfProject(projectId: string, page: { after: string | null; limit: number }): Promise<ApiKey[]>
  /** Keys an account answers for, newest first, revoked ones left out. */
  listOfAccount(accountId: string): Promise<ApiKey[]>
  names(ids: readonly string[]): Promise<Map<string, string>>
  /** Last use by key id, in milliseconds; one statement for all. */
  touch(uses: ReadonlyMap<string, number>): Promise<void>
}

export function createKeys(dependencies: KeysDependencies): Keys {
  const store = sqlKeyStore(dependencies.database)
  const context = keysContext(dependencies, store)
  return {
    create: (input) => createKey(context, input),
    rotate: (input) => rotateKey(context, input),
    change: (input) => changeKey(context, input),
    setState: (input) => setKeyState(context, input),
    find: store.find,
    findBySecret: (secret) =>
      store.findByDigest(
        context.keyring.macCandidates('api-key', secret).map(({ digest }) => digest),
      ),
    findByDigest: (digest) => store.findByDigest([digest]),
    listOfProject: store.listOfProject,
    listOfAccount: store.listOfAccount,
    names: store.names,
    touch: store.touch,
  }
}
