/** The steps a human may take here; `warn` changes nothing but is on record. */
export type DecisionKind = 'warn' | 'limit' | 'suspend' | 'close'

/** Stable codes; each has a sentence in `messages/`. */
export const decisionReasons = [
  'policy_violation',
  'bulk_registration',
  'shared_key',
  'leaked_key',
  'api_abuse',
  'payment_trouble',
  'security_concern',
  'other',
] as const
export type DecisionReason = (typeof decisionReasons)[number]
