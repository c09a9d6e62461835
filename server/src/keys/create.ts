import type { Actor } from '../audit/index.ts'
import { type ApiKey, hintOf, type KeySettings, type KeyType, mintKey } from './api-key.ts'
import type { KeysContext } from './context.ts'

export type CreateKey = {
  organizationId: string
  projectId: string
  accountId: string
  type: KeyType
  settings: KeySettings
  actor: Actor
}

/** A new key and its secret. This return value is the only place where the secret ever is. */
export async function createKey(
  context: KeysContext,
  input: CreateKey,
): Promise<{ key: ApiKey; secret: string }> {
  const secret = mintKey(context.keyPrefix, input.type, context.random)
  const { digest, version } = context.keyring.mac('api-key', secret)
  const now = context.clock.now()
  const key: ApiKey = {
    id: context.ids('key'),
    organizationId: input.organizationId,
    projectId: input.projectId,
    accountId: input.accountId,
    type: input.type,
    hint: hintOf(secret),
    ...input.settings,
    state: 'active',
    stateReason: null,
    createdAt: now,
    lastUsedAt: null,
  }
  await context.database.transaction(async () => {
    await context.store.insert(key, { digest, pepperVersion: version, createdAt: now })
    await context.told(key, 'key.created', input.actor, { hint: key.hint, scopes: key.scopes })
  })
  return { key, secret }
}
