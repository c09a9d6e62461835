import { base64url } from './pkce.ts'

export type PublicJwk = { kty: string; crv: string; x: string; y: string }

/** A key that cannot leave the browser: the page may sign with it and nobody may read it. */
export type PageKey = { pair: Awaited<ReturnType<typeof newPair>>; jwk: PublicJwk }

const newPair = () =>
  crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])

export async function newPageKey(): Promise<PageKey> {
  const pair = await newPair()
  const { x = '', y = '' } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  return { pair, jwk: { kty: 'EC', crv: 'P-256', x, y } }
}

/** A JWT by this key (RFC 7515 section 7.1); `alg` goes without saying. */
export async function signed({ pair }: PageKey, header: object, claims: object): Promise<string> {
  const part = (value: object) => base64url(new TextEncoder().encode(JSON.stringify(value)))
  const text = `${part({ ...header, alg: 'ES256' })}.${part(claims)}`
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const bytes = new TextEncoder().encode(text)
  const signature = await crypto.subtle.sign(algorithm, pair.privateKey, bytes)
  return `${text}.${base64url(new Uint8Array(signature))}`
}

export const secondsNow = () => Math.floor(Date.now() / 1_000)
