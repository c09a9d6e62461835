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
import type { SigningKeyState } from './rotation.ts'
import { type StoredSigningKey, sqlSigningKeyStore } from './store.sql.ts'

type JsonWebKey = JsonWebKeyInput['key']
export type SigningAlg = 'ES256' | 'RS256'

export type SigningKey = {
  kid: string
  alg: SigningAlg
  state: SigningKeyState
  publicKey: KeyObject
  /** For the engine alone; never leaves the process. */
  privateJwk: JsonWebKey & { kid: string; alg: SigningAlg; use: 'sig' }
}

/** ES256 signs everything; RS256 is on offer for ID tokens of clients that ask for it. */
const algs: readonly SigningAlg[] = ['ES256', 'RS256']
const generate = promisify(generateKeyPair)

/** Whoever takes the first of an algorithm takes the one that signs. */
const order: readonly SigningKeyState[] = ['active', 'retiring', 'pending']

/**
 * The installation's published signing keys, made at the first start. Nodes that start together agree: who
 * takes the lock second finds the first one's keys and drops its own. Private parts are sealed.
 */
export async function loadSigningKeys(
  database: Database,
  keyring: Keyring,
  clock: Clock,
): Promise<SigningKey[]> {
  const store = sqlSigningKeyStore(database)
  const signs = (rows: readonly StoredSigningKey[], alg: SigningAlg) =>
    rows.some((row) => row.alg === alg && row.state === 'active')
  let rows = await store.published()
  const missing = algs.filter((alg) => !signs(rows, alg))
  if (missing.length > 0) {
    const drafts = await Promise.all(
      missing.map((alg) => draftSigningKey(alg, keyring, clock.now())),
    )
    rows = await database.transaction(async () => {
      await database.lock('oauth-signing-keys')
      const present = await store.published()
      await store.insert(drafts.filter(({ alg }) => !signs(present, alg)))
      return store.published()
    })
  }
  const keys = await Promise.all(
    rows.map(async (row): Promise<SigningKey> => {
      const { alg, state } = row
      const jwk = JSON.parse(
        await keyring.open(sealContext(row.kid), row.privateJwkSealed),
      ) as JsonWebKey
      const publicKey = createPublicKey(createPrivateKey({ key: jwk, format: 'jwk' }))
      return {
        kid: row.kid,
        alg,
        state,
        publicKey,
        privateJwk: { ...jwk, kid: row.kid, alg, use: 'sig' },
      }
    }),
  )
  return keys.sort(
    (a, b) =>
      order.indexOf(a.state) - order.indexOf(b.state) || algs.indexOf(a.alg) - algs.indexOf(b.alg),
  )
}

const sealContext = (kid: string) => `oauth_signing_keys/${kid}/private_jwk`

/** A new key, for signing at once; takes long enough to be made outside of a transaction. */
export async function draftSigningKey(
  alg: SigningAlg,
  keyring: Keyring,
  now: number,
): Promise<StoredSigningKey> {
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
    state: 'active',
    activatedAt: now,
    retiredAt: null,
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
