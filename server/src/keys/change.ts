import type { Actor } from '../audit/index.ts'
import type { ApiKey, KeySettings, KeyState, KeyStateReason } from './api-key.ts'
import type { KeysContext } from './context.ts'

/** Changes settings; what is left out stays. Null when the key is revoked or gone. */
export async function changeKey(
  context: KeysContext,
  input: { key: ApiKey; settings: Partial<KeySettings>; actor: Actor },
): Promise<ApiKey | null> {
  await context.database.transaction(async () => {
    const done = await context.store.update(input.key.id, input.settings, context.clock.now())
    if (done)
      await context.told(input.key, 'key.changed', input.actor, {
        fields: Object.keys(input.settings),
      })
  })
  const key = await context.store.find(input.key.id)
  return key?.state === 'revoked' ? null : key
}

export type StateRefusal = 'gone' | 'held_by_operator'

const actions = {
  active: 'key.enabled',
  disabled: 'key.disabled',
  revoked: 'key.revoked',
} as const satisfies Record<KeyState, string>

/**
 * Enables, disables or revokes. A key that an operator or a leak report disabled is enabled again by
 * an operator alone; its owner may still revoke it. Every node refuses it within a second.
 */
export async function setKeyState(
  context: KeysContext,
  input: { keyId: string; to: KeyState; reason: KeyStateReason | null; actor: Actor },
): Promise<{ ok: true; key: ApiKey } | { ok: false; reason: StateRefusal }> {
  return context.database.transaction(async () => {
    const key = await context.store.find(input.keyId)
    if (!key || key.state === 'revoked') return { ok: false, reason: 'gone' }
    const held = key.state === 'disabled' && key.stateReason !== 'owner'
    if (held && input.actor.kind === 'account' && input.to !== 'revoked')
      return { ok: false, reason: 'held_by_operator' }
    if (key.state === input.to) return { ok: true, key }
    const to = { state: input.to, reason: input.to === 'active' ? null : input.reason }
    if (!(await context.store.setState(key.id, to, context.clock.now())))
      return { ok: false, reason: 'gone' }
    await context.told(key, actions[input.to], input.actor, { reason: to.reason })
    return { ok: true, key: { ...key, state: to.state, stateReason: to.reason } }
  })
}
