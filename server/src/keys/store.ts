import type { ApiKey, KeySettings, KeyState, KeyStateReason, KnownKey } from './api-key.ts'

/** Only digests of secrets come in here; a dump of it holds no key. */
export type KeyStore = {
  insert(key: ApiKey, secret: StoredSecret): Promise<void>
  find(id: string): Promise<ApiKey | null>
  /** By any of the digests a secret may be stored under; one indexed read. Ended secrets are found too. */
  findByDigest(digests: readonly string[]): Promise<KnownKey | null>
  /** Newest first, revoked ones left out. */
  listOfProject(projectId: string, page: { after: string | null; limit: number }): Promise<ApiKey[]>
  listOfAccount(accountId: string): Promise<ApiKey[]>
  /** Names of keys, also of revoked ones, for lists that mention them. */
  names(ids: readonly string[]): Promise<Map<string, string>>
  /** Not for revoked keys: 0 rows then. Returns whether the row was there. */
  update(id: string, settings: Partial<KeySettings>, at: number): Promise<boolean>
  /** Moves the state unless the key is revoked, which is the end. */
  setState(
    id: string,
    to: { state: KeyState; reason: KeyStateReason | null },
    at: number,
  ): Promise<boolean>
  /** Puts a new secret in place and lets those that live on end at `oldUntil`, or earlier if they did. */
  replaceSecret(id: string, hint: string, secret: StoredSecret, oldUntil: number): Promise<boolean>
  /** One statement for many keys; never moves a time backwards. */
  touch(uses: ReadonlyMap<string, number>): Promise<void>
}

export type StoredSecret = { digest: string; pepperVersion: number; createdAt: number }
