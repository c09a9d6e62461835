/**
 * Where each name is defined. What it is for stands in the messages under the same name; a name that
 * is missing here is shown without an explanation.
 */
export const definedIn = {
  // requests
  response_type: 'RFC 6749 §3.1.1',
  client_id: 'RFC 6749 §2.2',
  client_secret: 'RFC 6749 §2.3.1',
  client_assertion_type: 'RFC 7521 §4.2',
  client_assertion: 'RFC 7523 §2.2',
  redirect_uri: 'RFC 6749 §3.1.2',
  post_logout_redirect_uri: 'OpenID Connect RP-Initiated Logout §2',
  id_token_hint: 'OpenID Connect RP-Initiated Logout §2',
  scope: 'RFC 6749 §3.3',
  state: 'RFC 6749 §10.12',
  nonce: 'OpenID Connect Core §3.1.2.1',
  code_challenge: 'RFC 7636 §4.2',
  code_challenge_method: 'RFC 7636 §4.3',
  code_verifier: 'RFC 7636 §4.1',
  request_uri: 'RFC 9126 §2.2',
  prompt: 'OpenID Connect Core §3.1.2.1',
  resource: 'RFC 8707 §2',
  grant_type: 'RFC 6749 §4',
  code: 'RFC 6749 §4.1.2',
  refresh_token: 'RFC 6749 §6',
  device_code: 'RFC 8628 §3.2',
  token: 'RFC 7662 §2.1',
  token_type_hint: 'RFC 7009 §2.1',
  authorization: 'RFC 6750 §2.1',
  'content-type': 'RFC 6749 App. B',
  dpop: 'RFC 9449 §4.1',
  model: 'OpenAI API',
  messages: 'OpenAI API',
  max_tokens: 'OpenAI API',
  // answers
  access_token: 'RFC 6749 §5.1',
  token_type: 'RFC 6749 §7.1',
  expires_in: 'RFC 6749 §5.1',
  refresh_in: 'Latchkey',
  id_token: 'OpenID Connect Core §2',
  iss: 'RFC 9207 §2',
  user_code: 'RFC 8628 §3.2',
  verification_uri: 'RFC 8628 §3.2',
  verification_uri_complete: 'RFC 8628 §3.3.1',
  interval: 'RFC 8628 §3.2',
  active: 'RFC 7662 §2.2',
  error: 'RFC 6749 §5.2',
  error_description: 'RFC 6749 §5.2',
  reason: 'Latchkey',
  help: 'Latchkey',
  // claims
  sub: 'RFC 7519 §4.1.2',
  aud: 'RFC 7519 §4.1.3',
  exp: 'RFC 7519 §4.1.4',
  iat: 'RFC 7519 §4.1.6',
  jti: 'RFC 7519 §4.1.7',
  sid: 'OpenID Connect Front-Channel §3',
  auth_time: 'OpenID Connect Core §2',
  amr: 'RFC 8176 §1',
  at_hash: 'OpenID Connect Core §3.1.3.6',
  name: 'OpenID Connect Core §5.1',
  email: 'OpenID Connect Core §5.1',
  email_verified: 'OpenID Connect Core §5.1',
  locale: 'OpenID Connect Core §5.1',
  grant_id: 'Latchkey',
  org_id: 'Latchkey',
  epoch: 'Latchkey',
  act_for: 'Latchkey',
  alg: 'RFC 7515 §4.1.1',
  kid: 'RFC 7515 §4.1.4',
  typ: 'RFC 9068 §2.1',
  jwk: 'RFC 7515 §4.1.3',
  htm: 'RFC 9449 §4.2',
  htu: 'RFC 9449 §4.2',
  ath: 'RFC 9449 §4.2',
  cnf: 'RFC 9449 §6.1',
} as const

export type ParameterName = keyof typeof definedIn

export const isExplained = (name: string): name is ParameterName => Object.hasOwn(definedIn, name)

/** What whoever reads along could use: hidden until the person asks to see it. */
const secrets: ReadonlySet<string> = new Set([
  'client_secret',
  'client_assertion',
  'id_token_hint',
  'authorization',
  'code',
  'code_verifier',
  'access_token',
  'refresh_token',
  'id_token',
  'token',
  'device_code',
])
export const isSecret = (name: string): boolean => secrets.has(name.toLowerCase())

/** A secret by its ends, so that two can be told apart; short ones not at all. */
export const masked = (value: string): string => {
  const [, scheme = '', rest = value] = /^(Basic |Bearer |DPoP )?(.*)$/s.exec(value) ?? []
  return scheme + (rest.length < 20 ? '••••••' : `${rest.slice(0, 4)}••••${rest.slice(-4)}`)
}
