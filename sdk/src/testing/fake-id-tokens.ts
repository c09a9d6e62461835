import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** The id_tokens of a fake provider: ES256, under a key of its own. */
export class FakeIdTokens {
  #keys: { privateKey: KeyObject; publicKey: KeyObject } | null = null

  /** What its `jwks_uri` publishes. */
  jwks(): { keys: object[] } {
    const jwk = this.#pair().publicKey.export({ format: 'jwk' })
    return { keys: [{ ...jwk, kid: 'fake', use: 'sig', alg: 'ES256' }] }
  }

  issue(claims: Record<string, unknown>): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part({ alg: 'ES256', kid: 'fake', typ: 'JWT' })}.${part(claims)}`
    const key = this.#pair().privateKey
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
    return `${text}.${signature.toString('base64url')}`
  }

  #pair() {
    this.#keys ??= generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return this.#keys
  }
}
