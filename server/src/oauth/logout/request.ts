import type { OAuthApp } from '../apps/app.ts'
import { isInspectorRedirect } from '../inspector/inspections.ts'
import type { IdTokenReader, SignInHint } from './id-token-hint.ts'

/** What an app asks when it sends a browser to sign out, once all of it was checked. */
export type LogoutRequest = {
  app: OAuthApp | null
  hint: SignInHint | null
  /** Where to go afterwards; registered by the app. */
  redirectUri: string | null
  state: string | null
}

export type LogoutRefusal =
  | 'repeated_parameter'
  | 'id_token_hint_invalid'
  | 'client_id_mismatch'
  | 'client_unknown'
  | 'client_id_missing'
  | 'post_logout_redirect_uri_unregistered'

export type LogoutReading =
  | { ok: true; request: LogoutRequest }
  | { ok: false; reason: LogoutRefusal }

const names = ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state'] as const

/**
 * OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3. A redirect URI is compared as a string
 * with what its app registered; without knowing the app there is nowhere to go back to. Parameters
 * we do not know are ignored, and an empty one counts as absent (RFC 6749 section 3.1).
 */
export async function readLogout(
  parameters: URLSearchParams,
  deps: {
    origin: string
    readIdToken: IdTokenReader
    lookUp(clientId: string): Promise<OAuthApp | null>
  },
): Promise<LogoutReading> {
  const refuse = (reason: LogoutRefusal): LogoutReading => ({ ok: false, reason })
  if (names.some((name) => parameters.getAll(name).length > 1)) return refuse('repeated_parameter')
  const given = (name: (typeof names)[number]) => parameters.get(name) || null

  const hintText = given('id_token_hint')
  const hint = hintText === null ? null : await deps.readIdToken(hintText)
  if (hintText !== null && !hint) return refuse('id_token_hint_invalid')

  const clientId = given('client_id') ?? hint?.clientId ?? null
  if (hint && clientId !== hint.clientId) return refuse('client_id_mismatch')
  const app = clientId === null ? null : await deps.lookUp(clientId)
  if (clientId !== null && !app) return refuse('client_unknown')

  const redirectUri = given('post_logout_redirect_uri')
  if (redirectUri !== null && !app) return refuse('client_id_missing')
  if (redirectUri !== null && !(app && mayReturn(app, redirectUri, deps.origin)))
    return refuse('post_logout_redirect_uri_unregistered')
  return { ok: true, request: { app, hint, redirectUri, state: given('state') } }
}

/** Also to the inspector's page of this very app: it is ours, and shows nothing of its address. */
const mayReturn = (app: OAuthApp, uri: string, origin: string): boolean =>
  app.postLogoutRedirectUris.includes(uri) || isInspectorRedirect(origin, app, uri)
