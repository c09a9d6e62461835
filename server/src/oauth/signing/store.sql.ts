import type { Database } from '#platform/db/database.ts'
import type { KeyAge, SigningKeyState } from './rotation.ts'
import type { SigningAlg } from './signing-keys.ts'

type SigningKeyTable = {
  kid: string
  alg: string
  state: string
  public_jwk: string
  private_jwk: string
  created_at: number
  activated_at: number | null
  retired_at: number | null
}
type Tables = { oauth_signing_keys: SigningKeyTable }

export type StoredSigningKey = KeyAge & { publicJwk: string; privateJwkSealed: string }

/** Signing keys as they lie; the private part is sealed before it comes here. */
export function sqlSigningKeyStore(database: Database) {
  const db = database.tables<Tables>()
  return {
    /** Those that sign, will sign, or may still be asked for; oldest first. */
    async published(): Promise<StoredSigningKey[]> {
      const rows = await db.query
        .selectFrom('oauth_signing_keys')
        .selectAll()
        .orderBy('created_at')
        .execute()
      return rows.map((row) => ({
        kid: row.kid,
        alg: row.alg as SigningAlg, // `insert` alone writes this column
        publicJwk: row.public_jwk,
        privateJwkSealed: row.private_jwk,
        createdAt: row.created_at,
        state: row.state as SigningKeyState,
        activatedAt: row.activated_at,
        retiredAt: row.retired_at,
      }))
    },
    async insert(keys: readonly StoredSigningKey[]): Promise<void> {
      if (keys.length === 0) return
      await db.query
        .insertInto('oauth_signing_keys')
        .values(
          keys.map((key) => ({
            kid: key.kid,
            alg: key.alg,
            state: key.state,
            public_jwk: key.publicJwk,
            private_jwk: key.privateJwkSealed,
            created_at: key.createdAt,
            activated_at: key.activatedAt,
            retired_at: key.retiredAt,
          })),
        )
        .execute()
    },
    async move(kid: string, state: 'active' | 'retiring', now: number): Promise<void> {
      await db.query
        .updateTable('oauth_signing_keys')
        .set(state === 'active' ? { state, activated_at: now } : { state, retired_at: now })
        .where('kid', '=', kid)
        .execute()
    },
    async remove(kid: string): Promise<void> {
      await db.query.deleteFrom('oauth_signing_keys').where('kid', '=', kid).execute()
    },
  }
}
