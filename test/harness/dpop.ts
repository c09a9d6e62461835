import { generateKeyPairSync, hash, type KeyObject, randomUUID, sign } from 'node:crypto'

export type ProofParts = {
  header?: Record<string, unknown>
  claims?: Record<string, unknown>
  /** Signs instead of the holder's key. */
  key?: KeyObject
  signature?: string
}

/** A client's key, and proofs of possession by hand: also the wrong ones (RFC 9449 section 4.2). */
export type KeyHolder = {
  jwk: object
  jkt: string
  /** A proof for this request, unless `parts` say otherwise; `undefined` leaves a member out. */
  prove(
    method: string,
    url: string,
    more?: { token?: string; nonce?: string | null; at?: number } & ProofParts,
  ): string
}

export function keyHolder(): KeyHolder {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' })
  const { crv, kty, x, y } = jwk
  return {
    jwk,
    jkt: hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url'),
    prove(method, url, { token, nonce, at = Date.now(), header, claims, key, signature } = {}) {
      const head = { typ: 'dpop+jwt', alg: 'ES256', jwk, ...header }
      const body = {
        jti: randomUUID(),
        htm: method,
        htu: url,
        iat: Math.floor(at / 1_000),
        ...(token === undefined ? {} : { ath: hash('sha256', token, 'base64url') }),
        ...(nonce ? { nonce } : {}),
        ...claims,
      }
      const signed = `${encode(head)}.${encode(body)}`
      const bytes = sign('sha256', Buffer.from(signed), {
        key: key ?? privateKey,
        dsaEncoding: 'ieee-p1363',
      })
      return `${signed}.${signature ?? bytes.toString('base64url')}`
    },
  }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

export type Tokens = {
  status: number
  nonce: string | null
  access_token: string
  refresh_token?: string
  token_type?: string
  error?: string
  reason?: string
}

/** The token endpoint, asked with a proof; the nonce is fetched first, as clients do. */
export async function askWithProof(
  origin: string,
  holder: KeyHolder | null,
  form: Record<string, string>,
  options: { nonce?: string; at?: number; path?: string; address?: string } = {},
): Promise<Tokens> {
  const path = options.path ?? '/oauth/token'
  const ask = async (nonce: string | null): Promise<Tokens> => {
    const response = await fetch(`${options.address ?? origin}${path}`, {
      method: 'POST',
      headers: holder
        ? {
            dpop: holder.prove('POST', origin + path, {
              nonce,
              ...(options.at ? { at: options.at } : {}),
            }),
          }
        : {},
      body: new URLSearchParams(form),
    })
    return {
      status: response.status,
      nonce: response.headers.get('dpop-nonce'),
      ...((await response.json()) as { access_token: string }),
    }
  }
  const first = await ask(options.nonce ?? null)
  return first.error === 'use_dpop_nonce' && options.nonce === undefined ? ask(first.nonce) : first
}
