import type { Actor } from '../audit/index.ts'
import { type ApiKey, hintOf, mintKey } from './api-key.ts'
import type { KeysContext } from './context.ts'

/** Longest time an old secret may live beside its successor. */
export const overlapSecondsMax = 30 * 24 * 3_600

/**
 * A new secret for the same key: id, settings, limits and history stay. The old secret works for
 * `overlapSeconds` more; 0 ends it now, which is right after a leak. An overlap already running is
 * never made longer. Null when the key is revoked or gone.
 */
export async function rotateKey(
  context: KeysContext,
  input: { key: ApiKey; overlapSeconds: number; actor: Actor },
): Promise<{ key: ApiKey; secret: string } | null> {
  const { key, overlapSeconds } = input
  const secret = mintKey(context.keyPrefix, key.type, context.random)
  const { digest, version } = context.keyring.mac('api-key', secret)
  const now = context.clock.now()
  const hint = hintOf(secret)
  const replaced = await context.database.transaction(async () => {
    const done = await context.store.replaceSecret(
      key.id,
      hint,
      { digest, pepperVersion: version, createdAt: now },
      now + overlapSeconds * 1_000,
    )
    if (done) await context.told(key, 'key.rotated', input.actor, { overlapSeconds, hint })
    return done
  })
  return replaced ? { key: { ...key, hint }, secret } : null
}
