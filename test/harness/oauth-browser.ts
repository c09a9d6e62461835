import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import type { Person } from './person.ts'

export type RegisteredApp = {
  client_id: string
  client_secret?: string
  redirect_uris: string[]
  scope: string
}

export const callback = 'https://app.example/callback'

export const registerApp = (person: Person, settings: object = {}): Promise<RegisteredApp> =>
  person.expect<RegisteredApp>(201, 'POST', '/api/apps', {
    name: 'Example App',
    redirect_uris: [callback],
    ...settings,
  })

/** openid-client, knowing nothing but the issuer, the client id and the secret. */
export const discover = (origin: string, app: RegisteredApp): Promise<oidc.Configuration> =>
  oidc.discovery(
    new URL(origin),
    app.client_id,
    undefined,
    app.client_secret ? oidc.ClientSecretBasic(app.client_secret) : oidc.None(),
    { execute: [oidc.allowInsecureRequests] },
  )

/** A browser that arrives from another site, follows our pages, and stops at the client's door. */
export async function arrive(person: Person, url: URL | string): Promise<string> {
  const start = await person.get<string>(String(url), { 'sec-fetch-site': 'cross-site' })
  if (start.status === 303) return start.headers.get('location') ?? ''
  assert.equal(start.status, 200, start.body)
  const target = /content="0;url=([^"]+)"/.exec(start.body)?.[1]
  assert.ok(target, 'the bounce page names its target')
  return follow(person, target)
}

/** From our own page on: where the browser is sent. */
export async function follow(person: Person, path: string): Promise<string> {
  const answer = await person.get<string>(path, { 'sec-fetch-site': 'same-origin' })
  return answer.headers.get('location') ?? `${answer.status}`
}

/** Arrives, allows (or denies) where asked, and returns the URL at the client. */
export async function authorize(
  person: Person,
  url: URL | string,
  decision: 'allow' | 'deny' = 'allow',
): Promise<URL> {
  const where = await arrive(person, url)
  const tx = /^\/consent\?tx=([^&]+)/.exec(where)?.[1]
  if (!tx) return new URL(where)
  const answer = await person.expect<{ redirect_to: string }>(
    200,
    'POST',
    `/api/oauth/transactions/${tx}/decision`,
    { decision },
  )
  return new URL(await follow(person, answer.redirect_to))
}

export type Attempt = { url: URL; verifier: string; state: string; nonce: string }

export async function attempt(
  config: oidc.Configuration,
  parameters: Record<string, string> = {},
): Promise<Attempt> {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const scope = parameters.scope ?? 'openid profile email offline_access models:read chat:write'
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...(scope.includes('openid') ? { nonce } : {}),
    ...parameters,
    scope,
  })
  return { url, verifier, state, nonce }
}

/** What an app posts for the code it came back with, where a test wants no library between. */
export const codeGrant = (back: URL, { verifier }: Pick<Attempt, 'verifier'>) => ({
  grant_type: 'authorization_code',
  code: back.searchParams.get('code') ?? '',
  code_verifier: verifier,
  redirect_uri: callback,
})

export const redeem = (
  config: oidc.Configuration,
  back: URL,
  { url, verifier, state, nonce }: Attempt,
) =>
  oidc.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    ...(url.searchParams.has('nonce') ? { expectedNonce: nonce, idTokenExpected: true } : {}),
  })

/** The whole way, for tests about what comes after. */
export async function signIn(
  config: oidc.Configuration,
  person: Person,
  parameters: Record<string, string> = {},
) {
  const started = await attempt(config, parameters)
  return redeem(config, await authorize(person, started.url), started)
}
