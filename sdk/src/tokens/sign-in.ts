import type { Binding, Credential, ProofKey, TokenSet } from '../credentials/credential.ts'
import { loadToReplace } from '../credentials/store.ts'
import { inscribe, type RenewDeps } from './renew.ts'

type Deps = Pick<RenewDeps, 'store' | 'clock' | 'by'> & {
  /** Drops the key of a sign-in that is over. */
  forget(key: ProofKey): Promise<void>
}

const forgetKey = async (deps: Deps, old: TokenSet | null, next: TokenSet | null) => {
  const key = old?.proofKey
  if (key && key.thumbprint !== next?.proofKey?.thumbprint) await deps.forget(key)
}

/**
 * Saves the set of a finished sign-in over whatever was there, in the store's turn. `saved` is called
 * in that turn, too.
 */
export function saveSignIn(
  deps: Deps,
  binding: Binding,
  tokens: TokenSet,
  saved: (credential: Credential) => void,
): Promise<void> {
  return deps.store.exclusive(binding, async () => {
    const before = await loadToReplace(deps.store, binding)
    const old = before.state === 'present' ? before.credential : null
    const draft: Credential = {
      binding,
      generation: (old?.generation ?? 0) + 1,
      tokens,
      intent: null,
      dead: null,
      journal: old?.journal ?? [],
    }
    const credential = await inscribe(deps, draft, 'signed-in')
    const revision = before.state === 'present' ? before.revision : null
    if ((await deps.store.save(binding, credential, revision)) === null)
      throw new Error('another process saved at the same moment')
    await forgetKey(deps, old?.tokens ?? null, tokens)
    saved(credential)
  })
}

/**
 * Lets `end` tell the provider, then removes the credential, whatever came of it. All in the store's
 * turn: nobody renews a sign-in that is being ended.
 */
export function endSignIn<T>(
  deps: Deps,
  binding: Binding,
  end: (tokens: TokenSet) => Promise<T>,
  removed: () => void,
): Promise<T | null> {
  return deps.store.exclusive(binding, async () => {
    const before = await loadToReplace(deps.store, binding)
    const ended = before.state === 'present' ? await end(before.credential.tokens) : null
    const tokens = before.state === 'present' ? before.credential.tokens : null
    await deps.store.remove(binding, 'any')
    await forgetKey(deps, tokens, null)
    removed()
    return ended
  })
}
