import type { OAuthApp } from '../../api/schema.ts'
import { type AppKey, assertionFields } from './assertion.ts'
import type { PageKey } from './signing.ts'
import type { Field, WireRequest } from './wire.ts'

/** What the person chose for this run. The secret lives in the memory of this page alone. */
export type Setup = {
  app: OAuthApp
  /** The issuer; every address is built from it. */
  origin: string
  redirectUri: string
  secret: string
  /** Of an app that proves itself by a key: the one made for this test. */
  key: AppKey | null
  scopes: readonly string[]
  /** Sends the request ahead over a back channel (RFC 9126). */
  push: boolean
  /** As an older client does it: no PKCE. Only for apps that are registered so. */
  legacy: boolean
  /** Tokens are bound to a key of the app's (RFC 9449). */
  dpop: boolean
  model: string
}

/** What the app would keep between its requests. */
export type Held = {
  state: string
  nonce: string
  verifier: string
  challenge: string
  requestUri?: string | undefined
  code?: string | undefined
  /** The code was redeemed; presenting it again is a mistake worth seeing. */
  codeSpent?: boolean
  /** The browser's session here was ended by the app. */
  signedOut?: boolean
  accessToken?: string | undefined
  refreshToken?: string | undefined
  /** The one before, and when it was replaced. */
  spentRefreshToken?: string | undefined
  rotatedAt?: number | undefined
  idToken?: string | undefined
  deviceCode?: string | undefined
  userCode?: string | undefined
  verificationUri?: string | undefined
  /** For proofs of possession (RFC 9449 section 4.2). */
  proofKey?: PageKey
  /** What the server wants to find in the next proof, and the proof before it. */
  proofNonce?: string | undefined
  lastProof?: string | undefined
  lastAssertion?: string | undefined
  /** What an app of theirs sends, for the step that only checks it. */
  pasted?: readonly Field[]
}

export const mistakes = [
  'wrong_redirect',
  'no_pkce',
  'plain_pkce',
  'unknown_scope',
  'wrong_verifier',
  'no_verifier',
  'code_again',
  'wrong_secret',
  'broken_token',
  'no_proof',
  'old_proof',
  'wrong_key',
  'old_assertion',
  'wrong_audience',
  'no_hint',
] as const
export type Mistake = (typeof mistakes)[number]

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

const formType: Field = { name: 'content-type', value: 'application/x-www-form-urlencoded' }

export const field = (name: string, value: string): Field => ({ name, value })

/** RFC 6749 section 4.1.1 with PKCE (RFC 7636 section 4.3). */
export function authorizationParameters(
  setup: Setup,
  held: Held,
  mistake: Mistake | null,
): Field[] {
  const challenge = [
    field('code_challenge', mistake === 'plain_pkce' ? held.verifier : held.challenge),
    field('code_challenge_method', mistake === 'plain_pkce' ? 'plain' : 'S256'),
  ]
  return [
    field('response_type', 'code'),
    field('client_id', setup.app.client_id),
    field(
      'redirect_uri',
      mistake === 'wrong_redirect' ? `${setup.redirectUri}/` : setup.redirectUri,
    ),
    field('scope', scopeOf(setup, mistake)),
    field('state', held.state),
    ...(setup.scopes.includes('openid') ? [field('nonce', held.nonce)] : []),
    ...(setup.legacy || mistake === 'no_pkce' ? [] : challenge),
  ]
}

export const scopeOf = (setup: Setup, mistake: Mistake | null) =>
  [...setup.scopes, ...(mistake === 'unknown_scope' ? ['everything'] : [])].join(' ')

/** The last character becomes another one. */
export const altered = (text: string) => text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A')

/** The middle and not the end: the last character of base64url may say nothing. */
export const broken = (token: string, mistake: Mistake | null) => {
  if (mistake !== 'broken_token') return token
  const at = token.length >> 1
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

/** A form to an endpoint that knows the client, which proves itself as it is registered (RFC 6749 section 2.3). */
export function formTo(
  setup: Setup,
  path: string,
  fields: readonly Field[],
  mistake: Mistake | null,
): WireRequest {
  const { client_id: id, token_endpoint_auth_method: method } = setup.app
  const secret = mistake === 'wrong_secret' ? altered(setup.secret) : setup.secret
  const named = fields.some(({ name }) => name === 'client_id') ? [] : [field('client_id', id)]
  const basic = `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`
  return {
    method: 'POST',
    url: `${setup.origin}${path}`,
    query: [],
    headers: [
      ...(method === 'client_secret_basic' ? [field('authorization', basic)] : []),
      formType,
    ],
    form: [
      ...(method === 'client_secret_basic' ? [] : named),
      ...(method === 'client_secret_post' ? [field('client_secret', secret)] : []),
      // Signed anew when it is sent, for it counts once.
      ...(method === 'private_key_jwt' ? assertionFields('…') : []),
      ...fields,
    ],
    json: null,
    navigates: false,
  }
}

export const refreshWith = (setup: Setup, token: string | undefined, mistake: Mistake | null) =>
  formTo(
    setup,
    '/oauth/token',
    [field('grant_type', 'refresh_token'), field('refresh_token', broken(token ?? '', mistake))],
    mistake,
  )

export const bearer = (
  setup: Setup,
  held: Held,
  mistake: Mistake | null,
  method: 'GET' | 'POST',
  path: string,
  json: unknown,
): WireRequest => ({
  method,
  url: `${setup.origin}${path}`,
  query: [],
  headers: [
    field('authorization', `Bearer ${broken(held.accessToken ?? '', mistake)}`),
    ...(json === null ? [] : [field('content-type', 'application/json')]),
  ],
  form: null,
  json,
  navigates: false,
})
