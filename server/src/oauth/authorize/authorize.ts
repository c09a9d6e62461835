import type { Principal } from '#platform/http/access.ts'
import { mayCall } from '../../accounts/index.ts'
import { alwaysAsks, type OAuthApp } from '../apps/app.ts'
import type { Refusal } from '../engine/engine.ts'
import type { Transaction } from './transaction.ts'

/** What a browser at `/oauth/tx/{id}` does next. */
export type NextStep =
  | { kind: 'sign_in' }
  | { kind: 'consent' }
  | { kind: 'finish' }
  | { kind: 'refuse'; refusal: Refusal }
  | { kind: 'suspended' }
  | { kind: 'other_account' }
  | { kind: 'not_inspecting' }

export type Facts = {
  transaction: Transaction
  app: OAuthApp
  principal: Principal | null
  /** Whether this account already allowed this client these scopes at this redirect host. */
  consented: boolean
  /** The answer would go to the inspector, which this person has not opened. */
  uninvited: boolean
  now: number
}

const refuse = (error: Refusal['error'], description: string): NextStep => ({
  kind: 'refuse',
  refusal: { kind: 'refused', error, description },
})

/**
 * The whole flow on one screen. `prompt=none` never shows a page; `prompt=login` and `max_age` want
 * a sign-in later than the request (OpenID Connect Core section 3.1.2.1); clients that nothing
 * vouches for are asked about every time.
 */
export function nextStep({
  transaction,
  app,
  principal,
  consented,
  uninvited,
  now,
}: Facts): NextStep {
  const { silent, prompts, maxAgeSeconds, expectedAccountId } = transaction
  const signIn = (): NextStep =>
    silent ? refuse('login_required', 'the person has to sign in') : { kind: 'sign_in' }

  if (!principal) return signIn()
  if (expectedAccountId !== null && principal.accountId !== expectedAccountId) return signIn()
  const afterRequest = principal.authenticatedAt >= transaction.createdAt
  if ((prompts.includes('login') || prompts.includes('select_account')) && !afterRequest)
    return signIn()
  if (maxAgeSeconds !== null && !afterRequest)
    if (now - principal.authenticatedAt > maxAgeSeconds * 1_000) return signIn()
  if (transaction.accountId !== null && transaction.accountId !== principal.accountId)
    return { kind: 'other_account' }
  if (uninvited) return { kind: 'not_inspecting' }
  if (!mayCall(principal.state))
    return silent
      ? refuse('access_denied', 'the account may not allow access now')
      : { kind: 'suspended' }
  if (transaction.decision === 'deny') return refuse('access_denied', 'the person said no')
  if (transaction.decision === 'allow') return { kind: 'finish' }
  if (consented && !prompts.includes('consent') && !alwaysAsks(app)) return { kind: 'finish' }
  return silent ? refuse('consent_required', 'the person has to be asked') : { kind: 'consent' }
}
