import type { Database } from '#platform/db/database.ts'
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

export type StoredSigningKey = {
  kid: string
  alg: SigningAlg
  publicJwk: string
  privateJwkSealed: string
  createdAt: number
}

/** Signing keys as they lie; the private part is sealed before it comes here. */
export function sqlSigningKeyStore(database: Database) {
  const db = database.tables<Tables>()
  return {
    /** Those that sign or may still be asked for, oldest first. */
    async usable(): Promise<StoredSigningKey[]> {
      const rows = await db.query
        .selectFrom('oauth_signing_keys')
        .selectAll()
        .where('state', 'in', ['active', 'retiring'])
        .orderBy('created_at')
        .execute()
      return rows.map((row) => ({
        kid: row.kid,
        alg: row.alg as SigningAlg, // `insert` alone writes this column
        publicJwk: row.public_jwk,
        privateJwkSealed: row.private_jwk,
        createdAt: row.created_at,
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
            state: 'active',
            public_jwk: key.publicJwk,
            private_jwk: key.privateJwkSealed,
            created_at: key.createdAt,
            activated_at: key.createdAt,
            retired_at: null,
          })),
        )
        .execute()
    },
  }
}
