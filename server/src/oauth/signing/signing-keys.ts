import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKeyInput,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Database } from '#platform/db/database.ts'
import { type StoredSigningKey, sqlSigningKeyStore } from './store.sql.ts'

type JsonWebKey = JsonWebKeyInput['key']
export type SigningAlg = 'ES256' | 'RS256'

export type SigningKey = {
  kid: string
  alg: SigningAlg
  publicKey: KeyObject
  /** For the engine alone; never leaves the process. */
  privateJwk: JsonWebKey & { kid: string; alg: SigningAlg; use: 'sig' }
}

/** ES256 signs everything; RS256 is on offer for ID tokens of clients that ask for it. */
const algs: readonly SigningAlg[] = ['ES256', 'RS256']
const generate = promisify(generateKeyPair)

/**
 * The installation's signing keys, made at the first start. Nodes that start together agree: who
 * takes the lock second finds the first one's keys and drops its own. Private parts are sealed.
 */
export async function loadSigningKeys(
  database: Database,
  keyring: Keyring,
  clock: Clock,
): Promise<SigningKey[]> {
  const store = sqlSigningKeyStore(database)
  let rows = await store.usable()
  const missing = algs.filter((alg) => !rows.some((row) => row.alg === alg))
  if (missing.length > 0) {
    const drafts = await Promise.all(missing.map((alg) => draft(alg, keyring, clock.now())))
    rows = await database.transaction(async () => {
      await database.lock('oauth-signing-keys')
      const present = await store.usable()
      await store.insert(drafts.filter(({ alg }) => !present.some((row) => row.alg === alg)))
      return store.usable()
    })
  }
  const keys = await Promise.all(
    rows.map(async (row): Promise<SigningKey> => {
      const { alg } = row
      const jwk = JSON.parse(
        await keyring.open(sealContext(row.kid), row.privateJwkSealed),
      ) as JsonWebKey
      const publicKey = createPublicKey(createPrivateKey({ key: jwk, format: 'jwk' }))
      return { kid: row.kid, alg, publicKey, privateJwk: { ...jwk, kid: row.kid, alg, use: 'sig' } }
    }),
  )
  return keys.sort((a, b) => algs.indexOf(a.alg) - algs.indexOf(b.alg))
}

const sealContext = (kid: string) => `oauth_signing_keys/${kid}/private_jwk`

async function draft(alg: SigningAlg, keyring: Keyring, now: number): Promise<StoredSigningKey> {
  const { privateKey, publicKey } =
    alg === 'ES256'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: 2048 })
  const publicJwk = publicKey.export({ format: 'jwk' })
  const kid = thumbprint(publicJwk)
  return {
    kid,
    alg,
    publicJwk: JSON.stringify(publicJwk),
    privateJwkSealed: await keyring.seal(
      sealContext(kid),
      JSON.stringify(privateKey.export({ format: 'jwk' })),
    ),
    createdAt: now,
  }
}

/** RFC 7638: the required members in lexical order. */
function thumbprint(jwk: JsonWebKey): string {
  const members =
    jwk.kty === 'EC'
      ? { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }
      : { e: jwk.e, kty: jwk.kty, n: jwk.n }
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}
