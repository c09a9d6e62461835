import type { DecisionKind, DecisionReason } from '../../src/trust/decision.ts'

/** What the subject of a decision reads. `reasons` are whole sentences. */
export type TrustTexts = {
  reasons: Record<DecisionReason, string>
  kinds: Record<DecisionKind, string>
  /** In place of words by the person who decided. */
  noText: string
  /** Follows the outcome where nobody else could review. */
  sameReviewer: string
}

export const trust: TrustTexts = {
  reasons: {
    policy_violation: 'The account was used in a way that the usage policy does not allow.',
    bulk_registration: 'The account looks like one of many that were registered together.',
    shared_key: 'A key of the account is used by more people or places than it was made for.',
    leaked_key: 'A key of the account became public.',
    api_abuse: 'The API was called in a way that harms the service or others.',
    payment_trouble: 'A payment was disputed or could not be collected.',
    security_concern: 'Something suggests that somebody else controls the account.',
    other: 'A reason of its own, described below.',
  },
  kinds: {
    warn: 'Warning',
    limit: 'Account limited',
    suspend: 'Account suspended',
    close: 'Account closed',
  },
  noText: 'Nothing was added to the reason.',
  sameReviewer:
    'This appeal was reviewed by the person who took the decision, because this service has no other reviewer.',
}
