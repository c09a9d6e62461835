import type { Credential } from '../../../sdk/src/credentials/credential.ts'
import { loadToReplace } from '../../../sdk/src/credentials/store.ts'
import { memoryStore, type Revoked } from '../../../sdk/src/index.ts'
import type { Context } from '../command.ts'
import type { Chosen } from './choose.ts'
import { bindingOf, type Keep } from './keep.ts'
import { openSession } from './session.ts'

/** Removes the stored credential of an account and answers what it was, in nobody else's turn. */
export function takeAway(keep: Keep, chosen: Chosen): Promise<Credential | null> {
  const binding = bindingOf(chosen)
  return keep.store.exclusive(binding, async () => {
    const stored = await loadToReplace(keep.store, binding)
    await keep.store.remove(binding, 'any')
    return stored.state === 'present' ? stored.credential : null
  })
}

/** Ends a sign-in at the provider that is not, or no longer, in the store. Never throws. */
export async function endSignIn(
  keep: Keep,
  context: Context,
  chosen: Chosen,
  credential: Credential,
): Promise<Revoked> {
  const store = memoryStore()
  await store.save(bindingOf(chosen), { ...credential, binding: bindingOf(chosen) }, null)
  try {
    const { auth, account } = await openSession({ ...keep, store }, chosen, context)
    try {
      return await account.signOut()
    } finally {
      await auth.close()
    }
  } catch (error) {
    // A secret that is gone: without it the provider would not listen anyway.
    return { atProvider: 'refused', detail: error instanceof Error ? error.message : '' }
  }
}
