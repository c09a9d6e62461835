import { StoreLocked, StoreUnavailable, type Voice } from '../errors/errors.ts'
import { failureText } from '../provider/wire.ts'
import type { Binding, Credential, KeyPair } from './credential.ts'

/** What a store holds for a binding. `revision` grows with every save, also of an intent. */
export type Stored =
  | { state: 'present'; credential: Credential; revision: number }
  | { state: 'absent' }
  /** Something is there that cannot be opened or read. The way out is to sign in again. */
  | { state: 'damaged'; detail: string }

/**
 * Where credentials live. Everybody who may refresh the same credential uses one store, and the
 * store is what keeps them apart: `exclusive` covers read, redemption and save together, because a
 * lock around reads and writes alone lets two of them redeem the same refresh token.
 *
 * Every method may throw when the store is out of reach; that is never taken for "signed out".
 */
export type CredentialStore = {
  load(binding: Binding): Promise<Stored>
  /**
   * Durable once it resolves. Saves only over `revision` (null: over nothing or damage) and answers
   * the new revision, or null when somebody else saved in between; then nothing changed.
   */
  save(binding: Binding, credential: Credential, revision: number | null): Promise<number | null>
  /** Removes only that revision; `any` is for signing out. Answers whether something went. */
  remove(binding: Binding, revision: number | 'any'): Promise<boolean>
  /** The accounts that issuer and client have here, readable ones only. */
  list(of: { issuer: string; clientId: string; resource: string }): Promise<string[]>
  /**
   * Runs `work` while nobody else runs theirs for this binding. Gives the turn up when the process
   * dies. Rejects with the signal's reason if it is aborted before the turn comes.
   */
  exclusive<T>(binding: Binding, work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /**
   * Moves the seal of what is stored to the newest version of its key, without opening it. Answers
   * whether something was there. Absent where seals have no versions.
   */
  rewrap?(binding: Binding): Promise<boolean>
  /** Where the key to what is stored lies, where that is known; null when nothing is stored. */
  heldBy?(binding: Binding): Promise<'keychain' | 'file' | null>
  /**
   * Where keys can be kept as they are, for tokens that are bound to one. Without it the private key
   * is part of the credential.
   */
  proofKeys?: ProofKeys
  /** Tells when somebody else has saved or removed; answers how to stop listening. */
  changes?(listener: (binding: Binding) => void): () => void
  /** Tells about trouble that was worked around, once per change of state. */
  watch?(listener: (warning: StoreUnavailable) => void): void
}

/** Keys that may be used and not read out, by thumbprint. */
export type ProofKeys = {
  save(thumbprint: string, pair: KeyPair): Promise<void>
  load(thumbprint: string): Promise<KeyPair | null>
  remove(thumbprint: string): Promise<void>
}

/** What is stored, for somebody about to replace it: what is locked away counts as damage. */
export async function loadToReplace(
  store: Pick<CredentialStore, 'load'>,
  binding: Binding,
): Promise<Stored> {
  try {
    return await store.load(binding)
  } catch (error) {
    if (error instanceof StoreLocked) return { state: 'damaged', detail: error.code }
    throw error
  }
}

/** What a store threw, as the error its app shows: with the file, or SQLite's own words, to mend it by. */
export function storeError(error: unknown, voice: Voice): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error.speaking(voice) // it knows more than we do
  const { path, errstr } = (error ?? {}) as { path?: unknown; errstr?: unknown }
  const detail = [failureText(error), errstr, path].filter((part) => typeof part === 'string')
  return new StoreUnavailable(
    'store_unavailable',
    { detail: detail.join(' '), cause: error },
    voice,
  )
}
