import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'

/** An app's server that is told of sign-outs, on this machine: `LATCHKEY_LOOPBACK_FETCH=allow`. */
export type RelyingParty = {
  /** For `backchannel_logout_uri`. */
  uri: string
  /** Every logout token that came, also those it answered with an error. */
  tokens: string[]
  /** What it answers from now on; `null`: nothing, ever. */
  answer(status: number | null): void
  /** Ends what it has not answered. */
  hangUp(): void
  [Symbol.asyncDispose](): Promise<void>
}

export async function relyingParty(): Promise<RelyingParty> {
  const tokens: string[] = []
  let status: number | null = 200
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString())
      const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded'
      tokens.push(isForm ? (form.get('logout_token') ?? '') : 'not a form')
      if (status !== null) response.writeHead(status, { 'cache-control': 'no-store' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    uri: `http://127.0.0.1:${port}/backchannel`,
    tokens,
    answer(next) {
      status = next
    },
    hangUp: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/**
 * As OpenID Connect Back-Channel Logout 1.0 section 2.6 tells an app to check it, by jose and with
 * nothing but the issuer; throws when anything is wrong.
 */
export async function verifyLogoutToken(
  origin: string,
  clientId: string,
  token: string | undefined,
  now: number,
): Promise<JWTPayload & { sid?: string }> {
  const discovery = await fetch(`${origin}/.well-known/openid-configuration`)
  const { issuer, jwks_uri } = (await discovery.json()) as { issuer: string; jwks_uri: string }
  const { payload } = await jwtVerify(token ?? '', createRemoteJWKSet(new URL(jwks_uri)), {
    issuer,
    audience: clientId,
    typ: 'logout+jwt',
    algorithms: ['ES256', 'RS256'],
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
    currentDate: new Date(now),
    maxTokenAge: 120,
  })
  const events = payload.events as Record<string, object | undefined>
  const event = events['http://schemas.openid.net/event/backchannel-logout']
  if (typeof event !== 'object') throw new Error('not a logout event')
  if ('nonce' in payload) throw new Error('a logout token has no nonce')
  if (!payload.sub && !payload.sid) throw new Error('of nobody')
  return payload
}
