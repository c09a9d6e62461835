import type { Principal } from '#platform/http/access.ts'
import type { PendingLogout } from './pending.ts'

/** `leave`: nobody is signed in here, or not any more. */
export type LogoutStep = 'ask' | 'sign_out' | 'leave'

/**
 * Whom to ask (OpenID Connect RP-Initiated Logout 1.0 section 2): everybody, unless an ID token of
 * ours names the very sign-in of this browser. Only the app that got it can have it, so another site
 * cannot sign people out, and the app knows where they go on.
 */
export function logoutStep(input: {
  pending: PendingLogout
  principal: Principal | null
  /** The ID token is of this account and of a sign-in on this device that is not over. */
  signedInHere: boolean
}): LogoutStep {
  const { pending, principal, signedInHere } = input
  if (!principal || pending.decided) return 'leave'
  return signedInHere && pending.redirectUri !== null ? 'sign_out' : 'ask'
}

/**
 * Whether the browser goes on to the app without a press: after the person decided, or where an ID
 * token shows that the app knows them. Otherwise anybody who registers an app could use us to send
 * people to a page of theirs (RFC 9700 section 4.11.2).
 */
export const goesOnByItself = (pending: PendingLogout): boolean =>
  pending.redirectUri !== null && (pending.decided || pending.hint !== null)

/** Where the browser goes: the registered URI, to the byte, with `state` as it came. */
export function landing(pending: PendingLogout): string | null {
  const { redirectUri, state } = pending
  if (redirectUri === null || state === null) return redirectUri
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}state=${encodeURIComponent(state)}`
}
